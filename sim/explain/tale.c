/* Explanations as text and as JSON. */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include <ktsim/sim/tale.h>

static char *
vtext(const char *fmt, va_list ap)
{
	struct strbuf sb = { 0 };

	strbuf_vaddf(&sb, fmt, ap);
	return (strbuf_take(&sb));
}

static struct tale_line *
line_add(struct tale *ta)
{
	if (ta->ta_n == ta->ta_size) {
		ta->ta_size = MAX(2 * ta->ta_size, 16);
		ta->ta_lines =
		    xrealloc(ta->ta_lines, ta->ta_size * sizeof(*ta->ta_lines));
	}
	return (&ta->ta_lines[ta->ta_n++]);
}

void
tale_add(struct tale *ta, simtime_t when, const char *where, uint64_t frame,
    const char *fmt, ...)
{
	struct tale_line *tl = line_add(ta);
	va_list ap;

	*tl = (struct tale_line) { .tl_timed = true,
		.tl_when = when,
		.tl_where = xstrdup(where),
		.tl_frame = frame };
	va_start(ap, fmt);
	tl->tl_text = vtext(fmt, ap);
	va_end(ap);
}

void
tale_note(struct tale *ta, const char *where, const char *fmt, ...)
{
	struct tale_line *tl = line_add(ta);
	va_list ap;

	*tl = (struct tale_line) { .tl_where = xstrdup(where) };
	va_start(ap, fmt);
	tl->tl_text = vtext(fmt, ap);
	va_end(ap);
}

void
tale_sum(struct tale *ta, const char *fmt, ...)
{
	va_list ap;

	free(ta->ta_sum);
	va_start(ap, fmt);
	ta->ta_sum = vtext(fmt, ap);
	va_end(ap);
}

/* Insertion: lines come nearly sorted, and those of one instant stay. */
void
tale_sort(struct tale *ta)
{
	struct tale_line tl;
	unsigned j;

	for (unsigned i = 1; i < ta->ta_n; i++) {
		tl = ta->ta_lines[i];
		for (j = i;
		     j > 0 && tl.tl_timed && ta->ta_lines[j - 1].tl_timed &&
		     ta->ta_lines[j - 1].tl_when > tl.tl_when;
		     j--)
			ta->ta_lines[j] = ta->ta_lines[j - 1];
		ta->ta_lines[j] = tl;
	}
}

void
tale_text(const struct tale *ta, struct strbuf *sb)
{
	const struct tale_line *tl;
	struct strbuf t = { 0 };

	strbuf_addf(sb, "%s\n", ta->ta_title);
	for (tl = ta->ta_lines; tl < ta->ta_lines + ta->ta_n; tl++) {
		strbuf_clear(&t);
		if (tl->tl_timed)
			format_time(tl->tl_when, &t);
		strbuf_addf(sb, "  %12s  %s%s%s", strbuf_str(&t), tl->tl_where,
		    tl->tl_where[0] != '\0' ? ": " : "", tl->tl_text);
		if (tl->tl_frame != 0)
			strbuf_addf(sb, "  [frame %ju]",
			    (uintmax_t)tl->tl_frame);
		strbuf_adds(sb, "\n");
	}
	strbuf_fini(&t);
	if (ta->ta_sum != NULL)
		strbuf_addf(sb, "%s\n", ta->ta_sum);
	if (ta->ta_remedy != NULL)
		strbuf_addf(sb, "what to do: %s\n", ta->ta_remedy);
}

void
tale_json(const struct tale *ta, struct strbuf *sb)
{
	json_t *o, *lines = json_array(), *l;
	const struct tale_line *tl;
	char *text;

	for (tl = ta->ta_lines; tl < ta->ta_lines + ta->ta_n; tl++) {
		l = json_pack("{s:s, s:s}", "where", tl->tl_where, "text",
		    tl->tl_text);
		if (tl->tl_timed)
			json_object_set_new(l, "ps",
			    json_integer((json_int_t)tl->tl_when));
		if (tl->tl_frame != 0)
			json_object_set_new(l, "frame",
			    json_integer((json_int_t)tl->tl_frame));
		json_array_append_new(lines, l);
	}
	o = json_pack("{s:i, s:s, s:o, s:s?, s:s?}", "ktls_sim_explanation", 1,
	    "title", ta->ta_title, "lines", lines, "answer", ta->ta_sum,
	    "remedy", ta->ta_remedy);
	text = json_dumps(o, JSON_INDENT(1));
	strbuf_addf(sb, "%s\n", text);
	free(text);
	json_decref(o);
}

void
tale_fini(struct tale *ta)
{
	for (unsigned i = 0; i < ta->ta_n; i++) {
		free(ta->ta_lines[i].tl_where);
		free(ta->ta_lines[i].tl_text);
	}
	free(ta->ta_lines);
	free(ta->ta_title);
	free(ta->ta_sum);
	free(ta->ta_remedy);
	*ta = (struct tale) { 0 };
}
