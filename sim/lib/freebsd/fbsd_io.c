/* Data: reads and writes of every kind. */
#include <aio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fbsd_calls.h"

ssize_t
ktlssim_fbsd_read(int fd, void *buf, size_t len)
{
	if (!fbsd_is(fd))
		return (read(fd, buf, len));
	return (fbsd_result(ktlssim_read(fbsd_sim(), fd, buf, len)));
}

ssize_t
ktlssim_fbsd_readv(int fd, const struct iovec *iov, int cnt)
{
	if (!fbsd_is(fd))
		return (readv(fd, iov, cnt));
	return (fbsd_result(ktlssim_readv(fbsd_sim(), fd, iov, cnt)));
}

ssize_t
ktlssim_fbsd_write(int fd, const void *buf, size_t len)
{
	if (!fbsd_is(fd))
		return (write(fd, buf, len));
	return (fbsd_result(ktlssim_write(fbsd_sim(), fd, buf, len)));
}

ssize_t
ktlssim_fbsd_writev(int fd, const struct iovec *iov, int cnt)
{
	if (!fbsd_is(fd))
		return (writev(fd, iov, cnt));
	return (fbsd_result(ktlssim_writev(fbsd_sim(), fd, iov, cnt)));
}

ssize_t
ktlssim_fbsd_sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *sa, socklen_t salen)
{
	struct sockaddr_storage copy;

	if (!fbsd_is(fd))
		return (sendto(fd, buf, len, flags, sa, salen));
	sa = fbsd_addr_out(sa, salen, &copy);
	return (fbsd_result(
	    ktlssim_sendto(fbsd_sim(), fd, buf, len, flags, sa, salen)));
}

ssize_t
ktlssim_fbsd_send(int fd, const void *buf, size_t len, int flags)
{
	if (!fbsd_is(fd))
		return (send(fd, buf, len, flags));
	return (ktlssim_fbsd_sendto(fd, buf, len, flags, NULL, 0));
}

ssize_t
ktlssim_fbsd_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (!fbsd_is(fd))
		return (sendmsg(fd, msg, flags));
	return (fbsd_result(ktlssim_sendmsg(fbsd_sim(), fd, msg, flags)));
}

ssize_t
ktlssim_fbsd_recv(int fd, void *buf, size_t len, int flags)
{
	if (!fbsd_is(fd))
		return (recv(fd, buf, len, flags));
	return (fbsd_result(ktlssim_recv(fbsd_sim(), fd, buf, len, flags)));
}

/* A stream's peer is known: no address comes with the data. */
ssize_t
ktlssim_fbsd_recvfrom(int fd, void *buf, size_t len, int flags,
    struct sockaddr *sa, socklen_t *salen)
{
	if (!fbsd_is(fd))
		return (recvfrom(fd, buf, len, flags, sa, salen));
	if (salen != NULL)
		*salen = 0;
	return (ktlssim_fbsd_recv(fd, buf, len, flags));
}

ssize_t
ktlssim_fbsd_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (!fbsd_is(fd))
		return (recvmsg(fd, msg, flags));
	return (fbsd_result(ktlssim_recvmsg(fbsd_sim(), fd, msg, flags)));
}

/* FreeBSD's, which this host's C library does not have. */
int
ktlssim_fbsd_sendfile(int file, int fd, off_t off, size_t nbytes,
    const struct ktlssim_sf_hdtr *hdtr, off_t *sbytes, int flags)
{
	if (!fbsd_is(fd) || !fbsd_is(file)) {
		errno = fbsd_is(fd) ? EBADF : ENOTSOCK;
		return (-1);
	}
	return ((int)fbsd_result(ktlssim_sendfile(fbsd_sim(), file, fd, off,
	    nbytes, hdtr, sbytes, flags)));
}

/* --- aio: the host's control block, with the library's beside it --- */

struct fbsd_aio {
	struct fbsd_aio *next;
	const struct aiocb *user;
	struct ktlssim_aiocb cb;
};
static struct fbsd_aio *fbsd_aios;

static struct fbsd_aio *
fbsd_aio_find(const struct aiocb *user)
{
	struct fbsd_aio *a;

	for (a = fbsd_aios; a != NULL && a->user != user; a = a->next)
		;
	return (a);
}

static void
fbsd_aio_forget(struct fbsd_aio *gone)
{
	struct fbsd_aio **ap;

	for (ap = &fbsd_aios; *ap != gone; ap = &(*ap)->next)
		;
	*ap = gone->next;
	free(gone);
}

int
ktlssim_fbsd_aio_write(struct aiocb *user)
{
	struct fbsd_aio *a;
	int r;

	if (!fbsd_is(user->aio_fildes))
		return (aio_write(user));
	if ((a = calloc(1, sizeof(*a))) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	a->user = user;
	a->cb = (struct ktlssim_aiocb) { .aio_fildes = user->aio_fildes,
		.aio_buf = (const void *)user->aio_buf,
		.aio_nbytes = user->aio_nbytes };
	if ((r = ktlssim_aio_write(fbsd_sim(), &a->cb)) < 0) {
		free(a);
		return ((int)fbsd_result(r));
	}
	a->next = fbsd_aios;
	fbsd_aios = a;
	return (0);
}

int
ktlssim_fbsd_aio_error(const struct aiocb *user)
{
	struct fbsd_aio *a = fbsd_aio_find(user);
	int r;

	if (a == NULL)
		return (aio_error(user));
	r = ktlssim_aio_error(fbsd_sim(), &a->cb);
	return (r == 0 ? 0 : ktlssim_host_errno(r));
}

ssize_t
ktlssim_fbsd_aio_return(struct aiocb *user)
{
	struct fbsd_aio *a = fbsd_aio_find(user);
	ssize_t r;

	if (a == NULL)
		return (aio_return(user));
	r = ktlssim_aio_return(fbsd_sim(), &a->cb);
	if (r != -KTLSSIM_EINPROGRESS)
		fbsd_aio_forget(a);
	return (fbsd_result(r));
}

int
ktlssim_fbsd_aio_suspend(const struct aiocb *const list[], int n,
    const struct timespec *timeout)
{
	struct ktlssim_aiocb **cbs;
	struct fbsd_aio *a;
	int r;

	if (n <= 0) {
		errno = EINVAL;
		return (-1);
	}
	if ((cbs = calloc((size_t)n, sizeof(*cbs))) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	for (int i = 0; i < n; i++)
		if (list[i] != NULL && (a = fbsd_aio_find(list[i])) != NULL)
			cbs[i] = &a->cb;
	r = ktlssim_aio_suspend(fbsd_sim(), cbs, n, timeout);
	free(cbs);
	return ((int)fbsd_result(r));
}
