/* The keys of the timeline. */
#include <ktsim/base/kassert.h>
#include <ktsim/nic/nic.h>

#include "keys.h"

const char *const sc_action_names[] = { "link_down", "link_up", "loss",
	"sysctl", "switch_tls", "fragment", "defragment", "link_suspend",
	"link_resume", "rate", "delay", "queue", "impair", "card", "pacing",
	"ifconfig", "route", "disk", "workers", "completion", "fail_alloc",
	"behave", "abort", NULL };
_Static_assert(nitems(sc_action_names) == SC_DO_ABORT + 2, "a name for each");
/* Those of nic_orders[]. */
const char *const sc_order_names[] = { "reset", "stall", "dma-fail", "corrupt",
	"cmd-fail", "cmd-time", "keys", "contexts", NULL };
_Static_assert(nitems(sc_order_names) == NIC_ORDER_COUNT + 1,
    "a name for each");
static const char *const switch_names[] = { "sw", "ifnet", NULL };

static const struct key step_keys[] = {
	{ "at", K_TIME, F(sc_step, at), F(sc_step, has_at),
	    .text = "virtual time of the step" },
	{ "when", K_STR, F(sc_step, when), .since = "0.2",
	    .text =
		"instead of `at`: what it waits for, such as \"record(flow1, 7).segment(2).sent\"; docs/scenario.md, Steps that wait, has them all" },
	{ "after", K_TIME, F(sc_step, after), F(sc_step, has_after),
	    .max = 86400 * SIM_SEC, .since = "0.2",
	    .text = "when: so much later" },
	{ "every", K_TIME, F(sc_step, every), F(sc_step, has_every),
	    .min = SIM_NS, .max = 86400 * SIM_SEC, .since = "0.2",
	    .text =
		"at: and again so much later each time, `times` in all, or to the end" },
	{ "times", K_UINT, F(sc_step, times), F(sc_step, has_times), .def = "1",
	    .since = "0.2",
	    .text = "when: so often at most; every: so often; 0: each time" },
	{ "must", K_BOOL, F(sc_step, must), F(sc_step, has_must),
	    .def = "false", .since = "0.2",
	    .text = "when: that it happens is an expectation" },
	{ "do", K_ENUM, F(sc_step, action), .required = true,
	    .names = sc_action_names, .text = "what happens" },
	{ "on", K_STR, F(sc_step, on), .required = true,
	    .text =
		"a link by its name or one of its ends (link_*, loss, rate, delay, queue, impair), host (sysctl, fragment, defragment, route, disk, workers, completion, fail_alloc), application (switch_tls, pacing, behave, abort), card, host.nic (card), or an interface, host.name (ifconfig)" },
	{ "loss", K_PERCENT, F(sc_step, loss), F(sc_step, has_loss), .min = 0,
	    .max = 1000000000,
	    .text = "loss: the new chance, both directions" },
	{ "rate", K_RATE, F(sc_step, rate), F(sc_step, has_rate),
	    .max = 10000000000000ULL, .since = "0.2",
	    .text =
		"rate: the new one, both directions, from 1 kbit/s; pacing: as in apps[].pacing_rate, 0bit/s: none; behave: as in apps[].read_rate" },
	{ "delay", K_TIME, F(sc_step, delay), F(sc_step, has_delay),
	    .max = 10 * SIM_SEC, .since = "0.2",
	    .text =
		"delay: the new one, both directions; frames under way are not overtaken" },
	{ "queue", K_SIZE, F(sc_step, queue), F(sc_step, has_queue),
	    .since = "0.2", .text = "queue: the new one, both directions" },
	{ "node", K_STR, F(sc_step, node), .since = "0.2",
	    .text = "impair: the name of a node of the link's `impair`" },
	{ "enabled", K_BOOL, F(sc_step, enabled), F(sc_step, has_enabled),
	    .since = "0.2", .text = "impair: switch it on or off" },
	{ "set", K_MAP, F(sc_step, set), F(sc_step, has_set),
	    .map = &impair_map, .as = "links[].impair[]", .since = "0.2",
	    .text =
		"impair: its kind with new values, as in links[].impair[]; what it counted so far stays" },
	{ "name", K_STR, F(sc_step, name), .text = "sysctl: its name" },
	{ "value", K_VALUE, F(sc_step, value), F(sc_step, has_value),
	    .text = "sysctl: its value, or the value's name" },
	{ "args", K_STR, F(sc_step, args), .since = "0.2",
	    .text =
		"ifconfig, route: what one would type behind the command (and the interface's name), such as \"-laggport mce0\"" },
	{ "order", K_ENUM, F(sc_step, order), F(sc_step, has_order),
	    .names = sc_order_names, .since = "0.2",
	    .text =
		"card: what happens to it; `ktls-sim list models MODEL` says which a card knows" },
	{ "for", K_TIME, F(sc_step, time), F(sc_step, has_time),
	    .max = 86400 * SIM_SEC, .since = "0.2",
	    .text =
		"card: how long, with the orders stall and cmd-time; workers: so long they take nothing up" },
	{ "count", K_UINT, F(sc_step, count), F(sc_step, has_count),
	    .max = UINT32_MAX, .since = "0.2",
	    .text =
		"card: how many, with the other orders but reset; fail_alloc: so many in a row, 1 if not given" },
	{ "latency", K_TIME, F(sc_step, latency), F(sc_step, has_latency),
	    .max = 10 * SIM_SEC, .since = "0.2",
	    .text = "disk: the new hosts[].disk_latency" },
	{ "jitter", K_TIME, F(sc_step, jitter), F(sc_step, has_jitter),
	    .max = 10 * SIM_SEC, .since = "0.2",
	    .text = "disk: the new hosts[].disk_jitter" },
	{ "error", K_BOOL, F(sc_step, disk_error), F(sc_step, has_disk_error),
	    .since = "0.2",
	    .text = "disk: true: pages cannot be read from now on (EIO)" },
	{ "worker", K_UINT, F(sc_step, worker), F(sc_step, has_worker),
	    .max = 255, .since = "0.2",
	    .text =
		"workers: only this one, counted from 0; all if not given" },
	{ "completion", K_ENUM, F(sc_step, completion),
	    F(sc_step, has_completion), .names = completion_names,
	    .since = "0.2", .text = "completion: the new hosts[].completion" },
	{ "zone", K_STR, F(sc_step, zone), .since = "0.2",
	    .text =
		"fail_alloc: what cannot be allocated (M_NOWAIT), a zone of the kernel as --dump-at shows them: mbuf, ktls_session ..." },
	{ "nth", K_UINT, F(sc_step, nth), F(sc_step, has_nth), .def = "1",
	    .min = 1, .max = UINT32_MAX, .since = "0.2",
	    .text = "fail_alloc: from the n-th one on, counted from the step" },
	{ "misreads", K_ENUM, F(sc_step, misreads), F(sc_step, has_misreads),
	    .names = misreads_names, .since = "0.2",
	    .text = "behave: as in apps[].misreads" },
	{ "to", K_ENUM, F(sc_step, to), F(sc_step, has_to),
	    .names = switch_names, .since = "0.2",
	    .text = "switch_tls: the transmit mode of its connections" },
	{ "list", K_BOOL, F(sc_step, list), F(sc_step, has_list),
	    .since = "0.2",
	    .text =
		"switch_tls: only tell the commands that would switch them" },
	{ "peer", K_STR, F(sc_step, peer), .since = "0.2",
	    .text = "switch_tls: only connections with this other end, "
		    "ADDRESS or ADDRESS:PORT" },
	{ "connection", K_UINT, F(sc_step, connection),
	    F(sc_step, has_connection), .max = 99999, .since = "0.2",
	    .text =
		"switch_tls, pacing, behave, abort: only this one, counted from 0; all if not given" },
	KEY_ONLY,
};
const struct key_map step_map = { "timeline step", step_keys, nitems(step_keys),
	sizeof(struct sc_step) };
