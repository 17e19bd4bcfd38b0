/* Completion for shells, from the tables of commands, options and words. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>

#include "completion.h"

const char *
completion_kind(enum words kind)
{
	static const char *const names[] = { "none", "file", "folder",
		"scenario", "color", "command", "defect", "key", "list",
		"model", "museum", "order", "point", "set", "shell", "show",
		"state", "format", "why" };
	_Static_assert(nitems(names) == WORDS_KINDS, "a name for each kind");

	return (names[kind]);
}

void
completion_options(const struct command *c, option_fn *fn, void *arg)
{
	const struct cli_option *o = c->c_options;

	for (; o != NULL && (o->co_name != NULL || o->co_text != NULL); o++)
		if (o->co_name != NULL)
			fn(arg, c, o);
	for (o = common_options; o->co_name != NULL; o++)
		fn(arg, c, o);
}

bool
completion_takes(const struct cli_option *o)
{
	return (
	    o->co_arg != NULL && o->co_arg[0] != '[' && o->co_arg[0] != '=');
}

const char *
completion_text(const struct cli_option *o)
{
	while (o->co_text == NULL)
		o++;
	return (o->co_text);
}

static void
add_word(void *arg, const char *word, const char *text)
{
	struct strbuf *sb = arg;

	strbuf_addf(sb, "%s%s", sb->sb_len > 0 ? " " : "", word);
}

void
completion_words(enum words kind, struct strbuf *sb)
{
	struct strbuf words = { 0 };

	words_each(kind, add_word, &words);
	strbuf_adds(sb, strbuf_str(&words));
	strbuf_fini(&words);
}

static const struct {
	const char *name;
	void (*make)(struct strbuf *);
} shells[] = {
	{ "bash", completion_bash },
	{ "zsh", completion_zsh },
	{ "fish", completion_fish },
};

static int
completion_unknown(const char *shell)
{
	const char *names[nitems(shells)], *near;

	for (size_t i = 0; i < nitems(shells); i++)
		names[i] = shells[i].name;
	near = nearest_name(shell, names, nitems(shells));
	return (usage_error(&cmd_completion,
	    "nothing is known of the shell `%s`; %s%s%s", shell,
	    near != NULL ? "did you mean `" : "bash, zsh and fish are known",
	    near != NULL ? near : "", near != NULL ? "`?" : ""));
}

static int
completion_main(int argc, char **argv)
{
	struct strbuf sb = { 0 };
	int rc;

	if ((rc = cli_only_help(&cmd_completion, argc, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc - optind != 1)
		return (usage_error(&cmd_completion,
		    "name one shell: bash, zsh or fish"));
	for (size_t i = 0; i < nitems(shells); i++)
		if (strcmp(argv[optind], shells[i].name) == 0) {
			shells[i].make(&sb);
			fputs(strbuf_str(&sb), stdout);
			strbuf_fini(&sb);
			return (EXIT_OK);
		}
	return (completion_unknown(argv[optind]));
}

const struct command cmd_completion = {
	.c_name = "completion",
	.c_run = completion_main,
	.c_text = "completion of the command line, for bash, zsh or fish",
	.c_usage = "bash|zsh|fish",
	.c_examples =
	    "eval \"$(ktls-sim completion bash)\"     in ~/.bashrc\n"
	    "ktls-sim completion zsh > ~/.zfunc/_ktls-sim    a folder of $fpath\n"
	    "ktls-sim completion fish > ~/.config/fish/completions/ktls-sim.fish\n",
	.c_notes =
	    "Completed are commands, options and their values, scenario files, planted\n"
	    "defects, trace points, keys, card models. `meson install` puts all three where\n"
	    "the shells look.\n",
	.c_operands = { WORDS_SHELL },
};
