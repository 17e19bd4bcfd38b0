/*
 * Why a connection does not go on: who waits for what, from the application
 * that wants bytes down to the thing that has to happen. Each line is one link
 * of the chain; the last one is the cause, as far as this moment shows it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/in_pcb.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

struct chain {
	struct world *w;
	struct strbuf *sb;
	unsigned n;
};

static void say(struct chain *ch, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct chain *ch, const char *fmt, ...)
{
	va_list ap;

	strbuf_addf(ch->sb, "%u. ", ++ch->n);
	va_start(ap, fmt);
	strbuf_vaddf(ch->sb, fmt, ap);
	va_end(ap);
	strbuf_adds(ch->sb, "\n");
}

/* "in 3 ms", of an event that is to come; static. */
static const char *
due(const struct chain *ch, const struct sim_event *ev)
{
	static _Thread_local char text[48];
	struct strbuf sb = { 0 };
	simtime_t now = timebase_now(ch->w->w_tb);

	format_time(ev->ev_when > now ? ev->ev_when - now : 0, &sb);
	snprintf(text, sizeof(text), "in %s", strbuf_str(&sb));
	strbuf_fini(&sb);
	return (text);
}

static const char *
host_name(const struct conn *c)
{
	return (c->c_app->a_host->h_sc->loc.name);
}

/* --- the sender's buffer: what is not ready, and who makes it so --- */

static void
why_worker(struct chain *ch, const struct conn *c, unsigned cpu)
{
	struct ktls_worker_look lk;

	ktls_worker_look(c->c_so->so_vnet, cpu, &lk);
	if (lk.kw_held)
		say(ch, "worker %u of %s is held by the scenario%s%s", cpu,
		    host_name(c),
		    sim_event_pending(&c->c_app->a_host->h_release)
			? ", goes on "
			: "",
		    sim_event_pending(&c->c_app->a_host->h_release)
			? due(ch, &c->c_app->a_host->h_release)
			: "");
	else
		say(ch,
		    "worker %u of %s is %s, has %u batches queued and %u in "
		    "work",
		    cpu, host_name(c), lk.kw_running ? "awake" : "asleep",
		    lk.kw_queued, lk.kw_inflight);
}

static void
why_not_ready(struct chain *ch, const struct conn *c, const struct mbuf *m)
{
	const struct ktls_session *tls =
	    (m->m_flags & M_EXTPG) != 0 ? m->m_epg.tls : NULL;
	struct ktls_worker_look lk = { 0 };

	if (tls != NULL && tls->mode == TCP_TLS_MODE_SW)
		ktls_worker_look(c->c_so->so_vnet, tls->wq_index, &lk);
	if (tls != NULL && tls->sequential_records && m->m_epg.so == NULL &&
	    m->m_epg.seqno > tls->next_seqno)
		say(ch,
		    "the first of them, record %ju, waits for its turn: TLS "
		    "1.0 encrypts in order, next is record %ju",
		    (uintmax_t)m->m_epg.seqno, (uintmax_t)tls->next_seqno);
	/* Nobody has it in hand: it is not there to be encrypted. */
	else if (tls == NULL || (m->m_epg.so == NULL && lk.kw_inflight == 0))
		say(ch,
		    (m->m_flags & M_EXTPG) != 0 &&
			    (m->m_epg.flags & EPG_FLAG_ANON) != 0
			? "the first of them was never given to a worker of "
			  "%s (its %u pages are there)"
			: "the first of them waits for the disk of %s: %u "
			  "pages",
		    host_name(c), m->m_epg.nrdy);
	else {
		say(ch,
		    "the first of them is record %ju, which waits for its "
		    "encryption",
		    (uintmax_t)m->m_epg.seqno);
		why_worker(ch, c, tls->wq_index);
	}
}

/* --- the sender's application --- */

static void
why_application(struct chain *ch, const struct conn *c)
{
	const struct sockbuf *sb = &c->c_so->so_snd;
	uint32_t used = sbused(sb);

	if (c->c_off < c->c_len)
		say(ch,
		    "%s#%u on %s has sent %ju of %ju body bytes; its send "
		    "buffer holds %u of %u bytes",
		    c->c_app->a_sc->loc.name, c->c_index, host_name(c),
		    (uintmax_t)c->c_off, (uintmax_t)c->c_len, used,
		    sb->sb_hiwat);
	else
		say(ch, "%s#%u on %s has nothing more to send (it is at: %s)",
		    c->c_app->a_sc->loc.name, c->c_index, host_name(c),
		    conn_state_name(c));
	if (sim_event_pending(&c->c_event))
		say(ch, "it looks again %s", due(ch, &c->c_event));
	else if (c->c_off < c->c_len && sbspace(sb) < sb->sb_lowat)
		say(ch,
		    "it waits for %ld bytes of room (%ld are free): what is in "
		    "the buffer goes when it is acknowledged",
		    (long)sb->sb_lowat, MAX((long)sbspace(sb), 0L));
}

/* --- the sender's TCP --- */

static void
why_path(struct chain *ch, const struct conn *c)
{
	const struct inpcb *inp = sotoinpcb(c->c_so);
	const struct ktls_session *tls = c->c_so->so_snd.sb_tls_info;
	const struct ifnet *ifp;

	if (tls != NULL && tls->reset_pending)
		say(ch,
		    "a send tag is being replaced: until then packets are "
		    "refused with EAGAIN");
	if (inp == NULL || !inp->inp_route_ok)
		return;
	ifp = inp->inp_route.nh_ifp;
	if (ifp->if_link_state != LINK_STATE_UP)
		say(ch, "the link of %s on %s is down", ifp->if_xname,
		    host_name(c));
}

static void
why_outstanding(struct chain *ch, const struct conn *c, const struct tcpcb *tp)
{
	if (tp->t_state < TCPS_ESTABLISHED)
		say(ch, "the SYN of %s is sent and not acknowledged",
		    host_name(c));
	else
		say(ch,
		    "%u bytes of %s are sent and not acknowledged (window %u, "
		    "congestion window %u)",
		    tp->snd_max - tp->snd_una, host_name(c), tp->snd_wnd,
		    tp->snd_cwnd);
	if (tp->t_rxtshift > 0)
		say(ch,
		    "%u timeouts in a row so far: what was sent again was "
		    "not answered",
		    tp->t_rxtshift);
	if (sim_event_pending(&tp->t_rexmt.c_event))
		say(ch,
		    "if no answer comes, the retransmission timer sends again "
		    "%s",
		    due(ch, &tp->t_rexmt.c_event));
	why_path(ch, c);
}

/* What was sent is the trouble, not what is not there to be sent. */
static bool
needs_answer(const struct conn *c, const struct tcpcb *tp)
{
	const struct inpcb *inp = sotoinpcb(c->c_so);
	const struct ktls_session *tls = c->c_so->so_snd.sb_tls_info;

	return (tp->t_rxtshift > 0 || tp->t_dupacks > 0 ||
	    (tls != NULL && tls->reset_pending) ||
	    (inp != NULL && inp->inp_route_ok &&
		inp->inp_route.nh_ifp->if_link_state != LINK_STATE_UP));
}

static void
why_tcp(struct chain *ch, const struct conn *c)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);
	const struct sockbuf *sb = &c->c_so->so_snd;
	uint32_t out = tp->snd_max - tp->snd_una;

	if (tp->snd_wnd == 0 && sbavail(sb) > out)
		say(ch,
		    "%u bytes are ready, but the receiver's window is closed; "
		    "%s asks again %s",
		    sbavail(sb) - out, host_name(c),
		    sim_event_pending(&tp->t_persist.c_event)
			? due(ch, &tp->t_persist.c_event)
			: "when it opens");
	else if (out > 0 && (sbavail(sb) > out || needs_answer(c, tp)))
		why_outstanding(ch, c, tp);
	else if (sbavail(sb) > out) {
		say(ch, "%u bytes are ready and not sent", sbavail(sb) - out);
		why_path(ch, c);
	} else if (sb->sb_fnrdy != NULL) {
		say(ch, "%u bytes are in the send buffer of %s and not ready",
		    sbused(sb) - sbavail(sb), host_name(c));
		why_not_ready(ch, c, sb->sb_fnrdy);
	} else if (c->c_off < c->c_len || out == 0)
		why_application(ch, c);
	else
		why_outstanding(ch, c, tp);
}

/* --- the receiver --- */

/* True: it is the reason itself. */
static bool
why_receiver(struct chain *ch, const struct conn *c)
{
	const struct sockbuf *sb = &c->c_so->so_rcv;
	const struct tcpcb *tp = sototcpcb(c->c_so);

	if (sbavail(sb) > 0 && c->c_read_bps != 0) {
		say(ch,
		    "%u bytes are there for it: it reads no faster than %ju "
		    "bit/s, and looks again %s",
		    sbavail(sb), (uintmax_t)c->c_read_bps,
		    sim_event_pending(&c->c_event) ? due(ch, &c->c_event)
						   : "when more comes");
		return (true);
	}
	if (sbavail(sb) > 0)
		say(ch, "%u bytes are there for it%s%s", sbavail(sb),
		    sim_event_pending(&c->c_event) ? ", and it looks " : "",
		    sim_event_pending(&c->c_event) ? due(ch, &c->c_event) : "");
	if (sb->sb_tlscc > 0)
		say(ch, "%u bytes are received and not decrypted: %s",
		    sb->sb_tlscc,
		    sb->sb_tlsdcc > 0 ? "its kernel's worker is at it"
				      : "a record is not there in full");
	if (tp->t_segqbytes > 0)
		say(ch,
		    "%u bytes arrived out of order: what should come before "
		    "them (from byte %u of the stream) is missing",
		    tp->t_segqbytes, tp->rcv_nxt - tp->irs - 1);
	return (false);
}

/* All that it had to say has arrived, whether it has heard so or not. */
static bool
has_said(const struct conn *from, const struct conn *to)
{
	const struct tcpcb *tp = sototcpcb(from->c_so);

	return (from->c_off >= from->c_len &&
	    tp->snd_max == sototcpcb(to->c_so)->rcv_nxt &&
	    sbused(&from->c_so->so_snd) <= tp->snd_max - tp->snd_una);
}

/* Does who only has to read wait for an answer to what it sent? Then, too,
 * while its first timeout is to come, if the other end has nothing to say. */
static bool
asks(const struct conn *to, const struct conn *from)
{
	const struct tcpcb *tp = sototcpcb(to->c_so);

	return (tp->snd_max != tp->snd_una &&
	    (tp->t_rxtshift > 0 || has_said(from, to)));
}

static void
why_beside(struct chain *ch, const struct conn *c)
{
	const struct app_ops *ops = c->c_app->a_ops;
	struct strbuf sb = { 0 };

	if (c->c_so != NULL && ops->ao_waits != NULL && ops->ao_waits(c, &sb))
		say(ch, "%s", strbuf_str(&sb));
	strbuf_fini(&sb);
}

/* Before the body: a request, or the handshake, is under way. */
static void
why_question(struct chain *ch, const struct conn *c, const struct conn *peer)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);

	if (peer == NULL)
		say(ch, "no application at the other end has accepted it yet");
	if (tp->snd_max != tp->snd_una)
		why_outstanding(ch, c, tp);
}

static void
why_connection(struct chain *ch, struct conn *c)
{
	struct conn *peer = c->c_flow != NULL ? conn_peer(ch->w, c) : NULL;
	bool up = app_uploads(c->c_app);
	struct conn *to = up ? peer : c, *from = up ? c : peer;

	say(ch, "%s#%u on %s is at: %s%s", c->c_app->a_sc->loc.name, c->c_index,
	    host_name(c), conn_state_name(c),
	    c->c_connecting || c->c_established != 0 ? ""
						     : "; it has not begun");
	why_beside(ch, c);
	if (peer != NULL)
		why_beside(ch, peer);
	if (c->c_established == 0) {
		if (c->c_connecting)
			why_outstanding(ch, c, sototcpcb(c->c_so));
		return;
	}
	if (to != NULL && to->c_so != NULL && why_receiver(ch, to))
		return;
	if (peer != NULL && peer->c_so == NULL)
		say(ch, "there is no other end any more");
	else if (peer == NULL || asks(to, from))
		why_question(ch, peer == NULL ? c : to, peer);
	else
		why_tcp(ch, from);
}

int
world_why_stalled(struct world *w, const char *name, struct strbuf *sb)
{
	struct chain ch = { .w = w, .sb = sb };
	struct conn *c = world_conn(w, name);

	if (c == NULL)
		return (ENOENT);
	if (c->c_so == NULL)
		say(&ch, "%s is closed%s%s", name,
		    c->c_failed != NULL ? ": " : "",
		    c->c_failed != NULL ? c->c_failed : "");
	else
		why_connection(&ch, c);
	return (0);
}
