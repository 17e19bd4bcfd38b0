/* Completion for bash. */
#include "completion.h"

static const char head[] =
    "# Completion of ktls-sim for bash; made by `ktls-sim completion bash`.\n"
    "\n"
    "# Does this option of this command want a value behind it?\n"
    "_ktls_sim_takes()\n"
    "{\n"
    "\tcase $1:$2 in\n";

static const char words_head[] = "\treturn 0 ;;\n"
				 "\tesac\n"
				 "\treturn 1\n"
				 "}\n"
				 "\n"
				 "_ktls_sim_words()\n"
				 "{\n"
				 "\tcase $1 in\n";

/* The words before the one that is completed: command, option that wants a
 * value, operands. bash makes a word of its own of each = . */
static const char walk[] =
    "\tesac\n"
    "}\n"
    "\n"
    "_ktls_sim()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} command= want= last= first= n=0\n"
    "\tlocal kind=none head= i w\n"
    "\tCOMPREPLY=()\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tw=${COMP_WORDS[i]}\n"
    "\t\tif [[ $w == = ]]; then\n"
    "\t\t\twant=$last\n"
    "\t\t\tcontinue\n"
    "\t\tfi\n"
    "\t\tlast=$w\n"
    "\t\tif [[ -n $want ]]; then\n"
    "\t\t\twant=\n"
    "\t\telif [[ $w == -* ]]; then\n"
    "\t\t\t_ktls_sim_takes \"$command\" \"$w\" && want=$w\n"
    "\t\telif [[ -z $command ]]; then\n"
    "\t\t\tcommand=$w\n"
    "\t\telse\n"
    "\t\t\t[[ $n == 0 ]] && first=$w\n"
    "\t\t\tn=$((n + 1))\n"
    "\t\tfi\n"
    "\tdone\n"
    "\tif [[ $cur == = ]]; then\n"
    "\t\twant=$last\n"
    "\t\tcur=\n"
    "\tfi\n"
    "\tif [[ -n $want ]]; then\n"
    "\t\tcase $command:$want in\n";

static const char middle[] = "\t\tesac\n"
			     "\telif [[ $cur == -* ]]; then\n"
			     "\t\tkind=\"options $command\"\n"
			     "\telif [[ -z $command ]]; then\n"
			     "\t\tkind=command\n"
			     "\telse\n"
			     "\t\tcase $command:$n in\n";

static const char tail[] =
    "\t\thelp:0) kind=command ;;\n"
    "\t\tesac\n"
    "\tfi\n"
    "\tcase $kind in\n"
    "\tnone) ;;\n"
    "\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "\tfolder) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "\tscenario)\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\"\n"
    "\t\t    compgen -f -X '!*.ktls.yaml' -- \"$cur\") ;;\n"
    "\tmodel)\n"
    "\t\t[[ $first == models ]] &&\n"
    "\t\t    mapfile -t COMPREPLY < <(compgen -W \"$(_ktls_sim_words model)\" -- \"$cur\") ;;\n"
    "\tpoint)\n"
    "\t\t[[ $cur == *,* ]] && head=${cur%,*},\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -P \"$head\" \\\n"
    "\t\t    -W \"$(_ktls_sim_words point)\" -- \"${cur##*,}\") ;;\n"
    "\t*) mapfile -t COMPREPLY < <(compgen -W \"$(_ktls_sim_words \"$kind\")\" -- \"$cur\") ;;\n"
    "\tesac\n"
    "\tcase $kind in\n"
    "\tfile | folder | scenario) compopt -o filenames 2>/dev/null ;;\n"
    "\tset | show | state | point) compopt -o nospace 2>/dev/null ;;\n"
    "\tesac\n"
    "\treturn 0\n"
    "}\n"
    "\n"
    "complete -F _ktls_sim ktls-sim\n";

static void
takes(void *arg, const struct command *c, const struct cli_option *o)
{
	struct strbuf *sb = arg;

	if (completion_takes(o))
		strbuf_addf(sb, "%s:--%s | ", c->c_name, o->co_name);
}

static void
option_word(void *arg, const struct command *c, const struct cli_option *o)
{
	struct strbuf *sb = arg;

	if (o->co_val < 128)
		strbuf_addf(sb, " -%c", o->co_val);
	strbuf_addf(sb, " --%s", o->co_name);
}

static void
value(void *arg, const struct command *c, const struct cli_option *o)
{
	struct strbuf *sb = arg;

	if (o->co_words != WORDS_NONE)
		strbuf_addf(sb, "\t\t%s:--%s) kind=%s ;;\n", c->c_name,
		    o->co_name, completion_kind(o->co_words));
}

static void
operands(const struct command *c, struct strbuf *sb)
{
	for (unsigned i = 0; i < CLI_OPERANDS; i++) {
		if (c->c_operands[i] == WORDS_NONE)
			continue;
		if (c->c_repeats &&
		    (i + 1 == CLI_OPERANDS ||
			c->c_operands[i + 1] == WORDS_NONE))
			strbuf_addf(sb, "\t\t%s:*)", c->c_name);
		else
			strbuf_addf(sb, "\t\t%s:%u)", c->c_name, i);
		strbuf_addf(sb, " kind=%s ;;\n",
		    completion_kind(c->c_operands[i]));
	}
}

void
completion_bash(struct strbuf *sb)
{
	strbuf_adds(sb, head);
	strbuf_adds(sb, "\t");
	for (unsigned i = 0; i < ncommands; i++)
		completion_options(commands[i], takes, sb);
	strbuf_adds(sb, ":--color)\n");
	strbuf_adds(sb, words_head);
	for (unsigned i = WORDS_COLOR; i < WORDS_KINDS; i++) {
		strbuf_addf(sb, "\t%s) echo '", completion_kind(i));
		completion_words(i, sb);
		strbuf_adds(sb, "' ;;\n");
	}
	strbuf_adds(sb, "\t'options ') echo '--color --help --version' ;;\n");
	for (unsigned i = 0; i < ncommands; i++) {
		strbuf_addf(sb, "\t'options %s') echo '", commands[i]->c_name);
		completion_options(commands[i], option_word, sb);
		strbuf_adds(sb, "' ;;\n");
	}
	strbuf_adds(sb, walk);
	for (unsigned i = 0; i < ncommands; i++)
		completion_options(commands[i], value, sb);
	strbuf_adds(sb, "\t\t:--color) kind=color ;;\n");
	strbuf_adds(sb, middle);
	for (unsigned i = 0; i < ncommands; i++)
		operands(commands[i], sb);
	strbuf_adds(sb, tail);
}
