/*
 * OpenSSL programs: how each came to its keys, in the five steps that vendors'
 * pages have, and what became of what it called.
 */
#include <stdlib.h>

#include <jansson.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

void
call_text(const struct call_result *cr, struct strbuf *sb)
{
	if (!cr->cr_begun) {
		strbuf_adds(sb, "not come to");
		return;
	}
	if (cr->cr_bytes > 0) {
		format_bytes(cr->cr_bytes, sb);
		strbuf_addf(sb, " in %ju call%s", (uintmax_t)cr->cr_calls,
		    plural(cr->cr_calls));
		if (cr->cr_short > 0)
			strbuf_addf(sb, ", %ju partial",
			    (uintmax_t)cr->cr_short);
		if (cr->cr_again > 0)
			strbuf_addf(sb, ", %ju to be called again",
			    (uintmax_t)cr->cr_again);
	}
	if (cr->cr_why != NULL)
		strbuf_addf(sb, "%srefused, %s: %s",
		    cr->cr_bytes > 0 ? "; " : "", errno_name(cr->cr_error),
		    cr->cr_why);
	else if (cr->cr_bytes == 0)
		strbuf_adds(sb, cr->cr_ended ? "done" : "not done");
}

/* "BIO_get_ktls_send 1 (the kernel has the keys)" */
static void
text_ktls(const char *way, bool got, const char *why, int error,
    struct strbuf *sb)
{
	strbuf_addf(sb, "BIO_get_ktls_%s %d (%s", way, got,
	    why != NULL ? why : "no handshake");
	if (error != 0)
		strbuf_addf(sb, ", %s", errno_name(error));
	strbuf_adds(sb, ")");
}

static void
text_steps(const struct program_result *pg, struct strbuf *sb)
{
	strbuf_addf(sb, "    1 %s: ", pg->pg_server ? "accept" : "connect");
	if (pg->pg_connected == 0) {
		strbuf_adds(sb, "not reached\n");
		return;
	}
	format_time(pg->pg_connected, sb);
	strbuf_adds(sb, "\n    2 handshake by the library: ");
	if (pg->pg_shaken == 0) {
		strbuf_addf(sb, "%s\n",
		    pg->pg_error != NULL ? pg->pg_error : "not done");
		return;
	}
	format_time(pg->pg_shaken, sb);
	strbuf_addf(sb,
	    "%s\n    3 a KTLS socket: the same descriptor, as FreeBSD has it\n"
	    "    4 keys to the kernel: ",
	    pg->pg_resumed ? ", resumed" : "");
	text_ktls("send", pg->pg_send, pg->pg_send_why, pg->pg_send_error, sb);
	strbuf_adds(sb, ", ");
	text_ktls("recv", pg->pg_recv, pg->pg_recv_why, pg->pg_recv_error, sb);
	strbuf_adds(sb, "\n    5 its calls:\n");
}

static void
text_program(const struct program_result *pg, struct strbuf *sb)
{
	const struct call_result *cr;

	strbuf_addf(sb, "  %s#%u, %s\n", pg->pg_app, pg->pg_conn,
	    pg->pg_server ? "server" : "client");
	text_steps(pg, sb);
	for (cr = pg->pg_calls;
	     pg->pg_shaken != 0 && cr < pg->pg_calls + pg->pg_ncalls; cr++) {
		strbuf_addf(sb, "      %-11s ", cr->cr_call);
		call_text(cr, sb);
		strbuf_adds(sb, "\n");
	}
	if (pg->pg_tickets > 0 || pg->pg_key_updates > 0)
		strbuf_addf(sb,
		    "    records that were no data: %ju ticket%s, %ju "
		    "KeyUpdate%s\n",
		    (uintmax_t)pg->pg_tickets, plural(pg->pg_tickets),
		    (uintmax_t)pg->pg_key_updates, plural(pg->pg_key_updates));
	if (pg->pg_failed != NULL)
		strbuf_addf(sb, "    FAILED: %s%s%s\n", pg->pg_failed,
		    pg->pg_error != NULL ? ": " : "",
		    pg->pg_error != NULL ? pg->pg_error : "");
}

void
text_programs(const struct result *r, struct strbuf *sb)
{
	const unsigned most = 2 * CONNS_SHOWN;

	if (r->r_nprograms > 0)
		heading(sb, "OpenSSL programs");
	for (unsigned i = 0; i < r->r_nprograms && i < most; i++)
		text_program(&r->r_programs[i], sb);
	if (r->r_nprograms > most)
		strbuf_addf(sb, "  and %u more: report.json\n",
		    r->r_nprograms - most);
}

/* --- report.json --- */

static json_t *
call_json(const struct call_result *cr)
{
	json_t *o =
	    json_pack("{s:s, s:b, s:I, s:I, s:I, s:I}", "call", cr->cr_call,
		"done", cr->cr_ended, "bytes", (json_int_t)cr->cr_bytes,
		"calls", (json_int_t)cr->cr_calls, "partial",
		(json_int_t)cr->cr_short, "again", (json_int_t)cr->cr_again);

	if (cr->cr_begun)
		json_object_set_new(o, "from_ps",
		    json_integer((json_int_t)cr->cr_from));
	if (cr->cr_ended)
		json_object_set_new(o, "to_ps",
		    json_integer((json_int_t)cr->cr_to));
	if (cr->cr_why != NULL) {
		json_object_set_new(o, "refused",
		    json_string(errno_name(cr->cr_error)));
		json_object_set_new(o, "why", json_string(cr->cr_why));
	}
	return (o);
}

static json_t *
ktls_json(bool got, const char *why, int error)
{
	json_t *o = json_pack("{s:b, s:s?}", "kernel", got, "why", why);

	if (error != 0)
		json_object_set_new(o, "error", json_string(errno_name(error)));
	return (o);
}

static json_t *
program_json(const struct program_result *pg)
{
	json_t *calls = json_array(), *o;

	for (unsigned i = 0; i < pg->pg_ncalls; i++)
		json_array_append_new(calls, call_json(&pg->pg_calls[i]));
	o = json_pack("{s:b, s:o, s:o, s:b, s:I, s:I, s:o}", "server",
	    pg->pg_server, "send",
	    ktls_json(pg->pg_send, pg->pg_send_why, pg->pg_send_error), "recv",
	    ktls_json(pg->pg_recv, pg->pg_recv_why, pg->pg_recv_error),
	    "resumed", pg->pg_resumed, "tickets", (json_int_t)pg->pg_tickets,
	    "key_updates", (json_int_t)pg->pg_key_updates, "calls", calls);
	if (pg->pg_connected != 0)
		json_object_set_new(o, "connected_ps",
		    json_integer((json_int_t)pg->pg_connected));
	if (pg->pg_shaken != 0)
		json_object_set_new(o, "handshake_ps",
		    json_integer((json_int_t)pg->pg_shaken));
	if (pg->pg_failed != NULL)
		json_object_set_new(o, "failed", json_string(pg->pg_failed));
	if (pg->pg_error != NULL)
		json_object_set_new(o, "library", json_string(pg->pg_error));
	return (o);
}

void
j_programs(json_t *o, const struct result *r)
{
	const struct program_result *pg;
	json_t *all = json_object();
	char *name;

	for (pg = r->r_programs; pg < r->r_programs + r->r_nprograms; pg++) {
		name = xasprintf("%s#%u", pg->pg_app, pg->pg_conn);
		json_object_set_new(all, name, program_json(pg));
		free(name);
	}
	if (r->r_nprograms > 0)
		json_object_set(o, "openssl", all);
	json_decref(all);
}
