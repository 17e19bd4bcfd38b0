/* From the operands of `ktls-sim test` to its cases. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/world.h>

#include "test.h"

#define CASES_MAX 1000000
#define DEPTH_MAX 32
#define LIVE_WHY \
	"a link ends at a device of this machine: `ktls-sim live` runs it"

#define PROGRAMS_WHY "it starts programs of its own: with --allow-programs"

/* --- files --- */

struct paths {
	char **p_v;
	size_t p_n;
};

static void
paths_add(struct paths *p, char *path)
{
	p->p_v = xrealloc(p->p_v, (p->p_n + 1) * sizeof(*p->p_v));
	p->p_v[p->p_n++] = path;
}

static const char *
plain_path(const char *path)
{
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	return (path);
}

/* A scenario, once: two cases of one name would write into one folder. */
static void
paths_scenario(struct paths *p, const char *path)
{
	for (size_t i = 0; i < p->p_n; i++)
		if (strcmp(plain_path(p->p_v[i]), plain_path(path)) == 0)
			return;
	paths_add(p, xstrdup(path));
}

static void
paths_fini(struct paths *p)
{
	for (size_t i = 0; i < p->p_n; i++)
		free(p->p_v[i]);
	free(p->p_v);
}

static int
path_order(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static bool
is_scenario(const char *name)
{
	size_t len = strlen(name), n = strlen(SUITE_SUFFIX);

	return (len > n && strcmp(name + len - n, SUITE_SUFFIX) == 0);
}

/* The scenarios below a folder. Links to folders are not followed: they may
 * go round. */
static int
paths_below(struct paths *p, const char *dir, int depth)
{
	struct paths here = { 0 };
	struct dirent *de;
	struct stat st;
	char *path;
	int rc = 0;
	DIR *d;

	if ((d = opendir(dir)) == NULL) {
		fprintf(stderr, "ktls-sim test: %s: %s\n", dir,
		    strerror(errno));
		return (EXIT_MISSING);
	}
	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			paths_add(&here,
			    strcmp(dir, ".") == 0
				? xstrdup(de->d_name)
				: xasprintf("%s/%s", dir, de->d_name));
	closedir(d);
	if (here.p_n > 1)
		qsort(here.p_v, here.p_n, sizeof(*here.p_v), path_order);
	for (size_t i = 0; i < here.p_n && rc == 0; i++) {
		path = here.p_v[i];
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			if (depth < DEPTH_MAX)
				rc = paths_below(p, path, depth + 1);
		} else if (is_scenario(path))
			paths_add(p, xstrdup(path));
	}
	paths_fini(&here);
	return (rc);
}

static int
paths_operand(struct paths *p, const char *operand)
{
	struct stat st;
	struct paths below = { 0 };
	size_t len = strlen(operand);
	char *dir;
	int rc;

	if (stat(operand, &st) != 0) {
		fprintf(stderr, "ktls-sim test: %s: %s\n", operand,
		    strerror(errno));
		return (EXIT_MISSING);
	}
	if (!S_ISDIR(st.st_mode)) {
		paths_scenario(p, operand);
		return (0);
	}
	while (len > 1 && operand[len - 1] == '/')
		len--;
	dir = xasprintf("%.*s", (int)len, operand);
	rc = paths_below(&below, dir, 0);
	free(dir);
	for (size_t i = 0; i < below.p_n; i++)
		paths_scenario(p, below.p_v[i]);
	paths_fini(&below);
	if (rc == 0 && below.p_n == 0) {
		fprintf(stderr,
		    "ktls-sim test: %s: there is no scenario (*" SUITE_SUFFIX
		    ") in this folder\n",
		    operand);
		return (EXIT_MISSING);
	}
	return (rc);
}

static int
paths_collect(struct paths *p, const struct test_args *ta)
{
	struct stat st;
	int rc = 0;

	if (ta->ta_nfiles == 0)
		return (paths_operand(p,
		    stat("scenarios", &st) == 0 && S_ISDIR(st.st_mode)
			? "scenarios"
			: "."));
	for (int i = 0; i < ta->ta_nfiles && rc == 0; i++)
		rc = paths_operand(p, ta->ta_files[i]);
	return (rc);
}

/* --- cases --- */

/* A case of this name, if it is among those that are wanted. */
static struct suite_case *
plan_add(struct test_plan *tp, const struct test_args *ta, const char *name,
    const char *const *tags)
{
	uint64_t position = tp->tp_positions++;
	struct suite_case *c;

	if (!suite_selected(strbuf_str(&ta->ta_filter), name, tags) ||
	    (ta->ta_shard_n != 0 &&
		suite_shard_of(name, ta->ta_shard_n) != ta->ta_shard_k))
		return (NULL);
	c = suite_add(&tp->tp_suite);
	if (tp->tp_suite.s_n > tp->tp_size) {
		tp->tp_size = 2 * tp->tp_suite.s_n + 64;
		tp->tp_how =
		    xrealloc(tp->tp_how, tp->tp_size * sizeof(*tp->tp_how));
	}
	tp->tp_how[tp->tp_suite.s_n - 1] = (struct test_how) { 0 };
	c->sc_name = xstrdup(name);
	c->sc_position = position;
	return (c);
}

/* A file that is one case without being run. */
static void
plan_file(struct test_plan *tp, const struct test_args *ta, const char *path,
    const char *const *tags, enum suite_verdict verdict, const char *why)
{
	struct strbuf name = { 0 };
	struct suite_case *c;

	suite_name(path, "", 0, false, &name);
	name.sb_str[name.sb_len - strlen("#0")] = '\0';
	c = plan_add(tp, ta, strbuf_str(&name), tags);
	strbuf_fini(&name);
	if (c == NULL)
		return;
	c->sc_file = xstrdup(path);
	c->sc_cell = xstrdup("");
	c->sc_verdict = verdict;
	suite_set_why(c, "%s", why);
	if (verdict == SV_ERROR)
		c->sc_code = EXIT_USAGE;
}

static char *
joined(const char *const *words)
{
	struct strbuf sb = { 0 };

	for (; *words != NULL; words++)
		strbuf_addf(&sb, "%s%s", sb.sb_len > 0 ? "," : "", *words);
	return (strbuf_take(&sb));
}

static void
plan_case(struct test_plan *tp, const struct test_args *ta, const char *path,
    const struct sc_cases *cs, const struct sc_case *ca, uint64_t seed)
{
	struct strbuf name = { 0 };
	struct suite_case *c;
	struct test_how *th;

	suite_name(path, ca->ca_cell, seed, ca->ca_defects != NULL, &name);
	c = plan_add(tp, ta, strbuf_str(&name), cs->cs_tags);
	strbuf_fini(&name);
	if (c == NULL)
		return;
	c->sc_file = xstrdup(path);
	c->sc_cell = xstrdup(ca->ca_cell);
	c->sc_seed = seed;
	c->sc_verdict = SV_SKIPPED;
	if (ca->ca_defects != NULL)
		c->sc_defects = joined(ca->ca_defects);
	if (ca->ca_caught_by != NULL)
		c->sc_caught_by = xstrdup(ca->ca_caught_by);
	th = &tp->tp_how[tp->tp_suite.s_n - 1];
	th->th_run = true;
	th->th_sets = ca->ca_sets;
	th->th_defects = ca->ca_defects;
	c->sc_again = test_again(ta, c, th);
}

/* With --seeds a case's repetitions are one. They follow each other, each with
 * its planted defect behind it. */
static bool
repeats(const struct sc_cases *cs, unsigned i)
{
	const struct sc_case *a = &cs->cs_v[i];

	for (unsigned j = i > 2 ? i - 2 : 0; j < i; j++)
		if (strcmp(cs->cs_v[j].ca_cell, a->ca_cell) == 0 &&
		    (cs->cs_v[j].ca_defects != NULL) == (a->ca_defects != NULL))
			return (true);
	return (false);
}

static void
plan_cases(struct test_plan *tp, const struct test_args *ta, const char *path,
    const struct sc_cases *cs)
{
	for (unsigned i = 0; i < cs->cs_n; i++) {
		if (!ta->ta_has_seeds) {
			plan_case(tp, ta, path, cs, &cs->cs_v[i],
			    cs->cs_v[i].ca_seed);
			continue;
		}
		if (repeats(cs, i))
			continue;
		for (uint64_t s = ta->ta_seed_a;
		     s <= ta->ta_seed_b && tp->tp_positions <= CASES_MAX; s++)
			plan_case(tp, ta, path, cs, &cs->cs_v[i], s);
	}
}

static int
plan_path(struct test_plan *tp, const struct test_args *ta, const char *path)
{
	static const char *const none[1];
	struct strbuf diag = { 0 };
	struct sc_cases *cs = NULL;
	int error;

	error = scenario_cases(path, ta->ta_sets, &cs, &diag);
	if (error == EINVAL)
		world_refuses(path, ta->ta_sets, &diag);
	if (error != 0 && error != EINVAL) {
		color_diag(strbuf_str(&diag));
		strbuf_fini(&diag);
		return (EXIT_MISSING);
	}
	if (error != 0)
		plan_file(tp, ta, path, none, SV_ERROR, strbuf_str(&diag));
	else if (cs->cs_live)
		plan_file(tp, ta, path, cs->cs_tags, SV_SKIPPED, LIVE_WHY);
	else if (cs->cs_programs && !ta->ta_programs)
		plan_file(tp, ta, path, cs->cs_tags, SV_SKIPPED, PROGRAMS_WHY);
	else
		plan_cases(tp, ta, path, cs);
	strbuf_fini(&diag);
	if (cs != NULL) {
		tp->tp_files = xrealloc(tp->tp_files,
		    (tp->tp_nfiles + 1) * sizeof(struct sc_cases *));
		tp->tp_files[tp->tp_nfiles++] = cs;
	}
	if (tp->tp_positions > CASES_MAX)
		return (usage_error(&cmd_test,
		    "these are more than %d cases: name fewer files or seeds",
		    CASES_MAX));
	return (0);
}

int
test_collect(struct test_plan *tp, const struct test_args *ta)
{
	struct paths p = { 0 };
	int rc;

	rc = paths_collect(&p, ta);
	for (size_t i = 0; i < p.p_n && rc == 0; i++)
		rc = plan_path(tp, ta, p.p_v[i]);
	paths_fini(&p);
	if (rc == 0 && ta->ta_shard_n != 0)
		suite_add_shard(&tp->tp_suite, ta->ta_shard_k, ta->ta_shard_n);
	if (rc == 0 && tp->tp_suite.s_n == 0 && ta->ta_shard_n == 0)
		return (usage_error(&cmd_test,
		    "no case matches --filter %s; --list shows names",
		    strbuf_str(&ta->ta_filter)));
	return (rc);
}

void
test_plan_fini(struct test_plan *tp)
{
	suite_fini(&tp->tp_suite);
	free(tp->tp_how);
	for (unsigned i = 0; i < tp->tp_nfiles; i++)
		scenario_cases_free(tp->tp_files[i]);
	free(tp->tp_files);
}

char *
test_folder(const struct test_args *ta, const struct suite_case *c)
{
	struct strbuf sb = { 0 };

	strbuf_addf(&sb, "%s/", ta->ta_out);
	suite_file_name(c->sc_name, &sb);
	return (strbuf_take(&sb));
}
