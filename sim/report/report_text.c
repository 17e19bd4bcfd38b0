/*
 * The report for people. Order: what was asked, what came of it, how each
 * connection went and why in that way, what was lost and where, what moved,
 * what was checked.
 */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

int
result_exit_code(const struct result *r)
{
	if (r->r_interrupted)
		return (130);
	if (r->r_capture_error != 0)
		return (3);
	if (own_cannot_start(r) != NULL)
		return (3);
	if (r->r_panic != NULL)
		return (4);
	for (int i = 0; i < INVARIANTS; i++)
		if (r->r_inv[i].i_broken > 0)
			return (4);
	for (unsigned i = 0; i < r->r_nclaims; i++)
		if (!r->r_claims[i].cl_ok)
			return (1);
	return (0);
}

static void
add_time(struct strbuf *sb, simtime_t t)
{
	format_time(t, sb);
}

void
heading(struct strbuf *sb, const char *text)
{
	strbuf_addf(sb, "\n%s\n", text);
}

/* --- connections --- */

static void
text_side(struct strbuf *sb, const char *who, const struct conn_side *s,
    bool tls)
{
	if (tls) {
		strbuf_addf(sb, "    %s tx: ", who);
		if (s->tx_mode != TCP_TLS_MODE_NONE)
			strbuf_addf(sb, "kernel TLS, mode %s",
			    ktls_mode_name(s->tx_mode));
		else
			strbuf_adds(sb, "OpenSSL in user space");
		if (s->tx_why != NULL)
			strbuf_addf(sb, " (%s)", s->tx_why);
		strbuf_addf(sb, "\n    %s rx: ", who);
		if (s->rx_mode != TCP_TLS_MODE_NONE)
			strbuf_addf(sb, "kernel TLS, mode %s",
			    ktls_mode_name(s->rx_mode));
		else
			strbuf_adds(sb, "OpenSSL in user space");
		if (s->rx_why != NULL)
			strbuf_addf(sb, " (%s)", s->rx_why);
		strbuf_adds(sb, "\n");
	}
	strbuf_addf(sb, "    %s sent ", who);
	format_bytes(s->bytes, sb);
	if (s->kernel_records > 0)
		strbuf_addf(sb, " in %ju kernel TLS records",
		    (uintmax_t)s->kernel_records);
	if (s->offloaded)
		strbuf_addf(sb,
		    "; TCP is the card's, which sent again: %ju "
		    "segments",
		    (uintmax_t)s->card_rexmit_packs);
	else
		strbuf_addf(sb, ", %ju segments, %ju bursts",
		    (uintmax_t)s->segs, (uintmax_t)s->bursts);
	if (s->rexmit_packs > 0) {
		strbuf_addf(sb, "; again: ");
		format_bytes(s->rexmit_bytes, sb);
		strbuf_addf(sb,
		    " in %ju packets (%ju timeouts, %ju fast "
		    "retransmits)",
		    (uintmax_t)s->rexmit_packs, (uintmax_t)s->rto,
		    (uintmax_t)s->fast_rexmit);
	}
	if (s->has_tcp && s->tcp.tcpi_spurious_rto > 0)
		strbuf_addf(sb, ", %ju of the timeouts taken back",
		    (uintmax_t)s->tcp.tcpi_spurious_rto);
	if (s->enobufs > 0)
		strbuf_addf(sb, "; output refused from below %ju time%s",
		    (uintmax_t)s->enobufs, plural(s->enobufs));
	strbuf_adds(sb, "\n");
}

static void
text_rate(struct strbuf *sb, const struct conn_result *c)
{
	simtime_t took = c->c_end - c->c_established;

	if (took == 0 || c->c_body == 0)
		return;
	strbuf_addf(sb, " (%ju Mbit/s)",
	    (uintmax_t)((unsigned __int128)c->c_body * 8 * SIM_SEC / took /
		1000000));
}

/* Only the server can tell. */
static void
text_outside(struct strbuf *sb, const struct conn_result *c)
{
	strbuf_addf(sb, "    %s: %ju request%s, sent ",
	    c->c_done		      ? "closed"
		: c->c_failed != NULL ? c->c_failed
				      : "open at the end",
	    (uintmax_t)c->c_requests, plural(c->c_requests));
	format_bytes(c->c_sent, sb);
	strbuf_adds(sb, ", received ");
	format_bytes(c->c_received, sb);
	strbuf_adds(sb, ", from ");
	add_time(sb, c->c_start);
	if (c->c_end != 0) {
		strbuf_adds(sb, " to ");
		add_time(sb, c->c_end);
	}
	strbuf_adds(sb, "\n");
	text_side(sb, "server", &c->c_side[1], c->c_tls != NULL);
}

void
text_conn(const struct conn_result *c, struct strbuf *sb)
{
	strbuf_addf(sb, "  %s  %s > %s  %s %s\n", c->c_name, c->c_client,
	    c->c_server, c->c_tls != NULL ? c->c_tls : "plain", c->c_suite);
	if (c->c_outside) {
		text_outside(sb, c);
		return;
	}
	if (c->c_done) {
		strbuf_adds(sb, "    done: body of ");
		format_bytes(c->c_body, sb);
		strbuf_adds(sb, ", from ");
		add_time(sb, c->c_start);
		strbuf_adds(sb, " to ");
		add_time(sb, c->c_end);
		text_rate(sb, c);
		strbuf_adds(sb, "\n");
	} else
		strbuf_addf(sb, "    NOT done: %s after %ju body bytes\n",
		    c->c_failed != NULL ? c->c_failed : "still open",
		    (uintmax_t)c->c_body);
	text_side(sb, "server", &c->c_side[1], c->c_tls != NULL);
	text_side(sb, "client", &c->c_side[0], c->c_tls != NULL);
}

static void
text_all_outside(const struct result *r, struct strbuf *sb)
{
	uint64_t requests = 0, sent = 0, received = 0;
	unsigned closed = 0;

	for (unsigned i = 0; i < r->r_nconns; i++) {
		requests += r->r_conns[i].c_requests;
		sent += r->r_conns[i].c_sent;
		received += r->r_conns[i].c_received;
		closed += r->r_conns[i].c_done;
	}
	strbuf_addf(sb, "  all: %u of %u closed in order, %ju requests, sent ",
	    closed, r->r_nconns, (uintmax_t)requests);
	format_bytes(sent, sb);
	strbuf_adds(sb, ", received ");
	format_bytes(received, sb);
	strbuf_adds(sb, "\n");
}

#define FAILURES_SHOWN 8

static void
text_conns(const struct result *r, struct strbuf *sb)
{
	uint64_t done = 0, body = 0, rexmit = 0;
	simtime_t last = 0;
	unsigned failures = 0;

	if (r->r_nconns == 0)
		return;
	heading(sb, "Connections");
	for (unsigned i = 0; i < r->r_nconns; i++) {
		const struct conn_result *c = &r->r_conns[i];

		/* The first few, and the first that went wrong. */
		if (i < CONNS_SHOWN ||
		    (!c->c_done && failures++ < FAILURES_SHOWN))
			text_conn(c, sb);
		done += c->c_done;
		body += c->c_body;
		rexmit +=
		    c->c_side[1].rexmit_packs + c->c_side[1].card_rexmit_packs;
		last = MAX(last, c->c_end);
	}
	if (r->r_nconns <= CONNS_SHOWN)
		return;
	if (r->r_live) {
		text_all_outside(r, sb);
		return;
	}
	strbuf_addf(sb, "  all: %ju of %u done, ", (uintmax_t)done,
	    r->r_nconns);
	format_bytes(body, sb);
	strbuf_addf(sb,
	    " received, %ju packets sent again by the servers, "
	    "last one done at ",
	    (uintmax_t)rexmit);
	add_time(sb, last);
	strbuf_adds(sb, "\n");
}

/* --- facts --- */

static void
text_when(struct strbuf *sb, const struct fact *f)
{
	strbuf_adds(sb, "  [");
	add_time(sb, f->f_first);
	if (f->f_last != f->f_first) {
		strbuf_adds(sb, " to ");
		add_time(sb, f->f_last);
	}
	strbuf_adds(sb, "]\n");
}

static void
text_modes(const struct result *r, struct strbuf *sb)
{
	bool any = false;

	for (unsigned i = 0; i < r->r_nfacts; i++) {
		const struct fact *f = &r->r_facts[i];

		if (f->f_id == TP_tls_enable && f->f_error == 0)
			continue;
		if (f->f_id != TP_tls_mode && f->f_id != TP_tls_enable)
			continue;
		if (!any)
			heading(sb, "Kernel TLS: modes and why");
		any = true;
		if (f->f_id == TP_tls_mode) {
			strbuf_addf(sb, "  %s %s: %s on %ju connection%s: %s",
			    f->f_who, f->f_s[0], f->f_s[1],
			    (uintmax_t)f->f_count, plural(f->f_count),
			    f->f_s[2]);
			if (f->f_error != 0)
				strbuf_addf(sb, " (%s)",
				    errno_name(f->f_error));
		} else
			strbuf_addf(sb,
			    "  %s %s: refused %ju time%s with %s: "
			    "%s",
			    f->f_who, f->f_s[0], (uintmax_t)f->f_count,
			    plural(f->f_count), errno_name(f->f_error),
			    f->f_s[2]);
		text_when(sb, f);
	}
}

/* What kind of tag it is goes without saying where it is a connection's own
 * for TLS, or a port's for that. */
static void
text_tag(const struct fact *f, struct strbuf *sb)
{
	const char *kind = f->f_s[1];

	strbuf_addf(sb, "  %s %s: %ju tag%s %s", f->f_who, f->f_s[0],
	    (uintmax_t)f->f_count, plural(f->f_count),
	    f->f_id == TP_tag_alloc ? "taken" : "released");
	if (kind != NULL && strcmp(kind, "TLS") != 0 &&
	    strcmp(kind, "port's") != 0 && strcmp(kind, "parent's") != 0)
		strbuf_addf(sb, " (%s)", kind);
}

static void
text_tags(const struct result *r, struct strbuf *sb)
{
	bool any = false;

	for (unsigned i = 0; i < r->r_nfacts; i++) {
		const struct fact *f = &r->r_facts[i];

		if (f->f_id != TP_tag_alloc && f->f_id != TP_tag_free &&
		    f->f_id != TP_tag_reset && f->f_id != TP_nic_tls_restart)
			continue;
		if (!any)
			heading(sb, "Send tags");
		any = true;
		if (f->f_id == TP_tag_reset)
			strbuf_addf(sb, "  %s: reset task ran %ju time%s: %s",
			    f->f_who, (uintmax_t)f->f_count, plural(f->f_count),
			    f->f_s[0]);
		else if (f->f_id == TP_nic_tls_restart)
			strbuf_addf(sb,
			    "  %s %s: cipher state rebuilt in "
			    "mid-record %ju time%s",
			    f->f_who, f->f_s[0], (uintmax_t)f->f_count,
			    plural(f->f_count));
		else
			text_tag(f, sb);
		text_when(sb, f);
	}
}

/* A peer may reset what is over anyway: that is no error to anybody. */
static void
text_conn_drop(const struct fact *f, struct strbuf *sb)
{
	strbuf_addf(sb, "  %s: connection ", f->f_who);
	if (f->f_error == 0)
		strbuf_adds(sb, "ended early");
	else
		strbuf_addf(sb, "dropped with %s", errno_name(f->f_error));
	strbuf_addf(sb, ": %s, %ju time%s", f->f_s[0], (uintmax_t)f->f_count,
	    plural(f->f_count));
}

/* Of LACP's states those that decide whether a port, or its lagg, sends. */
static bool
is_event(const struct fact *f)
{
	if (f->f_id == TP_lacp_state)
		return (strcmp(f->f_s[1], "distribution") == 0 ||
		    strcmp(f->f_s[2], "DISTRIBUTING") == 0 ||
		    strcmp(f->f_s[2], "DETACHED") == 0);
	return (f->f_id == TP_timeline || f->f_id == TP_lagg_active ||
	    f->f_id == TP_app_error || f->f_id == TP_tcp_drop ||
	    f->f_id == TP_tls_error || f->f_id == TP_tls_disable_ifnet ||
	    f->f_id == TP_switch_tls_list);
}

static void
text_lacp(const struct fact *f, struct strbuf *sb)
{
	strbuf_addf(sb, "  %s%s%s: LACP: %s %s", f->f_who,
	    *f->f_who != '\0' ? " " : "", f->f_s[0], f->f_s[1], f->f_s[2]);
	if (f->f_count > 1)
		strbuf_addf(sb, ", %ju times", (uintmax_t)f->f_count);
}

static void
text_events(const struct result *r, struct strbuf *sb)
{
	bool any = false;

	for (unsigned i = 0; i < r->r_nfacts; i++) {
		const struct fact *f = &r->r_facts[i];

		if (!is_event(f))
			continue;
		if (!any)
			heading(sb, "Events");
		any = true;
		switch (f->f_id) {
		case TP_timeline:
			strbuf_addf(sb, "  %s: %s", f->f_s[0], f->f_s[1]);
			break;
		case TP_switch_tls_list:
			strbuf_addf(sb, "  %s: %s", f->f_s[0], f->f_s[1]);
			break;
		case TP_tls_disable_ifnet:
			strbuf_addf(sb,
			    "  %s: %s, the connection %s, %ju time%s", f->f_who,
			    f->f_s[0],
			    f->f_error == 0 ? "goes back to software TLS"
					    : "could not leave the card",
			    (uintmax_t)f->f_count, plural(f->f_count));
			break;
		case TP_lagg_active:
			strbuf_addf(sb, "  %s %s: active port is now %s (%s)",
			    f->f_who, f->f_s[0], f->f_s[1], f->f_s[2]);
			break;
		case TP_app_error:
			strbuf_addf(sb,
			    "  application %s: %s failed with %s (%s), "
			    "%ju time%s",
			    f->f_s[0], f->f_s[1], errno_name(f->f_error),
			    errno_text(f->f_error), (uintmax_t)f->f_count,
			    plural(f->f_count));
			break;
		case TP_lacp_state:
			text_lacp(f, sb);
			break;
		case TP_tcp_drop:
			text_conn_drop(f, sb);
			break;
		default:
			strbuf_addf(sb,
			    "  %s: TLS record failed with %s: %s, "
			    "%ju time%s",
			    f->f_who, errno_name(f->f_error), f->f_s[0],
			    (uintmax_t)f->f_count, plural(f->f_count));
			break;
		}
		text_when(sb, f);
	}
}

bool
fact_is_drop(const struct fact *f)
{
	return (f->f_id == TP_wire_drop || f->f_id == TP_lagg_drop ||
	    f->f_id == TP_vlan_drop || f->f_id == TP_nic_drop ||
	    f->f_id == TP_ip_drop);
}

static void
text_drop(struct strbuf *sb, const struct fact *f)
{
	const char *where = f->f_id != TP_ip_drop ? f->f_s[0] : "";
	const char *why = *where != '\0' ? f->f_s[1] : f->f_s[0];

	strbuf_addf(sb, "  %s%s%s: %ju packet%s, ", f->f_who,
	    *f->f_who != '\0' && *where != '\0' ? " " : "", where,
	    (uintmax_t)f->f_count, plural(f->f_count));
	format_bytes(f->f_len, sb);
	strbuf_addf(sb, ": %s", why);
	if (f->f_error != 0)
		strbuf_addf(sb, " (%s)", errno_name(f->f_error));
	text_when(sb, f);
}

static void
text_drops(const struct result *r, struct strbuf *sb)
{
	unsigned n = 0;

	heading(sb, "Drops and why");
	for (unsigned i = 0; i < r->r_nfacts; i++) {
		const struct fact *f = &r->r_facts[i];

		if (!fact_is_drop(f))
			continue;
		text_drop(sb, f);
		n++;
	}
	if (n == 0)
		strbuf_adds(sb, "  none\n");
}

static void
text_links(const struct result *r, struct strbuf *sb)
{
	if (r->r_nlinks == 0)
		return;
	heading(sb, "Links");
	for (unsigned i = 0; i < r->r_nlinks; i++) {
		const struct link_result *l = &r->r_links[i];

		strbuf_addf(sb, "  %s: %ju frames (", l->l_name,
		    (uintmax_t)l->l_dir[0].frames);
		format_bytes(l->l_dir[0].bytes, sb);
		strbuf_addf(sb, ") one way, %ju (",
		    (uintmax_t)l->l_dir[1].frames);
		format_bytes(l->l_dir[1].bytes, sb);
		strbuf_adds(sb, ") the other\n");
	}
}

static void
text_share(struct strbuf *sb, const char *what, uint64_t part, uint64_t all)
{
	if (part > 0)
		strbuf_addf(sb, ", %s %ju.%ju %%", what,
		    (uintmax_t)(part * 100 / all),
		    (uintmax_t)(part * 1000 / all % 10));
}

static void
text_bus(struct strbuf *sb, const struct result *r, const struct card_result *c)
{
	uint64_t all = c->payload + c->reread + c->desc + c->cqe + c->rx;

	strbuf_adds(sb, "    over its bus ");
	format_bytes(all, sb);
	text_share(sb, "payload", c->payload, all);
	text_share(sb, "read again", c->reread, all);
	text_share(sb, "work requests", c->desc, all);
	text_share(sb, "completions", c->cqe, all);
	text_share(sb, "received", c->rx, all);
	if (c->bus_bps != 0 && r->r_end > 0)
		strbuf_addf(sb,
		    "; reading %ju.%ju %% of the time at %ju Gbit/s",
		    (uintmax_t)(c->bus_busy * 100 / r->r_end),
		    (uintmax_t)(c->bus_busy * 1000 / r->r_end % 10),
		    (uintmax_t)(c->bus_bps / 1000000000));
	strbuf_adds(sb, "\n");
}

static void
text_card(struct strbuf *sb, const struct result *r,
    const struct card_result *c)
{
	strbuf_addf(sb, "  %s %s, %s: %ju TLS context%s, %ju at once",
	    c->cd_host, c->cd_name, c->cd_model, (uintmax_t)c->tags,
	    plural(c->tags), (uintmax_t)c->tags_max);
	if (c->refused > 0)
		strbuf_addf(sb, ", %ju refused", (uintmax_t)c->refused);
	if (c->resets > 0)
		strbuf_addf(sb, ", %ju reset%s", (uintmax_t)c->resets,
		    plural(c->resets));
	strbuf_adds(sb, "\n");
	if (c->tls_packets > 0) {
		strbuf_addf(sb, "    %ju packets with TLS, %ju recoveries",
		    (uintmax_t)c->tls_packets, (uintmax_t)c->restarts);
		if (c->payload > 0)
			strbuf_addf(sb, "; payload read %ju.%03ju times",
			    (uintmax_t)((c->payload + c->reread) / c->payload),
			    (uintmax_t)((c->payload + c->reread) * 1000 /
				c->payload % 1000));
		strbuf_adds(sb, "\n");
	}
	if (c->rx_decrypted > 0)
		strbuf_addf(sb, "    %ju packets decrypted\n",
		    (uintmax_t)c->rx_decrypted);
	text_bus(sb, r, c);
}

/* Cards that know TLS, where it was asked for. */
static void
text_cards(const struct result *r, struct strbuf *sb)
{
	bool any = false;

	for (unsigned i = 0; i < r->r_ncards; i++) {
		if (r->r_cards[i].tags + r->r_cards[i].refused == 0)
			continue;
		if (!any)
			heading(sb, "Cards");
		any = true;
		text_card(sb, r, &r->r_cards[i]);
	}
}

/* Only what is not 0: "lost 3". */
static void
text_count(struct strbuf *sb, const char *what, uint64_t n)
{
	if (n > 0)
		strbuf_addf(sb, ", %s %ju", what, (uintmax_t)n);
}

static void
text_nodes(const struct result *r, struct strbuf *sb)
{
	if (r->r_nnodes > 0)
		heading(sb, "Impairments");
	for (unsigned i = 0; i < r->r_nnodes; i++) {
		const struct node_result *n = &r->r_nodes[i];

		strbuf_addf(sb, "  from %s: %s", n->n_from, n->n_name);
		if (strcmp(n->n_name, n->n_kind) != 0)
			strbuf_addf(sb, " (%s)", n->n_kind);
		strbuf_addf(sb, ": %ju frames came to it", (uintmax_t)n->seen);
		text_count(sb, "lost", n->lost);
		text_count(sb, "duplicated", n->duplicated);
		text_count(sb, "delayed", n->delayed);
		text_count(sb, "corrupted", n->corrupted);
		text_count(sb, "marked", n->marked);
		strbuf_adds(sb, "\n");
	}
}

static void
text_waiting(const struct result *r, struct strbuf *sb)
{
	if (r->r_nwaiting > 0)
		heading(sb, "Steps that never happened");
	for (unsigned i = 0; i < r->r_nwaiting; i++)
		strbuf_addf(sb, "  %s (line %d)\n", r->r_waiting[i].ws_text,
		    r->r_waiting[i].ws_line);
}

static void
text_counters(const struct result *r, struct strbuf *sb)
{
	if (r->r_ncounters > 0)
		heading(sb, "Counters that moved");
	for (unsigned i = 0; i < r->r_ncounters; i++) {
		const struct counter_result *c = &r->r_counters[i];

		strbuf_addf(sb, "  %s %-44s %12ju  %s\n", c->ct_host,
		    c->ct_name, (uintmax_t)(c->ct_after - c->ct_before),
		    c->ct_descr);
	}
}

static void
text_invariants(const struct result *r, struct strbuf *sb)
{
	heading(sb, "Invariants");
	for (int i = 0; i < INVARIANTS; i++) {
		const struct invariant_result *inv = &r->r_inv[i];

		strbuf_addf(sb, "  %s %d. %s: ",
		    inv->i_broken > 0	    ? "BROKEN"
			: inv->i_off	    ? "off   "
			: inv->i_looked > 0 ? "held  "
					    : "unseen",
		    i + 1, inv->i_name);
		if (inv->i_off) {
			strbuf_adds(sb, "not looked at (checks.records)\n");
			continue;
		}
		if (inv->i_broken == 0) {
			strbuf_addf(sb, "%ju %s\n", (uintmax_t)inv->i_looked,
			    inv->i_checked);
			continue;
		}
		strbuf_addf(sb, "%s", inv->i_first);
		strbuf_adds(sb, " [at ");
		add_time(sb, inv->i_when);
		strbuf_adds(sb, "]\n");
	}
	if (r->r_panic != NULL)
		strbuf_addf(sb, "  PANIC: %s\n", r->r_panic);
}

void
report_text(const struct result *r, const char *file, struct strbuf *sb)
{
	strbuf_addf(sb, "%s: %s\n", r->r_name, r->r_description);
	strbuf_addf(sb, "seed %ju, ", (uintmax_t)r->r_seed);
	add_time(sb, r->r_end);
	strbuf_addf(sb, " of virtual time, %ju events, %ju frames",
	    (uintmax_t)r->r_events, (uintmax_t)r->r_frames);
	if (r->r_defects[0] != '\0')
		strbuf_addf(sb, ", planted defects: %s", r->r_defects);
	if (r->r_interrupted)
		strbuf_adds(sb, "; INTERRUPTED");
	strbuf_adds(sb, "\n");
	if (r->r_live) {
		strbuf_adds(sb,
		    "live: virtual time fell behind the wall "
		    "clock by ");
		add_time(sb, r->r_lag);
		strbuf_adds(sb, " in all\n");
	}
	text_conns(r, sb);
	text_stories(r, sb);
	text_modes(r, sb);
	text_tags(r, sb);
	text_events(r, sb);
	text_drops(r, sb);
	text_cards(r, sb);
	text_iperf(r, sb);
	text_programs(r, sb);
	text_nfs(r, sb);
	text_https(r, sb);
	text_own(r, sb);
	text_compare(r, sb);
	text_links(r, sb);
	text_nodes(r, sb);
	text_waiting(r, sb);
	text_counters(r, sb);
	text_invariants(r, sb);
	text_claims(r, file, sb);
}
