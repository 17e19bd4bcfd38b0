/*
 * What one types behind ifconfig(8) and route(8), as far as it concerns the
 * interfaces of the laboratory: words, their arguments, and what is wrong with
 * them. Whether the kernel takes them is another question.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "node.h"

#define WORDS_MAX 64

struct words {
	struct arena *arena;
	char *w[WORDS_MAX + 1];
	unsigned n, at;
	const char *why, *where;
};

static int
words_split(struct words *ws, const char *text, struct arena *arena)
{
	char *save, *copy;

	memset(ws, 0, sizeof(*ws));
	ws->arena = arena;
	copy = arena_strdup(arena, text);
	for (char *w = strtok_r(copy, " \t", &save); w != NULL;
	     w = strtok_r(NULL, " \t", &save)) {
		if (ws->n == WORDS_MAX) {
			ws->why = "too many words";
			ws->where = w;
			return (EINVAL);
		}
		ws->w[ws->n++] = w;
	}
	return (0);
}

static int
words_bad(struct words *ws, const char *where, const char *why)
{
	ws->where = where;
	ws->why = why;
	return (EINVAL);
}

/* The argument of the word that was taken last. */
static const char *
words_arg(struct words *ws, const char *why)
{
	if (ws->at < ws->n)
		return (ws->w[ws->at++]);
	(void)words_bad(ws, ws->w[ws->at - 1], why);
	return (NULL);
}

static int
words_number(struct words *ws, uint64_t *out, uint64_t max, const char *why)
{
	const char *arg = words_arg(ws, why);

	if (arg == NULL)
		return (EINVAL);
	if (parse_uint(arg, out) != 0 || *out > max)
		return (words_bad(ws, arg, why));
	return (0);
}

/* --- ifconfig --- */

static const char *const caps[] = { "rxcsum", "txcsum", "rxcsum6", "txcsum6",
	"tso", "tso4", "tso6", "lro", "toe", "toe4", "toe6", "vlanmtu",
	"vlanhwtag", "vlanhwcsum", "vlanhwtso", "txrtlmt", "mextpg", "txtls",
	"txtls4", "txtls6", "txtlsrtlmt", "rxtls", "rxtls4", "rxtls6", NULL };
static const char *const lagg_opts[] = { "use_flowid", "use_numa",
	"lacp_strict", "lacp_fast_timeout", NULL };

static bool
in_list(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return (true);
	return (false);
}

static int
word_plain(struct words *ws, struct sc_ifconfig *ic)
{
	return (0);
}

static int
word_mtu(struct words *ws, struct sc_ifconfig *ic)
{
	return (words_number(ws, &ic->ic_number, UINT32_MAX,
	    "write mtu and a number of bytes"));
}

static int
word_laggproto(struct words *ws, struct sc_ifconfig *ic)
{
	ic->ic_arg =
	    words_arg(ws, "write laggproto and the name of a protocol");
	if (ic->ic_arg == NULL)
		return (EINVAL);
	return (in_list(sc_lagg_protos, ic->ic_arg)
		? 0
		: words_bad(ws, ic->ic_arg,
		      "it is none of lagg's protocols: `ktls-sim explain "
		      "laggs.proto` has them"));
}

static int
word_port(struct words *ws, struct sc_ifconfig *ic)
{
	ic->ic_arg = words_arg(ws, "write laggport and a card's name");
	return (ic->ic_arg != NULL ? 0 : EINVAL);
}

/* "l2,l3": ic_number has bit 0 for l2 and so on. */
static int
word_lagghash(struct words *ws, struct sc_ifconfig *ic)
{
	static const char why[] = "write lagghash and some of l2,l3,l4";
	const char *arg = words_arg(ws, why), *p;

	if (arg == NULL)
		return (EINVAL);
	for (p = arg; p[0] == 'l' && p[1] >= '2' && p[1] <= '4'; p += 3) {
		ic->ic_number |= 1u << (p[1] - '2');
		if (p[2] == '\0')
			return (0);
		if (p[2] != ',')
			break;
	}
	return (words_bad(ws, arg, why));
}

static int
word_shift(struct words *ws, struct sc_ifconfig *ic)
{
	return (words_number(ws, &ic->ic_number, UINT32_MAX,
	    "write flowid_shift and a number of bits"));
}

static int
word_rr(struct words *ws, struct sc_ifconfig *ic)
{
	return (words_number(ws, &ic->ic_number, UINT32_MAX,
	    "write rr_limit and a number of packets"));
}

/* ifconfig takes the two in any order, but wants both. */
static int
word_vlan(struct words *ws, struct sc_ifconfig *ic)
{
	static const char why[] =
	    "write vlan and a number, vlandev and an interface: both";
	bool dev = strcmp(ws->w[ws->at - 1], "vlandev") == 0;
	const char *other;

	for (int i = 0; i < 2; i++, dev = !dev) {
		if (i == 1) {
			other = words_arg(ws, why);
			if (other == NULL)
				return (EINVAL);
			if (strcmp(other, dev ? "vlandev" : "vlan") != 0)
				return (words_bad(ws, other, why));
		}
		if (dev)
			ic->ic_arg = words_arg(ws, why);
		else if (words_number(ws, &ic->ic_number, UINT32_MAX, why) != 0)
			return (EINVAL);
		if (dev && ic->ic_arg == NULL)
			return (EINVAL);
	}
	return (0);
}

static int
word_addr(struct words *ws, struct sc_ifconfig *ic)
{
	bool six = strcmp(ws->w[ws->at - 1], "inet6") == 0;
	static const char why[] =
	    "write an address with prefix length, and alias or -alias behind "
	    "it: inet 10.0.0.1/24 alias";
	const char *arg = words_arg(ws, why), *verb;

	if (arg == NULL)
		return (EINVAL);
	if (parse_cidr(arg, &ic->ic_family, &ic->ic_addr, &ic->ic_plen) != 0 ||
	    (ic->ic_family == KAF_INET6) != six)
		return (words_bad(ws, arg, why));
	if ((verb = words_arg(ws, why)) == NULL)
		return (EINVAL);
	ic->ic_minus =
	    strcmp(verb, "-alias") == 0 || strcmp(verb, "delete") == 0;
	return (ic->ic_minus || strcmp(verb, "alias") == 0
		? 0
		: words_bad(ws, verb, why));
}

static const struct {
	const char *word;
	int is;
	bool minus;
	int (*read)(struct words *, struct sc_ifconfig *);
} ifc_words[] = {
	{ "up", SC_IFC_UP, false, word_plain },
	{ "down", SC_IFC_DOWN, false, word_plain },
	{ "mtu", SC_IFC_MTU, false, word_mtu },
	{ "laggproto", SC_IFC_LAGGPROTO, false, word_laggproto },
	{ "laggport", SC_IFC_LAGGPORT, false, word_port },
	{ "-laggport", SC_IFC_LAGGPORT, true, word_port },
	{ "lagghash", SC_IFC_LAGGHASH, false, word_lagghash },
	{ "flowid_shift", SC_IFC_FLOWID_SHIFT, false, word_shift },
	{ "rr_limit", SC_IFC_RR_LIMIT, false, word_rr },
	{ "vlan", SC_IFC_VLAN, false, word_vlan },
	{ "vlandev", SC_IFC_VLAN, false, word_vlan },
	{ "-vlandev", SC_IFC_NO_VLAN, false, word_plain },
	{ "inet", SC_IFC_ADDR, false, word_addr },
	{ "inet6", SC_IFC_ADDR, false, word_addr },
};

/* Words that are a name, or the name with a minus. */
static bool
ifc_switch(const char *word, struct sc_ifconfig *ic)
{
	ic->ic_minus = word[0] == '-';
	ic->ic_name = word + ic->ic_minus;
	if (in_list(caps, ic->ic_name))
		ic->ic_word = SC_IFC_CAP;
	else if (in_list(lagg_opts, ic->ic_name))
		ic->ic_word = SC_IFC_LAGGOPT;
	else
		return (false);
	return (true);
}

static int
ifc_unknown(struct words *ws, const char *word)
{
	const char *names[nitems(ifc_words) + nitems(caps) + nitems(lagg_opts)];
	const char *near;
	bool minus = word[0] == '-';
	unsigned n = 0;

	for (unsigned i = 0; i < nitems(ifc_words); i++)
		if ((ifc_words[i].word[0] == '-') == minus)
			names[n++] = ifc_words[i].word + minus;
	for (unsigned i = 0; caps[i] != NULL; i++)
		names[n++] = caps[i];
	for (unsigned i = 0; lagg_opts[i] != NULL; i++)
		names[n++] = lagg_opts[i];
	near = nearest_name(word + minus, names, n);
	return (words_bad(ws, word,
	    near != NULL ? arena_printf(ws->arena, "did you mean `%s%s`?",
			       minus ? "-" : "", near)
			 : "ifconfig has no such word here"));
}

static int
ifc_word(struct words *ws, struct sc_ifconfig *ic)
{
	const char *word = ws->w[ws->at++];

	memset(ic, 0, sizeof(*ic));
	if (ifc_switch(word, ic))
		return (0);
	ic->ic_minus = false;
	ic->ic_name = NULL;
	for (unsigned i = 0; i < nitems(ifc_words); i++)
		if (strcmp(ifc_words[i].word, word) == 0) {
			ic->ic_word = ifc_words[i].is;
			ic->ic_minus = ifc_words[i].minus;
			return (ifc_words[i].read(ws, ic));
		}
	return (ifc_unknown(ws, word));
}

int
scenario_ifconfig(const char *text, void *arena, struct sc_ifconfig **out,
    unsigned *n, const char **why, const char **where)
{
	struct words ws;
	int error;

	*n = 0;
	error = words_split(&ws, text, arena);
	if (error == 0 && ws.n == 0)
		error = words_bad(&ws, "", "nothing to do is said");
	*out = arena_alloc(arena, (ws.n + 1) * sizeof(**out));
	while (error == 0 && ws.at < ws.n)
		error = ifc_word(&ws, &(*out)[(*n)++]);
	*why = ws.why;
	*where = ws.where;
	return (error);
}

/* --- route --- */

static int
route_dst(struct words *ws, struct sc_route *rc)
{
	static const char why[] =
	    "write a network, 10.0.0.0/24, an address or default";
	const char *w = words_arg(ws, why);
	struct ksockaddr sa;

	if (w != NULL && strcmp(w, "-inet6") == 0) {
		rc->rc_family = KAF_INET6;
		w = words_arg(ws, why);
	}
	if (w == NULL)
		return (EINVAL);
	if (strcmp(w, "default") == 0) {
		if (rc->rc_family == 0)
			rc->rc_family = KAF_INET;
		return (0);
	}
	if (parse_cidr(w, &rc->rc_family, &rc->rc_dst, &rc->rc_plen) == 0)
		return (0);
	if (parse_endpoint(w, &sa) != 0 || sa.sa_port != 0)
		return (words_bad(ws, w, why));
	rc->rc_family = sa.sa_family;
	rc->rc_dst = sa.sa_addr;
	rc->rc_plen = sa.sa_family == KAF_INET6 ? 128 : 32;
	return (0);
}

static int
route_by(struct words *ws, struct sc_route *rc)
{
	static const char why[] =
	    "write a gateway's address, or -interface and an interface";
	const char *w = words_arg(ws, why);
	struct ksockaddr sa;

	if (w == NULL)
		return (EINVAL);
	if (strcmp(w, "-interface") == 0 || strcmp(w, "-iface") == 0) {
		rc->rc_ifname = words_arg(ws, why);
		return (rc->rc_ifname != NULL ? 0 : EINVAL);
	}
	if (parse_endpoint(w, &sa) != 0 || sa.sa_port != 0 ||
	    sa.sa_family != rc->rc_family)
		return (words_bad(ws, w, why));
	rc->rc_gw = sa.sa_addr;
	return (0);
}

int
scenario_route(const char *text, void *arena, struct sc_route *rc,
    const char **why, const char **where)
{
	static const char *const verbs[] = { "add", "delete", "change" };
	struct words ws;
	int error;

	memset(rc, 0, sizeof(*rc));
	error = words_split(&ws, text, arena);
	for (rc->rc_verb = 0; error == 0 && rc->rc_verb < 3; rc->rc_verb++)
		if (ws.n > 0 && strcmp(ws.w[0], verbs[rc->rc_verb]) == 0)
			break;
	ws.at = 1;
	if (error == 0 && rc->rc_verb == 3)
		error = words_bad(&ws, ws.n > 0 ? ws.w[0] : "",
		    "begin with add, delete or change");
	if (error == 0)
		error = route_dst(&ws, rc);
	if (error == 0 && rc->rc_verb != SC_ROUTE_DELETE)
		error = route_by(&ws, rc);
	if (error == 0 && ws.at < ws.n)
		error = words_bad(&ws, ws.w[ws.at], "this is too much");
	*why = ws.why;
	*where = ws.where;
	return (error);
}
