/*
 * The output folder. A folder that carries our marker is ours: its files are
 * replaced. Any other existing folder with something in it is refused.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "cli.h"

#define MARKER ".ktls-sim-run"


/* Names that a run before may have made: of instants, of cards. */
static const char *const our_patterns[] = { "state-*.txt", "ifconfig-*.txt",
	"dma-*.pcapng", "wire-*.pcapng" };

static const char *const our_files[] = { "report.txt", "report.json",
	"report.html", "scenario.yaml", "wire.pcapng", "wire.pcap",
	"sslkeys.log", "trace.ndjson", "trace.perfetto.json", "trace.txt",
	"tcpinfo.ndjson", "timeline.svg", "cert.pem", "control.sock" };

static int
complain(const char *path)
{
	fprintf(stderr, "ktls-sim: %s: %s\n", path, strerror(errno));
	return (EXIT_MISSING);
}

static int
make_parents(const char *dir)
{
	char *path = xstrdup(dir);
	int rc = 0;

	for (char *p = path + 1; *p != '\0' && rc == 0; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			rc = complain(path);
		*p = '/';
	}
	free(path);
	return (rc);
}

static bool
dir_empty(const char *dir)
{
	struct dirent *de;
	bool empty = true;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return (true);
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			empty = false;
	closedir(d);
	return (empty);
}

static int
remove_file(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	int rc = 0;

	if (unlink(path) != 0 && errno != ENOENT)
		rc = complain(path);
	free(path);
	return (rc);
}

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < nitems(our_patterns); i++)
		if (fnmatch(our_patterns[i], name, 0) == 0)
			return (true);
	return (false);
}

static int
remove_by_pattern(const char *dir)
{
	struct dirent *de;
	int rc = 0;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return (complain(dir));
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (is_ours(de->d_name))
			rc = remove_file(dir, de->d_name);
	closedir(d);
	return (rc);
}

static int
remove_ours(const char *dir)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < nitems(our_files); i++)
		rc = remove_file(dir, our_files[i]);
	if (rc == 0)
		rc = remove_by_pattern(dir);
	return (rc);
}

int
outdir_make(const char *dir)
{
	int rc;

	if ((rc = make_parents(dir)) == 0 && mkdir(dir, 0777) != 0 &&
	    errno != EEXIST)
		rc = complain(dir);
	return (rc);
}

void
outdir_remove(const char *dir)
{
	char *marker = xasprintf("%s/" MARKER, dir);

	if (access(marker, F_OK) == 0 && remove_ours(dir) == 0 &&
	    remove_file(dir, MARKER) == 0)
		(void)rmdir(dir); /* somebody's own files keep it */
	free(marker);
}

int
outdir_prepare(const char *dir)
{
	char *marker = xasprintf("%s/" MARKER, dir);
	int rc = outdir_make(dir);

	if (rc == 0 && access(marker, F_OK) != 0 && !dir_empty(dir)) {
		fprintf(stderr,
		    "ktls-sim: %s: exists, has files in it and was "
		    "not made by ktls-sim; choose another folder with --out\n",
		    dir);
		rc = EXIT_MISSING;
	}
	if (rc == 0)
		rc = remove_ours(dir);
	if (rc == 0)
		rc = outdir_write(dir, MARKER, "", 0);
	free(marker);
	return (rc);
}

int
outdir_write(const char *dir, const char *name, const char *bytes, size_t len)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f;
	int rc = 0;

	f = fopen(path, "w");
	if (f == NULL)
		rc = complain(path);
	else {
		if (fwrite(bytes, 1, len, f) != len || fflush(f) != 0)
			rc = complain(path);
		if (fclose(f) != 0 && rc == 0)
			rc = complain(path);
	}
	free(path);
	return (rc);
}
