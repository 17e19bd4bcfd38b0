/* A card as text: ring, receive queue, counters, and what the model adds. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/tcp_lro.h>
#include "nic_drv.h"

#define RING_DUMP_MAX 64 /* packets of the ring; the rest is counted */

static void
nic_dump_stats(const struct nic_stats *s, struct strbuf *sb, int indent)
{
	strbuf_addf(sb,
	    "%*ssent %" PRIu64 " packets %" PRIu64 " frames %" PRIu64
	    " bytes, ring full %" PRIu64 " lost in the ring %" PRIu64 "\n",
	    indent, "", s->tx_packets, s->tx_frames, s->tx_bytes, s->enobuf,
	    s->tx_lost_ring);
	strbuf_addf(sb,
	    "%*sreceived %" PRIu64 " frames %" PRIu64
	    " bytes, interrupts %" PRIu64 " bad checksum %" PRIu64
	    " link down %" PRIu64 " not mine %" PRIu64 "\n",
	    indent, "", s->rx_frames, s->rx_bytes, s->rx_interrupts,
	    s->rx_bad_csum, s->rx_link_down, s->rx_not_mine);
	strbuf_addf(sb,
	    "%*stls packets %" PRIu64 " bytes %" PRIu64 " read again %" PRIu64
	    " refused %" PRIu64 "\n",
	    indent, "", s->tls_packets, s->tls_bytes, s->dma_reread,
	    s->tls_plain_refused);
}

static void
nic_dump_ring(const struct nic_txq *t, struct strbuf *sb, int indent)
{
	const struct nic_queue *q = t->t_q;
	const struct mbuf *m;
	unsigned shown = 0;

	if (t->t_pi == 0)
		return; /* never used */
	strbuf_addf(sb,
	    "%*squeue %u: %u of %u blocks, posted %u begun %u done %u reaped "
	    "%u, packets %u%s%s\n",
	    indent, "", q->q_index, t->t_pi - t->t_ci, t->t_size, t->t_pi,
	    q->q_fetched, q->q_ci, t->t_ci, t->t_packets,
	    q->q_hung ? ", stalled" : "", q->q_error ? ", stopped" : "");
	for (uint32_t i = t->t_ci; i != t->t_pi && shown < RING_DUMP_MAX; i++) {
		m = t->t_slots[i & (q->q_blocks - 1)].sl_m;
		if (m == NULL)
			continue;
		strbuf_addf(sb, "%*sblock %u:\n", indent + 2, "", i);
		m_dump(m, sb, indent + 4);
		shown++;
	}
}

static void
nic_dump_rx(const struct nic *n, struct strbuf *sb, int indent)
{
	const struct frame *f;
	unsigned frames = 0;

	STAILQ_FOREACH(f, &n->n_rxq, f_link)
		frames++;
	strbuf_addf(sb, "%*sreceive queue %u frames", indent, "", frames);
	dump_event(sb, "interrupt", &n->n_intr_ev);
	if (n->n_lro != NULL)
		strbuf_addf(sb, ", lro took %" PRIu64 " gave %" PRIu64,
		    tcp_lro_stats(n->n_lro)->lro_queued,
		    tcp_lro_stats(n->n_lro)->lro_flushed);
	strbuf_adds(sb, "\n");
}

void
nic_dump(const struct nic *n, bool chains, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*scard %s model %s link %s\n", indent, "",
	    n->n_if.if_xname, n->n_model->nm_name,
	    n->n_link_up ? "up" : "down");
	indent += 2;
	if (chains) {
		strbuf_addf(sb, "%*sbursts %u", indent, "",
		    n->n_card->c_bursts);
		dump_event(sb, "next", &n->n_card->c_ev);
		strbuf_adds(sb, "\n");
		for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++)
			nic_dump_ring(&n->n_drv->d_txqs[i], sb, indent);
		nic_dump_rx(n, sb, indent);
	}
	nic_dump_stats(&n->n_stats, sb, indent);
	if (n->n_model->nm_dump != NULL)
		n->n_model->nm_dump(n, sb, indent);
	if (n->n_model->nm_hw_dump != NULL)
		n->n_model->nm_hw_dump(n->n_card, sb, indent);
}
