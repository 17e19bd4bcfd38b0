/* Reading the files of a scenario. */
#ifndef SCENARIO_SOURCE_H
#define SCENARIO_SOURCE_H

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/scenario.h>

/* The whole file ("-": standard input). An errno; EFBIG: larger than a
 * scenario may be. */
int source_read(const char *path, struct strbuf *);
/* The same of what has to be a file: no pipe is waited for; ESPIPE then. */
int source_read_file(const char *path, struct strbuf *);
/* What such an errno means. */
const char *source_error(int error);
/* The folder of a file, "" for that one is in; freed by the caller. NULL: of
 * standard input. */
char *source_folder(const char *path);

/*
 * A text that is there, and is taken over, as scenario_parse; folder: where its
 * includes are, NULL: it may not have any.
 */
int source_parse(const char *path, const char *folder, struct strbuf *file,
    const char *const *sets, struct scenario **, struct strbuf *diag);

#endif
