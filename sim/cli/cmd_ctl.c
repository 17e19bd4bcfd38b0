/* Orders to a live session, through its control socket. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ktsim/base/strbuf.h>

#include "cli.h"

/* A connected socket; -1 with errno. */
static int
ctl_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return (-1);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return (fd);
	error = errno;
	close(fd);
	errno = error;
	return (-1);
}

bool
ctl_alive(const char *path)
{
	int fd = ctl_connect(path);

	if (fd >= 0)
		close(fd);
	return (fd >= 0);
}

static int
ctl_lost(const char *path, int error)
{
	fprintf(stderr, "ktls-sim: %s: %s\n", path,
	    error == 0 ? "the session ended before it answered"
		       : strerror(error));
	if (error == ENOENT || error == ECONNREFUSED)
		fprintf(stderr,
		    "no live session listens there: `ktls-sim live` tells its "
		    "control socket\n");
	return (EXIT_MISSING);
}

static bool
ctl_send(int fd, const struct strbuf *sb)
{
	const char *p = strbuf_str(sb);
	size_t left = sb->sb_len;
	ssize_t n;

	while (left > 0) {
		if ((n = write(fd, p, left)) < 0)
			return (false);
		p += n;
		left -= (size_t)n;
	}
	return (true);
}

/* Lines with a blank in front are the answer's text; the last one has none. */
static int
ctl_hear(int fd, const char *path)
{
	FILE *f = fdopen(fd, "r");
	char line[65536];
	bool whole = true, some = false;
	size_t len;

	if (f == NULL)
		return (ctl_lost(path, errno));
	while (fgets(line, sizeof(line), f) != NULL) {
		len = strlen(line);
		if (!whole || line[0] == ' ') {
			fputs(whole ? line + 1 : line, stdout);
			some = true;
			whole = line[len - 1] == '\n';
			continue;
		}
		fclose(f);
		if (strcmp(line, "ok\n") != 0) {
			fprintf(stderr, "ktls-sim ctl: %s", line);
			return (EXIT_USAGE);
		}
		if (!some)
			puts("ok");
		return (EXIT_OK);
	}
	fclose(f);
	return (ctl_lost(path, 0));
}

static int
ctl_main(int argc, char **argv)
{
	struct strbuf line = { 0 };
	int fd, rc;

	/* What begins with a minus behind the socket belongs to the order. */
	if (argc > 1 && argv[1][0] == '-' &&
	    (rc = cli_only_help(&cmd_ctl, 2, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc < 3)
		return (usage_error(&cmd_ctl,
		    "name a control socket and an order, such as `status`"));
	for (int i = 2; i < argc; i++) {
		if (strpbrk(argv[i], "\r\n") != NULL)
			return (usage_error(&cmd_ctl, "an order is one line"));
		strbuf_addf(&line, "%s%s", i > 2 ? " " : "", argv[i]);
	}
	strbuf_adds(&line, "\n");
	if ((fd = ctl_connect(argv[1])) < 0)
		rc = ctl_lost(argv[1], errno);
	else if (!ctl_send(fd, &line)) {
		rc = ctl_lost(argv[1], errno);
		close(fd);
	} else
		rc = ctl_hear(fd, argv[1]);
	strbuf_fini(&line);
	return (rc);
}

static const struct exit_code ctl_codes[] = {
	{ EXIT_OK, "done" },
	{ EXIT_USAGE,
	    "the order was refused; the reason is told, the session goes on" },
	{ EXIT_MISSING, "no live session answers there" },
	{ 0, NULL },
};

const struct command cmd_ctl = {
	.c_name = "ctl",
	.c_run = ctl_main,
	.c_text = "give an order to a live session",
	.c_usage = "SOCKET ORDER ...",
	.c_examples =
	    "ktls-sim ctl ktls-out/live/control.sock status\n"
	    "ktls-sim ctl ktls-out/live/control.sock link down mce0\n"
	    "ktls-sim ctl ktls-out/live/control.sock sysctl server kern.ipc.tls.ifnet.permitted 0\n"
	    "ktls-sim ctl ktls-out/live/control.sock switch_tls web sw\n"
	    "ktls-sim ctl ktls-out/live/control.sock do loss on=server.mce0 loss=1%\n",
	.c_intro =
	    "The order `help` shows all of them. `status --json` is for programs.\n",
	.c_codes = ctl_codes,
	.c_operands = { WORDS_FILE, WORDS_ORDER },
};
