/* Reading the files of a scenario. */
#include <errno.h>
#include <stdio.h>
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
