/*
 * Two runs beside each other, event by event, up to the first that differs.
 * Both are run again, each in a process that tells its events through a pipe;
 * what comes after the difference is only waited for, to have fingerprints.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>
#include <ktsim/sim/suite.h>

#include "diff.h"

#define CONTEXT	    5
#define CONTEXT_MAX 1000

/* What an option says, for one side or both; done when the runs are known. */
struct diff_word {
	char dw_what;  /* 'e' seed, 'd' defect, 's' set */
	char dw_sides; /* bit 0: A, bit 1: B */
	const char *dw_arg;
};

struct diff_args {
	struct diff_word *da_words;
	unsigned da_nwords;
	unsigned da_context;
	bool da_programs;
	struct runref da_run[2];
};

enum {
	OPT_CONTEXT = 256,
	OPT_SEED,
	OPT_SEED_A,
	OPT_SEED_B,
	OPT_DEFECT,
	OPT_DEFECT_A,
	OPT_DEFECT_B,
	OPT_SET,
	OPT_SET_A,
	OPT_SET_B,
	OPT_PROGRAMS
};

#define SIDES "as for `ktls-sim run`: of both runs, of A, of B"
static const struct cli_option diff_options[] = {
	{ "context", OPT_CONTEXT, "N",
	    "so many events before and after the difference (5)" },
	{ "seed", OPT_SEED, "N", NULL },
	{ "seed-a", OPT_SEED_A, "N", NULL },
	{ "seed-b", OPT_SEED_B, "N", SIDES },
	{ "defect", OPT_DEFECT, "NAME", NULL, WORDS_DEFECT },
	{ "defect-a", OPT_DEFECT_A, "NAME", NULL, WORDS_DEFECT },
	{ "defect-b", OPT_DEFECT_B, "NAME", "the same; repeatable",
	    WORDS_DEFECT },
	{ "set", OPT_SET, "KEY=VALUE", NULL, WORDS_SET },
	{ "set-a", OPT_SET_A, "KEY=VALUE", NULL, WORDS_SET },
	{ "set-b", OPT_SET_B, "KEY=VALUE", "the same; repeatable", WORDS_SET },
	{ "allow-programs", OPT_PROGRAMS, NULL, ALLOW_PROGRAMS },
	{ NULL },
};

static int
diff_option(void *ctx, int opt, const char *arg)
{
	static const char what[] = { 'e', 'd', 's' }, sides[] = { 3, 1, 2 };
	struct diff_args *da = ctx;
	uint64_t v;

	if (opt == OPT_PROGRAMS) {
		da->da_programs = true;
		return (0);
	}
	if (opt == OPT_CONTEXT) {
		if (parse_uint(arg, &v) != 0 || v > CONTEXT_MAX)
			return (usage_error(&cmd_diff,
			    "--context wants 0 to %d, not `%s`", CONTEXT_MAX,
			    arg));
		da->da_context = (unsigned)v;
		return (0);
	}
	da->da_words =
	    xrealloc(da->da_words, (da->da_nwords + 1) * sizeof(*da->da_words));
	da->da_words[da->da_nwords++] =
	    (struct diff_word) { what[(opt - OPT_SEED) / 3],
		    sides[(opt - OPT_SEED) % 3], arg };
	return (0);
}

static int
diff_say(struct runref *rr, const struct diff_word *dw)
{
	if (dw->dw_what == 'e')
		return (runref_seed(&cmd_diff, rr, dw->dw_arg));
	if (dw->dw_what == 'd')
		return (runref_defect(&cmd_diff, rr, dw->dw_arg));
	runref_set(rr, dw->dw_arg);
	return (0);
}

static int
diff_runs(struct diff_args *da, int n, char **runs)
{
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = runref_open(&cmd_diff, runs[n == 2 ? i : 0],
		    &da->da_run[i]);
		da->da_run[i].rr_programs = da->da_programs;
		for (unsigned j = 0; j < da->da_nwords && rc == 0; j++)
			if ((da->da_words[j].dw_sides >> i & 1) != 0)
				rc = diff_say(&da->da_run[i], &da->da_words[j]);
	}
	return (rc);
}

/* --- looking --- */

/* The last few lines that both had. */
struct ring {
	char **r_v;
	unsigned r_size;
	uint64_t r_n; /* that ever went in */
};

static void
ring_add(struct ring *r, const char *line)
{
	char **slot;

	if (r->r_size > 0) {
		slot = &r->r_v[r->r_n % r->r_size];
		free(*slot);
		*slot = xstrdup(line);
	}
	r->r_n++;
}

static void
ring_text(const struct ring *r, struct strbuf *sb)
{
	uint64_t i = r->r_n > r->r_size ? r->r_n - r->r_size : 0;

	for (; i < r->r_n; i++)
		strbuf_addf(sb, "%s\n", r->r_v[i % r->r_size]);
}

static void
ring_fini(struct ring *r)
{
	for (unsigned i = 0; i < r->r_size; i++)
		free(r->r_v[i]);
	free(r->r_v);
}

/* "0.000159000000 server tls_mode ..." */
static void
diff_where(const struct teller *a, const struct teller *b, uint64_t n)
{
	const char *ta = a->t_line, *tb = b->t_line;
	size_t na, nb;

	if (ta == NULL || tb == NULL) {
		printf("event %ju: %s has no more, %s has one at %.*s s\n",
		    (uintmax_t)n, ta == NULL ? "A" : "B",
		    ta == NULL ? "B" : "A",
		    (int)strcspn(ta == NULL ? tb : ta, " "),
		    ta == NULL ? tb : ta);
		return;
	}
	na = strcspn(ta, " ");
	nb = strcspn(tb, " ");
	printf("event %ju is the first that differs: ", (uintmax_t)n);
	if (strcmp(ta + na, tb + nb) == 0)
		printf("the same at %.*s s in A, at %.*s s in B\n", (int)na, ta,
		    (int)nb, tb);
	else if (na == nb && memcmp(ta, tb, na) == 0)
		printf("both at %.*s s\n", (int)na, ta);
	else
		printf("at %.*s s in A, at %.*s s in B\n", (int)na, ta, (int)nb,
		    tb);
}

/* The line that differs, and some after it. */
static void
diff_after(struct teller *t, unsigned context, struct strbuf *sb)
{
	for (unsigned i = 0; i <= context && t->t_line != NULL; i++) {
		strbuf_addf(sb, "%s\n", t->t_line);
		teller_next(t);
	}
}

static void
diff_show(struct teller t[2], const struct ring *r, unsigned context)
{
	struct strbuf a = { 0 }, b = { 0 }, d = { 0 };
	const char *p;

	ring_text(r, &a);
	strbuf_adds(&b, strbuf_str(&a));
	diff_after(&t[0], context, &a);
	diff_after(&t[1], context, &b);
	(void)text_diff(strbuf_str(&a), strbuf_str(&b), "A", "B",
	    2 * context + 2, &d);
	/* Its heads count lines of these two pieces: of no interest. */
	p = strbuf_str(&d);
	for (int i = 0; i < 3; i++)
		p += strcspn(p, "\n") + 1;
	for (size_t n; *p != '\0'; p += n + 1) {
		n = strcspn(p, "\n");
		color_text(stdout,
		    *p == '-'	    ? STYLE_BAD
			: *p == '+' ? STYLE_GOOD
				    : STYLE_PLAIN,
		    *p == '-'	    ? "A "
			: *p == '+' ? "B "
				    : "  ",
		    2);
		printf("%.*s\n", (int)n - 1, p + 1);
	}
	strbuf_fini(&a);
	strbuf_fini(&b);
	strbuf_fini(&d);
}

static bool
same_line(const struct teller t[2])
{
	return (t[0].t_line != NULL && t[1].t_line != NULL &&
	    strcmp(t[0].t_line, t[1].t_line) == 0);
}

/* True: fingerprints differ. */
static bool
diff_prints(const struct teller t[2])
{
	bool differ = false, same;

	fputs("fingerprints:", stdout);
	for (int i = 0; i < PRINTS; i++) {
		same = strcmp(t[0].t_prints[i], t[1].t_prints[i]) == 0;
		differ = differ || !same;
		printf("%s %s %s", i > 0 ? "," : "", print_names[i],
		    same ? "the same" : "DIFFER");
	}
	putchar('\n');
	return (differ);
}

static void
diff_names(const struct diff_args *da)
{
	struct strbuf sb = { 0 };

	for (int i = 0; i < 2; i++) {
		strbuf_clear(&sb);
		runref_text(&da->da_run[i], &sb);
		printf("%c: %s\n", 'A' + i, strbuf_str(&sb));
	}
	strbuf_fini(&sb);
}

/* Both tell; 0: the same, EXIT_CLAIM: not. */
static int
diff_compare(const struct diff_args *da, struct teller t[2])
{
	struct ring r = { .r_size = da->da_context };
	bool differ;

	r.r_v = xcalloc(r.r_size + 1, sizeof(*r.r_v));
	teller_next(&t[0]);
	teller_next(&t[1]);
	while (same_line(t)) {
		ring_add(&r, t[0].t_line);
		teller_next(&t[0]);
		teller_next(&t[1]);
	}
	differ = t[0].t_line != NULL || t[1].t_line != NULL;
	/* Who could not be run has nothing to be compared. */
	if (differ && t[0].t_told && t[1].t_told) {
		diff_names(da);
		diff_where(&t[0], &t[1], r.r_n + 1);
		diff_show(t, &r, da->da_context);
	}
	teller_rest(&t[0]);
	teller_rest(&t[1]);
	if (t[0].t_ended && t[1].t_ended) {
		if (!differ)
			diff_names(da);
		if (!differ)
			printf("%ju events are the same\n", (uintmax_t)r.r_n);
		differ = diff_prints(t) || differ;
	}
	ring_fini(&r);
	return (differ ? EXIT_CLAIM : EXIT_OK);
}

static int
diff_both(struct diff_args *da)
{
	struct teller t[2] = { 0 };
	int rc = 0, end, code;

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = teller_start(&t[i], &da->da_run[i]);
	code = rc == 0 ? diff_compare(da, t) : rc;
	for (int i = 0; i < 2; i++)
		if ((end = teller_end(&t[i])) != 0 && rc == 0)
			code = end;
	return (code);
}

static int
diff_main(int argc, char **argv)
{
	struct diff_args da = { .da_context = CONTEXT };
	int rc, n;

	rc = cli_options(&cmd_diff, argc, argv, diff_option, &da);
	n = argc - optind;
	if (rc == 0 && n != 1 && n != 2)
		rc = usage_error(&cmd_diff,
		    "name two runs, or one that options make two of");
	if (rc == 0 && (rc = diff_runs(&da, n, argv + optind)) == 0)
		rc = diff_both(&da);
	runref_fini(&da.da_run[0]);
	runref_fini(&da.da_run[1]);
	free(da.da_words);
	return (rc == CLI_HELPED ? EXIT_OK : rc);
}

static const struct exit_code diff_codes[] = {
	{ EXIT_OK, "the same" },
	{ EXIT_CLAIM, "they differ" },
	{ EXIT_USAGE, "usage or scenario error" },
	{ EXIT_MISSING, "a file is missing" },
	{ EXIT_INVARIANT, "one of the runs crashed" },
	{ EXIT_INTERRUPTED, "interrupted" },
	{ 0, NULL },
};

const struct command cmd_diff = {
	.c_name = "diff",
	.c_run = diff_main,
	.c_text =
	    "two runs beside each other, up to the first event that differs",
	.c_usage = "[options] RUN_A [RUN_B]",
	.c_examples =
	    "ktls-sim diff old/ktls-out/failover ktls-out/failover\n"
	    "ktls-sim diff --seed-b 2 scenarios/failover.ktls.yaml\n"
	    "ktls-sim diff --defect-b kern.sbready-early scenarios/quickstart.ktls.yaml\n",
	.c_intro =
	    "A RUN is a scenario file, or the output folder of `ktls-sim run`: its scenario,\n"
	    "--set, seed and defects. Both are run again with this program (nothing is\n"
	    "written) and compared event by event (`ktls-sim list traces`); one RUN alone is\n"
	    "both, which options then make different.\n",
	.c_options = diff_options,
	.c_notes =
	    "Then it tells which layers of the fingerprints (docs/report.md) differ.\n",
	.c_codes = diff_codes,
	.c_operands = { WORDS_SCENARIO, WORDS_SCENARIO },
};
