/* What can stand somewhere on the command line, from the tables that know. */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/nic/nic.h>
#include <ktsim/sim/live.h>
#include <ktsim/sim/scenario.h>
#include <ktsim/sim/show.h>

#include "cli.h"

struct word {
	const char *w_word, *w_text;
};

static const struct word colors[] = { { "auto", "on a terminal" },
	{ "always", NULL }, { "never", NULL }, { NULL, NULL } };
static const struct word museums[] = { { "list", "a line per exhibit" },
	{ "show", "the story of one" },
	{ "run", "each as it is, and with its bug" }, { NULL, NULL } };
static const struct word shells[] = { { "bash", NULL }, { "zsh", NULL },
	{ "fish", NULL }, { NULL, NULL } };
static const struct word states[] = { { "ifconfig@", "all interfaces" },
	{ "ifconfig:", "one host, or one interface" }, { NULL, NULL } };
static const struct word trace_formats[] = { { "ndjson", "JSON, line by line" },
	{ "text", NULL }, { NULL, NULL } };
static const struct word whys[] = {
	{ "not-offloaded", "where the TLS of a connection is done, and why" },
	{ "stalled", "what a connection waits for" },
	{ "dropped", "what became of a frame" }, { NULL, NULL }
};

static const struct word *const fixed[WORDS_KINDS] = {
	[WORDS_COLOR] = colors,
	[WORDS_MUSEUM] = museums,
	[WORDS_SHELL] = shells,
	[WORDS_STATE] = states,
	[WORDS_TRACE_FORMAT] = trace_formats,
	[WORDS_WHY] = whys,
};

struct to {
	words_fn *fn;
	void *arg;
};

static void
commands_each(const struct to *to)
{
	for (unsigned i = 0; i < ncommands; i++)
		to->fn(to->arg, commands[i]->c_name, commands[i]->c_text);
	to->fn(to->arg, "help", "what there is; of one command, its options");
	to->fn(to->arg, "version", "the version, and those of the libraries");
}

static void
defects_each(const struct to *to)
{
	for (int i = 0; i < DEFECT_COUNT; i++)
		to->fn(to->arg, defect_catalogue[i].di_name,
		    defect_catalogue[i].di_text);
}

static void
points_each(const struct to *to)
{
	for (int i = 0; i < TP_COUNT; i++)
		to->fn(to->arg, trace_catalogue[i].ti_name,
		    trace_catalogue[i].ti_text);
}

static void
lists_each(const struct to *to)
{
	const char *word, *text;

	for (unsigned i = 0; (word = list_what(i, &text)) != NULL; i++)
		to->fn(to->arg, word, text);
}

static void
models_each(const struct to *to)
{
	for (unsigned i = 0; nic_models[i] != NULL; i++)
		to->fn(to->arg, nic_models[i]->nm_name, NULL);
}

static void
shows_each(const struct to *to)
{
	const char *word, *text;
	struct strbuf sb = { 0 };

	for (unsigned i = 0; (word = show_what(i, &text)) != NULL; i++) {
		strbuf_clear(&sb);
		strbuf_addf(&sb, "%s@", word);
		to->fn(to->arg, strbuf_str(&sb), text);
	}
	strbuf_fini(&sb);
}

/* `explain` takes a path without the names that are one's own. */
static void
key_word(void *arg, const char *path, const char *text)
{
	const struct to *to = arg;
	struct strbuf sb = { 0 };
	size_t len;

	for (; *path != '\0'; path += len) {
		if (strncmp(path, ".NAME", 5) == 0)
			len = 5;
		else if (strncmp(path, "[]", 2) == 0)
			len = 2;
		else {
			len = 1;
			strbuf_add(&sb, path, 1);
		}
	}
	to->fn(to->arg, strbuf_str(&sb), text);
	strbuf_fini(&sb);
}

/* --set can be completed where no such names are in the path. */
static void
set_word(void *arg, const char *path, const char *text)
{
	const struct to *to = arg;
	struct strbuf sb = { 0 };

	if (strstr(path, ".NAME") != NULL || strstr(path, "[]") != NULL)
		return;
	strbuf_addf(&sb, "%s=", path);
	to->fn(to->arg, strbuf_str(&sb), text);
	strbuf_fini(&sb);
}

/* Of `ctl`: the first word of each line of its help. */
static void
orders_each(const struct to *to)
{
	struct strbuf sb = { 0 };
	const char *s = ctl_help;
	size_t len;

	for (; *s != '\0'; s += strcspn(s, "\n"), s += *s == '\n') {
		len = strcspn(s, " \n");
		if (len == 0 || s[0] < 'a' || s[0] > 'z')
			continue;
		strbuf_clear(&sb);
		strbuf_add(&sb, s, len);
		to->fn(to->arg, strbuf_str(&sb), NULL);
	}
	strbuf_fini(&sb);
}

void
words_each(enum words kind, words_fn *fn, void *arg)
{
	struct to to = { fn, arg };

	for (const struct word *w = fixed[kind]; w != NULL && w->w_word != NULL;
	     w++)
		fn(arg, w->w_word, w->w_text);
	if (kind == WORDS_COMMAND)
		commands_each(&to);
	else if (kind == WORDS_DEFECT)
		defects_each(&to);
	else if (kind == WORDS_POINT)
		points_each(&to);
	else if (kind == WORDS_LIST)
		lists_each(&to);
	else if (kind == WORDS_MODEL)
		models_each(&to);
	else if (kind == WORDS_SHOW)
		shows_each(&to);
	else if (kind == WORDS_KEY)
		keys_paths(key_word, &to);
	else if (kind == WORDS_SET)
		keys_paths(set_word, &to);
	else if (kind == WORDS_ORDER)
		orders_each(&to);
}
