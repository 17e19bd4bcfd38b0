/*
 * Included before the first line of a program written for FreeBSD:
 *
 *   cc -include ktlssim/freebsd.h $(pkg-config --cflags --libs
 *      ktlssim-freebsd) prog.c
 *
 * It gives the program the names that FreeBSD's headers have and this host's
 * do not, and turns its calls on sockets, events, files, time and sysctls into
 * calls of a simulated kernel. Descriptors that are not the simulation's go
 * to the host as before, and errno is the host's number of the same name.
 *
 * The world is made at the first call, from the environment:
 *   KTLSSIM_SCENARIO=FILE   the world as a scenario. If it has hosts `client`
 *                           and `server`, sockets that bind live on `server`,
 *                           the others on `client`, and 127.0.0.1 (or ::1) is
 *                           the way to the server; else all are on the first.
 *   KTLSSIM_TRANSPORT=nic   two such hosts, joined by cards that encrypt;
 *                           otherwise one host with its loopback
 *   KTLSSIM_SEED=N          KTLSSIM_OUT=FOLDER (captures; must exist)
 *   KTLSSIM_DEFECT=NAME     a planted bug (`ktls-sim list defects`)
 * and judged when the program exits: a broken invariant is told on stderr and
 * makes the exit code 4.
 *
 * Functions are renamed in the object file, so pointers to them and members of
 * structures with the same names are right too. What libraries call (libssl on
 * a descriptor, stdio) is not: they talk to the host.
 */
#ifndef KTLSSIM_FREEBSD_H
#define KTLSSIM_FREEBSD_H

/* These two give the functions other names already. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <sys/cdefs.h>
#include <sys/types.h>

#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <netinet/in.h>

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- sys/cdefs.h, sys/param.h --- */
#ifndef __DECONST
#define __DECONST(type, var) ((type)(uintptr_t)(const void *)(var))
#endif
#ifndef __printflike
#define __printflike(f, a) __attribute__((format(printf, f, a)))
#endif
#ifndef __packed
#define __packed __attribute__((packed))
#endif
#ifndef __aligned
#define __aligned(x) __attribute__((aligned(x)))
#endif
#ifndef __dead2
#define __dead2 __attribute__((noreturn))
#endif
#ifndef __predict_true
#define __predict_true(x)  __builtin_expect(!!(x), 1)
#define __predict_false(x) __builtin_expect(!!(x), 0)
#endif
#ifndef __FBSDID
#define __FBSDID(s) struct __hack
#endif
#ifndef nitems
#define nitems(x) (sizeof(x) / sizeof((x)[0]))
#endif
#ifndef howmany
#define howmany(x, y) (((x) + ((y)-1)) / (y))
#endif
#ifndef roundup2
#define roundup2(x, y) (((x) + ((y)-1)) & ~((y)-1))
#endif
#ifndef INFTIM
#define INFTIM (-1)
#endif
#ifndef EDOOFUS
#define EDOOFUS EIO
#endif

/* There is no length in this host's addresses; the byte is padding here. */
#define sin_len sin_zero[0]

/* --- sys/socket.h --- */
#define MSG_TLSAPPDATA 0x00400000
#define SF_NODISKIO    0x00000001
struct sf_hdtr {
	struct iovec *headers;
	int hdr_cnt;
	struct iovec *trailers;
	int trl_cnt;
};
int sendfile(int, int, off_t, size_t, struct sf_hdtr *, off_t *, int);

/* --- the calls --- */
#define KTLSSIM_PRAGMA(x) _Pragma(#x)
#define KTLSSIM_MAP(name) \
	KTLSSIM_PRAGMA(redefine_extname name ktlssim_fbsd_##name)

KTLSSIM_MAP(socket)
KTLSSIM_MAP(bind)
KTLSSIM_MAP(listen)
KTLSSIM_MAP(accept)
KTLSSIM_MAP(accept4)
KTLSSIM_MAP(connect)
KTLSSIM_MAP(getsockname)
KTLSSIM_MAP(getpeername)
KTLSSIM_MAP(shutdown)
KTLSSIM_MAP(close)
KTLSSIM_MAP(fcntl)
KTLSSIM_MAP(ioctl)
KTLSSIM_MAP(open)
KTLSSIM_MAP(read)
KTLSSIM_MAP(readv)
KTLSSIM_MAP(write)
KTLSSIM_MAP(writev)
KTLSSIM_MAP(send)
KTLSSIM_MAP(sendto)
KTLSSIM_MAP(sendmsg)
KTLSSIM_MAP(recv)
KTLSSIM_MAP(recvfrom)
KTLSSIM_MAP(recvmsg)
KTLSSIM_MAP(sendfile)
KTLSSIM_MAP(setsockopt)
KTLSSIM_MAP(getsockopt)
KTLSSIM_MAP(poll)
KTLSSIM_MAP(ppoll)
KTLSSIM_MAP(select)
KTLSSIM_MAP(pselect)
KTLSSIM_MAP(kqueue)
KTLSSIM_MAP(kevent)
KTLSSIM_MAP(aio_write)
KTLSSIM_MAP(aio_error)
KTLSSIM_MAP(aio_return)
KTLSSIM_MAP(aio_suspend)
KTLSSIM_MAP(sysctlbyname)
KTLSSIM_MAP(getaddrinfo)
KTLSSIM_MAP(sleep)
KTLSSIM_MAP(usleep)
KTLSSIM_MAP(nanosleep)
KTLSSIM_MAP(clock_gettime)
KTLSSIM_MAP(gettimeofday)
KTLSSIM_MAP(time)
KTLSSIM_MAP(arc4random)
KTLSSIM_MAP(arc4random_buf)

#undef KTLSSIM_MAP

#endif
