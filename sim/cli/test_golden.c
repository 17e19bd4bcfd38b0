/* Goldens of cases: compared, or with --bless written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "test.h"

static char *
golden_name(const struct suite_case *c)
{
	struct strbuf sb = { 0 };

	suite_file_name(c->sc_name, &sb);
	strbuf_adds(&sb, ".golden");
	return (strbuf_take(&sb));
}

/* NULL: no report. */
static char *
golden_now(const struct suite_case *c, const char *folder)
{
	char *path = xasprintf("%s/report.txt", folder), *report;
	struct strbuf sb = { 0 };
	size_t len;

	report = test_read(path, &len);
	if (report != NULL)
		suite_golden(c, report, &sb);
	free(report);
	free(path);
	return (report != NULL ? strbuf_take(&sb) : NULL);
}

static void
golden_missing(struct suite_case *c, const char *dir, const char *name)
{
	c->sc_verdict = SV_FAILED;
	suite_set_why(c, "it has no golden %s/%s; --bless writes it", dir,
	    name);
}

static void
golden_compare(const struct test_args *ta, struct suite_case *c,
    const char *was, const char *now, const char *name)
{
	struct strbuf sb = { 0 };

	if (was == NULL) {
		golden_missing(c, ta->ta_golden, name);
		return;
	}
	if (suite_golden_differs(was, now, &sb)) {
		c->sc_verdict = SV_FAILED;
		suite_set_why(c, "it differs from its golden %s/%s",
		    ta->ta_golden, name);
		c->sc_golden = strbuf_take(&sb);
	}
	strbuf_fini(&sb);
}

static void
golden_bless(const struct test_args *ta, struct suite_case *c, const char *was,
    const char *now, const char *name)
{
	struct strbuf sb = { 0 };

	if (was == NULL)
		strbuf_adds(&sb, "new\n");
	else if (!suite_golden_differs(was, now, &sb))
		return;
	if (outdir_write(ta->ta_golden, name, now, strlen(now)) != 0) {
		c->sc_verdict = SV_MISSING;
		suite_set_why(c, "its golden cannot be written");
	} else if (!ta->ta_quiet)
		fprintf(stderr, "blessed %s/%s: %s", ta->ta_golden, name,
		    strbuf_str(&sb));
	strbuf_fini(&sb);
}

/* Of a case that passed: what is wrong anyway is no golden. */
void
test_golden(const struct test_args *ta, struct suite_case *c,
    const char *folder)
{
	char *name, *path, *now, *was;
	size_t len;

	if (c->sc_verdict != SV_PASSED)
		return;
	name = golden_name(c);
	path = xasprintf("%s/%s", ta->ta_golden, name);
	now = golden_now(c, folder);
	was = test_read(path, &len);
	if (now != NULL && ta->ta_bless)
		golden_bless(ta, c, was, now, name);
	else if (now != NULL)
		golden_compare(ta, c, was, now, name);
	free(name);
	free(path);
	free(now);
	free(was);
}
