/*
 * The process of a program: pipes to its standard input and output, a process
 * group of its own that is killed with it. Here is wall time, and only to end
 * who does not answer.
 */
#define _GNU_SOURCE /* pipe2, close_range */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/own.h>

struct own_proc {
	pid_t op_pid;	   /* 0: waited for */
	int op_in, op_out; /* -1: closed */
	unsigned op_patience_ms;
	bool op_eof;
	struct own_reader op_reader;
};

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/* --- the child: nothing but system calls --- */

/* What a program may depend on is the same everywhere: Python's hashes, too. */
static const char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin",
	"LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONHASHSEED=0",
	"PYTHONDONTWRITEBYTECODE=1", NULL };

static _Noreturn void
child(const struct own_start *os, int in, int out, int tell, pid_t parent)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;
	int error = 0;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	for (int sig = 1; sig < 32; sig++)
		(void)sigaction(sig, &sa, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Above the three: none of the copies is closed by another. */
	if (getppid() != parent || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 || dup2(tell, 3) < 0 ||
	    fcntl(3, F_SETFD, FD_CLOEXEC) != 0 || chdir(os->os_folder) != 0)
		error = errno;
	else {
		(void)close_range(4, ~0u, 0);
		execve(os->os_file, (char *const *)(uintptr_t)os->os_words,
		    (char *const *)(uintptr_t)environment);
		error = errno;
		tell = 3;
	}
	(void)!write(tell, &error, sizeof(error));
	_exit(127);
}

/* --- starting --- */

/* A pipe whose ends are above 9, and go with exec. */
static int
pipe_high(int fd[2])
{
	int low[2], error = 0;

	if (pipe2(low, O_CLOEXEC) != 0)
		return (errno);
	for (int i = 0; i < 2; i++) {
		fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
		if (fd[i] < 0)
			error = errno;
		close(low[i]);
	}
	for (int i = 0; i < 2 && error != 0; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return (error);
}

static void
close_pipe(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

/* The three pipes: to it, from it, and what exec said. */
static int
pipes(int fd[3][2])
{
	int error;

	for (int i = 0; i < 3; i++)
		if ((error = pipe_high(fd[i])) != 0) {
			while (i-- > 0)
				close_pipe(fd[i]);
			return (error);
		}
	return (0);
}

/* The errno of exec; 0: it runs. */
static int
exec_error(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return (n == (ssize_t)sizeof(error) ? error : 0);
}

int
own_proc_start(const struct own_start *os, struct own_proc **out)
{
	struct own_proc *op;
	pid_t pid, parent = getpid();
	int fd[3][2], error;

	if ((error = pipes(fd)) != 0)
		return (error);
	if ((pid = fork()) == 0)
		child(os, fd[0][0], fd[1][1], fd[2][1], parent);
	error = pid < 0 ? errno : 0;
	close(fd[0][0]);
	close(fd[1][1]);
	close(fd[2][1]);
	if (error == 0) {
		setpgid(pid, pid); /* whoever is first */
		error = exec_error(fd[2][0]);
	}
	close(fd[2][0]);
	op = xcalloc(1, sizeof(*op));
	*op = (struct own_proc) { .op_pid = MAX(pid, 0),
		.op_in = fd[0][1],
		.op_out = fd[1][0],
		.op_patience_ms = os->os_patience_ms != 0 ? os->os_patience_ms
							  : OWN_PATIENCE_MS };
	(void)fcntl(op->op_in, F_SETFL, O_NONBLOCK);
	(void)fcntl(op->op_out, F_SETFL, O_NONBLOCK);
	if (error != 0) {
		own_proc_destroy(op);
		op = NULL;
	}
	*out = op;
	return (error);
}

/* --- ending --- */

static void
close_in(struct own_proc *op)
{
	if (op->op_in >= 0)
		close(op->op_in);
	op->op_in = -1;
}

/* It has ended by itself, and is not yet waited for. */
static bool
has_ended(const struct own_proc *op)
{
	siginfo_t si = { 0 };

	return (waitid(P_PID, (id_t)op->op_pid, &si,
		    WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    si.si_pid == op->op_pid);
}

/* Kill what is left of the group, while its number is still its own. */
static int
reap(struct own_proc *op)
{
	int status = 0;
	pid_t pid;

	if (op->op_pid == 0)
		return (0);
	kill(-op->op_pid, SIGKILL);
	kill(op->op_pid, SIGKILL);
	do
		pid = waitpid(op->op_pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	op->op_pid = 0;
	return (pid > 0 ? status : 0);
}

static int
slow(const struct own_proc *op, struct strbuf *why, const char *what)
{
	strbuf_addf(why, "it did not %s within %u s of wall time", what,
	    (op->op_patience_ms + 999) / 1000);
	return (EPROTO);
}

/* Its output is over: how did it end? */
static int
ended(struct own_proc *op, uint64_t deadline, struct strbuf *why)
{
	int status;

	while (!has_ended(op)) {
		if (clock_ms() >= deadline)
			return (slow(op, why, "end"));
		(void)poll(NULL, 0, 1);
	}
	status = reap(op);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return (0);
	if (WIFEXITED(status))
		strbuf_addf(why, "it ended with status %d",
		    WEXITSTATUS(status));
	else
		strbuf_addf(why, "it was ended by %s",
		    strsignal(WTERMSIG(status)));
	return (EPROTO);
}

void
own_proc_destroy(struct own_proc *op)
{
	if (op == NULL)
		return;
	close_in(op);
	close(op->op_out);
	(void)reap(op);
	own_reader_fini(&op->op_reader);
	free(op);
}

/* --- talking --- */

/* SIGPIPE is somebody else's business: for the time of a write it is off. */
static ssize_t
write_quietly(int fd, const void *p, size_t len)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	ssize_t n;
	int error;

	sigaction(SIGPIPE, &ignore, &old);
	n = write(fd, p, len);
	error = errno;
	sigaction(SIGPIPE, &old, NULL);
	errno = error;
	return (n);
}

/* What there is to be told goes out; who does not listen will have ended. */
static void
push(struct own_proc *op, const uint8_t **event, size_t *len)
{
	ssize_t n = write_quietly(op->op_in, *event, *len);

	if (n >= 0) {
		*event += n;
		*len -= (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		close_in(op);
		*len = 0;
	}
}

static void
pull(struct own_proc *op)
{
	uint8_t buf[65536];
	ssize_t n = read(op->op_out, buf, sizeof(buf));

	if (n > 0)
		own_reader_put(&op->op_reader, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		op->op_eof = true;
}

/* Until something can go on. False: the time is over. */
static bool
talk(struct own_proc *op, const uint8_t **event, size_t *len, uint64_t deadline)
{
	struct pollfd pf[2] = { { .fd = op->op_out, .events = POLLIN },
		{ .fd = *len > 0 ? op->op_in : -1, .events = POLLOUT } };
	uint64_t now = clock_ms();

	if (now >= deadline)
		return (false);
	if (poll(pf, 2, (int)(deadline - now)) <= 0)
		return (errno == EINTR || clock_ms() < deadline);
	if (pf[1].revents != 0)
		push(op, event, len);
	if (pf[0].revents != 0)
		pull(op);
	return (true);
}

/* What it has said so far. EAGAIN: it has not said all. */
static int
obey(struct own_proc *op, own_cmd_fn *fn, void *arg, struct strbuf *why)
{
	struct own_cmd oc;
	const char *wrong;
	int error;

	while ((error = own_reader_next(&op->op_reader, &oc, why)) == 0) {
		if (oc.oc_verb == OWN_WAIT)
			return (0);
		if ((wrong = fn(arg, &oc)) != NULL) {
			strbuf_adds(why, wrong);
			return (EPROTO);
		}
	}
	return (error == EBADMSG ? EPROTO : error);
}

static int
no_more(struct own_proc *op, uint64_t deadline, struct strbuf *why)
{
	bool mid = own_reader_mid(&op->op_reader);
	int error = ended(op, deadline, why);

	if (error == 0 && mid) {
		strbuf_adds(why, "it ended in the middle of a command");
		error = EPROTO;
	}
	return (error != 0 ? error : ENOENT);
}

int
own_proc_ask(struct own_proc *op, const void *event, size_t len, own_cmd_fn *fn,
    void *arg, struct strbuf *why)
{
	uint64_t deadline = clock_ms() + op->op_patience_ms, said = 0;
	const uint8_t *p = event;
	size_t before;
	int error;

	/* All of the event first: what is left over of an answer is not the
	 * answer to this. */
	for (;;) {
		if (len == 0 && (error = obey(op, fn, arg, why)) != EAGAIN)
			return (error);
		if (op->op_eof)
			return (no_more(op, deadline, why));
		if (said > OWN_ANSWER_MAX) {
			strbuf_adds(why, "it said more than 64 MiB at a time");
			return (EPROTO);
		}
		before = op->op_reader.or_in.sb_len - op->op_reader.or_off;
		if (!talk(op, &p, &len, deadline))
			return (slow(op, why, "answer"));
		said +=
		    op->op_reader.or_in.sb_len - op->op_reader.or_off - before;
	}
}

int
own_proc_end(struct own_proc *op, struct strbuf *why)
{
	uint64_t deadline = clock_ms() + op->op_patience_ms;
	const uint8_t *p = NULL;
	size_t none = 0;

	close_in(op);
	while (!op->op_eof) {
		if (!talk(op, &p, &none, deadline))
			return (slow(op, why, "end"));
		own_reader_fini(&op->op_reader);
	}
	return (ended(op, deadline, why));
}
