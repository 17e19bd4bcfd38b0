/*
 * TCP connections of a capture, numbered in order of first appearance, as
 * tshark's tcp.stream: a SYN with another initial sequence number on known
 * addresses and ports begins a new one.
 *
 * Relative sequence numbers are tshark's too: the SYN is 0, the first byte of
 * data 1; where the capture has no SYN, the first byte seen is 1.
 */
#ifndef SIM_DUMP_FLOWS_H
#define SIM_DUMP_FLOWS_H

#include "dissect.h"
#include "records.h"

struct flow_dir {
	struct endpoint fd_src;
	bool fd_based;	   /* fd_base is known */
	bool fd_syn;	   /* from its SYN */
	uint32_t fd_base;  /* sequence number that is 0 */
	int fd_wscale;	   /* from its SYN; -1: none offered */
	bool fd_searching; /* no SYN: a record may begin anywhere */
	struct records fd_records;
};

struct flow {
	struct flow *fl_next; /* hash chain */
	uint64_t fl_number;
	struct flow_dir fl_dir[2]; /* 0: sent the first segment seen */
};

struct flows {
	struct flow **fs_v; /* by number */
	uint64_t fs_n, fs_size;
	struct flow **fs_hash; /* the latest of each address pair */
	unsigned fs_hash_size; /* a power of 2 */
	bool fs_keep_all;      /* records, for a listing at the end */
};

/* Zero-initialise. */
void flows_fini(struct flows *);
/*
 * The flow of a TCP packet, made when there is none yet; *dir: which of its
 * directions this is. Sets bases and scales, and hands payload to the records.
 * frame: its number, from 1.
 */
struct flow *flows_packet(struct flows *, const struct packet *, uint64_t frame,
    unsigned *dir);
/*
 * Offset in fd_records of a sequence number; false when it lies before the
 * first byte or the direction's records are not followed.
 */
bool flow_offset(const struct flow_dir *, uint32_t seq, uint64_t *off);
/* Reverse: the sequence number of an offset in fd_records. */
uint32_t flow_seq(const struct flow_dir *, uint64_t off);
/* Bytes per unit of the window field of a segment without SYN; 0: unknown. */
unsigned flow_window_scale(const struct flow *, unsigned dir);

#endif
