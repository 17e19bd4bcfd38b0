/* Trace records as text and as JSON, both from the catalogue. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/trace.h>

/* The next "u:conn" of the catalogue; its name begins at *p + 2. */
static int
arg_name_len(const char *p)
{
	return ((int)strcspn(p + 2, " "));
}

static const char *
arg_next(const char *p)
{
	p += strcspn(p, " ");
	return (p + strspn(p, " "));
}

void
trace_args_json(const struct trace_rec *rec, struct strbuf *sb)
{
	const char *p = trace_catalogue[rec->tr_id].ti_args;
	const struct trace_arg *a;

	for (unsigned i = 0; i < rec->tr_nargs; i++, p = arg_next(p)) {
		a = &rec->tr_args[i];
		strbuf_addf(sb, "%s\"%.*s\":", i > 0 ? "," : "",
		    arg_name_len(p), p + 2);
		if (a->ta_type == 's')
			strbuf_add_json(sb, a->s);
		else if (a->ta_type == 'u')
			strbuf_addf(sb, "%" PRIu64, a->u);
		else
			strbuf_addf(sb, "%" PRId64, a->i);
	}
}

void
trace_ndjson(const struct trace_rec *rec, struct strbuf *sb)
{
	strbuf_addf(sb, "{\"ps\":%" PRIu64 ",\"at\":", rec->tr_when);
	strbuf_add_json(sb, rec->tr_who);
	strbuf_addf(sb, ",\"point\":\"%s\"",
	    trace_catalogue[rec->tr_id].ti_name);
	if (rec->tr_nargs > 0)
		strbuf_adds(sb, ",");
	trace_args_json(rec, sb);
	strbuf_adds(sb, "}\n");
}

/* A word stands as it is, a sentence in quotes. */
static void
add_value(struct strbuf *sb, const char *name, int len,
    const struct trace_arg *a)
{
	if (a->ta_type == 's' && *a->s != '\0' &&
	    strpbrk(a->s, " \"\\\t\n=") == NULL)
		strbuf_adds(sb, a->s);
	else if (a->ta_type == 's')
		strbuf_add_json(sb, a->s);
	else if (a->ta_type == 'u')
		strbuf_addf(sb, "%" PRIu64, a->u);
	else if (len == 5 && memcmp(name, "error", 5) == 0)
		strbuf_adds(sb, errno_name((int)a->i));
	else
		strbuf_addf(sb, "%" PRId64, a->i);
}

void
trace_text(const struct trace_rec *rec, struct strbuf *sb)
{
	const char *p = trace_catalogue[rec->tr_id].ti_args;
	simtime_t t = rec->tr_when;

	strbuf_addf(sb, "%" PRIu64 ".%012" PRIu64 " %s %s", t / SIM_SEC,
	    t % SIM_SEC, *rec->tr_who != '\0' ? rec->tr_who : "-",
	    trace_catalogue[rec->tr_id].ti_name);
	for (unsigned i = 0; i < rec->tr_nargs; i++, p = arg_next(p)) {
		strbuf_addf(sb, " %.*s=", arg_name_len(p), p + 2);
		add_value(sb, p + 2, arg_name_len(p), &rec->tr_args[i]);
	}
	strbuf_adds(sb, "\n");
}

/* --- choosing points --- */

static void
select_complain(const char *word, struct strbuf *err)
{
	const char *names[TP_COUNT], *near;

	for (int i = 0; i < TP_COUNT; i++)
		names[i] = trace_catalogue[i].ti_name;
	near = nearest_name(word, names, TP_COUNT);
	strbuf_addf(err,
	    strpbrk(word, "*?[") != NULL ? "no trace point matches `%s`"
					 : "there is no trace point `%s`",
	    word);
	if (near != NULL)
		strbuf_addf(err, "; did you mean `%s`?", near);
	else
		strbuf_adds(err, "; `ktls-sim list traces` shows them");
}

int
trace_select(const char *points, uint64_t mask[TRACE_MASK_WORDS],
    struct strbuf *err)
{
	char *copy = xstrdup(points), *word, *last = NULL;
	bool any = false, found = true;

	for (word = strtok_r(copy, ",", &last); word != NULL && found;
	     word = strtok_r(NULL, ",", &last)) {
		any = true;
		found = false;
		for (int i = 0; i < TP_COUNT; i++)
			if (fnmatch(word, trace_catalogue[i].ti_name, 0) == 0) {
				trace_mask_add(mask, (enum trace_id)i);
				found = true;
			}
		if (!found)
			select_complain(word, err);
	}
	if (!any)
		strbuf_adds(err, "no trace point is named");
	free(copy);
	return (any && found ? 0 : EINVAL);
}
