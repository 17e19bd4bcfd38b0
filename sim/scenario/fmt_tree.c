/*
 * A scenario's text as the formatter sees it: the tree with styles, anchors
 * and places, and beside it the comments and blank lines, which YAML's parser
 * throws away.
 */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "fmt.h"

struct reader {
	yaml_parser_t parser;
	struct fmt_text *ft;
};

/* --- places --- */

/* The byte of a place that the parser gives in characters. */
static size_t
place_byte(const struct fmt_text *ft, size_t line, size_t col)
{
	const char *p = ft->ft_text, *end = p + ft->ft_len;

	p += ft->ft_lines[MIN(line, ft->ft_nlines)].fl_start;
	while (col > 0 && p < end) {
		p++;
		while (p < end && (*p & 0xc0) == 0x80)
			p++;
		col--;
	}
	return ((size_t)(p - ft->ft_text));
}

static void
lines_find(struct fmt_text *ft)
{
	const char *p = ft->ft_text, *end = p + ft->ft_len;
	unsigned n = 1;

	for (; p < end; p++)
		n += *p == '\n';
	ft->ft_lines = xcalloc(n + 2, sizeof(*ft->ft_lines));
	ft->ft_nlines = 0;
	for (p = ft->ft_text; p < end; ft->ft_nlines++) {
		ft->ft_lines[ft->ft_nlines].fl_start =
		    (size_t)(p - ft->ft_text);
		p = memchr(p, '\n', (size_t)(end - p));
		p = p != NULL ? p + 1 : end;
	}
	ft->ft_lines[ft->ft_nlines].fl_start = ft->ft_len;
}

/* --- comments --- */

static int
by_start(const void *va, const void *vb)
{
	const struct fmt_range *a = va, *b = vb;

	return (a->fr_from < b->fr_from ? -1 : a->fr_from > b->fr_from);
}

/* Does the `#` at p begin a comment? Inside of a scalar it does not. */
static bool
is_comment(const struct fmt_text *ft, const char *p)
{
	const struct fmt_range key = { .fr_from = (size_t)(p - ft->ft_text) };
	const struct fmt_range *r = ft->ft_scalars;
	size_t lo = 0, hi = ft->ft_nscalars, mid;

	if (p > ft->ft_text && p[-1] != ' ' && p[-1] != '\t' && p[-1] != '\n')
		return (false);
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (r[mid].fr_from <= key.fr_from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo == 0 || key.fr_from >= r[lo - 1].fr_to);
}

static void
line_look(struct fmt_text *ft, struct fmt_line *fl, const char *end)
{
	const char *p = ft->ft_text + fl->fl_start, *from = p;

	while (end > p &&
	    (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' ' ||
		end[-1] == '\t'))
		end--;
	fl->fl_blank = p == end;
	for (; p < end; p++) {
		if (*p != '#' || !is_comment(ft, p))
			continue;
		fl->fl_comment = p;
		fl->fl_comment_len = (size_t)(end - p);
		while (from < p && (*from == ' ' || *from == '\t'))
			from++;
		fl->fl_whole = from == p;
		return;
	}
}

static void
comments_find(struct fmt_text *ft)
{
	qsort(ft->ft_scalars, ft->ft_nscalars, sizeof(*ft->ft_scalars),
	    by_start);
	for (unsigned i = 0; i < ft->ft_nlines; i++)
		line_look(ft, &ft->ft_lines[i],
		    ft->ft_text + ft->ft_lines[i + 1].fl_start);
}

/* --- the tree --- */

static struct fmt_node *read_node(struct reader *, const yaml_event_t *);

static struct fmt_node *
new_node(struct reader *rd, enum node_kind kind, const yaml_event_t *ev)
{
	struct fmt_node *n = arena_alloc(&rd->ft->ft_arena, sizeof(*n));

	n->fn_kind = kind;
	n->fn_line = (unsigned)ev->start_mark.line;
	n->fn_last = (unsigned)ev->end_mark.line;
	return (n);
}

static const char *
keep(struct reader *rd, const yaml_char_t *s)
{
	return (s != NULL ? arena_strdup(&rd->ft->ft_arena, (const char *)s)
			  : NULL);
}

static bool
is_block(const yaml_event_t *ev)
{
	return (ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	    ev->data.scalar.style == YAML_FOLDED_SCALAR_STYLE);
}

static void
scalar_range(struct reader *rd, const yaml_event_t *ev)
{
	struct fmt_text *ft = rd->ft;
	size_t from =
	    place_byte(ft, ev->start_mark.line, ev->start_mark.column);
	size_t to = place_byte(ft, ev->end_mark.line, ev->end_mark.column);

	/* Behind the sign of a block there may be a comment. */
	if (is_block(ev))
		from = ft->ft_lines[MIN(ev->start_mark.line + 1,
					(size_t)ft->ft_nlines)]
			   .fl_start;
	if (ft->ft_nscalars == ft->ft_size) {
		ft->ft_size = MAX(2 * ft->ft_size, 256u);
		ft->ft_scalars = xrealloc(ft->ft_scalars,
		    ft->ft_size * sizeof(*ft->ft_scalars));
	}
	ft->ft_scalars[ft->ft_nscalars++] =
	    (struct fmt_range) { from, MAX(from, to) };
}

/* Its tag, if somebody wrote one: it may make another value of the text. */
static void
take_tag(struct reader *rd, const yaml_char_t *tag, const yaml_event_t *ev)
{
	static const char core[] = "tag:yaml.org,2002:";
	const char *s = (const char *)tag;

	if (s == NULL || rd->ft->ft_tag != NULL)
		return;
	rd->ft->ft_tag = strncmp(s, core, strlen(core)) == 0
	    ? arena_printf(&rd->ft->ft_arena, "!!%s", s + strlen(core))
	    : keep(rd, tag);
	rd->ft->ft_tag_line = (unsigned)ev->start_mark.line;
}

static struct fmt_node *
read_scalar(struct reader *rd, const yaml_event_t *ev)
{
	struct fmt_node *n = new_node(rd, NODE_SCALAR, ev);
	yaml_scalar_style_t style = ev->data.scalar.style;

	n->fn_text = keep(rd, ev->data.scalar.value);
	n->fn_anchor = keep(rd, ev->data.scalar.anchor);
	take_tag(rd, ev->data.scalar.tag, ev);
	n->fn_plain = style == YAML_PLAIN_SCALAR_STYLE;
	n->fn_block = is_block(ev);
	scalar_range(rd, ev);
	return (n);
}

static struct fmt_node *
read_alias(struct reader *rd, const yaml_event_t *ev)
{
	struct fmt_node *n = new_node(rd, NODE_SCALAR, ev);

	n->fn_alias = keep(rd, ev->data.alias.anchor);
	n->fn_text = "";
	return (n);
}

/* Children up to the end; of a map each has its key in front. */
static bool
read_children(struct reader *rd, struct fmt_node *of, yaml_event_type_t end)
{
	struct fmt_node **np = &of->fn_child, *n, *key = NULL;
	yaml_event_t ev;

	for (;;) {
		if (!yaml_parser_parse(&rd->parser, &ev))
			return (false);
		if (ev.type == end) {
			of->fn_last = (unsigned)ev.end_mark.line;
			if (!of->fn_flow && of->fn_child != NULL)
				of->fn_last = of->fn_line;
			yaml_event_delete(&ev);
			return (true);
		}
		n = read_node(rd, &ev);
		yaml_event_delete(&ev);
		if (n == NULL)
			return (false);
		if (of->fn_kind == NODE_MAP && key == NULL) {
			key = n;
			continue;
		}
		n->fn_key = key;
		key = NULL;
		*np = n;
		np = &n->fn_next;
	}
}

static struct fmt_node *
read_node(struct reader *rd, const yaml_event_t *ev)
{
	struct fmt_node *n;
	bool ok = true;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return (read_scalar(rd, ev));
	case YAML_ALIAS_EVENT:
		return (read_alias(rd, ev));
	case YAML_MAPPING_START_EVENT:
		n = new_node(rd, NODE_MAP, ev);
		n->fn_flow =
		    ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		n->fn_anchor = keep(rd, ev->data.mapping_start.anchor);
		take_tag(rd, ev->data.mapping_start.tag, ev);
		ok = read_children(rd, n, YAML_MAPPING_END_EVENT);
		break;
	case YAML_SEQUENCE_START_EVENT:
		n = new_node(rd, NODE_LIST, ev);
		n->fn_flow =
		    ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		n->fn_anchor = keep(rd, ev->data.sequence_start.anchor);
		take_tag(rd, ev->data.sequence_start.tag, ev);
		ok = read_children(rd, n, YAML_SEQUENCE_END_EVENT);
		break;
	default:
		return (NULL);
	}
	return (ok ? n : NULL);
}

bool
fmt_read(struct fmt_text *ft)
{
	struct reader rd = { .ft = ft };
	yaml_event_t ev;
	bool more = true;

	/* A byte order mark says nothing in UTF-8. */
	if (ft->ft_len >= 3 && memcmp(ft->ft_text, "\xef\xbb\xbf", 3) == 0) {
		ft->ft_text += 3;
		ft->ft_len -= 3;
	}
	lines_find(ft);
	if (!yaml_parser_initialize(&rd.parser))
		return (false);
	yaml_parser_set_input_string(&rd.parser,
	    (const unsigned char *)ft->ft_text, ft->ft_len);
	while (more && ft->ft_root == NULL) {
		if (!yaml_parser_parse(&rd.parser, &ev))
			break;
		more = ev.type == YAML_STREAM_START_EVENT ||
		    ev.type == YAML_DOCUMENT_START_EVENT;
		if (!more)
			ft->ft_root = read_node(&rd, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&rd.parser);
	comments_find(ft);
	return (ft->ft_root != NULL);
}

void
fmt_fini(struct fmt_text *ft)
{
	arena_free(&ft->ft_arena);
	free(ft->ft_lines);
	free(ft->ft_scalars);
}
