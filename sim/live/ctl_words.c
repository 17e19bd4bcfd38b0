/*
 * A control line becomes an item of a timeline, which the table of keys then
 * judges; a few words are short for what one wants most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "ctl.h"

#define WORDS_MAX 32

const char ctl_help[] =
    "link down|up PORT             a link fails, or comes back\n"
    "loss PORT PERCENT             its chance to lose a frame, both ways\n"
    "sysctl HOST NAME [VALUE]      read or set one\n"
    "switch_tls APP sw|ifnet [N]   connections (or the N-th) change their mode\n"
    "ifconfig HOST[.IF] [WORDS]    show interfaces, or ifconfig(8): ifconfig h.lagg0\n"
    "                              -laggport mce0\n"
    "route HOST WORDS              route(8): route h change default -interface mce1\n"
    "card PORT ORDER [TIME|COUNT]  reset, stall 2ms, dma-fail 3 and the like\n"
    "fragment HOST, defragment HOST\n"
    "                              memory without contiguous pages, or with\n"
    "do ACTION KEY=VALUE ...       any step of a timeline: do loss on=h.mce0 loss=1%\n"
    "status [--json]               time, links, open connections\n"
    "stop                          end the session in order\n"
    "help                          this text\n"
    "PORT is host.nic, or nic where only one host has it\n";

struct line {
	char *text;
	char *w[WORDS_MAX + 1];
	unsigned n;
};

static bool
split(const char *text, struct line *l, struct strbuf *err)
{
	char *save;

	*l = (struct line) { .text = xstrdup(text) };
	for (char *w = strtok_r(l->text, " \t\r", &save); w != NULL;
	     w = strtok_r(NULL, " \t\r", &save)) {
		if (l->n == WORDS_MAX) {
			strbuf_adds(err, "too many words");
			return (false);
		}
		l->w[l->n++] = w;
	}
	if (l->n == 0)
		strbuf_adds(err, "an empty line; `help` shows what there is");
	return (l->n > 0);
}

/* What could be anything but one plain value in YAML. */
static bool
plain_words(const struct line *l, struct strbuf *err)
{
	for (unsigned i = 1; i < l->n; i++)
		if (strpbrk(l->w[i], "{}[],#&*!|>'\"`@\\") != NULL ||
		    strchr("-?:%", l->w[i][0]) != NULL) {
			strbuf_addf(err, "`%s` has a strange character",
			    l->w[i]);
			return (false);
		}
	return (true);
}

/* --- ports --- */

/* "mce0" is "server.mce0" where only one host has a card of that name; a
 * device stands for the card at its link's other end; a link has a name of
 * its own. */
static char *
port_name(const struct scenario *sc, const char *word, struct strbuf *err)
{
	const struct sc_strlist *ends;
	unsigned found = 0;
	char *name = NULL;

	for (unsigned i = 0; i < sc->nlinks; i++) {
		ends = &sc->links[i].ends;
		for (unsigned j = 0; j < 2; j++)
			if (scenario_device(ends->v[j]) != NULL &&
			    strcmp(ends->v[j], word) == 0)
				return (xstrdup(ends->v[1 - j]));
	}
	if (strchr(word, '.') != NULL || scenario_link(sc, word) != NULL)
		return (xstrdup(word));
	for (unsigned i = 0; i < sc->nhosts; i++)
		for (unsigned j = 0; j < sc->hosts[i].nnics; j++)
			if (strcmp(sc->hosts[i].nics[j].loc.name, word) == 0 &&
			    found++ == 0)
				name = xasprintf("%s.%s", sc->hosts[i].loc.name,
				    word);
	if (found == 1)
		return (name);
	free(name);
	if (found == 0)
		strbuf_addf(err, "no host has a card `%s`", word);
	else
		strbuf_addf(err, "%u hosts have a card `%s`: write host.%s",
		    found, word, word);
	return (NULL);
}

static bool
on_port(const struct scenario *sc, const char *what, const char *port,
    const char *more, struct ctl_words *cw, struct strbuf *err)
{
	char *name = port_name(sc, port, err);

	if (name == NULL)
		return (false);
	strbuf_addf(&cw->cw_yaml, "{at: 0s, do: %s, on: %s%s}", what, name,
	    more);
	free(name);
	return (true);
}

/* --- the words --- */

static bool
wants(struct strbuf *err, const char *usage)
{
	strbuf_addf(err, "write: %s", usage);
	return (false);
}

static bool
word_link(const struct scenario *sc, const struct line *l, struct ctl_words *cw,
    struct strbuf *err)
{
	if (l->n != 3 ||
	    (strcmp(l->w[1], "down") != 0 && strcmp(l->w[1], "up") != 0))
		return (wants(err, "link down|up PORT"));
	return (on_port(sc, l->w[1][0] == 'd' ? "link_down" : "link_up",
	    l->w[2], "", cw, err));
}

static bool
word_loss(const struct scenario *sc, const struct line *l, struct ctl_words *cw,
    struct strbuf *err)
{
	char more[128];

	if (l->n != 3)
		return (wants(err, "loss PORT PERCENT, such as loss mce0 1%"));
	snprintf(more, sizeof(more), ", loss: %.100s", l->w[2]);
	return (on_port(sc, "loss", l->w[1], more, cw, err));
}

static bool
word_sysctl(const struct scenario *sc, const struct line *l,
    struct ctl_words *cw, struct strbuf *err)
{
	if (l->n == 3) {
		cw->cw_kind = CTL_READ_SYSCTL;
		cw->cw_host = xstrdup(l->w[1]);
		cw->cw_name = xstrdup(l->w[2]);
		return (true);
	}
	if (l->n != 4)
		return (wants(err, "sysctl HOST NAME [VALUE]"));
	strbuf_addf(&cw->cw_yaml,
	    "{at: 0s, do: sysctl, on: %s, name: %s, value: %s}", l->w[1],
	    l->w[2], l->w[3]);
	return (true);
}

static bool
word_switch_tls(const struct scenario *sc, const struct line *l,
    struct ctl_words *cw, struct strbuf *err)
{
	if (l->n != 3 && l->n != 4)
		return (wants(err, "switch_tls APP sw|ifnet [CONNECTION]"));
	strbuf_addf(&cw->cw_yaml, "{at: 0s, do: switch_tls, on: %s, to: %s",
	    l->w[1], l->w[2]);
	if (l->n == 4)
		strbuf_addf(&cw->cw_yaml, ", connection: %s", l->w[3]);
	strbuf_adds(&cw->cw_yaml, "}");
	return (true);
}

/* A time has a unit, a count has none. */
static bool
word_card(const struct scenario *sc, const struct line *l, struct ctl_words *cw,
    struct strbuf *err)
{
	char more[128];
	uint64_t n;

	if (l->n != 3 && l->n != 4)
		return (wants(err,
		    "card PORT ORDER [TIME|COUNT], such as card mce0 stall "
		    "2ms"));
	snprintf(more, sizeof(more), ", order: %.50s", l->w[2]);
	if (l->n == 4)
		snprintf(more + strlen(more), sizeof(more) - strlen(more),
		    ", %s: %.50s",
		    parse_uint(l->w[3], &n) == 0 ? "count" : "for", l->w[3]);
	return (on_port(sc, "card", l->w[1], more, cw, err));
}

static bool
word_fragment(const struct scenario *sc, const struct line *l,
    struct ctl_words *cw, struct strbuf *err)
{
	if (l->n != 2)
		return (wants(err, "fragment HOST, or defragment HOST"));
	strbuf_addf(&cw->cw_yaml, "{at: 0s, do: %s, on: %s}", l->w[0], l->w[1]);
	return (true);
}

/* Words as they are, in one quoted text. */
static bool
word_command(const struct scenario *sc, const struct line *l,
    struct ctl_words *cw, struct strbuf *err)
{
	bool ifconfig = l->w[0][0] == 'i';

	if (ifconfig && l->n == 2) {
		cw->cw_kind = CTL_IFCONFIG;
		cw->cw_name = xstrdup(l->w[1]);
		return (true);
	}
	if (l->n < 3)
		return (wants(err,
		    ifconfig ? "ifconfig HOST.INTERFACE WORDS, or ifconfig HOST"
			     : "route HOST add|delete|change ..."));
	for (unsigned i = 1; i < l->n; i++)
		if (strpbrk(l->w[i], "{}[]\"\\") != NULL ||
		    (i == 1 && strpbrk(l->w[i], ",:#") != NULL)) {
			strbuf_addf(err, "`%s` has a strange character",
			    l->w[i]);
			return (false);
		}
	strbuf_addf(&cw->cw_yaml, "{at: 0s, do: %s, on: %s, args: \"", l->w[0],
	    l->w[1]);
	for (unsigned i = 2; i < l->n; i++)
		strbuf_addf(&cw->cw_yaml, "%s%s", i == 2 ? "" : " ", l->w[i]);
	strbuf_adds(&cw->cw_yaml, "\"}");
	return (true);
}

/* "do loss on=x loss=1%"; values are YAML as they are. */
static bool
word_do(const struct scenario *sc, const struct line *l, struct ctl_words *cw,
    struct strbuf *err)
{
	const char *eq;

	if (l->n < 2)
		return (wants(err, "do ACTION KEY=VALUE ..."));
	strbuf_adds(&cw->cw_yaml, "{at: 0s");
	for (unsigned i = 1; i < l->n; i++) {
		eq = strchr(l->w[i], '=');
		if (eq == NULL && i == 1)
			strbuf_addf(&cw->cw_yaml, ", do: %s", l->w[i]);
		else if (strncmp(l->w[i], "at=", 3) == 0 ||
		    strncmp(l->w[i], "when=", 5) == 0)
			return (wants(err,
			    "do ACTION KEY=VALUE ..., without `at` or "
			    "`when`: an order is carried out now"));
		else if (eq == NULL || eq == l->w[i]) {
			/* Of a value with blanks in it. */
			if (i <= 1)
				return (wants(err, "do ACTION KEY=VALUE ..."));
			strbuf_addf(&cw->cw_yaml, " %s", l->w[i]);
		} else
			strbuf_addf(&cw->cw_yaml, ", %.*s: %s",
			    (int)(eq - l->w[i]), l->w[i], eq + 1);
	}
	strbuf_adds(&cw->cw_yaml, "}");
	return (true);
}

static bool
word_status(const struct scenario *sc, const struct line *l,
    struct ctl_words *cw, struct strbuf *err)
{
	cw->cw_kind = CTL_STATUS;
	if (l->n == 1)
		return (true);
	cw->cw_kind = CTL_STATUS_JSON;
	return (l->n == 2 && strcmp(l->w[1], "--json") == 0
		? true
		: wants(err, "status [--json]"));
}

static bool
word_alone(const struct scenario *sc, const struct line *l,
    struct ctl_words *cw, struct strbuf *err)
{
	cw->cw_kind = l->w[0][0] == 's' ? CTL_STOP : CTL_HELP;
	return (l->n == 1 ? true : wants(err, l->w[0]));
}

static const struct {
	const char *word;
	bool raw; /* its values may be any YAML */
	bool (*read)(const struct scenario *, const struct line *,
	    struct ctl_words *, struct strbuf *err);
} words[] = {
	{ "link", false, word_link },
	{ "loss", false, word_loss },
	{ "sysctl", false, word_sysctl },
	{ "switch_tls", false, word_switch_tls },
	{ "card", false, word_card },
	{ "ifconfig", true, word_command },
	{ "route", true, word_command },
	{ "fragment", false, word_fragment },
	{ "defragment", false, word_fragment },
	{ "do", true, word_do },
	{ "status", true, word_status },
	{ "stop", false, word_alone },
	{ "help", false, word_alone },
};

static bool
no_word(const char *word, struct strbuf *err)
{
	const char *names[nitems(words)], *near;

	for (size_t i = 0; i < nitems(words); i++)
		names[i] = words[i].word;
	near = nearest_name(word, names, nitems(words));
	if (near != NULL)
		strbuf_addf(err, "there is no `%s`; did you mean `%s`?", word,
		    near);
	else
		strbuf_addf(err, "there is no `%s`; `help` shows what there is",
		    word);
	return (false);
}

static bool
read_line(const struct scenario *sc, const struct line *l, struct ctl_words *cw,
    struct strbuf *err)
{
	for (size_t i = 0; i < nitems(words); i++)
		if (strcmp(words[i].word, l->w[0]) == 0)
			return ((words[i].raw || plain_words(l, err)) &&
			    words[i].read(sc, l, cw, err));
	return (no_word(l->w[0], err));
}

bool
ctl_words_parse(const struct scenario *sc, const char *text,
    struct ctl_words *cw, struct strbuf *err)
{
	struct line l;
	bool ok;

	*cw = (struct ctl_words) { .cw_kind = CTL_ORDER };
	ok = split(text, &l, err) && read_line(sc, &l, cw, err);
	free(l.text);
	return (ok);
}

void
ctl_words_fini(struct ctl_words *cw)
{
	strbuf_fini(&cw->cw_yaml);
	free(cw->cw_host);
	free(cw->cw_name);
}

void
ctl_one_line(const char *diag, struct strbuf *sb)
{
	static const char mark[] = ": error: ";
	const char *end, *p;
	bool first = true;

	while ((p = strstr(diag, mark)) != NULL) {
		p += sizeof(mark) - 1;
		end = p + strcspn(p, "\n");
		strbuf_adds(sb, first ? "" : "; ");
		strbuf_add(sb, p, (size_t)(end - p));
		first = false;
		diag = end;
	}
}
