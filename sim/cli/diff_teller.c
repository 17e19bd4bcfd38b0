/*
 * The child runs the world and writes each event as a line of text; then an
 * empty line, and the fingerprints in their order, a line each. A world that
 * breaks or panics has an end, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>

#include "diff.h"
#include "run.h"

/* --- the child --- */

struct telling {
	FILE *tl_out;
	struct strbuf tl_line;
};

static void
tell_event(void *arg, const struct trace_rec *rec)
{
	struct telling *tl = arg;

	strbuf_clear(&tl->tl_line);
	trace_text(rec, &tl->tl_line);
	fwrite(strbuf_str(&tl->tl_line), 1, tl->tl_line.sb_len, tl->tl_out);
}

static void
tell_end(struct telling *tl, const struct result *r)
{
	fputc('\n', tl->tl_out);
	for (int i = 0; i < PRINTS; i++)
		fprintf(tl->tl_out, "%s\n", r->r_prints[i]);
}

static _Noreturn void
tell_run(const struct runref *rr, const struct scenario *sc, FILE *out)
{
	struct telling tl = { .tl_out = out };
	struct world_opts wo = { .wo_prints = true,
		.wo_tell = tell_event,
		.wo_tell_arg = &tl };
	struct strbuf err = { 0 };
	struct world *w;
	int error;

	runref_opts(rr, &wo);
	for (int i = 0; i < TP_COUNT; i++)
		trace_mask_add(wo.wo_tell_mask, (enum trace_id)i);
	if ((error = world_create(sc, &wo, &w, &err)) != 0)
		_exit(run_refused(error, &err));
	world_run(w);
	tell_end(&tl, world_result(w));
	_exit(fflush(out) == 0 ? EXIT_OK : EXIT_MISSING);
}

/* --- who listens --- */

static int
teller_fork(struct teller *t, const struct runref *rr,
    const struct scenario *sc, int fd[2])
{
	pid_t parent = getpid();

	fflush(NULL);
	t->t_pid = fork();
	if (t->t_pid < 0)
		return (errno);
	if (t->t_pid == 0) {
		FILE *out = fdopen(fd[1], "w");

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (out == NULL || getppid() != parent)
			_exit(EXIT_MISSING);
		close(fd[0]);
		tell_run(rr, sc, out);
	}
	return (0);
}

int
teller_start(struct teller *t, struct runref *rr)
{
	struct scenario *sc;
	int fd[2], rc, error = 0;

	if ((rc = runref_load(rr, &sc)) != 0)
		return (rc);
	if (pipe(fd) != 0)
		error = errno;
	else {
		error = teller_fork(t, rr, sc, fd);
		close(fd[1]);
		if ((t->t_in = fdopen(fd[0], "r")) == NULL)
			error = errno;
	}
	scenario_free(sc);
	if (error == 0)
		return (0);
	fprintf(stderr, "ktls-sim diff: no process for a run: %s\n",
	    strerror(error));
	return (EXIT_MISSING);
}

static bool
teller_line(struct teller *t)
{
	ssize_t n = getline(&t->t_buf, &t->t_size, t->t_in);

	if (n <= 0)
		return (false);
	if (t->t_buf[n - 1] == '\n')
		t->t_buf[n - 1] = '\0';
	return (true);
}

static void
teller_prints(struct teller *t)
{
	for (int i = 0; i < PRINTS; i++) {
		if (!teller_line(t) || strlen(t->t_buf) != HASH_HEX_SIZE - 1)
			return;
		memcpy(t->t_prints[i], t->t_buf, HASH_HEX_SIZE);
	}
	t->t_ended = true;
}

void
teller_next(struct teller *t)
{
	if (t->t_told && t->t_line == NULL)
		return;
	t->t_line = NULL;
	if (!teller_line(t))
		return;
	t->t_told = true;
	if (t->t_buf[0] == '\0')
		teller_prints(t);
	else
		t->t_line = t->t_buf;
}

void
teller_rest(struct teller *t)
{
	while (t->t_line != NULL)
		teller_next(t);
}

int
teller_end(struct teller *t)
{
	int status = 0, code = 0;

	if (t->t_in != NULL)
		fclose(t->t_in);
	free(t->t_buf);
	if (t->t_pid <= 0)
		return (0);
	while (waitpid(t->t_pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		code = WEXITSTATUS(status);
	else if (!t->t_ended) {
		fprintf(stderr, "ktls-sim diff: a run was ended by %s\n",
		    strsignal(WTERMSIG(status)));
		code = EXIT_INVARIANT;
	}
	return (t->t_ended ? 0 : code);
}
