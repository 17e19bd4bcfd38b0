/* Runs as words on the command line: scenarios, and folders of runs. */
#include "ktest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>

#include "runref.h"

/* What the command line says is not looked at here. */
int
usage_error(const struct command *c, const char *fmt, ...)
{
	return (EXIT_USAGE);
}

void
print_help(const struct command *c)
{
}

void
color_diag(const char *text)
{
}

static const struct command cmd = { .c_name = "probe" };
static char base[64];

static int
setup(void **state)
{
	strcpy(base, "/tmp/ktsim-runref-XXXXXX");
	return (mkdtemp(base) == NULL);
}

static int
teardown(void **state)
{
	char *sh = xasprintf("rm -rf '%s'", base);
	int rc = system(sh);

	free(sh);
	return (rc);
}

static void
put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", base, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static void
test_a_file_is_what_it_says(void **state)
{
	struct runref rr;
	char *path = xasprintf("%s/a.ktls.yaml", base);

	put("a.ktls.yaml", "x");
	assert_int_equal(runref_open(&cmd, path, &rr), 0);
	assert_string_equal(rr.rr_file, path);
	assert_false(rr.rr_has_seed);
	assert_int_equal(rr.rr_nsets, 0);
	runref_fini(&rr);
	free(path);
	assert_int_equal(runref_open(&cmd, "/nix/da", &rr), EXIT_MISSING);
	runref_fini(&rr);
}

static void
test_a_folder_tells_scenario_seed_and_defects(void **state)
{
	struct strbuf sb = { 0 };
	struct runref rr;

	put("report.json",
	    "{\"seed\": 77, \"defects\": \"kern.sbready-early, net.eagain-leak\"}");
	put("scenario.yaml", "# run with --set 'links[0].loss=1%'\nname: a\n");
	assert_int_equal(runref_open(&cmd, base, &rr), 0);
	assert_true(rr.rr_has_seed && rr.rr_seed == 77);
	/* They are in the text already. */
	assert_int_equal(rr.rr_nsets, 0);
	runref_set(&rr, "links[0].loss=1%");
	runref_set(&rr, "x-a=it's");
	assert_int_equal(rr.rr_nsets, 2);
	assert_string_equal(rr.rr_sets[1], "x-a=it's");
	assert_null(rr.rr_sets[2]);
	assert_int_equal(runref_seed(&cmd, &rr, "8"), 0);
	assert_int_equal(runref_seed(&cmd, &rr, "eight"), EXIT_USAGE);
	assert_int_equal(runref_defect(&cmd, &rr, "no.such"), EXIT_USAGE);
	assert_int_equal(runref_defect(&cmd, &rr, "nic.skip-encrypt"), 0);
	rr.rr_seed = 8;
	runref_text(&rr, &sb);
	assert_non_null(strstr(strbuf_str(&sb),
	    ", links[0].loss=1%, x-a=it's, seed 8, defect "));
	assert_non_null(strstr(strbuf_str(&sb), "nic.skip-encrypt"));
	assert_non_null(strstr(strbuf_str(&sb), "net.eagain-leak"));
	strbuf_fini(&sb);
	runref_fini(&rr);
}

static void
expect_no_run(const char *report)
{
	struct runref rr;

	put("report.json", report);
	assert_int_equal(runref_open(&cmd, base, &rr), EXIT_MISSING);
	runref_fini(&rr);
}

static void
test_other_folders_are_refused(void **state)
{
	struct runref rr;
	char *path = xasprintf("%s/report.json", base);

	expect_no_run("");
	expect_no_run("{\"seed\": \"x\", \"defects\": \"\"}");
	expect_no_run("{\"seed\": 1}");
	expect_no_run("{\"seed\": 1, \"defects\": \"\", \"live\": true}");
	unlink(path);
	free(path);
	assert_int_equal(runref_open(&cmd, base, &rr), EXIT_MISSING);
	runref_fini(&rr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_what_it_says),
		cmocka_unit_test(test_a_folder_tells_scenario_seed_and_defects),
		cmocka_unit_test(test_other_folders_are_refused),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
