/* A world of one host with a connected pair of sockets over its loopback. */
#ifndef LIBTEST_H
#define LIBTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>

#include <ktlssim.h>

static struct ktlssim *sim;
static struct ktlssim_host *host;

static int
setup(void **state)
{
	char *why;

	if (ktlssim_open(NULL, &sim, &why) != 0) {
		fputs(why, stderr);
		return (1);
	}
	host = ktlssim_host(sim, NULL);
	return (0);
}

static int
teardown(void **state)
{
	char *report;
	int bad = ktlssim_close_world(sim, &report);

	if (bad != 0)
		fputs(report, stderr);
	free(report);
	return (bad);
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return ((struct sockaddr_in) { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) });
}

static inline int
new_listener(uint16_t port)
{
	struct sockaddr_in sin = loopback(port);
	int fd = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 3);
	assert_int_equal(ktlssim_bind(sim, fd, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_listen(sim, fd, 5), 0);
	return (fd);
}

/* fds[0] is the client's, fds[1] the server's. */
static inline void
new_pair(int fds[2])
{
	static uint16_t port = 2000;
	struct sockaddr_in sin = loopback(++port);
	int l = new_listener(port);

	fds[0] = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_connect(sim, fds[0], (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	fds[1] = ktlssim_accept4(sim, l, NULL, NULL, 0);
	assert_true(fds[1] >= 0);
	assert_int_equal(ktlssim_close(sim, l), 0);
}

#endif
