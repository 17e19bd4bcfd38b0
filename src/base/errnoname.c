#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>

/* FreeBSD's preferred spelling first where two names share a number. */
static const struct {
	int value;
	const char *name;
	const char *text; /* as FreeBSD's strerror has it */
} errnos[] = {
	{ 0, "0", "No error" },
	{ EPERM, "EPERM", "Operation not permitted" },
	{ ENOENT, "ENOENT", "No such file or directory" },
	{ EINTR, "EINTR", "Interrupted system call" },
	{ EIO, "EIO", "Input/output error" },
	{ ENXIO, "ENXIO", "Device not configured" },
	{ E2BIG, "E2BIG", "Argument list too long" },
	{ ENOMEM, "ENOMEM", "Cannot allocate memory" },
	{ EACCES, "EACCES", "Permission denied" },
	{ EFAULT, "EFAULT", "Bad address" },
	{ EBUSY, "EBUSY", "Device busy" },
	{ EEXIST, "EEXIST", "File exists" },
	{ ENODEV, "ENODEV", "Operation not supported by device" },
	{ EINVAL, "EINVAL", "Invalid argument" },
	{ EFBIG, "EFBIG", "File too large" },
	{ ENOSPC, "ENOSPC", "No space left on device" },
	{ EPIPE, "EPIPE", "Broken pipe" },
	{ ERANGE, "ERANGE", "Result too large" },
	{ EAGAIN, "EAGAIN", "Resource temporarily unavailable" },
	{ EWOULDBLOCK, "EWOULDBLOCK", "Resource temporarily unavailable" },
	{ EINPROGRESS, "EINPROGRESS", "Operation now in progress" },
	{ EALREADY, "EALREADY", "Operation already in progress" },
	{ ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket" },
	{ EMSGSIZE, "EMSGSIZE", "Message too long" },
	{ ENOPROTOOPT, "ENOPROTOOPT", "Protocol not available" },
	{ EPROTONOSUPPORT, "EPROTONOSUPPORT", "Protocol not supported" },
	{ EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported" },
	{ ENOTSUP, "ENOTSUP", "Operation not supported" },
	{ EAFNOSUPPORT, "EAFNOSUPPORT",
	    "Address family not supported by protocol family" },
	{ EADDRINUSE, "EADDRINUSE", "Address already in use" },
	{ EADDRNOTAVAIL, "EADDRNOTAVAIL", "Can't assign requested address" },
	{ ENETDOWN, "ENETDOWN", "Network is down" },
	{ ENETUNREACH, "ENETUNREACH", "Network is unreachable" },
	{ ECONNABORTED, "ECONNABORTED", "Software caused connection abort" },
	{ ECONNRESET, "ECONNRESET", "Connection reset by peer" },
	{ ENOBUFS, "ENOBUFS", "No buffer space available" },
	{ EISCONN, "EISCONN", "Socket is already connected" },
	{ ENOTCONN, "ENOTCONN", "Socket is not connected" },
	{ ESHUTDOWN, "ESHUTDOWN", "Can't send after socket shutdown" },
	{ ETIMEDOUT, "ETIMEDOUT", "Operation timed out" },
	{ ECONNREFUSED, "ECONNREFUSED", "Connection refused" },
	{ EHOSTDOWN, "EHOSTDOWN", "Host is down" },
	{ EHOSTUNREACH, "EHOSTUNREACH", "No route to host" },
	{ ESRCH, "ESRCH", "No such process" },
	{ EPROTO, "EPROTO", "Protocol error" },
	{ EBADMSG, "EBADMSG", "Bad message" },
	{ EDEADLK, "EDEADLK", "Resource deadlock avoided" },
	{ EOVERFLOW, "EOVERFLOW", "Value too large to be stored in data type" },
};

const char *
errno_name(int error)
{
	static _Thread_local char unknown[16];

	for (size_t i = 0; i < nitems(errnos); i++)
		if (errnos[i].value == error)
			return (errnos[i].name);
	snprintf(unknown, sizeof(unknown), "E?%d", error);
	return (unknown);
}

int
errno_value(const char *name)
{
	for (size_t i = 0; i < nitems(errnos); i++)
		if (strcmp(errnos[i].name, name) == 0)
			return (errnos[i].value);
	return (-1);
}

const char *
errno_text(int error)
{
	for (size_t i = 0; i < nitems(errnos); i++)
		if (errnos[i].value == error)
			return (errnos[i].text);
	return ("unknown error");
}

const struct errno_cause errno_causes[] = {
#define ERRNO_CAUSE(name, where, text) { name, #name, where, text },
#include <ktsim/base/errno_causes.def>
#undef ERRNO_CAUSE
};
const unsigned errno_ncauses = nitems(errno_causes);
