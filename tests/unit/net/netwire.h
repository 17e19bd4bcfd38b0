/*
 * A test wire: hosts with fake cards, joined in pairs, on the engine's time.
 *
 * A card linearises each packet (cutting TSO bursts if it claims TSO), fills
 * in checksums if it claims them, and delivers frames to its peer after
 * serialisation and delay. Every frame passes a hook that can drop it, double
 * it or delay it, and chance can do the same.
 */
#ifndef NETWIRE_H
#define NETWIRE_H

#include "support/ktest.h"

#include <ktsim/base/kassert.h>
#include <ktsim/base/prng.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/if_lagg.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_var.h>
#include <ktsim/sim/engine.h>

#define TW_MAXPORTS 4

struct tw;

/* A TCP frame as the hook sees it. */
struct tw_pkt {
	bool tcp;
	uint32_t seq, ack, win, paylen;
	uint8_t flags;
	const uint8_t *opt; /* TCP options */
	uint32_t optlen;
	const char *why; /* the sender's note */
	uint32_t snd_max;
	struct m_snd_tag *tag; /* during if_transmit only */
};
enum tw_verdict { TW_PASS, TW_DROP, TW_DUP };

struct tw_port {
	struct ifnet ifn; /* first */
	struct tw *w;
	struct tw_port *peer;
	simtime_t free_at; /* when the line is free again */
	uint32_t frames, bursts;
	int refuse;	 /* next packets refused, ENOBUFS */
	int refuse_data; /* the same, those with payload */
	uint32_t tags;
	/* The card takes its time for a tag, and may refuse it then. */
	simtime_t tag_time;
	int tag_error;
	/* What it was asked for last. */
	enum if_snd_tag_type tag_type;
	uint64_t tag_rate;
};

struct tw_frame {
	struct tw_frame *next;
	struct sim_event ev;
	struct tw_port *to;
	uint32_t len;
	uint8_t data[];
};

struct tw_host {
	struct vnet *v;
	struct tw_port port[TW_MAXPORTS];
	unsigned ports;
};

struct tw {
	struct engine *eng;
	struct jobpool *jobs;
	struct tw_host a, b;
	uint64_t rate_bps;
	simtime_t delay;
	uint32_t mtu;
	struct prng prng;
	uint32_t drop_ppb, dup_ppb, reorder_ppb;
	enum tw_verdict (
	    *hook)(struct tw *, struct tw_port *, const struct tw_pkt *);
	void *arg;
	struct tw_frame *frames;
	uint64_t count, dropped;
	struct trace_sink sink;
	bool verbose;
};

/* Two hosts, one link (ports[0]), 10.0.0.1/24 and fd00::1/64 on a, 2 on b. */
struct tw *tw_new(uint64_t seed, uint64_t caps);
/* The same without addresses and with `links` links. */
struct tw *tw_new_bare(uint64_t seed, uint64_t caps, unsigned links);
void tw_addrs(struct ifnet *, unsigned host);
void tw_link(struct tw *, unsigned link, bool up);
void tw_run(struct tw *, simtime_t delta);
/* Ends everything and asserts that nothing is left. */
void tw_free(struct tw *);
struct in_any tw_addr(int family, unsigned host);
struct ksockaddr tw_sa(int family, unsigned host, uint16_t port);

/* --- applications: a stream of bytes that both ends know --- */
struct tw_app {
	struct tw *w;
	struct socket *so;
	struct sim_event ev;
	uint64_t to_send, sent, rcvd;
	bool raw; /* do not look at the bytes */
	bool shut_after, close_after, stop_reading, eof, connected;
	uint32_t chunk; /* bytes per write; 0: all it can */
	int error, events;
	uint8_t salt;
};
void tw_app_attach(struct tw_app *, struct tw *, struct socket *, uint8_t);
void tw_app_kick(struct tw_app *);
void tw_app_close(struct tw_app *);
/* A listener on b, port 443; connects a to it and runs until done. */
struct tw_pair {
	struct socket *lso;
	struct tw_app c, s; /* on a, on b */
};
void tw_listen(struct tw *, struct tw_pair *, int family, int backlog);
void tw_connect_start(struct tw *, struct tw_pair *, int family);
void tw_connect(struct tw *, struct tw_pair *, int family);
/* A transmit TLS session (1.2, AES-GCM) in the mode that ktls chooses. */
int tw_tls_tx(struct tw_app *);
void tw_pair_close(struct tw_pair *);

static inline struct tcpcb *
tw_tp(struct tw_app *a)
{
	return (sototcpcb(a->so));
}

#endif
