/* What the report says of crowds and of the servers that they ask. */
#include <errno.h>
#include <string.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/kern/sysctl.h>

#include "load_priv.h"

static enum load_error
error_kind(const struct conn *c)
{
	switch (c->c_error) {
	case ECONNREFUSED:
		return (LOAD_REFUSED);
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return (LOAD_RESET);
	case ETIMEDOUT:
		return (LOAD_TIMED_OUT);
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ENETUNREACH:
		return (LOAD_UNREACHABLE);
	case EPROTO:
		return (LOAD_TLS);
	default:
		return (LOAD_OTHER);
	}
}

/* How it came out. */
static void
collect_end(const struct conn *c, struct load_result *lr)
{
	if (c->c_so != NULL)
		lr->lr_unfinished++;
	else if (c->c_failed == NULL)
		lr->lr_done++;
	else if (strcmp(c->c_failed, "aborted by the application") == 0)
		lr->lr_aborted++;
	else
		lr->lr_errors[error_kind(c)]++;
}

static void
collect_client(struct world *w, struct conn *c, struct load_result *lr)
{
	const struct load *ld = c->c_data;
	const struct conn *p = c->c_flow != NULL ? conn_peer(w, c) : NULL;
	int mode;

	lr->lr_conns++;
	if (lr->lr_from == 0 || c->c_start < lr->lr_from)
		lr->lr_from = c->c_start;
	for (int i = 0; i < LOAD_KINDS; i++)
		lr->lr_kinds[i] += ld->ld_kinds[i];
	collect_end(c, lr);
	if (!ld->ld_up)
		return;
	lr->lr_established++;
	if (c->c_app->a_sc->tls.present)
		lr->lr_versions[c->c_version]++;
	else
		lr->lr_plain++;
	if (p == NULL)
		return;
	mode = p->c_side.tx_mode;
	lr->lr_modes[mode].conns++;
	lr->lr_modes[mode].bytes += p->c_sent;
}

static bool
is_asked(const struct world *w, const struct app *s)
{
	const struct sc_app *a;

	for (a = w->w_sc->apps; a < w->w_sc->apps + w->w_sc->napps; a++)
		if (a->type == SC_APP_HTTPS_LOAD &&
		    strcmp(a->server, s->a_sc->loc.name) == 0)
			return (true);
	return (false);
}

/* --- servers --- */

static uint64_t
counter(const struct vnet *vnet, const char *name)
{
	const struct sysctl_oid *o = sysctl_find(vnet, name);

	return (o != NULL ? *o->oid_val : 0);
}

/*
 * How often memory is crossed. Of what the disk and the card do by DMA, once;
 * of software TLS twice, it reads plaintext and writes ciphertext elsewhere; of
 * a server that does it in user space six times: read(2) copies, OpenSSL
 * encrypts from one buffer to another, write(2) copies.
 */
static void
collect_memory(const struct whost *h, struct https_result *hs)
{
	const struct vfs_stats *vs = vfs_stats(h->h_vnet);

	hs->hs_hits = vs->hits;
	hs->hs_misses = vs->reads;
	hs->hs_joined = vs->joined;
	hs->hs_evicted = vs->evicted;
	hs->hs_cache = h->h_sc->page_cache;
	hs->hs_disk = (vs->reads - vs->errors) * PAGE_SIZE;
	hs->hs_software = 2 * counter(h->h_vnet, "sim.tls.sw_tx_bytes");
	for (unsigned i = 0; i < h->h_sc->nnics; i++)
		hs->hs_card += h->h_nics[i]->n_stats.dma_payload;
}

static void
collect_host(struct world *w, const struct whost *h, struct https_result *hs)
{
	const struct app *a;
	const struct conn *c;

	collect_memory(h, hs);
	for (a = w->w_apps; a < w->w_apps + w->w_sc->napps; a++) {
		if (a->a_host != h || a->a_sc->type != SC_APP_HTTPS_SERVER)
			continue;
		TAILQ_FOREACH(c, &a->a_conns, c_link) {
			hs->hs_body += c->c_sent;
			hs->hs_copied += 6 * c->c_copied;
		}
	}
}

static void
collect_server(struct world *w, const struct app *a)
{
	struct result *r = &w->w_res;
	struct https_result *hs;
	const struct conn *c;

	r->r_https =
	    xrealloc(r->r_https, (r->r_nhttps + 1) * sizeof(*r->r_https));
	hs = &r->r_https[r->r_nhttps++];
	*hs = (struct https_result) { .hs_name = a->a_sc->loc.name,
		.hs_host = a->a_host->h_sc->loc.name,
		.hs_conns = a->a_nconns };
	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		hs->hs_requests += c->c_requests;
		hs->hs_bytes += c->c_sent;
	}
	if (a->a_loop != NULL)
		evloop_collect(a->a_loop, &hs->hs_loop);
	collect_host(w, a->a_host, hs);
}

void
http_collect(struct app *a)
{
	if (!sc_app_is_client(a->a_sc->type) && is_asked(a->a_world, a))
		collect_server(a->a_world, a);
}

void
load_collect(struct app *a)
{
	struct result *r = &a->a_world->w_res;
	const struct crowd *cr = a->a_data;
	struct load_result *lr;
	struct conn *c;

	if (cr == NULL)
		return;
	r->r_loads =
	    xrealloc(r->r_loads, (r->r_nloads + 1) * sizeof(*r->r_loads));
	lr = &r->r_loads[r->r_nloads++];
	*lr = cr->cr_r;
	lr->lr_name = a->a_sc->loc.name;
	lr->lr_server = a->a_sc->server;
	TAILQ_FOREACH(c, &a->a_conns, c_link)
		collect_client(a->a_world, c, lr);
}

void
load_free_app(struct app *a)
{
	struct crowd *cr = a->a_data;

	if (cr != NULL)
		law_zipf_fini(&cr->cr_zipf);
	free(cr);
}
