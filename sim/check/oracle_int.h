/*
 * The record oracle's own world. By intent it includes nothing of the
 * simulator: what it judges must not be able to mislead it.
 *
 *   oracle_frame.c   Ethernet, IP, TCP headers; which connection
 *   oracle_stream.c  each direction's bytes in order; repeated bytes compared
 *   oracle_tls.c     records and handshake messages; when keys change
 *   oracle_keys.c    key log and key schedule
 *   oracle_aead.c    opening a record; nonces seen
 *   oracle_cbc.c     opening a record of a CBC suite; IVs seen
 *   record_oracle.c  the public face
 */
#ifndef SIM_CHECK_ORACLE_INT_H
#define SIM_CHECK_ORACLE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <ktsim/sim/record_oracle.h>

struct oconn;
struct odir;

/* --- big-endian reads --- */
static inline unsigned
rd16(const uint8_t *p)
{
	return ((unsigned)p[0] << 8 | p[1]);
}
static inline uint32_t
rd32(const uint8_t *p)
{
	return ((uint32_t)rd16(p) << 16 | rd16(p + 2));
}
static inline uint64_t
rd64(const uint8_t *p)
{
	return ((uint64_t)rd32(p) << 32 | rd32(p + 4));
}
static inline void
wr64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}
void *oracle_alloc(size_t); /* zeroed; never NULL */
void *oracle_realloc(void *, size_t);

/* --- suites and keys --- */
enum oaead { OA_GCM, OA_CHACHA, OA_CBC };

struct osuite {
	uint16_t os_id;
	uint8_t os_version; /* 10 to 13 */
	uint8_t os_aead;    /* enum oaead */
	uint8_t os_keylen;
	bool os_sha384;	   /* of the key schedule, 1.2 and 1.3 */
	uint8_t os_maclen; /* CBC: 20, 32, 48; names the hash */
	const char *os_name;
};
const struct osuite *osuite_find(unsigned id, int version);
const EVP_MD *osuite_md(const struct osuite *);

struct once_range {
	uint64_t lo, hi;
};	      /* both included */
struct oset { /* of explicit nonces */
	struct once_range *r;
	size_t n, size, last;
};
bool oset_add(struct oset *, uint64_t v); /* false: it was there */
void oset_fini(struct oset *);

struct oivs { /* of explicit IVs, which are random: a hash table */
	uint8_t (*iv)[16];
	size_t n, size;
};

struct okey {
	const struct osuite *ok_suite;
	EVP_CIPHER_CTX *ok_ctx; /* NULL: no key */
	uint8_t ok_iv[16];	/* 1.2 GCM: 4 bytes of salt; 1.0: the next
				   record's */
	uint64_t ok_seq;	/* next record's */
	struct oset ok_nonces;	/* 1.2 GCM */
	uint8_t ok_secret[48];	/* 1.3: for the next generation */
	EVP_MAC_CTX *ok_mac;	/* CBC: holds the key */
	struct oivs ok_ivs;	/* CBC of 1.1, 1.2 */
};

struct okeylog;
struct okeylog *okeylog_create(void);
void okeylog_destroy(struct okeylog *);
void okeylog_line(struct okeylog *, const char *);
/* Length of the secret, 0 when there is none. out has 48 bytes. */
size_t okeylog_find(const struct okeylog *, const char *label,
    const uint8_t random[32], uint8_t *out);

void okey_reset(struct okey *); /* forget all */
bool okey_from_secret13(struct okey *, const struct osuite *,
    const uint8_t *secret);
bool okey_next13(struct okey *); /* KeyUpdate */
bool okey_from_master12(struct okey *, const struct osuite *,
    const uint8_t master[48], const uint8_t cr[32], const uint8_t sr[32],
    bool client);

/*
 * Open one record (rec: header and body, whole). out has room for the body.
 * Returns the plaintext's length, or -1. Does not move ok_seq.
 */
int okey_open(struct okey *, const uint8_t *rec, size_t len, uint64_t seq,
    uint8_t *out);

/* oracle_cbc.c: the same for CBC, and what belongs to it. */
bool ocbc_set(struct okey *, const uint8_t *mackey);
void ocbc_reset(struct okey *);
int ocbc_open(struct okey *, const uint8_t *rec, size_t len, uint64_t seq,
    uint8_t *out);
/* The record is behind us. False: its explicit IV was used before. */
bool ocbc_passed(struct okey *, const uint8_t *rec, size_t len);

/* --- a direction's bytes --- */
struct orange {
	uint64_t from, to;
};

struct ostream {
	bool st_started;
	uint32_t st_base_seq; /* TCP sequence of offset 0 */
	uint64_t st_next;     /* bytes below are complete */
	uint64_t st_acked;    /* by the other side */
	uint64_t st_low;      /* offset of st_buf[st_head] */
	uint8_t *st_buf;
	size_t st_head, st_size;
	struct orange *st_ahead; /* present beyond st_next, sorted */
	unsigned st_nahead, st_ahead_size;
};
enum ost_result { OST_OK, OST_DIFFERS };
/* *rexmit grows by bytes that were known. st_next may grow. */
enum ost_result ostream_put(struct ostream *, uint64_t off, const uint8_t *,
    size_t len, uint64_t *rexmit);
/* Offset of a sequence number, nearest to st_next; may be negative. */
int64_t ostream_offset(const struct ostream *, uint32_t seq);
const uint8_t *ostream_at(const struct ostream *, uint64_t off);
void ostream_trim(struct ostream *, uint64_t below);
void ostream_fini(struct ostream *);

/* --- connections --- */
enum oconn_kind { OC_UNKNOWN, OC_TLS, OC_PLAIN };

struct odir {
	struct oracle_dir od; /* the public part */
	struct oconn *conn;
	bool client; /* sent the ClientHello */
	struct ostream st;
	uint32_t isn; /* of its SYN */
	bool have_isn;

	/* records */
	uint64_t pos;	    /* parsed up to here */
	uint64_t rec_frame; /* frame that brought a record's start */
	bool begun;	    /* its first TLS record: RPC in clear is over */
	bool dead;	    /* record boundaries are lost */
	bool encrypted;
	bool finished; /* 1.3: sent its Finished */
	bool fin;      /* TCP FIN seen */
	struct okey key;
	uint8_t *hs; /* handshake bytes not yet parsed */
	size_t hs_len, hs_size;
	EVP_MD_CTX *sha;
	unsigned said; /* bits of enum osaid */
};
enum osaid { SAID_RECORD = 1, SAID_NONCE = 2, SAID_REXMIT = 4 };

struct oconn {
	struct record_oracle *ro;
	struct oconn *next; /* hash chain */
	uint8_t key[40];    /* addresses and ports, ordered */
	enum oconn_kind kind;
	struct odir dir[2];
	uint8_t client_random[32], server_random[32];
	bool have_cr, have_sr;
	const struct osuite *suite;
	unsigned suite_id;
	int version;
};

struct record_oracle {
	oracle_report_fn *report;
	void *arg;
	struct okeylog *keylog;
	struct oconn **hash;
	unsigned hash_size, nconns;
	struct odir **dirs; /* in order of appearance */
	unsigned ndirs, dirs_size;
	struct oconn **all; /* also those whose ports were reused */
	unsigned nall, all_size;
	uint8_t *scratch; /* one record's plaintext */
	uint64_t frame;	  /* being looked at */
	bool finished;
	bool no_digest; /* nobody wants od_app_sha256 */
};
#define ORACLE_SCRATCH (20 * 1024)

/* What TCP says in one frame; payload in up to two pieces. */
struct oseg {
	uint8_t key[40];
	bool swapped; /* source is the second in key */
	bool v6;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *p[2];
	size_t n[2];
};
bool oseg_parse(struct oseg *, const uint8_t *hdr, size_t hdrlen,
    const uint8_t *pay, size_t paylen);
void oseg_name(const struct oseg *, bool back, char *buf, size_t size);

void otls_run(struct odir *); /* parse what is complete */
void otls_fini(struct odir *);
void oracle_say(struct odir *, enum osaid, int invariant, uint64_t frame,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
