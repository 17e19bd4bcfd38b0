/*
 * A bench for TOE: a server whose card is a T6 that owns connections, a client
 * with a plain card, a wire between them that can lose frames.
 */
#ifndef TOEBENCH_H
#define TOEBENCH_H

#include "support/ktest.h"

#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/nic/nic.h>
#include <ktsim/opencrypto/tls_crypt.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_offload.h>
#include <ktsim/netinet/tcp_var.h>
#include <ktsim/sim/engine.h>

#define OB_PORT 443

enum { SRV, CLI };

struct ob_host {
	struct vnet *v;
	struct nic *n;
	struct ksockaddr addr;
};

struct toeb {
	struct engine *eng;
	struct jobpool *jobs;
	struct framepool pool;
	struct ob_host h[2];
	struct frameq wire; /* under way, f_when: arrives */
	struct sim_event arrive;
	unsigned lose; /* every so manieth data frame of the server */
	unsigned data, lost;
	bool cut;   /* all are lost */
	bool twice; /* the client's arrive a second time, 1 us later */
	struct socket *lso, *so[2];
};

/* knobs: settings of the T6 besides toe, "tids=1". */
void ob_init(struct toeb *, const char *knobs, bool v6);
void ob_fini(struct toeb *);
void ob_run(struct toeb *, simtime_t);
/* A listener at the server and a connection to it. */
void ob_listen(struct toeb *);
struct socket *ob_connect(struct toeb *, int from, int to);
struct socket *ob_accept(struct toeb *);
void ob_pair(struct toeb *);
void ob_close(struct toeb *); /* both ends and the listener */
/* All of it must go at once. */
void ob_write(struct socket *, const void *, size_t);
/* So many bytes, equal to these; runs until then. */
void ob_read(struct toeb *, struct socket *, const void *, size_t);
uint64_t ob_sysctl(const struct toeb *, int host, const char *name);
/* Keys of a suite; bytes that everybody knows. */
struct tls_enable ob_enable(const struct tls_suite *, uint64_t seqno);
/* A record as it stands on the wire; its length. */
uint32_t ob_record(const struct tls_suite *, uint64_t seqno, uint8_t type,
    const void *pay, uint32_t len, uint8_t *out);

#endif
