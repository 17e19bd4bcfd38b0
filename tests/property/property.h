/*
 * Random worlds: hosts, wires that misbehave, TLS in every place, steps. A
 * world is a list of parts, each of which can be left out, so that one that
 * fails can be made smaller. All of it follows from one number.
 */
#ifndef PROPERTY_H
#define PROPERTY_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

/* Where in a scenario a part's text stands. */
enum place {
	AT_SERVER,
	AT_SERVER_SYSCTL,
	AT_SERVER_NIC,
	AT_SERVER_FILE,
	AT_CLIENT,
	AT_CLIENT_SYSCTL,
	AT_CLIENT_NIC,
	AT_LINK,
	AT_BACK,
	AT_IMPAIR,
	AT_WEB,
	AT_WEB_TLS,
	AT_GET,
	AT_GET_TLS,
	AT_TIMELINE,
	PLACES
};

#define PARTS_MAX 96
struct rworld {
	uint64_t rw_seed;
	struct part {
		enum place p_at;
		char *p_text;
		bool p_out; /* left out */
	} rw_part[PARTS_MAX];
	unsigned rw_nparts;
	/* What is always there, and can only become less. */
	unsigned rw_conns, rw_requests;
	uint64_t rw_size; /* of the file, bytes */
	/* What decides how the rest may be. */
	bool rw_ipv6, rw_lagg, rw_tls, rw_card;
	const char *rw_proto;	 /* with rw_lagg: more of both laggs */
	const char *rw_model[3]; /* with rw_card: the server's, the client's */
	/* Damage that only TLS can notice: it ends connections. So does the
	 * reset of a card that owns them. */
	bool rw_damage, rw_toe, rw_toe_reset;
};

void rworld_make(struct rworld *, uint64_t seed);
void rworld_text(const struct rworld *, struct strbuf *);
void rworld_fini(struct rworld *);

#endif
