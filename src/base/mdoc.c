/* Text as a manual page (mdoc) has it. */
#include <stdbool.h>
#include <string.h>

#include <ktsim/base/mdoc.h>

/* What roff would take for something else. */
static void
mdoc_char(char ch, struct strbuf *sb)
{
	switch (ch) {
	case '\\':
		strbuf_adds(sb, "\\e");
		break;
	case '-':
		strbuf_adds(sb, "\\-");
		break;
	case '\'':
		strbuf_adds(sb, "\\(aq");
		break;
	case '"':
		strbuf_adds(sb, "\\(dq");
		break;
	default:
		strbuf_add(sb, &ch, 1);
	}
}

static void
mdoc_chars(const char *s, size_t len, struct strbuf *sb)
{
	for (size_t i = 0; i < len; i++)
		mdoc_char(s[i], sb);
}

void
mdoc_word(const char *s, struct strbuf *sb)
{
	/* Quotes do not keep punctuation and macros from being seen. */
	strbuf_adds(sb, "\"\\&");
	mdoc_chars(s, strlen(s), sb);
	strbuf_adds(sb, "\"");
}

/* What begins a line must not look like a request. */
static void
mdoc_begin(const char *s, size_t len, struct strbuf *sb)
{
	if (len > 0 && (s[0] == '.' || s[0] == '\''))
		strbuf_adds(sb, "\\&");
}

/* A new sentence has a new line. */
static bool
sentence_ends(const char *s, size_t left)
{
	return (left > 2 && strchr(".?!", s[0]) != NULL && s[1] == ' ');
}

static void
mdoc_inline(const char *s, size_t len, struct strbuf *sb)
{
	bool open = false;

	mdoc_begin(s, len, sb);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '`') {
			strbuf_adds(sb, open ? "\\(cq" : "\\(oq");
			open = !open;
			continue;
		}
		mdoc_char(s[i], sb);
		if (!open && sentence_ends(&s[i], len - i)) {
			strbuf_adds(sb, "\n");
			i++;
			mdoc_begin(&s[i + 1], len - i - 1, sb);
		}
	}
}

void
mdoc_line(const char *s, struct strbuf *sb)
{
	mdoc_inline(s, strlen(s), sb);
}

void
mdoc_text(const char *s, struct strbuf *sb)
{
	bool literal = false, empty = false, first = true;
	size_t len;

	for (; *s != '\0'; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		if (len == 0) {
			empty = true;
			continue;
		}
		if (literal != (s[0] == ' ')) {
			literal = !literal;
			strbuf_adds(sb,
			    literal ? ".Bd -literal -offset indent\n"
				    : ".Ed\n.Pp\n");
		} else if (empty && !first)
			strbuf_adds(sb, literal ? "\n" : ".Pp\n");
		empty = first = false;
		if (literal) {
			size_t in = strspn(s, " ");

			mdoc_begin(s + in, len - in, sb);
			mdoc_chars(s + in, len - in, sb);
		} else
			mdoc_inline(s, len, sb);
		strbuf_adds(sb, "\n");
	}
	if (literal)
		strbuf_adds(sb, ".Ed\n");
}
