/*
 * A case's process: this program once more, in a process group of its own, so
 * that what it might start goes with it; bounded in memory, and killed by who
 * waits for it when its time is up. Here is wall time, which no run knows.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>

#include "test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static sigset_t old_mask;

uint64_t
test_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

bool
test_can_limit_memory(void)
{
	return (!SANITIZED);
}

static void
our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void
test_signals_block(void)
{
	sigset_t set;

	our_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &old_mask);
}

void
test_signals_restore(void)
{
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
}

int
test_wait(uint64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000 * 1000000) };
	sigset_t set;
	int sig;

	our_signals(&set);
	sig = sigtimedwait(&set, NULL, &ts);
	return (sig <= 0 || sig == SIGCHLD ? 0 : sig);
}

/* --- the child --- */

struct argv_words {
	char **w_v;
	size_t w_n;
};

static void
words_add(struct argv_words *w, char *word)
{
	w->w_v = xrealloc(w->w_v, (w->w_n + 2) * sizeof(*w->w_v));
	w->w_v[w->w_n++] = word;
	w->w_v[w->w_n] = NULL;
}

static void
words_option(struct argv_words *w, const char *name, const char *const *values)
{
	for (; values != NULL && *values != NULL; values++)
		words_add(w, xasprintf("--%s=%s", name, *values));
}

/* Side by side the cores are busy with cases already. */
static void
proc_words(struct argv_words *w, const struct test_proc *pr,
    const struct test_args *ta, const struct suite_case *c,
    const struct test_how *th)
{
	words_add(w, xstrdup("ktls-sim"));
	words_add(w, xstrdup("run"));
	words_add(w, xstrdup("--quiet"));
	words_add(w, xstrdup("--color=never"));
	if (ta->ta_jobs > 1)
		words_add(w, xstrdup("--threads=0"));
	if (ta->ta_programs)
		words_add(w, xstrdup("--allow-programs"));
	words_add(w, xasprintf("--out=%s", pr->pr_folder));
	words_add(w, xasprintf("--seed=%ju", (uintmax_t)c->sc_seed));
	words_option(w, "set", ta->ta_sets);
	words_option(w, "set", th->th_sets);
	words_option(w, "defect", th->th_defects);
	words_add(w, xstrdup("--"));
	words_add(w, xstrdup(c->sc_file));
}

static void
proc_child(const struct test_proc *pr, const struct test_args *ta,
    char *const *argv, pid_t parent)
{
	struct rlimit rl = { ta->ta_memory, ta->ta_memory };

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_INTERRUPTED); /* it was faster */
	test_signals_restore();
	if (test_can_limit_memory())
		setrlimit(RLIMIT_AS, &rl);
	if (freopen("/dev/null", "r", stdin) == NULL ||
	    freopen("/dev/null", "w", stdout) == NULL ||
	    dup2(fileno(pr->pr_stderr), STDERR_FILENO) < 0)
		_exit(EXIT_MISSING);
	execv("/proc/self/exe", argv);
	fprintf(stderr, "/proc/self/exe: %s\n", strerror(errno));
	_exit(EXIT_MISSING);
}

int
test_proc_start(struct test_proc *pr, const struct test_args *ta,
    const struct suite_case *c, const struct test_how *th)
{
	struct argv_words w = { 0 };
	pid_t parent = getpid();
	int error = 0;

	if ((pr->pr_stderr = tmpfile()) == NULL)
		return (errno);
	pr->pr_folder = test_folder(ta, c);
	pr->pr_timeout = false;
	proc_words(&w, pr, ta, c, th);
	fflush(NULL);
	pr->pr_start_ms = test_clock_ms();
	pr->pr_deadline_ms = pr->pr_start_ms + ta->ta_timeout_ms;
	pr->pr_pid = fork();
	if (pr->pr_pid == 0)
		proc_child(pr, ta, w.w_v, parent);
	if (pr->pr_pid < 0)
		error = errno;
	else
		setpgid(pr->pr_pid, pr->pr_pid); /* whoever is first */
	for (size_t i = 0; i < w.w_n; i++)
		free(w.w_v[i]);
	free(w.w_v);
	return (error);
}

bool
test_proc_done(struct test_proc *pr, struct suite_exit *se)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(pr->pr_pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return (false);
	*se =
	    (struct suite_exit) { .se_code = -1, .se_timeout = pr->pr_timeout };
	if (pid > 0 && WIFEXITED(status)) {
		se->se_code = WEXITSTATUS(status);
		se->se_timeout = false; /* it was done just before */
	} else if (pid > 0 && WIFSIGNALED(status))
		se->se_signal = WTERMSIG(status);
	kill(-pr->pr_pid, SIGKILL); /* whatever it left behind */
	return (true);
}

void
test_proc_kill(struct test_proc *pr)
{
	pr->pr_timeout = true;
	kill(-pr->pr_pid, SIGKILL);
}

void
test_proc_fini(struct test_proc *pr)
{
	if (pr->pr_stderr != NULL)
		fclose(pr->pr_stderr);
	free(pr->pr_folder);
	*pr = (struct test_proc) { 0 };
}
