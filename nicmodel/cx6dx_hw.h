/*
 * ConnectX-6 Dx: the card's own state. Never seen by its driver.
 *
 * A context (TIS) runs through a connection's record stream byte by byte, as
 * SEND, LSO and DUMP bring it: it knows where in which record it is and keeps
 * the cipher's state there. It cannot know whether the bytes are those it
 * should get: if they are not, what it makes of them is wrong.
 */
#ifndef CX6DX_HW_H
#define CX6DX_HW_H

#include <ktsim/opencrypto/tls_crypt.h>

#include "cx6dx_wqe.h"

struct cx_context {
	bool cc_used;
	bool cc_valid; /* SET_PSV came: the fields below hold */
	struct cx_static cc_params;
	struct tls_crypt *cc_crypt; /* of these parameters; NULL: none yet */
	struct tls_stream *cc_stream;
	uint32_t cc_crypt_serial; /* the key's for which cc_crypt was made */
	uint64_t cc_recno;
	uint32_t cc_off, cc_len; /* in the record; its bytes, once known */
	uint8_t cc_hlen;
	uint8_t cc_hdr[16];
	bool cc_have_tag;
	uint8_t cc_tag[16];
};

struct cx_key {
	uint8_t k_len;	   /* 0: free */
	uint32_t k_serial; /* of all keys ever made, from 1 */
	uint64_t k_used;   /* key cache: when it was last wanted */
	uint8_t k_bytes[32];
};

/* A table of the firmware, entries from 1; it grows up to its limit. */
struct cx_table {
	uint32_t t_size;  /* entries there is memory for */
	uint32_t t_free;  /* the lowest that may be free */
	uint64_t t_limit; /* of entries in use */
	uint64_t t_used;
};

/*
 * A receiving context. It follows the stream from record header to record
 * header; where it lost the way, it looks for something like a header, and for
 * another where that one's length says, and asks software.
 */
struct cx_tir {
	bool ct_used;
	struct cx_rule ct_rule;
	bool ct_ruled;		    /* the rule is in the table */
	LIST_ENTRY(cx_tir) ct_link; /* of the rules with its hash */

	bool ct_loaded; /* static and progress parameters came */
	struct cx_static ct_params;
	struct tls_crypt *ct_crypt;
	struct tls_stream *ct_stream;
	uint8_t ct_hlen;

	enum cx_tracker ct_tracker;
	enum cx_auth ct_auth;
	bool ct_candidate;	 /* searching: one header found */
	uint32_t ct_next;	 /* TCP sequence of the next byte */
	uint32_t ct_off, ct_len; /* in the record; its bytes once known */
	uint8_t ct_hdr[16];
	uint64_t ct_recno;  /* OFFLOAD: of this record */
	bool ct_decrypting; /* this record, from its first byte on */
	uint8_t ct_tag[16];
	uint32_t ct_resync_seq;	   /* asked for: this header */
	uint64_t ct_since;	   /* records begun since that one */
	bool ct_confirmed;	   /* OFFLOAD at the next header */
	uint64_t ct_confirm_recno; /* of the record at ct_resync_seq */
};
#define CX_RULE_BUCKETS 1024

struct cx_hw {
	struct cx_tir **h_tir;
	struct cx_table h_tir_table;
	LIST_HEAD(, cx_tir) h_rules[CX_RULE_BUCKETS];
	struct framebuf *h_rxbuf; /* decrypted payload goes here */
	uint32_t h_rxused;

	struct cx_context *h_tis;
	struct cx_key *h_dek;
	struct cx_table h_tis_table, h_dek_table;
	uint32_t h_serial;
	uint64_t h_clock; /* key cache */
	uint64_t h_cached;
	uint64_t h_key_cache; /* entries; 0: all are there */
	simtime_t h_key_miss;
	uint64_t h_key_misses;
};

/* cx6dx_tls_hw.c */
struct cx_context *cx_context(struct cx_hw *, uint32_t tisn); /* NULL */
/* UMR and SET_PSV; NIC_EXEC_BAD: no such object. */
int cx_load_static(struct cx_hw *, uint32_t tisn, const struct cx_static *);
int cx_load_progress(struct cx_hw *, uint32_t tisn);
/*
 * The stream's next len bytes; out NULL: only to move on. NIC_EXEC_BAD: the
 * context was never set up.
 */
int cx_stream(struct nic_exec *, struct cx_context *, const uint8_t *in,
    uint8_t *out, uint32_t len);
void cx_context_drop(struct cx_context *);
struct cx_key *cx_key_of(struct cx_hw *, const struct cx_static *); /* NULL */
/* A cipher's key and IV from static parameters; NULL: no such suite. */
struct tls_crypt *cx_crypt(const struct cx_key *, const struct cx_static *);

/* cx6dx_rx_hw.c */
void cx_rx_cmd(struct cx_hw *, struct nic_cmd *);
int cx_rx_static(struct cx_hw *, uint32_t tirn, const struct cx_static *);
int cx_rx_progress(struct cx_hw *, uint32_t tirn);
/* NULL: no such TIR. */
const struct cx_tir *cx_tir(const struct cx_hw *, uint32_t tirn);
void cx_rx_reset(struct cx_hw *);

/* cx6dx_hw.c: a free entry's number; 0: the table is full. */
uint32_t cx_table_take(struct cx_table *, void **items, size_t size,
    bool (*used)(const void *));
void cx_table_give(struct cx_table *, uint32_t number);

#endif
