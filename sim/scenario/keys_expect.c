/* The keys of the claims. */
#include <ktsim/base/kassert.h>

#include "keys.h"

static const char *const dir_names[] = { "tx", "rx", NULL };
static const char *const mode_names[] = { "none", "sw", "ifnet", "toe", NULL };

static const struct key delivered_keys[] = {
	{ "app", K_STR, F(sc_exp_delivered, app), .required = true,
	    .text = "the client" },
	{ "bytes", K_SIZE, F(sc_exp_delivered, bytes), .required = true,
	    .text = "body bytes received, all its connections together" },
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
	{ "at", K_TIME, F(sc_exp_mode, at), F(sc_exp_mode, has_at),
	    .text = "when to look; when each connection ended if not given" },
};
MAPDEF(mode, "mode claim", struct sc_exp_mode);

static const struct key time_keys[] = {
	{ "app", K_STR, F(sc_exp_time, app), .required = true,
	    .text = "the client" },
	{ "max", K_TIME, F(sc_exp_time, max), .required = true,
	    .text = "its last connection is done by then" },
};
MAPDEF(time, "time claim", struct sc_exp_time);

static const struct key error_keys[] = {
	{ "app", K_STR, F(sc_exp_error, app), .required = true, .since = "0.2",
	    .text = "whose connections: all of them" },
	{ "is", K_STR, F(sc_exp_error, is), .required = true, .since = "0.2",
	    .text =
		"errno that ended each (`ktls-sim list errors`): EBADMSG and the like" },
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
};
const struct key_map expect_map = { "claim", expect_keys, nitems(expect_keys),
	sizeof(struct sc_expect) };
