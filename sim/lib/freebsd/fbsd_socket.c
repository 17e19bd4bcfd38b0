/* Sockets: the calls by which a program makes and names them. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fbsd_calls.h"

int
ktlssim_fbsd_socket(int domain, int type, int protocol)
{
	if (domain != AF_INET && domain != AF_INET6)
		return (socket(domain, type, protocol));
	return ((int)fbsd_result(
	    ktlssim_socket(fbsd_client(), domain, type, protocol)));
}

int
ktlssim_fbsd_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_storage copy;

	if (!fbsd_is(fd))
		return (bind(fd, sa, len));
	/* What it was used for before, if anything, keeps it where it is. */
	(void)ktlssim_move(fbsd_sim(), fd, fbsd_server());
	sa = fbsd_addr_out(sa, len, &copy);
	return ((int)fbsd_result(ktlssim_bind(fbsd_sim(), fd, sa, len)));
}

int
ktlssim_fbsd_listen(int fd, int backlog)
{
	if (!fbsd_is(fd))
		return (listen(fd, backlog));
	(void)ktlssim_move(fbsd_sim(), fd, fbsd_server());
	return ((int)fbsd_result(ktlssim_listen(fbsd_sim(), fd, backlog)));
}

int
ktlssim_fbsd_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	socklen_t room = len != NULL ? *len : 0;
	int r;

	if (!fbsd_is(fd))
		return (accept4(fd, sa, len, flags));
	r = ktlssim_accept4(fbsd_sim(), fd, sa, len, flags);
	if (r >= 0)
		fbsd_addr_in(sa, &room);
	return ((int)fbsd_result(r));
}

int
ktlssim_fbsd_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	if (!fbsd_is(fd))
		return (accept(fd, sa, len));
	return (ktlssim_fbsd_accept4(fd, sa, len, 0));
}

int
ktlssim_fbsd_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_storage copy;

	if (!fbsd_is(fd))
		return (connect(fd, sa, len));
	sa = fbsd_addr_out(sa, len, &copy);
	return ((int)fbsd_result(ktlssim_connect(fbsd_sim(), fd, sa, len)));
}

int
ktlssim_fbsd_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room = len != NULL ? *len : 0;
	int r;

	if (!fbsd_is(fd))
		return (getsockname(fd, sa, len));
	if ((r = ktlssim_getsockname(fbsd_sim(), fd, sa, len)) == 0)
		fbsd_addr_in(sa, &room);
	return ((int)fbsd_result(r));
}

int
ktlssim_fbsd_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room = len != NULL ? *len : 0;
	int r;

	if (!fbsd_is(fd))
		return (getpeername(fd, sa, len));
	if ((r = ktlssim_getpeername(fbsd_sim(), fd, sa, len)) == 0)
		fbsd_addr_in(sa, &room);
	return ((int)fbsd_result(r));
}

int
ktlssim_fbsd_shutdown(int fd, int how)
{
	if (!fbsd_is(fd))
		return (shutdown(fd, how));
	return ((int)fbsd_result(ktlssim_shutdown(fbsd_sim(), fd, how)));
}

int
ktlssim_fbsd_close(int fd)
{
	if (!fbsd_is(fd))
		return (close(fd));
	return ((int)fbsd_result(ktlssim_close(fbsd_sim(), fd)));
}

/* The third argument, whether it was given or not: the host's calls do so. */
int
ktlssim_fbsd_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (!fbsd_is(fd))
		return (fcntl(fd, cmd, arg));
	return ((int)fbsd_result(ktlssim_fcntl(fbsd_sim(), fd, cmd, (int)arg)));
}

int
ktlssim_fbsd_ioctl(int fd, unsigned long req, ...)
{
	va_list ap;
	int *arg, fl;

	va_start(ap, req);
	arg = va_arg(ap, int *);
	va_end(ap);
	if (!fbsd_is(fd))
		return (ioctl(fd, req, arg));
	if (req == FIONREAD)
		return (
		    (int)fbsd_result(ktlssim_fionread(fbsd_sim(), fd, arg)));
	if (req != FIONBIO) {
		errno = ENOTTY;
		return (-1);
	}
	fl = ktlssim_fcntl(fbsd_sim(), fd, F_GETFL, 0);
	if (fl >= 0)
		fl = ktlssim_fcntl(fbsd_sim(), fd, F_SETFL,
		    *arg != 0 ? fl | O_NONBLOCK : fl & ~O_NONBLOCK);
	return ((int)fbsd_result(fl));
}

/* A file of the server's scenario if it has one of the name, else the host's. */
int
ktlssim_fbsd_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode, fd;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	if ((flags & O_ACCMODE) == O_RDONLY &&
	    (fd = ktlssim_open_file(fbsd_server(), path)) >= 0)
		return (fd);
	return (open(path, flags, mode));
}

/* --- options --- */

int
ktlssim_fbsd_setsockopt(int fd, int level, int name, const void *val,
    socklen_t len)
{
	if (!fbsd_is(fd))
		return (setsockopt(fd, level, name, val, len));
	return ((int)fbsd_result(
	    ktlssim_setsockopt(fbsd_sim(), fd, level, name, val, len)));
}

int
ktlssim_fbsd_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	int r, error;

	if (!fbsd_is(fd))
		return (getsockopt(fd, level, name, val, len));
	r = ktlssim_getsockopt(fbsd_sim(), fd, level, name, val, len);
	if (r == 0 && level == SOL_SOCKET && name == SO_ERROR &&
	    *len >= sizeof(error)) {
		memcpy(&error, val, sizeof(error));
		error = error != 0 ? ktlssim_host_errno(error) : 0;
		memcpy(val, &error, sizeof(error));
	}
	return ((int)fbsd_result(r));
}

/* --- names --- */

/*
 * Hosts of the scenario by their names, the rest as the host has it: found by
 * number, so that freeaddrinfo(3) can free it.
 */
int
ktlssim_fbsd_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	struct ktlssim_host *h =
	    node != NULL ? ktlssim_host(fbsd_sim(), node) : NULL;
	struct addrinfo numeric = { 0 };
	struct sockaddr_storage ss;
	char addr[64];

	if (h == NULL)
		return (getaddrinfo(node, service, hints, res));
	if (hints != NULL)
		numeric = *hints;
	if (ktlssim_host_addr(h,
		numeric.ai_family == AF_INET6 ? AF_INET6 : AF_INET,
		(struct sockaddr *)&ss, sizeof(ss)) != 0)
		return (EAI_NONAME);
	if (getnameinfo((struct sockaddr *)&ss, sizeof(ss), addr, sizeof(addr),
		NULL, 0, NI_NUMERICHOST) != 0)
		return (EAI_NONAME);
	numeric.ai_flags |= AI_NUMERICHOST;
	return (getaddrinfo(addr, service, &numeric, res));
}
