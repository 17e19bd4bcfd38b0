/* A netgraph-style node that puts a stream into TLS outside the socket layer: a
 * comparison (ng_tls.c). */
#ifndef NG_TLS_H
#define NG_TLS_H

#include <ktsim/base/simtime.h>

#include <stddef.h>
#include <stdint.h>

struct conn;
struct ng_tls;

/* Between the application and its socket, once the handshake is done. */
struct ng_tls *ng_tls_create(struct conn *);
void ng_tls_stop(struct ng_tls *); /* its socket goes; NULL allowed */
void ng_tls_destroy(struct ng_tls *);
void ng_tls_upcall(struct ng_tls *); /* the socket's */
/* As the socket's, for the application. */
int ng_tls_write(struct ng_tls *, const void *, size_t, size_t *done);
int ng_tls_read(struct ng_tls *, void *, size_t, size_t *done);
/* 0: all is in the socket; EWOULDBLOCK; or why it is not. */
int ng_tls_drained(struct ng_tls *);

struct ng_tls_stats {
	uint64_t
	    ns_copied; /* bytes, in and into new buffers, of what is sent */
	uint64_t ns_records; /* sent */
	uint64_t ns_wakeups; /* of its thread */
	simtime_t ns_time;   /* that its cryptography took, both directions */
};
void ng_tls_stats(const struct ng_tls *, struct ng_tls_stats *);

#endif
