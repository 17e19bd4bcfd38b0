/*
 * A tree as YAML again: block style, two blanks, quotes where they are needed.
 * What the passes used up is left out: what is printed stands on its own.
 */
#include <ctype.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "tree.h"

static const char *const used_up[] = { "include", "defaults", "parameters",
	"matrix", "repeat" };

/* May it stand without quotes, in block style and in a list? */
static bool
is_plain(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || (!isalnum((unsigned char)s[0]) && s[0] != '/'))
		return (false);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr("_./@%+=()<>*-", s[i]) == NULL &&
		    !(s[i] == ' ' && s[i + 1] != '\0') &&
		    !(s[i] == ':' && s[i + 1] != ' ' && s[i + 1] != '\0'))
			return (false);
	return (true);
}

/* What would be a parameter's name when it is read again. */
static bool
is_dollar(const char *s)
{
	return (s[0] == '$' &&
	    (s[1] == '$' || s[1] == '{' || s[1] == '_' ||
		isalpha((unsigned char)s[1])));
}

static void
print_quoted(const char *s, struct strbuf *sb)
{
	strbuf_adds(sb, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addf(sb, "\\%c", *s);
		else if (*s == '\n')
			strbuf_adds(sb, "\\n");
		else if ((unsigned char)*s < 32 || *s == 127)
			strbuf_addf(sb, "\\x%02x", (unsigned char)*s);
		else if (is_dollar(s))
			strbuf_adds(sb, "$$");
		else
			strbuf_add(sb, s, 1);
	}
	strbuf_adds(sb, "\"");
}

/* What had quotes keeps them: it may look like a number. */
static void
print_scalar(const char *s, bool plain, struct strbuf *sb)
{
	if (plain && is_plain(s))
		strbuf_adds(sb, s);
	else
		print_quoted(s, sb);
}

static void
indent(int depth, struct strbuf *sb)
{
	strbuf_addf(sb, "%*s", 2 * depth, "");
}

static void print_items(const struct node *, int depth, bool in_line,
    struct strbuf *);

/* Behind a key or a dash. */
static void
print_value(const struct node *n, int depth, bool item, struct strbuf *sb)
{
	if (n->kind == NODE_SCALAR) {
		strbuf_adds(sb, " ");
		print_scalar(n->text, n->plain, sb);
		strbuf_adds(sb, "\n");
	} else if (n->child == NULL)
		strbuf_adds(sb, n->kind == NODE_MAP ? " {}\n" : " []\n");
	else if (item && n->kind == NODE_MAP) {
		strbuf_adds(sb, " ");
		print_items(n, depth + 1, true, sb);
	} else {
		strbuf_adds(sb, "\n");
		print_items(n, depth + 1, false, sb);
	}
}

/* in_line: the first one stands behind a dash. */
static void
print_items(const struct node *of, int depth, bool in_line, struct strbuf *sb)
{
	for (const struct node *c = of->child; c != NULL; c = c->next) {
		if (!in_line)
			indent(depth, sb);
		in_line = false;
		if (of->kind == NODE_LIST)
			strbuf_adds(sb, "-");
		else {
			print_scalar(c->key.name, true, sb);
			strbuf_adds(sb, ":");
		}
		print_value(c, depth, of->kind == NODE_LIST, sb);
	}
}

static bool
is_used_up(const char *key)
{
	for (unsigned i = 0; i < nitems(used_up); i++)
		if (strcmp(used_up[i], key) == 0)
			return (true);
	return (strncmp(key, "x-", 2) == 0);
}

void
tree_print(const struct node *root, struct strbuf *sb)
{
	struct node one = { .kind = NODE_MAP }, item;

	for (const struct node *c = root->child; c != NULL; c = c->next) {
		if (is_used_up(c->key.name))
			continue;
		item = *c;
		item.next = NULL;
		one.child = &item;
		print_items(&one, 0, false, sb);
	}
}
