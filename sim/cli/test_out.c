/* The folder of `ktls-sim test`, its result file, and the one before. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>

#include "test.h"

#define RESULTS "results.json"

char *
test_read(const char *path, size_t *len)
{
	struct strbuf sb = { 0 };
	char buf[65536];
	size_t n;
	FILE *f;
	int error;

	if ((f = fopen(path, "r")) == NULL)
		return (NULL);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&sb, buf, n);
	error = ferror(f) != 0 ? (errno != 0 ? errno : EIO) : 0;
	fclose(f);
	if (error != 0) {
		strbuf_fini(&sb);
		errno = error;
		return (NULL);
	}
	*len = sb.sb_len;
	strbuf_adds(&sb, "");
	return (sb.sb_str != NULL ? strbuf_take(&sb) : xstrdup(""));
}

static int
write_failed(const char *path)
{
	fprintf(stderr, "ktls-sim: %s: %s\n", path, strerror(errno));
	return (EXIT_MISSING);
}

int
test_write(const char *path, const struct strbuf *sb)
{
	bool out = strcmp(path, "-") == 0;
	FILE *f = out ? stdout : fopen(path, "w");
	int rc = 0;

	if (f == NULL)
		return (write_failed(path));
	if (fwrite(strbuf_str(sb), 1, sb->sb_len, f) != sb->sb_len ||
	    (out ? !stdout_flush() : fflush(f) != 0))
		rc = out ? EXIT_MISSING : write_failed(path);
	if (!out && fclose(f) != 0 && rc == 0)
		rc = write_failed(path);
	return (rc);
}

/* --- what was before --- */

static int
rerun_read(const struct test_args *ta, struct suite *before)
{
	char *path = xasprintf("%s/" RESULTS, ta->ta_out), *text;
	struct strbuf err = { 0 };
	size_t len = 0;
	int rc = 0;

	text = test_read(path, &len);
	if (text == NULL) {
		fprintf(stderr,
		    "ktls-sim test: --rerun-failed: %s: %s; without it all "
		    "cases are run\n",
		    path, strerror(errno));
		rc = EXIT_MISSING;
	} else if (suite_parse(text, len, before, &err) != 0) {
		fprintf(stderr, "ktls-sim test: --rerun-failed: %s: %s\n", path,
		    strbuf_str(&err));
		rc = EXIT_MISSING;
	}
	strbuf_fini(&err);
	free(text);
	free(path);
	return (rc);
}

static bool
wanted_again(const struct suite *before, const struct suite_case *c)
{
	const struct suite_case *was = suite_find(before, c->sc_name);

	return (was != NULL && was->sc_verdict != SV_PASSED);
}

/* What did not pass, or was not come to; a live scenario is neither. */
static bool
is_open(const struct suite_case *was)
{
	return (suite_bad(was) ||
	    (was->sc_verdict == SV_SKIPPED && was->sc_why != NULL &&
		strcmp(was->sc_why, TEST_INTERRUPTED) == 0));
}

/* Nothing of what is to be run again is there: that is no success. */
static int
rerun_gone(const struct test_args *ta, const struct suite *before)
{
	struct strbuf names = { 0 };
	int rc = 0;

	for (size_t i = 0; i < before->s_n; i++)
		if (is_open(&before->s_v[i]))
			strbuf_addf(&names, "\n  %s", before->s_v[i].sc_name);
	if (names.sb_len > 0)
		rc = usage_error(&cmd_test,
		    "--rerun-failed: what did not pass in %s/" RESULTS
		    " is not among the cases that are chosen here:%s",
		    ta->ta_out, strbuf_str(&names));
	strbuf_fini(&names);
	return (rc);
}

int
test_rerun(struct test_plan *tp, const struct test_args *ta,
    struct suite *before)
{
	struct suite *s = &tp->tp_suite;
	size_t n = 0;
	int rc;

	if ((rc = rerun_read(ta, before)) != 0)
		return (rc);
	for (size_t i = 0; i < s->s_n; i++) {
		if (!wanted_again(before, &s->s_v[i])) {
			suite_case_fini(&s->s_v[i]);
			continue;
		}
		s->s_v[n] = s->s_v[i];
		tp->tp_how[n++] = tp->tp_how[i];
	}
	s->s_n = n;
	return (n == 0 ? rerun_gone(ta, before) : 0);
}

/* --- the folder --- */

static bool
is_of_plan(const struct test_args *ta, const struct test_plan *tp,
    const char *dir)
{
	bool is = false;
	char *folder;

	for (size_t i = 0; i < tp->tp_suite.s_n && !is; i++) {
		folder = test_folder(ta, &tp->tp_suite.s_v[i]);
		is = strcmp(folder, dir) == 0;
		free(folder);
	}
	return (is);
}

/* Folders of cases that failed before go, but for those that --rerun-failed
 * does not touch. */
int
test_out_prepare(const struct test_args *ta, const struct test_plan *tp)
{
	struct dirent *de;
	char *dir;
	int rc;
	DIR *d;

	if ((rc = outdir_prepare(ta->ta_out)) != 0)
		return (rc);
	if ((d = opendir(ta->ta_out)) == NULL)
		return (write_failed(ta->ta_out));
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		dir = xasprintf("%s/%s", ta->ta_out, de->d_name);
		if (!ta->ta_rerun || is_of_plan(ta, tp, dir))
			outdir_remove(dir);
		free(dir);
	}
	closedir(d);
	return (0);
}

/* The cases of `s` stand for those of the same name in `before`. */
static void
replace(struct suite *before, struct suite *s)
{
	struct strbuf said = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < before->s_n; i++) {
		if (suite_find(s, before->s_v[i].sc_name) != NULL)
			suite_case_fini(&before->s_v[i]);
		else
			before->s_v[n++] = before->s_v[i];
	}
	before->s_n = n;
	suite_merge(before, s, &said);
	strbuf_fini(&said);
}

int
test_write_results(const struct test_args *ta, struct suite *before,
    struct suite *s)
{
	struct strbuf sb = { 0 };
	int rc;

	if (ta->ta_rerun) {
		replace(before, s);
		s = before;
	}
	suite_json(s, &sb);
	rc = outdir_write(ta->ta_out, RESULTS, strbuf_str(&sb), sb.sb_len);
	strbuf_fini(&sb);
	return (rc);
}
