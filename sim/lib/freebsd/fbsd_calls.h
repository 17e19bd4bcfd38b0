/*
 * What the calls of a program become: each has the host's prototype, and
 * passes to the host what is not the simulation's.
 */
#ifndef FBSD_CALLS_H
#define FBSD_CALLS_H

#include <sys/select.h>
#include <sys/time.h>

#include <aio.h>
#include <netdb.h>

#include "fbsd_priv.h"

struct kevent;

int ktlssim_fbsd_socket(int, int, int);
int ktlssim_fbsd_bind(int, const struct sockaddr *, socklen_t);
int ktlssim_fbsd_listen(int, int);
int ktlssim_fbsd_accept(int, struct sockaddr *, socklen_t *);
int ktlssim_fbsd_accept4(int, struct sockaddr *, socklen_t *, int);
int ktlssim_fbsd_connect(int, const struct sockaddr *, socklen_t);
int ktlssim_fbsd_getsockname(int, struct sockaddr *, socklen_t *);
int ktlssim_fbsd_getpeername(int, struct sockaddr *, socklen_t *);
int ktlssim_fbsd_shutdown(int, int);
int ktlssim_fbsd_close(int);
int ktlssim_fbsd_fcntl(int, int, ...);
int ktlssim_fbsd_ioctl(int, unsigned long, ...);
int ktlssim_fbsd_open(const char *, int, ...);
ssize_t ktlssim_fbsd_read(int, void *, size_t);
ssize_t ktlssim_fbsd_readv(int, const struct iovec *, int);
ssize_t ktlssim_fbsd_write(int, const void *, size_t);
ssize_t ktlssim_fbsd_writev(int, const struct iovec *, int);
ssize_t ktlssim_fbsd_send(int, const void *, size_t, int);
ssize_t ktlssim_fbsd_sendto(int, const void *, size_t, int,
    const struct sockaddr *, socklen_t);
ssize_t ktlssim_fbsd_sendmsg(int, const struct msghdr *, int);
ssize_t ktlssim_fbsd_recv(int, void *, size_t, int);
ssize_t ktlssim_fbsd_recvfrom(int, void *, size_t, int, struct sockaddr *,
    socklen_t *);
ssize_t ktlssim_fbsd_recvmsg(int, struct msghdr *, int);
/* struct sf_hdtr is the library's structure under its own name. */
int ktlssim_fbsd_sendfile(int, int, off_t, size_t,
    const struct ktlssim_sf_hdtr *, off_t *, int);
int ktlssim_fbsd_setsockopt(int, int, int, const void *, socklen_t);
int ktlssim_fbsd_getsockopt(int, int, int, void *, socklen_t *);
int ktlssim_fbsd_poll(struct pollfd *, nfds_t, int);
int ktlssim_fbsd_ppoll(struct pollfd *, nfds_t, const struct timespec *,
    const sigset_t *);
int ktlssim_fbsd_pselect(int, fd_set *, fd_set *, fd_set *,
    const struct timespec *, const sigset_t *);
int ktlssim_fbsd_select(int, fd_set *, fd_set *, fd_set *, struct timeval *);
int ktlssim_fbsd_kqueue(void);
int ktlssim_fbsd_kevent(int, const struct kevent *, int, struct kevent *, int,
    const struct timespec *);
int ktlssim_fbsd_aio_write(struct aiocb *);
int ktlssim_fbsd_aio_error(const struct aiocb *);
ssize_t ktlssim_fbsd_aio_return(struct aiocb *);
int ktlssim_fbsd_aio_suspend(const struct aiocb *const[], int,
    const struct timespec *);
int ktlssim_fbsd_sysctlbyname(const char *, void *, size_t *, const void *,
    size_t);
int ktlssim_fbsd_getaddrinfo(const char *, const char *,
    const struct addrinfo *, struct addrinfo **);
unsigned ktlssim_fbsd_sleep(unsigned);
int ktlssim_fbsd_usleep(useconds_t);
int ktlssim_fbsd_nanosleep(const struct timespec *, struct timespec *);
int ktlssim_fbsd_clock_gettime(clockid_t, struct timespec *);
int ktlssim_fbsd_gettimeofday(struct timeval *, void *);
time_t ktlssim_fbsd_time(time_t *);
uint32_t ktlssim_fbsd_arc4random(void);
void ktlssim_fbsd_arc4random_buf(void *, size_t);
void hexdump(const void *, int, const char *, int);

#endif
