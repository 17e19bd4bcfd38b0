/* `ktls-sim test`: what its files share. */
#ifndef CLI_TEST_H
#define CLI_TEST_H

#include <sys/types.h>

#include <ktsim/sim/cases.h>
#include <ktsim/sim/suite.h>

#include "cli.h"

struct test_args {
	unsigned ta_jobs;
	struct strbuf ta_filter;	 /* all of --filter, a comma list */
	uint64_t ta_shard_k, ta_shard_n; /* n 0: all */
	bool ta_has_seeds;
	uint64_t ta_seed_a, ta_seed_b;
	const char **ta_sets; /* NULL-terminated */
	unsigned ta_nsets;
	const char *ta_out, *ta_junit, *ta_json, *ta_golden;
	bool ta_tap, ta_rerun, ta_bless, ta_list, ta_quiet, ta_keep,
	    ta_programs;
	const char *ta_timeout_text, *ta_memory_text;
	uint64_t ta_timeout_ms;
	uint64_t ta_memory; /* bytes */
	char **ta_files;
	int ta_nfiles;
};

/* How a case of the suite is run. */
struct test_how {
	bool th_run;		 /* else its verdict is known already */
	const char **th_sets;	 /* of its cell, the scenario's cases' */
	const char **th_defects; /* NULL: none */
	bool th_kept;		 /* its folder is there to be looked at */
};

/* What is to be done: the suite's cases and how, side by side. */
struct test_plan {
	struct suite tp_suite;
	struct test_how *tp_how;
	size_t tp_size;
	uint64_t tp_positions; /* cases seen, chosen or not */
	struct sc_cases **tp_files;
	unsigned tp_nfiles;
};

/* test_collect.c. 0, or an exit code after saying why. */
int test_collect(struct test_plan *, const struct test_args *);
void test_plan_fini(struct test_plan *);
/* The folder of a case. */
char *test_folder(const struct test_args *, const struct suite_case *);

/* test_run.c: every case that is to be run. False: interrupted. */
bool test_run(struct test_plan *, const struct test_args *);

/* test_proc.c: processes */
struct test_proc {
	pid_t pr_pid;
	size_t pr_index; /* of the case */
	uint64_t pr_start_ms, pr_deadline_ms;
	FILE *pr_stderr;
	char *pr_folder;
	bool pr_timeout;
};
uint64_t test_clock_ms(void);
/* Whether RLIMIT_AS can be set: a sanitizer needs the address space. */
bool test_can_limit_memory(void);
void test_signals_block(void);
void test_signals_restore(void);
/* A child ended, or time is up: 0; or the signal that is to end us. */
int test_wait(uint64_t ms);
/* 0, or the errno of what could not be had. */
int test_proc_start(struct test_proc *, const struct test_args *,
    const struct suite_case *, const struct test_how *);
bool test_proc_done(struct test_proc *, struct suite_exit *);
void test_proc_kill(struct test_proc *);
void test_proc_fini(struct test_proc *);

/* test_golden.c: compare with the golden, or write it. */
void test_golden(const struct test_args *, struct suite_case *,
    const char *folder);

/* Why a case was not run. */
#define TEST_INTERRUPTED "interrupted"

/* test_out.c: files */
/* A whole file; NULL: it cannot be read, errno. free(). */
char *test_read(const char *path, size_t *len);
/* "-": standard output. 0, or EXIT_MISSING after saying why. */
int test_write(const char *path, const struct strbuf *);
/* What a result before says of this suite: cases that passed are not run. */
int test_rerun(struct test_plan *, const struct test_args *,
    struct suite *before);
int test_out_prepare(const struct test_args *, const struct test_plan *);
/* before: of --rerun-failed, what was not run stays as it was. Takes the
 * cases. */
int test_write_results(const struct test_args *, struct suite *before,
    struct suite *);

/* cmd_test.c: what `test` takes if nothing is said; no sets, no files. */
void test_defaults(struct test_args *, const char *out);
/* TAP to standard output; files, "-", NULL. */
int test_documents(const struct suite *, bool tap, const char *junit,
    const char *json);

/* test_tell.c */
struct test_progress {
	bool tg_show, tg_tty;
	size_t tg_total, tg_done, tg_failed;
	uint64_t tg_start_ms, tg_next_ms, tg_step_ms;
	bool tg_shown;
};
void test_progress_start(struct test_progress *, const struct test_args *,
    size_t total);
void test_progress_show(struct test_progress *, const char *running);
void test_progress_end(struct test_progress *);
/* "41 passed, 1 failed, 2 skipped" */
void test_tell_counts(FILE *, const struct suite_counts *);
void test_summary(FILE *, const struct test_plan *, const struct test_args *);
/* "ktls-sim run --seed 7 a.ktls.yaml", for a shell. */
char *test_again(const struct test_args *, const struct suite_case *,
    const struct test_how *);

#endif
