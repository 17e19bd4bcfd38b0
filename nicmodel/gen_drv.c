/* The driver of the cards that are nobody's product. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "gen_wr.h"
#include "nic_drv.h"

#define TABLE_SEGS 512 /* a packet of so many segments goes */
#define TABLE_SIZE                                             \
	(sizeof(struct gen_wr) + GEN_HDR_ROOM(FRAME_HDR_MAX) + \
	    TABLE_SEGS * (sizeof(struct gen_seg) + sizeof(struct gen_part)))

/* A packet's table on its way up. */
struct gen_build {
	struct nic_txq *b_t;
	uint8_t *b_table;
	uint32_t b_len;
	struct gen_wr *b_wr;
	uint32_t b_segs; /* mapped so far */
};

static struct gen_part *
build_part(struct gen_build *b, enum gen_part_kind kind, uint32_t len)
{
	struct gen_part *p = (void *)(b->b_table + b->b_len);

	*p = (struct gen_part) { .p_kind = (uint8_t)kind, .p_len = len };
	b->b_len += sizeof(*p);
	b->b_wr->w_nparts++;
	return (p);
}

static int
build_segs(struct gen_build *b, struct gen_part *p, const struct mbuf *m,
    uint32_t off, uint32_t len)
{
	struct nic_seg segs[MBUF_PEXT_MAX_PGS + 2];
	struct gen_seg *out = (void *)(b->b_table + b->b_len);
	int n;

	if (b->b_segs + nitems(segs) > TABLE_SEGS)
		return (EFBIG);
	n = nic_map_chain(b->b_t, m, off, len, segs, nitems(segs));
	if (n < 0)
		return (-n);
	for (int i = 0; i < n; i++)
		out[i] = (struct gen_seg) { .s_addr = segs[i].s_addr,
			.s_len = segs[i].s_len };
	p->p_nsegs = (uint16_t)n;
	b->b_segs += (uint32_t)n;
	b->b_len += (uint32_t)n * sizeof(*out);
	return (0);
}

/* Bytes [off, off+len) of one mbuf that a session has not to encrypt. */
static int
build_plain(struct gen_build *b, const struct mbuf *m, uint32_t off,
    uint32_t len)
{
	return (build_segs(b, build_part(b, GEN_PLAIN, len), m, off, len));
}

static int
build_record(struct gen_build *b, struct mbuf *m, uint32_t off, uint32_t len)
{
	struct gen_part *p = build_part(b, GEN_RECORD, len);
	struct nic_record r;
	int error;

	nic_record_open(m, &r);
	p->p_hlen = (uint8_t)r.r_hlen;
	p->r_off = r.r_off + off;
	p->r_len = r.r_len;
	p->r_seqno = m->m_epg.seqno;
	error = build_segs(b, p, m, 0, MAX(p->r_off + len, r.r_hlen));
	nic_record_close(m, &r);
	return (error);
}

static int
build_payload(struct gen_build *b, const struct nic_pkt *p, uint32_t context,
    struct nic_lab *lab)
{
	uint32_t skip = p->p_hdr.h_len, len;
	bool record;
	int error;

	for (struct mbuf *m = p->p_m; m != NULL; m = m->m_next) {
		if (skip >= (uint32_t)m->m_len) {
			skip -= (uint32_t)m->m_len;
			continue;
		}
		if (lab->l_rec == NULL) {
			lab->l_rec = m;
			lab->l_skip = (int32_t)skip;
		}
		len = (uint32_t)m->m_len - skip;
		record = context != 0 && (m->m_flags & M_EXTPG) != 0 &&
		    m->m_epg.tls != NULL;
		error = record ? build_record(b, m, skip, len)
			       : build_plain(b, m, skip, len);
		if (error != 0)
			return (error);
		skip = 0;
	}
	return (0);
}

/* A record may go to a card only with a tag of this port. */
static bool
plain_refused(struct nic *n, const struct mbuf *m)
{
	for (; m != NULL; m = m->m_next)
		if ((m->m_flags & M_EXTPG) != 0 && m->m_epg.tls != NULL &&
		    !V_DEFECT(n->n_vnet, NET_NO_TAG_CHECK)) {
			n->n_stats.tls_plain_refused++;
			return (true);
		}
	return (false);
}

static struct kzone *
tables(struct nic *n)
{
	return (&((struct gen_softc *)n->n_softc)->gs_tables);
}

static void
table_done(struct nic_txq *t, void *table)
{
	kzone_free(tables(t->t_nic), table);
}

static int
gen_post(struct gen_build *b, const struct nic_pkt *p, uint32_t context)
{
	struct nic_lab lab = { .l_m = p->p_m,
		.l_tag = context != 0 ? p->p_m->m_pkthdr.snd_tag->number : 0 };
	struct nic_hdr h = p->p_hdr;
	struct gen_desc d = { 0 };
	struct nic_slot *sl;
	int error;

	nic_hdr_vlan(&h, nic_vtag(p->p_m));
	b->b_wr = (void *)b->b_table;
	*b->b_wr = (struct gen_wr) {
		.w_flags = (uint8_t)((p->p_csum ? GEN_CSUM : 0) |
		    (p->p_mss != 0 ? GEN_TSO : 0)),
		.w_hdrlen = h.h_len,
		.w_mss = (uint16_t)p->p_mss,
		.w_paylen = p->p_paylen,
		.w_context = context,
	};
	memcpy(b->b_table + sizeof(*b->b_wr), h.h_bytes, h.h_len);
	b->b_len = sizeof(*b->b_wr) + GEN_HDR_ROOM(h.h_len);
	if ((error = build_payload(b, p, context, &lab)) != 0)
		return (error);
	d.g_len = b->b_len;
	d.g_table = nic_dma_map(b->b_t->t_q, b->b_table, b->b_len);
	nic_txq_post(b->b_t, &d, sizeof(d), p->p_m, b->b_segs + 1, &lab);
	sl = nic_txq_last(b->b_t);
	sl->sl_done = table_done;
	sl->sl_arg = b->b_table;
	nic_txq_ring(b->b_t);
	return (0);
}

int
gen_transmit(struct nic *n, struct nic_queue *q, struct mbuf *m,
    uint32_t context, const char **why)
{
	struct gen_build b = { .b_t = nic_txq(n, q) };
	struct nic_pkt p;
	int error;

	if (nic_txq_room(b.b_t) == 0) {
		*why = "transmit ring is full";
		return (ENOBUFS);
	}
	if ((error = nic_parse(m, &p)) != 0)
		return (error);
	if (context == 0 && plain_refused(n, m)) {
		*why = "TLS record without a send tag of this port";
		return (EINVAL);
	}
	b.b_table = kzone_alloc(tables(n), M_WAITOK);
	if ((error = gen_post(&b, &p, context)) == 0)
		return (0);
	q->q_map_head -= b.b_segs;
	kzone_free(tables(n), b.b_table);
	/* What could not be mapped may go another time; it is no error of the
	 * connection's. */
	*why = "its payload could not be mapped";
	return (error == EIO ? ENOBUFS : error);
}

void
gen_softc_init(struct gen_softc *gs, struct nic *n)
{
	kzone_init(&gs->gs_tables, &n->n_vnet->v_kmem, "nic_table", TABLE_SIZE);
}

void
gen_softc_fini(struct gen_softc *gs)
{
	kzone_fini(&gs->gs_tables);
}
