#include "nicstream.h"

#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "support/reftls.h"

/* A record's bytes by libcrypto, from the plaintext in its mbuf. */
static uint32_t
ref_record(const struct nb_tls *t, const struct mbuf *rec, uint8_t *out)
{
	const struct tls_suite *s = t->tls.params.suite;
	uint32_t len = (uint32_t)rec->m_len;
	uint8_t *plain = malloc(len);
	uint64_t nonce = 0;
	size_t n;

	m_copydata(rec, 0, (int)len, plain);
	for (int i = 5; i < s->hlen && i < 13; i++)
		nonce = nonce << 8 | plain[i];
	n = reftls_seal(s, t->key, t->iv, nonce, rec->m_epg.seqno,
	    TLS_RLTYPE_APP, plain + s->hlen, len - s->hlen - rec->m_epg.trllen,
	    0, out);
	assert_int_equal(n, len);
	free(plain);
	return (len);
}

void
nb_stream_init(struct nicbench *b, struct nb_stream *st,
    const struct tls_suite *s, const uint32_t *sizes, unsigned nrec)
{
	memset(st, 0, sizeof(*st));
	st->b = b;
	st->nrec = nrec;
	st->bytes = malloc(NB_MAXBYTES);
	nb_tls_init(b, &st->t, s);
	for (unsigned i = 0; i < nrec; i++) {
		assert_true(st->at[i] + sizes[i] + 512 < NB_MAXBYTES);
		st->rec[i] = nb_record(b, &st->t, NB_SEQNO + i, sizes[i]);
		st->at[i + 1] = st->at[i] +
		    ref_record(&st->t, st->rec[i], st->bytes + st->at[i]);
	}
}

void
nb_stream_fini(struct nb_stream *st)
{
	for (unsigned i = 0; i < st->nrec; i++)
		m_freem(st->rec[i]);
	nb_tls_fini(&st->t);
	free(st->bytes);
}

struct mbuf *
nb_stream_chain(struct nb_stream *st, uint32_t from, uint32_t to)
{
	struct mbuf *top = NULL, **mp = &top;
	uint32_t lo, hi;

	for (unsigned i = 0; i < st->nrec; i++) {
		lo = MAX(from, st->at[i]);
		hi = MIN(to, st->at[i + 1]);
		if (lo >= hi)
			continue;
		*mp = nb_slice(st->rec[i], lo - st->at[i], hi - st->at[i]);
		mp = &(*mp)->m_next;
	}
	return (top);
}

int
nb_stream_send(struct nb_stream *st, struct nb_port *p, struct m_snd_tag *mst,
    uint32_t from, uint32_t to, uint32_t mss)
{
	struct nb_hdr h = { .seq = NB_SEQ + from, .mss = mss };
	struct mbuf *m;

	m = nb_packet(st->b, &h, nb_stream_chain(st, from, to));
	if (mst != NULL)
		nb_settag(m, mst);
	return (p->n->n_if.if_transmit(&p->n->n_if, m));
}

uint32_t
nb_stream_check(struct nb_stream *st, struct nb_port *p, uint32_t from,
    uint32_t to)
{
	uint32_t sum = 0, at, next = from;
	const struct frame *f;

	nb_run(st->b);
	STAILQ_FOREACH(f, &p->got, f_link) {
		if (f->f_paylen == 0)
			continue;
		at = be32dec(f->f_hdr + f->f_l2len + f->f_l3len + 4) - NB_SEQ;
		if (at + f->f_paylen > nb_stream_len(st) ||
		    memcmp(f->f_payload, st->bytes + at, f->f_paylen) != 0)
			fail_msg("[%u, %u): frame [%u, %u) differs", from, to,
			    at, at + f->f_paylen);
		if (at <= next && at + f->f_paylen > next)
			next = at + f->f_paylen;
		sum += f->f_paylen;
	}
	if (next < to)
		fail_msg("[%u, %u): the wire has it up to %u", from, to, next);
	nb_clear(p);
	return (sum);
}

uint32_t
nb_stream_go(struct nb_stream *st, struct nb_port *p, struct m_snd_tag *mst,
    uint32_t from, uint32_t to, uint32_t mss)
{
	int error = nb_stream_send(st, p, mst, from, to, mss);

	if (error != 0)
		fail_msg("[%u, %u): transmit answers %d", from, to, error);
	return (nb_stream_check(st, p, from, to));
}
