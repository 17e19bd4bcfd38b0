#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>

/* FreeBSD's preferred spelling first where two names share a number. */
static const struct {
	int value;
	const char *name;
} errnos[] = {
	{ 0, "0" },
	{ EPERM, "EPERM" },
	{ ENOENT, "ENOENT" },
	{ EINTR, "EINTR" },
	{ EIO, "EIO" },
	{ ENXIO, "ENXIO" },
	{ E2BIG, "E2BIG" },
	{ ENOMEM, "ENOMEM" },
	{ EACCES, "EACCES" },
	{ EFAULT, "EFAULT" },
	{ EBUSY, "EBUSY" },
	{ EEXIST, "EEXIST" },
	{ ENODEV, "ENODEV" },
	{ EINVAL, "EINVAL" },
	{ EFBIG, "EFBIG" },
	{ ENOSPC, "ENOSPC" },
	{ EPIPE, "EPIPE" },
	{ ERANGE, "ERANGE" },
	{ EAGAIN, "EAGAIN" },
	{ EWOULDBLOCK, "EWOULDBLOCK" },
	{ EINPROGRESS, "EINPROGRESS" },
	{ EALREADY, "EALREADY" },
	{ ENOTSOCK, "ENOTSOCK" },
	{ EMSGSIZE, "EMSGSIZE" },
	{ ENOPROTOOPT, "ENOPROTOOPT" },
	{ EPROTONOSUPPORT, "EPROTONOSUPPORT" },
	{ EOPNOTSUPP, "EOPNOTSUPP" },
	{ ENOTSUP, "ENOTSUP" },
	{ EAFNOSUPPORT, "EAFNOSUPPORT" },
	{ EADDRINUSE, "EADDRINUSE" },
	{ EADDRNOTAVAIL, "EADDRNOTAVAIL" },
	{ ENETDOWN, "ENETDOWN" },
	{ ENETUNREACH, "ENETUNREACH" },
	{ ECONNABORTED, "ECONNABORTED" },
	{ ECONNRESET, "ECONNRESET" },
	{ ENOBUFS, "ENOBUFS" },
	{ EISCONN, "EISCONN" },
	{ ENOTCONN, "ENOTCONN" },
	{ ESHUTDOWN, "ESHUTDOWN" },
	{ ETIMEDOUT, "ETIMEDOUT" },
	{ ECONNREFUSED, "ECONNREFUSED" },
	{ EHOSTDOWN, "EHOSTDOWN" },
	{ EHOSTUNREACH, "EHOSTUNREACH" },
	{ ESRCH, "ESRCH" },
	{ EPROTO, "EPROTO" },
	{ EBADMSG, "EBADMSG" },
	{ EDEADLK, "EDEADLK" },
	{ EOVERFLOW, "EOVERFLOW" },
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
