/* What the receive tests share: a socket fed with records of libcrypto. */
#ifndef RXBENCH_H
#define RXBENCH_H

#include "tlsbench.h"

static struct sockpair sp;
static struct socket *so;
static uint8_t pay[16500], rec[REFTLS_MAX + 600], out[20000];
static uint64_t seqno;
static const struct tls_suite *suite;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	so = sp.sp_so[0];
	for (unsigned i = 0; i < sizeof(pay); i++)
		pay[i] = (uint8_t)(i * 13 + (i >> 8) + 1);
	return (0);
}

static int
teardown(void **state)
{
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

static inline void
start(const struct tls_suite *s)
{
	struct tls_enable en = tb_enable(s, 41);

	suite = s;
	seqno = 41;
	assert_int_equal(ktls_enable_rx(so, &en), 0);
}

static inline size_t
seal(uint8_t type, size_t len, size_t pad)
{
	return (reftls_seal(suite, tb_key, tb_iv, 0x1122334455667788ULL + seqno,
	    seqno, type, pay, len, pad, rec));
}

/* Received bytes are read-only, so pieces stay as they are. */
static inline void
feed(const uint8_t *p, size_t len, size_t piece)
{
	struct mbuf *top = tb_chain(sp.sp_vnet, p, len, piece);

	for (struct mbuf *m = top; m != NULL; m = m->m_next)
		m->m_flags |= M_RDONLY;
	sbappendstream(&so->so_rcv, top, 0);
	SBCHECK(&so->so_rcv);
}

static inline void
good(uint8_t type, size_t len, size_t piece)
{
	size_t n = seal(type, len, 0);

	seqno++;
	feed(rec, n, piece);
}

static inline void
expect_record(uint8_t type, size_t len)
{
	int t, flags = 0;
	size_t got;

	SBCHECK(&so->so_rcv);
	assert_int_equal(tb_read(so, out, sizeof(out), &got, &t, &flags), 0);
	assert_int_equal(t, TB_REC(type, len));
	assert_int_equal(got, len);
	assert_memory_equal(out, pay, len);
	assert_int_equal(flags & KMSG_EOR, len > 0 ? KMSG_EOR : 0);
	SBCHECK(&so->so_rcv);
}

static inline void
expect_error(int error)
{
	int t, flags = 0;
	size_t got;

	assert_int_equal(tb_read(so, out, sizeof(out), &got, &t, &flags),
	    error);
	assert_int_equal(got, 0);
	assert_int_equal(t, -1);
}

static inline void
suites(void (*fn)(void), bool cbc_only)
{
	for (unsigned i = 0; i < tls_nsuites; i++) {
		if (tls_suite_chained(&tls_suites[i]) ||
		    (cbc_only && !tb_cbc(&tls_suites[i])))
			continue;
		start(&tls_suites[i]);
		fn();
		teardown(NULL);
		setup(NULL);
	}
}

static inline void
all_suites(void (*fn)(void))
{
	suites(fn, false);
}

/* TLS 1.3 writes 1.2's. */
static inline uint8_t
wire_minor(void)
{
	return (MIN(suite->vminor, 3));
}

#endif
