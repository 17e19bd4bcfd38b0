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
diag_source(struct diag *d, int line, int col)
{
	const char *p = d->text, *end = d->text + d->textlen, *nl;
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
diag_v(struct diag *d, const char *kind, int line, int col, const char *fmt,
    va_list ap)
{
	struct strbuf text = { 0 };

	if (line > 0)
		strbuf_addf(d->out, "%s:%d:%d: %s: ", d->path, line, col, kind);
	else if (line < 0) {
		strbuf_adds(d->out, "--set ");
		add_printable(d->out, d->sets[-line - 1],
		    strlen(d->sets[-line - 1]));
		strbuf_addf(d->out, ": %s: ", kind);
	} else
		strbuf_addf(d->out, "%s: %s: ", d->path, kind);
	strbuf_vaddf(&text, fmt, ap);
	add_printable(d->out, strbuf_str(&text), text.sb_len);
	strbuf_fini(&text);
	strbuf_adds(d->out, "\n");
	diag_source(d, line, col);
}

void
diag_error(struct diag *d, int line, int col, const char *fmt, ...)
{
	va_list ap;

	if (d->errors++ >= DIAG_MAX)
		return;
	va_start(ap, fmt);
	diag_v(d, "error", line, col, fmt, ap);
	va_end(ap);
}

void
diag_note(struct diag *d, int line, int col, const char *fmt, ...)
{
	va_list ap;

	if (d->errors > DIAG_MAX)
		return;
	va_start(ap, fmt);
	diag_v(d, "note", line, col, fmt, ap);
	va_end(ap);
}

/* --- events to tree --- */

struct builder {
	yaml_parser_t parser;
	struct diag *diag;
	struct arena *arena;
	unsigned nodes;
};

/* What the library says of tabs helps nobody who cannot see them. */
static bool
at_tab(const struct diag *d, int line, int col)
{
	const char *p = d->text, *end = d->text + d->textlen;

	for (; p < end && line > 1; p++)
		line -= *p == '\n';
	while (p < end && *p != '\n' && *p != '\t' && --col > 0)
		p++;
	return (p < end && *p == '\t');
}

static bool
next_event(struct builder *b, yaml_event_t *ev)
{
	yaml_parser_t *p = &b->parser;
	int line, col;

	if (yaml_parser_parse(p, ev))
		return (true);
	line = (int)p->problem_mark.line + 1;
	col = (int)p->problem_mark.column + 1;
	if (p->error == YAML_READER_ERROR) {
		/* The mark is empty here: count up to the offset. */
		line = col = 1;
		for (size_t i = 0;
		     i < p->problem_offset && i < b->diag->textlen; i++) {
			col++;
			if (b->diag->text[i] == '\n') {
				line++;
				col = 1;
			}
		}
	}
	diag_error(b->diag, line, col, "not valid YAML: %s%s",
	    p->problem != NULL ? p->problem : "unreadable",
	    at_tab(b->diag, line, col) ? "; this is a tab: indent with blanks"
				       : "");
	return (false);
}

static struct node *
new_node(struct builder *b, enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *n;

	if (++b->nodes > YAML_MAX_NODES) {
		diag_error(b->diag, (int)mark->line + 1, (int)mark->column + 1,
		    "more than %d values in one file", YAML_MAX_NODES);
		return (NULL);
	}
	n = arena_alloc(b->arena, sizeof(*n));
	n->kind = kind;
	n->line = (int)mark->line + 1;
	n->col = (int)mark->column + 1;
	return (n);
}

static struct node *build(struct builder *, yaml_event_t *, int depth);

static struct node *
build_scalar(struct builder *b, yaml_event_t *ev)
{
	struct node *n;

	if (ev->data.scalar.length > YAML_MAX_SCALAR ||
	    memchr(ev->data.scalar.value, '\0', ev->data.scalar.length)) {
		diag_error(b->diag, (int)ev->start_mark.line + 1,
		    (int)ev->start_mark.column + 1,
		    "a value longer than %d bytes, or with a NUL in it",
		    YAML_MAX_SCALAR);
		return (NULL);
	}
	n = new_node(b, NODE_SCALAR, &ev->start_mark);
	if (n != NULL)
		n->text =
		    arena_strdup(b->arena, (const char *)ev->data.scalar.value);
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
	bool end = false;

	for (;;) {
		k = build_child(b, YAML_MAPPING_END_EVENT, &end, depth);
		if (k == NULL)
			return (end);
		if (k->kind != NODE_SCALAR) {
			diag_error(b->diag, k->line, k->col,
			    "a key must be a plain word");
			return (false);
		}
		n = build_child(b, YAML_NO_EVENT, &end, depth);
		if (n == NULL)
			return (false);
		n->key = k->text;
		n->kline = k->line;
		n->kcol = k->col;
		*np = n;
		np = &n->next;
		map->nchildren++;
	}
}

static struct node *
build(struct builder *b, yaml_event_t *ev, int depth)
{
	int line = (int)ev->start_mark.line + 1;
	int col = (int)ev->start_mark.column + 1;
	struct node *n = NULL;

	if (depth > YAML_MAX_DEPTH) {
		diag_error(b->diag, line, col, "nested more than %d deep",
		    YAML_MAX_DEPTH);
		return (NULL);
	}
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
		diag_error(b->diag, line, col,
		    "aliases (*%s) are not supported "
		    "yet: write the value out",
		    ev->data.alias.anchor);
		return (NULL);
	default:
		diag_error(b->diag, line, col, "unexpected end of the file");
		return (NULL);
	}
}

static struct node *
build_document(struct builder *b)
{
	yaml_event_t ev;
	struct node *n = NULL;

	for (;;) {
		if (!next_event(b, &ev))
			return (NULL);
		if (ev.type == YAML_STREAM_END_EVENT) {
			yaml_event_delete(&ev);
			return (n);
		}
		if (ev.type == YAML_DOCUMENT_START_EVENT && n != NULL) {
			diag_error(b->diag, (int)ev.start_mark.line + 1, 1,
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
yaml_tree(struct diag *d, struct arena *a)
{
	struct builder b = { .diag = d, .arena = a };
	struct node *n;

	if (!yaml_parser_initialize(&b.parser)) {
		diag_error(d, 0, 0, "the YAML library could not start");
		return (NULL);
	}
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)d->text,
	    d->textlen);
	n = build_document(&b);
	yaml_parser_delete(&b.parser);
	if (n == NULL && d->errors == 0)
		diag_error(d, 1, 1,
		    "the file is empty: a scenario begins with `ktls_sim: 1`");
	return (n);
}
