/* FreeBSD's error numbers and this host's, by name. */
#include <stdio.h>

#include <ktsim/base/errnoname.h>

#include "lib_priv.h"

static const struct {
	int freebsd;
	int host;
	const char *name;
} errors[] = {
#define E(n)                       \
	{                          \
		KTLSSIM_##n, n, #n \
	}
	E(EPERM),
	E(ENOENT),
	E(ESRCH),
	E(EIO),
	E(ENXIO),
	E(E2BIG),
	E(EBADF),
	E(EDEADLK),
	E(ENOMEM),
	E(EACCES),
	E(EFAULT),
	E(EBUSY),
	E(EEXIST),
	E(ENODEV),
	E(EINVAL),
	E(EMFILE),
	E(EFBIG),
	E(ENOSPC),
	E(EPIPE),
	E(ERANGE),
	E(EAGAIN),
	E(EINPROGRESS),
	E(EALREADY),
	E(ENOTSOCK),
	E(EMSGSIZE),
	E(ENOPROTOOPT),
	E(EPROTONOSUPPORT),
	E(EOPNOTSUPP),
	E(EAFNOSUPPORT),
	E(EADDRINUSE),
	E(EADDRNOTAVAIL),
	E(ENETDOWN),
	E(ENETUNREACH),
	E(ECONNABORTED),
	E(ECONNRESET),
	E(ENOBUFS),
	E(EISCONN),
	E(ENOTCONN),
	E(ESHUTDOWN),
	E(ETIMEDOUT),
	E(ECONNREFUSED),
	E(EHOSTDOWN),
	E(EHOSTUNREACH),
	E(EOVERFLOW),
	E(EBADMSG),
	E(EPROTO),
#undef E
	{ KTLSSIM_EDOOFUS, EIO, "EDOOFUS" },
};

ssize_t
lib_result(ssize_t r)
{
	if (r >= 0)
		return (r);
	for (size_t i = 0; i < nitems(errors); i++)
		if (errors[i].host == -r)
			return (-errors[i].freebsd);
	KASSERT(0, ("errno %s has no FreeBSD number", errno_name((int)-r)));
	return (-KTLSSIM_EDOOFUS);
}

const char *
ktlssim_errname(int error)
{
	static _Thread_local char unknown[24];

	if (error < 0)
		error = -error;
	for (size_t i = 0; i < nitems(errors); i++)
		if (errors[i].freebsd == error)
			return (errors[i].name);
	snprintf(unknown, sizeof(unknown), "E?%d", error);
	return (unknown);
}

int
ktlssim_host_errno(int error)
{
	if (error < 0)
		error = -error;
	for (size_t i = 0; i < nitems(errors); i++)
		if (errors[i].freebsd == error)
			return (errors[i].host);
	return (EIO);
}
