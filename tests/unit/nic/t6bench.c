#include "t6bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/sysctl.h>
#include <ktsim/netinet/tcp.h>

#include "support/reftls.h"

void
tb_init(struct t6b *tb, const char *suite, const char *knobs)
{
	memset(tb, 0, sizeof(*tb));
	nb_init_knobs(&tb->b, "t6", 0, knobs);
	nb_tls_init(&tb->b, &tb->t, tls_suite_byname(suite));
	tb->isn = 5000;
	tb->ack = 700;
	tb->win = 1000;
	tb->b.port[0].log = true;
}

/* The record's bytes on the wire. The header is the reference's in CBC, whose
 * explicit IV it can make of a number only. */
static void
tb_reference(struct t6b *tb, struct mbuf *rec, uint32_t paylen, uint8_t *out)
{
	const struct tls_suite *s = tb->t.tls.params.suite;
	uint8_t *plain = malloc((uint32_t)rec->m_len);

	m_copydata(rec, 0, rec->m_len, plain);
	assert_int_equal(reftls_seal(s, tb->t.key, tb->t.iv, be64dec(plain + 5),
			     rec->m_epg.seqno, TLS_RLTYPE_APP, plain + s->hlen,
			     paylen, 0, out),
	    rec->m_len);
	memcpy(rec->m_epg.hdr, out, s->hlen);
	free(plain);
}

void
tb_records(struct t6b *tb, unsigned n, uint32_t paylen)
{
	struct mbuf *m;
	unsigned i;

	for (; n > 0; n--) {
		i = tb->nrecs++;
		assert_true(i < TB_MAXRECS);
		tb->recs[i] = m = nb_record(&tb->b, &tb->t, i, paylen);
		tb->at[i + 1] = tb->at[i] + (uint32_t)m->m_len;
		tb->ref = realloc(tb->ref, tb->at[i + 1]);
		tb_reference(tb, m, paylen, tb->ref + tb->at[i]);
	}
}

void
tb_fini(struct t6b *tb)
{
	if (tb->tag != NULL)
		m_snd_tag_rele(tb->tag);
	for (unsigned i = 0; i < tb->nrecs; i++)
		m_freem(tb->recs[i]);
	free(tb->ref);
	nb_tls_fini(&tb->t);
	nb_fini(&tb->b);
}

int
tb_tag(struct t6b *tb, unsigned port, struct m_snd_tag **mst)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS,
		.tls = &tb->t.tls,
		.conn = tb->t.conn };

	return (nb_tag_try(&tb->b.port[port], &par, mst));
}

void
tb_open(struct t6b *tb)
{
	tb->t.conn.timestamps = tb->ts;
	tb->t.conn.ipv6 = tb->v6;
	assert_int_equal(tb_tag(tb, 0, &tb->tag), 0);
	nb_run(&tb->b);
	(void)tb_wrs(tb);
}

/* Pieces of the records that [from, to) touches. */
struct mbuf *
tb_chain(struct t6b *tb, uint32_t from, uint32_t to)
{
	struct mbuf *top = NULL, **mp = &top;
	uint32_t lo, hi;

	for (unsigned i = 0; i < tb->nrecs; i++) {
		lo = MAX(from, tb->at[i]);
		hi = MIN(to, tb->at[i + 1]);
		if (lo >= hi)
			continue;
		*mp = nb_slice(tb->recs[i], lo - tb->at[i], hi - tb->at[i]);
		mp = &(*mp)->m_next;
	}
	return (top);
}

static void
tb_options(const struct t6b *tb, const struct tb_pkt *p, uint8_t *opt)
{
	if (tb->ts) {
		memcpy(opt, "\1\1\10\12", 4);
		be32enc(opt + 4, 0x11223344);
		be32enc(opt + 8, tb->tsecr);
		opt += 12;
	}
	if (p->sack) {
		memcpy(opt, "\1\1\5\12", 4);
		be32enc(opt + 4, 900);
		be32enc(opt + 8, 950);
	}
}

static struct mbuf *
tb_packet(struct t6b *tb, uint32_t from, uint32_t to, const struct tb_pkt *p)
{
	struct nb_hdr h = { .seq = tb->isn + from,
		.flags = p->flags,
		.v6 = tb->v6,
		.id = 0x7777,
		.optlen = (uint8_t)((tb->ts ? 12 : 0) + (p->sack ? 12 : 0)),
		.mss = p->plain || to - from <= TB_MSS ? 0 : TB_MSS };
	struct mbuf *m = nb_packet(&tb->b, &h, tb_chain(tb, from, to));
	uint8_t *th = m->m_data + (tb->v6 ? 54 : 34);

	be32enc(th + 8, tb->ack);
	be16enc(th + 14, tb->win);
	tb_options(tb, p, th + 20);
	if (p->mac != 0)
		m->m_data[5] = p->mac;
	if (p->vtag != 0) {
		m->m_flags |= M_VLANTAG;
		m->m_pkthdr.ether_vtag = p->vtag;
	}
	nb_settag(m, tb->tag);
	return (m);
}

static void
tb_check(struct t6b *tb, struct frame *f)
{
	uint32_t off =
	    be32dec(f->f_hdr + f->f_l2len + f->f_l3len + 4) - tb->isn;

	tb->frames++;
	if (f->f_paylen == 0)
		return;
	assert_true(off + f->f_paylen <= tb->at[tb->nrecs]);
	tb->lo = MIN(tb->lo, off);
	tb->hi = MAX(tb->hi, off + f->f_paylen);
	tb->bytes += f->f_paylen;
	if (memcmp(f->f_payload, tb->ref + off, f->f_paylen) != 0)
		tb->bad++;
}

int
tb_send(struct t6b *tb, uint32_t from, uint32_t to, const struct tb_pkt *p)
{
	static const struct tb_pkt none;
	struct nb_port *port;
	struct frame *f;
	int error;

	p = p != NULL ? p : &none;
	port = &tb->b.port[p->port];
	nb_clear(port);
	(void)tb_wrs(tb);
	tb->before = port->n->n_stats;
	tb->lo = UINT32_MAX;
	tb->hi = tb->bytes = tb->frames = tb->bad = 0;
	error = port->n->n_if.if_transmit(&port->n->n_if,
	    tb_packet(tb, from, to, p));
	nb_run(&tb->b);
	STAILQ_FOREACH(f, &port->got, f_link)
		tb_check(tb, f);
	tb->asked = MAX(tb->asked, to);
	return (error);
}

void
tb_sent(struct t6b *tb, uint32_t from, uint32_t to, const struct tb_pkt *p)
{
	assert_int_equal(tb_send(tb, from, to, p), 0);
	if (tb->bad != 0)
		fail_msg("%s: [%u, %u): %u frames differ",
		    tb->t.tls.params.suite->name, from, to, tb->bad);
	assert_int_equal(tb->b.port[0].n->n_stats.cqe_err, 0);
}

uint64_t
tb_ctr(const struct t6b *tb, const char *name)
{
	char full[80];
	uint64_t val;

	snprintf(full, sizeof(full), "dev.cc.0.txq.0.%s", name);
	assert_int_equal(sysctl_read(tb->b.v, full, &val), 0);
	return (val);
}

uint64_t
tb_dma(const struct t6b *tb)
{
	return (tb->b.port[0].n->n_stats.dma_payload - tb->before.dma_payload);
}

uint64_t
tb_waste(const struct t6b *tb)
{
	return (tb->b.port[0].n->n_stats.dma_reread - tb->before.dma_reread);
}

const char *
tb_wrs(struct t6b *tb)
{
	static char text[16384];
	struct strbuf *sb = &tb->b.port[0].lines;

	snprintf(text, sizeof(text), "%s", strbuf_str(sb));
	strbuf_clear(sb);
	return (text);
}
