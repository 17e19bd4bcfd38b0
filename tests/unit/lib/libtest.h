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

static inline int
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

/* AES-128-GCM, TLS 1.3, on one end; the call's result. */
static inline int
enable_tls(int fd, int name)
{
	static const uint8_t key[16] = "a library's key", iv[12] = "and its iv";
	struct ktlssim_tls_enable en = { .cipher_key = key,
		.iv = iv,
		.cipher_algorithm = KTLSSIM_CRYPTO_AES_NIST_GCM_16,
		.cipher_key_len = 16,
		.iv_len = 12,
		.tls_vmajor = 3,
		.tls_vminor = 4 };

	return (
	    ktlssim_setsockopt(sim, fd, IPPROTO_TCP, name, &en, sizeof(en)));
}

/* A pair whose first end encrypts and whose second decrypts. */
static inline void
new_tls_pair(int fds[2])
{
	new_pair(fds);
	assert_int_equal(enable_tls(fds[0], KTLSSIM_TCP_TXTLS_ENABLE), 0);
	assert_int_equal(enable_tls(fds[1], KTLSSIM_TCP_RXTLS_ENABLE), 0);
}

static inline void
nonblock(int fd)
{
	assert_int_equal(ktlssim_fcntl(sim, fd, F_SETFL, O_NONBLOCK), 0);
}

#endif
