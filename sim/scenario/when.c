/*
 * Conditions of the timeline:
 *
 *   record(FLOW, N).sent                   N: from 0, or *
 *   record(FLOW, N, client).segment(K).lost
 *   counter(HOST, NAME) >= NUMBER
 *   state(FLOW, ESTABLISHED)
 *   delivered(APP) >= SIZE
 *
 * FLOW is flow1 (by order of SYNs), or APP#K: a client's K-th connection.
 * One function for each word, each moves on or says what it wanted.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "check.h"
#include "node.h"

const char *const sc_tcp_states[] = { "CLOSED", "LISTEN", "SYN_SENT",
	"SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1", "CLOSING",
	"LAST_ACK", "FIN_WAIT_2", "TIME_WAIT", NULL };

struct parser {
	const char *p;
	struct arena *arena;
	const char *why;
};

static bool
wanted(struct parser *ps, const char *why)
{
	ps->why = why;
	return (false);
}

static void
blanks(struct parser *ps)
{
	ps->p += strspn(ps->p, " \t");
}

/* The text, with blanks around it. */
static bool
accept(struct parser *ps, const char *text)
{
	size_t len = strlen(text);

	blanks(ps);
	if (strncmp(ps->p, text, len) != 0)
		return (false);
	ps->p += len;
	blanks(ps);
	return (true);
}

static bool
number(struct parser *ps, uint64_t *v)
{
	const char *start = ps->p;

	for (*v = 0; isdigit((unsigned char)*ps->p); ps->p++) {
		if (*v > (UINT64_MAX - 9) / 10)
			break;
		*v = *v * 10 + (uint64_t)(*ps->p - '0');
	}
	if (isdigit((unsigned char)*ps->p))
		ps->p = start; /* too large */
	return (ps->p != start);
}

/* Up to the next of the characters; NULL: nothing is there. */
static const char *
word(struct parser *ps, const char *end)
{
	size_t len;
	char *s;

	blanks(ps);
	len = strcspn(ps->p, end);
	while (len > 0 && ps->p[len - 1] == ' ')
		len--;
	if (len == 0)
		return (NULL);
	s = arena_alloc(ps->arena, len + 1);
	memcpy(s, ps->p, len);
	ps->p += len;
	blanks(ps);
	return (s);
}

static bool
flow(struct parser *ps, struct sc_when *w)
{
	const char *why = "a flow is flow1, flow2 ... in the order of SYNs, or "
			  "APP#0, APP#1 ... of a client";
	const char *start = ps->p;
	uint64_t v;

	if (strncmp(ps->p, "flow", 4) == 0) {
		ps->p += 4;
		if (number(ps, &v) && v > 0 && v <= UINT32_MAX) {
			w->flow = (unsigned)v;
			return (true);
		}
		ps->p = start;
	}
	w->app = word(ps, "#,() ");
	if (w->app == NULL || !accept(ps, "#") || !number(ps, &v) ||
	    v > UINT32_MAX)
		return (wanted(ps, why));
	w->connection = (unsigned)v;
	return (true);
}

static bool
fate(struct parser *ps, struct sc_when *w)
{
	static const char *const names[] = { ".sent", ".delivered", ".lost" };

	for (int i = 0; i < 3; i++)
		if (accept(ps, names[i])) {
			w->fate = i;
			return (true);
		}
	return (wanted(ps,
	    "a record or its segment is .sent, .delivered or "
	    ".lost"));
}

static bool
record(struct parser *ps, struct sc_when *w)
{
	w->kind = SC_WHEN_RECORD;
	if (!flow(ps, w))
		return (false);
	if (!accept(ps, ","))
		return (wanted(ps,
		    "record wants a flow, a comma and the "
		    "record's number"));
	w->any_record = accept(ps, "*");
	if (!w->any_record && !number(ps, &w->record))
		return (
		    wanted(ps, "a record's number counts from 0; * is each"));
	if (accept(ps, ",")) {
		if (accept(ps, "client"))
			w->side = SC_SIDE_CLIENT;
		else if (!accept(ps, "server"))
			return (wanted(ps,
			    "whose record it is: server (if "
			    "nothing is said) or client"));
	}
	if (!accept(ps, ")"))
		return (wanted(ps, "here the bracket closes"));
	if (accept(ps, ".segment(") &&
	    (!number(ps, &w->segment) || w->segment == 0 || !accept(ps, ")")))
		return (wanted(ps,
		    "a segment's number counts from 1, then the "
		    "bracket closes"));
	return (fate(ps, w));
}

static bool
compare(struct parser *ps, struct sc_when *w)
{
	static const struct {
		const char *text;
		int cmp;
	} ops[] = { { "<=", SC_LE }, { ">=", SC_GE }, { "==", SC_EQ },
		{ "!=", SC_NE }, { "<", SC_LT }, { ">", SC_GT } };

	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (accept(ps, ops[i].text)) {
			w->cmp = ops[i].cmp;
			return (true);
		}
	return (wanted(ps, "compare with <, <=, ==, !=, >= or >"));
}

static bool
counter(struct parser *ps, struct sc_when *w)
{
	w->kind = SC_WHEN_COUNTER;
	if ((w->host = word(ps, ",() ")) == NULL || !accept(ps, ",") ||
	    (w->counter = word(ps, ",() ")) == NULL || !accept(ps, ")"))
		return (wanted(ps, "counter wants (HOST, SYSCTL)"));
	if (!compare(ps, w))
		return (false);
	if (!number(ps, &w->value))
		return (
		    wanted(ps, "a counter is compared with a whole number"));
	return (true);
}

static bool
state(struct parser *ps, struct sc_when *w)
{
	const char *name;

	w->kind = SC_WHEN_STATE;
	if (!flow(ps, w))
		return (false);
	if (!accept(ps, ",") || (name = word(ps, ",() ")) == NULL)
		return (wanted(ps, "state wants (FLOW, STATE)"));
	for (w->state = 0; sc_tcp_states[w->state] != NULL; w->state++)
		if (strcmp(name, sc_tcp_states[w->state]) == 0)
			return (accept(ps, ")") ||
			    wanted(ps, "here the bracket closes"));
	return (wanted(ps,
	    "a state is TCP's, such as SYN_SENT, ESTABLISHED or "
	    "FIN_WAIT_1"));
}

static bool
delivered(struct parser *ps, struct sc_when *w)
{
	const char *size;

	w->kind = SC_WHEN_DELIVERED;
	if ((w->app = word(ps, ",() ")) == NULL || !accept(ps, ")"))
		return (wanted(ps, "delivered wants (APP)"));
	if (!compare(ps, w))
		return (false);
	size = word(ps, "");
	if (size == NULL || parse_size(size, &w->value) != 0)
		return (wanted(ps,
		    "what is delivered is compared with a size "
		    "and its unit, such as 1MiB"));
	return (true);
}

static bool
condition(struct parser *ps, struct sc_when *w)
{
	if (accept(ps, "record("))
		return (record(ps, w));
	if (accept(ps, "counter("))
		return (counter(ps, w));
	if (accept(ps, "state("))
		return (state(ps, w));
	if (accept(ps, "delivered("))
		return (delivered(ps, w));
	return (wanted(ps,
	    "it begins with record(, counter(, state( or "
	    "delivered("));
}

int
when_parse(const char *text, struct arena *a, struct sc_when *w,
    const char **why, const char **rest)
{
	struct parser ps = { .p = text, .arena = a };
	bool ok;

	*w = (struct sc_when) { 0 };
	ok = condition(&ps, w);
	blanks(&ps);
	if (ok && *ps.p != '\0')
		ok = wanted(&ps, "it ends here");
	*why = ps.why;
	*rest = ps.p;
	return (ok ? 0 : EINVAL);
}
