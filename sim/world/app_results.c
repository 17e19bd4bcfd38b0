/* What applications counted, into the result; and their end. */
#include <stdlib.h>

#include "world_priv.h"

void
apps_collect(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (w->w_apps[i].a_ops->ao_collect != NULL)
			w->w_apps[i].a_ops->ao_collect(&w->w_apps[i]);
	compare_collect(w);
}

/* --- freeing --- */

static void
iperf_results_free(struct result *r)
{
	for (unsigned i = 0; i < r->r_niperf; i++)
		free(r->r_iperf[i].ir_streams);
	free(r->r_iperf);
}

static void
nfs_results_free(struct result *r)
{
	for (unsigned i = 0; i < r->r_nnfs; i++) {
		for (unsigned k = 0; k < r->r_nfs[i].nf_nends; k++)
			free(r->r_nfs[i].nf_ends[k].ne_name);
		free(r->r_nfs[i].nf_ends);
	}
	free(r->r_nfs);
}

static void
own_results_free(struct result *r)
{
	for (unsigned i = 0; i < r->r_nown; i++) {
		for (unsigned k = 0; k < r->r_own[i].ow_nends; k++)
			free(r->r_own[i].ow_ends[k].oe_name);
		free(r->r_own[i].ow_ends);
	}
	free(r->r_own);
}

static void
conn_free(struct conn *c)
{
	if (c->c_data != NULL)
		c->c_app->a_ops->ao_free(c);
	ng_tls_destroy(c->c_node);
	free(c->c_tls_error);
	free(c);
}

static void
app_free(struct app *a)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&a->a_conns)) != NULL) {
		TAILQ_REMOVE(&a->a_conns, c, c_link);
		conn_free(c);
	}
	if (a->a_ops != NULL && a->a_ops->ao_free_app != NULL)
		a->a_ops->ao_free_app(a);
	evloop_destroy(a->a_loop);
	free(a->a_folder);
	free(a->a_program);
}

void
apps_free(struct world *w)
{
	iperf_results_free(&w->w_res);
	nfs_results_free(&w->w_res);
	own_results_free(&w->w_res);
	free(w->w_res.r_programs);
	free(w->w_res.r_loads);
	free(w->w_res.r_https);
	free(w->w_res.r_compare);
	for (unsigned i = 0; i < w->w_sc->napps && w->w_apps != NULL; i++)
		app_free(&w->w_apps[i]);
	free(w->w_apps);
	free(w->w_scratch);
}
