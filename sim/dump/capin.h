/*
 * A capture being read: libpcap gives the frames (pcap and pcapng, any byte
 * order, any time stamp resolution); what it keeps to itself, the names of
 * pcapng interfaces and the comments of packets, comes from walking the same
 * file's blocks beside it (ngwalk.h).
 */
#ifndef SIM_DUMP_CAPIN_H
#define SIM_DUMP_CAPIN_H

#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

struct capin;

struct capin_frame {
	uint64_t cf_number; /* from 1 */
	uint64_t cf_ns;	    /* since 1970 */
	const uint8_t *cf_bytes;
	size_t cf_caplen, cf_len;
	const char *cf_ifname;	/* NULL: not known */
	const char *cf_comment; /* NULL: none; several: one behind the other */
};

/*
 * "-": standard input, without names and comments. 0, or an errno with the
 * reason in err: EINVAL when it is no capture or not of Ethernet.
 */
int capin_open(const char *path, struct capin **, struct strbuf *err);
/*
 * The next frame, valid until the next call. 1: here it is; 0: end of file;
 * -1: the file is cut off or damaged here (text in err).
 */
int capin_next(struct capin *, struct capin_frame *, struct strbuf *err);
void capin_close(struct capin *);

#endif
