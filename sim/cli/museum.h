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

/* An exhibit's cases with, or without, its defects. */
struct suite_case;
struct half {
	bool h_planted;
	unsigned h_cases, h_bad;
	const struct suite_case *h_case; /* the first, or the first bad one */
};

/* museum_json.c, to standard output */
void exhibit_json(const struct exhibit *);
int museum_json(const struct museum *);
struct json_t;
struct json_t *told_json_new(void);
void told_json(struct json_t *all, const struct exhibit *, const struct half *,
    const struct half *planted);
void told_json_print(struct json_t *all);

/* museum_run.c */
/* What the catcher had to say, appended. */
void half_caught(const struct suite_case *, struct strbuf *);
/* Why it is not as it should be. */
const char *half_bad(const struct suite_case *);
/* Those of ids (none: all), as they are and planted. */
int museum_run(const struct museum *, char **ids, int nids);

#endif
