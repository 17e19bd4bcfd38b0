#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/trace.h>

const struct trace_info trace_catalogue[TP_COUNT] = {
#define TRACE_POINT(name, args, text) [TP_##name] = { #name, args, text },
#include <ktsim/base/trace_points.def>
#undef TRACE_POINT
};

/* The catalogue's "u:conn s:dir" must be what the caller passed. */
static void
trace_check(enum trace_id id, const struct trace_arg *args, unsigned nargs)
{
	const char *p = trace_catalogue[id].ti_args;
	unsigned i;

	for (i = 0; i < nargs && *p != '\0'; i++) {
		KASSERT(args[i].ta_type == *p,
		    ("trace %s: argument %u is '%c', "
		     "catalogue says %s",
			trace_catalogue[id].ti_name, i, args[i].ta_type, p));
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	KASSERT(i == nargs && *p == '\0',
	    ("trace %s: %u arguments, catalogue "
	     "says \"%s\"",
		trace_catalogue[id].ti_name, nargs,
		trace_catalogue[id].ti_args));
}

void
trace_emit(const struct tracer *t, enum trace_id id,
    const struct trace_arg *args, unsigned nargs)
{
	struct trace_rec rec = { .tr_when = *t->t_now,
		.tr_id = id,
		.tr_who = t->t_who,
		.tr_args = args,
		.tr_nargs = nargs };

	trace_check(id, args, nargs);
	t->t_sink->ts_emit(t->t_sink, &rec);
}

int
trace_find(const char *name)
{
	for (int i = 0; i < TP_COUNT; i++)
		if (strcmp(trace_catalogue[i].ti_name, name) == 0)
			return (i);
	return (-1);
}

const struct trace_arg *
trace_getarg(const struct trace_rec *rec, const char *name)
{
	const char *p = trace_catalogue[rec->tr_id].ti_args;
	size_t len = strlen(name);

	for (unsigned i = 0; i < rec->tr_nargs; i++) {
		if (strncmp(p + 2, name, len) == 0 &&
		    (p[2 + len] == ' ' || p[2 + len] == '\0'))
			return (&rec->tr_args[i]);
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return (NULL);
}

uint64_t
trace_arg_u(const struct trace_rec *rec, const char *name)
{
	const struct trace_arg *a = trace_getarg(rec, name);

	return (a != NULL ? a->u : 0);
}

int64_t
trace_arg_i(const struct trace_rec *rec, const char *name)
{
	const struct trace_arg *a = trace_getarg(rec, name);

	return (a != NULL ? a->i : 0);
}

const char *
trace_arg_s(const struct trace_rec *rec, const char *name)
{
	const struct trace_arg *a = trace_getarg(rec, name);

	return (a != NULL && a->s != NULL ? a->s : "");
}
