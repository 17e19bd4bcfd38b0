/*
 * Parts of a state dump: its lines are a tree by their indentation, and each
 * line begins with what it is of.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include <ktsim/sim/show.h>

/* What can be asked for: the words that lines begin with. */
static const struct {
	const char *what;
	const char *begins[4];
	bool conn; /* of a connection: below its inpcb only */
	const char *text;
} things[] = {
	{ "sockbuf", { "so_snd", "so_rcv" }, true,
	    "socket buffers of a connection: bytes ready and not, their mbufs" },
	{ "connection", { "inpcb" }, true,
	    "a connection: addresses, TCP, socket, buffers" },
	{ "tcp", { "tcp" }, true,
	    "its TCP: sequence numbers, windows, timers" },
	{ "tag", { "tag", "tls" }, true, "its TLS sessions and send tags" },
	{ "lagg", { "lagg" }, false, "laggs and their ports" },
	{ "nic", { "card" }, false, "cards, with their rings" },
	{ "ring", { "queue", "receive queue" }, false, "rings of cards" },
	{ "worker", { "worker", "ktls:" }, false, "TLS workers" },
	{ "interface", { "interface" }, false, "interfaces" },
	{ "wire", { "wire" }, false, "what is on the cables" },
	{ "app", { "application" }, false, "applications" },
	{ "memory", { "zone", "pages:" }, false, "zones and pages" },
	{ "host", { "host" }, false, "all of a host" },
};

struct line {
	const char *text; /* without its blanks */
	unsigned len, depth;
};
struct dump {
	struct line *lines;
	unsigned n;
};

const char *
show_what(unsigned i, const char **text)
{
	if (i >= nitems(things))
		return (NULL);
	*text = things[i].text;
	return (things[i].what);
}

int
show_find(const char *what)
{
	for (unsigned i = 0; i < nitems(things); i++)
		if (strcmp(things[i].what, what) == 0)
			return ((int)i);
	return (-1);
}

bool
show_of_conn(int what)
{
	return (things[what].conn);
}

static void
dump_parse(const char *p, struct dump *d)
{
	unsigned size = 0, blanks;
	size_t len;

	*d = (struct dump) { 0 };
	for (; *p != '\0'; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		blanks = (unsigned)strspn(p, " ");
		if (blanks >= len)
			continue;
		if (d->n == size) {
			size = MAX(2 * size, 256u);
			d->lines = xrealloc(d->lines, size * sizeof(*d->lines));
		}
		d->lines[d->n++] = (struct line) { p + blanks,
			(unsigned)len - blanks, blanks };
	}
}

static bool
begins(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return (l->len >= n && memcmp(l->text, word, n) == 0 &&
	    (l->len == n || l->text[n] == ' ' || l->text[n - 1] == ':' ||
		l->text[n] == ':' || l->text[n] == ','));
}

static bool
is_thing(const struct line *l, int what)
{
	for (unsigned i = 0;
	     i < nitems(things[what].begins) && things[what].begins[i] != NULL;
	     i++)
		if (begins(l, things[what].begins[i]))
			return (true);
	return (false);
}

/* Where the block of line i ends. */
static unsigned
block_end(const struct dump *d, unsigned i)
{
	unsigned j = i + 1;

	while (j < d->n && d->lines[j].depth > d->lines[i].depth)
		j++;
	return (j);
}

static bool
line_has(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	for (unsigned i = 0; i + n <= l->len; i++)
		if (memcmp(l->text + i, word, n) == 0 &&
		    (i == 0 || l->text[i - 1] == ' ') &&
		    (i + n == l->len || l->text[i + n] == ' ' ||
			l->text[i + n] == ':' || l->text[i + n] == ','))
			return (true);
	return (false);
}

/* An inpcb of the connection, whichever end's it is. */
static bool
is_conn(const struct line *l, const struct show_conn *sc)
{
	return (begins(l, "inpcb") && line_has(l, sc->client) &&
	    line_has(l, sc->server));
}

/* --- out --- */

static void
put_text(const struct dump *d, unsigned from, unsigned to, struct strbuf *sb)
{
	unsigned base = d->lines[from].depth;

	for (unsigned i = from; i < to; i++)
		strbuf_addf(sb, "  %*s%.*s\n", (int)(d->lines[i].depth - base),
		    "", (int)d->lines[i].len, d->lines[i].text);
}

static json_t *
block_json(const struct dump *d, unsigned i)
{
	unsigned end = block_end(d, i);
	json_t *o = json_object(), *below = json_array();

	json_object_set_new(o, "line",
	    json_stringn(d->lines[i].text, d->lines[i].len));
	for (unsigned j = i + 1; j < end; j = block_end(d, j))
		json_array_append_new(below, block_json(d, j));
	if (json_array_size(below) > 0)
		json_object_set_new(o, "below", below);
	else
		json_decref(below);
	return (o);
}

struct picker {
	const struct dump *d;
	int what;
	const struct show_conn *conn; /* NULL: any */
	const char *name;	      /* NULL: any */
	struct strbuf *text;
	json_t *list;
	unsigned found;
};

static void
pick_one(struct picker *pk, unsigned i, const char *host)
{
	json_t *o;

	pk->found++;
	if (pk->list != NULL) {
		o = block_json(pk->d, i);
		json_object_set_new(o, "host", json_string(host));
		json_array_append_new(pk->list, o);
		return;
	}
	strbuf_addf(pk->text, "%s%s\n", pk->text->sb_len > 0 ? "\n" : "", host);
	put_text(pk->d, i, block_end(pk->d, i), pk->text);
}

/* The name stands in the line, or is its host's. */
static bool
name_fits(const struct picker *pk, unsigned i, const char *host)
{
	const char *dot;
	size_t n;

	if (pk->name == NULL || strcmp(pk->name, host) == 0)
		return (true);
	dot = strchr(pk->name, '.');
	n = strlen(host);
	if (dot != NULL && (size_t)(dot - pk->name) == n &&
	    strncmp(pk->name, host, n) == 0)
		return (line_has(&pk->d->lines[i], dot + 1));
	return (line_has(&pk->d->lines[i], pk->name));
}

static void
pick_all(struct picker *pk)
{
	const struct dump *d = pk->d;
	unsigned conn_end = 0;
	char host[64] = "";

	for (unsigned i = 0; i < d->n; i++) {
		if (begins(&d->lines[i], "host"))
			snprintf(host, sizeof(host), "%.*s",
			    (int)d->lines[i].len - 5, d->lines[i].text + 5);
		else if (d->lines[i].depth == 0)
			snprintf(host, sizeof(host), "%.*s",
			    (int)d->lines[i].len, d->lines[i].text);
		if (pk->conn != NULL && is_conn(&d->lines[i], pk->conn))
			conn_end = block_end(d, i);
		if (!is_thing(&d->lines[i], pk->what) ||
		    (pk->conn != NULL && i >= conn_end) ||
		    !name_fits(pk, i, host))
			continue;
		pick_one(pk, i, host);
		i = block_end(d, i) - 1;
	}
}

unsigned
show_pick(const char *state, int what, const struct show_conn *conn,
    const char *name, bool json, struct strbuf *out)
{
	struct picker pk = { .what = what,
		.conn = conn,
		.name = name,
		.text = out };
	struct dump d;
	char *text;

	dump_parse(state, &d);
	pk.d = &d;
	pk.list = json ? json_array() : NULL;
	pick_all(&pk);
	if (json) {
		text = json_dumps(pk.list, JSON_INDENT(1));
		strbuf_addf(out, "%s\n", text);
		free(text);
		json_decref(pk.list);
	}
	free(d.lines);
	return (pk.found);
}
