/* The keys of what lies between cards: links, their impairments, switches. */
#include <ktsim/base/kassert.h>

#include "keys.h"

const char *const sc_impair_names[] = { "loss", "bursts", "drop", "duplicate",
	"reorder", "corrupt", "jitter", "rate", "delay", "mtu", NULL };
_Static_assert(nitems(sc_impair_names) == SC_IMPAIR_KINDS + 1,
    "one name for each kind");
static const char *const preset_names[] = { "none", "datacentre", "broadband",
	"4g", "satellite", NULL };
static const char *const pick_flags[] = { "syn", "syn-ack", "fin", "rst",
	"pure-ack", NULL };
static const char *const side_names[] = { "server", "client", "any", NULL };
static const char *const checksum_names[] = { "wrong", "right", NULL };
static const char *const where_names[] = { "payload", "header", NULL };

#define SINCE	.since = "0.2"
#define PERCENT .min = 0, .max = 1000000000, SINCE
#define LATEST	(10 * SIM_SEC)

/* Which frames, exactly. */
#define PICK_KEYS(type)                                                        \
	{ "data", K_UINT, F(type, pick.data), F(type, pick.has_data),          \
		.min = 1, .max = 1ULL << 40, SINCE,                            \
		.text = "the n-th segment with new data of each flow, "        \
			"from 1" },                                            \
	    { "record", K_UINT, F(type, pick.record),                          \
		    F(type, pick.has_record), SINCE,                           \
		    .text = "segments with new bytes of this TLS record; "     \
			    "counted from 0 in each direction, handshake "     \
			    "and all, as `ktls-sim dump` does" },              \
	    { "app_record", K_UINT, F(type, pick.app_record),                  \
		    F(type, pick.has_app_record), SINCE,                       \
		    .text = "the same, counting only records of type 23 "      \
			    "(application data), from 0" },                    \
	    { "segment", K_UINT, F(type, pick.segment), .min = 1,              \
		    .max = 1ULL << 20, SINCE,                                  \
		    .text = "record, app_record: only its n-th segment, "      \
			    "from 1; each if not given" },                     \
	    { "flags", K_ENUM, F(type, pick.flags), F(type, pick.has_flags),   \
		    .names = pick_flags, SINCE,                                \
		    .text = "TCP segments of this kind, whoever sends them; "  \
			    "pure-ack: without data" },                        \
	    { "first", K_UINT, F(type, pick.first), .def = "1", SINCE,         \
		    .text = "flags: only the first so many of each flow; 0: "  \
			    "all" },                                           \
	    { "mask", K_STR, F(type, pick.mask), SINCE,                        \
		    .text = "a row of 0 and 1, 0b before it or not: the "      \
			    "n-th is 1 for the n-th data segment of each "     \
			    "flow" },                                          \
	    { "flow", K_UINT, F(type, pick.flow), .min = 1, .max = 1ULL << 32, \
		    SINCE,                                                     \
		    .text = "only this one, in the order of SYNs on this "     \
			    "link, from 1; each if not given" },               \
	    { "whose", K_ENUM, F(type, pick.side), .def = "server",            \
		    .names = side_names, SINCE,                                \
		    .text = "data, records and mask: who sends; the server "   \
			    "is who accepted" },                               \
	    { "count", K_UINT, F(type, pick.count), .def = "0", SINCE,         \
		    .text = "not more than so many frames in all; 0: no "      \
			    "limit" },

static const struct key bursts_keys[] = {
	{ "enter", K_PERCENT, F(sc_bursts, enter), .required = true, PERCENT,
	    .text = "chance of each frame to begin a bad time" },
	{ "leave", K_PERCENT, F(sc_bursts, leave), .required = true, PERCENT,
	    .text =
		"chance of each frame to end it: a bad time lasts 1/leave frames" },
	{ "good", K_PERCENT, F(sc_bursts, good), .def = "0%", PERCENT,
	    .text = "loss in good times" },
	{ "bad", K_PERCENT, F(sc_bursts, bad), .def = "100%", PERCENT,
	    .text = "loss in bad times" },
};
MAPDEF(bursts, "bursts", struct sc_bursts);

static const struct key drop_keys[] = { PICK_KEYS(sc_drop) };
MAPDEF(drop, "drop", struct sc_drop);

static const struct key reorder_keys[] = {
	{ "chance", K_PERCENT, F(sc_reorder, chance), PERCENT,
	    .text = "of each frame" },
	{ "every", K_UINT, F(sc_reorder, every), .min = 1, .max = 1ULL << 32,
	    SINCE, .text = "or every n-th one" },
	{ "delay", K_TIME, F(sc_reorder, delay), .required = true, .min = 1,
	    .max = LATEST, SINCE,
	    .text = "so much later: frames behind it overtake it" },
};
MAPDEF(reorder, "reorder", struct sc_reorder);

static const struct key corrupt_keys[] = {
	{ "chance", K_PERCENT, F(sc_corrupt, chance), F(sc_corrupt, has_chance),
	    PERCENT, .text = "of each frame; or exactly those below" },
	{ "checksum", K_ENUM, F(sc_corrupt, checksum), .def = "wrong",
	    .names = checksum_names, SINCE,
	    .text =
		"wrong: the receiver discards it; right: TLS has to notice, so only application data is struck" },
	{ "where", K_ENUM, F(sc_corrupt, where), .def = "payload",
	    .names = where_names, SINCE,
	    .text = "one bit of TCP's payload or of its header" },
	PICK_KEYS(sc_corrupt)
};
MAPDEF(corrupt, "corruption", struct sc_corrupt);

static const struct key jitter_keys[] = {
	{ "up_to", K_TIME, F(sc_jitter, up_to), .required = true, .min = 1,
	    .max = LATEST, SINCE, .text = "more delay, uniform" },
	{ "keep_order", K_BOOL, F(sc_jitter, keep_order), .def = "true", SINCE,
	    .text = "false: frames overtake" },
};
MAPDEF(jitter, "jitter", struct sc_jitter);

static const struct key red_keys[] = {
	{ "min", K_SIZE, F(sc_red, min), .required = true, SINCE,
	    .text = "average queue below which nothing happens" },
	{ "max", K_SIZE, F(sc_red, max), .required = true, SINCE,
	    .text = "average queue from which every frame is dropped" },
	{ "chance", K_PERCENT, F(sc_red, chance), .def = "10%", PERCENT,
	    .text = "of a mark just below max, growing from 0 at min" },
	{ "ecn", K_BOOL, F(sc_red, ecn), .def = "false", SINCE,
	    .text =
		"mark packets that say they can be marked (ECT) instead of dropping them" },
};
MAPDEF(red, "red", struct sc_red);

static const struct key bottleneck_keys[] = {
	{ "rate", K_RATE, F(sc_bottleneck, rate), .required = true, .min = 1000,
	    .max = 10000000000000ULL, SINCE, .text = "bits per second" },
	{ "queue", K_SIZE, F(sc_bottleneck, queue), .def = "1MiB", SINCE,
	    .text = "bytes that may wait; 0B: no limit" },
	{ "packets", K_UINT, F(sc_bottleneck, packets), .def = "0",
	    .max = 1ULL << 20, SINCE,
	    .text = "frames that may be in it; 0: no limit" },
	{ "red", K_MAP, F(sc_bottleneck, red),
	    .noff = F(sc_bottleneck, red.present), .map = &red_map, SINCE,
	    .text = "random early detection before the queue is full" },
};
MAPDEF(bottleneck, "rate", struct sc_bottleneck);

static const struct key mtu_keys[] = {
	{ "size", K_UINT, F(sc_mtu, size), .required = true, .min = 68,
	    .max = 9216, SINCE, .text = "largest IP packet, bytes" },
	{ "icmp", K_BOOL, F(sc_mtu, icmp), .def = "false", SINCE,
	    .text =
		"tell the sender (ICMP fragmentation needed, ICMPv6 too big); else a black hole" },
	{ "router", K_STR, F(sc_mtu, router), SINCE,
	    .text = "icmp: the address that tells it" },
};
MAPDEF(mtu, "mtu", struct sc_mtu);

static const struct key impair_keys[] = {
	{ "name", K_STR, F(sc_impair, name), SINCE,
	    .text =
		"for reasons, reports and the timeline, and of its random stream; its kind if not given" },
	{ "from", K_STR, F(sc_impair, from), SINCE,
	    .text =
		"only frames that leave this end of the link; else each direction has such a node" },
	{ "enabled", K_BOOL, F(sc_impair, enabled), .def = "true", SINCE,
	    .text = "false: it waits for a timeline step `impair`" },
	{ "loss", K_PERCENT, F(sc_impair, loss), F(sc_impair, has_loss),
	    PERCENT, .text = "chance of each frame to be lost" },
	{ "bursts", K_MAP, F(sc_impair, bursts),
	    .noff = F(sc_impair, bursts.present), .map = &bursts_map, SINCE,
	    .text = "loss in bursts, as Gilbert and Elliott have it" },
	{ "drop", K_MAP, F(sc_impair, drop), .noff = F(sc_impair, drop.present),
	    .map = &drop_map, SINCE, .text = "exactly these frames are lost" },
	{ "duplicate", K_PERCENT, F(sc_impair, duplicate),
	    F(sc_impair, has_duplicate), PERCENT,
	    .text = "chance of each frame to arrive twice" },
	{ "reorder", K_MAP, F(sc_impair, reorder),
	    .noff = F(sc_impair, reorder.present), .map = &reorder_map, SINCE,
	    .text = "some frames arrive later than those behind them" },
	{ "corrupt", K_MAP, F(sc_impair, corrupt),
	    .noff = F(sc_impair, corrupt.present), .map = &corrupt_map, SINCE,
	    .text = "one bit of some TCP segments is turned over" },
	{ "jitter", K_MAP, F(sc_impair, jitter),
	    .noff = F(sc_impair, jitter.present), .map = &jitter_map, SINCE,
	    .text = "delay that varies" },
	{ "rate", K_MAP, F(sc_impair, rate), .noff = F(sc_impair, rate.present),
	    .map = &bottleneck_map, SINCE,
	    .text = "a bottleneck with its queue" },
	{ "delay", K_TIME, F(sc_impair, delay), F(sc_impair, has_delay),
	    .max = LATEST, SINCE, .text = "more delay, always the same" },
	{ "mtu", K_MAP, F(sc_impair, mtu), .noff = F(sc_impair, mtu.present),
	    .map = &mtu_map, SINCE,
	    .text = "packets that are larger do not pass" },
};
const struct key_map impair_map = { "impairment", impair_keys,
	nitems(impair_keys), sizeof(struct sc_impair) };

static const struct key back_keys[] = {
	{ "rate", K_RATE, F(sc_back, rate), F(sc_back, has_rate), .min = 1000,
	    .max = 10000000000000ULL, SINCE, .text = "bits per second" },
	{ "delay", K_TIME, F(sc_back, delay), F(sc_back, has_delay), .min = 0,
	    .max = LATEST, SINCE, .text = "propagation" },
	{ "queue", K_SIZE, F(sc_back, queue), F(sc_back, has_queue), SINCE,
	    .text = "bytes that wait where the port is faster" },
	{ "loss", K_PERCENT, F(sc_back, loss), F(sc_back, has_loss), PERCENT,
	    .text = "chance of each frame to be lost" },
	{ "jitter", K_TIME, F(sc_back, jitter), F(sc_back, has_jitter),
	    .max = LATEST, SINCE, .text = "more delay, uniform, in order" },
};
MAPDEF(back, "way back", struct sc_back);

static const struct key link_keys[] = {
	{ "ends", K_STRLIST, F(sc_link, ends), .required = true,
	    .text =
		"the two ports: [host.nic, host.nic]; or switch.port; of a live scenario, one is a device of this machine, `tap:NAME` or `veth:NAME`" },
	{ "name", K_STR, F(sc_link, name), SINCE,
	    .text = "for `on` in the timeline" },
	{ "preset", K_ENUM, F(sc_link, preset), .def = "none",
	    .names = preset_names, SINCE,
	    .text =
		"rate, delay, queue, loss and jitter of a known kind of path, where not given (docs/differences.md has the numbers)" },
	{ "rate", K_RATE, F(sc_link, rate), F(sc_link, has_rate),
	    .def = "100Gbit/s", .min = 1000, .max = 10000000000000ULL,
	    .text = "bits per second, each direction" },
	{ "delay", K_TIME, F(sc_link, delay), F(sc_link, has_delay),
	    .def = "10us", .min = 0, .max = LATEST,
	    .text = "propagation, one way" },
	{ "queue", K_SIZE, F(sc_link, queue), F(sc_link, has_queue),
	    .def = "1MiB",
	    .text = "bytes that wait where the port is faster than the link" },
	{ "loss", K_PERCENT, F(sc_link, loss), F(sc_link, has_loss),
	    .def = "0%", .min = 0, .max = 1000000000,
	    .text = "chance of each frame to be lost" },
	{ "jitter", K_TIME, F(sc_link, jitter), F(sc_link, has_jitter),
	    .def = "0s", .max = LATEST, SINCE,
	    .text = "up to so much more delay, uniform, in order" },
	{ "back", K_MAP, F(sc_link, back), .noff = F(sc_link, back.present),
	    .map = &back_map, SINCE,
	    .text =
		"what is different in the direction from the second end to the first" },
	{ "impair", K_LIST, F(sc_link, impair), F(sc_link, nimpair),
	    .map = &impair_map, SINCE,
	    .text =
		"what else happens to frames, in this order; each has exactly one kind" },
	KEY_ONLY,
};
const struct key_map link_map = { "link", link_keys, nitems(link_keys),
	sizeof(struct sc_link) };

static const char *const switch_protos[] = { "lacp", "static", NULL };

static const struct key switch_lagg_keys[] = {
	{ "ports", K_STRLIST, F(sc_switch_lagg, ports), .required = true, SINCE,
	    .text = "of this switch; up to 32, each in one lagg only" },
	{ "proto", K_ENUM, F(sc_switch_lagg, proto), .def = "lacp",
	    .names = switch_protos, SINCE,
	    .text =
		"lacp: with a partner that speaks it; static: all ports with a link, without a word" },
	{ "lacp_fast_timeout", K_BOOL, F(sc_switch_lagg, lacp_fast_timeout),
	    .def = "false", SINCE,
	    .text =
		"lacp: ask the partner for a PDU every second, and miss it after 3 s instead of 90 s" },
};
MAPDEF(switch_lagg, "switch lagg", struct sc_switch_lagg);

static const struct key switch_keys[] = {
	{ "ports", K_STRLIST, F(sc_switch, ports), .required = true, SINCE,
	    .text = "their names; or one number: so many, named from 1" },
	{ "rate", K_RATE, F(sc_switch, rate), .min = 1000,
	    .max = 10000000000000ULL, SINCE,
	    .text = "of each port; its link's rate if not given" },
	{ "latency", K_TIME, F(sc_switch, latency), .def = "1us",
	    .max = SIM_SEC, SINCE,
	    .text = "from a frame's last bit in to its first bit out" },
	{ "queue", K_SIZE, F(sc_switch, queue), .def = "512KiB", SINCE,
	    .text = "bytes that may wait in front of each port" },
	{ "laggs", K_MAPOF, F(sc_switch, laggs), F(sc_switch, nlaggs),
	    .map = &switch_lagg_map, SINCE,
	    .text =
		"ports that are one, by name: a lagg of a host, or of a switch, is at their other ends" },
};
const struct key_map switch_map = { "switch", switch_keys, nitems(switch_keys),
	sizeof(struct sc_switch) };
