/* The commands and exit codes as parts of a manual page. */
#include <string.h>

#include <ktsim/base/mdoc.h>

#include "cli.h"

static void
mdoc_option(const struct cli_option *o, struct strbuf *sb)
{
	strbuf_adds(sb, ".It ");
	if (o->co_val < 128)
		strbuf_addf(sb, "Fl %c , ", o->co_val);
	strbuf_addf(sb, "Fl \\-%s", o->co_name);
	if (o->co_arg != NULL) {
		strbuf_adds(sb,
		    o->co_arg[0] == '[' || o->co_arg[0] == '=' ? " Ns Ar "
							       : " Ar ");
		mdoc_word(o->co_arg, sb);
	}
	strbuf_adds(sb, "\n");
	if (o->co_text != NULL) {
		mdoc_line(o->co_text, sb);
		strbuf_adds(sb, ".\n");
	}
}

static void
mdoc_options(const struct cli_option *o, struct strbuf *sb)
{
	bool open = false;

	for (; o->co_name != NULL || o->co_text != NULL; o++) {
		if (o->co_name == NULL && open)
			strbuf_adds(sb, ".El\n");
		if (o->co_name == NULL)
			strbuf_addf(sb, ".Pp\n%s:\n", o->co_text);
		if (o->co_name == NULL || !open)
			strbuf_adds(sb, ".Bl -tag -width Ds\n");
		open = true;
		if (o->co_name != NULL)
			mdoc_option(o, sb);
	}
	strbuf_adds(sb, ".El\n");
}

/* Lines as they are, each behind head. */
static void
mdoc_literal(const char *s, const char *head, struct strbuf *sb)
{
	struct strbuf lines = { 0 };
	size_t len;

	for (; *s != '\0'; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		strbuf_addf(&lines, " %s%.*s\n", head, (int)len, s);
	}
	mdoc_text(strbuf_str(&lines), sb);
	strbuf_fini(&lines);
}

static void
mdoc_codes(const struct exit_code *ec, struct strbuf *sb)
{
	strbuf_adds(sb, ".Bl -tag -width Ds -compact\n");
	for (; ec->ec_text != NULL; ec++) {
		strbuf_addf(sb, ".It %d\n", ec->ec_code);
		mdoc_line(ec->ec_text, sb);
		strbuf_adds(sb, "\n");
	}
	strbuf_adds(sb, ".El\n");
}

void
codes_mdoc(struct strbuf *sb)
{
	mdoc_codes(exit_codes, sb);
}

static void
mdoc_list(void *arg, const char *word, const char *text)
{
	struct strbuf *sb = arg;

	strbuf_adds(sb, ".It Cm ");
	mdoc_word(word, sb);
	strbuf_adds(sb, "\n");
	mdoc_line(text, sb);
	strbuf_adds(sb, "\n");
}

static void
mdoc_command(const struct command *c, struct strbuf *sb)
{
	struct strbuf name = { 0 };

	strbuf_addf(sb, ".Ss ktls\\-sim %s\n", c->c_name);
	mdoc_line(c->c_text, sb);
	strbuf_adds(sb, ".\n");
	strbuf_addf(&name, "ktls-sim %s ", c->c_name);
	mdoc_literal(c->c_usage[0] != '\0' ? c->c_usage : "\n",
	    strbuf_str(&name), sb);
	strbuf_fini(&name);
	if (c->c_intro != NULL) {
		strbuf_adds(sb, ".Pp\n");
		mdoc_text(c->c_intro, sb);
	}
	if (c == &cmd_list) {
		strbuf_adds(sb, ".Bl -tag -width backends\n");
		words_each(WORDS_LIST, mdoc_list, sb);
		strbuf_adds(sb, ".El\n");
	}
	if (c->c_options != NULL)
		mdoc_options(c->c_options, sb);
	if (c->c_notes != NULL) {
		strbuf_adds(sb, ".Pp\n");
		mdoc_text(c->c_notes, sb);
	}
	if (c->c_codes != NULL && c->c_codes != exit_codes) {
		strbuf_adds(sb, ".Pp\nIt exits with\n");
		mdoc_codes(c->c_codes, sb);
	}
	if (c->c_examples != NULL) {
		strbuf_adds(sb, ".Pp\nExamples:\n");
		mdoc_literal(c->c_examples, "", sb);
	}
}

void
commands_mdoc(struct strbuf *sb)
{
	for (unsigned i = 0; i < ncommands; i++)
		mdoc_command(commands[i], sb);
	strbuf_adds(sb, ".Ss Options of every command\n");
	mdoc_options(common_options, sb);
}
