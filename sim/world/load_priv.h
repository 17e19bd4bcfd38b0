/* What the files of the crowd (https-load) share. */
#ifndef LOAD_PRIV_H
#define LOAD_PRIV_H

#include <stdlib.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/laws.h>
#include <ktsim/sim/http.h>
#include <ktsim/sim/result.h>

#include "http_priv.h"

#define LOAD_PIPELINE 64 /* as the key's bound */

/* A request that was made, and what has to come of it. */
struct ask {
	const struct sc_file *as_file;
	uint64_t as_off, as_len;
	int as_status;	 /* 200, 206, 431 */
	simtime_t as_at; /* all of it was written */
};

/* A connection. */
struct load {
	struct prng ld_rng;
	bool ld_kinds[LOAD_KINDS];
	uint64_t ld_asked, ld_answered;	   /* ld_asked: begun to be written */
	struct ask ld_asks[LOAD_PIPELINE]; /* by number, in a ring */
	struct strbuf ld_out;		   /* what is being written */
	size_t ld_outoff;
	struct sim_event ld_think;
	simtime_t ld_next;  /* not before */
	simtime_t ld_first; /* byte of this answer */
	bool ld_up;	    /* the handshake is through */
	bool ld_in_body, ld_notified, ld_last;
};

/* All of an application's. */
struct crowd {
	struct law_zipf cr_zipf;
	const struct sc_file *cr_files; /* of the server's host */
	struct load_result cr_r;	/* counted while it runs */
};

/* load_ask.c: the next request, into ld_out */
void load_ask(struct conn *);
/* Data where a ClientHello has to be, into ld_out. */
void load_early(struct conn *);
/* Is the answer one to this? */
bool load_answers(const struct ask *, const struct http_response *);
/* load_collect.c */
void load_collect(struct app *);
void load_free_app(struct app *);

#endif
