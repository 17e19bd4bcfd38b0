/* TLS in the socket layer and in a node outside it, side by side. */
#include <inttypes.h>
#include <jansson.h>

#include <ktsim/sim/scenario.h>

#include "report_priv.h"

static void
set(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

static json_t *
row_json(const struct compare_result *cp)
{
	json_t *o = json_object();

	json_object_set_new(o, "how", json_string(cp->cp_how));
	json_object_set_new(o, "host", json_string(cp->cp_host));
	set(o, "bytes_sent", cp->cp_sent);
	set(o, "bytes_copied", cp->cp_copied);
	json_object_set_new(o, "copies_per_byte",
	    json_real((double)(cp->cp_copied * 1000 / cp->cp_sent) / 1000));
	set(o, "records", cp->cp_records);
	set(o, "thread_wakeups", cp->cp_thread_wakeups);
	set(o, "app_wakeups", cp->cp_app_wakeups);
	set(o, "thread_ps", cp->cp_thread);
	set(o, "time_ps", cp->cp_time);
	return (o);
}

void
j_compare(json_t *o, const struct result *r)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < r->r_ncompare; i++)
		json_object_set_new(all, r->r_compare[i].cp_name,
		    row_json(&r->r_compare[i]));
	if (r->r_ncompare > 0)
		json_object_set(o, "compare", all);
	json_decref(all);
}

void
compare_quotient(const struct compare_result *cp, struct strbuf *sb)
{
	uint64_t q = cp->cp_copied * 1000 / cp->cp_sent;

	strbuf_addf(sb, "%" PRIu64 ".%03" PRIu64, q / 1000, q % 1000);
}

static void
text_row(const struct compare_result *cp, struct strbuf *sb)
{
	strbuf_addf(sb, "  %s on %s: %s\n    sent ", cp->cp_name, cp->cp_host,
	    cp->cp_how);
	format_bytes(cp->cp_sent, sb);
	strbuf_adds(sb, " in ");
	format_time(cp->cp_time, sb);
	strbuf_adds(sb, ", each byte copied ");
	compare_quotient(cp, sb);
	strbuf_addf(sb,
	    " times, %" PRIu64 " record%s\n    woken: %s %" PRIu64
	    " time%s, the application %" PRIu64 "; cryptography of %s: ",
	    cp->cp_records, plural(cp->cp_records),
	    cp->cp_node ? "the node's thread" : "the host's TLS workers",
	    cp->cp_thread_wakeups, plural(cp->cp_thread_wakeups),
	    cp->cp_app_wakeups, cp->cp_node ? "the thread" : "the workers");
	format_time(cp->cp_thread, sb);
	strbuf_adds(sb, "\n");
}

void
text_compare(const struct result *r, struct strbuf *sb)
{
	if (r->r_ncompare > 0)
		heading(sb,
		    "Comparison: TLS in the socket layer, and in a node "
		    "outside it");
	for (unsigned i = 0; i < r->r_ncompare; i++)
		text_row(&r->r_compare[i], sb);
}
