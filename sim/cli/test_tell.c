/* What a person sees of `ktls-sim test`: how far it is, and what went wrong. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "test.h"

#define FIRST_LINE_MS 2000  /* then after twice that, and so on */
#define LINE_MAX_MS   60000 /* at least so often */

/* --- while it runs --- */

void
test_progress_start(struct test_progress *tg, const struct test_args *ta,
    size_t total)
{
	*tg = (struct test_progress) { .tg_show = !ta->ta_quiet,
		.tg_tty = isatty(STDERR_FILENO) != 0,
		.tg_total = total,
		.tg_start_ms = test_clock_ms(),
		.tg_step_ms = FIRST_LINE_MS };
	tg->tg_next_ms = tg->tg_start_ms + tg->tg_step_ms;
}

void
test_progress_show(struct test_progress *tg, const char *running)
{
	uint64_t now = test_clock_ms();

	if (!tg->tg_show)
		return;
	if (tg->tg_tty) {
		fprintf(stderr, "\r\033[K%zu of %zu done, %zu failed: %.50s",
		    tg->tg_done, tg->tg_total, tg->tg_failed, running);
		fflush(stderr);
		tg->tg_shown = true;
		return;
	}
	if (now < tg->tg_next_ms)
		return;
	fprintf(stderr, "%zu of %zu done, %zu failed, after %ju s\n",
	    tg->tg_done, tg->tg_total, tg->tg_failed,
	    (uintmax_t)((now - tg->tg_start_ms) / 1000));
	tg->tg_step_ms = MIN(2 * tg->tg_step_ms, LINE_MAX_MS);
	tg->tg_next_ms = now + tg->tg_step_ms;
}

void
test_progress_end(struct test_progress *tg)
{
	if (tg->tg_shown)
		fputs("\r\033[K", stderr);
}

/* --- the command that does it again --- */

static bool
needs_quotes(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) &&
		    strchr("_@%+=:,./-", *s) == NULL)
			return (true);
	return (false);
}

static void
shell_word(const char *s, struct strbuf *sb)
{
	if (*s != '\0' && !needs_quotes(s)) {
		strbuf_adds(sb, s);
		return;
	}
	strbuf_adds(sb, "'");
	for (; *s != '\0'; s++)
		if (*s == '\'')
			strbuf_adds(sb, "'\\''");
		else
			strbuf_add(sb, s, 1);
	strbuf_adds(sb, "'");
}

static void
shell_options(const char *option, const char *const *values, struct strbuf *sb)
{
	for (; values != NULL && *values != NULL; values++) {
		strbuf_addf(sb, " --%s ", option);
		shell_word(*values, sb);
	}
}

char *
test_again(const struct test_args *ta, const struct suite_case *c,
    const struct test_how *th)
{
	struct strbuf sb = { 0 };

	strbuf_addf(&sb, "ktls-sim run --seed %" PRIu64, c->sc_seed);
	if (ta->ta_programs)
		strbuf_adds(&sb, " --allow-programs");
	shell_options("set", ta->ta_sets, &sb);
	if (*c->sc_cell != '\0') {
		strbuf_adds(&sb, " --case ");
		shell_word(c->sc_cell, &sb);
	}
	shell_options("defect", th->th_defects, &sb);
	strbuf_adds(&sb, *c->sc_file == '-' ? " -- " : " ");
	shell_word(c->sc_file, &sb);
	return (strbuf_take(&sb));
}

/* --- at the end --- */

static void
tell_lines(FILE *f, const char *text, const char *indent)
{
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		fprintf(f, "%s%.*s\n", n > 0 ? indent : "", (int)n, text);
	}
}

static void
tell_fault(FILE *f, const struct suite_fault *sf)
{
	if (sf->sf_number != 0)
		fprintf(f, "  invariant %d: %s\n", sf->sf_number, sf->sf_what);
	else
		fprintf(f, "  %s: %s\n", sf->sf_where, sf->sf_what);
	if (sf->sf_found != NULL)
		fprintf(f, "    found: %s\n", sf->sf_found);
	if (sf->sf_first != NULL)
		fprintf(f, "    first: %s\n", sf->sf_first);
	if (sf->sf_frames != NULL)
		fprintf(f, "    frames: %s\n", sf->sf_frames);
}

static void
tell_case(FILE *f, const struct test_args *ta, const struct suite_case *c,
    bool kept)
{
	char *folder = test_folder(ta, c);

	color_word(f, STYLE_BAD, suite_verdict_names[c->sc_verdict]);
	fprintf(f, " %s\n", c->sc_name);
	if (c->sc_why != NULL)
		tell_lines(f, c->sc_why, "  ");
	for (unsigned i = 0; i < c->sc_nfaults; i++)
		tell_fault(f, &c->sc_faults[i]);
	if (c->sc_golden != NULL)
		tell_lines(f, c->sc_golden, "  ");
	if (kept)
		fprintf(f, "  output: %s\n", folder);
	if (c->sc_again != NULL)
		fprintf(f, "  to reproduce: %s\n", c->sc_again);
	fputc('\n', f);
	free(folder);
}

static void
tell_skipped(FILE *f, const struct suite *s)
{
	for (size_t i = 0; i < s->s_n; i++)
		if (s->s_v[i].sc_verdict == SV_SKIPPED)
			fprintf(f, "skipped %s: %s\n", s->s_v[i].sc_name,
			    s->s_v[i].sc_why != NULL ? s->s_v[i].sc_why : "");
}

void
test_tell_counts(FILE *f, const struct suite_counts *sc)
{
	struct strbuf sb = { 0 };

	strbuf_addf(&sb,
	    "%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped",
	    sc->n[SV_PASSED], sc->failed, sc->n[SV_SKIPPED]);
	color_word(f, sc->failed > 0 ? STYLE_BAD : STYLE_GOOD, strbuf_str(&sb));
	fputc('\n', f);
	strbuf_fini(&sb);
}

void
test_summary(FILE *f, const struct test_plan *tp, const struct test_args *ta)
{
	const struct suite *s = &tp->tp_suite;
	struct suite_counts sc;

	suite_count(s, &sc);
	for (size_t i = 0; i < s->s_n; i++)
		if (suite_bad(&s->s_v[i]))
			tell_case(f, ta, &s->s_v[i], tp->tp_how[i].th_kept);
	if (ta->ta_quiet && sc.failed == 0)
		return;
	if (!ta->ta_quiet)
		tell_skipped(f, s);
	test_tell_counts(f, &sc);
}
