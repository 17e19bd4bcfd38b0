/* `ktls-sim diff`: a run in a process of its own that tells its events. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include <sys/types.h>

#include <ktsim/sim/result.h>

#include "runref.h"

struct teller {
	pid_t t_pid;
	FILE *t_in;
	char *t_line; /* the event that it is at; NULL: no more */
	bool t_told;  /* it had something to tell */
	bool t_ended; /* it came to its end: the fingerprints are there */
	char t_prints[PRINTS][HASH_HEX_SIZE];
	size_t t_size;
	char *t_buf;
};

/* 0, or an exit code after saying why. teller_end in any case. */
int teller_start(struct teller *, struct runref *);
void teller_next(struct teller *); /* event */
void teller_rest(struct teller *); /* until it ends */
/* 0, or the exit code of who could not be run. */
int teller_end(struct teller *);

#endif
