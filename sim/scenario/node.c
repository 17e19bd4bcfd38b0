/*
 * libyaml's events into a small tree. The parser's own document API loses
 * positions and is quadratic on deep nesting; the event API has neither
 * fault, it only wants a depth limit.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "node.h"

/* --- arena --- */

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	/* bytes follow */
};

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t want;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (b == NULL || b->size - b->used < size) {
		want = MAX(size, (size_t)65536);
		b = xcalloc(1, sizeof(*b) + 16 + want);
		b->size = want;
		b->next = a->blocks;
		a->blocks = b;
	}
	p = (char *)(b + 1) + 8 + b->used;
	b->used += size;
	return (p);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;

	return (memcpy(arena_alloc(a, n), s, n));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list ap;
	char *s;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	s = arena_strdup(a, strbuf_str(&sb));
	strbuf_fini(&sb);
	return (s);
}

struct placed {
	struct sc_loc at;
	char text[];
};

const char *
text_placed(struct arena *a, const char *s, const struct sc_loc *at)
{
	size_t n = strlen(s) + 1;
	struct placed *p = arena_alloc(a, sizeof(*p) + n);

	p->at = *at;
	return (memcpy(p->text, s, n));
}

const struct sc_loc *
scenario_text_at(const char *s)
{
	const void *p = s - offsetof(struct placed, text);

	return (&((const struct placed *)p)->at);
}

void
arena_free(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->blocks) != NULL) {
		a->blocks = b->next;
		free(b);
	}
}

/* --- diagnostics --- */

/* Bytes of the UTF-8 character at p; 0: it is none. */
static int
utf8_len(const unsigned char *p, const unsigned char *end)
{
	int n = *p < 0x80	      ? 1
	    : *p >= 0xc2 && *p < 0xe0 ? 2
	    : *p >= 0xe0 && *p < 0xf0 ? 3
	    : *p >= 0xf0 && *p < 0xf5 ? 4
				      : 0;

	if (n > end - p)
		return (0);
	for (int i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	return (n);
}

/*
 * Add text for a terminal: what is not a printable character becomes one that
 * is, so that neither a file nor a value in it can speak to the terminal.
 */
static void
add_printable(struct strbuf *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	int n;

	for (; p < end; p += MAX(n, 1)) {
		n = utf8_len(p, end);
		if (n == 0)
			strbuf_adds(out, "?");
		else if (n == 1 && (*p < 32 || *p == 127))
			strbuf_adds(out, " ");
		else
			strbuf_add(out, p, (size_t)n);
	}
}

static void
diag_source(struct diag *d, const struct sc_source *src, int line, int col)
{
	const char *p = src->sr_text, *end = p + src->sr_len, *nl;
	int width;

	for (int i = 1; i < line && p != NULL; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p != NULL)
			p++;
	}
	if (line <= 0 || p == NULL || p >= end)
		return;
	nl = memchr(p, '\n', (size_t)(end - p));
	width = (int)MIN((nl != NULL ? nl : end) - p, 160);
	strbuf_adds(d->out, "  ");
	add_printable(d->out, p, (size_t)width);
	strbuf_addf(d->out, "\n  %*s^\n", MIN(MAX(col, 1), 161) - 1, "");
}

static void
diag_place(struct diag *d, const char *kind, const struct sc_loc *at,
    const struct sc_source *src, struct strbuf *out)
{
	const char *set;

	if (at->line > 0)
		strbuf_addf(out, "%s:%d:%d: %s: ", src->sr_path, at->line,
		    at->col, kind);
	else if (at->line < 0) {
		set = d->sets[-at->line - 1];
		strbuf_adds(out, "--set ");
		add_printable(out, set, strlen(set));
		strbuf_addf(out, ": %s: ", kind);
	} else
		strbuf_addf(out, "%s: %s: ", src->sr_path, kind);
}

/* False: that error was told. */
static bool
diag_v(struct diag *d, const char *kind, const struct sc_loc *at,
    const char *fmt, va_list ap)
{
	const struct sc_source *src = at->src != NULL ? at->src : d->src;
	struct strbuf text = { 0 }, line = { 0 };
	bool news;

	diag_place(d, kind, at, src, &line);
	strbuf_vaddf(&text, fmt, ap);
	add_printable(&line, strbuf_str(&text), text.sb_len);
	strbuf_fini(&text);
	strbuf_adds(&line, "\n");
	news = kind[0] == 'n' || at->line == 0 ||
	    strstr(strbuf_str(d->out), strbuf_str(&line)) == NULL;
	if (news) {
		strbuf_add(d->out, strbuf_str(&line), line.sb_len);
		diag_source(d, src, at->line, at->col);
	}
	strbuf_fini(&line);
	return (news);
}

void
diag_verror(struct diag *d, const struct sc_loc *at, const char *fmt,
    va_list ap)
{
	size_t from = d->out->sb_len;

	if (d->errors++ >= DIAG_MAX)
		return;
	if (!diag_v(d, "error", at, fmt, ap)) {
		d->errors--;
		return;
	}
	if (d->list != NULL) {
		d->list->from[d->list->n] = from;
		d->list->at[d->list->n++] = *at;
	}
	for (const struct sc_via *v = at->via; v != NULL; v = v->at.via)
		diag_note(d, &v->at, "%s", v->text);
}

void
diag_error(struct diag *d, const struct sc_loc *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_verror(d, at, fmt, ap);
	va_end(ap);
}

void
diag_note(struct diag *d, const struct sc_loc *at, const char *fmt, ...)
{
	va_list ap;

	if (d->errors > DIAG_MAX)
		return;
	va_start(ap, fmt);
	(void)diag_v(d, "note", at, fmt, ap);
	va_end(ap);
}

/* --- events to tree --- */

struct builder {
	yaml_parser_t parser;
	const struct sc_source *src;
	struct diag *diag;
	struct arena *arena;
	unsigned nodes;
	struct aliases aliases;
};

static struct sc_loc
mark_loc(const struct builder *b, const yaml_mark_t *mark)
{
	return ((struct sc_loc) { .line = (int)mark->line + 1,
	    .col = (int)mark->column + 1,
	    .src = b->src });
}

/* What the library says of tabs helps nobody who cannot see them. */
static bool
at_tab(const struct sc_loc *at)
{
	const char *p = at->src->sr_text, *end = p + at->src->sr_len;
	int line = at->line, col = at->col;

	for (; p < end && line > 1; p++)
		line -= *p == '\n';
	while (p < end && *p != '\n' && *p != '\t' && --col > 0)
		p++;
	return (p < end && *p == '\t');
}

/* What most often stands behind libyaml's words. */
static const char *
yaml_remedy(const char *problem, const struct sc_loc *at)
{
	static const struct {
		const char *problem, *remedy;
	} table[] = {
		{ "mapping values are not allowed",
		    "; is a blank missing behind the colon of a line above, "
		    "or is this line indented too far?" },
		{ "did not find expected key",
		    "; this line is not indented like the others of its map" },
		{ "found unexpected end of stream",
		    "; this quote is never closed" },
	};

	if (at_tab(at))
		return ("; this is a tab: indent with blanks");
	for (unsigned i = 0; problem != NULL && i < nitems(table); i++)
		if (strncmp(problem, table[i].problem,
			strlen(table[i].problem)) == 0)
			return (table[i].remedy);
	return ("");
}

static bool
next_event(struct builder *b, yaml_event_t *ev)
{
	yaml_parser_t *p = &b->parser;
	struct sc_loc at;

	if (yaml_parser_parse(p, ev))
		return (true);
	/* An open quote is told where it is, not where the file ends. */
	at = mark_loc(b,
	    p->problem != NULL && p->context != NULL &&
		    strstr(p->context, "quoted scalar") != NULL
		? &p->context_mark
		: &p->problem_mark);
	if (p->error == YAML_READER_ERROR) {
		/* The mark is empty here: count up to the offset. */
		at.line = at.col = 1;
		for (size_t i = 0; i < p->problem_offset && i < b->src->sr_len;
		     i++) {
			at.col++;
			if (b->src->sr_text[i] == '\n') {
				at.line++;
				at.col = 1;
			}
		}
	}
	diag_error(b->diag, &at, "not valid YAML: %s%s",
	    p->problem != NULL ? p->problem : "unreadable",
	    yaml_remedy(p->problem, &at));
	return (false);
}

static struct node *
new_node(struct builder *b, enum node_kind kind, const yaml_mark_t *mark)
{
	struct sc_loc at = mark_loc(b, mark);
	struct node *n;

	if (++b->nodes > YAML_MAX_NODES) {
		diag_error(b->diag, &at, "more than %d values in one file",
		    YAML_MAX_NODES);
		return (NULL);
	}
	n = arena_alloc(b->arena, sizeof(*n));
	n->kind = kind;
	n->at = at;
	return (n);
}

static struct node *build(struct builder *, yaml_event_t *, int depth);

static struct node *
build_scalar(struct builder *b, yaml_event_t *ev)
{
	struct sc_loc at = mark_loc(b, &ev->start_mark);
	struct node *n;

	if (ev->data.scalar.length > YAML_MAX_SCALAR ||
	    memchr(ev->data.scalar.value, '\0', ev->data.scalar.length)) {
		diag_error(b->diag, &at,
		    "a value longer than %d bytes, or with a NUL in it",
		    YAML_MAX_SCALAR);
		return (NULL);
	}
	n = new_node(b, NODE_SCALAR, &ev->start_mark);
	if (n == NULL)
		return (NULL);
	n->text = arena_strdup(b->arena, (const char *)ev->data.scalar.value);
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return (n);
}

/* One child; *end is set at the end of the collection. NULL: error or end. */
static struct node *
build_child(struct builder *b, yaml_event_type_t endtype, bool *end, int depth)
{
	yaml_event_t ev;
	struct node *n = NULL;

	if (!next_event(b, &ev))
		return (NULL);
	if (ev.type == endtype)
		*end = true;
	else
		n = build(b, &ev, depth);
	yaml_event_delete(&ev);
	return (n);
}

static bool
build_list(struct builder *b, struct node *list, int depth)
{
	struct node **np = &list->child, *n;
	bool end = false;

	for (;;) {
		n = build_child(b, YAML_SEQUENCE_END_EVENT, &end, depth);
		if (n == NULL)
			return (end);
		*np = n;
		np = &n->next;
		list->nchildren++;
	}
}

static bool
build_map(struct builder *b, struct node *map, int depth)
{
	struct node **np = &map->child, *k, *n;
	bool end = false, merge = false;

	for (;;) {
		k = build_child(b, YAML_MAPPING_END_EVENT, &end, depth);
		if (k == NULL)
			return (end && (!merge || map_merge(&b->aliases, map)));
		if (k->kind != NODE_SCALAR) {
			diag_error(b->diag, &k->at,
			    "a key must be a plain word");
			return (false);
		}
		n = build_child(b, YAML_NO_EVENT, &end, depth);
		if (n == NULL)
			return (false);
		n->key = k->at;
		n->key.name = k->text;
		n->merge = k->plain && strcmp(k->text, "<<") == 0;
		merge |= n->merge;
		*np = n;
		np = &n->next;
		map->nchildren++;
	}
}

/* The name of the anchor on this event; NULL. */
static const char *
event_anchor(const yaml_event_t *ev)
{
	return ((const char *)(ev->type == YAML_SCALAR_EVENT
		? ev->data.scalar.anchor
		: ev->type == YAML_SEQUENCE_START_EVENT
		? ev->data.sequence_start.anchor
		: ev->type == YAML_MAPPING_START_EVENT
		? ev->data.mapping_start.anchor
		: NULL));
}

static struct node *
build_value(struct builder *b, yaml_event_t *ev, int depth)
{
	struct sc_loc at = mark_loc(b, &ev->start_mark);
	struct node *n;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return (build_scalar(b, ev));
	case YAML_SEQUENCE_START_EVENT:
		n = new_node(b, NODE_LIST, &ev->start_mark);
		return (n != NULL && build_list(b, n, depth + 1) ? n : NULL);
	case YAML_MAPPING_START_EVENT:
		n = new_node(b, NODE_MAP, &ev->start_mark);
		return (n != NULL && build_map(b, n, depth + 1) ? n : NULL);
	case YAML_ALIAS_EVENT:
		return (alias_expand(&b->aliases,
		    (const char *)ev->data.alias.anchor, &at, depth));
	default:
		diag_error(b->diag, &at, "unexpected end of the file");
		return (NULL);
	}
}

static struct node *
build(struct builder *b, yaml_event_t *ev, int depth)
{
	struct sc_loc at = mark_loc(b, &ev->start_mark);
	const char *name = event_anchor(ev);
	struct anchor *an = NULL;
	struct node *n;

	if (depth > YAML_MAX_DEPTH) {
		diag_error(b->diag, &at, "nested more than %d deep",
		    YAML_MAX_DEPTH);
		return (NULL);
	}
	if (name != NULL && (an = anchor_begin(&b->aliases, name, &at)) == NULL)
		return (NULL);
	n = build_value(b, ev, depth);
	if (an != NULL)
		an->node = n;
	return (n);
}

static struct node *
build_document(struct builder *b)
{
	yaml_event_t ev;
	struct sc_loc at;
	struct node *n = NULL;

	for (;;) {
		if (!next_event(b, &ev))
			return (NULL);
		if (ev.type == YAML_STREAM_END_EVENT) {
			yaml_event_delete(&ev);
			return (n);
		}
		if (ev.type == YAML_DOCUMENT_START_EVENT && n != NULL) {
			at = mark_loc(b, &ev.start_mark);
			diag_error(b->diag, &at,
			    "a second document in one file: each scenario has "
			    "a file of its own");
			yaml_event_delete(&ev);
			return (NULL);
		}
		if (ev.type == YAML_SCALAR_EVENT ||
		    ev.type == YAML_SEQUENCE_START_EVENT ||
		    ev.type == YAML_MAPPING_START_EVENT ||
		    ev.type == YAML_ALIAS_EVENT) {
			n = build(b, &ev, 0);
			if (n == NULL) {
				yaml_event_delete(&ev);
				return (NULL);
			}
		}
		yaml_event_delete(&ev);
	}
}

struct node *
yaml_tree(struct diag *d, struct arena *a, const struct sc_source *src)
{
	const struct sc_loc nowhere = { .src = src },
			    top = { .line = 1, .col = 1, .src = src };
	struct builder b = { .diag = d, .arena = a, .src = src };
	unsigned errors = d->errors;
	struct node *n;

	b.aliases =
	    (struct aliases) { .diag = d, .arena = a, .nodes = &b.nodes };

	if (!yaml_parser_initialize(&b.parser)) {
		diag_error(d, &nowhere, "the YAML library could not start");
		return (NULL);
	}
	yaml_parser_set_input_string(&b.parser,
	    (const unsigned char *)src->sr_text, src->sr_len);
	/* UTF-16 is none of ours: places are counted in bytes. */
	if (src->sr_len > 0 && (unsigned char)src->sr_text[0] >= 0xfe)
		yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	n = build_document(&b);
	yaml_parser_delete(&b.parser);
	if (n == NULL && d->errors == errors)
		diag_error(d, &top,
		    "the file is empty: a scenario begins with `ktls_sim: 1`");
	return (n);
}
