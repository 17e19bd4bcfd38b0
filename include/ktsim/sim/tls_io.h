/*
 * What a TLS endpoint stands on: the few things it asks of a socket. The
 * world uses the table over a simulated socket (tls_endpoint_create); tests
 * put an in-memory pipe in its place.
 */
#ifndef KTSIM_SIM_TLS_IO_H
#define KTSIM_SIM_TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_enable;
struct tls_endpoint;
struct tls_params;
struct tls_userland;
struct vnode;
struct uio;

struct tls_io_record {	/* with receive keys in the kernel */
	bool ir_begins; /* these bytes begin a record: */
	uint8_t ir_type;
	uint16_t ir_len; /* plaintext length of it */
};

/* All return 0 or an errno; EWOULDBLOCK: nothing was done. */
struct tls_io {
	/* type 0: bytes. Else one control record, whole or not at all. */
	int (*io_send)(void *arg, const void *buf, size_t len, uint8_t type,
	    size_t *done);
	/* 0 with *done 0 and no record begun: end of the stream. */
	int (*io_recv)(void *arg, void *buf, size_t len, size_t *done,
	    struct tls_io_record *);
	/* The socket option; see TCP_TXTLS_ENABLE for its errnos. */
	int (*io_enable)(void *arg, bool tx, const struct tls_enable *);
	int (*io_sendfile)(void *arg, struct vnode *, uint64_t off,
	    uint64_t len, struct uio *hdr, uint64_t *sent);
};

/* As tls_endpoint_create; arg is handed to the table's functions. */
int tls_endpoint_create_io(struct tls_userland *, const struct tls_io *,
    void *arg, const struct tls_params *, struct tls_endpoint **);

#endif
