/* The output folder: made when missing, replaced when ours, else refused. */
#include "support/ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>

#include "cli.h"

static char base[64];

static int
setup(void **state)
{
	strcpy(base, "/tmp/ktsim-outdir-XXXXXX");
	return (mkdtemp(base) == NULL);
}

static int
teardown(void **state)
{
	char *cmd = xasprintf("rm -rf '%s'", base);
	int rc = system(cmd);

	free(cmd);
	return (rc);
}

static void
expect_file(const char *dir, const char *name, const char *bytes, size_t len)
{
	char *path = xasprintf("%s/%s", dir, name), buf[256];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(buf, 1, sizeof(buf), f), len);
	assert_memory_equal(buf, bytes, len);
	fclose(f);
	free(path);
}

static bool
exists(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return (there);
}

static void
test_missing_parents_are_made(void **state)
{
	char *dir = xasprintf("%s/a/b/c", base);

	assert_int_equal(outdir_prepare(dir), 0);
	assert_true(exists(dir, ".ktls-sim-run"));
	free(dir);
}

static void
test_an_empty_folder_is_taken(void **state)
{
	assert_int_equal(outdir_prepare(base), 0);
	assert_true(exists(base, ".ktls-sim-run"));
}

static void
test_a_foreign_folder_is_refused_and_left_alone(void **state)
{
	assert_int_equal(outdir_write(base, "report.txt", "mine", 4), 0);
	assert_int_equal(outdir_prepare(base), EXIT_MISSING);
	expect_file(base, "report.txt", "mine", 4);
	assert_false(exists(base, ".ktls-sim-run"));
}

static void
test_our_own_folder_is_replaced_and_other_files_stay(void **state)
{
	assert_int_equal(outdir_prepare(base), 0);
	assert_int_equal(outdir_write(base, "report.txt", "old", 3), 0);
	assert_int_equal(outdir_write(base, "trace.ndjson", "old", 3), 0);
	assert_int_equal(outdir_write(base, "notes", "kept", 4), 0);
	assert_int_equal(outdir_prepare(base), 0);
	assert_false(exists(base, "report.txt"));
	assert_false(exists(base, "trace.ndjson"));
	expect_file(base, "notes", "kept", 4);
}

static void
test_files_are_written_whole_and_replaced(void **state)
{
	assert_int_equal(outdir_write(base, "f", "longer text", 11), 0);
	assert_int_equal(outdir_write(base, "f", "a\0b\n", 4), 0);
	expect_file(base, "f", "a\0b\n", 4);
	assert_int_equal(outdir_write(base, "f", "", 0), 0);
	expect_file(base, "f", "", 0);
}

static void
test_a_path_that_cannot_be_written_is_an_error(void **state)
{
	char *file = xasprintf("%s/file", base);
	char *below = xasprintf("%s/file/x/y", base);

	assert_int_equal(outdir_write(base, "no/such", "x", 1), EXIT_MISSING);
	assert_int_equal(outdir_write(base, "file", "x", 1), 0);
	assert_int_equal(outdir_prepare(file), EXIT_MISSING);
	assert_int_equal(outdir_prepare(below), EXIT_MISSING);
	expect_file(base, "file", "x", 1);
	free(file);
	free(below);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void
test_what_was_ours_goes_and_what_was_not_stays(void **state)
{
	char *dir = xasprintf("%s/removed", base);
	char *foreign = xasprintf("%s/foreign", base);

	assert_int_equal(outdir_prepare(dir), 0);
	assert_int_equal(outdir_write(dir, "report.json", "{}", 2), 0);
	assert_int_equal(outdir_write(dir, "wire-a-b.pcapng", "x", 1), 0);
	outdir_remove(dir);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(outdir_prepare(dir), 0);
	assert_int_equal(outdir_write(dir, "report.json", "{}", 2), 0);
	assert_int_equal(outdir_write(dir, "mine", "x", 1), 0);
	outdir_remove(dir);
	assert_true(exists(dir, "mine"));
	assert_false(exists(dir, "report.json"));
	/* Without our mark nothing is touched. */
	assert_int_equal(outdir_make(foreign), 0);
	assert_int_equal(outdir_write(foreign, "report.json", "{}", 2), 0);
	outdir_remove(foreign);
	assert_true(exists(foreign, "report.json"));
	free(dir);
	free(foreign);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_missing_parents_are_made),
		T(test_an_empty_folder_is_taken),
		T(test_a_foreign_folder_is_refused_and_left_alone),
		T(test_our_own_folder_is_replaced_and_other_files_stay),
		T(test_files_are_written_whole_and_replaced),
		T(test_a_path_that_cannot_be_written_is_an_error),
		cmocka_unit_test(
		    test_what_was_ours_goes_and_what_was_not_stays),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
