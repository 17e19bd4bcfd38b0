/* Waiting, time, sysctls, and hexdump(3). */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <freebsd/sys/event.h>

#include "fbsd_calls.h"

/* --- poll, select --- */

static bool
fbsd_poll_ours(const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd >= 0 && fbsd_is(fds[i].fd))
			return (true);
	return (false);
}

int
ktlssim_fbsd_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	/* With nothing to look at it is a sleep: virtual. */
	if (n > 0 && !fbsd_poll_ours(fds, n))
		return (poll(fds, n, timeout));
	/* Time does not pass for both: a mixture shows ours, others as bad. */
	return ((int)fbsd_result(ktlssim_poll(fbsd_sim(), fds, n, timeout)));
}

int
ktlssim_fbsd_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *mask)
{
	if (n > 0 && !fbsd_poll_ours(fds, n))
		return (ppoll(fds, n, ts, mask));
	return ((int)fbsd_result(ktlssim_ppoll(fbsd_sim(), fds, n, ts)));
}

static short
fbsd_select_want(int fd, fd_set *r, fd_set *w)
{
	return ((short)((r != NULL && FD_ISSET(fd, r) ? POLLIN : 0) |
	    (w != NULL && FD_ISSET(fd, w) ? POLLOUT : 0)));
}

static int
fbsd_select_answer(const struct pollfd *fds, nfds_t n, fd_set *r, fd_set *w)
{
	int ready = 0;

	for (nfds_t i = 0; i < n; i++) {
		if ((fds[i].revents & POLLNVAL) != 0) {
			errno = EBADF;
			return (-1);
		}
		if ((fds[i].events & POLLIN) != 0 &&
		    (fds[i].revents & (POLLIN | POLLHUP)) != 0) {
			FD_SET(fds[i].fd, r);
			ready++;
		}
		if ((fds[i].events & POLLOUT) != 0 &&
		    (fds[i].revents & POLLOUT) != 0) {
			FD_SET(fds[i].fd, w);
			ready++;
		}
	}
	return (ready);
}

/* Is one of the host's asked for? */
static bool
fbsd_select_any(int nfds, fd_set *r, fd_set *w, fd_set *e)
{
	for (int fd = 0; fd < nfds && fd < FD_SETSIZE; fd++)
		if (fbsd_select_want(fd, r, w) != 0 ||
		    (e != NULL && FD_ISSET(fd, e)))
			return (true);
	return (false);
}

int
ktlssim_fbsd_pselect(int nfds, fd_set *r, fd_set *w, fd_set *e,
    const struct timespec *ts, const sigset_t *mask)
{
	struct pollfd fds[FD_SETSIZE];
	nfds_t n = 0;
	short want;
	int got;

	for (int fd = FBSD_FIRST_FD; fd < nfds && fd < FD_SETSIZE; fd++)
		if ((want = fbsd_select_want(fd, r, w)) != 0)
			fds[n++] = (struct pollfd) { fd, want, 0 };
	if (n == 0 && fbsd_select_any(nfds, r, w, e))
		return (pselect(nfds, r, w, e, ts, mask));
	got = ktlssim_ppoll(fbsd_sim(), fds, n, ts);
	if (got < 0)
		return ((int)fbsd_result(got));
	if (r != NULL)
		FD_ZERO(r);
	if (w != NULL)
		FD_ZERO(w);
	if (e != NULL)
		FD_ZERO(e);
	return (fbsd_select_answer(fds, n, r, w));
}

int
ktlssim_fbsd_select(int nfds, fd_set *r, fd_set *w, fd_set *e,
    struct timeval *tv)
{
	struct timespec ts;

	if (tv == NULL)
		return (ktlssim_fbsd_pselect(nfds, r, w, e, NULL, NULL));
	if (tv->tv_usec < 0 || tv->tv_usec > 999999) {
		errno = EINVAL;
		return (-1);
	}
	ts = (struct timespec) { tv->tv_sec, tv->tv_usec * 1000 };
	return (ktlssim_fbsd_pselect(nfds, r, w, e, &ts, NULL));
}

/* --- kqueue --- */

int
ktlssim_fbsd_kqueue(void)
{
	return ((int)fbsd_result(ktlssim_kqueue(fbsd_sim())));
}

static struct ktlssim_kevent *
fbsd_kevents_out(const struct kevent *ev, int n)
{
	struct ktlssim_kevent *out = calloc((size_t)n + 1, sizeof(*out));

	for (int i = 0; out != NULL && i < n; i++)
		out[i] = (struct ktlssim_kevent) { .ident = ev[i].ident,
			.filter = ev[i].filter,
			.flags = ev[i].flags,
			.fflags = ev[i].fflags,
			.data = ev[i].data,
			.udata = ev[i].udata };
	return (out);
}

/* Error numbers in events become the host's. */
static void
fbsd_kevent_in(const struct ktlssim_kevent *in, struct kevent *ev)
{
	*ev = (struct kevent) { .ident = in->ident,
		.filter = in->filter,
		.flags = in->flags,
		.fflags = in->fflags,
		.data = in->data,
		.udata = in->udata };
	if ((in->flags & EV_ERROR) != 0 && in->data != 0)
		ev->data = ktlssim_host_errno((int)in->data);
	if ((in->flags & EV_EOF) != 0 && in->fflags != 0)
		ev->fflags = (unsigned)ktlssim_host_errno((int)in->fflags);
}

int
ktlssim_fbsd_kevent(int kq, const struct kevent *ch, int nch, struct kevent *ev,
    int nev, const struct timespec *timeout)
{
	struct ktlssim_kevent *out, *in;
	int r;

	if (nch < 0 || nev < 0) {
		errno = EINVAL;
		return (-1);
	}
	out = fbsd_kevents_out(ch, nch);
	in = calloc((size_t)nev + 1, sizeof(*in));
	if (out == NULL || in == NULL)
		r = -KTLSSIM_ENOMEM;
	else
		r = ktlssim_kevent(fbsd_sim(), kq, out, nch, in, nev, timeout);
	for (int i = 0; i < r; i++)
		fbsd_kevent_in(&in[i], &ev[i]);
	free(out);
	free(in);
	return ((int)fbsd_result(r));
}

/* --- sysctl --- */

static int
fbsd_sysctl_get(uint64_t val, void *old, size_t *len)
{
	size_t size = *len >= 8 ? 8 : *len >= 4 ? 4 : *len >= 2 ? 2 : 1;

	if (*len == 0 || (size < 8 && val >> (8 * size) != 0)) {
		errno = ENOMEM;
		return (-1);
	}
	memcpy(old, &val, size); /* little endian, as the machine */
	*len = size;
	return (0);
}

int
ktlssim_fbsd_sysctlbyname(const char *name, void *old, size_t *oldlen,
    const void *newp, size_t newlen)
{
	uint64_t val = 0, newval = 0;
	int r;

	if (newp != NULL && newlen != 1 && newlen != 2 && newlen != 4 &&
	    newlen != 8) {
		errno = EINVAL;
		return (-1);
	}
	if (newp != NULL)
		memcpy(&newval, newp, newlen);
	r = ktlssim_sysctlbyname(fbsd_server(), name, &val,
	    newp != NULL ? &newval : NULL);
	/* Both ends of the program's connections are one FreeBSD to it. */
	if (r == 0 && newp != NULL && fbsd_client() != fbsd_server())
		r = ktlssim_sysctlbyname(fbsd_client(), name, NULL, &newval);
	if (r < 0)
		return ((int)fbsd_result(r));
	if (oldlen == NULL)
		return (0);
	if (old == NULL) {
		*oldlen = sizeof(val);
		return (0);
	}
	return (fbsd_sysctl_get(val, old, oldlen));
}

/* --- time: virtual --- */

static int
fbsd_sleep_ns(uint64_t ns)
{
	return ((int)fbsd_result(ktlssim_sleep(fbsd_sim(), ns)));
}

unsigned
ktlssim_fbsd_sleep(unsigned s)
{
	(void)fbsd_sleep_ns((uint64_t)s * 1000000000);
	return (0);
}

int
ktlssim_fbsd_usleep(useconds_t us)
{
	return (fbsd_sleep_ns((uint64_t)us * 1000));
}

int
ktlssim_fbsd_nanosleep(const struct timespec *ts, struct timespec *left)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec > 999999999) {
		errno = EINVAL;
		return (-1);
	}
	if (left != NULL)
		*left = (struct timespec) { 0 };
	return (fbsd_sleep_ns(
	    (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec));
}

int
ktlssim_fbsd_clock_gettime(clockid_t id, struct timespec *ts)
{
	uint64_t ns = ktlssim_now(fbsd_sim());

	if (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID)
		return (clock_gettime(id, ts));
	ts->tv_sec = (time_t)(ns / 1000000000);
	ts->tv_nsec = (long)(ns % 1000000000);
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ts->tv_sec += (time_t)ktlssim_epoch(fbsd_sim());
	return (0);
}

int
ktlssim_fbsd_gettimeofday(struct timeval *tv, void *tz)
{
	struct timespec ts;

	(void)tz;
	(void)ktlssim_fbsd_clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return (0);
}

time_t
ktlssim_fbsd_time(time_t *t)
{
	struct timespec ts;

	(void)ktlssim_fbsd_clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return (ts.tv_sec);
}

/* --- randomness that is the same in each run --- */

uint32_t
ktlssim_fbsd_arc4random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15ULL;
	uint64_t x = (state += 0x9e3779b97f4a7c15ULL);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return ((uint32_t)(x >> 32));
}

void
ktlssim_fbsd_arc4random_buf(void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)ktlssim_fbsd_arc4random();
}

/* --- libutil --- */

void
hexdump(const void *ptr, int length, const char *hdr, int flags)
{
	int cols = (flags & 0xff) != 0 ? flags & 0xff : 16;
	const uint8_t *p = ptr;

	for (int i = 0; i < length; i += cols) {
		printf("%s", hdr != NULL ? hdr : "");
		if ((flags & (1 << 16)) == 0)
			printf("%04x  ", (unsigned)i);
		for (int j = i; j < i + cols && (flags & (1 << 17)) == 0; j++)
			if (j < length)
				printf(" %02x", p[j]);
			else
				printf("   ");
		if ((flags & (1 << 18)) == 0) {
			printf("  |");
			for (int j = i; j < i + cols; j++)
				putchar(j >= length	? ' '
					: isprint(p[j]) ? p[j]
							: '.');
			putchar('|');
		}
		putchar('\n');
	}
}
