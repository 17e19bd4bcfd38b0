/*
 * The receive path of kernel TLS, fed with anything cut anyhow: bytes of the
 * input, or valid records with a byte changed, in mbufs of any size, decrypted
 * by a card or not; read with any flags in between; then closed.
 */
#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>

#include "fuzz.h"
#include "support/reftls.h"
#include "support/sockpair.h"

#define EVENTS_MAX 100000 /* more is a hang */

static const uint8_t key[32] = "0123456789abcdefghijklmnopqrstu";
static const uint8_t iv[16] = "IVivIVivIVivIVi";

struct fuzz_rx {
	struct fuzz_in in;
	struct sockpair sp;
	struct socket *so;
	const struct tls_suite *suite;
	uint64_t seqno; /* of the next valid record */
};

static void
enable(struct fuzz_rx *f)
{
	struct tls_enable en = { .cipher_key = key,
		.iv = iv,
		.cipher_algorithm = f->suite->algorithm,
		.cipher_key_len = f->suite->key_len,
		.iv_len = f->suite->iv_len,
		.auth_algorithm = f->suite->auth_algorithm,
		.tls_vmajor = 3,
		.tls_vminor = f->suite->vminor };

	if (f->suite->cipher == TLS_CIPHER_CBC) {
		en.auth_key = (const uint8_t *)REFTLS_AUTH_KEY;
		en.auth_key_len = REFTLS_AUTH_KEY_LEN;
	}
	MUST(ktls_enable_rx(f->so, &en) == 0);
}

/* One packet, of mbufs of at most piece bytes. */
static void
feed(struct fuzz_rx *f, const uint8_t *p, size_t len, uint8_t how)
{
	size_t piece = 1 + how % 64u * 32u, n;
	struct mbuf *top = NULL, **mp = &top, *m;

	for (; len > 0; p += n, len -= n, mp = &m->m_next) {
		n = MIN(len, piece);
		m = m_getjcl(f->sp.sp_vnet->v_mb, M_WAITOK, MT_DATA,
		    top == NULL ? M_PKTHDR : 0, MCLBYTES);
		memcpy(m->m_data, p, n);
		m->m_len = (int32_t)n;
		if ((how & 64) != 0)
			m->m_flags |= M_RDONLY;
		*mp = m;
	}
	if (top == NULL)
		return;
	top->m_pkthdr.csum_flags = (how & 128) != 0 ? CSUM_TLS_DECRYPTED : 0;
	sbappendstream(&f->so->so_rcv, top, 0);
}

static void
feed_bytes(struct fuzz_rx *f)
{
	uint8_t how = fuzz_u8(&f->in), buf[600];

	feed(f, buf, fuzz_bytes(&f->in, buf, fuzz_upto(&f->in, sizeof(buf))),
	    how);
}

/* A valid record, perhaps with one byte changed, perhaps without its end. */
static void
feed_record(struct fuzz_rx *f)
{
	static uint8_t pay[16384], rec[REFTLS_MAX + 600];
	uint8_t how = fuzz_u8(&f->in), type = fuzz_u8(&f->in);
	uint32_t len = fuzz_upto(&f->in, sizeof(pay)), at;
	size_t pad = fuzz_u8(&f->in), n;

	if (f->suite->cipher == TLS_CIPHER_CBC)
		pad = pad % 15 * 16;
	else if (f->suite->vminor != 4 || len + pad > sizeof(pay))
		pad = 0;
	n = reftls_seal(f->suite, key, iv, f->seqno + 7, f->seqno, type, pay,
	    len, pad, rec);
	f->seqno++;
	at = fuzz_upto(&f->in, 40000);
	if (at < n)
		rec[at] ^= fuzz_u8(&f->in);
	else if (at % 16 == 0)
		n -= at % n;
	feed(f, rec, n, how);
}

/* Whoever reads gets no more than there is, and ends at the end. */
static void
read_some(struct fuzz_rx *f)
{
	static uint8_t buf[20000];
	int flags =
	    (int)fuzz_u8(&f->in) & (KMSG_PEEK | KMSG_WAITALL | KMSG_EOR);
	struct mbuf *control = NULL;
	struct kiovec iov = { buf, fuzz_upto(&f->in, sizeof(buf)) };
	bool ask = (fuzz_u8(&f->in) & 1) != 0;
	struct uio uio;
	int error;

	if (fuzz_u8(&f->in) & 1)
		flags |= KMSG_TLSAPPDATA;
	uio_init(&uio, &iov, 1);
	error = soreceive(f->so, &uio, ask ? &control : NULL, &flags);
	MUST(error == 0 || uio.uio_offset == 0);
	MUST(error == 0 || control == NULL);
	m_freem(control);
}

static void
run(struct fuzz_rx *f, unsigned events)
{
	while (events-- > 0)
		if (!engine_step(f->sp.sp_engine, SIM_NEVER - 1))
			return;
}

static void
step(struct fuzz_rx *f)
{
	switch (fuzz_u8(&f->in) % 8) {
	case 0:
	case 1:
		feed_bytes(f);
		break;
	case 2:
	case 3:
		feed_record(f);
		break;
	case 4:
		read_some(f);
		break;
	case 5:
		run(f, fuzz_upto(&f->in, 10));
		break;
	case 6:
		run(f, EVENTS_MAX);
		MUST(ktls_idle(f->sp.sp_vnet));
		break;
	default:
		if (fuzz_u8(&f->in) % 4 == 0)
			socantrcvmore(f->so);
		else
			sbflush(&f->so->so_rcv);
		break;
	}
	SBCHECK(&f->so->so_rcv);
	SBCHECK(&f->so->so_snd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rx f = { .in = { data, size } };

	sockpair_init(&f.sp, NULL, NULL);
	f.so = f.sp.sp_so[0];
	do
		f.suite = &tls_suites[fuzz_u8(&f.in) % tls_nsuites];
	while (tls_suite_chained(f.suite) && f.in.left > 0);
	if (!tls_suite_chained(f.suite)) {
		/* Some of it was there before. */
		if (fuzz_u8(&f.in) & 1)
			feed_bytes(&f);
		enable(&f);
		for (int i = 0; f.in.left > 0 && i < 400; i++)
			step(&f);
	}
	run(&f, EVENTS_MAX);
	MUST(ktls_idle(f.sp.sp_vnet));
	MUST(sockpair_fini(&f.sp) == 0);
	return (0);
}
