#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/live.h>

int
live_netns(const char *name, struct strbuf *err)
{
	char *path = strchr(name, '/') != NULL
	    ? xstrdup(name)
	    : xasprintf("/run/netns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
		error = errno;
		strbuf_addf(err, "network namespace %s: %s", path,
		    strerror(error));
		if (error == ENOENT)
			strbuf_addf(err, ": ip netns add %s", name);
		else if (error == EPERM)
			strbuf_adds(err, ": run as root");
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return (error);
}
