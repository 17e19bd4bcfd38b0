/*
 * Cross rules: names that must exist, things that must not meet twice, claims
 * that must make sense. All of them are looked at, whatever broke before.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "addr.h"
#include "check.h"
#include "node.h"

#define LAST_START (86400 * SIM_SEC) /* as for `until` */

static struct sc_host *
find_host(struct scenario *sc, const char *name, size_t len)
{
	for (unsigned i = 0; i < sc->nhosts; i++)
		if (strlen(sc->hosts[i].loc.name) == len &&
		    memcmp(sc->hosts[i].loc.name, name, len) == 0)
			return (&sc->hosts[i]);
	return (NULL);
}

static struct sc_app *
find_app(struct scenario *sc, const char *name)
{
	for (unsigned i = 0; i < sc->napps; i++)
		if (strcmp(sc->apps[i].loc.name, name) == 0)
			return (&sc->apps[i]);
	return (NULL);
}

/*
 * "; did you mean `x`?" when one of the n things (each begins with its sc_loc)
 * has a name that is near. Told once more than DIAG_MAX mistakes: not looked
 * for, so that a hostile file costs no time.
 */
const char *
check_hint(struct chk *c, const char *name, const void *things, size_t size,
    unsigned n)
{
	static _Thread_local char text[160];
	const char *near, **names;

	text[0] = '\0';
	if (n == 0 || c->d->errors >= DIAG_MAX)
		return (text);
	names = arena_alloc(c->sc->arena, n * sizeof(*names));
	for (unsigned i = 0; i < n; i++)
		names[i] = ((const struct sc_loc *)(const void *)((const char *)
								      things +
				i * size))
			       ->name;
	near = nearest_name(name, names, n);
	if (near != NULL)
		snprintf(text, sizeof(text), "; did you mean `%s`?", near);
	return (text);
}

struct sc_host *
check_host_name(struct chk *c, const struct sc_loc *loc, const char *name)
{
	struct sc_host *h = find_host(c->sc, name, strlen(name));

	if (h == NULL)
		ERR(c, loc, "there is no host `%s`%s", name,
		    HINT(c, name, c->sc->hosts, c->sc->nhosts));
	return (h);
}

struct sc_nic *
check_find_nic(struct sc_host *h, const char *name)
{
	for (unsigned i = 0; i < h->nnics; i++)
		if (strcmp(h->nics[i].loc.name, name) == 0)
			return (&h->nics[i]);
	return (NULL);
}

void
check_word(struct chk *c, const struct sc_loc *loc, const char *word,
    const char *what, size_t max)
{
	size_t i;

	for (i = 0; word[i] != '\0'; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '-' &&
		    word[i] != '_')
			break;
	if (i == 0 || word[i] != '\0' || i > max)
		ERR(c, loc, "%s `%s`: use 1 to %zu letters, digits, - and _",
		    what, word, max);
}

void
check_ifname(struct chk *c, const struct sc_loc *loc)
{
	check_word(c, loc, loc->name, "interface name", 15);
	if (strcmp(loc->name, "lo0") == 0)
		ERR(c, loc,
		    "`lo0` is the loopback interface that every host has: "
		    "give this one another name");
}

static void
check_lagghash(struct chk *c, const struct sc_lagg *lg)
{
	for (unsigned i = 0; i < lg->hash.n; i++)
		if (strcmp(lg->hash.v[i], "l2") != 0 &&
		    strcmp(lg->hash.v[i], "l3") != 0 &&
		    strcmp(lg->hash.v[i], "l4") != 0)
			ERR(c, &lg->hash.loc[i], "`%s` is none of l2, l3, l4",
			    lg->hash.v[i]);
}

static void
check_laggs(struct chk *c, struct sc_host *h)
{
	struct sc_lagg *lg;

	for (unsigned i = 0; i < h->nlaggs; i++) {
		lg = &h->laggs[i];
		check_ifname(c, &lg->loc);
		if (check_find_nic(h, lg->loc.name) != NULL)
			ERR(c, &lg->loc, "`%s` is the name of a card already",
			    lg->loc.name);
		check_lagghash(c, lg);
		if (lg->ports.n == 0)
			ERR(c, &lg->loc,
			    "lagg `%s` has no ports: name cards of this host",
			    lg->loc.name);
		for (unsigned j = 0; j < lg->ports.n; j++)
			if (check_find_nic(h, lg->ports.v[j]) == NULL)
				ERR(c, &lg->ports.loc[j],
				    "lagg port `%s` is "
				    "not a card of host `%s`%s",
				    lg->ports.v[j], h->loc.name,
				    HINT(c, lg->ports.v[j], h->nics, h->nnics));
	}
}

/* A lagg takes all frames of its ports. */
static bool
is_lagg_port(const struct sc_host *h, const char *name)
{
	for (unsigned i = 0; i < h->nlaggs; i++)
		for (unsigned j = 0; j < h->laggs[i].ports.n; j++)
			if (strcmp(h->laggs[i].ports.v[j], name) == 0)
				return (true);
	return (false);
}

bool
check_is_lagg(const struct sc_host *h, const char *name)
{
	for (unsigned i = 0; i < h->nlaggs; i++)
		if (strcmp(h->laggs[i].loc.name, name) == 0)
			return (true);
	return (false);
}

bool
check_is_vlan(const struct sc_host *h, const char *name)
{
	for (unsigned i = 0; i < h->nvlans; i++)
		if (strcmp(h->vlans[i].loc.name, name) == 0)
			return (true);
	return (false);
}

static void
check_vlandev(struct chk *c, struct sc_host *h, const struct sc_vlan *v)
{
	const struct sc_loc *loc = scenario_text_at(v->vlandev);

	if (check_find_nic(h, v->vlandev) == NULL &&
	    !check_is_lagg(h, v->vlandev))
		ERR(c, loc,
		    "vlan `%s` stands on `%s`, which is no card or lagg of "
		    "host `%s`%s",
		    v->loc.name, v->vlandev, h->loc.name,
		    HINT(c, v->vlandev, h->nics, h->nnics));
	else if (is_lagg_port(h, v->vlandev))
		ERR(c, loc,
		    "`%s` is a lagg's port: the lagg takes all of its frames; "
		    "let `%s` stand on the lagg",
		    v->vlandev, v->loc.name);
}

static void
check_vlans(struct chk *c, struct sc_host *h)
{
	struct sc_vlan *v, *u;

	for (v = h->vlans; v < h->vlans + h->nvlans; v++) {
		check_ifname(c, &v->loc);
		if (check_find_nic(h, v->loc.name) != NULL ||
		    check_is_lagg(h, v->loc.name))
			ERR(c, &v->loc,
			    "`%s` is the name of a card or lagg already",
			    v->loc.name);
		check_vlandev(c, h, v);
		for (u = h->vlans; u < v; u++)
			if (u->vlan == v->vlan &&
			    strcmp(u->vlandev, v->vlandev) == 0)
				ERR(c, &v->loc,
				    "`%s` is VLAN %ju of `%s` already",
				    u->loc.name, (uintmax_t)v->vlan,
				    v->vlandev);
	}
}

bool
check_is_ifname(const struct sc_host *h, const char *name)
{
	for (unsigned i = 0; i < h->nnics; i++)
		if (strcmp(h->nics[i].loc.name, name) == 0)
			return (true);
	return (check_is_lagg(h, name) || check_is_vlan(h, name));
}

static void
check_addr(struct chk *c, const struct sc_host *h, const struct sc_loc *loc,
    const char *cidr)
{
	const struct sc_host *other;
	const char *why;
	struct in_any a;
	int family, plen;

	if (parse_cidr(cidr, &family, &a, &plen) != 0)
		ERR(c, loc,
		    "`%s` is not an address with prefix length, such as "
		    "10.0.0.1/24 or fd00::1/64",
		    cidr);
	else if ((why = addr_unusable(family, &a, plen)) != NULL)
		ERR(c, loc,
		    "`%s` %s: give the interface one such as 10.0.0.1/24 or "
		    "fd00::1/64",
		    cidr, why);
	else if ((other = addr_owner(c->sc, h, family, &a)) != NULL)
		ERR(c, loc, "host `%s` has the address of `%s` already",
		    other->loc.name, cidr);
}

static void
check_addrs(struct chk *c, struct sc_host *h)
{

	for (unsigned i = 0; i < h->naddrs; i++) {
		if (!check_is_ifname(h, h->addrs[i].loc.name))
			ERR(c, &h->addrs[i].loc,
			    "host `%s` has no interface `%s`: an address is "
			    "given to a card, a lagg or a vlan%s",
			    h->loc.name, h->addrs[i].loc.name,
			    HINT(c, h->addrs[i].loc.name, h->nics, h->nnics));
		for (unsigned j = 0; j < h->addrs[i].cidr.n; j++)
			check_addr(c, h, &h->addrs[i].cidr.loc[j],
			    h->addrs[i].cidr.v[j]);
	}
}

static void
check_crypto(struct chk *c, const struct sc_host *h)
{
	const char *crypto = sc_crypto_names[h->crypto];

	if (h->accel.present && strcmp(crypto, "accel") != 0)
		ERR(c, &h->accel.loc,
		    "host `%s` has no accelerator: its `crypto` is `%s`",
		    h->loc.name, crypto);
	if (h->completion != SC_IN_ORDER &&
	    (strcmp(crypto, "accel") == 0 || strcmp(crypto, "none") == 0))
		ERR(c, &h->loc,
		    "host `%s`: `completion` is the order of a library, its "
		    "`crypto` is `%s`",
		    h->loc.name, crypto);
	if (h->completion == SC_IN_ORDER &&
	    h->completion_window != SC_COMPLETION_WINDOW)
		ERR(c, &h->loc,
		    "host `%s`: there is no order to change within "
		    "`completion_window`; set `completion`",
		    h->loc.name);
}

/* A request line has the path between blanks, and is read into 1 KiB. */
static void
check_files(struct chk *c, struct sc_host *h)
{
	const char *path;
	size_t i;

	for (unsigned f = 0; f < h->nfiles; f++) {
		path = h->files[f].loc.name;
		for (i = 0; path[i] > ' ' && path[i] < 127; i++)
			;
		if (path[0] != '/' || path[i] != '\0' || i > 1000)
			ERR(c, &h->files[f].loc,
			    "file `%s`: a path begins with / and has up to "
			    "1000 printable characters, no blanks",
			    path);
		if (h->files[f].has_bad_page &&
		    (h->files[f].cached ||
			h->files[f].bad_page >=
			    (h->files[f].size + 4095) / 4096))
			ERR(c, &h->files[f].loc,
			    "file `%s`: page %ju is never read from the disk: "
			    "the file is cached, or ends before it",
			    path, (uintmax_t)h->files[f].bad_page);
	}
}

static struct sc_app *
check_server_name(struct chk *c, struct sc_app *a)
{
	struct sc_app *s = find_app(c->sc, a->server);

	if (s != NULL && s->type == sc_app_server_type(a->type))
		return (s);
	ERR(c, scenario_text_at(a->server),
	    "`%s` is not a server application%s%s", a->server,
	    s != NULL && !sc_app_is_client(s->type) ? " of this kind" : "",
	    s != NULL ? "" : HINT(c, a->server, c->sc->apps, c->sc->napps));
	return (NULL);
}

static bool
addrs_are_sound(const struct sc_host *h)
{
	struct in_any any;
	int family, plen;

	for (unsigned i = 0; i < h->naddrs; i++)
		for (unsigned j = 0; j < h->addrs[i].cidr.n; j++)
			if (parse_cidr(h->addrs[i].cidr.v[j], &family, &any,
				&plen) != 0)
				return (false);
	return (true);
}

static void
check_family(struct chk *c, const struct sc_app *a, const struct sc_host *h)
{
	struct in_any any;

	if (addrs_are_sound(h) &&
	    !addr_first(h, a->family ? KAF_INET6 : KAF_INET, &any))
		ERR(c, &a->loc,
		    "host `%s` has no %s address: give it one, or let the "
		    "client have another `family`",
		    h->loc.name, a->family ? "IPv6" : "IPv4");
}

static void
check_reach(struct chk *c, const struct sc_app *a, const struct sc_host *client,
    const struct sc_host *server)
{
	int family = a->family ? KAF_INET6 : KAF_INET;
	struct in_any to, from;

	if (client == NULL || !addr_first(client, family, &from) ||
	    !addr_first(server, family, &to) ||
	    addr_on_link(client, family, &to))
		return;
	ERR(c, &a->loc,
	    "host `%s` has no address in the network of host `%s`: nothing is "
	    "routed here, give both one of the same prefix",
	    client->loc.name, server->loc.name);
}

/* An address in the same network is of no use without a cable. */
static void
check_cable(struct chk *c, const struct sc_app *a, const struct sc_host *client,
    const struct sc_host *server)
{
	if (!c->links_ok || client == NULL || check_cabled(c, client, server))
		return;
	ERR(c, &a->loc,
	    "no link or switch leads from host `%s` to host `%s`: hosts do "
	    "not forward, join the two in `links`",
	    client->loc.name, server->loc.name);
}

static void
check_file_name(struct chk *c, const struct sc_host *h, const char *path)
{
	for (unsigned i = 0; i < h->nfiles; i++)
		if (strcmp(h->files[i].loc.name, path) == 0)
			return;
	ERR(c, scenario_text_at(path), "host `%s` has no file `%s`%s",
	    h->loc.name, path, HINT(c, path, h->files, h->nfiles));
}

/* How much, and how long: one of the two. */
static bool
check_iperf(struct chk *c, const struct sc_app *a)
{
	if ((a->duration == 0) == (a->bytes == 0)) {
		ERR(c, &a->loc,
		    "client `%s` wants `duration` or `bytes`, one of the two",
		    a->loc.name);
		return (false);
	}
	if (a->duration / a->report_every > SC_IPERF_INTERVALS)
		ERR(c, &a->loc,
		    "client `%s` would report more than %d intervals: let "
		    "`report_every` be longer",
		    a->loc.name, SC_IPERF_INTERVALS);
	return (true);
}

static bool
check_program(struct chk *c, const struct sc_app *a)
{
	if (a->program.n == 0)
		ERR(c, &a->loc,
		    "application `%s` wants the key `program`: a file beside "
		    "the scenario or below, and its arguments",
		    a->loc.name);
	if (scenario_is_live(c->sc))
		ERR(c, &a->loc,
		    "application `%s`: virtual time would not wait for a "
		    "program in a live session",
		    a->loc.name);
	if (sc_app_is_client(a->type) && a->connections > SC_OWN_CONNS)
		ERR(c, &a->loc,
		    "client `%s` would have more than %d processes: let it have "
		    "fewer `connections`",
		    a->loc.name, SC_OWN_CONNS);
	return (a->program.n > 0);
}

/* What a client does; false: it does not say, which is told. */
static bool
check_what(struct chk *c, struct sc_app *a)
{
	if (a->type == SC_APP_IPERF_CLIENT)
		return (check_iperf(c, a));
	if (a->type == SC_APP_OPENSSL_CLIENT)
		return (true);
	if (a->type == SC_APP_HTTPS_LOAD)
		return (check_load(c, a));
	if (a->type == SC_APP_OWN_CLIENT)
		return (check_program(c, a));
	if (a->path == NULL && a->upload == NULL)
		ERR(c, &a->loc,
		    "client `%s` wants the key `path`, the server's file to "
		    "fetch, or `upload`, a file of its own host to send",
		    a->loc.name);
	else if (a->path != NULL && a->upload != NULL)
		ERR(c, &a->loc,
		    "client `%s` has `path` and `upload`: make two clients, "
		    "one that fetches and one that sends",
		    a->loc.name);
	return ((a->path == NULL) != (a->upload == NULL));
}

static void
check_same_tls(struct chk *c, const struct sc_app *a, const struct sc_app *s)
{
	/* RPC asks first whether there is TLS. */
	if (a->tls.present != s->tls.present && a->type == SC_APP_NFS_CLIENT)
		return;
	if (a->tls.present != s->tls.present)
		ERR(c, &a->loc,
		    "%s `%s` has no `tls`, so that it speaks plain HTTP, and "
		    "%s `%s` has: `tls: {}` gives it TLS 1.3",
		    a->tls.present ? "server" : "client",
		    a->tls.present ? a->server : a->loc.name,
		    a->tls.present ? "client" : "server",
		    a->tls.present ? a->loc.name : a->server);
	else if (a->tls.present &&
	    (a->tls.version > s->tls.version || a->tls.version < s->tls.least ||
		a->tls.suite != s->tls.suite ||
		a->tls.handshake != s->tls.handshake))
		ERR(c, &a->loc,
		    "client `%s` and server `%s` differ in TLS "
		    "version, suite or handshake: give both the same",
		    a->loc.name, a->server);
}

static void
check_client(struct chk *c, struct sc_app *a)
{
	struct sc_host *h, *own;
	struct sc_app *s;
	bool what;

	if (a->server == NULL)
		ERR(c, &a->loc,
		    "client `%s` wants the key `server`: name of the server "
		    "application",
		    a->loc.name);
	what = check_what(c, a);
	if (a->server == NULL)
		return;
	if (a->start > LAST_START ||
	    a->interval > (LAST_START - a->start) / a->connections)
		ERR(c, &a->loc,
		    "client `%s` would start connections after "
		    "more than a day",
		    a->loc.name);
	if ((own = find_host(c->sc, a->host, strlen(a->host))) != NULL)
		check_family(c, a, own);
	if ((s = check_server_name(c, a)) == NULL)
		return;
	check_same_tls(c, a, s);
	if (a->type == SC_APP_OPENSSL_CLIENT)
		check_talk(c, a, s);
	if ((h = find_host(c->sc, s->host, strlen(s->host))) == NULL)
		return;
	if (a->path != NULL)
		check_file_name(c, h, a->path);
	if (a->upload != NULL && own != NULL)
		check_file_name(c, own, a->upload);
	if (strcmp(a->host, s->host) == 0)
		ERR(c, &a->loc,
		    "client `%s` and server `%s` are on one host: what they "
		    "say to each other would never be on a wire",
		    a->loc.name, a->server);
	else {
		check_family(c, a, h);
		check_reach(c, a, own, h);
		check_cable(c, a, own, h);
	}
	if (what && a->type == SC_APP_NFS_CLIENT)
		check_nfs_client(c, a, h);
	if (what && a->type == SC_APP_HTTPS_LOAD)
		check_load_server(c, a, s, h);
}

static void
check_server(struct chk *c, struct sc_app *a)
{
	struct sc_app *b;

	if (a->type == SC_APP_NFS_SERVER)
		check_nfs_server(c, a);
	if (a->type == SC_APP_OWN_SERVER)
		(void)check_program(c, a);
	for (b = c->sc->apps; b < a; b++)
		if (!sc_app_is_client(b->type) && b->port == a->port &&
		    strcmp(b->host, a->host) == 0)
			ERR(c, &a->loc,
			    "server `%s` has port %ju of host `%s` already: "
			    "give this one another `port`",
			    b->loc.name, (uintmax_t)a->port, a->host);
}

static void
check_apps(struct chk *c)
{
	struct sc_app *a;

	for (a = c->sc->apps; a < c->sc->apps + c->sc->napps; a++)
		if (!a->tls.has_least)
			a->tls.least = a->tls.version;
	for (unsigned i = 0; i < c->sc->napps; i++) {
		a = &c->sc->apps[i];
		check_word(c, &a->loc, a->loc.name, "application name", 64);
		check_host_name(c, scenario_text_at(a->host), a->host);
		check_tls(c->d, c->sc, a);
		check_pacing(c, &a->loc, a->pacing_rate);
		check_calls(c, a);
		if (sc_app_is_client(a->type))
			check_client(c, a);
		else
			check_server(c, a);
	}
}

struct sc_app *
check_app_name(struct chk *c, const struct sc_loc *loc, const char *name)
{
	struct sc_app *a = find_app(c->sc, name);

	if (a == NULL)
		ERR(c, loc, "there is no application `%s`%s", name,
		    HINT(c, name, c->sc->apps, c->sc->napps));
	return (a);
}

/* A server has its clients' together; who comes from outside, and to one
 * without clients, nobody knows. */
static uint64_t
app_connections(const struct scenario *sc, const struct sc_app *a)
{
	uint64_t n = 0;

	if (sc_app_is_client(a->type))
		return (a->connections);
	if (scenario_is_live(sc))
		return (UINT64_MAX);
	for (unsigned i = 0; i < sc->napps; i++)
		if (sc_app_is_client(sc->apps[i].type) &&
		    sc->apps[i].server != NULL &&
		    strcmp(sc->apps[i].server, a->loc.name) == 0)
			n += sc->apps[i].connections;
	return (n > 0 ? n : UINT64_MAX);
}

void
check_connection(struct chk *c, const struct sc_loc *loc,
    const struct sc_app *a, uint64_t number)
{
	uint64_t n = app_connections(c->sc, a);

	if (number >= n)
		ERR(c, loc,
		    "`%s` has the connections 0 to %ju, no %ju: see `connections` "
		    "of the client",
		    a->loc.name, (uintmax_t)n - 1, (uintmax_t)number);
}

void
check_instant(struct chk *c, const struct sc_loc *loc, simtime_t at)
{
	struct strbuf end = { 0 };

	if (at <= c->sc->until ||
	    (scenario_is_live(c->sc) && !c->sc->has_until))
		return;
	format_time(c->sc->until, &end);
	ERR(c, loc,
	    "this never happens: the run ends at %s; let `until` be later",
	    strbuf_str(&end));
	strbuf_fini(&end);
}

void
scenario_check(struct diag *d, struct scenario *sc)
{
	struct chk c = { d, sc, false, NULL };
	unsigned errors;

	check_word(&c, &sc->loc, sc->name, "scenario name", 64);
	for (unsigned i = 0; i < sc->nhosts; i++) {
		check_word(&c, &sc->hosts[i].loc, sc->hosts[i].loc.name,
		    "host name", 31);
		check_cards(&c, &sc->hosts[i]);
		check_laggs(&c, &sc->hosts[i]);
		check_vlans(&c, &sc->hosts[i]);
		check_addrs(&c, &sc->hosts[i]);
		check_catalogue(&c, &sc->hosts[i]);
		check_files(&c, &sc->hosts[i]);
		check_crypto(&c, &sc->hosts[i]);
	}
	errors = d->errors;
	check_switches(&c);
	check_links(&c);
	c.links_ok = d->errors == errors;
	if (c.links_ok && !sc->remainder)
		check_loose_cards(&c);
	check_apps(&c);
	check_steps(&c);
	if (sc->capture.tcp_info > 0 && sc->capture.tcp_info < SIM_US)
		ERR(&c, &sc->capture.loc,
		    "`tcp_info`: not more often than every 1us; 0s: not at "
		    "all");
	for (unsigned i = 0; i < sc->nexpect; i++)
		check_claim(&c, &sc->expect[i]);
	check_cases(&c);
}

void
scenario_check_steps(struct diag *d, struct scenario *sc)
{
	struct chk c = { d, sc };

	check_steps(&c);
}
