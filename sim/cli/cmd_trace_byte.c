/* The life of a byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "ask.h"

static const char usage[] =
    "write `trace-byte RUN CONN[:client|:server]:OFFSET`, such as flow1:65057";

/* "flow1:65057", "get#0:client:12". False: it is none. */
static bool
parse_byte(char *word, char **conn, int *side, uint64_t *off)
{
	char *colon = strrchr(word, ':');

	if (colon == NULL || parse_uint(colon + 1, off) != 0)
		return (false);
	*colon = '\0';
	*conn = word;
	*side = 1;
	if ((colon = strrchr(word, ':')) == NULL)
		return (true);
	*side = strcmp(colon + 1, "client") == 0 ? 0 : 1;
	if (*side == 1 && strcmp(colon + 1, "server") != 0)
		return (false);
	*colon = '\0';
	return (true);
}

/* How many bytes that side sent. */
static uint64_t
sent_by(const struct recording *rg, const struct conn_result *c, int side)
{
	const char *name = side == 0 ? c->c_name : c->c_server_name;
	const struct rec_event *e;
	char who[128];
	uint64_t n = 0;

	for (e = rg->rg_events; e < rg->rg_events + rg->rg_nevents; e++) {
		if (e->e_id != TP_app_write || name == NULL)
			continue;
		snprintf(who, sizeof(who), "%s#%ju", event_text(e, "app"),
		    (uintmax_t)event_num(e, "conn"));
		if (strcmp(who, name) == 0)
			n = MAX(n, event_num(e, "off") + event_num(e, "len"));
	}
	return (n);
}

static int
byte_run(struct ask *as)
{
	const struct conn_result *c;
	struct tale ta = { 0 };
	uint64_t off, sent;
	char *conn;
	int side, rc;

	if (!parse_byte(as->as_words[0], &conn, &side, &off))
		return (usage_error(as->as_cmd, "%s", usage));
	if ((rc = ask_record(as, POINTS_BYTE, true, NULL, 0)) != 0)
		return (rc);
	if ((c = ask_conn(as, conn)) == NULL)
		return (EXIT_USAGE);
	if (!explain_byte(&as->as_rec, c, side, off, &ta)) {
		sent = sent_by(&as->as_rec, c, side);
		return (usage_error(as->as_cmd,
		    "the %s of %s sends %ju bytes, counted from 0: there is "
		    "no byte %ju",
		    side == 0 ? "client" : "server", c->c_name, (uintmax_t)sent,
		    (uintmax_t)off));
	}
	ta.ta_title = xasprintf("The life of byte %ju of what %s sends (%s)",
	    (uintmax_t)off, side == 0 ? c->c_name : c->c_server_name,
	    c->c_name);
	ask_tell(as, &ta);
	tale_fini(&ta);
	return (0);
}

static int
byte_main(int argc, char **argv)
{
	return (ask_main(&cmd_trace_byte, argc, argv, 1, 1, usage, byte_run));
}

const struct command cmd_trace_byte = {
	.c_name = "trace-byte",
	.c_run = byte_main,
	.c_text = "the life of one byte, from its write to its read",
	.c_usage = "[options] RUN CONN[:client|:server]:OFFSET",
	.c_examples =
	    "ktls-sim trace-byte ktls-out/failover flow1:65057\n"
	    "ktls-sim trace-byte scenarios/upload.ktls.yaml put#0:client:100\n",
	.c_intro =
	    "OFFSET counts what the server's application sends (HTTP's header and all),\n"
	    "or the client's, from 0. Told are the write that took it, its TLS record and\n"
	    "place in the TCP stream, the worker or card that encrypted it, every frame\n"
	    "that had it with its fate, and the read that delivered it.\n"
	    "\n" ASK_RUN,
	.c_options = ask_options,
	.c_operands = { WORDS_SCENARIO },
};
