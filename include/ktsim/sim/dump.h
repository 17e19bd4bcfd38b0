/*
 * A capture as readable lines: one per frame, in packet notation, with the
 * TLS records that the bytes of each segment belong to; or one per TLS record.
 * Reads pcapng and pcap of Ethernet from anywhere; needs no keys.
 *
 *	8 0.000081632 f0 server:mce0 10.0.0.1:443 > 10.0.0.2:49152 P.
 *	    1:1449(1448) ack 518 win 65664 <TS val 1 ecr 1>
 *	    tls[#0 handshake 5+122: 0..126 whole, ...] ; record 3, ktls sw
 *
 * (one line): frame number; seconds since the first frame; flow, as tshark's
 * tcp.stream; interface; addresses; flags; sequence numbers and length; the
 * window in bytes ("raw" where the scale is not known); options; ECN marks of
 * the IP header; records; the packet's comment.
 */
#ifndef KTSIM_SIM_DUMP_H
#define KTSIM_SIM_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

struct dump_opts {
	bool do_flow_set; /* only do_flow */
	uint64_t do_flow;
	uint64_t do_count; /* stop after so many lines; 0: all */
	bool do_absolute;  /* sequence numbers as they stand in the frames */
	bool do_records;   /* a line per TLS record */
	/* One line, with its newline. False: no more wanted. */
	bool (*do_line)(void *arg, const struct strbuf *line);
	void *do_arg;
};

/*
 * 0; or an errno with a text in err: the file is missing, unreadable, no
 * capture (EINVAL), or damaged somewhere (EBADMSG: what stands before that
 * place was given out).
 */
int dump_file(const char *path, const struct dump_opts *, struct strbuf *err);

#endif
