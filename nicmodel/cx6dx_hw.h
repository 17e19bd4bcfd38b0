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

struct cx_hw {
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

#endif
