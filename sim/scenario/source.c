/* Reading the files of a scenario. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "node.h"
#include "source.h"

int
source_read(const char *path, struct strbuf *sb)
{
	char buf[65536];
	size_t n;
	FILE *f;
	int error = 0;

	f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	if (f == NULL)
		return (errno);
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

const char *
source_error(int error)
{
	return (error == EFBIG ? "larger than 1 MiB: not a scenario"
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
