/*
 * The whole state of a world as text: at the instants that were asked for,
 * when an invariant breaks, when a kernel panics. Looking is not an event: it
 * happens between two of them, so that a run is the same with and without.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/dump.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

static void
conn_dump(const struct conn *c, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*s%s#%u %s", indent, "", c->c_app->a_sc->loc.name,
	    c->c_index, conn_state_name(c));
	if (c->c_so != NULL)
		strbuf_addf(sb, " socket %u", c->c_so->so_number);
	strbuf_addf(sb, " body %ju of %ju, bodies before %ju bytes",
	    (uintmax_t)c->c_off, (uintmax_t)c->c_len, (uintmax_t)c->c_before);
	if (c->c_suite[0] != '\0')
		strbuf_addf(sb, " %s", c->c_suite);
	if (c->c_failed != NULL)
		strbuf_addf(sb, " failed: %s", c->c_failed);
	dump_event(sb, "looks", &c->c_event);
	strbuf_adds(sb, "\n");
}

static void
app_dump(const struct app *a, struct strbuf *sb, int indent)
{
	const struct conn *c;

	strbuf_addf(sb,
	    "%*sapplication %s on %s: connections %u open %u failed %ju, "
	    "delivered %ju bytes\n",
	    indent, "", a->a_sc->loc.name, a->a_sc->host, a->a_nconns,
	    a->a_open, (uintmax_t)a->a_failed, (uintmax_t)a->a_delivered);
	TAILQ_FOREACH(c, &a->a_conns, c_link)
		conn_dump(c, sb, indent + 2);
}

static void
host_dump(const struct whost *h, bool lists, struct strbuf *sb)
{
	const struct vnet *v = h->h_vnet;

	strbuf_addf(sb, "\nhost %s\n", v->v_name);
	net_dump(v, sb, 2);
	for (unsigned i = 0; i < h->h_sc->nnics; i++)
		nic_dump(h->h_nics[i], lists, sb, 2);
	inet_dump(v, lists, sb, 2);
	if (lists) {
		ktls_dump(v, sb, 2);
		taskqueue_dump(&v->v_taskq, sb, 2);
		vfs_dump(v, sb, 2);
	}
	vm_dump(v->v_vm, sb, 2);
	kmem_dump(&v->v_kmem, sb, 2);
}

static void
world_dump(const struct world *w, const char *why, simtime_t when, bool lists,
    struct strbuf *sb)
{
	strbuf_addf(sb, "%s at ", w->w_sc->name);
	dump_time(sb, when);
	strbuf_addf(sb, ", seed %ju, %s: %s\n", (uintmax_t)w->w_opts.wo_seed,
	    w->w_draining ? "after the main part, faults off" : "main part",
	    why);
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		host_dump(&w->w_hosts[i], lists, sb);
	strbuf_adds(sb, "\nlaboratory\n");
	for (unsigned i = 0; lists && i < w->w_sc->nlinks; i++)
		wire_dump(w->w_links[i].l_wire, sb, 2);
	for (unsigned i = 0; lists && i < w->w_sc->nswitches; i++)
		switch_dump(w->w_switches[i], sb, 2);
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		app_dump(&w->w_apps[i], sb, 2);
	engine_dump(w->w_engine, sb, 2);
}

static void
state_tell(struct world *w, const char *name, const char *why, simtime_t when,
    bool lists)
{
	struct strbuf text = { 0 };

	if (w->w_opts.wo_state == NULL || w->w_going)
		return;
	world_dump(w, why, when, lists, &text);
	w->w_opts.wo_state(w->w_opts.wo_state_arg, name, &text);
	strbuf_fini(&text);
}

/* Is the host's interface what `of` names? NULL names all. */
static bool
show_meant(const char *of, const char *host, const char *ifname)
{
	size_t len = strlen(host);

	return (of == NULL || strcmp(of, host) == 0 ||
	    (strncmp(of, host, len) == 0 && of[len] == '.' &&
		strcmp(of + len + 1, ifname) == 0));
}

/* Interfaces of `of`: a host's, one of a host's; NULL: all. */
static void
show_ifconfig(struct world *w, const char *of, struct strbuf *sb)
{
	struct ifnet *ifp;
	struct vnet *v;
	bool head;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		v = w->w_hosts[i].h_vnet;
		head = false;
		for (ifp = if_first(v); ifp != NULL;
		     ifp = TAILQ_NEXT(ifp, if_link)) {
			if (!show_meant(of, v->v_name, ifp->if_xname))
				continue;
			if (!head)
				strbuf_addf(sb, "%shost %s\n",
				    sb->sb_len > 0 ? "\n" : "", v->v_name);
			head = true;
			ifconfig_show(ifp, sb);
		}
	}
}

static const char *const show_names[] = { "state", "ifconfig", "stalled" };

/* ENOENT: there is no such thing then. */
static int
show_text(struct world *w, const struct world_show *ws, struct strbuf *text)
{
	if (ws->ws_what == SHOW_STALLED)
		return (world_why_stalled(w, ws->ws_of, text));
	show_ifconfig(w, ws->ws_of, text);
	return (0);
}

static void
show_tell(struct world *w, const struct world_show *ws)
{
	struct strbuf text = { 0 }, name = { 0 };

	strbuf_addf(&name, "%s-%s%s", show_names[ws->ws_what],
	    ws->ws_of != NULL ? ws->ws_of : "", ws->ws_of != NULL ? "-" : "");
	dump_time(&name, ws->ws_at);
	strbuf_adds(&name, ".txt");
	if (ws->ws_what == SHOW_STATE)
		state_tell(w, strbuf_str(&name), "asked for", ws->ws_at, true);
	else if (w->w_opts.wo_state != NULL && !w->w_going &&
	    show_text(w, ws, &text) == 0)
		w->w_opts.wo_state(w->w_opts.wo_state_arg, strbuf_str(&name),
		    &text);
	strbuf_fini(&text);
	strbuf_fini(&name);
}

void
state_due(struct world *w, simtime_t until)
{
	const struct world_show *ws;

	while (w->w_shown < w->w_opts.wo_nshows) {
		ws = &w->w_opts.wo_shows[w->w_shown];
		if (ws->ws_at > until || engine_next(w->w_engine) <= ws->ws_at)
			return;
		w->w_shown++;
		show_tell(w, ws);
	}
}

int
world_ifconfig_text(struct world *w, const char *of, struct strbuf *sb)
{
	size_t was = sb->sb_len;

	show_ifconfig(w, of, sb);
	return (sb->sb_len > was ? 0 : ENXIO);
}

void
state_broken(struct world *w)
{
	if (!w->w_broken || w->w_broken_told)
		return;
	w->w_broken_told = true;
	state_tell(w, "state-broken.txt", "an invariant broke",
	    timebase_now(w->w_tb), true);
}

void
state_panic(struct world *w)
{
	/* Once: the printers themselves may stumble over the wreck. */
	if (w->w_panic_told)
		return;
	w->w_panic_told = true;
	state_tell(w, "state-panic.txt",
	    w->w_res.r_panic != NULL ? w->w_res.r_panic
				     : w->w_res.r_inv[3].i_first,
	    timebase_now(w->w_tb), false);
}
