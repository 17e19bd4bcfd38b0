/* The museum as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#include "museum.h"

static json_t *
json_words(const struct sc_strlist *l)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < l->n; i++)
		json_array_append_new(a, json_string(l->v[i]));
	return (a);
}

static json_t *
json_exhibit(const struct exhibit *e)
{
	const struct sc_exhibit *x = &e->e_sc->exhibit;

	/* A path that is no UTF-8 is null. */
	return (json_pack("{s:s, s:s, s:o?, s:o, s:o, s:s}", "id", x->id,
	    "title", x->title, "file", json_string(e->e_path), "links",
	    json_words(&x->links), "defects", json_words(&x->defects),
	    "caught_by", x->caught_by));
}

static void
print_json(json_t *o)
{
	char *text = json_dumps(o, JSON_INDENT(2));

	puts(text);
	free(text);
	json_decref(o);
}

int
museum_json(const struct museum *mu)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < mu->m_n; i++)
		json_array_append_new(all, json_exhibit(&mu->m_v[i]));
	print_json(all);
	return (EXIT_OK);
}

void
exhibit_json(const struct exhibit *e)
{
	char *expect = exhibit_expect(e);
	json_t *o = json_exhibit(e);

	json_object_set_new(o, "story", json_string(e->e_story));
	json_object_set_new(o, "expect", json_string(expect));
	print_json(o);
	free(expect);
}

/* --- verdicts --- */

static json_t *
json_half(const struct half *h)
{
	const struct suite_case *c = h->h_case;
	struct strbuf said = { 0 };
	json_t *o;

	if (c == NULL)
		return (json_pack("{s:s, s:i, s:i, s:n, s:n}", "verdict",
		    suite_verdict_names[SV_SKIPPED], "cases", 0, "failed", 0,
		    "said", "again"));
	if (h->h_bad > 0)
		strbuf_adds(&said, half_bad(c));
	else if (h->h_planted)
		half_caught(c, &said);
	o = json_pack("{s:s, s:i, s:i, s:o?, s:o?}", "verdict",
	    suite_verdict_names[c->sc_verdict], "cases", (int)h->h_cases,
	    "failed", (int)h->h_bad, "said",
	    said.sb_len > 0 ? json_string(strbuf_str(&said)) : NULL, "again",
	    c->sc_again != NULL ? json_string(c->sc_again) : NULL);
	strbuf_fini(&said);
	return (o);
}

json_t *
told_json_new(void)
{
	return (json_array());
}

void
told_json(json_t *all, const struct exhibit *e, const struct half *plain,
    const struct half *planted)
{
	json_t *o = json_exhibit(e);

	json_object_set_new(o, "plain", json_half(plain));
	json_object_set_new(o, "planted", json_half(planted));
	json_array_append_new(all, o);
}

void
told_json_print(json_t *all)
{
	print_json(all);
}
