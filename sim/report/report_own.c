/* What programs of the user's came to: state and reason, what they counted and
 * said. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

#define LINES_SHOWN 12 /* of a log, in the text */

const char *
own_cannot_start(const struct result *r)
{
	for (unsigned i = 0; i < r->r_nown; i++)
		for (unsigned k = 0; k < r->r_own[i].ow_nends; k++)
			if (r->r_own[i].ow_ends[k].oe_cannot_start)
				return (r->r_own[i].ow_ends[k].oe_reason);
	return (NULL);
}

static void
set(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

/* Added to what is there. */
static void
add_numbers(json_t *o, const struct own_end *oe)
{
	const struct own_number *on;
	json_int_t have;

	for (on = oe->oe_numbers; on < oe->oe_numbers + oe->oe_nnumbers; on++) {
		have = json_integer_value(json_object_get(o, on->on_key));
		set(o, on->on_key, (uint64_t)have + on->on_value);
	}
}

static json_t *
log_json(const struct own_end *oe)
{
	json_t *log = json_array();

	for (unsigned i = 0; i < oe->oe_nlog; i++)
		json_array_append_new(log,
		    json_pack("{s:I, s:s}", "at_ps",
			(json_int_t)oe->oe_log[i].ol_at, "text",
			oe->oe_log[i].ol_text));
	return (log);
}

static json_t *
end_json(const struct own_end *oe)
{
	json_t *o = json_object(), *numbers = json_object();

	json_object_set_new(o, "name", json_string(oe->oe_name));
	json_object_set_new(o, "state", json_string(oe->oe_state));
	if (oe->oe_reason != NULL)
		json_object_set_new(o, "reason", json_string(oe->oe_reason));
	set(o, "events", oe->oe_turns);
	set(o, "bytes_sent", oe->oe_sent);
	set(o, "bytes_received", oe->oe_got);
	add_numbers(numbers, oe);
	json_object_set_new(o, "numbers", numbers);
	json_object_set_new(o, "log", log_json(oe));
	set(o, "log_left_out", oe->oe_left_out);
	return (o);
}

static json_t *
own_json(const struct own_result *ow)
{
	static const char *const states[] = { "done", "failed", "unfinished" };
	json_t *o = json_object(), *ends = json_array(),
	       *numbers = json_object();
	uint64_t n;

	json_object_set_new(o, "program", json_string(ow->ow_program));
	json_object_set_new(o, "server", json_boolean(ow->ow_server));
	for (size_t s = 0; s < nitems(states); s++) {
		n = 0;
		for (unsigned i = 0; i < ow->ow_nends; i++)
			n += strcmp(ow->ow_ends[i].oe_state, states[s]) == 0;
		set(o, states[s], n);
	}
	for (unsigned i = 0; i < ow->ow_nends; i++) {
		add_numbers(numbers, &ow->ow_ends[i]);
		json_array_append_new(ends, end_json(&ow->ow_ends[i]));
	}
	json_object_set_new(o, "numbers", numbers);
	json_object_set_new(o, "ends", ends);
	return (o);
}

void
j_own(json_t *o, const struct result *r)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < r->r_nown; i++)
		json_object_set_new(all, r->r_own[i].ow_name,
		    own_json(&r->r_own[i]));
	if (r->r_nown > 0)
		json_object_set(o, "own", all);
	json_decref(all);
}

/* --- in words --- */

void
own_numbers_words(const struct own_end *oe, struct strbuf *sb)
{
	for (unsigned i = 0; i < oe->oe_nnumbers; i++)
		strbuf_addf(sb, "%s%s %" PRIu64, i > 0 ? ", " : "",
		    oe->oe_numbers[i].on_key, oe->oe_numbers[i].on_value);
}

static void
text_log(const struct own_end *oe, struct strbuf *sb)
{
	unsigned n = MIN(oe->oe_nlog, LINES_SHOWN);

	for (unsigned i = 0; i < n; i++) {
		strbuf_adds(sb, "    at ");
		format_time(oe->oe_log[i].ol_at, sb);
		strbuf_addf(sb, ": %s\n", oe->oe_log[i].ol_text);
	}
	if (oe->oe_nlog > n)
		strbuf_addf(sb, "    and %u lines more: report.json\n",
		    oe->oe_nlog - n);
}

static void
text_end(const struct own_result *ow, const struct own_end *oe,
    struct strbuf *sb)
{
	strbuf_addf(sb, "  %s: %s", oe->oe_name, oe->oe_state);
	if (oe->oe_reason != NULL)
		strbuf_addf(sb, ": %s", oe->oe_reason);
	strbuf_addf(sb, "\n    %s was asked %" PRIu64 " time%s, sent ",
	    ow->ow_program, oe->oe_turns, plural(oe->oe_turns));
	format_bytes(oe->oe_sent, sb);
	strbuf_adds(sb, ", received ");
	format_bytes(oe->oe_got, sb);
	strbuf_adds(sb, "\n");
	if (oe->oe_nnumbers > 0) {
		strbuf_adds(sb, "    ");
		own_numbers_words(oe, sb);
		strbuf_adds(sb, "\n");
	}
	text_log(oe, sb);
}

void
text_own(const struct result *r, struct strbuf *sb)
{
	const struct own_result *ow;

	if (r->r_nown > 0)
		heading(sb, "Own programs");
	for (ow = r->r_own; ow < r->r_own + r->r_nown; ow++) {
		for (unsigned k = 0; k < MIN(ow->ow_nends, CONNS_SHOWN); k++)
			text_end(ow, &ow->ow_ends[k], sb);
		if (ow->ow_nends > CONNS_SHOWN)
			strbuf_addf(sb,
			    "  and %u ends more of %s: report.json\n",
			    ow->ow_nends - CONNS_SHOWN, ow->ow_name);
	}
}
