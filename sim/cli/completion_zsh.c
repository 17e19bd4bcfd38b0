/* Completion for zsh: a file _ktls-sim in a folder of $fpath. */
#include <string.h>

#include "completion.h"

/* Inside of single quotes, with what _arguments and _describe look for. */
static void
quoted(const char *s, const char *special, struct strbuf *sb)
{
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			strbuf_adds(sb, "'\\''");
		else if (strchr(special, *s) != NULL)
			strbuf_addf(sb, "\\%c", *s);
		else
			strbuf_add(sb, s, 1);
	}
}

static void
described(void *arg, const char *word, const char *text)
{
	struct strbuf *sb = arg;

	strbuf_adds(sb, "\t\t'");
	quoted(word, ":\\", sb);
	if (text != NULL) {
		strbuf_adds(sb, ":");
		quoted(text, "\\", sb);
	}
	strbuf_adds(sb, "'\n");
}

/* Several of them, with commas. */
static void
listed(void *arg, const char *word, const char *text)
{
	struct strbuf *sb = arg;

	strbuf_addf(sb, " \\\n\t    '%s[", word);
	quoted(text, "[]:\\", sb);
	strbuf_adds(sb, "]'");
}

static void
words_function(enum words kind, struct strbuf *sb)
{
	const char *name = completion_kind(kind);

	strbuf_addf(sb, "_ktls_sim_%s()\n{\n", name);
	if (kind == WORDS_POINT) {
		strbuf_adds(sb, "\t_values -s , 'trace point'");
		words_each(kind, listed, sb);
		strbuf_adds(sb, "\n}\n\n");
		return;
	}
	strbuf_adds(sb, "\tlocal -a words\n\twords=(\n");
	words_each(kind, described, sb);
	strbuf_addf(sb, "\t)\n\t_describe %s words%s\n}\n\n", name,
	    kind == WORDS_SET || kind == WORDS_SHOW || kind == WORDS_STATE
		? " -S ''"
		: "");
}

static void
action(enum words kind, struct strbuf *sb)
{
	if (kind == WORDS_NONE)
		return;
	if (kind == WORDS_FILE)
		strbuf_adds(sb, "_files");
	else if (kind == WORDS_FOLDER)
		strbuf_adds(sb, "_files -/");
	else if (kind == WORDS_SCENARIO)
		strbuf_adds(sb, "_files -g \"*.ktls.yaml(-.)\"");
	else
		strbuf_addf(sb, "_ktls_sim_%s", completion_kind(kind));
}

static void
option_spec(void *arg, const struct command *c, const struct cli_option *o)
{
	struct strbuf *sb = arg;

	strbuf_adds(sb, " \\\n\t\t    '*'");
	if (o->co_val < 128)
		strbuf_addf(sb, "{-%c,--%s}", o->co_val, o->co_name);
	else
		strbuf_addf(sb, "--%s", o->co_name);
	strbuf_addf(sb, "'%s[",
	    completion_takes(o)	    ? "="
		: o->co_arg != NULL ? "=-"
				    : "");
	quoted(completion_text(o), "[]:\\", sb);
	strbuf_adds(sb, "]");
	if (o->co_arg != NULL) {
		strbuf_addf(sb,
		    "%s%s:", completion_takes(o) ? ":" : "::", o->co_name);
		action(o->co_words, sb);
	}
	strbuf_adds(sb, "'");
}

static void
command_branch(const struct command *c, struct strbuf *sb)
{
	enum words kind;

	strbuf_addf(sb, "\t%s)\n\t\t_arguments", c->c_name);
	completion_options(c, option_spec, sb);
	for (unsigned i = 0; i < CLI_OPERANDS; i++) {
		if ((kind = c->c_operands[i]) == WORDS_NONE)
			continue;
		strbuf_addf(sb, " \\\n\t\t    '%u:%s:", i + 1,
		    completion_kind(kind));
		action(kind, sb);
		strbuf_adds(sb, "'");
		if (!c->c_repeats)
			continue;
		strbuf_addf(sb, " \\\n\t\t    '*:%s:", completion_kind(kind));
		action(kind, sb);
		strbuf_adds(sb, "'");
	}
	strbuf_adds(sb, " ;;\n");
}

void
completion_zsh(struct strbuf *sb)
{
	strbuf_adds(sb,
	    "#compdef ktls-sim\n"
	    "# Completion of ktls-sim for zsh; made by `ktls-sim completion zsh`.\n\n");
	for (unsigned i = WORDS_COLOR; i < WORDS_KINDS; i++)
		words_function(i, sb);
	strbuf_adds(sb,
	    "_ktls_sim()\n{\n"
	    "\tlocal curcontext=$curcontext state line\n"
	    "\ttypeset -A opt_args\n"
	    "\t_arguments -C '--color=[colours]:color:_ktls_sim_color' \\\n"
	    "\t    '1:command:_ktls_sim_command' '*::operand:->operands'\n"
	    "\t[[ $state == operands ]] || return 0\n"
	    "\tcase $words[1] in\n");
	for (unsigned i = 0; i < ncommands; i++)
		command_branch(commands[i], sb);
	strbuf_adds(sb,
	    "\thelp) _arguments '1:command:_ktls_sim_command' ;;\n"
	    "\tesac\n}\n\n_ktls_sim \"$@\"\n");
}
