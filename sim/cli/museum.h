/* `ktls-sim museum`: what its files share. */
#ifndef CLI_MUSEUM_H
#define CLI_MUSEUM_H

#include <ktsim/sim/scenario.h>

#include "cli.h"

/* A scenario of the folder that is an exhibit. */
struct exhibit {
	char *e_path;
	struct scenario *e_sc;
	char *e_story; /* the comment that the file begins with */
};

struct museum {
	char *m_dir;
	bool m_json;
	struct exhibit *m_v; /* in the order of the files' names */
	unsigned m_n;
};

/* museum.c. The exhibits of the folder; 0, or an exit code after saying why. */
int museum_open(struct museum *);
/* "M05", "m05", "5"; NULL: there is none. */
const struct exhibit *museum_find(const struct museum *, const char *id);
void museum_fini(struct museum *);
/* The lines of the file that are its expectations. */
char *exhibit_expect(const struct exhibit *);

/* museum_run.c: those of ids (none: all), as they are and planted. */
int museum_run(const struct museum *, char **ids, int nids);

#endif
