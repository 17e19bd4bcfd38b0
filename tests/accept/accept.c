/* The table of suites, the bench, and the cases made of both. */
#include "accept.h"

struct ktlssim *sim;
int sv[2];
uint8_t pay[65536];
uint64_t seqno;
const uint8_t accept_key[32] = "an acceptance key of 32 bytes...";
const uint8_t accept_iv[16] = "sixteen iv bytes";

static bool over_cards; /* two hosts instead of the loopback */

static const char two_hosts[] =
    "ktls_sim: 1\n"
    "name: acceptance\n"
    "hosts:\n"
    "  client:\n"
    "    sysctl: &on {kern.ipc.tls.enable: 1, "
    "kern.ipc.tls.ifnet.permitted: 1}\n"
    "    nics: {mce0: {model: ideal}}\n"
    "    addresses: {mce0: 10.0.0.1/24}\n"
    "  server:\n"
    "    sysctl: *on\n"
    "    nics: {mce0: {model: ideal}}\n"
    "    addresses: {mce0: 10.0.0.2/24}\n"
    "links:\n"
    "  - {ends: [client.mce0, server.mce0], delay: 20us}\n"
    "checks: {records: false}\n";

/* hlen, least body: freebsd-ktls.md sections 2.1 and 10.3. */
#define CBC(set, key, v, auth, ivl, hl, mac, min)                    \
	{                                                            \
		set,                                                 \
		    { .name = "cbc" #key "_1." #v "_" #auth,         \
			    .algorithm = KTLSSIM_CRYPTO_AES_CBC,     \
			    .auth_algorithm = KTLSSIM_CRYPTO_##auth, \
			    .key_len = (key) / 8,                    \
			    .vminor = 1 + (v),                       \
			    .iv_len = ivl,                           \
			    .hlen = hl },                            \
		    min, mac                                         \
	}
#define CBC2(set, v, auth, ivl, hl, mac, min)      \
	CBC(set, 128, v, auth, ivl, hl, mac, min), \
	    CBC(set, 256, v, auth, ivl, hl, mac, min)
#define AEAD(set, nm, alg, keylen, v, ivl, hl, min)            \
	{                                                      \
		set,                                           \
		    { .name = nm "_1." #v,                     \
			    .algorithm = KTLSSIM_CRYPTO_##alg, \
			    .key_len = keylen,                 \
			    .vminor = 1 + (v),                 \
			    .iv_len = ivl,                     \
			    .hlen = hl },                      \
		    min, 0                                     \
	}

const struct accept_suite accept_suites[] = {
	CBC2(SET_A, 0, SHA1_HMAC, 16, 5, 20, 0),
	CBC2(SET_B, 1, SHA1_HMAC, 0, 21, 20, 48),
	CBC2(SET_B, 2, SHA1_HMAC, 0, 21, 20, 48),
	CBC2(SET_B, 2, SHA2_256_HMAC, 0, 21, 32, 64),
	CBC2(SET_B, 2, SHA2_384_HMAC, 0, 21, 48, 80),
	AEAD(SET_G12, "gcm128", AES_NIST_GCM_16, 16, 2, 4, 13, 24),
	AEAD(SET_G12, "gcm256", AES_NIST_GCM_16, 32, 2, 4, 13, 24),
	AEAD(SET_G13, "gcm128", AES_NIST_GCM_16, 16, 3, 12, 5, 17),
	AEAD(SET_G13, "gcm256", AES_NIST_GCM_16, 32, 3, 12, 5, 17),
	AEAD(SET_C12, "chacha20", CHACHA20_POLY1305, 32, 2, 12, 5, 16),
	AEAD(SET_C13, "chacha20", CHACHA20_POLY1305, 32, 3, 12, 5, 17),
};
const unsigned accept_nsuites =
    sizeof(accept_suites) / sizeof(accept_suites[0]);

size_t
accept_maxrec(const struct accept_suite *as)
{
	size_t trailer = as->as_mac > 0	  ? as->as_mac + 16
	    : (as->as_set & SET_T13) != 0 ? 17
					  : 16;

	return (as->as_suite.hlen + 16384 + trailer);
}

/* --- combinations that no TLS has --- */

static const struct {
	const char *name;
	int alg, auth, vminor;
} bad_combinations[] = {
	{ "cbc_1.0_sha256", KTLSSIM_CRYPTO_AES_CBC,
	    KTLSSIM_CRYPTO_SHA2_256_HMAC, 1 },
	{ "cbc_1.0_sha384", KTLSSIM_CRYPTO_AES_CBC,
	    KTLSSIM_CRYPTO_SHA2_384_HMAC, 1 },
	{ "gcm_1.0", KTLSSIM_CRYPTO_AES_NIST_GCM_16, 0, 1 },
	{ "chacha20_1.0", KTLSSIM_CRYPTO_CHACHA20_POLY1305, 0, 1 },
	{ "cbc_1.1_sha256", KTLSSIM_CRYPTO_AES_CBC,
	    KTLSSIM_CRYPTO_SHA2_256_HMAC, 2 },
	{ "cbc_1.1_sha384", KTLSSIM_CRYPTO_AES_CBC,
	    KTLSSIM_CRYPTO_SHA2_384_HMAC, 2 },
	{ "gcm_1.1", KTLSSIM_CRYPTO_AES_NIST_GCM_16, 0, 2 },
	{ "chacha20_1.1", KTLSSIM_CRYPTO_CHACHA20_POLY1305, 0, 2 },
	{ "cbc_1.3_sha1", KTLSSIM_CRYPTO_AES_CBC, KTLSSIM_CRYPTO_SHA1_HMAC, 4 },
	{ "cbc_1.3_sha256", KTLSSIM_CRYPTO_AES_CBC,
	    KTLSSIM_CRYPTO_SHA2_256_HMAC, 4 },
	{ "cbc_1.3_sha384", KTLSSIM_CRYPTO_AES_CBC,
	    KTLSSIM_CRYPTO_SHA2_384_HMAC, 4 },
};
#define NBAD (sizeof(bad_combinations) / sizeof(bad_combinations[0]))

static int
enable(int fd, bool tx, const struct ktlssim_tls_enable *en)
{
	return (ktlssim_setsockopt(sim, fd, IPPROTO_TCP,
	    tx ? KTLSSIM_TCP_TXTLS_ENABLE : KTLSSIM_TCP_RXTLS_ENABLE, en,
	    sizeof(*en)));
}

int
accept_enable(const struct accept_suite *as, bool tx)
{
	const struct tls_suite *s = &as->as_suite;
	struct ktlssim_tls_enable en = { .cipher_key = accept_key,
		.iv = accept_iv,
		.auth_key = (const uint8_t *)REFTLS_AUTH_KEY,
		.cipher_algorithm = s->algorithm,
		.cipher_key_len = s->key_len,
		.iv_len = s->iv_len,
		.auth_algorithm = s->auth_algorithm,
		.auth_key_len = as->as_mac > 0 ? REFTLS_AUTH_KEY_LEN : 0,
		.tls_vmajor = 3,
		.tls_vminor = s->vminor };

	for (int i = 0; i < 8; i++)
		en.rec_seq[i] = (uint8_t)(seqno >> (56 - 8 * i));
	return (enable(tx ? sv[0] : sv[1], tx, &en));
}

static void
invalid(const struct accept_case *c)
{
	struct ktlssim_tls_enable en = c->ac_bad;

	en.cipher_key = accept_key;
	en.iv = accept_iv;
	en.auth_key = en.auth_algorithm != 0 ? accept_key : NULL;
	assert_int_equal(enable(sv[!c->ac_param], c->ac_param, &en),
	    -KTLSSIM_EINVAL);
}

/* --- the others --- */

int
accept_socket(void)
{
	int fd =
	    ktlssim_socket(ktlssim_host(sim, NULL), AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	return (fd);
}

static const struct ktlssim_tls_enable gcm13 = {
	.cipher_key = accept_key,
	.iv = accept_iv,
	.cipher_algorithm = KTLSSIM_CRYPTO_AES_NIST_GCM_16,
	.cipher_key_len = 16,
	.iv_len = 12,
	.tls_vmajor = 3,
	.tls_vminor = 4,
};

static void
sendto_baddst(const struct accept_case *c)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(3),
		.sin_addr.s_addr = htonl(INADDR_BROADCAST) };
	int fd = accept_socket();

	assert_int_equal(enable(fd, true, &gcm13), 0);
	assert_int_equal(ktlssim_sendto(sim, fd, pay, 64, 0,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    -KTLSSIM_EACCES);
}

/* Of the newer kernel, receive answers as transmit does on a listener. */
static void
listening_socket(const struct accept_case *c)
{
	int tx = accept_socket(), rx = accept_socket(), l = accept_socket();

	assert_int_equal(enable(tx, true, &gcm13), 0);
	assert_int_equal(ktlssim_listen(sim, tx, 1), -KTLSSIM_EINVAL);
	assert_int_equal(enable(rx, false, &gcm13), 0);
	assert_int_equal(ktlssim_listen(sim, rx, 1), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_listen(sim, l, 1), 0);
	assert_int_equal(enable(l, true, &gcm13), -KTLSSIM_ENOTCONN);
	assert_int_equal(enable(l, false, &gcm13), -KTLSSIM_ENOTCONN);
}

/* --- the bench --- */

static void
connect_pair(void)
{
	struct ktlssim_host *client = ktlssim_host(sim, NULL);
	struct ktlssim_host *server =
	    over_cards ? ktlssim_host(sim, "server") : client;
	struct sockaddr_in sin = { 0 };
	int l;

	assert_int_equal(ktlssim_host_addr(server, AF_INET,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    0);
	sin.sin_port = htons(4433);
	l = ktlssim_socket(server, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_bind(sim, l, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_listen(sim, l, 1), 0);
	sv[0] = accept_socket();
	assert_int_equal(ktlssim_connect(sim, sv[0], (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_fcntl(sim, sv[0], F_SETFL, O_NONBLOCK), 0);
	sv[1] = ktlssim_accept4(sim, l, NULL, NULL, 0);
	assert_true(sv[1] >= 0);
	assert_int_equal(ktlssim_close(sim, l), 0);
}

/* A world for each case; nothing may be left of it. */
static void
run_case(void **state)
{
	const struct accept_case *c = *state;
	struct ktlssim_params p = { .scenario_text =
					over_cards ? two_hosts : NULL };
	char *why, *report;
	int broken;

	if (ktlssim_open(&p, &sim, &why) != 0)
		fail_msg("%s", why);
	seqno = 0x12345678;
	connect_pair();
	c->ac_run(c);
	broken = ktlssim_close_world(sim, &report);
	if (broken != 0)
		fail_msg("%s", report);
	free(report);
}

/* --- the cases --- */

#define NCASES 565
static struct accept_case cases[NCASES];
static struct CMUnitTest tests[NCASES];
static unsigned ncases;

static struct accept_case *
add_case(accept_fn *run, const struct accept_suite *as, int param)
{
	struct accept_case *c = &cases[ncases];

	if (ncases == NCASES)
		abort(); /* more than upstream has */
	*c = (struct accept_case) { run, as, param, { 0 }, "" };
	tests[ncases] = (struct CMUnitTest) { .name = c->ac_name,
		.test_func = run_case,
		.initial_state = c };
	ncases++;
	return (c);
}

static void
add_group(const char *dir, const struct accept_group *g)
{
	struct accept_case *c;

	for (unsigned i = 0; i < accept_nsuites; i++) {
		if ((accept_suites[i].as_set & g->ag_sets) == 0)
			continue;
		for (int p = g->ag_first; p <= g->ag_last; p++) {
			c = add_case(g->ag_run, &accept_suites[i], p);
			if (g->ag_first == g->ag_last)
				snprintf(c->ac_name, sizeof(c->ac_name),
				    "%s_%s_%s", dir, g->ag_name,
				    accept_suites[i].as_suite.name);
			else
				snprintf(c->ac_name, sizeof(c->ac_name),
				    "%s_%s_%d_%s", dir, g->ag_name, p,
				    accept_suites[i].as_suite.name);
		}
	}
}

static void
add_invalid(const char *dir, bool tx)
{
	struct accept_case *c;

	for (unsigned i = 0; i < NBAD; i++) {
		c = add_case(invalid, NULL, tx);
		c->ac_bad = (struct ktlssim_tls_enable) {
			.cipher_algorithm = bad_combinations[i].alg,
			.cipher_key_len = bad_combinations[i].alg ==
				KTLSSIM_CRYPTO_CHACHA20_POLY1305
			    ? 32
			    : 16,
			.iv_len =
			    bad_combinations[i].alg != KTLSSIM_CRYPTO_AES_CBC
			    ? 12
			    : bad_combinations[i].vminor == 1 ? 16
							      : 0,
			.auth_algorithm = bad_combinations[i].auth,
			.auth_key_len = bad_combinations[i].auth != 0 ? 32 : 0,
			.tls_vmajor = 3,
			.tls_vminor = (uint8_t)bad_combinations[i].vminor
		};
		snprintf(c->ac_name, sizeof(c->ac_name), "%s_invalid_%s", dir,
		    bad_combinations[i].name);
	}
}

int
main(int argc, char **argv)
{
	unsigned ntx, nrx;

	over_cards = argc > 1 && strcmp(argv[1], "cards") == 0;
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	for (unsigned i = 0; i < sizeof(pay); i++)
		pay[i] = (uint8_t)(' ' + (i * 7 + (i >> 6)) % 95);
	for (unsigned i = 0; i < accept_ntransmit; i++)
		add_group("transmit", &accept_transmit[i]);
	add_invalid("transmit", true);
	ntx = ncases;
	for (unsigned i = 0; i < accept_nreceive; i++)
		add_group("receive", &accept_receive[i]);
	add_invalid("receive", false);
	nrx = ncases - ntx;
	strcpy(add_case(sendto_baddst, NULL, 0)->ac_name, "sendto_baddst");
	strcpy(add_case(listening_socket, NULL, 0)->ac_name,
	    "listening_socket");
	/* As many as upstream has: none was forgotten. */
	if (ntx != 235 || nrx != 328 || ncases != NCASES) {
		fprintf(stderr, "%u transmit, %u receive, %u in all\n", ntx,
		    nrx, ncases);
		return (1);
	}
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
