/*
 * Waiting as FreeBSD programs do: all of it takes virtual time, and as much as
 * was asked for.
 */
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_us(void)
{
	struct timespec ts;

	assert(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000);
}

/* How long a select of s seconds and us microseconds took. */
static int64_t
selected(int fd, long s, long us, int want)
{
	struct timeval tv = { s, us };
	int64_t start = now_us();
	fd_set r;

	FD_ZERO(&r);
	if (fd >= 0)
		FD_SET(fd, &r);
	assert(select(fd + 1, &r, NULL, NULL, &tv) == want);
	assert(fd < 0 || !FD_ISSET(fd, &r));
	return (now_us() - start);
}

int
main(void)
{
	struct timeval bad = { 0, 1000000 };
	int64_t start;
	fd_set r;
	int s;

	assert((s = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	assert(listen(s, 1) == 0);
	assert(selected(s, 0, 500, 0) == 500);
	assert(selected(s, 1, 1, 0) == 1000001);
	/* Longer than an int of milliseconds tells. */
	assert(selected(s, 3000000, 0, 0) == INT64_C(3000000000000));
	assert(selected(s, 0, 0, 0) <= 1);
	/* Nothing to wait for: how old programs sleep. */
	assert(selected(-1, 0, 300000, 0) == 300000);
	start = now_us();
	assert(poll(NULL, 0, 250) == 0);
	assert(now_us() - start == 250000);
	FD_ZERO(&r);
	FD_SET(s, &r);
	assert(select(s + 1, &r, NULL, NULL, &bad) == -1 && errno == EINVAL);
	/* No one will ever come. */
	assert(select(s + 1, &r, NULL, NULL, NULL) == -1 && errno == EDEADLK);
	assert(close(s) == 0);
	return (0);
}
