/*
 * libktlssim: the socket API of a simulated FreeBSD, over virtual time.
 *
 * A program opens a world, gets its hosts, and calls sockets on them as it
 * would in FreeBSD. Nothing happens between calls: a call that must wait runs
 * the simulation until it can return, so seconds of waiting cost nothing and
 * every run is the same. A call that can never return, because nothing is left
 * that could happen, answers EDEADLK.
 *
 *   struct ktlssim *sim;
 *   char *why;
 *   if (ktlssim_open(NULL, &sim, &why) != 0) ...
 *   struct ktlssim_host *h = ktlssim_host(sim, NULL);
 *   int s = ktlssim_socket(h, AF_INET, SOCK_STREAM, 0);
 *   ...
 *   ktlssim_close_world(sim, &report);
 *
 * Results are 0 or more; a failure is -KTLSSIM_Exxx, FreeBSD's number of the
 * error with the sign turned (this host's errno is not touched, and its
 * numbers differ). Types and constants of sockets are the ones of the host's
 * <sys/socket.h>, <netinet/in.h>, <poll.h>, <sys/uio.h> and <fcntl.h>; what
 * only FreeBSD has is defined here under its name with KTLSSIM_ in front and
 * has FreeBSD's value. NULL where something must be is EFAULT.
 *
 * Descriptors belong to the world, not to the process: they are only good for
 * these calls. A world is used by one thread at a time.
 *
 * An assertion of the simulated kernel that fails ends the world: the call, and
 * every later one, answers -KTLSSIM_EDOOFUS, and ktlssim_panic says what it was.
 * It is closed like any other, but the memory of its kernels stays taken.
 */
#ifndef KTLSSIM_H
#define KTLSSIM_H

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ktlssim;	     /* a world */
struct ktlssim_host; /* a host in it; lives as long as the world */

/* --- errors: FreeBSD's numbers (sys/errno.h) --- */
#define KTLSSIM_EPERM		1
#define KTLSSIM_ENOENT		2
#define KTLSSIM_ESRCH		3
#define KTLSSIM_EIO		5
#define KTLSSIM_ENXIO		6
#define KTLSSIM_E2BIG		7
#define KTLSSIM_EBADF		9
#define KTLSSIM_EDEADLK		11
#define KTLSSIM_ENOMEM		12
#define KTLSSIM_EACCES		13
#define KTLSSIM_EFAULT		14
#define KTLSSIM_EBUSY		16
#define KTLSSIM_EEXIST		17
#define KTLSSIM_ENODEV		19
#define KTLSSIM_EINVAL		22
#define KTLSSIM_EMFILE		24
#define KTLSSIM_EFBIG		27
#define KTLSSIM_ENOSPC		28
#define KTLSSIM_EPIPE		32
#define KTLSSIM_ERANGE		34
#define KTLSSIM_EAGAIN		35
#define KTLSSIM_EWOULDBLOCK	KTLSSIM_EAGAIN
#define KTLSSIM_EINPROGRESS	36
#define KTLSSIM_EALREADY	37
#define KTLSSIM_ENOTSOCK	38
#define KTLSSIM_EMSGSIZE	40
#define KTLSSIM_ENOPROTOOPT	42
#define KTLSSIM_EPROTONOSUPPORT 43
#define KTLSSIM_EOPNOTSUPP	45
#define KTLSSIM_EAFNOSUPPORT	47
#define KTLSSIM_EADDRINUSE	48
#define KTLSSIM_EADDRNOTAVAIL	49
#define KTLSSIM_ENETDOWN	50
#define KTLSSIM_ENETUNREACH	51
#define KTLSSIM_ECONNABORTED	53
#define KTLSSIM_ECONNRESET	54
#define KTLSSIM_ENOBUFS		55
#define KTLSSIM_EISCONN		56
#define KTLSSIM_ENOTCONN	57
#define KTLSSIM_ESHUTDOWN	58
#define KTLSSIM_ETIMEDOUT	60
#define KTLSSIM_ECONNREFUSED	61
#define KTLSSIM_EHOSTDOWN	64
#define KTLSSIM_EHOSTUNREACH	65
#define KTLSSIM_EOVERFLOW	84
#define KTLSSIM_EDOOFUS		88
#define KTLSSIM_EBADMSG		89
#define KTLSSIM_EPROTO		92

/* "EBADMSG" of KTLSSIM_EBADMSG or of its negative; "E?123" if there is none. */
const char *ktlssim_errname(int error);
/* This host's errno of the same name; EIO when it has none. */
int ktlssim_host_errno(int error);

/* --- the world --- */

struct ktlssim_params {
	/*
	 * The world as a scenario (docs/scenario.md): a file, or its text; at
	 * most one of them. Both NULL: one host, "localhost", two CPUs,
	 * 127.0.0.1 and ::1, with kern.ipc.tls.enable and
	 * kern.ipc.tls.ifnet.permitted set. Apps, timeline and capture of the
	 * scenario work as in `ktls-sim run`; its `until` does not count.
	 */
	const char *scenario_path;
	const char *scenario_text;
	uint64_t seed;	    /* 0: the scenario's */
	unsigned threads;   /* that encrypt, 0 to 64; no output depends on it */
	const char *outdir; /* an existing folder for captures; NULL: none */
	int first_fd;	    /* number of the first descriptor; 0: 3 */
	/* A planted bug (`ktls-sim list defects`): does your test find it? */
	const char *defect;
};

/*
 * NULL params: all defaults. Fails with EINVAL (scenario; *why has the
 * diagnostics) or the error of a file (*why names it). *why is malloced, and
 * NULL after success; why may be NULL.
 */
int ktlssim_open(const struct ktlssim_params *, struct ktlssim **, char **why);
/*
 * Close all descriptors, let everything end, look whether all invariants held
 * (docs: README, "what is always checked") and free the world. Returns how many
 * did not; *report (malloced, may be asked for with NULL) has a line for each,
 * and for a claim of the scenario that was not met. NULL: 0, nothing to close.
 */
int ktlssim_close_world(struct ktlssim *, char **report);
/* By name; NULL: the only or first host. NULL when there is none. */
struct ktlssim_host *ktlssim_host(struct ktlssim *, const char *name);
const char *ktlssim_host_name(const struct ktlssim_host *);
/* Its first address of the family (AF_INET, AF_INET6), port 0, that is not the
 * loopback's; else the loopback's. EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL. */
int ktlssim_host_addr(const struct ktlssim_host *, int family,
    struct sockaddr *, socklen_t);
/* Virtual time since the beginning, ns. */
uint64_t ktlssim_now(const struct ktlssim *);
/* What the beginning is on the calendar: seconds since 1970. */
uint64_t ktlssim_epoch(const struct ktlssim *);
/* Let so many ns pass. 0, or -EDOOFUS. */
int ktlssim_sleep(struct ktlssim *, uint64_t ns);
/* What the simulated kernel's assertion said; NULL: none failed. */
const char *ktlssim_panic(const struct ktlssim *);

/* --- descriptors --- */

/*
 * domain AF_INET or AF_INET6; type SOCK_STREAM, with SOCK_NONBLOCK and
 * SOCK_CLOEXEC if wanted; protocol 0 or IPPROTO_TCP. EAFNOSUPPORT,
 * EPROTONOSUPPORT, ENOBUFS, EMFILE (65536 descriptors).
 */
int ktlssim_socket(struct ktlssim_host *, int domain, int type, int protocol);
/*
 * Make a socket that nothing was done with the one of another host: for
 * programs that know only one machine. EISCONN: it is bound, connected or
 * listening, or has a TLS session or options of its own.
 */
int ktlssim_move(struct ktlssim *, int fd, struct ktlssim_host *);
int ktlssim_bind(struct ktlssim *, int fd, const struct sockaddr *, socklen_t);
/* EINVAL: connected, or a TLS session in either direction. */
int ktlssim_listen(struct ktlssim *, int fd, int backlog);
/* Waits for a connection unless non-blocking. flags: SOCK_NONBLOCK,
 * SOCK_CLOEXEC. EWOULDBLOCK, EINVAL not listening, ECONNABORTED. */
int ktlssim_accept4(struct ktlssim *, int fd, struct sockaddr *, socklen_t *,
    int flags);
/* EINPROGRESS non-blocking; ECONNREFUSED, ETIMEDOUT, EISCONN, EALREADY,
 * ENETUNREACH, EADDRNOTAVAIL, EOPNOTSUPP on a listener. */
int ktlssim_connect(struct ktlssim *, int fd, const struct sockaddr *,
    socklen_t);
int ktlssim_getsockname(struct ktlssim *, int fd, struct sockaddr *,
    socklen_t *);
int ktlssim_getpeername(struct ktlssim *, int fd, struct sockaddr *,
    socklen_t *);
/* how: SHUT_RD, SHUT_WR, SHUT_RDWR. ENOTCONN. */
int ktlssim_shutdown(struct ktlssim *, int fd, int how);
/* Any descriptor of these calls. What is queued is still sent. */
int ktlssim_close(struct ktlssim *, int fd);
/* F_GETFL, F_SETFL with O_NONBLOCK; others EINVAL. */
int ktlssim_fcntl(struct ktlssim *, int fd, int cmd, int arg);
/* Bytes that a read would give now (FIONREAD). */
int ktlssim_fionread(struct ktlssim *, int fd, int *bytes);

/* --- data ---
 * A blocking write returns when all was taken; a non-blocking one what there
 * was room for, EWOULDBLOCK for nothing. EPIPE, ENOTCONN, ECONNRESET, EINVAL
 * (zero bytes with a TLS session, but for TLS 1.0), and what happened to the
 * connection (EIO, ECONNABORTED, EBADMSG ...), told once.
 */
ssize_t ktlssim_write(struct ktlssim *, int fd, const void *, size_t);
ssize_t ktlssim_writev(struct ktlssim *, int fd, const struct iovec *, int);
/*
 * What is not connected is connected to the address (NULL: none, as write) and
 * the bytes wait for it; a connected socket does not look at it. flags: those
 * of sendmsg. EACCES the broadcast address; EAFNOSUPPORT a group; and
 * connect's errors. sendmsg does the same with msg_name.
 */
ssize_t ktlssim_sendto(struct ktlssim *, int fd, const void *, size_t,
    int flags, const struct sockaddr *, socklen_t);
/*
 * One control message of KTLSSIM_TLS_SET_RECORD_TYPE (a byte) makes the call
 * atomic: EMSGSIZE more than the buffer holds, EWOULDBLOCK nothing sent.
 * flags: MSG_DONTWAIT, MSG_EOR (EINVAL, as FreeBSD), MSG_NOSIGNAL (no signal
 * is ever raised).
 */
ssize_t ktlssim_sendmsg(struct ktlssim *, int fd, const struct msghdr *,
    int flags);
/*
 * With a receive session at most one record per call. flags: MSG_PEEK,
 * MSG_WAITALL, MSG_DONTWAIT, KTLSSIM_MSG_TLSAPPDATA (ENXIO before an alert).
 * 0 is end of file (or an empty record: then msg_controllen is not 0).
 */
ssize_t ktlssim_read(struct ktlssim *, int fd, void *, size_t);
ssize_t ktlssim_readv(struct ktlssim *, int fd, const struct iovec *, int);
ssize_t ktlssim_recv(struct ktlssim *, int fd, void *, size_t, int flags);
/* msg_flags: MSG_EOR, MSG_CTRUNC. */
ssize_t ktlssim_recvmsg(struct ktlssim *, int fd, struct msghdr *, int flags);

/* A file of the host's scenario, for sendfile. ENOENT. */
int ktlssim_open_file(struct ktlssim_host *, const char *path);
/* Its size and, for comparing, its bytes. EINVAL beyond the end. */
int ktlssim_file_read(struct ktlssim *, int fd, uint64_t off, void *, size_t);
/*
 * write(2) to it: its pages in memory change in place, also what sendfile has
 * queued of them and nobody has encrypted yet. The size stays: EINVAL beyond
 * the end.
 */
int ktlssim_file_write(struct ktlssim *, int fd, uint64_t off, const void *,
    size_t);
int64_t ktlssim_file_size(struct ktlssim *, int fd);
struct ktlssim_sf_hdtr {
	const struct iovec *headers;
	int hdr_cnt;
	const struct iovec *trailers;
	int trl_cnt;
};
#define KTLSSIM_SF_NODISKIO 0x00000001
/*
 * sendfile(2): nbytes 0 is to the end; *sbytes (may be NULL) is exact beside
 * an error too: EAGAIN non-blocking and no more room, EBUSY SF_NODISKIO and a
 * page is not in memory, EIO the disk. EINVAL: not a file, or off beyond 2^63.
 */
int ktlssim_sendfile(struct ktlssim *, int file, int fd, off_t off,
    size_t nbytes, const struct ktlssim_sf_hdtr *, off_t *sbytes, int flags);

/* --- options --- */

#define KTLSSIM_TCP_NOPUSH		 4
#define KTLSSIM_TCP_TXTLS_ENABLE	 39
#define KTLSSIM_TCP_TXTLS_MODE		 40
#define KTLSSIM_TCP_RXTLS_ENABLE	 41
#define KTLSSIM_TCP_RXTLS_MODE		 42
#define KTLSSIM_TCP_TLS_MODE_NONE	 0
#define KTLSSIM_TCP_TLS_MODE_SW		 1
#define KTLSSIM_TCP_TLS_MODE_IFNET	 2
#define KTLSSIM_TCP_TLS_MODE_TOE	 3
#define KTLSSIM_TLS_SET_RECORD_TYPE	 1
#define KTLSSIM_TLS_GET_RECORD		 2
#define KTLSSIM_MSG_TLSAPPDATA		 0x00400000
#define KTLSSIM_CRYPTO_SHA1_HMAC	 7
#define KTLSSIM_CRYPTO_AES_CBC		 11
#define KTLSSIM_CRYPTO_SHA2_256_HMAC	 18
#define KTLSSIM_CRYPTO_SHA2_384_HMAC	 19
#define KTLSSIM_CRYPTO_AES_NIST_GCM_16	 25
#define KTLSSIM_CRYPTO_CHACHA20_POLY1305 41

/* As sys/ktls.h. */
struct ktlssim_tls_enable {
	const uint8_t *cipher_key;
	const uint8_t *iv;
	const uint8_t *auth_key;
	int cipher_algorithm;
	int cipher_key_len;
	int iv_len;
	int auth_algorithm;
	int auth_key_len;
	int flags;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint8_t rec_seq[8];
};
struct ktlssim_tls_get_record {
	uint8_t tls_type;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint8_t pad;
	uint16_t tls_length; /* network order */
};

/*
 * SOL_SOCKET: SO_SNDBUF, SO_RCVBUF, SO_SNDLOWAT, SO_ERROR, SO_TYPE,
 * SO_ACCEPTCONN, KTLSSIM_SO_SPLICE, SO_REUSEADDR (accepted; a port in
 * TIME_WAIT stays taken).
 * IPPROTO_TCP: TCP_NODELAY and the KTLSSIM_TCP_* above. Others ENOPROTOOPT.
 * The errors of the TLS options: ktls(4), and `ktls-sim list errors`.
 */
int ktlssim_setsockopt(struct ktlssim *, int fd, int level, int name,
    const void *, socklen_t);
int ktlssim_getsockopt(struct ktlssim *, int fd, int level, int name, void *,
    socklen_t *);

/*
 * SO_SPLICE, level SOL_SOCKET: what arrives at the descriptor goes to sp_fd's
 * send buffer; sp_fd -1 ends it. sp_max: bytes, 0 any number; sp_idle: end it
 * after so long without a byte, zero never. It ends by itself at the source's
 * end of file, too. getsockopt: bytes moved (int64_t), also after the end.
 * EINVAL: sp_max negative, a listener, a TLS session in the buffer, another
 * host's socket; EBADF; ENOTSOCK; ENOTCONN: not connected, or not spliced; EBUSY: spliced
 * already. poll and kevent do not tell of the bytes; TLS cannot be enabled
 * where a splice is (EINVAL).
 */
#define KTLSSIM_SO_SPLICE 0x1023
struct ktlssim_splice {
	int sp_fd;
	int64_t sp_max;
	struct timeval sp_idle;
};

/*
 * "kern.ipc.tls.enable" and the like (`ktls-sim list sysctls`). *old (NULL: not
 * asked) is what it was. new NULL: only read. ENOENT, EPERM (read-only, or a
 * boot-time tunable), EINVAL.
 */
int ktlssim_sysctlbyname(struct ktlssim_host *, const char *name, uint64_t *old,
    const uint64_t *newval);

/* --- waiting --- */

/* POLLIN, POLLOUT, POLLHUP, POLLNVAL. timeout in ms of virtual time; negative:
 * none. */
int ktlssim_poll(struct ktlssim *, struct pollfd *, nfds_t, int timeout);
/* The same to the nanosecond; NULL: no limit. */
int ktlssim_ppoll(struct ktlssim *, struct pollfd *, nfds_t,
    const struct timespec *timeout);

/* sys/event.h; values as there. */
struct ktlssim_kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
};
#define KTLSSIM_EVFILT_READ  (-1)
#define KTLSSIM_EVFILT_WRITE (-2)
#define KTLSSIM_EV_ADD	     0x0001
#define KTLSSIM_EV_DELETE    0x0002
#define KTLSSIM_EV_ENABLE    0x0004
#define KTLSSIM_EV_DISABLE   0x0008
#define KTLSSIM_EV_ONESHOT   0x0010
#define KTLSSIM_EV_CLEAR     0x0020
#define KTLSSIM_EV_RECEIPT   0x0040
#define KTLSSIM_EV_DISPATCH  0x0080
#define KTLSSIM_EV_ERROR     0x4000
#define KTLSSIM_EV_EOF	     0x8000
#define KTLSSIM_NOTE_LOWAT   0x0001

int ktlssim_kqueue(struct ktlssim *);
/*
 * Filters of sockets. data: bytes to read, connections to accept, or room to
 * write; EV_EOF the other side has shut (fflags: its error). An error in a
 * change is an event with EV_ERROR if there is room, else the result: EBADF,
 * ENOENT (not registered), EINVAL (another filter). timeout NULL: none.
 */
int ktlssim_kevent(struct ktlssim *, int kq, const struct ktlssim_kevent *,
    int nchanges, struct ktlssim_kevent *, int nevents,
    const struct timespec *timeout);

/* --- asynchronous writes: aio(4) on sockets --- */
struct ktlssim_aiocb {
	int aio_fildes;
	const void *aio_buf; /* stays the caller's, untouched until done */
	size_t aio_nbytes;
	void *aio_private; /* the library's; NULL before the first use */
};
/* Queue it. EBADF, EALREADY: this one is queued already. */
int ktlssim_aio_write(struct ktlssim *, struct ktlssim_aiocb *);
/* 0 done, -EINPROGRESS, or how it failed. -EINVAL: never queued. */
int ktlssim_aio_error(struct ktlssim *, const struct ktlssim_aiocb *);
/* Its result, once: what write would have returned. -EINPROGRESS, -EINVAL. */
ssize_t ktlssim_aio_return(struct ktlssim *, struct ktlssim_aiocb *);
/* Wait until one of them is done; EAGAIN after the timeout (NULL: none). */
int ktlssim_aio_suspend(struct ktlssim *, struct ktlssim_aiocb *const *, int n,
    const struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif
