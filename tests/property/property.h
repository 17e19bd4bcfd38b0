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
	AT_SERVER_LAGG,
	AT_SERVER_VLAN,
	AT_SERVER_FILE,
	AT_CLIENT,
	AT_CLIENT_SYSCTL,
	AT_CLIENT_NIC,
	AT_CLIENT_LAGG,
	AT_CLIENT_VLAN,
	AT_SWITCH_LAGG,
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

/*
 * What a part may lawfully lead to, from p_from to p_to. Without a tag, a route
 * or a port a connection of a card ends when it has to take a new tag; without
 * a route or an address none can be begun.
 */
enum law {
	LAW_NO_TAG = 1 << 0, /* the interface, or its lagg, has none to give */
	LAW_NO_ROUTE = 1 << 1, /* to the other end */
	LAW_NO_ADDR = 1 << 2,
	LAW_PORT0 = 1 << 3, /* the lagg is without this port; without both */
	LAW_PORT1 = 1 << 4, /* of them it has none */
};

#define PARTS_MAX 160
struct rworld {
	uint64_t rw_seed;
	struct part {
		enum place p_at;
		char *p_text;
		bool p_out; /* left out */
		/* LAW_*, of the server or of the client, microseconds. With
		 * a condition it is from when that came true until the last
		 * step of the part. */
		unsigned p_lawful;
		bool p_client, p_when, p_forever;
		uint64_t p_from, p_to;
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
	/* LACP; commands on hosts; a switch, a single card of the client's at it; domains of cards;
	 * both ends in a vlan; so small a table of the card that it may refuse. */
	bool rw_lacp, rw_commands, rw_switch, rw_single, rw_numa, rw_vlan,
	    rw_full;
	unsigned rw_start; /* seconds, of the clients and of steps */
};

void rworld_make(struct rworld *, uint64_t seed);
void rworld_text(const struct rworld *, struct strbuf *);
void rworld_fini(struct rworld *);
/* Is the end's interface, or what its vlan stands on, a lagg? */
bool rworld_lagg(const struct rworld *, bool server);
/* Of the interface that has the address. */
const char *rworld_ifname(const struct rworld *, bool server);

#endif
