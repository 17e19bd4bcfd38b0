/* What the commands share that ask something of a run: why, trace-byte, show. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <ktsim/sim/explain.h>
#include "runref.h"

struct ask {
	const struct command *as_cmd;
	struct runref as_run;
	struct scenario *as_sc;
	char **as_words; /* behind RUN */
	int as_nwords;
	bool as_json, as_programs;
	struct recording as_rec;
	bool as_wreck; /* it broke */
};

/* Of their help. */
#define ASK_RUN                                                                     \
	"RUN is a scenario file, or the output folder of a run. It is run again,\n" \
	"which gives the same run.\n"
extern const struct cli_option ask_options[];

/*
 * The whole of such a command: options, RUN, the scenario; then fn, with words
 * behind RUN, from min to max of them. usage: told when they are not so many.
 */
int ask_main(const struct command *, int argc, char **argv, int min, int max,
    const char *usage, int (*fn)(struct ask *));
/* Run it with these points and frames; 0, or an exit code after saying why. */
int ask_record(struct ask *, const char *points, bool frames,
    const struct world_show *, unsigned nshows);
/* The connection of this name; NULL: told, with the names there are. */
const struct conn_result *ask_conn(const struct ask *, const char *name);
/* Print it, as text or JSON. */
void ask_tell(const struct ask *, const struct tale *);

#endif
