/* A live session has begun: what to type on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "cli.h"

static const struct sc_host *
host_of(const struct scenario *sc, const char *port)
{
	size_t len = strcspn(port, ".");

	for (unsigned i = 0; i < sc->nhosts; i++)
		if (strlen(sc->hosts[i].loc.name) == len &&
		    memcmp(sc->hosts[i].loc.name, port, len) == 0)
			return (&sc->hosts[i]);
	return (NULL);
}

/* An address beside the host's, for the device's own side. */
static void
neighbour(const char *cidr, struct strbuf *sb)
{
	struct in_any a;
	int family, plen, last;

	if (parse_cidr(cidr, &family, &a, &plen) != 0)
		return;
	last = family == KAF_INET6 ? 15 : 3;
	a.a[last] = a.a[last] == 2 ? 3 : 2;
	format_addr(family, &a, sb);
	strbuf_addf(sb, "/%d", plen);
}

static void
each_address(FILE *f, const struct sc_host *h, const char *dev)
{
	struct strbuf sb = { 0 };
	const char *cidr;

	for (unsigned i = 0; i < h->naddrs; i++)
		for (unsigned j = 0; j < h->addrs[i].cidr.n; j++) {
			cidr = h->addrs[i].cidr.v[j];
			strbuf_clear(&sb);
			neighbour(cidr, &sb);
			fprintf(f, "    ip addr add %s dev %s%s\n",
			    strbuf_str(&sb), dev,
			    strchr(cidr, ':') != NULL ? " nodad" : "");
		}
	strbuf_fini(&sb);
}

/* "10.77.0.1", or "[fd77::1]": the first address. */
static void
url_host(const struct sc_host *h, struct strbuf *sb)
{
	const char *cidr;

	if (h->naddrs == 0 || h->addrs[0].cidr.n == 0) {
		strbuf_adds(sb, "ADDRESS");
		return;
	}
	cidr = h->addrs[0].cidr.v[0];
	strbuf_addf(sb, strchr(cidr, ':') != NULL ? "[%.*s]" : "%.*s",
	    (int)strcspn(cidr, "/"), cidr);
}

static void
each_server(FILE *f, const struct scenario *sc, const struct sc_host *h)
{
	const struct sc_app *a;
	struct strbuf url = { 0 };

	for (unsigned i = 0; i < sc->napps; i++) {
		a = &sc->apps[i];
		if (a->type != SC_APP_HTTPS_SERVER ||
		    strcmp(a->host, h->loc.name) != 0)
			continue;
		strbuf_clear(&url);
		strbuf_adds(&url, a->tls.present ? "https://" : "http://");
		url_host(h, &url);
		if (a->port != (a->tls.present ? 443 : 80))
			strbuf_addf(&url, ":%ju", (uintmax_t)a->port);
		fprintf(f, "    curl %s%s%s -o out.bin\n",
		    a->tls.present ? "-k " : "", strbuf_str(&url),
		    h->nfiles > 0 ? h->files[0].loc.name : "/");
		fprintf(f, "    curl %s-T out.bin %s/\n",
		    a->tls.present ? "-k " : "", strbuf_str(&url));
	}
	strbuf_fini(&url);
}

static void
each_link(FILE *f, const struct scenario *sc, const struct sc_link *l)
{
	const struct sc_host *h;
	const char *dev, *port;
	int d;

	d = scenario_device(l->ends.v[0]) != NULL ? 0 : 1;
	if ((dev = scenario_device(l->ends.v[d])) == NULL)
		return;
	port = l->ends.v[1 - d];
	if ((h = host_of(sc, port)) == NULL)
		return;
	fprintf(f, "  %s is at the end of %s. On this machine:\n", l->ends.v[d],
	    port);
	each_address(f, h,
	    strncmp(l->ends.v[d], "veth:", 5) == 0 ? "PEER" : dev);
	if (strncmp(l->ends.v[d], "veth:", 5) == 0)
		fprintf(f,
		    "    ethtool -K PEER tx off tso off gso off gro off\n"
		    "  (PEER: the other end of %s)\n",
		    dev);
	each_server(f, sc, h);
}

void
live_intro(FILE *f, const struct scenario *sc, const char *out)
{
	color_word(f, STYLE_HEAD, sc->name);
	fputs(" is live: ", f);
	color_word(f, STYLE_PLAIN, sc->description);
	fputc('\n', f);
	for (unsigned i = 0; i < sc->nlinks; i++)
		each_link(f, sc, &sc->links[i]);
	fprintf(f,
	    "  The certificate is %s/cert.pem, for server.sim and *.sim:\n"
	    "    curl --cacert %s/cert.pem --resolve server.sim:443:ADDRESS "
	    "https://server.sim/...\n",
	    out, out);
	fprintf(f, "  Orders: ktls-sim ctl %s/control.sock help\n", out);
	if (sc->has_until) {
		struct strbuf end = { 0 };

		format_time(sc->until, &end);
		fprintf(f, "  It ends at %s, or with Ctrl-C.\n\n",
		    strbuf_str(&end));
		strbuf_fini(&end);
	} else
		fputs("  Ctrl-C ends it.\n\n", f);
	fflush(f);
}
