/*
 * Which TLS records the bytes of one direction of a TCP connection belong to.
 *
 * Boundaries are read from the record headers, which are never encrypted, so
 * no key is needed. Bytes are attributed by their place in the stream, not by
 * the order of arrival: a retransmission gets the records that the first
 * transmission had. Bodies need not be captured, only headers; where a header
 * has not been seen (a segment out of order, a gap in the capture), what lies
 * behind it is unknown until it has been.
 *
 * Offsets count the direction's bytes from 0, the first one behind the SYN.
 *
 * Memory: bytes beyond the last known record wait for its successor's header,
 * up to RECORDS_AHEAD_MAX; of known records the last RECORDS_KEEP are kept,
 * all of them when rt_keep_all is set.
 */
#ifndef SIM_DUMP_RECORDS_H
#define SIM_DUMP_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDS_AHEAD_MAX (1024u * 1024)
#define RECORDS_CHUNK_MAX 4096
#define RECORDS_KEEP	  65536u
#define RECORD_HDR	  5u

struct tls_record {
	uint64_t r_start;  /* offset of its header */
	uint16_t r_len;	   /* of the body, as the header says */
	uint8_t r_type;	   /* 20 to 24 */
	uint32_t r_frames; /* that carried bytes of it */
	uint32_t r_again;  /* of these, with bytes sent before */
	uint64_t r_bytes_again;
	uint64_t r_first, r_last; /* frame numbers; 0: not yet */
};

enum records_state {
	RS_START, /* no byte seen that decides */
	RS_TLS,
	RS_PLAIN, /* does not begin with a TLS record */
	RS_LOST	  /* was TLS, then something that is no record header */
};

struct span {
	uint64_t from, to; /* [from, to) */
};

/* A piece of a segment beyond the known records. */
struct chunk {
	struct span c_at;
	size_t c_cap;	  /* bytes in c_bytes, from c_at.from on */
	bool c_again;	  /* all of it had been sent before */
	uint64_t c_frame; /* which brought it */
	uint8_t *c_bytes;
};

struct records {
	enum records_state rt_state;
	bool rt_keep_all;
	uint64_t rt_head;	 /* offset where the next header belongs */
	uint64_t rt_gone;	 /* records no longer kept, counted from 0 */
	struct tls_record *rt_v; /* number rt_gone and up */
	size_t rt_n, rt_size;
	struct chunk *rt_ahead; /* in order of arrival */
	unsigned rt_nahead, rt_ahead_size;
	size_t rt_ahead_bytes;
	struct span *rt_seen; /* sorted, disjoint, never touching */
	unsigned rt_nseen, rt_seen_size;
};

/* Zero-initialise; keep_all before the first segment. */
void records_fini(struct records *);
/*
 * A segment's payload: len bytes at offset off, of which the first caplen
 * were captured. frame: its number, from 1, growing.
 */
void records_segment(struct records *, uint64_t off, const uint8_t *,
    uint32_t caplen, uint32_t len, uint64_t frame);
/* Number of records known so far, also those no longer kept. */
uint64_t records_count(const struct records *);
/* Record n, NULL when it is not known or no longer kept. */
const struct tls_record *records_get(const struct records *, uint64_t n);
/* Number of the record that holds the byte at off; -1: none known. */
int64_t records_find(const struct records *, uint64_t off);
/* One behind its last byte. */
uint64_t record_end(const struct tls_record *);
/* "app_data" */
const char *record_type_name(unsigned type);

#endif
