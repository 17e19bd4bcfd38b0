/*
 * The calls of OpenSSL programs. Two programs that both wait for the other
 * would do so for ever: their calls are gone through as if whatever is written
 * were there at once.
 */
#include <string.h>

#include "check.h"
#include "node.h"

static const struct sc_file *
file_of(const struct chk *c, const struct sc_app *a, const char *path)
{
	for (unsigned i = 0; i < c->sc->nhosts; i++) {
		const struct sc_host *h = &c->sc->hosts[i];

		for (unsigned f = 0; f < h->nfiles; f++)
			if (strcmp(h->loc.name, a->host) == 0 &&
			    strcmp(h->files[f].loc.name, path) == 0)
				return (&h->files[f]);
	}
	return (NULL);
}

static void
check_sendfile(struct chk *c, const struct sc_app *a, const struct sc_call *k)
{
	const struct sc_file *f;

	if (k->file == NULL) {
		ERR(c, &k->loc, "a sendfile wants `file`, one of host `%s`",
		    a->host);
		return;
	}
	if ((f = file_of(c, a, k->file)) == NULL)
		ERR(c, scenario_text_at(k->file), "host `%s` has no file `%s`",
		    a->host, k->file);
	else if (k->offset > f->size || k->bytes > f->size - k->offset)
		ERR(c, &k->loc,
		    "file `%s` ends at %ju bytes: nothing is sent "
		    "from behind it",
		    k->file, (uintmax_t)f->size);
}

void
check_calls(struct chk *c, const struct sc_app *a)
{
	const struct sc_call *k;

	if (a->type != SC_APP_OPENSSL_SERVER &&
	    a->type != SC_APP_OPENSSL_CLIENT)
		return;
	if (a->ncalls == 0)
		ERR(c, &a->loc,
		    "application `%s` wants `calls`: what it does with a "
		    "connection",
		    a->loc.name);
	if (!a->tls.present)
		ERR(c, &a->loc,
		    "application `%s` is one of OpenSSL: give it `tls`",
		    a->loc.name);
	else if (a->tls.handshake != 0)
		ERR(c, &a->tls.loc,
		    "application `%s` is one of OpenSSL, which has no synthetic "
		    "handshake",
		    a->loc.name);
	for (k = a->calls; k < a->calls + a->ncalls; k++) {
		if (k->call == SC_CALL_SENDFILE)
			check_sendfile(c, a, k);
		else if (k->call <= SC_CALL_WRITE_EX && k->bytes == 0)
			ERR(c, &k->loc,
			    "a %s wants `bytes`: SSL_write of no "
			    "bytes is not defined",
			    sc_call_names[k->call]);
		else if (k->call == SC_CALL_SHUTDOWN &&
		    k + 1 < a->calls + a->ncalls && k[1].call != SC_CALL_READ)
			ERR(c, &k[1].loc,
			    "after `shutdown` a program can only "
			    "`read` until the peer has shut down, too");
	}
}

/* --- two of them --- */

struct talker {
	const struct sc_app *app;
	unsigned at;	/* the call it is in */
	uint64_t there; /* bytes that it may read */
	bool peer_ended;
};

static uint64_t
written(const struct chk *c, const struct sc_app *a, const struct sc_call *k)
{
	const struct sc_file *f;

	if (k->call != SC_CALL_SENDFILE || k->bytes != 0 || k->file == NULL)
		return (k->bytes);
	f = file_of(c, a, k->file);
	return (f != NULL && f->size > k->offset ? f->size - k->offset : 0);
}

/* Its reading ends when the bytes are there, or the peer's end. */
static bool
read_ends(struct talker *t, const struct sc_call *k)
{
	if (k->bytes == 0) {
		t->there = 0;
		return (t->peer_ended);
	}
	if (t->there < k->bytes)
		return (false);
	t->there -= k->bytes;
	return (true);
}

/* One call; false: it waits. */
static bool
talk(const struct chk *c, struct talker *t, struct talker *peer)
{
	const struct sc_call *k = &t->app->calls[t->at];

	if (k->call == SC_CALL_READ && !read_ends(t, k))
		return (false);
	if (k->call <= SC_CALL_SENDFILE)
		peer->there += written(c, t->app, k);
	else if (k->call == SC_CALL_SHUTDOWN)
		peer->peer_ended = true;
	if (++t->at == t->app->ncalls)
		peer->peer_ended = true;
	return (true);
}

static bool
at_end(const struct talker *t)
{
	return (t->at == t->app->ncalls);
}

void
check_talk(struct chk *c, const struct sc_app *client,
    const struct sc_app *server)
{
	struct talker a = { .app = client }, b = { .app = server };
	bool going = true;

	if (client->ncalls == 0 || server->ncalls == 0)
		return;
	while (going) {
		going = false;
		while (!at_end(&a) && talk(c, &a, &b))
			going = true;
		while (!at_end(&b) && talk(c, &b, &a))
			going = true;
	}
	if (!at_end(&a))
		ERR(c, &client->calls[a.at].loc,
		    "client `%s` would read for ever: its server `%s` writes "
		    "less%s",
		    client->loc.name, server->loc.name,
		    at_end(&b) ? "" : ", and waits too");
	if (!at_end(&b))
		ERR(c, &server->calls[b.at].loc,
		    "server `%s` would read for ever: its client `%s` writes "
		    "less%s",
		    server->loc.name, client->loc.name,
		    at_end(&a) ? "" : ", and waits too");
}
