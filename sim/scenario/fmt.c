/*
 * The canonical form of a scenario: two blanks a level, lists indented below
 * their key, one space inside nothing, quotes where a value would be read as
 * something else without them, flow collections ({} and []) on one line or
 * written out. Comments, the order of keys and single blank lines stay.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "fmt.h"
#include "source.h"
#include "tree.h"

#define WIDTH 160 /* a flow collection that is longer is written out */

struct printer {
	const struct fmt_text *ft;
	struct strbuf *sb;
	unsigned line; /* of the source: comments before it are out */
	size_t start;  /* of the line that is being written */
	bool began;    /* something stands already: blank lines may follow */
};

/* --- scalars --- */

/* Would YAML take this plain word for a number, a boolean or nothing? */
static bool
is_other_type(const char *s)
{
	static const char *const words[] = { "true", "false", "null", "~",
		"yes", "no", "on", "off", "True", "False", "Null", "TRUE",
		"FALSE", "NULL", ".inf", ".nan" };
	char *end;

	for (unsigned i = 0; i < nitems(words); i++)
		if (strcmp(s, words[i]) == 0)
			return (true);
	/* YAML 1.1 has 1_000 and 2020-01-01, too. */
	if (isdigit((unsigned char)s[0]) && strpbrk(s, "_-") != NULL &&
	    s[strspn(s, "0123456789_.-")] == '\0')
		return (true);
	(void)strtod(s, &end);
	return (s[0] == '\0' || (end != s && *end == '\0'));
}

/* May it stand without quotes? In a flow collection some signs end it. */
static bool
can_be_plain(const char *s, bool flow)
{
	size_t n = strlen(s);

	if (n == 0 || strchr("-?:,[]{}#&*!|>'\"%@` ", s[0]) != NULL ||
	    s[n - 1] == ' ' || s[n - 1] == ':')
		return (false);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 32 || s[i] == 127 ||
		    (flow && strchr("[]{},", s[i]) != NULL) ||
		    (s[i] == ':' && s[i + 1] == ' ') ||
		    (s[i] == ' ' && s[i + 1] == '#'))
			return (false);
	return (true);
}

/*
 * YAML knows line breaks that no editor shows as one: a carriage return alone,
 * NEL, LS, PS. Comments end there too. Lines are our business: we refuse them.
 */
static bool
odd_break(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (*p == '\r')
		return (n < 2 || p[1] != '\n');
	return ((n >= 2 && memcmp(p, "\xc2\x85", 2) == 0) ||
	    (n >= 3 && memcmp(p, "\xe2\x80", 2) == 0 &&
		(p[2] == '\xa8' || p[2] == '\xa9')));
}

static void
put_quoted(const char *s, struct strbuf *sb)
{
	const char *end = s + strlen(s);

	strbuf_adds(sb, "\"");
	for (; *s != '\0'; s++) {
		if (*s != '\r' && odd_break(s, end)) {
			strbuf_adds(sb,
			    *s == '\xc2'	 ? "\\N"
				: s[2] == '\xa8' ? "\\L"
						 : "\\P");
			s += *s == '\xc2' ? 1 : 2;
		} else if (*s == '"' || *s == '\\')
			strbuf_addf(sb, "\\%c", *s);
		else if (*s == '\n')
			strbuf_adds(sb, "\\n");
		else if (*s == '\t')
			strbuf_adds(sb, "\\t");
		else if ((unsigned char)*s < 32 || *s == 127)
			strbuf_addf(sb, "\\x%02x", (unsigned char)*s);
		else
			strbuf_add(sb, s, 1);
	}
	strbuf_adds(sb, "\"");
}

/* Quotes that somebody wrote stay around what is more than words. */
static bool
is_words(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr(" _./%-", *s) == NULL)
			return (false);
	return (true);
}

static void
put_scalar(const struct fmt_node *n, bool flow, struct strbuf *sb)
{
	if (n->fn_alias != NULL)
		strbuf_addf(sb, "*%s", n->fn_alias);
	else if (n->fn_plain && n->fn_text[0] == '\0')
		return;
	else if (can_be_plain(n->fn_text, flow) &&
	    (n->fn_plain ||
		(!is_other_type(n->fn_text) && is_words(n->fn_text))))
		strbuf_adds(sb, n->fn_text);
	else
		put_quoted(n->fn_text, sb);
}

static void
put_key(const struct fmt_node *n, bool flow, struct strbuf *sb)
{
	if (n->fn_anchor != NULL)
		strbuf_addf(sb, "&%s ", n->fn_anchor);
	if (n->fn_alias == NULL && n->fn_text[0] == '\0')
		strbuf_adds(sb, "\"\"");
	else
		put_scalar(n, flow, sb);
	/* `*name:` would be an alias of that name. */
	strbuf_adds(sb, n->fn_alias != NULL ? " :" : ":");
}

static void
put_anchor(const struct fmt_node *n, struct strbuf *sb)
{
	if (n->fn_anchor != NULL)
		strbuf_addf(sb, "&%s%s", n->fn_anchor,
		    n->fn_kind == NODE_SCALAR || n->fn_flow ? " " : "");
}

/* --- flow --- */

static void
put_flow(const struct fmt_node *n, bool inside, struct strbuf *sb)
{
	const struct fmt_node *c;

	put_anchor(n, sb);
	if (n->fn_kind == NODE_SCALAR) {
		put_scalar(n, inside, sb);
		return;
	}
	strbuf_adds(sb, n->fn_kind == NODE_MAP ? "{" : "[");
	for (c = n->fn_child; c != NULL; c = c->fn_next) {
		if (n->fn_kind == NODE_MAP) {
			put_key(c->fn_key, true, sb);
			strbuf_adds(sb, " ");
		}
		put_flow(c, true, sb);
		if (c->fn_next != NULL)
			strbuf_adds(sb, ", ");
	}
	strbuf_adds(sb, n->fn_kind == NODE_MAP ? "}" : "]");
}

static bool
has_block_scalar(const struct fmt_node *n)
{
	for (const struct fmt_node *c = n->fn_child; c != NULL; c = c->fn_next)
		if (c->fn_block || has_block_scalar(c))
			return (true);
	return (n->fn_block);
}

/* On one line: it was written so, no comment is inside, and it fits. */
static bool
stays_flow(const struct printer *pr, const struct fmt_node *n, unsigned col)
{
	struct strbuf sb = { 0 };
	bool fits;

	if (n->fn_child == NULL)
		return (true);
	if (!n->fn_flow || has_block_scalar(n))
		return (false);
	for (unsigned i = n->fn_line; i < n->fn_last; i++)
		if (pr->ft->ft_lines[i].fl_comment != NULL)
			return (false);
	put_flow(n, false, &sb);
	fits = col + sb.sb_len <= WIDTH;
	strbuf_fini(&sb);
	return (fits);
}

/* --- lines --- */

static void
line_begin(struct printer *pr, unsigned indent)
{
	pr->start = pr->sb->sb_len;
	strbuf_addf(pr->sb, "%*s", (int)indent, "");
	pr->began = true;
}

/* What was written ends on this line of the source: its comment, too. */
static void
line_end(struct printer *pr, unsigned line)
{
	const struct fmt_line *fl = &pr->ft->ft_lines[line];

	while (pr->sb->sb_len > pr->start &&
	    pr->sb->sb_str[pr->sb->sb_len - 1] == ' ')
		pr->sb->sb_len--;
	if (line >= pr->line && line < pr->ft->ft_nlines) {
		if (fl->fl_comment != NULL && !fl->fl_whole) {
			strbuf_adds(pr->sb, "  ");
			strbuf_add(pr->sb, fl->fl_comment, fl->fl_comment_len);
		}
		pr->line = line + 1;
	}
	strbuf_adds(pr->sb, "\n");
}

/* Comments and a blank line that stand above this line of the source. */
static void
lines_before(struct printer *pr, unsigned line, unsigned indent)
{
	const struct fmt_line *fl;
	bool blank = false;

	for (; pr->line < line && pr->line < pr->ft->ft_nlines; pr->line++) {
		fl = &pr->ft->ft_lines[pr->line];
		if (fl->fl_blank) {
			blank = pr->began;
			continue;
		}
		if (fl->fl_comment == NULL)
			continue;
		if (blank)
			strbuf_adds(pr->sb, "\n");
		blank = false;
		line_begin(pr, indent);
		strbuf_add(pr->sb, fl->fl_comment, fl->fl_comment_len);
		strbuf_adds(pr->sb, "\n");
	}
	if (blank)
		strbuf_adds(pr->sb, "\n");
}

/* --- block --- */

static void put_items(struct printer *, const struct fmt_node *,
    unsigned indent, bool in_line);

/* | or >: its lines as they stand, moved to their new place. */
/* The line behind the scalar's last one that is not blank. */
static unsigned
block_end(const struct fmt_text *ft, const struct fmt_node *n)
{
	unsigned last = MIN(n->fn_last, ft->ft_nlines);

	while (last > n->fn_line + 1 && ft->ft_lines[last - 1].fl_blank)
		last--;
	return (last);
}

/* Its last line may be the file's, and have no end. */
static bool
block_is_open(const struct fmt_text *ft, const struct fmt_node *n)
{
	return (n->fn_last + 1 >= ft->ft_nlines &&
	    ft->ft_text[ft->ft_len - 1] != '\n');
}

/* How far its lines are indented; SIZE_MAX: there are blanks that say
 * something in a line that has nothing else. */
static size_t
block_margin(const struct fmt_text *ft, const struct fmt_node *n, unsigned last)
{
	size_t margin = SIZE_MAX, most = 0, blanks;
	const char *p;

	for (unsigned i = n->fn_line + 1; i < last; i++) {
		p = ft->ft_text + ft->ft_lines[i].fl_start;
		blanks = strspn(p, " ");
		if (!ft->ft_lines[i].fl_blank)
			margin = MIN(margin, blanks);
		else
			most = MAX(most, strcspn(p, "\r\n"));
	}
	return (most > margin ? SIZE_MAX : margin);
}

/* As it was, at another place; what depends on the place is quoted. */
static void
put_block_scalar(struct printer *pr, const struct fmt_node *n, unsigned indent)
{
	const struct fmt_text *ft = pr->ft;
	const char *p, *end,
	    *head = ft->ft_text + ft->ft_lines[n->fn_line].fl_start;
	size_t len, margin;
	unsigned last;

	while (*head != '|' && *head != '>')
		head++;
	len = strcspn(head, " \t\r\n#");
	last = block_end(ft, n);
	margin = block_margin(ft, n, last);
	if (margin == SIZE_MAX || strcspn(head, "+123456789") < len ||
	    block_is_open(ft, n)) {
		put_quoted(n->fn_text, pr->sb);
		line_end(pr, n->fn_line);
		pr->line = MAX(pr->line, last);
		return;
	}
	strbuf_add(pr->sb, head, len);
	line_end(pr, n->fn_line);
	for (unsigned i = n->fn_line + 1; i < last; i++) {
		p = ft->ft_text + ft->ft_lines[i].fl_start;
		end = ft->ft_text + ft->ft_lines[i + 1].fl_start;
		while (end > p && (end[-1] == '\n' || end[-1] == '\r'))
			end--;
		if (!ft->ft_lines[i].fl_blank) {
			line_begin(pr, indent);
			p += margin;
			strbuf_add(pr->sb, p, (size_t)(end - p));
		}
		strbuf_adds(pr->sb, "\n");
	}
	pr->line = MAX(pr->line, last);
}

/* Behind a key or a dash, which stand at `indent`. */
static void
put_value(struct printer *pr, const struct fmt_node *n, unsigned indent,
    bool item)
{
	struct strbuf *sb = pr->sb;

	strbuf_adds(sb, " ");
	if (n->fn_block) {
		put_anchor(n, sb);
		put_block_scalar(pr, n, indent + 2);
		return;
	}
	if (n->fn_kind == NODE_SCALAR ||
	    stays_flow(pr, n, (unsigned)(sb->sb_len - pr->start))) {
		put_flow(n, false, sb);
		line_end(pr, n->fn_last);
		return;
	}
	put_anchor(n, sb);
	if (item && n->fn_anchor == NULL && n->fn_kind == NODE_MAP) {
		put_items(pr, n, indent + 2, true);
		return;
	}
	line_end(pr, n->fn_key != NULL ? n->fn_key->fn_line : n->fn_line);
	put_items(pr, n, indent + 2, false);
}

/* in_line: the first one goes on behind a dash. */
static void
put_items(struct printer *pr, const struct fmt_node *of, unsigned indent,
    bool in_line)
{
	unsigned line;

	for (const struct fmt_node *c = of->fn_child; c != NULL;
	     c = c->fn_next) {
		line = c->fn_key != NULL ? c->fn_key->fn_line : c->fn_line;
		if (!in_line) {
			lines_before(pr, line, indent);
			line_begin(pr, indent);
		}
		in_line = false;
		if (c->fn_key != NULL) {
			put_key(c->fn_key, false, pr->sb);
		} else
			strbuf_adds(pr->sb, "-");
		put_value(pr, c, indent, c->fn_key == NULL);
	}
}

/* --- the file --- */

static bool
same_tree(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->nchildren != b->nchildren ||
	    (a->kind == NODE_SCALAR && strcmp(a->text, b->text) != 0))
		return (false);
	for (a = a->child, b = b->child; a != NULL && b != NULL;
	     a = a->next, b = b->next)
		if ((a->key.name == NULL) != (b->key.name == NULL) ||
		    (a->key.name != NULL &&
			strcmp(a->key.name, b->key.name) != 0) ||
		    !same_tree(a, b))
			return (false);
	return (a == NULL && b == NULL);
}

/* What the loader reads of it; NULL: told. */
static struct node *
loaded(const char *path, const char *text, size_t len, struct arena *a,
    struct strbuf *diag)
{
	struct sc_source *src = arena_alloc(a, sizeof(*src));
	struct diag d = { .src = src, .out = diag };

	*src = (struct sc_source) { path, path, text, len };
	return (yaml_tree(&d, a, src));
}

static void
print_all(struct printer *pr)
{
	const struct fmt_text *ft = pr->ft;

	if (ft->ft_root->fn_kind == NODE_SCALAR ||
	    stays_flow(pr, ft->ft_root, 0)) {
		lines_before(pr, ft->ft_root->fn_line, 0);
		line_begin(pr, 0);
		put_flow(ft->ft_root, false, pr->sb);
		line_end(pr, ft->ft_root->fn_last);
	} else
		put_items(pr, ft->ft_root, 0, false);
	lines_before(pr, ft->ft_nlines, 0);
	while (pr->sb->sb_len > 1 &&
	    pr->sb->sb_str[pr->sb->sb_len - 1] == '\n' &&
	    pr->sb->sb_str[pr->sb->sb_len - 2] == '\n')
		pr->sb->sb_len--;
}

static bool
breaks_are_known(const char *path, const struct strbuf *file,
    struct strbuf *diag)
{
	const char *p = strbuf_str(file), *end = p + file->sb_len;
	unsigned line = 1;

	for (; p < end; p++) {
		line += *p == '\n';
		if (!odd_break(p, end))
			continue;
		strbuf_addf(diag,
		    "%s:%u: error: in this line is a line break that is "
		    "neither LF nor CR LF: write \\r or \\u2028 in quotes, or "
		    "end the line with LF\n",
		    path, line);
		return (false);
	}
	return (true);
}

/* The scenario language has no tags: what they would mean to others is not
 * thrown away silently. */
static bool
has_tag(const char *path, const struct fmt_text *ft, struct strbuf *diag)
{
	if (ft->ft_tag == NULL)
		return (false);
	strbuf_addf(diag,
	    "%s:%u: error: a tag (`%s`), which scenarios do not have: leave it "
	    "out, and write text in quotes\n",
	    path, ft->ft_tag_line + 1, ft->ft_tag);
	return (true);
}

int
scenario_format(const char *path, const struct strbuf *file, struct strbuf *out,
    struct strbuf *diag)
{
	struct fmt_text ft = { .ft_text = strbuf_str(file),
		.ft_len = file->sb_len };
	struct printer pr = { .ft = &ft, .sb = out };
	struct arena a = { 0 };
	struct node *before, *after = NULL;
	int error = EINVAL;

	if (!breaks_are_known(path, file, diag))
		return (EINVAL);
	before = loaded(path, ft.ft_text, ft.ft_len, &a, diag);
	if (before != NULL && before->kind == NODE_SCALAR &&
	    before->text[0] == '\0')
		strbuf_addf(diag,
		    "%s:1:1: error: the file is empty: a scenario begins with "
		    "`ktls_sim: 1`\n",
		    path);
	else if (before != NULL && fmt_read(&ft) && !has_tag(path, &ft, diag)) {
		print_all(&pr);
		after = loaded(path, strbuf_str(out), out->sb_len, &a, diag);
		error = after != NULL && same_tree(before, after) ? 0 : EINVAL;
		if (error != 0)
			strbuf_addf(diag,
			    "%s: error: it cannot be formatted without a "
			    "change of what it says; it is left as it is\n",
			    path);
	}
	fmt_fini(&ft);
	arena_free(&a);
	return (error);
}

int
scenario_read_format(const char *path, struct strbuf *file, struct strbuf *out,
    struct strbuf *diag)
{
	int error = source_read(path, file);

	if (error == 0)
		return (scenario_format(path, file, out, diag));
	strbuf_addf(diag, "%s: error: %s\n", path, source_error(error));
	return (error == EFBIG ? EINVAL : error);
}
