/*
 * Captures: pcapng with the secrets inside, so that stock Wireshark shows the
 * decrypted stream with no option; classic pcap and a key log on request.
 *
 * wire.pcapng holds each frame once, as it leaves its sender, in time order,
 * dropped ones marked. Every frame's comment says why it exists.
 *
 * All functions that write return 0 or an errno (ENOSPC ...); after an error
 * the file is left as long as it was valid, further writes are no-ops that
 * return the same errno, and capture_path names it.
 *
 * Format: draft-ietf-opsawg-pcapng; blocks SHB, IDB.., DSB.., EPB.., ISB.
 */
#ifndef KTSIM_SIM_TAP_H
#define KTSIM_SIM_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>

struct capture;
struct frame;

struct capture_if {
	const char *ci_name; /* "server:mce0" */
	const char *ci_descr;
	const char *ci_hardware; /* card model */
	uint8_t ci_lladdr[6];
	uint64_t ci_speed_bps;
	uint16_t ci_linktype; /* 0: Ethernet */
};
#define LINKTYPE_KTLS_DMA 147 /* USER0: see dma_hdr */

/*
 * Create the file and write its head. epoch_ns: wall-clock meaning of virtual
 * time 0, from the scenario. comment: scenario and seed. Names (IPv4 or IPv6
 * text to host name, pairs, NULL-terminated; may be NULL) go to a name block.
 */
int capture_open(const char *path, uint64_t epoch_ns, const char *comment,
    const struct capture_if *ifs, unsigned nifs, const char *const *names,
    struct capture **);
/* NSS key log text, one or more lines with \n: a decryption secrets block. */
int capture_secrets(struct capture *, const char *lines);
/*
 * Secrets may become known after frames that need them (whoever sent these is
 * not of the laboratory): when the file is closed, all of them are moved in
 * front of the first frame, which costs a copy of the file. Before the first
 * secret.
 */
void capture_secrets_first(struct capture *);
/*
 * One frame, settled. inbound false: leaves by interface ifno. comment may be
 * NULL; flags_crc: marks a damaged frame.
 */
int capture_frame(struct capture *, unsigned ifno, const struct frame *,
    simtime_t when, bool inbound, const char *comment);
/* The same of bytes that are no frame, of an interface that is not Ethernet. */
int capture_bytes(struct capture *, unsigned ifno, const void *bytes,
    uint32_t len, simtime_t when, bool inbound, const char *comment);
/* Per-interface totals for the statistics blocks; any time before close. */
void capture_counts(struct capture *, unsigned ifno, uint64_t recv,
    uint64_t drop);
/* Pushes buffered blocks to the file: a run stopped here still decrypts. */
int capture_flush(struct capture *);
/* Statistics blocks, close. The first error of the file's life. NULL: 0. */
int capture_close(struct capture *);
const char *capture_path(const struct capture *);
uint64_t capture_frames(const struct capture *);

/*
 * What a card reads and writes over its bus, as packets of the link type
 * USER0: a header of 16 bytes, numbers big-endian, and the bytes as they stand
 * in memory. contrib/ktls-sim-dma.lua shows them in Wireshark.
 *
 *   0  4  "KDMA"
 *   4  1  version, 1
 *   5  1  0 work request, 1 completion
 *   6  2  queue
 *   8  2  card model (dma_model_code)
 *  10  2  0
 *  12  4  bytes that follow
 */
#define DMA_HDR_LEN 16
struct dma_hdr {
	bool dh_completion;
	uint16_t dh_queue;
	uint16_t dh_model;
	uint32_t dh_len;
};
void dma_hdr_put(const struct dma_hdr *, uint8_t out[DMA_HDR_LEN]);
/* A number that stays with the model's name; 0: it has none. */
uint16_t dma_model_code(const char *model);

/* Classic pcap, nanoseconds, through libpcap. Same rules. */
struct pcapfile;
int pcapfile_open(const char *path, uint64_t epoch_ns, struct pcapfile **);
int pcapfile_frame(struct pcapfile *, const struct frame *, simtime_t when);
int pcapfile_close(struct pcapfile *);

/*
 * Why a frame exists, from its note and its fate: appends one line of text.
 * verdict: NULL, or why it was dropped ("link: loss", "link down").
 * remark: NULL, or what else happens to it on its way ("arrives damaged").
 * rexmit_of: f_id of the frame whose bytes these are again; 0: none.
 * The word "rexmit" occurs exactly in comments of retransmissions: the note
 * says so (payload) and rexmit_of is set, or rexmit_of is set on a segment
 * without payload (SYN, FIN). A note that says so of bytes that no frame had
 * tells of a packet that was refused on its way down (ring full, no tag).
 */
void capture_comment(const struct frame *, const char *verdict,
    const char *remark, uint64_t rexmit_of, struct strbuf *);

/*
 * An expression of pcap-filter(7), by libpcap. NULL: why is in err, a line
 * without its end.
 */
struct tap_filter;
struct tap_filter *tap_filter_create(const char *expr, struct strbuf *err);
void tap_filter_destroy(struct tap_filter *);
bool tap_filter_match(const struct tap_filter *, const struct frame *);

/*
 * Which frame carried these bytes first: per flow direction, by sequence.
 * rexmit_track returns the id of the earliest frame that covers the first
 * byte of f's TCP payload (SYN and FIN count as one), or 0, and remembers f.
 * Bounded: of what the other side has acknowledged some MiB are kept, for
 * repetitions that cross the acknowledgement.
 */
struct rexmit_index;
struct rexmit_index *rexmit_index_create(void);
void rexmit_index_destroy(struct rexmit_index *);
uint64_t rexmit_track(struct rexmit_index *, const struct frame *);
/*
 * Some frame had new payload where Wireshark does not look for it unless
 * tcp.reassemble_out_of_order is set: behind old payload in one segment, or
 * below what its direction has sent already.
 */
bool rexmit_disorder(const struct rexmit_index *);

#endif
