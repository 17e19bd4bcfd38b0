/*
 * The record oracle: judges the frames of a run from the outside, with its
 * own reading of the RFCs on libcrypto and nothing but frames and key log. It
 * shares no code with what it judges (not even the wire-format headers).
 *
 * It follows each TCP connection in both directions, in the order in which
 * frames leave their senders, whether or not they arrive; parses the TLS
 * records from the first byte; derives the keys from the logged secrets; and
 * opens every record. It reports:
 *   invariant 2  a byte on the wire that is not part of a record which its
 *                key opens (plaintext, or a mis-encrypted record)
 *   invariant 3  a (key, nonce) pair used for two plaintexts, or a TCP
 *                sequence number that carried other bytes when sent again
 * Connections whose first bytes are not a TLS ClientHello are only checked
 * for the second half of 3.
 */
#ifndef KTSIM_SIM_RECORD_ORACLE_H
#define KTSIM_SIM_RECORD_ORACLE_H

#include <stddef.h>
#include <stdint.h>

struct record_oracle;

typedef void oracle_report_fn(void *arg, int invariant, uint64_t frame_id,
    const char *text);

struct oracle_dir {		   /* one direction of one connection */
	char od_name[128];	   /* "10.0.0.1:443 > 10.0.0.2:50000" */
	int od_tls;		   /* 0: not TLS; 10 to 13: version */
	char od_suite[48];	   /* "TLS_AES_128_GCM_SHA256" */
	uint64_t od_records;	   /* encrypted records opened */
	uint64_t od_app_records;   /* of these, application data */
	uint64_t od_app_bytes;	   /* plaintext bytes of them */
	uint8_t od_app_sha256[32]; /* of these bytes in order (finish) */
	uint64_t od_rexmit_bytes;  /* bytes sent again, all equal */
};

struct record_oracle *record_oracle_create(oracle_report_fn *, void *arg);
void record_oracle_destroy(struct record_oracle *);
/* Before the first frame: leave od_app_sha256 zero. Hashing costs about as
 * much as opening the records, and the ledger compares the bytes anyway. */
void record_oracle_no_digest(struct record_oracle *);
/* One NSS key log line; must come before the first frame that needs it. */
void record_oracle_keylog(struct record_oracle *, const char *line);
/* A whole Ethernet frame in two pieces (payload may be NULL). */
void record_oracle_frame(struct record_oracle *, uint64_t frame_id,
    const uint8_t *hdr, size_t hdrlen, const uint8_t *pay, size_t paylen);
/* End of run: hashes are final. Partial records are not an offence. */
void record_oracle_finish(struct record_oracle *);
unsigned record_oracle_ndirs(const struct record_oracle *);
const struct oracle_dir *record_oracle_dir(const struct record_oracle *,
    unsigned i);

#endif
