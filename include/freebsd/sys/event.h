/* kqueue(2) and kevent(2) over simulated sockets. */
#ifndef KTLSSIM_FREEBSD_SYS_EVENT_H
#define KTLSSIM_FREEBSD_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(kevp, a, b, c, d, e, f)                               \
	do {                                                         \
		*(kevp) = (struct kevent) { .ident = (uintptr_t)(a), \
			.filter = (short)(b),                        \
			.flags = (unsigned short)(c),                \
			.fflags = (unsigned)(d),                     \
			.data = (int64_t)(e),                        \
			.udata = (void *)(uintptr_t)(f) };           \
	} while (0)

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD	     0x0001
#define EV_DELETE    0x0002
#define EV_ENABLE    0x0004
#define EV_DISABLE   0x0008
#define EV_ONESHOT   0x0010
#define EV_CLEAR     0x0020
#define EV_RECEIPT   0x0040
#define EV_DISPATCH  0x0080
#define EV_ERROR     0x4000
#define EV_EOF	     0x8000

#define NOTE_LOWAT   0x0001

int kqueue(void);
int kevent(int, const struct kevent *, int, struct kevent *, int,
    const struct timespec *);

#endif
