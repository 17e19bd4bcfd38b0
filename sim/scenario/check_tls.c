/* What an application's TLS settings can be together. */
#include <stdio.h>
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "check.h"
#include "node.h"

/* The names of a version's suites: "a, b or c". */
static const char *
suites_of(int version, char *buf, size_t size)
{
	const char *last = NULL;
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; sc_suite_names[i] != NULL; i++) {
		if (version < (int)sc_suite_ranges[i].first ||
		    version > (int)sc_suite_ranges[i].last)
			continue;
		if (last != NULL)
			n += (size_t)snprintf(buf + n, size - n, "%s%s",
			    n > 0 ? ", " : "", last);
		last = sc_suite_names[i];
	}
	snprintf(buf + n, size - n, " or %s", last);
	return (buf);
}

/* Not every version has every suite. */
static void
check_suite(struct diag *d, const struct sc_app *a)
{
	static const char *const versions[] = { "1.0", "1.1", "1.2", "1.3" };
	const struct sc_suite_range *r = &sc_suite_ranges[a->tls.suite];
	char names[160];

	if (!a->tls.present ||
	    (a->tls.version >= (int)r->first && a->tls.version <= (int)r->last))
		return;
	diag_error(d, &a->tls.loc,
	    "TLS %s has no suite `%s`: take suite %s, or version \"%s\"",
	    versions[a->tls.version], sc_suite_names[a->tls.suite],
	    suites_of(a->tls.version, names, sizeof(names)),
	    versions[a->tls.version < (int)r->first ? r->first : r->last]);
}

/* Only a hand-made record can be made wrong, and no checker will like it. */
static void
check_spoil(struct diag *d, const struct scenario *sc, const struct sc_app *a)
{
	if (!a->tls.spoil.present)
		return;
	if (a->tls.tx != 0 || a->tls.handshake != 1)
		diag_error(d, &a->tls.spoil.loc,
		    "only an application that encrypts by itself can spoil a "
		    "record: give it `tx: openssl` and `handshake: synthetic`");
	if (sc->checks.records)
		diag_error(d, &a->tls.spoil.loc,
		    "a spoilt record is none that its key opens: the record "
		    "check must be off, `checks: {records: false}`");
}

/* A server that takes several versions; libssl finds the one of a client. */
static void
check_least(struct diag *d, const struct sc_app *a)
{
	if (!a->tls.has_least)
		return;
	if (sc_app_is_client(a->type))
		diag_error(d, &a->tls.loc,
		    "`min_version` is a server's: a client has one `version`");
	else if (a->tls.least > a->tls.version ||
	    a->tls.least < (int)sc_suite_ranges[a->tls.suite].first)
		diag_error(d, &a->tls.loc,
		    "`min_version` is no version from the first that has suite "
		    "`%s` up to `version`",
		    sc_suite_names[a->tls.suite]);
	else if (a->tls.handshake != 0)
		diag_error(d, &a->tls.loc,
		    "a synthetic handshake knows one version: `min_version` "
		    "wants `handshake: openssl`");
}

/* The card's setting `toe`. */
static bool
has_toe(const struct sc_nic *nic)
{
	for (unsigned i = 0; i < nic->nsettings; i++)
		if (strcmp(nic->settings[i].loc.name, "toe") == 0 &&
		    strcmp(nic->settings[i].text, "0") != 0)
			return (true);
	return (false);
}

/* The node stands above a socket that knows nothing of TLS. */
static void
check_stack(struct diag *d, const struct scenario *sc, const struct sc_app *a)
{
	const struct sc_host *h;

	if (!a->tls.present || a->tls.stack != SC_STACK_NODE)
		return;
	if (a->tls.tx != 0 || a->tls.rx != 0)
		diag_error(d, &a->tls.loc,
		    "`stack: node` encrypts above the socket, so that the "
		    "socket has no keys: give it `tx: openssl` and `rx: "
		    "openssl`");
	if (a->type >= SC_APP_NFS_SERVER && a->type != SC_APP_OWN_SERVER &&
	    a->type != SC_APP_OWN_CLIENT)
		diag_error(d, &a->tls.loc,
		    "`stack: node` is of HTTPS, iperf and own applications: "
		    "the others read records from the socket, or ask libssl "
		    "for more than to write and to read");
	if (a->kqueue.present)
		diag_error(d, &a->tls.loc,
		    "`stack: node` wakes the application by itself: leave "
		    "`kqueue` out");
	for (h = sc->hosts; h < sc->hosts + sc->nhosts; h++)
		for (unsigned i = 0;
		     strcmp(h->loc.name, a->host) == 0 && i < h->nnics; i++)
			if (has_toe(&h->nics[i]))
				diag_error(d, &a->tls.loc,
				    "`stack: node` is compared with what a "
				    "host's own TCP does: the card `%s` of "
				    "host `%s` has `toe`",
				    h->nics[i].loc.name, h->loc.name);
}

void
check_tls(struct diag *d, const struct scenario *sc, const struct sc_app *a)
{
	check_suite(d, a);
	check_least(d, a);
	check_spoil(d, sc, a);
	check_stack(d, sc, a);
	if (a->empty_writes > 0 && (!a->tls.present || a->tls.tx != 1))
		diag_error(d, &a->loc,
		    "`empty_writes` ask the kernel for empty records: give "
		    "the application `tls: {tx: kernel}`");
}
