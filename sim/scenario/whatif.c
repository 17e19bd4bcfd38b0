/*
 * Mistakes besides wrong values. What a wrong value is meant to be nobody
 * knows: a rule that it breaks may be none that the file breaks. So the file is
 * read several times, each time with other values in the place of the wrong
 * ones, and told is what is wrong in all of them.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>

#include "check.h"
#include "load.h"
#include "tree.h"
#include "whatif.h"

#define GUESSES 12 /* more than most enumerations have words */

/* --- a guess --- */

static int
guess_word(const struct loader *l, const struct key *k, const struct node *n)
{
	const char *near;
	unsigned cnt;

	for (cnt = 0; k->names[cnt] != NULL; cnt++)
		;
	near = (l->guess == 1 || l->kind) && n != NULL && n->kind == NODE_SCALAR
	    ? nearest_name(n->text, k->names, cnt)
	    : NULL;
	for (unsigned i = 0; near != NULL && i < cnt; i++)
		if (k->names[i] == near)
			return ((int)i);
	return ((int)(l->guess % cnt));
}

/* The least, the most, and what it is when nothing is said. */
static void
guess_number(const struct loader *l, const struct key *k, void *to)
{
	uint64_t v = l->guess % 3 == 1 ? k->min : k->max;

	if (k->max != 0 && l->guess % 3 != 0)
		memcpy(to, &v, sizeof(v));
}

void
guess_value(struct loader *l, const struct key *k, const struct node *n,
    const struct sc_loc *at, void *base)
{
	void *to = (char *)base + k->off;
	const char *text;
	bool yes = l->guess % 2 == 1;
	int word;

	switch (k->kind) {
	case K_MAP:
		return;
	case K_MAPOF:
	case K_LIST:
	case K_CELLS:
	case K_STRLIST:
		l->lost = true; /* the whole collection is missing */
		return;
	default:
		break;
	}
	if (l->guess == 0)
		return;
	if (k->kind == K_STR) {
		/* A name of nothing, another one in each guess. */
		text = text_placed(l->arena,
		    arena_printf(l->arena, "(%u)", l->guess), at);
		memcpy(to, &text, sizeof(text));
	} else if (k->kind == K_ENUM) {
		word = guess_word(l, k, n);
		memcpy(to, &word, sizeof(word));
	} else if (k->kind == K_BOOL)
		memcpy(to, &yes, sizeof(yes));
	else if (k->kind != K_VALUE)
		guess_number(l, k, to);
}

void
guess_make(struct guess *g, unsigned which, const struct loader *l,
    struct node *root, const struct scenario *blank)
{
	struct strbuf unread = { 0 };
	struct loader gl = { .diag = { .src = l->diag.src,
				 .sets = l->diag.sets,
				 .out = &unread },
		.arena = &g->g_arena,
		.guess = which };
	struct diag d = { .src = l->diag.src,
		.sets = l->diag.sets,
		.out = &g->g_text,
		.list = &g->g_list };

	g->g_sc = *blank;
	g->g_sc.arena = &g->g_arena;
	load_scenario(&gl, root, &g->g_sc);
	g->g_lost = gl.lost;
	if (!g->g_lost)
		scenario_check(&d, &g->g_sc);
	g->g_errors = d.errors;
	strbuf_fini(&unread);
}

void
guess_fini(struct guess *g)
{
	arena_free(&g->g_arena);
	strbuf_fini(&g->g_text);
	memset(g, 0, sizeof(*g));
}

/* One of its errors, with the notes to it. */
static char *
guess_error(const struct guess *g, unsigned i)
{
	const struct diag_list *list = &g->g_list;
	size_t end = i + 1 < list->n ? list->from[i + 1] : g->g_text.sb_len;

	return (xasprintf("%.*s", (int)(end - list->from[i]),
	    strbuf_str(&g->g_text) + list->from[i]));
}

/* --- what all of them say --- */

/* Of what the first guess says, keep what this one says too; how much. */
static unsigned
keep_common(const struct guess *g, char **texts, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (texts[i] != NULL &&
		    strstr(strbuf_str(&g->g_text), texts[i]) == NULL) {
			free(texts[i]);
			texts[i] = NULL;
		}
		kept += texts[i] != NULL;
	}
	return (kept);
}

static void
tell(struct diag *d, const char *text)
{
	if (strstr(strbuf_str(d->out), text) == NULL && d->errors++ < DIAG_MAX)
		strbuf_adds(d->out, text);
}

void
check_whatever(struct loader *l, struct node *root,
    const struct scenario *blank)
{
	struct guess g = { 0 };
	char *texts[DIAG_MAX];
	unsigned n, left;
	int height;

	if (tree_size(root, &height) > WHATIF_NODES)
		return;
	guess_make(&g, 1, l, root, blank);
	n = left = g.g_list.n;
	for (unsigned i = 0; i < n; i++)
		texts[i] = guess_error(&g, i);
	guess_fini(&g);
	for (unsigned which = 2; which <= GUESSES && left > 0; which++) {
		guess_make(&g, which, l, root, blank);
		left = keep_common(&g, texts, n);
		guess_fini(&g);
	}
	for (unsigned i = 0; i < n; i++) {
		if (texts[i] != NULL)
			tell(&l->diag, texts[i]);
		free(texts[i]);
	}
}
