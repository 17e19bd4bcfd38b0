/*
 * The run over time, for report.html: of some connections what TCP sent and
 * what came of it, and how full their socket buffers were; workers, cards, and
 * the events that matter, with the frames of wire.pcapng they concern.
 *
 * All of it is bounded. Curves have CHART_BINS bins that become wider as the
 * run goes on. CHART_CONNS connections are followed: the first ones, and
 * instead of those to whom nothing happens later ones to whom something does
 * (of these nothing is known before). Of every kind of event so many are kept.
 *
 * Levels are looked at between two events of the engine, in virtual time, and
 * nothing is posted: a run cannot tell whether it is watched.
 */
#ifndef KTSIM_SIM_CHARTS_H
#define KTSIM_SIM_CHARTS_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>
#include <ktsim/base/trace.h>
#include <ktsim/sim/flowkey.h>
#include <ktsim/sim/series.h>

#define CHART_BINS  1024
#define CHART_CONNS 32
#define CHART_MARKS 512

/* --- marks: ranges of a sequence at an instant --- */

struct mark {
	uint64_t mk_at; /* bin, as series_bin's */
	uint64_t mk_lo, mk_hi;
	uint64_t mk_frame; /* the first one's */
	uint64_t mk_count;
};

/* Ranges in one bin are one mark, from the lowest to the highest. All zero is
 * empty. */
struct marks {
	unsigned m_wider, m_n, m_size; /* as a series' */
	struct mark *m_marks;	       /* in order; malloc */
	uint64_t m_count;	       /* of all */
};

void marks_fini(struct marks *);
void marks_add(struct marks *, simtime_t, uint64_t lo, uint64_t hi,
    uint64_t frame);
simtime_t marks_when(const struct marks *, unsigned i); /* its bin's begin */

/* --- connections --- */

/* One direction of a connection. Sequence numbers count from the first byte
 * that was seen, and do not wrap. */
struct chart_dir {
	bool cd_known; /* something was seen */
	struct flowkey cd_key;
	uint32_t cd_first;	/* TCP's number of its byte 0 */
	uint64_t cd_next;	/* behind the highest that was sent */
	uint64_t cd_ack;	/* as the other side has acknowledged it */
	uint64_t cd_edge;	/* of the window, as the other side gave it */
	uint8_t cd_scale;	/* of windows this side announces, plus 1 */
	bool cd_syn;		/* its SYN was seen: cd_scale 0: it has none */
	struct series cd_sent;	/* levels: cd_next ... */
	struct series cd_acked; /* ... cd_ack ... */
	struct series cd_limit; /* ... cd_edge */
	struct marks cd_again;	/* bytes that were sent before */
	struct marks cd_sacked; /* as the other side told */
	struct marks cd_lost;	/* frames that did not arrive */
};

/* One side's send buffer, levels. */
struct chart_buffer {
	bool cb_known;
	struct series cb_ready; /* sb_acc */
	struct series cb_all;	/* sb_ccc */
	struct series cb_cwnd;
};

struct chart_conn {
	bool cn_used;
	simtime_t cn_since; /* nothing is known before */
	bool cn_whole;	    /* its first SYN was seen */
	uint64_t cn_score;  /* what befell it, so far */
	uint32_t cn_numbers[2];
	unsigned cn_hosts[2]; /* of side 0 and 1; CHART_NOHOST: outside */
	/* Whose first frame was seen first is 0: usually the client. */
	struct chart_dir cn_dir[2]; /* what side i sent */
	struct chart_buffer cn_buffer[2];
};
#define CHART_NOHOST UINT32_MAX

/* --- hosts --- */

struct chart_worker {
	const char *cw_host;
	unsigned cw_cpu;
	uint64_t cw_most;
	struct series cw_depth; /* peaks: batches, sockets, units under way */
};

enum chart_bus { /* why something went over a card's bus */
	BUS_PAYLOAD,
	BUS_REREAD,
	BUS_DESC,
	BUS_CQE,
	BUS_RX,
	BUS_CAUSES
};

struct chart_card {
	const char *cc_host, *cc_name;
	uint64_t cc_most;
	struct series cc_ring;		  /* peaks: packets in its rings */
	struct series cc_bus[BUS_CAUSES]; /* sums of bytes */
	uint64_t cc_total[BUS_CAUSES];	  /* as last looked at */
};

/* --- events --- */

enum chart_kind {
	CE_STEP,
	CE_LINK,
	CE_PORT, /* a lagg's active one */
	CE_MODE,
	CE_TAG,
	CE_RTO,
	CE_DROP,
	CE_REREAD, /* cipher state rebuilt */
	CE_ERROR,
	CE_KINDS
};
#define CHART_EVENTS 48 /* of a kind */

enum chart_frame {
	CF_NONE,
	CF_THIS, /* the frame that it happened to */
	CF_NEXT, /* the next one of the connection, or of the host */
	CF_LAST	 /* the last one before it; there was none after */
};

struct chart_event {
	enum chart_kind ce_kind;
	simtime_t ce_when;
	char *ce_who;		  /* host; "" */
	unsigned ce_host;	  /* the same; CHART_NOHOST */
	char *ce_text;		  /* "mce0: link down" */
	const char *ce_conn_host; /* whose connection ... */
	uint32_t ce_conn;	  /* ... by its kernel's number; 0: none */
	enum chart_frame ce_how;
	uint64_t ce_frame;
	/* Drops: one after the other for one reason are one event. */
	uint64_t ce_packets, ce_bytes, ce_last_frame;
};

struct charts {
	bool ch_on;
	/* Levels are looked at every 2^(SERIES_SHIFT + ch_wider) ps. */
	unsigned ch_wider;
	unsigned ch_samples; /* since ch_wider changed */
	uint64_t ch_looks;   /* in all */
	struct chart_conn ch_conns[CHART_CONNS];
	uint64_t ch_not_followed; /* connections, at first at least */
	struct chart_worker *ch_workers;
	unsigned ch_nworkers;
	struct chart_card *ch_cards;
	unsigned ch_ncards;
	struct chart_event *ch_events; /* in order of time */
	unsigned ch_nevents, ch_events_size;
	unsigned ch_kept[CE_KINDS];
	uint64_t ch_left[CE_KINDS]; /* found no room */
};

#endif
