/*
 * Inside the userland library.
 *
 *   ssl_lib.c     libssl's surroundings: chance, clock, contexts, key log
 *   ssl_cert.c    the one certificate
 *   ssl_selftest.c  does this libssl hand its keys out?
 *   ktls_bio.c    the BIO that libssl reads, writes and gives keys to
 *   endpoint.c    the public calls, and what all endpoints share
 *   ep_openssl.c  an endpoint run by libssl
 *   ep_library.c  sessions, KeyUpdate, renegotiation, records for libssl
 *   rx_kernel.c   reading when the kernel decrypts
 *   tx_kernel.c   writing past libssl when the kernel encrypts
 *   handover.c    keys to the kernel that libssl does not offer
 *   tls_kdf.c     traffic secrets to keys
 *   rec_user.c    records encrypted here, for synthetic endpoints
 *   rec_cbc.c     the same for CBC suites
 *   synthetic.c, synth_msg.c  an endpoint with a hand-made handshake
 *   sock_io.c     the transport over a simulated socket
 *   mem_io.c      the transport over two byte queues, for self-test and tests
 */
#ifndef SIM_USERLAND_TLS_INT_H
#define SIM_USERLAND_TLS_INT_H

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <ktsim/base/prng.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/tls_endpoint.h>
#include <ktsim/sim/tls_io.h>

#define RT_CCS		      20
#define RT_ALERT	      21
#define RT_HANDSHAKE	      22
#define RT_APP		      23
#define HT_NEW_SESSION_TICKET 4
#define HT_KEY_UPDATE	      24

#define REC_HDR		      5
#define REC_MAX_PLAIN	      16384
#define REC_MAX		      (REC_HDR + REC_MAX_PLAIN + 256)
#define SECRET_MAX	      48

/* --- suites --- */
struct user_suite {
	const char *us_name; /* the scenario's */
	int us_version;	     /* 10 to 13 */
	uint16_t us_id;
	bool us_sha384;
	int us_algorithm; /* CRYPTO_* */
	uint8_t us_keylen;
	uint8_t us_ivlen;	/* as tls_enable wants it */
	const char *us_openssl; /* OpenSSL's name */
	const char *us_rfc;
	int us_auth;	   /* CBC: CRYPTO_*_HMAC */
	uint8_t us_maclen; /* CBC: bytes of the MAC and of its key */
};
const struct user_suite *user_suite_find(const char *name, int version);

struct user_keys {
	uint8_t uk_key[32];
	uint8_t uk_iv[16];
	uint8_t uk_mac[SECRET_MAX]; /* CBC */
};
static inline bool
user_suite_cbc(const struct user_suite *us)
{
	return (us->us_maclen != 0);
}
/* What stands in records' headers: TLS 1.3 says 1.2. */
static inline uint16_t
user_suite_wire(const struct user_suite *us)
{
	return (us->us_version >= 12 ? 0x0303
				     : (uint16_t)(0x0300 + us->us_version - 9));
}
size_t user_suite_mdlen(const struct user_suite *);
/* What is fetched from libcrypto once; all zero is a good beginning. */
struct user_kdf {
	EVP_MAC_CTX *kd_hmac[2]; /* [SHA-384] */
	EVP_MD *kd_sha256;
};
void user_kdf_fini(struct user_kdf *);
bool user_sha256(struct user_kdf *, const void *, size_t, uint8_t md[32]);
/* 1.3: from a traffic secret. */
bool user_keys13(struct user_kdf *, const struct user_suite *,
    const uint8_t *secret, struct user_keys *);
/* 1.0 to 1.2: both directions from the master secret. */
bool user_keys12(const struct user_suite *, const uint8_t master[48],
    const uint8_t cr[32], const uint8_t sr[32], struct user_keys *client,
    struct user_keys *server);
/* The argument of TCP_*TLS_ENABLE for record number seq on. Points into uk. */
void user_enable(const struct user_suite *, const struct user_keys *,
    uint64_t seq, struct tls_enable *);

/* --- one direction's record protection, in userland --- */
struct user_rec {
	const struct user_suite *ur_suite;
	EVP_CIPHER_CTX *ur_ctx;
	uint8_t ur_iv[16]; /* 1.0 CBC: the next record's */
	uint64_t ur_seq;
	EVP_MAC_CTX *ur_mac; /* CBC */
	struct prng *ur_rng; /* CBC, sealing: explicit IVs; the owner's */
};
bool user_rec_set(struct user_rec *, const struct user_suite *,
    const struct user_keys *, bool seal);
void user_rec_fini(struct user_rec *);
/* out has REC_MAX bytes; returns the record's length, 0 on failure. */
size_t user_rec_seal(struct user_rec *, uint8_t type, const uint8_t *,
    size_t len, uint8_t *out);
/* In place. Plaintext at *plain; false: EBADMSG. */
bool user_rec_open(struct user_rec *, uint8_t *rec, size_t len, uint8_t *type,
    uint8_t **plain, size_t *plainlen);

/* rec_cbc.c: the same for CBC suites; called by those above. */
bool user_cbc_set(struct user_rec *, const struct user_keys *);
size_t user_cbc_seal(struct user_rec *, uint8_t type, const uint8_t *,
    size_t len, uint8_t *out);
bool user_cbc_open(struct user_rec *, uint8_t *rec, size_t len, uint8_t **plain,
    size_t *plainlen);

/* --- the run's part --- */
struct kept_session {
	struct kept_session *ks_next;
	char *ks_name;
	SSL_SESSION *ks_session;
};

#define SEEN_BUCKETS 1024
struct seen_line {
	struct seen_line *sl_next;
	uint64_t sl_hash;
};

struct tls_userland {
	const simtime_t *tu_now;
	uint64_t tu_epoch_sec;
	uint64_t tu_seed;
	tls_keylog_fn *tu_keylog;
	void *tu_keylog_arg;
	struct prng tu_rng; /* what belongs to no endpoint */
	SSL_CTX *tu_ctx[2]; /* [server] */
	BIO_METHOD *tu_bio;
	struct user_kdf tu_kdf;
	struct kept_session *tu_sessions;	 /* clients', by name */
	struct seen_line *tu_seen[SEEN_BUCKETS]; /* key log lines given out */
};

/* --- an endpoint --- */
struct ep_ops {
	int (*eo_handshake)(struct tls_endpoint *);
	int (*eo_write)(struct tls_endpoint *, const uint8_t *, size_t,
	    size_t *done);
	/* One call of the library's; NULL: as eo_write. */
	int (*eo_write_call)(struct tls_endpoint *, const uint8_t *, size_t,
	    bool partial, size_t *done);
	int (*eo_read)(struct tls_endpoint *, uint8_t *, size_t, size_t *done);
	int (*eo_shutdown)(struct tls_endpoint *);
	void (*eo_destroy)(struct tls_endpoint *);
};

struct synth;

struct tls_endpoint {
	struct tls_userland *ep_tu;
	const struct ep_ops *ep_ops;
	const struct tls_io *ep_io;
	void *ep_io_arg;
	const struct user_suite *ep_suite;
	struct tls_params ep_p;
	char *ep_name, *ep_session;
	struct prng ep_rng;
	bool ep_hs_done;
	bool ep_tx_kernel, ep_rx_kernel;
	bool ep_eof; /* the transport ended */
	bool ep_close_sent;
	int ep_io_error;   /* the transport's last hard errno */
	char ep_text[192]; /* of ep_info.te_error */
	struct tls_endpoint_info ep_info;

	/* libssl */
	SSL *ep_ssl;
	uint8_t ep_ctrl_type; /* next write is a control record */
	bool ep_offered_tx, ep_offered_rx;
	uint8_t ep_rx_secret[SECRET_MAX];
	size_t ep_rx_secret_len;
	uint8_t ep_tail[16]; /* the last bytes that libssl sent */
	/* Past libssl: it did not offer the keys and does not know. */
	bool ep_tx_direct, ep_rx_direct;
	bool ep_empty_sent; /* TLS 1.0: in front of what is written next */

	/* A KeyUpdate came: why it ends the connection; NULL. */
	const char *ep_ku_refused;
	bool ep_ku_begun; /* ours is on its way */
	bool ep_reneg_begun;
	/* A record for libssl, which the kernel decrypted (ep_library.c). */
	struct user_rec ep_feed_rec;
	uint8_t *ep_feed;
	size_t ep_feed_len, ep_feed_off;
	bool ep_feeding;

	/* reading records that the kernel decrypted */
	size_t ep_rec_left; /* of the record being read */
	uint8_t ep_rec_type;
	uint8_t *ep_ctl; /* a control record's bytes */
	size_t ep_ctl_len;
	bool ep_rx_end; /* close_notify or FIN was seen */
	/* tls_endpoint_handle_record: it takes one, and has. */
	bool ep_one_record, ep_one_taken;
	unsigned ep_warnings; /* alerts since the last record of data */

	struct synth *ep_synth;
};

extern const struct ep_ops ep_openssl_ops, ep_synth_ops;

/* Remember why; returns error. */
int ep_fail(struct tls_endpoint *, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The socket option, and the outcome noted. True: the kernel has the keys. */
bool ep_enable(struct tls_endpoint *, bool tx, const struct tls_enable *);
/* io_recv; in tls_endpoint_handle_record only once. */
int ep_recv(struct tls_endpoint *, void *, size_t, size_t *done,
    struct tls_io_record *);
void ep_note(struct tls_endpoint *, bool tx, const char *reason, int error);
int ep_openssl_init(struct tls_endpoint *);
int ep_synth_init(struct tls_endpoint *);
int rx_kernel_read(struct tls_endpoint *, uint8_t *, size_t, size_t *done);
int tx_kernel_write(struct tls_endpoint *, const uint8_t *, size_t,
    size_t *done);
int tx_kernel_shutdown(struct tls_endpoint *);
/*
 * After libssl's handshake: keys that it did not offer go to the kernel, if
 * wanted. Those are 1.3 for receiving, and all of CBC.
 */
void ep_handover(struct tls_endpoint *);
/* bio_write: n bytes went out. */
void ep_tail_note(struct tls_endpoint *, const uint8_t *, size_t n);

/* ep_openssl.c: around each call into libssl; the errno of one that returned
 * ret. */
void ep_call_begin(struct tls_endpoint *);
int ep_call_error(struct tls_endpoint *, int ret, const char *what);

/* ep_library.c: what programs ask of libssl besides reading and writing */
void ep_resume(struct tls_endpoint *);	  /* before a client's handshake */
int ep_new_session(SSL *, SSL_SESSION *); /* libssl's callback */
void ep_sessions_free(struct tls_userland *);
/* libssl has seen a peer's KeyUpdate. */
void ep_key_update_seen(struct tls_endpoint *, bool asks);
/* The control record in ep_ctl to libssl. EPROTO: it ends the connection. */
int ep_feed_library(struct tls_endpoint *);
/* What libssl reads while it is fed. EWOULDBLOCK: that was all. */
int ep_feed_read(struct tls_endpoint *, char *, size_t, size_t *done);

BIO_METHOD *ktls_bio_method(void); /* NULL: memory */
bool ssl_cert_use(SSL_CTX *);
/* NULL: libssl does what we need; else text. */
const char *ssl_selftest(struct tls_userland *);

/*
 * Between enter and leave, libssl on this thread draws from rng and sees the
 * virtual clock. Not nested.
 */
void ssl_enter(struct tls_userland *, struct prng *rng);
void ssl_leave(void);
/* Gives a key log line out, once of the two ends that know it. */
void ssl_keylog_line(struct tls_userland *, const char *line);

#endif
