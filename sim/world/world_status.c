/* What a live world is doing just now, for people and for programs. */
#include <stdlib.h>

#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

/* One open connection, as both renderings want it. */
struct conn_look {
	struct strbuf name, peer;
	const char *state, *tx, *rx;
	uint64_t sent, received, cwnd, rexmit;
	simtime_t srtt;
};

static void
look_at(struct conn *c, struct conn_look *cl)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);
	int tx = TCP_TLS_MODE_NONE, rx = TCP_TLS_MODE_NONE;
	struct ksockaddr peer;

	*cl = (struct conn_look) { .state = conn_state_name(c) };
	strbuf_addf(&cl->name, "%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	if (so_peername(c->c_so, &peer) == 0) {
		if (peer.sa_family == KAF_INET6)
			strbuf_adds(&cl->peer, "[");
		format_addr(peer.sa_family, &peer.sa_addr, &cl->peer);
		strbuf_addf(&cl->peer, "%s:%u",
		    peer.sa_family == KAF_INET6 ? "]" : "", peer.sa_port);
	} else
		strbuf_adds(&cl->peer, "-");
	(void)ktls_get_tx_mode(c->c_so, &tx);
	(void)ktls_get_rx_mode(c->c_so, &rx);
	cl->tx = ktls_mode_name(tx);
	cl->rx = ktls_mode_name(rx);
	cl->sent = c->c_sent;
	cl->received = c->c_server ? c->c_received : c->c_before + c->c_off;
	if (tp == NULL)
		return;
	cl->cwnd = tp->snd_cwnd;
	cl->srtt = tp->t_srtt;
	cl->rexmit = tp->t_stats.rexmit_packs;
}

static void
look_done(struct conn_look *cl)
{
	strbuf_fini(&cl->name);
	strbuf_fini(&cl->peer);
}

static void
conn_text(const struct conn_look *cl, struct strbuf *sb)
{
	strbuf_addf(sb, "connection %s peer %s state \"%s\" tx %s rx %s",
	    strbuf_str(&cl->name), strbuf_str(&cl->peer), cl->state, cl->tx,
	    cl->rx);
	strbuf_addf(sb, " sent %ju received %ju cwnd %ju rexmit %ju srtt ",
	    (uintmax_t)cl->sent, (uintmax_t)cl->received, (uintmax_t)cl->cwnd,
	    (uintmax_t)cl->rexmit);
	format_time(cl->srtt, sb);
	strbuf_adds(sb, "\n");
}

/* Names are words, addresses and states hold nothing to be escaped. */
static void
conn_json(const struct conn_look *cl, struct strbuf *sb)
{
	strbuf_addf(sb,
	    "{\"name\": \"%s\", \"peer\": \"%s\", \"state\": \"%s\", "
	    "\"tx_mode\": \"%s\", \"rx_mode\": \"%s\", \"sent\": %ju, "
	    "\"received\": %ju, \"cwnd\": %ju, "
	    "\"retransmitted_packets\": %ju, \"srtt_ps\": %ju}",
	    strbuf_str(&cl->name), strbuf_str(&cl->peer), cl->state, cl->tx,
	    cl->rx, (uintmax_t)cl->sent, (uintmax_t)cl->received,
	    (uintmax_t)cl->cwnd, (uintmax_t)cl->rexmit, (uintmax_t)cl->srtt);
}

static void
conns_status(struct world *w, struct strbuf *sb, const char *between,
    void (*render)(const struct conn_look *, struct strbuf *))
{
	struct conn_look cl;
	const char *sep = "";
	struct conn *c;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link) {
			if (c->c_so == NULL)
				continue;
			strbuf_adds(sb, sep);
			sep = between;
			look_at(c, &cl);
			render(&cl, sb);
			look_done(&cl);
		}
}

void
world_status(struct world *w, struct strbuf *sb)
{
	const struct wire_stats *ws[2];
	const struct wire *wi;

	for (unsigned i = 0; i < w->w_sc->nlinks; i++) {
		wi = w->w_links[i].l_wire;
		ws[0] = wire_stats(wi, 0);
		ws[1] = wire_stats(wi, 1);
		strbuf_addf(sb,
		    "link %s %s frames %ju and %ju bytes %ju and %ju lost %ju "
		    "and %ju\n",
		    wire_name(wi), wire_is_up(wi) ? "up" : "down",
		    (uintmax_t)ws[0]->frames, (uintmax_t)ws[1]->frames,
		    (uintmax_t)ws[0]->bytes, (uintmax_t)ws[1]->bytes,
		    (uintmax_t)(ws[0]->lost + ws[0]->queue_drops +
			ws[0]->down_drops),
		    (uintmax_t)(ws[1]->lost + ws[1]->queue_drops +
			ws[1]->down_drops));
	}
	conns_status(w, sb, "", conn_text);
}

void
world_status_json(struct world *w, struct strbuf *sb)
{
	const struct wire_stats *ws;
	const struct wire *wi;

	strbuf_adds(sb, "\"links\": [");
	for (unsigned i = 0; i < w->w_sc->nlinks; i++) {
		wi = w->w_links[i].l_wire;
		strbuf_addf(sb, "%s{\"name\": \"%s\", \"up\": %s",
		    i > 0 ? ", " : "", wire_name(wi),
		    wire_is_up(wi) ? "true" : "false");
		for (int d = 0; d < 2; d++) {
			ws = wire_stats(wi, d);
			strbuf_addf(sb,
			    ", \"%s\": {\"frames\": %ju, \"bytes\": %ju, "
			    "\"lost\": %ju}",
			    d == 0 ? "there" : "back", (uintmax_t)ws->frames,
			    (uintmax_t)ws->bytes,
			    (uintmax_t)(ws->lost + ws->queue_drops +
				ws->down_drops));
		}
		strbuf_adds(sb, "}");
	}
	strbuf_adds(sb, "], \"connections\": [");
	conns_status(w, sb, ", ", conn_json);
	strbuf_adds(sb, "]");
}
