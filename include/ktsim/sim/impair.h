/*
 * What happens to frames on one direction of a wire: a stack of nodes, applied
 * to each frame as it leaves its port, in the order in which they were added.
 * A node's parameters are the scenario's own structure (struct sc_impair),
 * where each value is explained.
 *
 * Chance: every node has a stream of its own, prng_init(seed, "wire <link>
 * <end> <node>"), and draws the same number of values for every frame on this
 * direction, whatever its parameters are, enabled or not, and also where the
 * frame was lost before it. So neither another node, nor another link, nor a
 * changed probability moves anybody's fate, as long as the same frames come.
 *
 * Nothing here knows of the tap or of frames under way: impair_apply only
 * decides, impair_arriving makes what arrives when the frame was recorded as
 * it left.
 */
#ifndef KTSIM_SIM_IMPAIR_H
#define KTSIM_SIM_IMPAIR_H

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/flowtrack.h>
#include <ktsim/sim/scenario.h>

struct frame;
struct framepool;
struct impair;

struct impair_stats {
	uint64_t seen; /* came to the node while it was enabled; of these: */
	uint64_t lost, duplicated, delayed, corrupted, marked;
};

/* What becomes of a frame. Zero-initialise, and set when. */
struct impair_fate {
	const char *if_lost; /* why, "link: bursts"; the stack's. NULL: not */
	/* In: it leaves the port; out: it would arrive if the rest of the way
	 * took no time. */
	simtime_t if_when;
	bool if_late; /* by a reordering node: those behind may overtake it */
	bool if_ce;   /* its ECN bits say that it met congestion */
	bool if_damaged, if_right; /* one bit is wrong; the checksum is not */
	uint8_t if_bit;		   /* this one ... */
	uint32_t if_byte;	   /* ... of this byte of the frame */
	unsigned if_copies;	   /* it arrives so often more */
	/* Lost for being too large, and the sender is told so. NULL. */
	const struct sc_mtu *if_answer;
};

struct impair *impair_create(const char *link, int end, uint64_t seed);
void impair_destroy(struct impair *); /* NULL allowed */
/* On top of those that are there. The parameters are copied, their texts are
 * not. kind must be set. */
void impair_add(struct impair *, const struct sc_impair *);
unsigned impair_count(const struct impair *);
/* Does any node ask which flow or record a frame is of? */
bool impair_asks_flows(const struct impair *);

/* The first node, a loss, for the next frame: why it is lost, or NULL. */
const char *impair_loss(struct impair *);
/*
 * All nodes from `i` on. flow: what flowtrack said of the frame; NULL:
 * nothing. To a frame that was lost (if_lost) nothing more happens.
 */
void impair_apply(struct impair *, unsigned i, const struct frame *,
    const struct flow_seg *flow, struct impair_fate *);
/* What a capture should say of a frame that was not lost, "arrives damaged,
 * arrives twice"; nothing when nothing happened. left: when it left its port. */
void impair_remark(const struct impair_fate *, simtime_t left, struct strbuf *);
/* The frame as it arrives: itself, or a damaged or marked copy of it, which
 * takes the reference over. */
struct frame *impair_arriving(const struct impair_fate *, struct frame *);
/* One more of it, with the same payload. */
struct frame *impair_copy(struct frame *);

/* New values, of the same kind; counters and the state of bursts and queues
 * stay. ENOENT: no such node here; EINVAL: of another kind. */
int impair_set(struct impair *, const char *node, const struct sc_impair *);
int impair_enable(struct impair *, const char *node, bool);
/* Nothing is lost, damaged or held up by chance any more, for good. */
void impair_faults_off(struct impair *);

const char *impair_name(const struct impair *, unsigned i);
const char *impair_kind(const struct impair *, unsigned i);
const struct impair_stats *impair_stats(const struct impair *, unsigned i);
void impair_dump(const struct impair *, struct strbuf *, int indent);

/*
 * What a router at the far end says to the sender of a frame that is too
 * large (RFC 1191, RFC 4443 3.2): a frame of its own, from the router's
 * address. NULL: one that is no answer to, as of another address family or an
 * IPv4 packet that may be fragmented.
 */
struct frame *icmp_too_big(const struct sc_mtu *, const struct frame *);

#endif
