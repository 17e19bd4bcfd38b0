/* As many cases at once as there are jobs, until all are judged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "test.h"

#define LOOK_MS 200 /* how often a person wants to see something */

struct runner {
	struct test_plan *r_plan;
	const struct test_args *r_args;
	struct test_proc *r_procs;
	unsigned r_running;
	size_t r_next; /* case */
	bool r_interrupted;
	struct test_progress r_progress;
};

static char *
read_stderr(FILE *f)
{
	struct strbuf sb = { 0 };
	char buf[4096];
	size_t n;

	rewind(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&sb, buf, n);
	return (strbuf_take(&sb));
}

/* A crash may leave no report, but the one of a run before is gone: run
 * removes it first. */
static void
runner_judge(struct runner *r, struct test_proc *pr, struct suite_exit *se)
{
	struct suite_case *c = &r->r_plan->tp_suite.s_v[pr->pr_index];
	char *path = xasprintf("%s/report.json", pr->pr_folder);
	char *said = read_stderr(pr->pr_stderr), *report;
	size_t len = 0;

	report = test_read(path, &len);
	se->se_stderr = said;
	se->se_limit = r->r_args->ta_timeout_text;
	se->se_memory = r->r_args->ta_memory_text;
	c->sc_wall_ms = test_clock_ms() - pr->pr_start_ms;
	suite_judge(c, report, len, se);
	if (r->r_args->ta_golden != NULL)
		test_golden(r->r_args, c, pr->pr_folder);
	if (!suite_bad(c) && !r->r_args->ta_keep)
		outdir_remove(pr->pr_folder);
	else
		r->r_plan->tp_how[pr->pr_index].th_kept =
		    access(pr->pr_folder, F_OK) == 0;
	r->r_progress.tg_done++;
	r->r_progress.tg_failed += suite_bad(c);
	free(path);
	free(said);
	free(report);
}

static void
runner_start(struct runner *r)
{
	struct test_plan *tp = r->r_plan;
	struct suite_case *c;
	struct test_proc *pr;
	int error;

	while (
	    r->r_running < r->r_args->ta_jobs && r->r_next < tp->tp_suite.s_n) {
		if (!tp->tp_how[r->r_next].th_run) {
			r->r_next++;
			continue;
		}
		c = &tp->tp_suite.s_v[r->r_next];
		pr = &r->r_procs[r->r_running];
		pr->pr_index = r->r_next++;
		error = test_proc_start(pr, r->r_args, c,
		    &tp->tp_how[pr->pr_index]);
		if (error == 0) {
			r->r_running++;
			continue;
		}
		c->sc_verdict = SV_MISSING;
		suite_set_why(c, "its process cannot be started: %s",
		    strerror(error));
		test_proc_fini(pr);
	}
}

/* Who is done is judged, who is late is killed. */
static void
runner_look(struct runner *r)
{
	uint64_t now = test_clock_ms();
	struct suite_exit se;
	struct test_proc *pr;

	for (unsigned i = 0; i < r->r_running;) {
		pr = &r->r_procs[i];
		if (test_proc_done(pr, &se)) {
			if (!r->r_interrupted)
				runner_judge(r, pr, &se);
			test_proc_fini(pr);
			*pr = r->r_procs[--r->r_running];
			r->r_procs[r->r_running] = (struct test_proc) { 0 };
			continue;
		}
		if (now >= pr->pr_deadline_ms && !pr->pr_timeout)
			test_proc_kill(pr);
		i++;
	}
}

static uint64_t
runner_patience(const struct runner *r)
{
	uint64_t now = test_clock_ms(), ms = LOOK_MS;

	for (unsigned i = 0; i < r->r_running; i++)
		if (!r->r_procs[i].pr_timeout)
			ms = MIN(ms,
			    r->r_procs[i].pr_deadline_ms > now
				? r->r_procs[i].pr_deadline_ms - now
				: 0);
	return (ms);
}

static void
runner_interrupt(struct runner *r)
{
	r->r_interrupted = true;
	for (unsigned i = 0; i < r->r_running; i++)
		test_proc_kill(&r->r_procs[i]);
	r->r_next = r->r_plan->tp_suite.s_n;
}

static size_t
cases_to_run(const struct test_plan *tp)
{
	size_t n = 0;

	for (size_t i = 0; i < tp->tp_suite.s_n; i++)
		n += tp->tp_how[i].th_run;
	return (n);
}

bool
test_run(struct test_plan *tp, const struct test_args *ta)
{
	struct runner r = { .r_plan = tp, .r_args = ta };

	/* What is not come to. */
	for (size_t i = 0; i < tp->tp_suite.s_n; i++)
		if (tp->tp_how[i].th_run)
			suite_set_why(&tp->tp_suite.s_v[i], "%s",
			    TEST_INTERRUPTED);
	r.r_procs = xcalloc(ta->ta_jobs, sizeof(*r.r_procs));
	test_progress_start(&r.r_progress, ta, cases_to_run(tp));
	test_signals_block();
	runner_start(&r);
	while (r.r_running > 0) {
		test_progress_show(&r.r_progress,
		    tp->tp_suite.s_v[r.r_procs[0].pr_index].sc_name);
		if (test_wait(runner_patience(&r)) != 0)
			runner_interrupt(&r);
		runner_look(&r);
		runner_start(&r);
	}
	test_signals_restore();
	test_progress_end(&r.r_progress);
	free(r.r_procs);
	return (!r.r_interrupted);
}
