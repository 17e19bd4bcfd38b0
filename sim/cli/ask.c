/* A run is had once more, to answer something about it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "ask.h"

enum { OPT_JSON = 256, OPT_SEED, OPT_DEFECT, OPT_SET, OPT_PROGRAMS };

const struct cli_option ask_options[] = {
	{ "json", OPT_JSON, NULL, "the answer as JSON" },
	{ "seed", OPT_SEED, "N", NULL },
	{ "defect", OPT_DEFECT, "NAME", NULL, WORDS_DEFECT },
	{ "set", OPT_SET, "KEY=VALUE", "of the run, if RUN does not say them",
	    WORDS_SET },
	{ "allow-programs", OPT_PROGRAMS, NULL, ALLOW_PROGRAMS },
	{ NULL },
};

/* Options come before the run is known. */
struct said {
	struct ask *sa_ask;
	struct {
		int opt;
		const char *arg;
	} * sa_words;
	unsigned sa_n;
};

static int
on_option(void *ctx, int opt, const char *arg)
{
	struct said *sa = ctx;

	if (opt == OPT_JSON) {
		sa->sa_ask->as_json = true;
		return (0);
	}
	if (opt == OPT_PROGRAMS) {
		sa->sa_ask->as_programs = true;
		return (0);
	}
	sa->sa_words =
	    xrealloc(sa->sa_words, (sa->sa_n + 1) * sizeof(*sa->sa_words));
	sa->sa_words[sa->sa_n].opt = opt;
	sa->sa_words[sa->sa_n++].arg = arg;
	return (0);
}

static int
open_run(struct ask *as, const struct said *sa, const char *run)
{
	const struct command *cmd = as->as_cmd;
	struct runref *rr = &as->as_run;
	int rc = runref_open(cmd, run, rr);

	rr->rr_programs = as->as_programs;
	for (unsigned i = 0; i < sa->sa_n && rc == 0; i++)
		if (sa->sa_words[i].opt == OPT_SEED)
			rc = runref_seed(cmd, rr, sa->sa_words[i].arg);
		else if (sa->sa_words[i].opt == OPT_DEFECT)
			rc = runref_defect(cmd, rr, sa->sa_words[i].arg);
		else
			runref_set(rr, sa->sa_words[i].arg);
	return (rc != 0 ? rc : runref_load(rr, &as->as_sc));
}

int
ask_main(const struct command *cmd, int argc, char **argv, int min, int max,
    const char *usage, int (*fn)(struct ask *))
{
	struct ask as = { .as_cmd = cmd };
	struct said sa = { .sa_ask = &as };
	int rc = cli_options(cmd, argc, argv, on_option, &sa);

	if (rc == 0 && (argc - optind < 1 + min || argc - optind > 1 + max))
		rc = usage_error(cmd, "%s", usage);
	if (rc == 0) {
		as.as_words = argv + optind + 1;
		as.as_nwords = argc - optind - 1;
		rc = open_run(&as, &sa, argv[optind]);
		if (rc == 0)
			rc = fn(&as);
		recording_fini(&as.as_rec);
		scenario_free(as.as_sc);
		runref_fini(&as.as_run);
	}
	free(sa.sa_words);
	/* A wreck cannot be taken apart: leave without looking back. */
	if (as.as_wreck && fflush(NULL) == 0)
		_exit(rc);
	return (rc == CLI_HELPED ? EXIT_OK : rc);
}

int
ask_record(struct ask *as, const char *points, bool frames,
    const struct world_show *shows, unsigned nshows)
{
	struct world_opts wo = { .wo_shows = shows, .wo_nshows = nshows };
	struct strbuf err = { 0 };
	int error;

	runref_opts(&as->as_run, &wo);
	recording_fini(&as->as_rec);
	error =
	    recording_make(&as->as_rec, as->as_sc, &wo, points, frames, &err);
	if (error != 0)
		color_diag(strbuf_str(&err));
	else if (world_broken(as->as_rec.rg_world) != NULL)
		as->as_wreck = true;
	strbuf_fini(&err);
	return (error == 0 ? 0 : error == EINVAL ? EXIT_USAGE : EXIT_MISSING);
}

const struct conn_result *
ask_conn(const struct ask *as, const char *name)
{
	const struct conn_result *c = recording_conn(&as->as_rec, name);
	const struct result *r = world_result(as->as_rec.rg_world);
	const char *broken = world_broken(as->as_rec.rg_world);

	if (c != NULL)
		return (c);
	if (r->r_nconns == 0 && broken != NULL)
		(void)usage_error(as->as_cmd,
		    "the run broke off before it could tell of a connection: %s",
		    broken);
	else if (r->r_nconns == 0)
		(void)usage_error(as->as_cmd, "the run has no connections");
	else
		(void)usage_error(as->as_cmd,
		    "there is no connection `%s`: the run has %u, from %s to "
		    "%s; flow1 is the first one that a SYN was seen of",
		    name, r->r_nconns, r->r_conns[0].c_name,
		    r->r_conns[r->r_nconns - 1].c_name);
	return (NULL);
}

void
ask_tell(const struct ask *as, const struct tale *ta)
{
	struct strbuf sb = { 0 };

	if (as->as_json)
		tale_json(ta, &sb);
	else
		tale_text(ta, &sb);
	fputs(strbuf_str(&sb), stdout);
	strbuf_fini(&sb);
}
