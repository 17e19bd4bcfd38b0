/* JUnit's XML as CI systems read it: a testsuite for each file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#include "suite_priv.h"

/* The length of a character that XML may hold; 0: it may not. */
static size_t
xml_len(const char *s)
{
	size_t n = utf8_len(s);

	if (n == 1)
		return ((unsigned char)*s >= 0x20 || *s == '\t' || *s == '\n');
	if (n == 3 &&
	    (memcmp(s, "\xef\xbf\xbe", 3) == 0 ||
		memcmp(s, "\xef\xbf\xbf", 3) == 0))
		return (0);
	return (n);
}

static void
xml(const char *s, struct strbuf *sb)
{
	size_t n;

	for (; *s != '\0'; s += n > 0 ? n : 1) {
		n = xml_len(s);
		if (n == 0)
			strbuf_adds(sb, UTF8_REPLACEMENT);
		else if (*s == '&')
			strbuf_adds(sb, "&amp;");
		else if (*s == '<')
			strbuf_adds(sb, "&lt;");
		else if (*s == '>')
			strbuf_adds(sb, "&gt;");
		else if (*s == '"')
			strbuf_adds(sb, "&quot;");
		else
			strbuf_add(sb, s, n);
	}
}

/* In an attribute a line break would become a space. */
static void
attribute(const char *key, const char *text, struct strbuf *sb)
{
	struct strbuf v = { 0 };
	const char *p;

	xml(text, &v);
	strbuf_addf(sb, " %s=\"", key);
	for (p = strbuf_str(&v); *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			strbuf_addf(sb, "&#%d;", *p);
		else
			strbuf_add(sb, p, 1);
	strbuf_adds(sb, "\"");
	strbuf_fini(&v);
}

static void
seconds(uint64_t ms, struct strbuf *sb)
{
	strbuf_addf(sb, " time=\"%" PRIu64 ".%03" PRIu64 "\"", ms / 1000,
	    ms % 1000);
}

static void
fault_text(const struct suite_fault *f, struct strbuf *sb)
{
	if (f->sf_number != 0)
		strbuf_addf(sb, "invariant %d: %s\n", f->sf_number, f->sf_what);
	else
		strbuf_addf(sb, "%s: %s\n", f->sf_where, f->sf_what);
	if (f->sf_found != NULL)
		strbuf_addf(sb, "  found: %s\n", f->sf_found);
	if (f->sf_first != NULL)
		strbuf_addf(sb, "  first: %s\n", f->sf_first);
	if (f->sf_frames != NULL)
		strbuf_addf(sb, "  frames: %s\n", f->sf_frames);
}

/* Wrong: a failure; not judged at all: an error. */
static void
junit_bad(const struct suite_case *c, struct strbuf *sb)
{
	bool failure = c->sc_verdict == SV_FAILED || c->sc_verdict == SV_BROKE;
	struct strbuf body = { 0 };
	char *first;

	if (c->sc_why != NULL)
		strbuf_addf(&body, "%s\n", c->sc_why);
	for (unsigned i = 0; i < c->sc_nfaults; i++)
		fault_text(&c->sc_faults[i], &body);
	if (c->sc_golden != NULL)
		strbuf_addf(&body, "%s\n", c->sc_golden);
	strbuf_addf(sb, "   <%s", failure ? "failure" : "error");
	attribute("type", suite_verdict_names[c->sc_verdict], sb);
	first = xasprintf("%.*s", (int)strcspn(strbuf_str(&body), "\n"),
	    strbuf_str(&body));
	attribute("message", first, sb);
	free(first);
	strbuf_adds(sb, ">");
	if (c->sc_again != NULL)
		strbuf_addf(&body, "to reproduce: %s\n", c->sc_again);
	xml(strbuf_str(&body), sb);
	strbuf_addf(sb, "</%s>\n", failure ? "failure" : "error");
	strbuf_fini(&body);
}

static void
junit_case(const struct suite_case *c, struct strbuf *sb)
{
	strbuf_adds(sb, "  <testcase");
	attribute("classname", c->sc_file, sb);
	attribute("name", c->sc_name, sb);
	seconds(c->sc_wall_ms, sb);
	if (c->sc_verdict == SV_PASSED) {
		strbuf_adds(sb, "/>\n");
		return;
	}
	strbuf_adds(sb, ">\n");
	if (c->sc_verdict == SV_SKIPPED) {
		strbuf_adds(sb, "   <skipped");
		attribute("message", c->sc_why != NULL ? c->sc_why : "", sb);
		strbuf_adds(sb, "/>\n");
	} else
		junit_bad(c, sb);
	strbuf_adds(sb, "  </testcase>\n");
}

struct tally {
	uint64_t tests, failures, errors, skipped, ms;
};

static void
tally_add(struct tally *t, const struct suite_case *c)
{
	bool failure = c->sc_verdict == SV_FAILED || c->sc_verdict == SV_BROKE;

	t->tests++;
	t->failures += failure;
	t->skipped += c->sc_verdict == SV_SKIPPED;
	t->errors += suite_bad(c) && !failure;
	t->ms += c->sc_wall_ms;
}

static void
tally_show(const struct tally *t, struct strbuf *sb)
{
	strbuf_addf(sb,
	    " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64
	    "\" skipped=\"%" PRIu64 "\"",
	    t->tests, t->failures, t->errors, t->skipped);
	seconds(t->ms, sb);
	strbuf_adds(sb, ">\n");
}

void
suite_junit(const struct suite *s, struct strbuf *sb)
{
	struct tally all = { 0 }, one;
	size_t i, end;

	for (i = 0; i < s->s_n; i++)
		tally_add(&all, &s->s_v[i]);
	strbuf_adds(sb,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites name=\"ktls-sim\"");
	tally_show(&all, sb);
	for (i = 0; i < s->s_n; i = end) {
		one = (struct tally) { 0 };
		for (end = i; end < s->s_n &&
		     strcmp(s->s_v[i].sc_file, s->s_v[end].sc_file) == 0;
		     end++)
			tally_add(&one, &s->s_v[end]);
		strbuf_adds(sb, " <testsuite");
		attribute("name", s->s_v[i].sc_file, sb);
		tally_show(&one, sb);
		for (size_t j = i; j < end; j++)
			junit_case(&s->s_v[j], sb);
		strbuf_adds(sb, " </testsuite>\n");
	}
	strbuf_adds(sb, "</testsuites>\n");
}
