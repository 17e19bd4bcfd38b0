/*
 * Applications: state machines over sockets. The kernel's upcall only posts
 * the connection's event; the event runs the machine until it would block.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/netinet/tcp_var.h>
#include <ktsim/sim/digest.h>

#include "world_priv.h"

static const struct app_ops *const app_ops[] = {
	[SC_APP_HTTPS_SERVER] = &http_ops,
	[SC_APP_HTTPS_CLIENT] = &http_ops,
	[SC_APP_IPERF_SERVER] = &iperf_ops,
	[SC_APP_IPERF_CLIENT] = &iperf_ops,
	[SC_APP_NFS_SERVER] = &nfs_ops,
	[SC_APP_NFS_CLIENT] = &nfs_ops,
	[SC_APP_OPENSSL_SERVER] = &program_ops,
	[SC_APP_OPENSSL_CLIENT] = &program_ops,
	[SC_APP_HTTPS_LOAD] = &load_ops,
	[SC_APP_OWN_SERVER] = &own_ops,
	[SC_APP_OWN_CLIENT] = &own_ops,
};

bool
app_uploads(const struct app *a)
{
	return (a->a_sc->upload != NULL ||
	    (a->a_sc->type == SC_APP_IPERF_CLIENT &&
		a->a_sc->direction == SC_SEND));
}

const char *
conn_state_name(const struct conn *c)
{
	return (c->c_app->a_ops->ao_states[c->c_state]);
}

static void
conn_event(void *arg)
{
	struct conn *c = arg;

	c->c_wakeups++;
	c->c_app->a_ops->ao_run(c);
}

void
conn_post(struct conn *c, simtime_t delay)
{
	if (c->c_app->a_loop != NULL)
		evloop_ready(c); /* servers have nothing to do later */
	else if (!sim_event_pending(&c->c_event))
		timebase_post_in(c->c_app->a_world->w_tb, &c->c_event, delay);
}

static void
conn_upcall(struct socket *so, void *arg, enum so_event ev)
{
	struct conn *c = arg;

	if (c->c_node != NULL)
		ng_tls_upcall(c->c_node);
	else if (c->c_app->a_loop == NULL || evloop_wants(c, ev))
		conn_post(c, 0);
}

/* Bits/s, 0: none. The trace has the errno. */
static int
conn_pacing(struct conn *c, uint64_t rate_bps)
{
	uint32_t val = (uint32_t)(rate_bps / 8);
	struct sockopt so_opt = { .sopt_level = KSOL_SOCKET,
		.sopt_name = KSO_MAX_PACING_RATE,
		.sopt_val = &val,
		.sopt_valsize = sizeof(val) };
	int error = sosetopt(c->c_so, &so_opt);

	if (error != 0)
		TRACE(&c->c_app->a_world->w_tracer, app_error,
		    TS(c->c_app->a_sc->loc.name), TU(c->c_index),
		    TS("SO_MAX_PACING_RATE"), TI(error));
	return (error);
}

/* No Nagle, as web servers and browsers have it; buffers if they are given. */
static void
conn_options(struct socket *so, const struct sc_app *sc)
{
	struct sockopt so_opt = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = KTCP_NODELAY };
	int val = 1;

	so_opt.sopt_val = &val;
	so_opt.sopt_valsize = sizeof(val);
	(void)sosetopt(so, &so_opt);
	so_opt.sopt_level = KSOL_SOCKET;
	if (sc->sndbuf != 0) {
		val = (int)MIN(sc->sndbuf, (uint64_t)SB_MAX);
		so_opt.sopt_name = KSO_SNDBUF;
		(void)sosetopt(so, &so_opt);
	}
	if (sc->rcvbuf != 0) {
		val = (int)MIN(sc->rcvbuf, (uint64_t)SB_MAX);
		so_opt.sopt_name = KSO_RCVBUF;
		(void)sosetopt(so, &so_opt);
	}
}

struct conn *
conn_create(struct app *a, struct socket *so, bool server)
{
	struct world *w = a->a_world;
	struct conn *c = xcalloc(1, sizeof(*c));

	c->c_app = a;
	c->c_so = so;
	c->c_server = server;
	c->c_index = a->a_nconns++;
	c->c_start = timebase_now(w->w_tb);
	c->c_number = sototcpcb(so)->t_conn;
	c->c_misreads = a->a_sc->misreads;
	c->c_read_bps = a->a_sc->read_rate;
	c->c_abort_after = a->a_sc->abort_after;
	c->c_version = a->a_sc->tls.version;
	sim_event_init(&c->c_event, EV_APP, "application", conn_event, c);
	TAILQ_INSERT_TAIL(&a->a_conns, c, c_link);
	charts_conn(w, c);
	perfetto_conn(w, c);
	a->a_open++;
	conn_options(so, a->a_sc);
	if (a->a_sc->pacing_rate != 0)
		(void)conn_pacing(c, a->a_sc->pacing_rate);
	soupcall_set(so, conn_upcall, c);
	return (c);
}

/* What is worth knowing of a connection, before its socket goes. */
void
app_conn_modes(struct conn *c)
{
	struct tcpcb *tp = sototcpcb(c->c_so);
	struct conn_side *s = &c->c_side;
	struct tls_endpoint_info ti;

	s->host = c->c_app->a_host->h_sc->loc.name;
	s->number = c->c_number;
	(void)ktls_get_tx_mode(c->c_so, &s->tx_mode);
	(void)ktls_get_rx_mode(c->c_so, &s->rx_mode);
	if (tp != NULL) {
		s->segs = tp->t_stats.snd_segs;
		s->bursts = tp->t_stats.snd_bursts;
		s->bytes = tp->t_stats.snd_bytes;
		s->rexmit_bytes = tp->t_stats.rexmit_bytes;
		s->rexmit_packs = tp->t_stats.rexmit_packs;
		s->rto = tp->t_stats.rto;
		s->fast_rexmit = tp->t_stats.fast_rexmit;
		s->enobufs = tp->t_stats.enobufs;
		s->offloaded = tp->t_offloaded;
		s->has_tcp = true;
		s->cc = tp->t_cc->name;
		tcp_fill_info(tp, &s->tcp);
		if (s->offloaded)
			s->card_rexmit_packs = (tp->t_flags & TF_TOE) != 0
			    ? s->tcp.tcpi_rexmit_packs
			    : tp->t_toe_rexmit_packs;
	}
	s->kernel_records = c->c_so->so_snd.sb_tls_info != NULL
	    ? c->c_so->so_snd.sb_tls_seqno
	    : 0;
	if (c->c_ep == NULL)
		return;
	tls_endpoint_info(c->c_ep, &ti);
	s->tx_kernel = c->c_app->a_sc->tls.tx == TLS_PLACE_KERNEL;
	s->rx_kernel = c->c_app->a_sc->tls.rx == TLS_PLACE_KERNEL;
	s->tx_why = ti.te_tx_reason;
	s->rx_why = ti.te_rx_reason;
	s->tickets = ti.te_tickets;
	s->resumed = ti.te_resumed;
	s->key_updates = ti.te_key_updates;
	if (ti.te_error != NULL) {
		free(c->c_tls_error);
		c->c_tls_error = xstrdup(ti.te_error);
	}
	memcpy(c->c_suite, ti.te_suite, sizeof(c->c_suite));
}

void
conn_end(struct conn *c, void (*end)(struct socket *))
{
	struct app *a = c->c_app;
	struct world *w = a->a_world;

	if (c->c_so == NULL)
		return;
	app_conn_modes(c);
	timebase_cancel(w->w_tb, &c->c_event);
	evloop_forget(c);
	ng_tls_stop(c->c_node);
	tls_endpoint_destroy(c->c_ep);
	c->c_ep = NULL;
	end(c->c_so);
	c->c_so = NULL;
	c->c_end = timebase_now(w->w_tb);
	c->c_end_frame = w->w_frames;
	strbuf_fini(&c->c_buf);
	digest_destroy(c->c_digest);
	c->c_digest = NULL;
	if (a->a_ops->ao_end != NULL)
		a->a_ops->ao_end(c);
	a->a_open--;
	if (c->c_failed != NULL)
		a->a_failed++;
	if (!c->c_server) {
		a->a_done_at = c->c_end;
		w->w_clients_open--;
	}
}

void
conn_close(struct conn *c)
{
	conn_end(c, soclose);
}

/*
 * TCP gave up, although all faults are off for longer than its longest timeout:
 * it has asked since, and nobody answered. That is a stall, only a shorter one
 * than world_patience waits for.
 */
static void
conn_stalled(struct conn *c, int error)
{
	struct world *w = c->c_app->a_world;
	char *text;

	if (!w->w_draining || error != ETIMEDOUT || cards_black_hole(w) ||
	    timebase_now(w->w_tb) - w->w_drain_at <=
		65 * SIM_SEC + links_deaf_time(w))
		return;
	text = xasprintf("%s#%u: no progress with all faults off: TCP gave up",
	    c->c_app->a_sc->loc.name, c->c_index);
	invariant_broken(w, 7, text);
	free(text);
}

void
conn_fail(struct conn *c, const char *call, int error)
{
	struct tls_endpoint_info ti = { 0 };

	conn_stalled(c, error);
	TRACE(&c->c_app->a_world->w_tracer, app_error,
	    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TS(call), TI(error));
	c->c_error = error;
	if (c->c_ep != NULL)
		tls_endpoint_info(c->c_ep, &ti);
	c->c_failed = ti.te_error != NULL && error == EPROTO
	    ? "TLS protocol error"
	    : errno_name(error);
	if (c->c_flow != NULL)
		ledger_excuse(c->c_flow, "the connection failed");
	conn_close(c);
}

/* --- starting --- */

void
app_accept(struct app *a)
{
	struct socket *so;
	struct conn *c;

	for (unsigned i = 0; i < nitems(a->a_listen); i++)
		while (a->a_listen[i] != NULL &&
		    soaccept(a->a_listen[i], &so) == 0) {
			c = conn_create(a, so, true);
			conn_post(c, 0);
		}
}

static void
app_accept_event(void *arg)
{
	app_accept(arg);
}

static void
app_listen_upcall(struct socket *so, void *arg, enum so_event ev)
{
	struct app *a = arg;

	if (a->a_loop != NULL)
		evloop_accept(a->a_loop);
	else if (!sim_event_pending(&a->a_event))
		timebase_post_in(a->a_world->w_tb, &a->a_event, 0);
}

static int
app_listen(struct app *a, int family, struct socket **sop)
{
	struct ksockaddr sa = { .sa_family = (uint8_t)family,
		.sa_port = (uint16_t)a->a_sc->port };
	int error;

	error = socreate(a->a_host->h_vnet, &tcp_protosw, family, sop);
	if (error != 0)
		return (error);
	if ((error = sobind(*sop, &sa)) != 0 ||
	    (error = solisten(*sop, (int)a->a_sc->backlog)) != 0)
		return (error);
	soupcall_set(*sop, app_listen_upcall, a);
	return (0);
}

/* The families that clients ask by: of those outside nothing is known, they
 * may use whatever address the host has. */
static void
app_families(const struct app *a, bool want[2])
{
	const struct scenario *sc = a->a_world->w_sc;
	const struct sc_host *h = a->a_host->h_sc;
	struct in_any any;
	int family, plen;

	for (unsigned i = 0; i < sc->napps; i++)
		if (sc_app_is_client(sc->apps[i].type) &&
		    strcmp(sc->apps[i].server, a->a_sc->loc.name) == 0)
			want[sc->apps[i].family != 0] = true;
	if (!scenario_is_live(sc))
		return;
	for (unsigned i = 0; i < h->naddrs; i++)
		for (unsigned j = 0; j < h->addrs[i].cidr.n; j++)
			if (parse_cidr(h->addrs[i].cidr.v[j], &family, &any,
				&plen) == 0)
				want[family == KAF_INET6] = true;
}

/* A socket for each family; IPv4 if there is none. */
static int
app_serve(struct app *a)
{
	bool want[2] = { false, false };
	int error;

	sim_event_init(&a->a_event, EV_APP, "accept", app_accept_event, a);
	if (a->a_sc->kqueue.present)
		a->a_loop = evloop_create(a);
	app_families(a, want);
	if (!want[1])
		want[0] = true;
	if (want[0] && (error = app_listen(a, KAF_INET, &a->a_listen[0])) != 0)
		return (error);
	if (want[1] && (error = app_listen(a, KAF_INET6, &a->a_listen[1])) != 0)
		return (error);
	return (0);
}

static struct app *
world_app(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (strcmp(w->w_sc->apps[i].loc.name, name) == 0)
			return (&w->w_apps[i]);
	return (NULL);
}

static bool
app_server_addr(struct app *a, struct ksockaddr *sa)
{
	struct app *s = world_app(a->a_world, a->a_sc->server);
	const struct sc_host *h = s->a_host->h_sc;
	int want = a->a_sc->family ? KAF_INET6 : KAF_INET, family, plen;

	sa->sa_family = (uint8_t)want;
	sa->sa_port = (uint16_t)s->a_sc->port;
	for (unsigned i = 0; i < h->naddrs; i++)
		for (unsigned j = 0; j < h->addrs[i].cidr.n; j++)
			if (parse_cidr(h->addrs[i].cidr.v[j], &family,
				&sa->sa_addr, &plen) == 0 &&
			    family == want)
				return (true);
	return (false);
}

struct conn *
app_client_conn(struct app *a, unsigned number, simtime_t start)
{
	struct ksockaddr sa;
	struct socket *so;
	struct conn *c;
	int error;

	error = socreate(a->a_host->h_vnet, &tcp_protosw,
	    a->a_sc->family ? KAF_INET6 : KAF_INET, &so);
	if (error != 0) {
		TRACE(&a->a_world->w_tracer, app_error, TS(a->a_sc->loc.name),
		    TU(number), TS("socket"), TI(error));
		a->a_failed++;
		return (NULL);
	}
	c = conn_create(a, so, false);
	(void)app_server_addr(a, &sa);
	c->c_remote = sa;
	c->c_start = start;
	conn_post(c, c->c_start);
	a->a_world->w_clients++;
	a->a_world->w_clients_open++;
	return (c);
}

int
apps_create(struct world *w, struct strbuf *err)
{
	struct app *a;
	int error;

	w->w_scratch = xcalloc(1, WORLD_SCRATCH);
	w->w_apps = xcalloc(w->w_sc->napps, sizeof(*w->w_apps));
	for (unsigned i = 0; i < w->w_sc->napps; i++) {
		a = &w->w_apps[i];
		a->a_sc = &w->w_sc->apps[i];
		a->a_world = w;
		a->a_host = world_host(w, a->a_sc->host);
		TAILQ_INIT(&a->a_conns);
		a->a_ops = app_ops[a->a_sc->type];
		if ((error = own_create(a, err)) != 0)
			return (error);
		if (sc_app_is_client(a->a_sc->type))
			continue;
		if ((error = app_serve(a)) != 0) {
			scenario_error(w->w_sc, &a->a_sc->loc, err,
			    "application `%s` cannot listen: %s",
			    a->a_sc->loc.name, errno_name(error));
			return (EINVAL);
		}
	}
	return (0);
}

/* So many connections, one interval apart. */
static void
app_start(struct app *a)
{
	const struct sc_app *sc = a->a_sc;

	for (unsigned n = 0; n < sc->connections; n++)
		(void)app_client_conn(a, n, sc->start + n * sc->interval);
}

void
apps_start(struct world *w)
{
	struct app *a;

	for (unsigned i = 0; i < w->w_sc->napps; i++) {
		a = &w->w_apps[i];
		if (a->a_ops->ao_start != NULL)
			a->a_ops->ao_start(a);
		else if (sc_app_is_client(a->a_sc->type))
			app_start(a);
	}
}

static void
add_end(struct strbuf *sb, const struct ksockaddr *sa)
{
	strbuf_adds(sb, " ");
	format_addr(sa->sa_family, &sa->sa_addr, sb);
	strbuf_addf(sb, " %u", sa->sa_port);
}

/* switch_tls -l: the command that would do it. */
static void
conn_list_switch(struct conn *c, int mode, const struct ksockaddr *local,
    const struct ksockaddr *foreign)
{
	struct strbuf sb = { 0 };

	strbuf_addf(&sb, "switch_tls %s",
	    mode == TCP_TLS_MODE_SW ? "-s" : "-i");
	add_end(&sb, local);
	add_end(&sb, foreign);
	TRACE(&c->c_app->a_world->w_tracer, switch_tls_list,
	    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TS(strbuf_str(&sb)));
	strbuf_fini(&sb);
}

/* As an administrator with switch_tls(8): by the ends of each connection. */
static int
conn_switch_tls(struct conn *c, const struct sc_step *st)
{
	int mode = st->to == 0 ? TCP_TLS_MODE_SW : TCP_TLS_MODE_IFNET;
	struct ksockaddr local, foreign;
	int error;

	if (so_sockname(c->c_so, &local) != 0 ||
	    so_peername(c->c_so, &foreign) != 0)
		return (ENOTCONN);
	if (st->list) {
		conn_list_switch(c, mode, &local, &foreign);
		return (0);
	}
	error = tcp_switch_tls(c->c_so->so_vnet, &foreign, &local, mode);
	if (error == EINPROGRESS)
		error = 0; /* the card takes its time */
	if (error != 0)
		TRACE(&c->c_app->a_world->w_tracer, app_error,
		    TS(c->c_app->a_sc->loc.name), TU(c->c_index),
		    TS("switch_tls"), TI(error));
	return (error);
}

/* Is it one of those that the step speaks of? */
static bool
conn_is_meant(const struct conn *c, const struct sc_step *st)
{
	struct ksockaddr want, peer;

	if (c->c_so == NULL ||
	    (st->has_connection && c->c_index != st->connection))
		return (false);
	if (st->peer == NULL)
		return (true);
	return (parse_endpoint(st->peer, &want) == 0 &&
	    so_peername(c->c_so, &peer) == 0 &&
	    peer.sa_family == want.sa_family &&
	    in_any_eq(&peer.sa_addr, &want.sa_addr) &&
	    (want.sa_port == 0 || want.sa_port == peer.sa_port));
}

int
conns_meant(struct world *w, const struct sc_step *st,
    int (*fn)(struct conn *, const struct sc_step *))
{
	struct app *a = world_app(w, st->on);
	int error = ESRCH, one;
	struct conn *c;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		if (!conn_is_meant(c, st))
			continue;
		one = fn(c, st);
		if (one != 0 || error == ESRCH)
			error = one;
	}
	return (error);
}

static int
conn_step_pacing(struct conn *c, const struct sc_step *st)
{
	return (conn_pacing(c, st->rate));
}

int
apps_switch_tls(struct world *w, const struct sc_step *st)
{
	return (conns_meant(w, st, conn_switch_tls));
}

int
apps_pacing(struct world *w, const struct sc_step *st)
{
	return (conns_meant(w, st, conn_step_pacing));
}

/* Live, at the end: whoever is outside is not waited for. */
void
apps_reset_outside(struct world *w)
{
	struct ksockaddr peer;
	struct conn *c;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link) {
			if (!c->c_server || c->c_so == NULL ||
			    (so_peername(c->c_so, &peer) == 0 &&
				world_host_at(w, &peer) != NULL))
				continue;
			c->c_failed = "reset at the end";
			conn_end(c, soabort);
		}
}

static bool
conn_is_half_open(const struct conn *c)
{
	struct whost *h = world_host_at(c->c_app->a_world, &c->c_remote);
	struct inpcb *inp;

	if (c->c_so == NULL || c->c_established == 0 || h == NULL ||
	    sbused(&c->c_so->so_snd) > 0)
		return (false);
	inp = in_pcblookup(h->h_vnet, &c->c_remote, &c->c_local);
	return (inp == NULL || inp->inp_faddr.sa_port == 0);
}

bool
apps_end_half_open(struct world *w)
{
	struct conn *c, *next;
	bool any = false;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH_SAFE(c, &w->w_apps[i].a_conns, c_link, next)
			if (conn_is_half_open(c)) {
				conn_fail(c, "waiting for a peer that is gone",
				    ECONNRESET);
				any = true;
			}
	return (any);
}

void
apps_deafen(struct world *w)
{
	struct app *a;

	for (unsigned i = 0; i < w->w_sc->napps && w->w_apps != NULL; i++) {
		a = &w->w_apps[i];
		for (unsigned j = 0; j < nitems(a->a_listen); j++) {
			if (a->a_listen[j] != NULL && !w->w_wrecked) {
				timebase_cancel(w->w_tb, &a->a_event);
				soclose(a->a_listen[j]);
			}
			a->a_listen[j] = NULL;
		}
	}
}

/* The run is over: what was to start later does not start any more. */
void
apps_call_off(struct world *w)
{
	struct conn *c;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link) {
			if (c->c_server || c->c_so == NULL || c->c_connecting)
				continue;
			c->c_failed = "not begun";
			conn_close(c);
		}
}

void
apps_destroy(struct world *w)
{
	struct app *a;
	struct conn *c;

	apps_deafen(w);
	for (unsigned i = 0; i < w->w_sc->napps && w->w_apps != NULL; i++) {
		a = &w->w_apps[i];
		TAILQ_FOREACH(c, &a->a_conns, c_link) {
			if (c->c_so == NULL || w->w_wrecked)
				continue;
			if (c->c_failed == NULL)
				c->c_failed = "not finished";
			if (c->c_flow != NULL)
				ledger_excuse(c->c_flow, "closed at the end");
			conn_close(c);
		}
	}
}
