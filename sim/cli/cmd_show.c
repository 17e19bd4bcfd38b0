/* The state of a part of a run at an instant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include <ktsim/sim/show.h>
#include "ask.h"

static const char usage[] =
    "write `show RUN WHAT@TIME [CONN|NAME]`, such as sockbuf@120ms get#0";

static int
no_such_thing(const struct ask *as, const char *what)
{
	const char *names[32], *text, *near;
	unsigned n = 0;

	while (n < 32 && (names[n] = show_what(n, &text)) != NULL)
		n++;
	near = nearest_name(what, names, n);
	return (usage_error(as->as_cmd, "nothing is called `%s`%s%s%s", what,
	    near != NULL ? "; did you mean `" : "", near != NULL ? near : "",
	    near != NULL ? "`?" : ""));
}

static int
show_tell(struct ask *as, int what, simtime_t at, const char *name)
{
	const struct conn_result *c = NULL;
	struct show_conn conn;
	struct strbuf out = { 0 };
	unsigned n;

	if (as->as_rec.rg_state.sb_len == 0 ||
	    at > world_result(as->as_rec.rg_world)->r_end)
		return (usage_error(as->as_cmd,
		    "the run is over before that instant"));
	if (name != NULL && show_of_conn(what)) {
		if ((c = ask_conn(as, name)) == NULL)
			return (EXIT_USAGE);
		conn = (struct show_conn) { c->c_client, c->c_server };
	}
	n = show_pick(strbuf_str(&as->as_rec.rg_state), what,
	    c != NULL ? &conn : NULL, c != NULL ? NULL : name, as->as_json,
	    &out);

	if (n > 0 || as->as_json)
		fputs(strbuf_str(&out), stdout);
	strbuf_fini(&out);
	return (n > 0 ? 0
		      : usage_error(as->as_cmd,
			    "there is none of that at this instant"));
}

static int
show_run(struct ask *as)
{
	const char *name = as->as_nwords > 1 ? as->as_words[1] : NULL;
	struct world_show ws = { .ws_what = SHOW_STATE };
	char *word = as->as_words[0], *at = strchr(word, '@');
	int what, rc;

	if (at == NULL || parse_time(at + 1, &ws.ws_at) != 0)
		return (usage_error(as->as_cmd, "%s", usage));
	*at = '\0';
	if ((what = show_find(word)) < 0)
		return (no_such_thing(as, word));
	if ((rc = ask_record(as, NULL, true, &ws, 1)) != 0)
		return (rc);
	return (show_tell(as, what, ws.ws_at, name));
}

static int
show_main(int argc, char **argv)
{
	return (ask_main(&cmd_show, argc, argv, 1, 2, usage, show_run));
}

const struct command cmd_show = {
	.c_name = "show",
	.c_run = show_main,
	.c_text = "socket buffers, tags, cards ... of a run at an instant",
	.c_usage = "[options] RUN WHAT@TIME [CONN|NAME]",
	.c_examples = "ktls-sim show ktls-out/failover sockbuf@120ms get#0\n"
		      "ktls-sim show ktls-out/failover lagg@5ms server\n"
		      "ktls-sim show ktls-out/failover nic@5ms server.mce0\n",
	.c_intro =
	    "WHAT of a connection (of all, if none is named): sockbuf, connection, tcp,\n"
	    "tag; of hosts, by `host`, `host.name` or `name`: lagg, nic, ring, worker,\n"
	    "interface, app, memory, host; of the laboratory: wire. docs/state.md reads\n"
	    "the lines.\n"
	    "\n" ASK_RUN,
	.c_options = ask_options,
	.c_operands = { WORDS_SCENARIO, WORDS_SHOW },
};
