/* Completion for fish. */
#include <string.h>

#include "completion.h"

/* The words before the one that is completed; options' values are none. */
static const char at[] =
    "\tcase '*'\n"
    "\t\treturn 1\n"
    "\tend\n"
    "end\n"
    "\n"
    "# Is it this command, with so many operands so far (* any number)?\n"
    "function __ktls_sim_at\n"
    "\tset -l command ''\n"
    "\tset -l n 0\n"
    "\tset -l skip 0\n"
    "\tset -l first ''\n"
    "\tfor w in (commandline -opc)[2..-1]\n"
    "\t\tif test $skip = 1\n"
    "\t\t\tset skip 0\n"
    "\t\telse if string match -q -- '-*' $w\n"
    "\t\t\t__ktls_sim_takes \"$command\" $w; and set skip 1\n"
    "\t\telse if test -z \"$command\"\n"
    "\t\t\tset command $w\n"
    "\t\telse\n"
    "\t\t\ttest $n = 0; and set first $w\n"
    "\t\t\tset n (math $n + 1)\n"
    "\t\tend\n"
    "\tend\n"
    "\ttest \"$command\" = \"$argv[1]\"; or return 1\n"
    "\ttest \"$argv[2]\" = '*'; or test \"$argv[2]\" = $n; or return 1\n"
    "\ttest -z \"$argv[3]\"; or test \"$argv[3]\" = \"$first\"\n"
    "end\n"
    "\n"
    "complete -c ktls-sim -f\n"
    "complete -c ktls-sim -n \"__ktls_sim_at '' 0\" -l color -x -a 'auto always never'\n";

static void
quoted(const char *s, struct strbuf *sb)
{
	strbuf_adds(sb, "'");
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			strbuf_adds(sb, "\\");
		strbuf_add(sb, s, 1);
	}
	strbuf_adds(sb, "'");
}

static void
takes(void *arg, const struct command *c, const struct cli_option *o)
{
	struct strbuf *sb = arg;

	if (completion_takes(o))
		strbuf_addf(sb, " '%s --%s'", c->c_name, o->co_name);
}

static void
described(void *arg, const char *word, const char *text)
{
	struct strbuf *sb = arg;

	strbuf_addf(sb, "\techo %s", word);
	if (text != NULL) {
		strbuf_adds(sb, "\\t");
		quoted(text, sb);
	}
	strbuf_adds(sb, "\n");
}

static void
candidates(enum words kind, struct strbuf *sb)
{
	if (kind == WORDS_FILE)
		strbuf_adds(sb, " -F");
	else if (kind == WORDS_FOLDER)
		strbuf_adds(sb, " -a '(__fish_complete_directories)'");
	else if (kind == WORDS_SCENARIO)
		strbuf_adds(sb, " -a '(__fish_complete_suffix .ktls.yaml)'");
	else if (kind != WORDS_NONE)
		strbuf_addf(sb, " -a '(__ktls_sim_%s)'", completion_kind(kind));
}

static void
option_line(void *arg, const struct command *c, const struct cli_option *o)
{
	struct strbuf *sb = arg;

	strbuf_addf(sb, "complete -c ktls-sim -n \"__ktls_sim_at %s '*'\"",
	    c->c_name);
	if (o->co_val < 128)
		strbuf_addf(sb, " -s %c", o->co_val);
	strbuf_addf(sb, " -l %s%s", o->co_name,
	    completion_takes(o) ? " -r" : "");
	candidates(o->co_words, sb);
	strbuf_adds(sb, " -d ");
	quoted(completion_text(o), sb);
	strbuf_adds(sb, "\n");
}

static void
operand_lines(const struct command *c, struct strbuf *sb)
{
	for (unsigned i = 0; i < CLI_OPERANDS; i++) {
		if (c->c_operands[i] == WORDS_NONE)
			continue;
		strbuf_addf(sb, "complete -c ktls-sim -n \"__ktls_sim_at %s ",
		    c->c_name);
		if (c->c_repeats)
			strbuf_adds(sb, "'*'");
		else
			strbuf_addf(sb, "%u", i);
		if (c->c_operands[i] == WORDS_MODEL)
			strbuf_adds(sb, " models");
		strbuf_adds(sb, "\"");
		candidates(c->c_operands[i], sb);
		strbuf_adds(sb, "\n");
	}
}

void
completion_fish(struct strbuf *sb)
{
	strbuf_adds(sb,
	    "# Completion of ktls-sim for fish; made by `ktls-sim completion fish`.\n\n"
	    "# Does this option of this command want a value behind it?\n"
	    "function __ktls_sim_takes\n\tswitch \"$argv[1] $argv[2]\"\n\tcase");
	for (unsigned i = 0; i < ncommands; i++)
		completion_options(commands[i], takes, sb);
	strbuf_adds(sb, " ' --color'\n\t\treturn 0\n");
	strbuf_adds(sb, at);
	for (unsigned i = WORDS_COLOR; i < WORDS_KINDS; i++) {
		strbuf_addf(sb, "\nfunction __ktls_sim_%s\n",
		    completion_kind(i));
		words_each(i, described, sb);
		strbuf_adds(sb, "end\n");
	}
	strbuf_adds(sb,
	    "\ncomplete -c ktls-sim -n \"__ktls_sim_at '' 0\" -a '(__ktls_sim_command)'\n"
	    "complete -c ktls-sim -n \"__ktls_sim_at help 0\" -a '(__ktls_sim_command)'\n");
	for (unsigned i = 0; i < ncommands; i++) {
		completion_options(commands[i], option_line, sb);
		operand_lines(commands[i], sb);
	}
}
