/* A scenario whose time follows the wall clock, with devices at its links. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/live.h>
#include <ktsim/sim/tls_endpoint.h>

#include "run.h"

static const struct cli_option live_options[] = {
	RUN_OPTIONS_FIRST,
	{ "netns", OPT_NETNS, "NAME",
	    "open the devices in this network namespace (ip netns add NAME)" },
	RUN_OPTIONS_LAST,
};

static void
live_tell(void *arg, const char *line)
{
	color_word(stderr, STYLE_NOTE, "ktls-sim live:");
	fprintf(stderr, " %s\n", line);
}

static int
live_certificate(const struct run_args *ra)
{
	const char *pem = tls_userland_cert();

	return (outdir_write(ra->ra_out, "cert.pem", pem, strlen(pem)));
}

static int
live_session(struct run_args *ra, const struct scenario *sc, struct live *lv)
{
	struct world *w = live_world(lv);
	struct strbuf err = { 0 };
	int error, code;

	if (!ra->ra_quiet)
		live_intro(ra->ra_json ? stderr : stdout, sc, ra->ra_out);
	error = live_run(lv, &err);
	color_diag(strbuf_str(&err));
	strbuf_fini(&err);
	code = run_report(ra, sc, w);
	live_destroy(lv); /* the control socket is no more */
	if (error != 0 && code < EXIT_MISSING)
		code = EXIT_MISSING;
	run_over(w, code);
	return (code);
}

static int
live_scenario(struct run_args *ra, const struct scenario *sc)
{
	struct live_opts lo = { .lo_sc = sc,
		.lo_world = ra->ra_opts,
		.lo_tell = live_tell };
	char *control = xasprintf("%s/control.sock", ra->ra_out);
	struct strbuf err = { 0 };
	struct live *lv;
	int rc;

	lo.lo_control = control;
	if (ra->ra_netns != NULL && live_netns(ra->ra_netns, &err) != 0) {
		strbuf_adds(&err, "\n");
		rc = run_refused(ENOENT, &err);
	} else if ((rc = live_create(&lo, &lv, &err)) != 0)
		rc = run_refused(rc, &err);
	else if ((rc = live_certificate(ra)) != 0)
		live_destroy(lv);
	else
		rc = live_session(ra, sc, lv);
	strbuf_fini(&err);
	free(control);
	return (rc);
}

static int
live_main(int argc, char **argv)
{
	return (run_command(&cmd_live, argc, argv, live_scenario));
}

const struct command cmd_live = {
	.c_name = "live",
	.c_run = live_main,
	.c_text = "a scenario in real time, with Linux at the end of a link",
	.c_usage = "[options] FILE.ktls.yaml",
	.c_examples =
	    "ktls-sim live scenarios/live.ktls.yaml\n"
	    "ktls-sim live --netns lab --until 60s --set links[0].loss=1% scenarios/live.ktls.yaml\n",
	.c_intro =
	    "A link of the scenario ends at tap:NAME (a TAP device, made if it is absent) or\n"
	    "veth:NAME (one end of a veth pair, through libpcap). Virtual time follows the\n"
	    "wall clock. What to type on this machine then is printed at the start; orders go\n"
	    "to the control socket (`ktls-sim ctl --help`).\n"
	    "\n"
	    "It ends at the scenario's `until` if that is given, by `ktls-sim ctl SOCKET stop`, or\n"
	    "with Ctrl-C (SIGINT, SIGTERM, SIGHUP): in order, expectations judged, reports written,\n"
	    "exit code as of run. A second Ctrl-C breaks off: exit code 130.\n",
	.c_options = live_options,
	.c_codes = exit_codes,
	.c_operands = { WORDS_SCENARIO },
};
