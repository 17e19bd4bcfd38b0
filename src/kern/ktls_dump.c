/* TLS sessions and the workers' queues as text. Keys are never printed. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "ktls_priv.h"

static void
ktls_dump_batches(const char *what, const struct mbufq *q, struct strbuf *sb,
    int indent)
{
	const struct mbuf *m;

	STAILQ_FOREACH(m, q, m_epg.stailq) {
		strbuf_addf(sb, "%*s%s: record %" PRIu64 " pages %d", indent,
		    "", what, m->m_epg.seqno, m->m_epg.enc_cnt);
		if (m->m_epg.so != NULL)
			strbuf_addf(sb, " of socket %u",
			    m->m_epg.so->so_number);
		if ((m->m_epg.flags & EPG_FLAG_2FREE) != 0)
			strbuf_adds(sb, " to be freed");
		strbuf_adds(sb, "\n");
	}
}

void
ktls_session_dump(const struct ktls_session *tls, struct strbuf *sb, int indent)
{
	const struct tls_session_params *tp = &tls->params;

	strbuf_addf(sb, "%*stls %u %s conn %u mode %s %s refs %u", indent, "",
	    tls->number, tls->direction == KTLS_TX ? "tx" : "rx", tls->conn,
	    ktls_mode_name(tls->mode), tp->suite->name, tls->refcount);
	strbuf_addf(sb, " hdr %u trl %u max %u", tp->tls_hlen, tp->tls_tlen,
	    tp->max_frame_len);
	if (tls->mode == TCP_TLS_MODE_SW)
		strbuf_addf(sb, " worker %u", tls->wq_index);
	if (tls->snd_tag != NULL)
		strbuf_addf(sb, " tag %u", tls->snd_tag->number);
	if (tls->reset_pending)
		strbuf_adds(sb, " reset pending");
	if (tls->sequential_records)
		strbuf_addf(sb, " next to encrypt %" PRIu64, tls->next_seqno);
	strbuf_adds(sb, "\n");
	ktls_dump_batches("waits for its turn", &tls->pending_records, sb,
	    indent + 2);
}

static void
ktls_wq_dump(const struct ktls_wq *wq, struct strbuf *sb, int indent)
{
	const struct socket *so;

	strbuf_addf(sb, "%*sworker %u: %s%s%s in flight %u", indent, "",
	    wq->wq_cpu, wq->wq_running ? "awake" : "asleep",
	    wq->wq_held ? " held" : "",
	    wq->wq_waiting ? " waits for a completion," : ",", wq->wq_inflight);
	dump_event(sb, "wake", &wq->wq_wake);
	strbuf_adds(sb, "\n");
	indent += 2;
	ktls_dump_batches("taken", &wq->wq_cur_m, sb, indent);
	ktls_dump_batches("queued", &wq->wq_m, sb, indent);
	STAILQ_FOREACH(so, &wq->wq_cur_so, so_ktls_rx)
		strbuf_addf(sb, "%*staken: to decrypt, socket %u\n", indent, "",
		    so->so_number);
	STAILQ_FOREACH(so, &wq->wq_so, so_ktls_rx)
		strbuf_addf(sb, "%*squeued: to decrypt, socket %u\n", indent,
		    "", so->so_number);
}

static void
ktls_accel_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	const struct crypto_accel_stats *st = crypto_accel_stats(vnet->v_accel);

	strbuf_addf(sb,
	    "%*saccelerator: inside %" PRIu64 " most %" PRIu64 " taken %" PRIu64
	    " refused %" PRIu64 "\n",
	    indent, "", st->inside, st->inside_max, st->ops, st->refused);
}

/* The cache of output buffers, and the threads that make room for it. */
static void
ktls_buffers_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	const struct ktls_domain *d;

	if (vnet->v_ktls->ks_nbuffers > 0)
		strbuf_addf(sb, "%*soutput buffers: %u cached\n", indent, "",
		    vnet->v_ktls->ks_nbuffers);
	for (int i = 0; i < vnet->v_ndomains; i++) {
		d = &vnet->v_ktls->ks_domains[i];
		if (d->d_wakeups == 0)
			continue;
		strbuf_addf(sb,
		    "%*sdomain %d: woken %" PRIu64 " reclaimed %" PRIu64,
		    indent, "", i, d->d_wakeups, d->d_reclaims);
		dump_event(sb, "done", &d->d_reclaim);
		strbuf_adds(sb, "\n");
	}
}

void
ktls_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	const struct ktls_state *ks = vnet->v_ktls;

	strbuf_addf(sb,
	    "%*sktls: sessions %" PRIu64 " of %" PRIu64
	    " ever, batches queued to encrypt %" PRIu64 " decrypt %" PRIu64
	    "\n",
	    indent, "", ks->ks_stats.active, ks->ks_stats.offload_total,
	    ks->ks_stats.sw_tx_inqueue, ks->ks_stats.sw_rx_inqueue);
	for (int i = 0; ks->ks_wq != NULL && i < vnet->v_ncpus; i++)
		ktls_wq_dump(&ks->ks_wq[i], sb, indent + 2);
	if (ks->ks_wq != NULL)
		ktls_buffers_dump(vnet, sb, indent + 2);
	if (vnet->v_accel != NULL)
		ktls_accel_dump(vnet, sb, indent + 2);
}
