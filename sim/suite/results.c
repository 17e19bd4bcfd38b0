/* The result file: version 1. Everything but wall_ms follows from scenarios,
 * seeds and program alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#include "suite_priv.h"

/* --- writing --- */

static void
j_set(json_t *o, const char *key, const char *text)
{
	struct strbuf sb = { 0 };
	size_t n;

	if (text == NULL)
		return;
	for (; *text != '\0'; text += n > 0 ? n : 1) {
		n = utf8_len(text);
		strbuf_add(&sb, n > 0 ? text : UTF8_REPLACEMENT,
		    n > 0 ? n : strlen(UTF8_REPLACEMENT));
	}
	json_object_set_new(o, key, json_string(strbuf_str(&sb)));
	strbuf_fini(&sb);
}

static json_t *
j_fault(const struct suite_fault *f)
{
	json_t *o = json_object();

	if (f->sf_number != 0)
		json_object_set_new(o, "number", json_integer(f->sf_number));
	j_set(o, "name", f->sf_name);
	j_set(o, "where", f->sf_where);
	j_set(o, "what", f->sf_what);
	j_set(o, "found", f->sf_found);
	j_set(o, "first", f->sf_first);
	j_set(o, "frames", f->sf_frames);
	return (o);
}

static void
j_faults(json_t *o, const struct suite_case *c)
{
	json_t *claims = json_array(), *broken = json_array();

	for (unsigned i = 0; i < c->sc_nfaults; i++)
		json_array_append_new(c->sc_faults[i].sf_number != 0 ? broken
								     : claims,
		    j_fault(&c->sc_faults[i]));
	json_object_set_new(o, "claims", claims);
	json_object_set_new(o, "broken", broken);
}

static void
j_prints(json_t *o, const struct suite_case *c)
{
	json_t *p;

	if (!c->sc_has_prints)
		return;
	p = json_object();
	for (int i = 0; i < PRINTS; i++)
		j_set(p, print_names[i], c->sc_prints[i]);
	json_object_set_new(o, "fingerprints", p);
}

static json_t *
j_case(const struct suite_case *c)
{
	json_t *o = json_object();

	j_set(o, "name", c->sc_name);
	j_set(o, "file", c->sc_file);
	j_set(o, "cell", c->sc_cell);
	json_object_set_new(o, "seed", json_integer((json_int_t)c->sc_seed));
	json_object_set_new(o, "position",
	    json_integer((json_int_t)c->sc_position));
	j_set(o, "defects", c->sc_defects);
	j_set(o, "caught_by", c->sc_caught_by);
	j_set(o, "verdict", suite_verdict_names[c->sc_verdict]);
	json_object_set_new(o, "code",
	    c->sc_code >= 0 ? json_integer(c->sc_code) : json_null());
	j_set(o, "why", c->sc_why);
	j_faults(o, c);
	j_prints(o, c);
	j_set(o, "golden", c->sc_golden);
	j_set(o, "reproduce", c->sc_again);
	if (c->sc_flaky)
		json_object_set_new(o, "flaky", json_true());
	json_object_set_new(o, "wall_ms",
	    json_integer((json_int_t)c->sc_wall_ms));
	return (o);
}

static json_t *
j_shards(const struct suite *s)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < s->s_nshards; i++)
		json_array_append_new(a,
		    json_pack("{s:I, s:I}", "k",
			(json_int_t)s->s_shards[i].sh_k, "n",
			(json_int_t)s->s_shards[i].sh_n));
	return (a);
}

static json_t *
j_counts(const struct suite *s)
{
	struct suite_counts sc;
	json_t *o = json_object();

	suite_count(s, &sc);
	for (int i = 0; i < SV_COUNT; i++)
		json_object_set_new(o, suite_verdict_names[i],
		    json_integer((json_int_t)sc.n[i]));
	return (o);
}

void
suite_json(const struct suite *s, struct strbuf *sb)
{
	json_t *o = json_pack("{s:i, s:o, s:o}", "ktls_sim_suite", SUITE_FORMAT,
	    "shards", j_shards(s), "counts", j_counts(s));
	json_t *a = json_array();
	char *text;

	for (size_t i = 0; i < s->s_n; i++)
		json_array_append_new(a, j_case(&s->s_v[i]));
	json_object_set_new(o, "cases", a);
	text = json_dumps(o, JSON_INDENT(1));
	strbuf_adds(sb, text);
	strbuf_adds(sb, "\n");
	free(text);
	json_decref(o);
}

/* --- reading --- */

static char *
p_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return (s != NULL ? xstrdup(s) : NULL);
}

static uint64_t
p_number(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return ((uint64_t)v);
}

static void
p_faults(struct suite_case *c, const json_t *a)
{
	struct suite_fault *f;
	json_t *o;
	size_t i;

	json_array_foreach(a, i, o)
	{
		f = suite_add_fault(c);
		f->sf_number = (int)p_number(o, "number");
		f->sf_name = p_text(o, "name");
		f->sf_where = p_text(o, "where");
		f->sf_what = p_text(o, "what");
		f->sf_found = p_text(o, "found");
		f->sf_first = p_text(o, "first");
		f->sf_frames = p_text(o, "frames");
	}
}

/* None at all, or each layer's: one that is left out would agree with all. */
static int
p_prints(struct suite_case *c, const json_t *p)
{
	const char *hex;

	c->sc_has_prints = p != NULL;
	for (int i = 0; i < PRINTS && c->sc_has_prints; i++) {
		hex = json_string_value(json_object_get(p, print_names[i]));
		if (hex == NULL || strlen(hex) != HASH_HEX_SIZE - 1 ||
		    strspn(hex, "0123456789abcdef") != HASH_HEX_SIZE - 1)
			return (EINVAL);
		memcpy(c->sc_prints[i], hex, HASH_HEX_SIZE);
	}
	return (0);
}

static int
p_verdict(struct suite_case *c, const json_t *o)
{
	const char *word = json_string_value(json_object_get(o, "verdict"));

	for (int i = 0; word != NULL && i < SV_COUNT; i++)
		if (strcmp(word, suite_verdict_names[i]) == 0) {
			c->sc_verdict = (enum suite_verdict)i;
			return (0);
		}
	return (EINVAL);
}

static int
p_case(struct suite_case *c, const json_t *o)
{
	const json_t *code = json_object_get(o, "code");

	c->sc_name = p_text(o, "name");
	c->sc_file = p_text(o, "file");
	c->sc_cell = p_text(o, "cell");
	c->sc_seed = p_number(o, "seed");
	c->sc_position = p_number(o, "position");
	c->sc_defects = p_text(o, "defects");
	c->sc_caught_by = p_text(o, "caught_by");
	c->sc_code = json_is_integer(code) ? (int)json_integer_value(code) : -1;
	c->sc_why = p_text(o, "why");
	p_faults(c, json_object_get(o, "broken"));
	p_faults(c, json_object_get(o, "claims"));
	c->sc_golden = p_text(o, "golden");
	c->sc_again = p_text(o, "reproduce");
	c->sc_flaky = json_is_true(json_object_get(o, "flaky"));
	c->sc_wall_ms = p_number(o, "wall_ms");
	if (c->sc_name == NULL || c->sc_file == NULL || c->sc_cell == NULL)
		return (EINVAL);
	return (p_verdict(c, o));
}

/* Which shards it has; all of them are of one suite. */
static int
p_shards(struct suite *s, const json_t *a, struct strbuf *err)
{
	json_int_t k, n, before = 0;
	json_t *v;
	size_t i;

	if (a != NULL && !json_is_array(a)) {
		strbuf_adds(err, "`shards` is no list");
		return (EINVAL);
	}
	json_array_foreach(a, i, v)
	{
		k = json_integer_value(json_object_get(v, "k"));
		n = json_integer_value(json_object_get(v, "n"));
		if (k < 1 || k > n || (before != 0 && n != before)) {
			strbuf_addf(err,
			    "shard %zu is none: k is 1 to n, and n that of the "
			    "others",
			    i + 1);
			return (EINVAL);
		}
		before = n;
		suite_add_shard(s, (uint64_t)k, (uint64_t)n);
	}
	return (0);
}

/* The i-th case; `seen` has the names of those before. */
static int
p_one(struct suite *s, const json_t *v, size_t i, json_t *seen,
    struct strbuf *err)
{
	struct suite_case *c = suite_add(s);

	if (p_case(c, v) != 0)
		strbuf_addf(err,
		    "case %zu has no name, file, cell or known verdict", i + 1);
	else if (p_prints(c, json_object_get(v, "fingerprints")) != 0)
		strbuf_addf(err, "%s: `fingerprints` has not all layers",
		    c->sc_name);
	else if (json_object_get(seen, c->sc_name) != NULL)
		strbuf_addf(err, "%s: the case is there twice", c->sc_name);
	else
		return (json_object_set_new(seen, c->sc_name, json_true()));
	return (EINVAL);
}

static int
p_cases(struct suite *s, const json_t *o, struct strbuf *err)
{
	const json_t *cases = json_object_get(o, "cases");
	json_t *v, *seen;
	size_t i;
	int error;

	if (!json_is_array(cases)) {
		strbuf_adds(err, "it has no list `cases`");
		return (EINVAL);
	}
	error = p_shards(s, json_object_get(o, "shards"), err);
	seen = json_object();
	json_array_foreach(cases, i, v) if (error == 0) error =
	    p_one(s, v, i, seen, err);
	json_decref(seen);
	return (error);
}

int
suite_parse(const char *text, size_t len, struct suite *s, struct strbuf *err)
{
	json_error_t where;
	json_t *o = json_loadb(text, len, 0, &where), *format;
	int error = EINVAL;

	format = json_object_get(o, "ktls_sim_suite");
	if (o == NULL)
		strbuf_addf(err, "line %d: %s", where.line, where.text);
	else if (format == NULL)
		strbuf_adds(err,
		    "not a result file of `ktls-sim test` (no ktls_sim_suite)");
	else if (json_integer_value(format) != SUITE_FORMAT)
		strbuf_addf(err,
		    "result format %jd, this ktls-sim knows %d: run and merge "
		    "with the same version",
		    (intmax_t)json_integer_value(format), SUITE_FORMAT);
	else
		error = p_cases(s, o, err);
	json_decref(o);
	if (error != 0)
		suite_fini(s);
	return (error);
}
