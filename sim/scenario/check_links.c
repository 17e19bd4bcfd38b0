/* Links: their ends, and what their impairments may and may not do. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "node.h"

/* "such as" a port whose card has this name. */
const char *
check_port_hint(struct chk *c, const char *nic)
{
	static _Thread_local char text[160];

	for (unsigned i = 0; i < c->sc->nhosts; i++)
		if (check_find_nic(&c->sc->hosts[i], nic) != NULL) {
			snprintf(text, sizeof(text), ", such as `%s.%s`",
			    c->sc->hosts[i].loc.name, nic);
			return (text);
		}
	return ("");
}

static bool
is_switch(const struct scenario *sc, const char *name)
{
	for (unsigned i = 0; i < sc->nswitches; i++)
		if (strcmp(sc->switches[i].loc.name, name) == 0)
			return (true);
	return (false);
}

const void *
check_port(struct chk *c, const struct sc_loc *loc, const char *name)
{
	const struct sc_switch *sw;
	const char *dot = strchr(name, '.');
	struct sc_host *h;
	struct sc_nic *n;
	unsigned port;
	char *host;

	if (dot == NULL) {
		ERR(c, loc, "`%s` does not name a port: write host.nic%s", name,
		    check_port_hint(c, name));
		return (NULL);
	}
	if ((sw = scenario_switch_port(c->sc, name, &port)) != NULL)
		return (&sw->ports.v[port]);
	host = arena_strdup(c->sc->arena, name);
	host[dot - name] = '\0';
	if (is_switch(c->sc, host)) {
		ERR(c, loc, "switch `%s` has no port `%s`: see its `ports`",
		    host, dot + 1);
		return (NULL);
	}
	if ((h = check_host_name(c, loc, host)) == NULL)
		return (NULL);
	if ((n = check_find_nic(h, dot + 1)) == NULL)
		ERR(c, loc, "host `%s` has no card `%s`%s", h->loc.name,
		    dot + 1, HINT(c, dot + 1, h->nics, h->nnics));
	return (n);
}

/* --- impairments --- */

static void
check_pick(struct chk *c, const struct sc_loc *loc, const struct sc_pick *p)
{
	const char *m = p->mask;
	int n = p->has_data + p->has_record + p->has_app_record + p->has_flags +
	    (m != NULL);

	if (n != 1)
		ERR(c, loc,
		    "exactly one of data, record, app_record, flags and mask "
		    "says which frames, here are %d",
		    n);
	if (p->segment != 0 && !p->has_record && !p->has_app_record)
		ERR(c, loc,
		    "`segment` counts within a record: give `record` or "
		    "`app_record`");
	if (m == NULL)
		return;
	m += strncmp(m, "0b", 2) == 0 ? 2 : 0;
	if (m[strspn(m, "01")] != '\0' || strchr(m, '1') == NULL)
		ERR(c, scenario_text_at(p->mask),
		    "`%s` is no mask: write a row of 0 and 1 in quotes, such as "
		    "\"0010110\", at least one 1 in it",
		    p->mask);
}

static bool
any_plain_app(const struct scenario *sc)
{
	for (unsigned i = 0; i < sc->napps; i++)
		if (!sc->apps[i].tls.present)
			return (true);
	return (false);
}

static void
check_corrupt(struct chk *c, const struct sc_corrupt *k)
{
	bool picked = k->pick.has_data || k->pick.has_record ||
	    k->pick.has_app_record || k->pick.has_flags || k->pick.mask != NULL;

	if (k->has_chance && picked)
		ERR(c, &k->loc,
		    "a corruption strikes by `chance` or exactly those that "
		    "are picked, not both");
	if (!k->has_chance)
		check_pick(c, &k->loc, &k->pick);
	if (k->checksum == 0)
		return;
	if (k->where == 1)
		ERR(c, &k->loc,
		    "a wrong header with a right checksum is another segment: "
		    "let `where` be payload, or `checksum` wrong");
	if (any_plain_app(c->sc))
		ERR(c, &k->loc,
		    "nothing notices a wrong byte with a right checksum where "
		    "there is no TLS: give every application `tls`, or let "
		    "`checksum` be wrong");
}

static void
check_mtu(struct chk *c, const struct sc_mtu *m)
{
	struct in_any a;
	int family;
	char *cidr;
	int plen;

	if (m->icmp != (m->router != NULL))
		ERR(c, &m->loc,
		    "`icmp: true` and `router`, the address that answers, go "
		    "together");
	if (m->router == NULL)
		return;
	cidr = arena_alloc(c->sc->arena, strlen(m->router) + 5);
	snprintf(cidr, strlen(m->router) + 5, "%s/%d", m->router,
	    strchr(m->router, ':') != NULL ? 128 : 32);
	if (parse_cidr(cidr, &family, &a, &plen) != 0)
		ERR(c, scenario_text_at(m->router),
		    "`%s` is not an address, such as 10.0.0.254 or fd00::fe",
		    m->router);
	else if (family == KAF_INET6 && m->size < 1280)
		ERR(c, &m->loc,
		    "IPv6 asks every link to carry 1280 bytes (RFC 8200): a "
		    "router of it never says less");
}

static void
check_kind(struct chk *c, struct sc_impair *n)
{
	const struct sc_red *red = &n->rate.red;

	if (n->kind == SC_IMPAIR_DROP)
		check_pick(c, &n->drop.loc, &n->drop.pick);
	else if (n->kind == SC_IMPAIR_CORRUPT)
		check_corrupt(c, &n->corrupt);
	else if (n->kind == SC_IMPAIR_MTU)
		check_mtu(c, &n->mtu);
	else if (n->kind == SC_IMPAIR_REORDER &&
	    (n->reorder.chance != 0) == (n->reorder.every != 0))
		ERR(c, &n->reorder.loc,
		    "reorder by `chance` or `every` so many frames: one of "
		    "them, and not 0");
	else if (n->kind == SC_IMPAIR_RATE && red->present &&
	    red->min >= red->max)
		ERR(c, &red->loc, "`min` of red must be less than `max`");
}

bool
check_impair(struct chk *c, const struct sc_link *l, struct sc_impair *n)
{
	const bool has[SC_IMPAIR_KINDS] = { n->has_loss, n->bursts.present,
		n->drop.present, n->has_duplicate, n->reorder.present,
		n->corrupt.present, n->jitter.present, n->rate.present,
		n->has_delay, n->mtu.present };
	unsigned kinds = 0;

	for (int k = 0; k < SC_IMPAIR_KINDS; k++)
		if (has[k]) {
			n->kind = k;
			kinds++;
		}
	if (kinds != 1) {
		ERR(c, &n->loc,
		    "an impairment has exactly one kind (loss, bursts, drop, "
		    "duplicate, reorder, corrupt, jitter, rate, delay or mtu), "
		    "this one has %u",
		    kinds);
		return (false);
	}
	check_kind(c, n);
	if (n->name != NULL)
		check_word(c, scenario_text_at(n->name), n->name,
		    "impairment name", 32);
	if (n->from != NULL && l->ends.n == 2 &&
	    strcmp(n->from, l->ends.v[0]) != 0 &&
	    strcmp(n->from, l->ends.v[1]) != 0)
		ERR(c, scenario_text_at(n->from),
		    "`%s` is no end of this link: its ends are `%s` and `%s`",
		    n->from, l->ends.v[0], l->ends.v[1]);
	return (true);
}

/* What it goes by, and where that stands. */
static const char *
node_name(const struct sc_impair *n, const struct sc_loc **loc)
{
	*loc = n->name != NULL ? scenario_text_at(n->name) : &n->loc;
	return (n->name != NULL ? n->name : sc_impair_names[n->kind]);
}

/* Two nodes of one direction must have names of their own. */
static bool
same_node(const struct sc_impair *a, const struct sc_impair *b)
{
	const struct sc_loc *la, *lb;

	return (strcmp(node_name(a, &la), node_name(b, &lb)) == 0 &&
	    (a->from == NULL || b->from == NULL ||
		strcmp(a->from, b->from) == 0));
}

static void
check_nodes(struct chk *c, struct sc_link *l)
{
	const struct sc_loc *loc;
	const char *name;

	for (unsigned i = 0; i < l->nimpair; i++) {
		if (!check_impair(c, l, &l->impair[i]))
			continue;
		name = node_name(&l->impair[i], &loc);
		if (strcmp(name, "loss") == 0 || strcmp(name, "jitter") == 0)
			ERR(c, loc,
			    "`%s` is the name of the link's own: give this one "
			    "another `name`",
			    name);
		for (unsigned j = 0; j < i; j++)
			if (same_node(&l->impair[i], &l->impair[j]))
				ERR(c, loc,
				    "this direction has an impairment `%s` "
				    "already: give each a `name`",
				    name);
	}
}

/* --- links --- */

static void
check_link_name(struct chk *c, const struct sc_link *l)
{
	const struct sc_link *other;

	if (l->name == NULL)
		return;
	check_word(c, scenario_text_at(l->name), l->name, "link name", 32);
	for (other = c->sc->links; other < l; other++)
		if (other->name != NULL && strcmp(other->name, l->name) == 0)
			ERR(c, scenario_text_at(l->name),
			    "there is a link `%s` already", l->name);
}

static void
check_ends(struct chk *c, const struct sc_link *l, const void **used,
    unsigned *nused)
{
	const void *n;

	for (unsigned j = 0; j < 2; j++) {
		if (scenario_device(l->ends.v[j]) != NULL) {
			check_device(c->d, c->sc, l, j);
			continue;
		}
		n = check_port(c, &l->ends.loc[j], l->ends.v[j]);
		for (unsigned k = 0; n != NULL && k < *nused; k++)
			if (used[k] == n)
				ERR(c, &l->ends.loc[j],
				    "port `%s` has a link already",
				    l->ends.v[j]);
		if (n != NULL)
			used[(*nused)++] = n;
	}
}

void
check_links(struct chk *c)
{
	struct scenario *sc = c->sc;
	const void **used;
	unsigned nused = 0;

	used = arena_alloc(sc->arena, (2 * sc->nlinks + 1) * sizeof(*used));
	for (unsigned i = 0; i < sc->nlinks; i++) {
		check_link_name(c, &sc->links[i]);
		if (sc->links[i].ends.n != 2)
			ERR(c, &sc->links[i].loc,
			    "a link has two ends, this "
			    "one has %u: write ends: [host.nic, host.nic]",
			    sc->links[i].ends.n);
		else
			check_ends(c, &sc->links[i], used, &nused);
		check_nodes(c, &sc->links[i]);
	}
}

void
check_loose_cards(struct chk *c)
{
	const struct sc_host *h;
	char *port;

	for (h = c->sc->hosts; h < c->sc->hosts + c->sc->nhosts; h++)
		for (unsigned i = 0; i < h->nnics; i++) {
			port = arena_printf(c->sc->arena, "%s.%s", h->loc.name,
			    h->nics[i].loc.name);
			if (scenario_link(c->sc, port) == NULL)
				ERR(c, &h->nics[i].loc,
				    "card `%s` of host `%s` has no link: name "
				    "it as an end of one, `%s`",
				    h->nics[i].loc.name, h->loc.name, port);
		}
}
