/* Who encrypts for a host's software TLS, and in which order. */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kmem.h>
#include <ktsim/opencrypto/crypto_backend.h>

#include "world_priv.h"

int
world_crypto(struct world *w, struct whost *h, struct vnet_params *vp,
    struct strbuf *err)
{
	const char *name = sc_crypto_names[h->h_sc->crypto], *why = NULL;
	const struct sc_accel *sa = &h->h_sc->accel;

	h->h_accel =
	    (struct crypto_accel_params) { .ca_depth = (uint32_t)sa->depth,
		    .ca_engines = (uint32_t)sa->engines,
		    .ca_rate_bps = sa->rate,
		    .ca_latency = sa->latency,
		    .ca_fail_op = sa->fail_op };
	vp->vp_accel = &h->h_accel;
	vp->vp_crypto = crypto_backend_find(name);
	if (vp->vp_crypto->cb_usable == NULL || vp->vp_crypto->cb_usable(&why))
		return (0);
	strbuf_addf(err,
	    "%s:%d:%d: error: host `%s` cannot encrypt with `%s`: %s\n"
	    "  `crypto: openssl` works everywhere and gives the same bytes\n",
	    w->w_sc->path, h->h_sc->loc.line, h->h_sc->loc.col,
	    h->h_sc->loc.name, name, why);
	return (ENOTSUP);
}

/* The place of a record in its window, by chance of window and connection. */
static uint64_t
shuffled(const struct whost *h, const struct ktls_session *tls, uint64_t seqno)
{
	uint64_t window = h->h_sc->completion_window, place[64], j, t;
	struct prng r;
	char *name;

	name = xasprintf("completion %u %ju", tls->conn,
	    (uintmax_t)(seqno / window));
	vnet_prng(h->h_vnet, &r, name);
	free(name);
	for (uint64_t i = 0; i < window; i++)
		place[i] = i;
	for (uint64_t i = window - 1; i > 0; i--) {
		j = prng_below(&r, i + 1);
		t = place[i];
		place[i] = place[j];
		place[j] = t;
	}
	return (place[seqno % window]);
}

/* As many times its own duration as its place among the others says. */
static simtime_t
completion(void *arg, const struct ktls_session *tls, uint64_t seqno,
    simtime_t cost)
{
	const struct whost *h = arg;
	uint64_t window = h->h_sc->completion_window;

	if (h->h_completion == SC_REVERSE)
		return (cost * (window - seqno % window));
	return (cost * (1 + shuffled(h, tls, seqno)));
}

void
world_completion(struct whost *h, int order)
{
	h->h_completion = order;
	ktls_set_completion(h->h_vnet, order != SC_IN_ORDER ? completion : NULL,
	    h);
}
