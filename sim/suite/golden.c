/* What a case looked like when somebody said that it was right. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#define GOLDEN_CONTEXT 3

void
suite_golden(const struct suite_case *c, const char *report, struct strbuf *sb)
{
	strbuf_addf(sb, "case %s\n", c->sc_name);
	for (int i = 0; i < PRINTS; i++)
		strbuf_addf(sb, "%-9s %s\n", print_names[i],
		    c->sc_has_prints ? c->sc_prints[i] : "-");
	strbuf_addf(sb, "\n%s", report);
}

/* The line that begins with this word and a space; its length. */
static size_t
layer_line(const char *text, const char *word, const char **line)
{
	size_t n = strlen(word);

	for (; *text != '\0' && *text != '\n';
	     text += strcspn(text, "\n") + 1) {
		*line = text;
		if (strncmp(text, word, n) == 0 && text[n] == ' ')
			return (strcspn(text, "\n"));
		if (text[strcspn(text, "\n")] == '\0')
			break;
	}
	return (0);
}

static bool
layer_moved(const char *was, const char *is, const char *word)
{
	const char *a = NULL, *b = NULL;
	size_t na = layer_line(was, word, &a), nb = layer_line(is, word, &b);

	return (na == 0 || na != nb || memcmp(a, b, na) != 0);
}

bool
suite_golden_differs(const char *was, const char *is, struct strbuf *sb)
{
	struct strbuf moved = { 0 }, stayed = { 0 }, *to;

	if (strcmp(was, is) == 0)
		return (false);
	for (int i = 0; i < PRINTS; i++) {
		to = layer_moved(was, is, print_names[i]) ? &moved : &stayed;
		strbuf_addf(to, "%s%s", to->sb_len > 0 ? ", " : "",
		    print_names[i]);
	}
	if (moved.sb_len > 0)
		strbuf_addf(sb, "moved: %s; the same: %s\n", strbuf_str(&moved),
		    stayed.sb_len > 0 ? strbuf_str(&stayed) : "nothing");
	else
		strbuf_adds(sb, "all fingerprints are the same\n");
	strbuf_fini(&moved);
	strbuf_fini(&stayed);
	(void)text_diff(was, is, "golden", "now", GOLDEN_CONTEXT, sb);
	return (true);
}
