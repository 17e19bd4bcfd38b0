/*
 * A unified diff: longest common subsequence of lines, after what is the same
 * at both ends. Texts that differ in more than a few thousand lines are shown
 * as replaced: nobody reads such a diff.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#define CELLS_MAX (16u << 20)

struct lines {
	const char **l_v;
	size_t *l_len;
	size_t l_n;
};

static void
lines_of(const char *text, struct lines *l)
{
	size_t n = 1;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	l->l_v = xcalloc(n, sizeof(*l->l_v));
	l->l_len = xcalloc(n, sizeof(*l->l_len));
	for (l->l_n = 0; *text != '\0'; l->l_n++) {
		l->l_v[l->l_n] = text;
		l->l_len[l->l_n] = strcspn(text, "\n");
		text += l->l_len[l->l_n];
		text += *text == '\n';
	}
}

static void
lines_fini(struct lines *l)
{
	free(l->l_v);
	free(l->l_len);
}

static bool
same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return (a->l_len[i] == b->l_len[j] &&
	    memcmp(a->l_v[i], b->l_v[j], a->l_len[i]) == 0);
}

/* What becomes of each line, in order: ' ' both, '-' of a, '+' of b. */
struct script {
	char *s_v;
	size_t s_n;
};

static void
script_add(struct script *s, char op, size_t n)
{
	memset(s->s_v + s->s_n, op, n);
	s->s_n += n;
}

/* The middle, na lines from a's `at`, nb from b's. */
static void
script_middle(struct script *s, const struct lines *a, const struct lines *b,
    size_t at, size_t na, size_t nb)
{
	size_t w = nb + 1, i, j;
	uint32_t *t;

	if (na == 0 || nb == 0 || na > CELLS_MAX / w - 1) {
		script_add(s, '-', na);
		script_add(s, '+', nb);
		return;
	}
	/* t[i][j]: the longest common part of what follows line i and j. */
	t = xcalloc((na + 1) * w, sizeof(*t));
	for (i = na; i-- > 0;)
		for (j = nb; j-- > 0;)
			t[i * w + j] = same(a, at + i, b, at + j)
			    ? t[(i + 1) * w + j + 1] + 1
			    : MAX(t[(i + 1) * w + j], t[i * w + j + 1]);
	for (i = j = 0; i < na && j < nb;) {
		if (same(a, at + i, b, at + j)) {
			script_add(s, ' ', 1);
			i++;
			j++;
		} else if (t[(i + 1) * w + j] >= t[i * w + j + 1]) {
			script_add(s, '-', 1);
			i++;
		} else {
			script_add(s, '+', 1);
			j++;
		}
	}
	script_add(s, '-', na - i);
	script_add(s, '+', nb - j);
	free(t);
}

static void
script_make(struct script *s, const struct lines *a, const struct lines *b)
{
	size_t head = 0, tail = 0;

	s->s_v = xcalloc(a->l_n + b->l_n + 1, 1);
	while (head < a->l_n && head < b->l_n && same(a, head, b, head))
		head++;
	while (tail < a->l_n - head && tail < b->l_n - head &&
	    same(a, a->l_n - 1 - tail, b, b->l_n - 1 - tail))
		tail++;
	script_add(s, ' ', head);
	script_middle(s, a, b, head, a->l_n - head - tail,
	    b->l_n - head - tail);
	script_add(s, ' ', tail);
}

/* Steps first to last are a hunk; i, j: lines before it. */
static void
hunk_show(const struct script *s, size_t first, size_t last,
    const struct lines *a, const struct lines *b, size_t i, size_t j,
    struct strbuf *sb)
{
	size_t na = 0, nb = 0;

	for (size_t k = first; k < last; k++) {
		na += s->s_v[k] != '+';
		nb += s->s_v[k] != '-';
	}
	strbuf_addf(sb, "@@ -%zu,%zu +%zu,%zu @@\n", i + (na > 0), na,
	    j + (nb > 0), nb);
	for (size_t k = first; k < last; k++) {
		if (s->s_v[k] == '+')
			strbuf_addf(sb, "+%.*s\n", (int)b->l_len[j], b->l_v[j]);
		else
			strbuf_addf(sb, "%c%.*s\n", s->s_v[k], (int)a->l_len[i],
			    a->l_v[i]);
		i += s->s_v[k] != '+';
		j += s->s_v[k] != '-';
	}
}

/* Where the hunk ends that has its first change at k. */
static size_t
hunk_end(const struct script *s, size_t k, size_t context)
{
	size_t quiet = 0;

	for (; k < s->s_n && quiet <= 2 * context; k++)
		quiet = s->s_v[k] == ' ' ? quiet + 1 : 0;
	return (quiet > context ? k - quiet + context : k);
}

static void
script_show(const struct script *s, const struct lines *a,
    const struct lines *b, size_t context, struct strbuf *sb)
{
	size_t i = 0, j = 0, k, from, end, shown = 0;

	for (k = 0; k < s->s_n; k++) {
		if (s->s_v[k] != ' ') {
			from = k - MIN(context, k - shown);
			end = hunk_end(s, k, context);
			hunk_show(s, from, end, a, b, i - (k - from),
			    j - (k - from), sb);
			for (; k < end; k++) {
				i += s->s_v[k] != '+';
				j += s->s_v[k] != '-';
			}
			shown = end;
			k--;
		} else {
			i++;
			j++;
		}
	}
}

bool
text_diff(const char *ta, const char *tb, const char *name_a,
    const char *name_b, unsigned context, struct strbuf *sb)
{
	struct script s = { 0 };
	struct lines a, b;

	if (strcmp(ta, tb) == 0)
		return (false);
	lines_of(ta, &a);
	lines_of(tb, &b);
	script_make(&s, &a, &b);
	strbuf_addf(sb, "--- %s\n+++ %s\n", name_a, name_b);
	script_show(&s, &a, &b, context, sb);
	free(s.s_v);
	lines_fini(&a);
	lines_fini(&b);
	return (true);
}
