/*
 * What ended connections, and whether the world's steps make it lawful: of each
 * refusal of a tag and each failed connect the instant is compared with what was
 * drawn for it. Nothing else excuses a connection that did not end well.
 */
#ifndef LAWFUL_H
#define LAWFUL_H

#include <ktsim/base/trace.h>

#include "property.h"
#include "world_priv.h"

/* Follows one run. */
struct lawful {
	const struct rworld *l_rw;
	uint64_t l_aborts;    /* connections that lost their card lawfully */
	uint64_t l_failed[2]; /* those that failed for it: clients, servers */
	uint64_t l_pauses;
	struct refusal *l_refusals;
	unsigned l_nrefusals;
	const struct wstep *l_steps;
	/* TCP that gave up: what chance has taken so far, whose timeouts were
	 * in vain, how many gave up with all of them explained, and how many
	 * clients and servers ended so. */
	uint64_t l_lost;
	struct vain *l_vain;
	unsigned l_nvain;
	uint64_t l_gave_up, l_in_vain[2];
	/* LACP, of server and client: since when nothing is sent; 0: it is. */
	simtime_t l_paused[2];
	bool l_no_port[2];
};

void lawful_init(struct lawful *, const struct rworld *, struct world_opts *);
void lawful_fini(struct lawful *);
/* When it is over, before the connections: NULL, or the first refusal that is
 * not lawful. */
char *lawful_refusals(struct lawful *, const struct world *);
/* Of a connection that failed; counts it. */
bool lawful_conn(struct lawful *, const struct conn *);
/*
 * A connection that ended because TCP retransmitted in vain, TCP_MAXRXTSHIFT
 * times: lawful when between each timeout and the next a wire lost a frame by
 * chance (not by a link that is down). Or its other end, which is reset; a
 * writer hears EPIPE.
 */
bool lawful_gave_up(struct lawful *, const struct conn *);
/* More failed than lost their card. */
bool lawful_too_many(const struct lawful *);

#endif
