/* Reading the files of a scenario. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>

#include "node.h"
#include "source.h"

/* To its end, and closes it. */
static int
read_all(FILE *f, struct strbuf *sb)
{
	char buf[65536];
	size_t n;
	int error = 0;

	while ((n = fread(buf, 1, sizeof(buf), f)) > 0) {
		strbuf_add(sb, buf, n);
		if (sb->sb_len > YAML_MAX_FILE) {
			error = EFBIG;
			break;
		}
	}
	if (error == 0 && ferror(f))
		error = errno != 0 ? errno : EIO;
	if (f != stdin)
		fclose(f);
	return (error);
}

int
source_read(const char *path, struct strbuf *sb)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");

	return (f != NULL ? read_all(f, sb) : errno);
}

int
source_read_file(const char *path, struct strbuf *sb)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), error = 0;
	struct stat st;
	FILE *f = NULL;

	if (fd < 0)
		return (errno);
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
	else if ((f = fdopen(fd, "r")) == NULL)
		error = errno;
	if (error == 0)
		return (read_all(f, sb));
	close(fd);
	return (error);
}

const char *
source_error(int error)
{
	return (error == EFBIG	  ? "larger than 1 MiB: not a scenario"
		: error == ESPIPE ? "a pipe or a device, not a file"
				  : strerror(error));
}

char *
source_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return (NULL);
	if (slash == NULL)
		return (xstrdup(""));
	/* "/x" lies in "/", which "/." is, too. */
	return (slash == path ? xstrdup("/.")
			      : xasprintf("%.*s", (int)(slash - path), path));
}

int
scenario_with_seed(const struct scenario *sc, uint64_t seed,
    struct strbuf *yaml, struct strbuf *diag)
{
	char *folder = source_folder(sc->path), *set;
	struct strbuf text = { 0 };
	struct scenario *other;
	const char **sets;
	unsigned n = 0;
	int error;

	while (sc->sets != NULL && sc->sets[n] != NULL)
		n++;
	sets = xcalloc(n + 2, sizeof(*sets));
	for (unsigned i = 0; i < n; i++)
		sets[i] = sc->sets[i];
	sets[n] = set = xasprintf("seed=%ju", (uintmax_t)seed);
	strbuf_add(&text, sc->text, sc->textlen);
	error = source_parse(sc->path, folder, &text, sets, &other, diag);
	if (error == 0) {
		strbuf_adds(yaml, other->processed);
		scenario_free(other);
	}
	free(set);
	free(sets);
	free(folder);
	return (error);
}
