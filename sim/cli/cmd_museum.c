/* The museum of bugs: what is there, one exhibit's story, and running them. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "museum.h"

enum { OPT_DIR = 256, OPT_JSON };

static const struct cli_option museum_options[] = {
	{ "dir", OPT_DIR, "DIR",
	    "the folder of the exhibits (scenarios/museum here if it is there, else the one that was installed)",
	    WORDS_FOLDER },
	{ "json", OPT_JSON, NULL, "as JSON" },
	{ NULL },
};

static int
museum_option(void *ctx, int opt, const char *arg)
{
	struct museum *mu = ctx;

	if (opt == OPT_JSON) {
		mu->m_json = true;
		return (0);
	}
	free(mu->m_dir);
	mu->m_dir = xstrdup(arg);
	return (0);
}

/* --- list --- */

static void
words(const struct sc_strlist *l, const char *between, struct strbuf *sb)
{
	for (unsigned i = 0; i < l->n; i++)
		strbuf_addf(sb, "%s%s", i > 0 ? between : "", l->v[i]);
}

static int
list_all(const struct museum *mu)
{
	const struct sc_exhibit *x;
	struct strbuf sb = { 0 };

	for (unsigned i = 0; i < mu->m_n; i++) {
		x = &mu->m_v[i].e_sc->exhibit;
		strbuf_clear(&sb);
		words(&x->defects, ", ", &sb);
		printf("%s  %s; %s, caught by %s\n", x->id, x->title,
		    strbuf_str(&sb), x->caught_by);
	}
	strbuf_fini(&sb);
	return (EXIT_OK);
}

/* --- show --- */

static void
show_text(const struct exhibit *e)
{
	const struct sc_exhibit *x = &e->e_sc->exhibit;
	char *expect = exhibit_expect(e);

	color_word(stdout, STYLE_HEAD, x->id);
	printf(" %s\n\n%s\n", x->title, e->e_story);
	for (unsigned i = 0; i < x->links.n; i++)
		printf("link       %s\n", x->links.v[i]);
	for (unsigned i = 0; i < x->defects.n; i++)
		printf("defect     %s: %s\n", x->defects.v[i],
		    defect_catalogue[defect_find(x->defects.v[i])].di_text);
	printf("caught by  %s\nscenario   %s\n\nexpected:\n%s", x->caught_by,
	    e->e_path, expect);
	free(expect);
}

static int
show_one(const struct museum *mu, const char *id)
{
	const struct exhibit *e = museum_find(mu, id);

	if (e == NULL)
		return (usage_error(&cmd_museum,
		    "there is no exhibit `%s` in %s; `ktls-sim museum list` shows them",
		    id, mu->m_dir));
	if (mu->m_json)
		exhibit_json(e);
	else
		show_text(e);
	return (EXIT_OK);
}

/* --- */

static int
museum_do(struct museum *mu, char **words_, int n)
{
	const char *what = words_[0];
	int rc;

	if (strcmp(what, "list") != 0 && strcmp(what, "show") != 0 &&
	    strcmp(what, "run") != 0)
		return (usage_error(&cmd_museum,
		    "`%s` is none of list, show and run", what));
	if (strcmp(what, "list") == 0 && n > 1)
		return (usage_error(&cmd_museum,
		    "list takes no exhibits; `show %s` tells of one",
		    words_[1]));
	if (strcmp(what, "show") == 0 && n != 2)
		return (usage_error(&cmd_museum,
		    "show wants one exhibit, such as M05"));
	if ((rc = museum_open(mu)) != 0)
		return (rc);
	if (strcmp(what, "list") == 0)
		return (mu->m_json ? museum_json(mu) : list_all(mu));
	if (strcmp(what, "show") == 0)
		return (show_one(mu, words_[1]));
	return (museum_run(mu, words_ + 1, n - 1));
}

static int
museum_main(int argc, char **argv)
{
	struct museum mu = { 0 };
	int rc;

	rc = cli_options(&cmd_museum, argc, argv, museum_option, &mu);
	if (rc == 0 && argc == optind)
		rc = usage_error(&cmd_museum,
		    "say what to do: list, show ID, or run [ID ...]");
	else if (rc == 0)
		rc = museum_do(&mu, argv + optind, argc - optind);
	museum_fini(&mu);
	return (rc == CLI_HELPED ? EXIT_OK : rc);
}

const struct command cmd_museum = {
	.c_name = "museum",
	.c_run = museum_main,
	.c_text =
	    "bugs that there were: their stories, and what catches each when it is planted",
	.c_usage = "[options] list\n"
		   "[options] show ID\n"
		   "[options] run [ID ...]",
	.c_examples = "ktls-sim museum show M05\n"
		      "ktls-sim museum run M05 M17\n",
	.c_intro =
	    "`list` has a line per exhibit: the bug, the defect that plants it, and what\n"
	    "catches it. `show` has the story, links and expectations of one: M05, or 5.\n"
	    "`run` runs each that is named (all, if none is) twice: as it is, which has to\n"
	    "pass, and with its defect planted, which has to be caught as it says.\n",
	.c_options = museum_options,
	.c_notes =
	    "An exhibit is a scenario with `exhibit` (docs/museum.md); `ktls-sim test` runs it\n"
	    "likewise. Outputs of those that are not as they should be stay in\n"
	    "./ktls-out/museum.\n",
	.c_codes = exit_codes,
	.c_operands = { WORDS_MUSEUM },
};
