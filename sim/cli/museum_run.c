/* Exhibits run as a suite, and told two verdicts at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "museum.h"
#include "test.h"

static void
half_of(const struct suite *s, const struct exhibit *e, struct half *h)
{
	const struct suite_case *c;

	for (size_t i = 0; i < s->s_n; i++) {
		c = &s->s_v[i];
		if (strcmp(c->sc_file, e->e_path) != 0 ||
		    (c->sc_defects != NULL) != h->h_planted)
			continue;
		if (h->h_case == NULL || (suite_bad(c) && h->h_bad == 0))
			h->h_case = c;
		h->h_cases++;
		h->h_bad += suite_bad(c);
	}
}

/* Is it the one that has to catch? */
static bool
is_catcher(const struct suite_fault *f, const char *caught_by)
{
	char text[32];

	if (f->sf_number != 0) {
		snprintf(text, sizeof(text), "invariant %d", f->sf_number);
		return (strcmp(caught_by, text) == 0);
	}
	return (f->sf_name != NULL && strncmp(caught_by, "claim ", 6) == 0 &&
	    strcmp(caught_by + 6, f->sf_name) == 0);
}

void
half_caught(const struct suite_case *c, struct strbuf *sb)
{
	const struct suite_fault *f;

	for (unsigned i = 0; i < c->sc_nfaults; i++) {
		f = &c->sc_faults[i];
		if (!is_catcher(f, c->sc_caught_by))
			continue;
		if (f->sf_number != 0)
			strbuf_adds(sb, f->sf_first);
		else
			strbuf_addf(sb, "%s, found %s", f->sf_what,
			    f->sf_found);
		return;
	}
}

const char *
half_bad(const struct suite_case *c)
{
	if (c->sc_why != NULL)
		return (c->sc_why);
	return (c->sc_nfaults > 0 ? c->sc_faults[0].sf_what : "");
}

/* Not as it should be, or what caught the bug. */
static void
tell_verdict(const struct half *h)
{
	const struct suite_case *c = h->h_case;
	struct strbuf said = { 0 };

	if (h->h_bad > 0) {
		color_word(stdout, STYLE_BAD,
		    suite_verdict_names[c->sc_verdict]);
		printf(" in %u of %u: %s", h->h_bad, h->h_cases, half_bad(c));
		return;
	}
	if (c->sc_verdict == SV_SKIPPED) {
		printf("skipped: %s", half_bad(c));
		return;
	}
	color_word(stdout, STYLE_GOOD, h->h_planted ? "caught" : "passed");
	if (h->h_planted)
		printf(" by %s", c->sc_caught_by);
	if (h->h_cases > 1)
		printf(" in %u cells", h->h_cases);
	if (h->h_planted) {
		half_caught(c, &said);
		printf(": %s", strbuf_str(&said));
	}
	strbuf_fini(&said);
}

static void
tell_half(const struct half *h)
{
	printf("  %-9s ", h->h_planted ? "planted" : "as it is");
	if (h->h_case == NULL) { /* the file has a mistake, or is live */
		puts("not run");
		return;
	}
	tell_verdict(h);
	putchar('\n');
	if (h->h_case->sc_again != NULL)
		printf("            %s\n", h->h_case->sc_again);
}

static void
tell_text(const struct exhibit *e, const struct half *plain,
    const struct half *planted)
{
	color_word(stdout, STYLE_HEAD, e->e_sc->exhibit.id);
	printf(" %s\n", e->e_sc->exhibit.title);
	tell_half(plain);
	tell_half(planted);
}

static bool
chosen(const struct museum *mu, const struct exhibit *e, char **ids, int nids)
{
	for (int i = 0; i < nids; i++)
		if (museum_find(mu, ids[i]) == e)
			return (true);
	return (nids == 0);
}

static void
tell_all(const struct museum *mu, const struct suite *s, char **ids, int nids)
{
	struct json_t *all = mu->m_json ? told_json_new() : NULL;
	struct half plain, planted;
	const struct exhibit *e;

	for (e = mu->m_v; e < mu->m_v + mu->m_n; e++) {
		if (!chosen(mu, e, ids, nids))
			continue;
		plain = (struct half) { .h_planted = false };
		planted = (struct half) { .h_planted = true };
		half_of(s, e, &plain);
		half_of(s, e, &planted);
		if (all != NULL)
			told_json(all, e, &plain, &planted);
		else
			tell_text(e, &plain, &planted);
	}
	if (all != NULL)
		told_json_print(all);
}

static int
run_plan(const struct museum *mu, const struct test_args *ta, char **ids,
    int nids)
{
	struct test_plan tp = { 0 };
	struct suite_counts sc;
	int rc;

	rc = test_collect(&tp, ta);
	if (rc == 0)
		rc = test_out_prepare(ta, &tp);
	if (rc == 0 && !test_run(&tp, ta))
		rc = EXIT_INTERRUPTED;
	if (rc == 0) {
		tell_all(mu, &tp.tp_suite, ids, nids);
		suite_count(&tp.tp_suite, &sc);
		if (!mu->m_json)
			test_tell_counts(stdout, &sc);
		rc = suite_exit_code(&tp.tp_suite);
	}
	test_plan_fini(&tp);
	return (rc);
}

int
museum_run(const struct museum *mu, char **ids, int nids)
{
	static const char *no_sets[1];
	struct test_args ta;
	int rc;

	for (int i = 0; i < nids; i++)
		if (museum_find(mu, ids[i]) == NULL)
			return (usage_error(&cmd_museum,
			    "there is no exhibit `%s` in %s; `ktls-sim museum list` shows them",
			    ids[i], mu->m_dir));
	test_defaults(&ta, "./ktls-out/museum");
	ta.ta_quiet = true;
	ta.ta_sets = no_sets;
	ta.ta_files = xcalloc(mu->m_n, sizeof(*ta.ta_files));
	for (unsigned i = 0; i < mu->m_n; i++)
		if (chosen(mu, &mu->m_v[i], ids, nids))
			ta.ta_files[ta.ta_nfiles++] = mu->m_v[i].e_path;
	rc = run_plan(mu, &ta, ids, nids);
	free(ta.ta_files);
	return (rc);
}
