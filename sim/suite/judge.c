/*
 * What a run came to, from how its process ended and from its report. A case
 * with planted defects passes if they are caught by whom it says, before
 * anybody else has something to say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#define STDERR_MAX 4000

static char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return (s != NULL ? xstrdup(s) : NULL);
}

static int64_t
number_of(const json_t *o, const char *key)
{
	return (json_integer_value(json_object_get(o, key)));
}

static char *
frames_of(const json_t *frames)
{
	struct strbuf sb = { 0 };
	json_t *o;
	size_t i;

	json_array_foreach(frames, i, o) strbuf_addf(&sb, "%s%jd",
	    i > 0 ? ", " : "", (intmax_t)json_integer_value(o));
	return (sb.sb_len > 0 ? strbuf_take(&sb) : NULL);
}

static void
judge_claims(struct suite_case *c, const json_t *claims)
{
	struct suite_fault *f;
	const char *file;
	json_t *o;
	size_t i;

	json_array_foreach(claims, i, o)
	{
		if (!json_is_false(json_object_get(o, "met")))
			continue;
		f = suite_add_fault(c);
		file = json_string_value(json_object_get(o, "file"));
		f->sf_name = text_of(o, "name");
		f->sf_where =
		    xasprintf("%s:%d", file != NULL ? file : c->sc_file,
			(int)number_of(o, "line"));
		f->sf_what = text_of(o, "claim");
		f->sf_found = text_of(o, "found");
		f->sf_first = text_of(o, "first");
		f->sf_frames = frames_of(json_object_get(o, "frames"));
	}
}

static void
judge_invariants(struct suite_case *c, const json_t *invariants)
{
	struct suite_fault *f;
	json_t *o;
	size_t i;

	json_array_foreach(invariants, i, o)
	{
		if (number_of(o, "broken") <= 0)
			continue;
		f = suite_add_fault(c);
		f->sf_number = (int)number_of(o, "number");
		f->sf_what = text_of(o, "name");
		f->sf_found = xasprintf("broken %jd times",
		    (intmax_t)number_of(o, "broken"));
		f->sf_first = text_of(o, "first");
	}
}

static void
judge_prints(struct suite_case *c, const json_t *prints)
{
	const char *hex;

	c->sc_has_prints = prints != NULL;
	for (int i = 0; i < PRINTS && c->sc_has_prints; i++) {
		hex =
		    json_string_value(json_object_get(prints, print_names[i]));
		if (hex == NULL || strlen(hex) != HASH_HEX_SIZE - 1)
			c->sc_has_prints = false;
		else
			memcpy(c->sc_prints[i], hex, HASH_HEX_SIZE);
	}
}

/* Its last words. */
static const char *
last_words(const struct suite_exit *se)
{
	size_t len = se->se_stderr != NULL ? strlen(se->se_stderr) : 0;

	if (len == 0)
		return ("");
	return (se->se_stderr + (len > STDERR_MAX ? len - STDERR_MAX : 0));
}

/* The loader could not start the program: a library is not here, or did not
 * fit into --memory. */
static bool
not_loaded(const struct suite_exit *se)
{
	return (se->se_code == 127 &&
	    strstr(last_words(se), "while loading shared libraries") != NULL);
}

static bool
out_of_memory(const struct suite_exit *se)
{
	const char *said = last_words(se);

	return (strstr(said, "out of memory") != NULL ||
	    (not_loaded(se) &&
		(strstr(said, "failed to map segment") != NULL ||
		    strstr(said, "Cannot allocate memory") != NULL)));
}

/* It did not come to a report. True: the verdict is made. */
static bool
judge_end(struct suite_case *c, bool report, const struct suite_exit *se)
{
	static const enum suite_verdict by_code[] = { SV_PASSED, SV_FAILED,
		SV_ERROR, SV_MISSING, SV_BROKE };

	if (se->se_timeout) {
		c->sc_verdict = SV_TIMEOUT;
		suite_set_why(c, "not done after %s: killed (--timeout)",
		    se->se_limit);
	} else if (se->se_signal != 0) {
		c->sc_verdict = SV_CRASHED;
		suite_set_why(c, "ended by signal %d (%s)\n%s", se->se_signal,
		    strsignal(se->se_signal), last_words(se));
	} else if (!not_loaded(se) &&
	    (se->se_code < 0 || se->se_code > 4 ||
		(!report && se->se_code != 2 && se->se_code != 3))) {
		c->sc_verdict = SV_CRASHED;
		suite_set_why(c, "ended with exit code %d%s\n%s", se->se_code,
		    report ? "" : ", without a report", last_words(se));
	} else {
		c->sc_verdict =
		    not_loaded(se) ? SV_MISSING : by_code[se->se_code];
		if (c->sc_verdict == SV_MISSING && out_of_memory(se))
			suite_set_why(c,
			    "out of memory: %s are allowed (--memory)",
			    se->se_memory);
		else if (c->sc_verdict == SV_ERROR ||
		    c->sc_verdict == SV_MISSING)
			suite_set_why(c, "%s", last_words(se));
	}
	return (c->sc_verdict != SV_PASSED && c->sc_verdict != SV_FAILED &&
	    c->sc_verdict != SV_BROKE);
}

/* --- planted defects --- */

/* The invariant that broke first; 0: none. */
static int
first_broken(const json_t *invariants)
{
	int64_t when, first = INT64_MAX;
	int number = 0;
	json_t *o;
	size_t i;

	json_array_foreach(invariants, i, o)
	{
		when = number_of(o, "first_ps");
		if (number_of(o, "broken") <= 0 || when >= first)
			continue;
		first = when;
		number = (int)number_of(o, "number");
	}
	return (number);
}

static bool
claim_failed(const struct suite_case *c, const char *name)
{
	for (unsigned i = 0; i < c->sc_nfaults; i++)
		if (c->sc_faults[i].sf_number == 0 &&
		    c->sc_faults[i].sf_name != NULL &&
		    strcmp(c->sc_faults[i].sf_name, name) == 0)
			return (true);
	return (false);
}

static bool
caught(const struct suite_case *c, const char *by, int first, bool panic)
{
	if (panic)
		return (false);
	if (by == NULL)
		return (c->sc_code != 0);
	if (strncmp(by, "invariant ", 10) == 0)
		return (c->sc_code == 4 && first == atoi(by + 10));
	if (strncmp(by, "claim ", 6) == 0)
		return (c->sc_code == 1 && claim_failed(c, by + 6));
	return (false);
}

/* What went red, in words. */
static void
catchers(const struct suite_case *c, int first, bool panic, struct strbuf *sb)
{
	const struct suite_fault *f;

	if (panic)
		strbuf_adds(sb, "a panic of a simulated kernel");
	else if (first != 0)
		strbuf_addf(sb, "invariant %d", first);
	for (unsigned i = 0; sb->sb_len == 0 && i < c->sc_nfaults; i++) {
		f = &c->sc_faults[i];
		strbuf_addf(sb, "the expectation %s%s%s",
		    f->sf_name != NULL ? f->sf_name : "at ",
		    f->sf_name != NULL ? " at " : "", f->sf_where);
	}
}

static void
judge_planted(struct suite_case *c, int first, bool panic)
{
	const char *by = c->sc_caught_by;
	struct strbuf sb = { 0 };

	if (caught(c, by, first, panic)) {
		c->sc_verdict = SV_PASSED;
		return;
	}
	c->sc_verdict = SV_FAILED;
	catchers(c, first, panic, &sb);
	if (sb.sb_len == 0)
		suite_set_why(c, "the planted defect %s was not caught%s%s",
		    c->sc_defects, by != NULL ? " by " : "",
		    by != NULL ? by : "");
	else
		suite_set_why(c,
		    "the planted defect %s was caught by %s, not by %s",
		    c->sc_defects, strbuf_str(&sb),
		    by != NULL ? by : "an expectation or an invariant");
	strbuf_fini(&sb);
}

void
suite_judge(struct suite_case *c, const char *report, size_t len,
    const struct suite_exit *se)
{
	json_t *o = report != NULL ? json_loadb(report, len, 0, NULL) : NULL;
	const char *panic = json_string_value(json_object_get(o, "panic"));

	free(c->sc_why);
	c->sc_why = NULL;
	c->sc_code = se->se_signal != 0 || se->se_timeout ? -1 : se->se_code;
	if (judge_end(c, o != NULL, se)) {
		json_decref(o);
		return;
	}
	judge_invariants(c, json_object_get(o, "invariants"));
	judge_claims(c, json_object_get(o, "expectations"));
	judge_prints(c, json_object_get(o, "fingerprints"));
	if (panic != NULL)
		suite_set_why(c, "a simulated kernel panicked: %s", panic);
	if (c->sc_defects != NULL)
		judge_planted(c, first_broken(json_object_get(o, "invariants")),
		    panic != NULL);
	json_decref(o);
}
