/* The keys of the claims. */
#include <ktsim/base/kassert.h>

#include "keys.h"

static const char *const dir_names[] = { "tx", "rx", NULL };
static const char *const mode_names[] = { "none", "sw", "ifnet", "toe", NULL };

static const struct key delivered_keys[] = {
	{ "app", K_STR, F(sc_exp_delivered, app), .required = true,
	    .text = "the client" },
	{ "bytes", K_SIZE, F(sc_exp_delivered, bounds.is),
	    F(sc_exp_delivered, bounds.has_is),
	    .text =
		"body bytes received, all its connections together: exactly" },
	{ "min", K_SIZE, F(sc_exp_delivered, bounds.min),
	    F(sc_exp_delivered, bounds.has_min), .since = "0.2",
	    .text = "instead of `bytes`: at least" },
	{ "max", K_SIZE, F(sc_exp_delivered, bounds.max),
	    F(sc_exp_delivered, bounds.has_max), .since = "0.2",
	    .text = "instead of `bytes`: at most" },
	{ "at", K_TIME, F(sc_exp_delivered, at), F(sc_exp_delivered, has_at),
	    .since = "0.2", .text = "when to look; at the end if not given" },
};
MAPDEF(delivered, "delivered claim", struct sc_exp_delivered);

static const struct key counter_keys[] = {
	{ "host", K_STR, F(sc_exp_counter, host), .required = true,
	    .text = "whose sysctl" },
	{ "name", K_STR, F(sc_exp_counter, name), .required = true,
	    .text = "the sysctl" },
	{ "is", K_UINT, F(sc_exp_counter, bounds.is),
	    F(sc_exp_counter, bounds.has_is), .text = "exactly" },
	{ "min", K_UINT, F(sc_exp_counter, bounds.min),
	    F(sc_exp_counter, bounds.has_min), .text = "at least" },
	{ "max", K_UINT, F(sc_exp_counter, bounds.max),
	    F(sc_exp_counter, bounds.has_max), .text = "at most" },
	{ "at", K_TIME, F(sc_exp_counter, at), F(sc_exp_counter, has_at),
	    .text = "when to look; at the end if not given" },
};
MAPDEF(counter, "counter claim", struct sc_exp_counter);

static const struct key mode_keys[] = {
	{ "app", K_STR, F(sc_exp_mode, app), .required = true,
	    .text = "whose connections: all of them that are open then" },
	{ "dir", K_ENUM, F(sc_exp_mode, dir), .def = "tx", .names = dir_names,
	    .text = "direction" },
	{ "is", K_ENUM, F(sc_exp_mode, is), .required = true,
	    .names = mode_names, .text = "the KTLS mode" },
	{ "connection", K_UINT, F(sc_exp_mode, connection),
	    F(sc_exp_mode, has_connection), .max = 99999, .since = "0.2",
	    .text = "only this one, counted from 0; all if not given" },
	{ "at", K_TIME, F(sc_exp_mode, at), F(sc_exp_mode, has_at),
	    .text = "when to look; when each connection ended if not given" },
};
MAPDEF(mode, "mode claim", struct sc_exp_mode);

static const struct key time_keys[] = {
	{ "app", K_STR, F(sc_exp_time, app), .required = true,
	    .text = "the client" },
	{ "max", K_TIME, F(sc_exp_time, max), F(sc_exp_time, has_max),
	    .text = "its last connection is done by then" },
	{ "min", K_TIME, F(sc_exp_time, min), F(sc_exp_time, has_min),
	    .since = "0.2", .text = "and not before" },
	{ "is", K_TIME, F(sc_exp_time, is), F(sc_exp_time, has_is),
	    .since = "0.2", .text = "exactly then" },
};
MAPDEF(time, "time claim", struct sc_exp_time);

static const struct key error_keys[] = {
	{ "app", K_STR, F(sc_exp_error, app), .required = true, .since = "0.2",
	    .text = "whose connections: all of them" },
	{ "is", K_STR, F(sc_exp_error, is), .required = true, .since = "0.2",
	    .text =
		"errno that ended each (`ktls-sim list errors`): EBADMSG and the like" },
	{ "connection", K_UINT, F(sc_exp_error, connection),
	    F(sc_exp_error, has_connection), .max = 99999, .since = "0.2",
	    .text = "only this one, counted from 0; all if not given" },
};
MAPDEF(error, "error claim", struct sc_exp_error);

static const struct key tcp_info_keys[] = {
	{ "app", K_STR, F(sc_exp_tcp_info, app), .required = true,
	    .since = "0.2",
	    .text = "whose end of its connections, a server's or a client's" },
	{ "field", K_STR, F(sc_exp_tcp_info, field), .required = true,
	    .since = "0.2",
	    .text = "of TCP_INFO; `ktls-sim list tcp-info` shows them" },
	{ "is", K_UINT, F(sc_exp_tcp_info, bounds.is),
	    F(sc_exp_tcp_info, bounds.has_is), .since = "0.2",
	    .text = "exactly" },
	{ "min", K_UINT, F(sc_exp_tcp_info, bounds.min),
	    F(sc_exp_tcp_info, bounds.has_min), .since = "0.2",
	    .text = "at least" },
	{ "max", K_UINT, F(sc_exp_tcp_info, bounds.max),
	    F(sc_exp_tcp_info, bounds.has_max), .since = "0.2",
	    .text = "at most" },
	{ "connection", K_UINT, F(sc_exp_tcp_info, connection),
	    F(sc_exp_tcp_info, has_connection), .max = 99999, .since = "0.2",
	    .text = "only this one, counted from 0; all if not given" },
	{ "at", K_TIME, F(sc_exp_tcp_info, at), F(sc_exp_tcp_info, has_at),
	    .since = "0.2",
	    .text =
		"when to look, at those that are open then; when each ended if not given" },
};
MAPDEF(tcp_info, "tcp_info claim", struct sc_exp_tcp_info);

#define BOUNDS(type)                                                         \
	{ "is", K_UINT, F(type, bounds.is), F(type, bounds.has_is),          \
		.since = "0.2", .text = "exactly" },                         \
	    { "min", K_UINT, F(type, bounds.min), F(type, bounds.has_min),   \
		    .since = "0.2", .text = "at least" },                    \
	{                                                                    \
		"max", K_UINT, F(type, bounds.max), F(type, bounds.has_max), \
		    .since = "0.2", .text = "at most"                        \
	}

static const struct key order_event_keys[] = {
	{ "name", K_STR, F(sc_event, name), .required = true, .since = "0.2",
	    .text = "of the trace point; `ktls-sim list traces` shows them" },
	{ "host", K_STR, F(sc_event, host), .since = "0.2",
	    .text = "where it happens; anywhere if not given" },
	{ "where", K_KNOBS, F(sc_event, where), F(sc_event, nwhere),
	    .since = "0.2",
	    .text =
		"argument: what it is: a number, \">= 3\", an errno, a text with * and ?" },
};
static const struct key_map order_event_map = { "event", order_event_keys,
	nitems(order_event_keys), sizeof(struct sc_event) };

static const struct key event_keys[] = {
	{ "name", K_STR, F(sc_exp_event, event.name), .required = true,
	    .since = "0.2",
	    .text = "of the trace point; `ktls-sim list traces` shows them" },
	{ "host", K_STR, F(sc_exp_event, event.host), .since = "0.2",
	    .text = "where it happens; anywhere if not given" },
	{ "where", K_KNOBS, F(sc_exp_event, event.where),
	    F(sc_exp_event, event.nwhere), .since = "0.2",
	    .text =
		"argument: what it is: a number, \">= 3\", an errno, a text with * and ?" },
	{ "after", K_TIME, F(sc_exp_event, after), .def = "0s", .since = "0.2",
	    .text = "only what happens then or later counts" },
	{ "before", K_TIME, F(sc_exp_event, before),
	    F(sc_exp_event, has_before), .since = "0.2",
	    .text = "only what happens before that" },
	BOUNDS(sc_exp_event),
};
MAPDEF(event, "event claim", struct sc_exp_event);

static const struct key order_keys[] = {
	{ "events", K_LIST, F(sc_exp_order, events), F(sc_exp_order, nevents),
	    .required = true, .map = &order_event_map, .since = "0.2",
	    .text =
		"two or more: the first of each comes after the first of the one before" },
};
MAPDEF(order, "order claim", struct sc_exp_order);

static const struct key drops_keys[] = {
	{ "reason", K_STR, F(sc_exp_drops, reason), .since = "0.2",
	    .text = "as the report has it, with * and ?; any if not given" },
	{ "where", K_STR, F(sc_exp_drops, where), .since = "0.2",
	    .text =
		"host, interface (mce0, server.mce0) or link, with * and ?; anywhere if not given" },
	BOUNDS(sc_exp_drops),
};
MAPDEF(drops, "drops claim", struct sc_exp_drops);

static const struct key frames_keys[] = {
	{ "filter", K_STR, F(sc_exp_frames, filter), .since = "0.2",
	    .text =
		"an expression of pcap-filter(7), such as \"tcp port 443 and greater 1000\"; all if not given" },
	{ "comment", K_STR, F(sc_exp_frames, comment), .since = "0.2",
	    .text =
		"of the frame's comment in the capture, with * and ?; any if not given" },
	BOUNDS(sc_exp_frames),
};
MAPDEF(frames, "frames claim", struct sc_exp_frames);

static const struct key gap_keys[] = {
	{ "app", K_STR, F(sc_exp_gap, app), .required = true, .since = "0.2",
	    .text = "the client" },
	{ "max", K_TIME, F(sc_exp_gap, max), F(sc_exp_gap, has_max),
	    .since = "0.2",
	    .text = "none of its connections waits longer for bytes" },
	{ "min", K_TIME, F(sc_exp_gap, min), F(sc_exp_gap, has_min),
	    .since = "0.2", .text = "one of them waits so long at least" },
};
MAPDEF(gap, "gap claim", struct sc_exp_gap);

static const struct key report_keys[] = {
	{ "path", K_STR, F(sc_exp_report, path), .required = true,
	    .since = "0.2",
	    .text =
		"of a number in report.json, such as connections[0].server_side.timeouts or connections[*].body_bytes: a sum" },
	BOUNDS(sc_exp_report),
};
MAPDEF(report, "report claim", struct sc_exp_report);

static const struct key expect_keys[] = {
	{ "name", K_STR, F(sc_expect, name), .since = "0.2",
	    .text =
		"a word for it, in reports and for an exhibit's `caught_by`" },
	KEY_ONLY,
	{ "delivered", K_MAP, F(sc_expect, delivered), .map = &delivered_map,
	    .text = "bytes that arrived" },
	{ "counter", K_MAP, F(sc_expect, counter), .map = &counter_map,
	    .text = "a sysctl's value" },
	{ "mode", K_MAP, F(sc_expect, mode), .map = &mode_map,
	    .text = "how connections are encrypted" },
	{ "time", K_MAP, F(sc_expect, time), .map = &time_map,
	    .text = "a bound on duration" },
	{ "error", K_MAP, F(sc_expect, error), .map = &error_map,
	    .since = "0.2", .text = "how connections failed" },
	{ "tcp_info", K_MAP, F(sc_expect, tcp_info), .map = &tcp_info_map,
	    .since = "0.2", .text = "what TCP_INFO says of connections" },
	{ "event", K_MAP, F(sc_expect, event), .map = &event_map,
	    .since = "0.2",
	    .text =
		"how often something happens; once at least, if it does not say" },
	{ "order", K_MAP, F(sc_expect, order), .map = &order_map,
	    .since = "0.2", .text = "what happens before what" },
	{ "drops", K_MAP, F(sc_expect, drops), .map = &drops_map,
	    .since = "0.2", .text = "packets dropped, by reason" },
	{ "frames", K_MAP, F(sc_expect, frames), .map = &frames_map,
	    .since = "0.2", .text = "frames in the capture" },
	{ "gap", K_MAP, F(sc_expect, gap), .map = &gap_map, .since = "0.2",
	    .text = "the longest time without bytes" },
	{ "report", K_MAP, F(sc_expect, report), .map = &report_map,
	    .since = "0.2", .text = "a number of the report" },
};
const struct key_map expect_map = { "claim", expect_keys, nitems(expect_keys),
	sizeof(struct sc_expect) };
