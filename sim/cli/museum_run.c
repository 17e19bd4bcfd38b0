/* Exhibits run as a suite, and told two verdicts at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ktsim/base/kmem.h>

#include "museum.h"
#include "test.h"

/* An exhibit's cases with, or without, its defects. */
struct half {
	bool h_planted;
	unsigned h_cases, h_bad;
	const struct suite_case *h_case; /* the first, or the first bad one */
};

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

/* What the catcher had to say, appended. */
static void
caught_words(const struct suite_case *c, struct strbuf *sb)
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

/* Why it is not as it should be, in a line. */
static const char *
bad_words(const struct suite_case *c)
{
	if (c->sc_why != NULL)
		return (c->sc_why);
	return (c->sc_nfaults > 0 ? c->sc_faults[0].sf_what : "");
}

static void
tell_half(const struct half *h)
{
	const struct suite_case *c = h->h_case;
	struct strbuf said = { 0 };

	printf("  %-9s ", h->h_planted ? "planted" : "as it is");
	if (h->h_bad > 0) {
		color_word(stdout, STYLE_BAD,
		    suite_verdict_names[c->sc_verdict]);
		printf(" in %u of %u: %s", h->h_bad, h->h_cases, bad_words(c));
	} else {
		color_word(stdout, STYLE_GOOD,
		    h->h_planted ? "caught" : "passed");
		if (h->h_planted)
			printf(" by %s", c->sc_caught_by);
		if (h->h_cases > 1)
			printf(" in %u cells", h->h_cases);
		if (h->h_planted) {
			caught_words(c, &said);
			printf(": %s", strbuf_str(&said));
		}
	}
	printf("\n            %s\n", c->sc_again);
	strbuf_fini(&said);
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

static json_t *
json_half(const struct half *h)
{
	const struct suite_case *c = h->h_case;
	struct strbuf said = { 0 };
	json_t *o;

	if (h->h_bad > 0)
		strbuf_adds(&said, bad_words(c));
	else if (h->h_planted)
		caught_words(c, &said);
	o = json_pack("{s:s, s:i, s:i, s:s?, s:s}", "verdict",
	    suite_verdict_names[c->sc_verdict], "cases", (int)h->h_cases,
	    "failed", (int)h->h_bad, "said",
	    said.sb_len > 0 ? strbuf_str(&said) : NULL, "again", c->sc_again);
	strbuf_fini(&said);
	return (o);
}

static json_t *
json_told(const struct exhibit *e, const struct half *plain,
    const struct half *planted)
{
	const struct sc_exhibit *x = &e->e_sc->exhibit;

	return (json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "id", x->id,
	    "title", x->title, "file", e->e_path, "caught_by", x->caught_by,
	    "plain", json_half(plain), "planted", json_half(planted)));
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
	json_t *all = mu->m_json ? json_array() : NULL;
	struct half plain, planted;
	const struct exhibit *e;
	char *text;

	for (e = mu->m_v; e < mu->m_v + mu->m_n; e++) {
		if (!chosen(mu, e, ids, nids))
			continue;
		plain = (struct half) { .h_planted = false };
		planted = (struct half) { .h_planted = true };
		half_of(s, e, &plain);
		half_of(s, e, &planted);
		if (mu->m_json)
			json_array_append_new(all,
			    json_told(e, &plain, &planted));
		else
			tell_text(e, &plain, &planted);
	}
	if (!mu->m_json)
		return;
	text = json_dumps(all, JSON_INDENT(2));
	puts(text);
	free(text);
	json_decref(all);
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
