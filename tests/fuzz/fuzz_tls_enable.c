/*
 * TCP_TXTLS_ENABLE and TCP_RXTLS_ENABLE with anything in the structure, of any
 * size, on sockets in any state; then the sockets are used and closed.
 */
#include <ktlssim.h>
#include <netinet/in.h>

#include "fuzz.h"

#define KEY_MAX 1024 /* TLS_MAX_PARAM_SIZE: no more may be read */

static struct ktlssim *sim;
static struct ktlssim_host *host;

static int
stream(struct sockaddr_in *sin, uint16_t port)
{
	int fd = ktlssim_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	MUST(fd >= 0);
	*sin = (struct sockaddr_in) { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return (fd);
}

enum { FRESH, LISTENER, CLIENT, SERVER, DROPPED, CONNECTING, SHUT, NSTATES };

/* One of each; which index is which state. */
static void
make_sockets(int fd[NSTATES])
{
	struct sockaddr_in sin;

	for (int i = 0; i < NSTATES; i++)
		fd[i] = stream(&sin, 2000);
	MUST(ktlssim_bind(sim, fd[LISTENER], (struct sockaddr *)&sin,
		 sizeof(sin)) == 0);
	MUST(ktlssim_listen(sim, fd[LISTENER], 5) == 0);
	for (int i = CLIENT; i < NSTATES; i++) {
		if (i == SERVER || i == CONNECTING)
			continue;
		if (i == DROPPED)
			sin.sin_port = htons(9); /* nobody is there */
		MUST(ktlssim_connect(sim, fd[i], (struct sockaddr *)&sin,
			 sizeof(sin)) == -KTLSSIM_EINPROGRESS);
		sin.sin_port = htons(2000);
		MUST(ktlssim_sleep(sim, 1000000) == 0);
		if (i == CLIENT) {
			MUST(ktlssim_close(sim, fd[SERVER]) == 0);
			fd[SERVER] = ktlssim_accept4(sim, fd[LISTENER], NULL,
			    NULL, SOCK_NONBLOCK);
			MUST(fd[SERVER] >= 0);
		}
	}
	MUST(ktlssim_shutdown(sim, fd[SHUT], SHUT_RDWR) == 0);
	MUST(ktlssim_connect(sim, fd[CONNECTING], (struct sockaddr *)&sin,
		 sizeof(sin)) == -KTLSSIM_EINPROGRESS);
}

/* Mostly near something valid, else nothing is seen behind the first check. */
static void
fill(struct fuzz_in *in, struct ktlssim_tls_enable *en, const uint8_t *keys)
{
	static const int ciphers[] = { 25, 25, 41, 11 },
			 auths[] = { 0, 7, 18, 19 };
	static const int keylens[] = { 16, 32, 24 },
			 ivlens[] = { 4, 12, 16, 0 };
	uint8_t b = fuzz_u8(in);

	memset(en, 0, sizeof(*en));
	en->cipher_key = keys;
	en->iv = keys;
	en->auth_key = keys;
	en->cipher_algorithm = ciphers[b & 3];
	en->auth_algorithm = auths[b >> 2 & 3];
	en->cipher_key_len = keylens[(b >> 4 & 3) % 3];
	en->iv_len = ivlens[b >> 6 & 3];
	b = fuzz_u8(in);
	en->auth_key_len = (b & 1) ? 20 : 0;
	en->tls_vmajor = 3;
	en->tls_vminor = 1 + (b >> 1 & 3);
	/* Then anything over it, but never a wild pointer. */
	if ((b & 0x60) == 0x60)
		fuzz_bytes(in, (uint8_t *)en + 3 * sizeof(void *),
		    sizeof(*en) - 3 * sizeof(void *));
	if ((b & 0x88) == 0x88)
		en->iv = NULL;
	if ((b & 0x98) == 0x98)
		en->auth_key = NULL;
	if ((b & 0xa8) == 0xa8)
		en->cipher_key = NULL;
}

static void
step(struct fuzz_in *in, int fd[NSTATES], const uint8_t *keys)
{
	uint8_t op = fuzz_u8(in), buf[64] = { 0 };
	int s = fd[fuzz_u8(in) % NSTATES], val = fuzz_u8(in) % 5;
	struct ktlssim_tls_enable en[2];
	socklen_t len = sizeof(en[0]);

	switch (op % 8) {
	case 0:
	case 1:
	case 2:
		fill(in, &en[0], keys);
		memset(&en[1], 0x5a, sizeof(en[1]));
		if (op & 128)
			len = (socklen_t)fuzz_upto(in, sizeof(en));
		(void)ktlssim_setsockopt(sim, s, IPPROTO_TCP,
		    op & 64 ? KTLSSIM_TCP_TXTLS_ENABLE
			    : KTLSSIM_TCP_RXTLS_ENABLE,
		    en, len);
		break;
	case 3:
		(void)ktlssim_setsockopt(sim, s, IPPROTO_TCP,
		    KTLSSIM_TCP_TXTLS_MODE, &val, sizeof(val));
		break;
	case 4:
		len = sizeof(val);
		(void)ktlssim_getsockopt(sim, s, IPPROTO_TCP,
		    39 + (op >> 3) % 4, &val, &len);
		break;
	case 5:
		(void)ktlssim_write(sim, s, buf, fuzz_upto(in, sizeof(buf)));
		break;
	case 6:
		(void)ktlssim_read(sim, s, buf, sizeof(buf));
		break;
	default:
		if (op & 64)
			(void)ktlssim_listen(sim, s, 3);
		else
			(void)ktlssim_sleep(sim, 100000);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	/* Its own allocation: a byte too far is seen. */
	uint8_t *keys = calloc(1, KEY_MAX);
	char *report = NULL;
	int fd[NSTATES];

	MUST(keys != NULL && ktlssim_open(NULL, &sim, &report) == 0);
	host = ktlssim_host(sim, NULL);
	make_sockets(fd);
	for (int i = 0; in.left > 0 && i < 100; i++)
		step(&in, fd, keys);
	if (ktlssim_close_world(sim, &report) != 0) {
		fputs(report, stderr);
		abort();
	}
	free(report);
	free(keys);
	return (0);
}
