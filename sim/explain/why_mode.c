/* Why TLS of a connection is where it is. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/ktls.h>

#include <ktsim/sim/explain.h>

/* What a reason asks for; the first that is a part of it. */
static const struct {
	const char *reason, *remedy;
} remedies[] = {
	{ "kern.ipc.tls.ifnet.permitted is 0",
	    "set hosts.HOST.sysctl kern.ipc.tls.ifnet.permitted: 1" },
	{ "kern.ipc.tls.enable is 0",
	    "set hosts.HOST.sysctl kern.ipc.tls.enable: 1" },
	{ "does not offer transmit TLS",
	    "give the host a card that encrypts (`ktls-sim list models`), or "
	    "ifconfig its interface txtls" },
	{ "does not offer receive TLS",
	    "only some cards decrypt, and rxtls has to be enabled on them "
	    "(`ktls-sim list models`)" },
	{ "too much was retransmitted",
	    "the link loses packets; kern.ipc.tls.ifnet_max_rexmit_pct is the "
	    "limit that was passed" },
	{ "the card refused",
	    "the errno says why: `ktls-sim list errors`, `ktls-sim list "
	    "models MODEL`" },
	{ "no memory", "the card's table or the kernel's memory was full" },
	{ "not asked for", "give the application `tls: {tx: kernel}`" },
};

static const char *
remedy_of(const char *reason)
{
	for (unsigned i = 0; i < nitems(remedies); i++)
		if (strstr(reason, remedies[i].reason) != NULL)
			return (remedies[i].remedy);
	return (NULL);
}

static bool
is_mode_point(enum trace_id id)
{
	static const enum trace_id points[] = { TP_tls_enable, TP_tls_mode,
		TP_tls_disable_ifnet, TP_tag_alloc, TP_tag_refused,
		TP_tag_reset, TP_tls_error, TP_tcp_drop };

	for (unsigned i = 0; i < nitems(points); i++)
		if (points[i] == id)
			return (true);
	return (false);
}

static const char *
dir_word(const struct rec_event *e)
{
	return (
	    strcmp(event_text(e, "dir"), "rx") == 0 ? "receives" : "transmits");
}

static void
add_event(struct tale *ta, const struct rec_event *e)
{
	struct strbuf sb = { 0 };
	int error = (int)event_num(e, "error");

	switch (e->e_id) {
	case TP_tls_enable:
		if (error != 0)
			strbuf_addf(&sb, "no KTLS for what it %s: %s",
			    dir_word(e), event_text(e, "reason"));
		else
			strbuf_addf(&sb, "KTLS for what it %s: %s", dir_word(e),
			    event_text(e, "suite"));
		break;
	case TP_tls_mode:
		strbuf_addf(&sb, "%s by %s: %s", dir_word(e),
		    strcmp(event_text(e, "mode"), "ifnet") == 0 ? "the card"
			: strcmp(event_text(e, "mode"), "toe") == 0
			? "the card's TCP (TOE)"
			: "software (kernel)",
		    event_text(e, "reason"));
		break;
	case TP_tag_alloc:
		strbuf_addf(&sb, "send tag %ju of %s (%s)",
		    (uintmax_t)event_num(e, "tag"), event_text(e, "ifp"),
		    event_text(e, "type"));
		break;
	case TP_tag_refused:
		strbuf_addf(&sb, "no send tag%s%s: %s",
		    strcmp(event_text(e, "ifp"), "-") != 0 ? " of " : "",
		    strcmp(event_text(e, "ifp"), "-") != 0
			? event_text(e, "ifp")
			: "",
		    event_text(e, "reason"));
		break;
	case TP_tag_reset:
		strbuf_addf(&sb, "send tag replaced: %s",
		    event_text(e, "result"));
		break;
	default:
		strbuf_addf(&sb, "%s: %s", trace_catalogue[e->e_id].ti_text,
		    event_text(e, "reason"));
		break;
	}
	if (error != 0)
		strbuf_addf(&sb, " (%s)", errno_name(error));
	tale_add(ta, e->e_when, e->e_who, 0, "%s", strbuf_str(&sb));
	strbuf_fini(&sb);
}

/* The decision that stands at the end, of a side's transmit or receive. */
static const struct rec_event *
last_decision(const struct recording *rg, const struct conn_side *s,
    const char *dir)
{
	const struct rec_event *e, *last = NULL;

	for (e = rg->rg_events; e < rg->rg_events + rg->rg_nevents; e++)
		if (e->e_id == TP_tls_mode && s->host != NULL &&
		    strcmp(e->e_who, s->host) == 0 &&
		    event_num(e, "conn") == s->number &&
		    strcmp(event_text(e, "dir"), dir) == 0)
			last = e;
	return (last);
}

static void
sum_side(const struct recording *rg, const struct conn_result *c, int side,
    bool rx, struct strbuf *sb, const char **reason)
{
	const struct conn_side *s = &c->c_side[side];
	const struct rec_event *e = last_decision(rg, s, rx ? "rx" : "tx");
	const char *why = rx ? s->rx_why : s->tx_why;

	strbuf_addf(sb, "%s%s %s ", sb->sb_len > 0 ? "; " : "",
	    side == 0 ? "client" : "server", rx ? "receives" : "transmits");
	if (e != NULL) {
		strbuf_addf(sb, "by %s (%s)", event_text(e, "mode"),
		    event_text(e, "reason"));
		if (strcmp(event_text(e, "mode"), "ifnet") != 0 &&
		    *reason == NULL && side == 1 && !rx)
			*reason = event_text(e, "reason");
		return;
	}
	strbuf_addf(sb, "in user space (%s)",
	    why != NULL ? why : "KTLS was not asked for");
	if (*reason == NULL && side == 1 && !rx)
		*reason = why != NULL ? why : "not asked for";
}

void
explain_mode(const struct recording *rg, const struct conn_result *c,
    struct tale *ta)
{
	const struct rec_event *e;
	const char *reason = NULL, *remedy;
	struct strbuf sb = { 0 };

	for (e = rg->rg_events; e < rg->rg_events + rg->rg_nevents; e++)
		for (int side = 0; side < 2; side++)
			if (is_mode_point(e->e_id) &&
			    c->c_side[side].host != NULL &&
			    strcmp(e->e_who, c->c_side[side].host) == 0 &&
			    event_num(e, "conn") == c->c_side[side].number)
				add_event(ta, e);
	if (c->c_tls == NULL) {
		tale_sum(ta, "%s has no TLS", c->c_name);
		return;
	}
	for (int side = 1; side >= 0; side--)
		for (int rx = 0; rx < 2; rx++)
			sum_side(rg, c, side, rx == 1, &sb, &reason);
	tale_sum(ta, "%s: %s", c->c_name, strbuf_str(&sb));
	strbuf_fini(&sb);
	remedy = reason != NULL ? remedy_of(reason) : NULL;
	if (remedy != NULL)
		ta->ta_remedy = xstrdup(remedy);
}
