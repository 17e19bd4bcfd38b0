/* Why a connection is not offloaded, or stands still; what became of a frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "ask.h"

static const char usage[] =
    "write `why RUN not-offloaded CONN`, `why RUN stalled CONN[@TIME]`, or "
    "`why RUN dropped FRAME`";

static int
why_not_offloaded(struct ask *as, const char *name)
{
	struct tale ta = { 0 };
	const struct conn_result *c;
	int rc;

	if ((rc = ask_record(as, POINTS_MODE, true, NULL, 0)) != 0)
		return (rc);
	if ((c = ask_conn(as, name)) == NULL)
		return (EXIT_USAGE);
	ta.ta_title = xasprintf("Where the TLS of %s (%s to %s) is done",
	    c->c_name, c->c_client, c->c_server);
	explain_mode(&as->as_rec, c, &ta);
	ask_tell(as, &ta);
	tale_fini(&ta);
	return (0);
}

static int
why_dropped(struct ask *as, const char *word)
{
	struct tale ta = { 0 };
	uint64_t frame;
	int rc;

	if (parse_uint(word, &frame) != 0)
		return (usage_error(as->as_cmd,
		    "`%s` is no frame: give its number in wire.pcapng", word));
	if ((rc = ask_record(as, POINTS_DROPPED, true, NULL, 0)) != 0)
		return (rc);
	if (!explain_dropped(&as->as_rec, frame, &ta))
		return (usage_error(as->as_cmd,
		    "the run has the frames 1 to %u, no %ju",
		    as->as_rec.rg_nframes, (uintmax_t)frame));
	ta.ta_title = xasprintf("What became of frame %ju", (uintmax_t)frame);
	ask_tell(as, &ta);
	tale_fini(&ta);
	return (0);
}

/* --- stalled --- */

/* In the middle of the longest time in which nothing was read; the end if the
 * connection never came to its own. */
static simtime_t
stall_instant(const struct result *r, const struct conn_result *c,
    struct strbuf *why)
{
	const struct story_gap *g = &c->c_gap;

	if (!c->c_done && c->c_end == 0) {
		strbuf_adds(why, "the run's end: it is not done");
		return (r->r_end > 0 ? r->r_end - 1 : 0);
	}
	if (g->g_longest == 0) {
		strbuf_adds(why, "its middle: nothing was read twice");
		return (
		    c->c_start + (MAX(c->c_end, c->c_start) - c->c_start) / 2);
	}
	strbuf_adds(why, "the middle of the longest time without bytes, ");
	format_time(g->g_longest, why);
	return (g->g_from + g->g_longest / 2);
}

static void
stall_lines(struct tale *ta, char *text)
{
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		tale_note(ta, "", "%s", line);
}

static int
stall_tell(struct ask *as, const char *name, simtime_t at, const char *why)
{
	const struct world_show ws = { .ws_what = SHOW_STALLED,
		.ws_at = at,
		.ws_of = name };
	struct strbuf t = { 0 };
	struct tale ta = { 0 };
	char *text;
	int rc;

	if ((rc = ask_record(as, NULL, false, &ws, 1)) != 0)
		return (rc);
	format_time(at, &t);
	if (as->as_rec.rg_state.sb_len == 0 ||
	    at > world_result(as->as_rec.rg_world)->r_end) {
		rc = usage_error(as->as_cmd,
		    "there is no connection `%s` at %s, or the run is over "
		    "then",
		    name, strbuf_str(&t));
		strbuf_fini(&t);
		return (rc);
	}
	ta.ta_title =
	    xasprintf("What %s waits for at %s%s%s%s", name, strbuf_str(&t),
		why[0] != '\0' ? " (" : "", why, why[0] != '\0' ? ")" : "");
	text = strbuf_take(&as->as_rec.rg_state);
	stall_lines(&ta, text);
	free(text);
	ask_tell(as, &ta);
	tale_fini(&ta);
	strbuf_fini(&t);
	return (0);
}

static int
why_stalled(struct ask *as, char *word)
{
	const struct conn_result *c;
	struct strbuf why = { 0 };
	char *at = strchr(word, '@'), *name;
	simtime_t when;
	int rc;

	if (at != NULL && parse_time(at + 1, &when) != 0)
		return (usage_error(as->as_cmd,
		    "`%s` is not a time with its unit, such as 120ms", at + 1));
	if (at != NULL) {
		*at = '\0';
		return (stall_tell(as, word, when, ""));
	}
	if ((rc = ask_record(as, NULL, true, NULL, 0)) != 0)
		return (rc);
	if ((c = ask_conn(as, word)) == NULL)
		return (EXIT_USAGE);
	when = stall_instant(world_result(as->as_rec.rg_world), c, &why);
	name = xstrdup(c->c_name);
	rc = stall_tell(as, name, when, strbuf_str(&why));
	free(name);
	strbuf_fini(&why);
	return (rc);
}

static int
why_run(struct ask *as)
{
	const char *what = as->as_words[0];

	if (strcmp(what, "not-offloaded") == 0)
		return (why_not_offloaded(as, as->as_words[1]));
	if (strcmp(what, "stalled") == 0)
		return (why_stalled(as, as->as_words[1]));
	if (strcmp(what, "dropped") == 0)
		return (why_dropped(as, as->as_words[1]));
	return (usage_error(as->as_cmd, "%s", usage));
}

static int
why_main(int argc, char **argv)
{
	return (ask_main(&cmd_why, argc, argv, 2, 2, usage, why_run));
}

const struct command cmd_why = {
	.c_name = "why",
	.c_run = why_main,
	.c_text =
	    "why a connection is not offloaded, or stalled; a frame dropped",
	.c_usage = "[options] RUN not-offloaded CONN\n"
		   "[options] RUN stalled CONN[@TIME]\n"
		   "[options] RUN dropped FRAME",
	.c_examples =
	    "ktls-sim why ktls-out/failover not-offloaded get#0\n"
	    "ktls-sim why scenarios/many-lossy.ktls.yaml stalled get#3@250ms\n"
	    "ktls-sim why ktls-out/failover dropped 812\n",
	.c_intro =
	    "not-offloaded: each decision about the TLS of both ends, with its reason,\n"
	    "and what to do. stalled: who waits for what, from the application that\n"
	    "wants bytes down to the cause, at that instant; without one in the middle\n"
	    "of the longest time in which it got none. dropped: who dropped that frame\n"
	    "of wire.pcapng, why, and which frame brought its bytes in the end.\n"
	    "CONN is a name of the report (get#0) or flow1, flow2 ... in the order of\n"
	    "SYNs.\n"
	    "\n" ASK_RUN,
	.c_options = ask_options,
	.c_operands = { WORDS_SCENARIO, WORDS_WHY },
};
