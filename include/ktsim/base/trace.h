/*
 * Trace points: the one catalogue of what the simulated kernels, cards and
 * the laboratory have to tell (trace_points.def). Text, NDJSON, the reasons
 * in reports and the comments in captures are all made from these records,
 * so a reason that a report gives was said by the branch that was taken.
 *
 *	TRACE(tr, tls_mode, TU(connid), TS("tx"), TS("ifnet"), TS(why), TI(error));
 *
 * Arguments must agree in number and type with the catalogue (asserted).
 * Strings must be static, or live until the sink returns.
 */
#ifndef KTSIM_BASE_TRACE_H
#define KTSIM_BASE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>

#define TRACE_MAXARGS 8

struct strbuf;

enum trace_id {
#define TRACE_POINT(name, args, text) TP_##name,
#include <ktsim/base/trace_points.def>
#undef TRACE_POINT
	TP_COUNT
};

struct trace_info {
	const char *ti_name;
	const char *ti_args; /* "u:conn s:dir i:error" */
	const char *ti_text; /* meaning */
};

#define TRACE_MASK_WORDS ((TP_COUNT + 63) / 64)

extern const struct trace_info trace_catalogue[TP_COUNT];

struct trace_arg {
	char ta_type; /* 'u' unsigned, 'i' int, 's' string */
	union {
		uint64_t u;
		int64_t i;
		const char *s;
	};
};

#define TU(x)                                      \
	{                                          \
		.ta_type = 'u', .u = (uint64_t)(x) \
	}
#define TI(x)                                     \
	{                                         \
		.ta_type = 'i', .i = (int64_t)(x) \
	}
#define TS(x)                            \
	{                                \
		.ta_type = 's', .s = (x) \
	}

struct trace_rec {
	simtime_t tr_when;
	enum trace_id tr_id;
	const char *tr_who; /* host or component name */
	const struct trace_arg *tr_args;
	unsigned tr_nargs;
};

/* Where records go. One per world; shared by its hosts. */
struct trace_sink {
	void (*ts_emit)(struct trace_sink *, const struct trace_rec *);
	uint64_t ts_mask[TRACE_MASK_WORDS]; /* points that are wanted */
};

/* One per host or component. */
struct tracer {
	struct trace_sink *t_sink; /* NULL: silent */
	const simtime_t *t_now;
	const char *t_who;
};

static inline bool
trace_mask_has(const uint64_t mask[TRACE_MASK_WORDS], enum trace_id id)
{
	return (((mask[id / 64] >> (id % 64)) & 1) != 0);
}

static inline void
trace_mask_add(uint64_t mask[TRACE_MASK_WORDS], enum trace_id id)
{
	mask[id / 64] |= (uint64_t)1 << (id % 64);
}

static inline bool
trace_wanted(const struct tracer *t, enum trace_id id)
{
	return (t->t_sink != NULL && trace_mask_has(t->t_sink->ts_mask, id));
}

void trace_emit(const struct tracer *, enum trace_id, const struct trace_arg *,
    unsigned nargs);
/* -1 when there is none of that name. */
int trace_find(const char *name);
/* The value of argument `name` in rec, or NULL. */
const struct trace_arg *trace_getarg(const struct trace_rec *rec,
    const char *name);
/* The same, of its kind (the catalogue says which); 0 or "" if there is none. */
uint64_t trace_arg_u(const struct trace_rec *, const char *name);
int64_t trace_arg_i(const struct trace_rec *, const char *name);
const char *trace_arg_s(const struct trace_rec *, const char *name);

/*
 * A record as one line with its newline, appended: as text ("0.000159000000
 * server tls_mode conn=1 dir=tx mode=sw error=ENXIO reason="..."", seconds,
 * where, point, arguments), or as one JSON object (times in ps).
 */
void trace_text(const struct trace_rec *, struct strbuf *);
void trace_ndjson(const struct trace_rec *, struct strbuf *);
/* Its arguments alone, as members of a JSON object. */
void trace_args_json(const struct trace_rec *, struct strbuf *);
/*
 * Add the points of a comma list of names and globs ("tls_*,tcp_rexmit") to a
 * mask. EINVAL: a word matches none, or there is no word; err says which and
 * what is near.
 */
int trace_select(const char *points, uint64_t mask[TRACE_MASK_WORDS],
    struct strbuf *err);

#define TRACE(t, name, ...)                                             \
	do {                                                            \
		if (trace_wanted((t), TP_##name)) {                     \
			const struct trace_arg ta_[] = { __VA_ARGS__ }; \
			trace_emit((t), TP_##name, ta_,                 \
			    sizeof(ta_) / sizeof(ta_[0]));              \
		}                                                       \
	} while (0)

#endif
