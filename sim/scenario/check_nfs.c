/* What an NFS application's keys can be together. */
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "check.h"
#include "node.h"

#define NAME_MAX_V3 255 /* of a name in LOOKUP */

static void
check_versions(struct chk *c, const struct sc_app *a)
{
	if (a->tls.present && a->tls.version < SC_TLS_12)
		ERR(c, &a->tls.loc,
		    "RPC in TLS wants version \"1.3\" (RFC 9289), or \"1.2\", "
		    "which FreeBSD's daemons take with -2");
	if (a->alert_every > 0 && (!a->tls.present || a->tls.tx != 1))
		ERR(c, &a->loc,
		    "`alert_every` asks the kernel for an alert: give `%s` "
		    "`tls: {tx: kernel}`",
		    a->loc.name);
	if (a->daemon.present && !a->tls.present)
		ERR(c, &a->daemon.loc,
		    "`%s` has no `tls`: its kernel calls no daemon",
		    a->loc.name);
	if (a->fallback != SC_REFUSE && !a->tls.present)
		ERR(c, &a->loc,
		    "`%s` has no `tls`: there is nothing to fall back from",
		    a->loc.name);
}

/* A whole message goes into the buffer at once. */
static void
check_buffer(struct chk *c, const struct sc_app *a, uint64_t message)
{
	if (a->sndbuf != 0 && a->sndbuf < message + 1024)
		ERR(c, &a->loc,
		    "`sndbuf` of `%s` does not hold an RPC message of %ju "
		    "bytes and its head: let it be larger, or `rsize` smaller",
		    a->loc.name, (uintmax_t)message);
}

void
check_nfs_server(struct chk *c, const struct sc_app *s)
{
	check_versions(c, s);
	if (s->fallback == SC_IN_CLEAR)
		ERR(c, &s->loc,
		    "`fallback: clear` is a client's; a server speaks to "
		    "everybody in clear unless it has `require_tls`");
	if (s->require_tls && !s->tls.present)
		ERR(c, &s->loc, "`%s` requires TLS and has none: give it `tls`",
		    s->loc.name);
	if (scenario_is_live(c->sc))
		ERR(c, &s->loc,
		    "an NFS server cannot serve a live link: there is no "
		    "mountd and no rpcbind to be asked");
	for (unsigned i = 0; i < c->sc->napps; i++)
		if (c->sc->apps[i].type == SC_APP_NFS_CLIENT &&
		    c->sc->apps[i].server != NULL &&
		    strcmp(c->sc->apps[i].server, s->loc.name) == 0)
			check_buffer(c, s, c->sc->apps[i].rsize);
}

/* The file is asked for by its name in the root, and is read at once. */
void
check_nfs_client(struct chk *c, const struct sc_app *a,
    const struct sc_host *server)
{
	const char *path = a->path != NULL ? a->path : a->upload;

	check_versions(c, a);
	check_buffer(c, a, a->rsize);
	if (path[0] != '/')
		return; /* there is no such file, which was told */
	if (strchr(path + 1, '/') != NULL || path[1] == '\0' ||
	    strlen(path + 1) > NAME_MAX_V3)
		ERR(c, &a->loc,
		    "`%s`: an NFS client looks for one name of up to 255 "
		    "bytes in the root, such as /data",
		    path);
	for (unsigned i = 0; a->path != NULL && i < server->nfiles; i++)
		if (strcmp(server->files[i].loc.name, path) == 0 &&
		    !server->files[i].cached)
			ERR(c, &a->loc,
			    "`%s` is not cached: an NFS server here reads "
			    "from its page cache only",
			    path);
}
