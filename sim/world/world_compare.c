/*
 * Two architectures side by side: TLS in the socket layer (kernel TLS, in
 * software or on a card), and in a node outside it (ng_tls.c). Counted is what
 * happens to the bytes that an application sends, until TCP has them. A copy is a
 * pass of a CPU that writes each byte to another place:
 *
 * - write(2) copies them in, to the socket or to the node;
 * - software TLS encrypts what was written in its place, and the pages of a file
 *   into others; a card does neither;
 * - the node encrypts into buffers of its own;
 * - an application that cannot use sendfile reads the file.
 */
#include <stdlib.h>

#include "world_priv.h"

static bool
compares(const struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (w->w_sc->apps[i].tls.stack == SC_STACK_NODE)
			return (true);
	return (false);
}

static void
add_node(const struct conn *c, struct compare_result *cp)
{
	struct ng_tls_stats ns;

	ng_tls_stats(c->c_node, &ns);
	cp->cp_copied += ns.ns_copied;
	cp->cp_records += ns.ns_records;
	cp->cp_thread_wakeups += ns.ns_wakeups;
	cp->cp_thread += ns.ns_time;
	cp->cp_how = "node";
}

static void
add_socket(struct conn *c, struct compare_result *cp)
{
	if (c->c_so != NULL)
		app_conn_modes(c);
	cp->cp_copied += c->c_by_write;
	cp->cp_records += c->c_side.kernel_records;
	cp->cp_how = "socket, none";
	if (c->c_side.tx_mode == TCP_TLS_MODE_SW) {
		cp->cp_copied += c->c_by_sendfile;
		cp->cp_how = "socket, sw";
	} else if (c->c_side.tx_mode == TCP_TLS_MODE_IFNET)
		cp->cp_how = "socket, ifnet";
}

/* False: it has sent less than it has read. */
static bool
compare_app(struct world *w, struct app *a, struct compare_result *cp)
{
	const struct ktls_stats *st = ktls_stats(a->a_host->h_vnet);
	simtime_t from = SIM_NEVER, to = 0;
	uint64_t read = 0;
	struct conn *c;

	*cp = (struct compare_result) { .cp_name = a->a_sc->loc.name,
		.cp_host = a->a_host->h_sc->loc.name,
		.cp_node = a->a_sc->tls.stack == SC_STACK_NODE };
	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		cp->cp_sent += c->c_write_off;
		read += c->c_read_off;
		cp->cp_app_wakeups += c->c_wakeups;
		cp->cp_copied += c->c_copied;
		if (c->c_node != NULL)
			add_node(c, cp);
		else
			add_socket(c, cp);
		from = MIN(from, c->c_start);
		to = MAX(to, c->c_end > 0 ? c->c_end : timebase_now(w->w_tb));
	}
	if (!cp->cp_node) {
		cp->cp_thread_wakeups = st->wakeups;
		cp->cp_thread = st->worker_ns * SIM_NS;
	}
	cp->cp_time = to > from ? to - from : 0;
	return (cp->cp_how != NULL && cp->cp_sent > read);
}

void
compare_collect(struct world *w)
{
	struct result *r = &w->w_res;
	struct app *a;

	if (!compares(w))
		return;
	r->r_compare = xcalloc(w->w_sc->napps, sizeof(*r->r_compare));
	for (a = w->w_apps; a < w->w_apps + w->w_sc->napps; a++)
		if (a->a_sc->tls.present &&
		    compare_app(w, a, &r->r_compare[r->r_ncompare]))
			r->r_ncompare++;
}
