/*
 * What crowds of HTTPS clients met, and what it cost their servers: numbers of
 * a CDN's operator. Times of answers come from histograms (hdr.h), so they are
 * told to within 0.8 %, never too small.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

static const struct {
	const char *name, *text;
	uint32_t ppm;
} percentiles[] = {
	{ "p50", "half", 500000 },
	{ "p90", "90 %", 900000 },
	{ "p99", "99 %", 990000 },
	{ "p999", "99.9 %", 999000 },
};

static const char *const load_error_names[LOAD_ERRORS] = { "refused", "reset",
	"timed_out", "unreachable", "tls", "other" };
static const char *const load_kind_names[LOAD_KINDS] = { "slow_readers",
	"aborts", "half_closes", "oversized", "early_data" };
static const char *const mode_names[LOAD_MODES] = { "user", "software", "card",
	"toe" };
/* What the clients can be answered, as they see it. */
static const unsigned answers[] = { 200, 206, 431 };
static const char *const version_names[] = { "1.0", "1.1", "1.2", "1.3" };

/* In thousandths, from whole numbers only. */
static uint64_t
milli(uint64_t part, uint64_t whole)
{
	return (whole == 0
		? 0
		: (uint64_t)((unsigned __int128)part * 1000 / whole));
}

static json_t *
integer(uint64_t n)
{
	return (json_integer((json_int_t)n));
}

static json_t *
real_milli(uint64_t part, uint64_t whole)
{
	return (json_real((double)milli(part, whole) / 1000));
}

static uint64_t
offloaded(const struct load_result *lr, bool bytes, uint64_t *all)
{
	uint64_t n[LOAD_MODES];

	*all = 0;
	for (int i = 0; i < LOAD_MODES; i++) {
		n[i] = bytes ? lr->lr_modes[i].bytes : lr->lr_modes[i].conns;
		*all += n[i];
	}
	return (n[TCP_TLS_MODE_IFNET] + n[TCP_TLS_MODE_TOE]);
}

/* From the first arrival to the last answer. */
static simtime_t
load_time(const struct load_result *lr)
{
	return (lr->lr_to > lr->lr_from ? lr->lr_to - lr->lr_from : 0);
}

/* In thousandths. */
static uint64_t
per_second(uint64_t n, simtime_t t)
{
	return (
	    t == 0 ? 0 : (uint64_t)((unsigned __int128)n * 1000 * SIM_SEC / t));
}

uint64_t
https_memory(const struct https_result *hs)
{
	return (hs->hs_disk + hs->hs_software + hs->hs_copied + hs->hs_card);
}

uint64_t
https_rate_milli(const struct load_result *lr)
{
	return (per_second(lr->lr_answered, load_time(lr)));
}

uint64_t
https_share_milli(const struct load_result *lr)
{
	uint64_t all, n = offloaded(lr, true, &all);

	return (milli(n, all));
}

uint64_t
https_passes_milli(const struct https_result *hs)
{
	return (milli(https_memory(hs), hs->hs_body));
}

uint64_t
https_errors(const struct load_result *lr)
{
	uint64_t n = 0;

	for (int i = 0; i < LOAD_ERRORS; i++)
		n += lr->lr_errors[i];
	return (n);
}

/* --- report.json --- */

/* Nanoseconds. */
static json_t *
latency(const struct hdr *h)
{
	json_t *o = json_object();

	json_object_set_new(o, "count", integer(h->h_count));
	json_object_set_new(o, "min", integer(h->h_min / SIM_NS));
	json_object_set_new(o, "mean", integer(hdr_mean(h) / SIM_NS));
	for (size_t i = 0; i < nitems(percentiles); i++)
		json_object_set_new(o, percentiles[i].name,
		    integer(hdr_percentile(h, percentiles[i].ppm) / SIM_NS));
	json_object_set_new(o, "max", integer(h->h_max / SIM_NS));
	return (o);
}

static json_t *
counted(const uint64_t *n, const char *const *names, int cnt)
{
	json_t *o = json_object();

	for (int i = 0; i < cnt; i++)
		json_object_set_new(o, names[i], integer(n[i]));
	return (o);
}

static json_t *
statuses(const struct load_result *lr)
{
	json_t *o = json_object();
	char name[8];

	for (size_t i = 0; i < nitems(answers); i++) {
		snprintf(name, sizeof(name), "%u", answers[i]);
		json_object_set_new(o, name,
		    integer(lr->lr_status[answers[i]]));
	}
	return (o);
}

static json_t *
versions(const struct load_result *lr)
{
	return (json_pack("{s:o, s:o, s:o, s:o, s:o}", "tls10",
	    integer(lr->lr_versions[0]), "tls11", integer(lr->lr_versions[1]),
	    "tls12", integer(lr->lr_versions[2]), "tls13",
	    integer(lr->lr_versions[3]), "none", integer(lr->lr_plain)));
}

static json_t *
offload(const struct load_result *lr)
{
	json_t *o = json_object(), *m;
	uint64_t all, n = offloaded(lr, true, &all);

	json_object_set_new(o, "share_of_bytes", real_milli(n, all));
	n = offloaded(lr, false, &all);
	json_object_set_new(o, "share_of_connections", real_milli(n, all));
	for (int i = 0; i < LOAD_MODES; i++) {
		m = json_pack("{s:o, s:o}", "connections",
		    integer(lr->lr_modes[i].conns), "bytes",
		    integer(lr->lr_modes[i].bytes));
		json_object_set_new(o, mode_names[i], m);
	}
	return (o);
}

static json_t *
load_json(const struct load_result *lr)
{
	json_t *o = json_object(), *c;

	c = json_pack("{s:o, s:o, s:o, s:o, s:o}", "arrived",
	    integer(lr->lr_conns), "established", integer(lr->lr_established),
	    "done", integer(lr->lr_done), "aborted", integer(lr->lr_aborted),
	    "unfinished", integer(lr->lr_unfinished));
	json_object_set_new(o, "server", json_string(lr->lr_server));
	json_object_set_new(o, "connections", c);
	json_object_set_new(o, "errors",
	    counted(lr->lr_errors, load_error_names, LOAD_ERRORS));
	json_object_set_new(o, "kinds",
	    counted(lr->lr_kinds, load_kind_names, LOAD_KINDS));
	json_object_set_new(o, "versions", versions(lr));
	json_object_set_new(o, "requests", integer(lr->lr_asked));
	json_object_set_new(o, "answers", integer(lr->lr_answered));
	json_object_set_new(o, "statuses", statuses(lr));
	json_object_set_new(o, "bytes", integer(lr->lr_bytes));
	json_object_set_new(o, "seconds",
	    json_real((double)(load_time(lr) / SIM_US) / 1e6));
	json_object_set_new(o, "requests_per_second",
	    json_real((double)https_rate_milli(lr) / 1000));
	json_object_set_new(o, "connect_ns", latency(&lr->lr_connect));
	json_object_set_new(o, "first_byte_ns", latency(&lr->lr_first));
	json_object_set_new(o, "answer_ns", latency(&lr->lr_whole));
	json_object_set_new(o, "offload", offload(lr));
	return (o);
}

static json_t *
loop_json(const struct evloop_result *ev)
{
	return (json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "turns",
	    integer(ev->ev_turns), "events", integer(ev->ev_events), "wakeups",
	    integer(ev->ev_wakeups), "batch_max", integer(ev->ev_batch_max),
	    "waiting_max", integer(ev->ev_waiting_max), "busy_ns",
	    integer(ev->ev_busy / SIM_NS)));
}

static json_t *
server_json(const struct https_result *hs)
{
	uint64_t looked = hs->hs_hits + hs->hs_misses + hs->hs_joined;
	json_t *o = json_object(), *m;

	json_object_set_new(o, "host", json_string(hs->hs_host));
	json_object_set_new(o, "connections", integer(hs->hs_conns));
	json_object_set_new(o, "requests", integer(hs->hs_requests));
	json_object_set_new(o, "bytes", integer(hs->hs_bytes));
	if (hs->hs_loop.ev_present)
		json_object_set_new(o, "event_loop", loop_json(&hs->hs_loop));
	m = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "size",
	    integer(hs->hs_cache), "hits", integer(hs->hs_hits), "misses",
	    integer(hs->hs_misses), "joined", integer(hs->hs_joined), "evicted",
	    integer(hs->hs_evicted), "hit_ratio",
	    real_milli(hs->hs_hits, looked));
	json_object_set_new(o, "page_cache", m);
	m = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "disk",
	    integer(hs->hs_disk), "software_tls", integer(hs->hs_software),
	    "user_space", integer(hs->hs_copied), "card", integer(hs->hs_card),
	    "body", integer(hs->hs_body), "passes_per_byte",
	    real_milli(https_memory(hs), hs->hs_body));
	json_object_set_new(o, "memory", m);
	return (o);
}

void
j_https(json_t *o, const struct result *r)
{
	json_t *clients = json_object(), *servers = json_object();

	for (unsigned i = 0; i < r->r_nloads; i++)
		json_object_set_new(clients, r->r_loads[i].lr_name,
		    load_json(&r->r_loads[i]));
	for (unsigned i = 0; i < r->r_nhttps; i++)
		json_object_set_new(servers, r->r_https[i].hs_name,
		    server_json(&r->r_https[i]));
	if (r->r_nloads > 0)
		json_object_set_new(o, "https",
		    json_pack("{s:O, s:O}", "clients", clients, "servers",
			servers));
	json_decref(clients);
	json_decref(servers);
}

/* --- report.txt --- */

void
https_milli(uint64_t n, unsigned digits, struct strbuf *sb)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03" PRIu64, n / 1000,
	    n % 1000);
	strbuf_addf(sb, "%.*s",
	    (int)(strcspn(text, ".") + (digits > 0 ? digits + 1 : 0)), text);
}

static void
text_latency(const char *what, const struct hdr *h, struct strbuf *sb)
{
	if (h->h_count == 0)
		return;
	strbuf_addf(sb, "    %s:", what);
	for (size_t i = 0; i < nitems(percentiles); i++) {
		strbuf_addf(sb, " %s within ", percentiles[i].text);
		format_time(hdr_percentile(h, percentiles[i].ppm) / SIM_NS *
			SIM_NS,
		    sb);
		strbuf_adds(sb, ",");
	}
	strbuf_adds(sb, " all within ");
	format_time(h->h_max / SIM_NS * SIM_NS, sb);
	strbuf_adds(sb, "\n");
}

/* "; 3 aborts, 1 early_data", of those that are not zero. */
static void
text_counts(const char *before, const uint64_t *n, const char *const *names,
    int cnt, struct strbuf *sb)
{
	for (int i = 0; i < cnt; i++) {
		if (n[i] == 0)
			continue;
		strbuf_addf(sb, "%s%ju ", before, (uintmax_t)n[i]);
		for (const char *p = names[i]; *p != '\0'; p++)
			strbuf_addf(sb, "%c", *p == '_' ? ' ' : *p);
		before = ", ";
	}
}

static void
text_load_conns(const struct load_result *lr, struct strbuf *sb)
{
	size_t at;

	strbuf_addf(sb, "  %s asks %s: %ju connection%s", lr->lr_name,
	    lr->lr_server, (uintmax_t)lr->lr_conns, plural(lr->lr_conns));
	at = sb->sb_len;
	for (unsigned i = 0; i < nitems(lr->lr_versions); i++)
		if (lr->lr_versions[i] > 0)
			strbuf_addf(sb, "%s%ju TLS %s",
			    sb->sb_len > at ? ", " : " (",
			    (uintmax_t)lr->lr_versions[i], version_names[i]);
	text_counts(sb->sb_len > at ? ", " : " (", lr->lr_kinds,
	    load_kind_names, LOAD_KINDS, sb);
	strbuf_addf(sb, "%s: %ju done, %ju aborted by themselves",
	    sb->sb_len > at ? ")" : "", (uintmax_t)lr->lr_done,
	    (uintmax_t)lr->lr_aborted);
	if (lr->lr_unfinished > 0)
		strbuf_addf(sb, ", %ju not at their end",
		    (uintmax_t)lr->lr_unfinished);
	text_counts(", failed: ", lr->lr_errors, load_error_names, LOAD_ERRORS,
	    sb);
	strbuf_adds(sb, "\n");
}

static void
text_offload(const struct load_result *lr, struct strbuf *sb)
{
	static const char *const texts[LOAD_MODES] = { "in user space",
		"by the kernel", "by the card", "by the card with TCP (TOE)" };
	const char *before = "; ";

	strbuf_adds(sb, "    encrypted by cards: ");
	https_milli(https_share_milli(lr) * 100, 1, sb);
	strbuf_adds(sb, " % of the bytes");
	for (int i = 0; i < LOAD_MODES; i++) {
		if (lr->lr_modes[i].conns == 0)
			continue;
		strbuf_addf(sb, "%s%ju connection%s %s", before,
		    (uintmax_t)lr->lr_modes[i].conns,
		    plural(lr->lr_modes[i].conns), texts[i]);
		before = ", ";
	}
	strbuf_adds(sb, "\n");
}

static void
text_load(const struct load_result *lr, struct strbuf *sb)
{
	const char *before = " (";

	text_load_conns(lr, sb);
	if (lr->lr_asked == 0)
		return;
	strbuf_addf(sb, "    %ju request%s, %ju answer%s",
	    (uintmax_t)lr->lr_asked, plural(lr->lr_asked),
	    (uintmax_t)lr->lr_answered, plural(lr->lr_answered));
	for (size_t i = 0; i < nitems(answers); i++) {
		if (lr->lr_status[answers[i]] == 0)
			continue;
		strbuf_addf(sb, "%s%ju of status %u", before,
		    (uintmax_t)lr->lr_status[answers[i]], answers[i]);
		before = ", ";
	}
	strbuf_adds(sb, before[0] == ',' ? "), " : ", ");
	format_bytes(lr->lr_bytes, sb);
	strbuf_adds(sb, " in ");
	format_time(load_time(lr), sb);
	strbuf_adds(sb, ": ");
	https_milli(https_rate_milli(lr), 0, sb);
	strbuf_adds(sb, " requests per second\n");
	text_latency("connect and handshake", &lr->lr_connect, sb);
	text_latency("first byte", &lr->lr_first, sb);
	text_latency("whole answer", &lr->lr_whole, sb);
	if (lr->lr_plain == 0)
		text_offload(lr, sb);
}

static void
text_loop(const struct evloop_result *ev, struct strbuf *sb)
{
	strbuf_addf(sb,
	    "    one thread: %ju events in %ju calls of kevent (up to %ju at "
	    "once, up to %ju waiting), asleep and woken %ju times, busy for ",
	    (uintmax_t)ev->ev_events, (uintmax_t)ev->ev_turns,
	    (uintmax_t)ev->ev_batch_max, (uintmax_t)ev->ev_waiting_max,
	    (uintmax_t)ev->ev_wakeups);
	format_time(ev->ev_busy, sb);
	strbuf_adds(sb, "\n");
}

static void
text_term(uint64_t bytes, const struct https_result *hs, const char *what,
    const char **before, struct strbuf *sb)
{
	if (bytes == 0)
		return;
	strbuf_adds(sb, *before);
	https_milli(milli(bytes, hs->hs_body), 2, sb);
	strbuf_addf(sb, " %s", what);
	*before = " + ";
}

static void
text_memory(const struct https_result *hs, struct strbuf *sb)
{
	const char *before = " = ";

	strbuf_addf(sb, "    memory of %s: ", hs->hs_host);
	https_milli(https_passes_milli(hs), 2, sb);
	strbuf_adds(sb, " passes for each byte of a body");
	text_term(hs->hs_disk, hs, "disk to page cache", &before, sb);
	text_term(hs->hs_software, hs, "software TLS (reads and writes)",
	    &before, sb);
	text_term(hs->hs_copied, hs,
	    "user space (read, encrypt, write: two each)", &before, sb);
	text_term(hs->hs_card, hs, "read by the card", &before, sb);
	strbuf_adds(sb, "\n");
}

static void
text_server(const struct https_result *hs, struct strbuf *sb)
{
	strbuf_addf(sb, "  %s on %s: %ju connection%s, %ju request%s, ",
	    hs->hs_name, hs->hs_host, (uintmax_t)hs->hs_conns,
	    plural(hs->hs_conns), (uintmax_t)hs->hs_requests,
	    plural(hs->hs_requests));
	format_bytes(hs->hs_bytes, sb);
	strbuf_adds(sb, " of bodies\n");
	if (hs->hs_loop.ev_present)
		text_loop(&hs->hs_loop, sb);
	strbuf_adds(sb, "    page cache of ");
	if (hs->hs_cache > 0)
		format_bytes(hs->hs_cache, sb);
	else
		strbuf_adds(sb, "any size");
	strbuf_addf(sb,
	    ": pages were there %ju times, read from disk %ju times, on their "
	    "way already %ju times; %ju made room\n",
	    (uintmax_t)hs->hs_hits, (uintmax_t)hs->hs_misses,
	    (uintmax_t)hs->hs_joined, (uintmax_t)hs->hs_evicted);
	text_memory(hs, sb);
}

void
text_https(const struct result *r, struct strbuf *sb)
{
	if (r->r_nloads > 0)
		heading(sb, "HTTPS");
	for (unsigned i = 0; i < r->r_nloads; i++)
		text_load(&r->r_loads[i], sb);
	for (unsigned i = 0; i < r->r_nhttps; i++)
		text_server(&r->r_https[i], sb);
}
