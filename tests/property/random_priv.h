/* What the files that draw a random world share. */
#ifndef RANDOM_PRIV_H
#define RANDOM_PRIV_H

#include <ktsim/base/prng.h>

#include "property.h"

/* The world being made, and its chance. */
struct maker {
	struct rworld *m;
	struct prng rnd;
	unsigned mtu[3]; /* the server's, the client's, the smaller one */
	uint64_t from;	 /* steps are later than this, microseconds */
	bool ecn;	 /* asked for, and somebody marks */
};

/* From lo to hi, both included. */
uint64_t range(struct maker *, uint64_t lo, uint64_t hi);
bool maybe(struct maker *, unsigned percent);
/* Every order of magnitude as likely as the others. */
uint64_t spread(struct maker *, uint64_t lo, uint64_t hi);
const char *one_of(struct maker *, const char *const *words, unsigned n);
#define ONE_OF(m, ...)                                   \
	one_of(m, (const char *const[]) { __VA_ARGS__ }, \
	    sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *))
struct part *part(struct maker *, enum place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * random_net.c. Before everything else: is the lagg an LACP one? After it: what
 * belongs to that, a switch, a vlan, pacing, small tables.
 */
void make_lacp(struct rworld *);
void make_net(struct rworld *);
/* Timers of TCP that would give up before the world is whole again go. */
void rworld_patient(struct rworld *);
/* random_ifc.c: commands of a host. Before: are there any? Then a lagg and a
 * card are likelier. After: which, when all else is there. */
void make_commanded(struct rworld *);
void make_commands(struct rworld *, const struct maker *hosts);

#endif
