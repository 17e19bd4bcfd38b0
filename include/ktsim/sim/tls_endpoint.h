/*
 * A TLS endpoint in "userland": libssl (or a synthetic handshake) over a
 * simulated socket, handing its keys to the simulated kernel where the
 * scenario says `kernel`, and doing the cryptography itself where it says
 * `openssl`.
 *
 * Everything is non-blocking: EWOULDBLOCK means "call again after the
 * socket's upcall". The endpoint never owns the socket.
 *
 * Key hand-over, transmit (1.2, 1.3) and receive (1.2): libssl's KTLS BIO
 * controls become TCP_TXTLS_ENABLE / TCP_RXTLS_ENABLE. Receive 1.3, which
 * libssl 3.0 does not offer: keys derived from the traffic secret once the
 * handshake is done, then SSL_read is bypassed. If the kernel refuses, libssl
 * goes on in user space and te_reason says why.
 *
 * Reproducible: libssl's randomness comes from the endpoint's own stream, its
 * clock is the virtual epoch, no configuration file or environment is read.
 */
#ifndef KTSIM_SIM_TLS_ENDPOINT_H
#define KTSIM_SIM_TLS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/trace.h>

struct socket;
struct tls_endpoint;
struct tls_userland;
struct vnode;
struct uio;

enum tls_place { TLS_PLACE_OPENSSL, TLS_PLACE_KERNEL };
enum tls_handshake { TLS_HS_OPENSSL, TLS_HS_SYNTHETIC };

/* Gets key log lines as they become known, "CLIENT_RANDOM ..." without \n. */
typedef void tls_keylog_fn(void *arg, const char *line);

/* What is wrong with one record, on purpose. */
enum tls_spoil {
	TLS_SPOIL_NONE,
	TLS_SPOIL_MAC,	    /* its last byte */
	TLS_SPOIL_VERSION,  /* one too high */
	TLS_SPOIL_TRUNCATE, /* half of it, and writing fails with EPIPE */
	TLS_SPOIL_OVERSIZE, /* its length says 32768 */
	TLS_SPOIL_ZERO	    /* 1.3: nothing but zeros inside, no type */
};

/* What becomes of a peer's KeyUpdate (RFC 8446, 4.6.3). */
enum tls_key_update {
	TLS_KU_HANDLE, /* libssl follows, where it has the keys */
	TLS_KU_REFUSE  /* the connection ends */
};

struct tls_params {
	bool tp_server;
	int tp_version;	      /* 10 to 13 */
	int tp_least;	      /* server: the lowest it takes; 0: that one */
	const char *tp_suite; /* "aes128-gcm"; as in a scenario's tls.suite */
	enum tls_place tp_tx, tp_rx;
	enum tls_handshake tp_handshake;
	uint64_t tp_seed;    /* with tp_name: the random stream; for a
					   synthetic handshake equal at both ends */
	const char *tp_name; /* "server#3"; copied */
	const char *tp_alpn; /* offered, or taken; NULL: none. static */
	/*
	 * libssl handles records that are no data also where the kernel reads
	 * and libssl was passed by: it gets them sealed as they came. A client
	 * resumes the session that the last one of this name got a ticket for.
	 * "": it resumes none. NULL: the endpoint looks at such records itself.
	 */
	const char *tp_session; /* copied */
	enum tls_key_update tp_key_update;
	/* Synthetic endpoints that encrypt; application records from 0. */
	enum tls_spoil tp_spoil;
	uint64_t tp_spoil_record;
};

/*
 * What all endpoints of a run share: library set-up, the certificate, the
 * two SSL_CTX. now: virtual time for time(). keylog: for capture and oracle;
 * called before the bytes that need the line are written to the socket, once
 * per line although both ends know it. ENOTSUP: libssl is not usable (it does
 * not hand its keys out: tried here by one handshake per version), static text
 * in *why. Call it before anything else uses libcrypto in the process, so that
 * no OPENSSL_CONF is read; it installs the process's RAND_METHOD.
 */
int tls_userland_create(const simtime_t *now, uint64_t epoch_sec, uint64_t seed,
    tls_keylog_fn *, void *keylog_arg, struct tls_userland **,
    const char **why);
void tls_userland_destroy(struct tls_userland *);
/* The certificate of all servers, PEM, static. */
const char *tls_userland_cert(void);

/* EINVAL: unknown suite or version. */
int tls_endpoint_create(struct tls_userland *, struct socket *,
    const struct tls_params *, struct tls_endpoint **);
void tls_endpoint_destroy(struct tls_endpoint *); /* NULL allowed */

/* 0 done; EWOULDBLOCK; EPROTO, or the socket's errno (text: tls_error). */
int tls_endpoint_handshake(struct tls_endpoint *);
/*
 * Bytes taken in *done, exact also beside an error. 0 also for a part of len
 * (at least one byte). As SSL_write: a record that was begun counts when it is
 * sent, so after a short count or EWOULDBLOCK the next call must offer the
 * same bytes from there on, no fewer, and nothing else (shutdown, sendfile)
 * may come between.
 */
int tls_endpoint_write(struct tls_endpoint *, const void *buf, size_t len,
    size_t *done);
/*
 * One SSL_write_ex; partial: with SSL_MODE_ENABLE_PARTIAL_WRITE, a record is
 * enough. EWOULDBLOCK: nothing counts, the next call must offer the same bytes
 * at the same place.
 */
int tls_endpoint_write_call(struct tls_endpoint *, const void *buf, size_t len,
    bool partial, size_t *done);
/*
 * SSL_key_update, 1.3; ask: the peer is to change its keys too. EOPNOTSUPP:
 * refused, *why says by whom: no 1.3, the policy, or a kernel that has the keys
 * (FreeBSD takes keys once: EALREADY). EWOULDBLOCK: call again.
 */
int tls_endpoint_key_update(struct tls_endpoint *, bool ask, const char **why);
/*
 * SSL_renegotiate, as a program that did not hear that it is gone. EOPNOTSUPP:
 * libssl refused, *why is its reason; EPROTO: the peer did.
 */
int tls_endpoint_renegotiate(struct tls_endpoint *, const char **why);
/*
 * 0 with *done 0: end of stream (close_notify or FIN; te_got_close_notify tells
 * which). Data records only. Read until EWOULDBLOCK: bytes may wait in libssl
 * with no upcall to come. A bad record is the socket's errno (EBADMSG ...) when
 * the kernel decrypts, EPROTO or EBADMSG otherwise.
 */
int tls_endpoint_read(struct tls_endpoint *, void *buf, size_t len,
    size_t *done);
/*
 * As SSL_sendfile: through the kernel when it holds the transmit keys;
 * EOPNOTSUPP otherwise (the application then reads and writes). Else as
 * sosendfile, with EWOULDBLOCK for no more room; len 0: to the end; hdr (may
 * be NULL) goes in front.
 */
int tls_endpoint_sendfile(struct tls_endpoint *, struct vnode *, uint64_t off,
    uint64_t len, struct uio *hdr, uint64_t *sent);
/*
 * For kernel readers, whom ENXIO told that the next record is an alert: takes
 * that record and no other. *closed: it was close_notify. 0, also when it only
 * was a warning; EWOULDBLOCK; EPROTO a fatal one, or no alert at all.
 * Source: rpc.tlsclntd's SSL_read of no bytes.
 */
int tls_endpoint_handle_record(struct tls_endpoint *, bool *closed);
/* An alert of level warning, where the kernel encrypts; else EOPNOTSUPP. */
#define TLS_ALERT_USER_CANCELED 90
int tls_endpoint_warn(struct tls_endpoint *, uint8_t description);
/* close_notify. 0 sent; EWOULDBLOCK. Does not close the socket. */
int tls_endpoint_shutdown(struct tls_endpoint *);

struct tls_endpoint_info {
	enum tls_place te_tx, te_rx;		 /* as it came out */
	const char *te_tx_reason, *te_rx_reason; /* static text */
	int te_tx_error, te_rx_error;		 /* errno of a refusal */
	char te_suite[48];			 /* OpenSSL's or RFC's name */
	int te_version;				 /* agreed: 10 to 13 */
	bool te_got_close_notify;
	uint64_t te_tickets; /* type-22 records consumed after the handshake */
	uint64_t te_key_updates; /* of the peer's, followed */
	bool te_resumed;	 /* by an earlier session's ticket */
	const char *te_error;	 /* text of the failure; NULL */
};
void tls_endpoint_info(const struct tls_endpoint *, struct tls_endpoint_info *);

#endif
