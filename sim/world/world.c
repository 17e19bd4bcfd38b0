/*
 * The run: forward until the clients are done or the horizon; freeze what the
 * claims and the report speak of; then faults off, let everything finish and
 * go home, and look whether it did.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

#define PATIENCE     (120 * SIM_SEC) /* without progress, faults off */
#define INFLIGHT_MAX (1024 * 1024)   /* bytes a link may be busy with */
#define HOME_TIME    (600 * SIM_SEC) /* TIME_WAIT and the last timers */

static const char *const invariant_names[INVARIANTS][2] = {
	{ "delivered equals sent", "bytes" },
	{ "no plaintext of a TLS session on a wire", "records" },
	{ "one plaintext per key and nonce, same bytes per sequence",
	    "records" },
	{ "socket buffer accounting", "recounts" },
	{ "page cache untouched", "file pages" },
	{ "everything comes home", "allocations" },
	{ "nothing stalls", "looks" },
};

static void
world_ledger_report(void *arg, const char *text)
{
	invariant_broken(arg, 1, text);
}

static void
world_names(struct world *w)
{
	struct strbuf sb = { 0 };

	for (int i = 0; i < INVARIANTS; i++) {
		w->w_res.r_inv[i].i_name = invariant_names[i][0];
		w->w_res.r_inv[i].i_checked = invariant_names[i][1];
		w->w_res.r_inv[i].i_off =
		    (i == 1 || i == 2) && !w->w_sc->checks.records;
	}
	for (int i = 0; i < DEFECT_COUNT; i++)
		if (defect_on(&w->w_opts.wo_defects, (enum defect)i))
			strbuf_addf(&sb, "%s%s", sb.sb_len > 0 ? ", " : "",
			    defect_catalogue[i].di_name);
	w->w_res.r_defects = strbuf_take(&sb);
	w->w_res.r_name = w->w_sc->name;
	w->w_res.r_description = w->w_sc->description;
	w->w_res.r_seed = w->w_opts.wo_seed;
}

static int
world_open_trace(struct world *w, struct strbuf *err)
{
	if (w->w_opts.wo_trace == NULL)
		return (0);
	if ((w->w_trace = fopen(w->w_opts.wo_trace, "w")) != NULL)
		return (0);
	strbuf_addf(err, "cannot write %s: %s\n", w->w_opts.wo_trace,
	    strerror(errno));
	return (errno);
}

static int
world_tools(struct world *w, struct strbuf *err)
{
	const char *why = NULL;
	int error;

	w->w_ledger = ledger_create(world_ledger_report, w);
	w->w_judge = judge_create(w);
	error = tls_userland_create(&w->w_tb->tb_now, w->w_sc->epoch,
	    w->w_opts.wo_seed, tap_keylog, w, &w->w_userland, &why);
	if (error != 0)
		strbuf_addf(err, "libssl cannot be used: %s\n", why);
	return (error);
}

int
world_create(const struct scenario *sc, const struct world_opts *wo,
    struct world **out, struct strbuf *err)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int error;

	w->w_sc = sc;
	w->w_opts = *wo;
	w->w_keylog_fd = -1;
	w->w_engine = engine_create();
	w->w_tb = engine_timebase(w->w_engine);
	w->w_jobs = hostpool_create(wo->wo_threads);
	framepool_init(&w->w_pool);
	facts_init(w);
	world_names(w);
	if ((error = world_open_trace(w, err)) != 0 ||
	    (error = perfetto_open(w, err)) != 0 ||
	    (error = world_tools(w, err)) != 0 ||
	    (error = world_build(w, err)) != 0 ||
	    (error = apps_create(w, err)) != 0 ||
	    (error = tap_open(w, err)) != 0 ||
	    (error = dma_open(w, err)) != 0 ||
	    (error = ports_open(w, err)) != 0 ||
	    (error = tcpinfo_open(w, err)) != 0) {
		world_destroy(w);
		return (error);
	}
	*out = w;
	return (0);
}

/* --- running --- */

/* For who watches: the run itself does not care. */
static void
world_phase(const struct world *w, const char *what, uint64_t count)
{
	TRACE(&w->w_tracer, phase, TS(what), TU(count));
}

static unsigned
world_open_conns(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		n += w->w_apps[i].a_open;
	return (n);
}

/* How many events until the cheap checks are worth their cost again. */
static unsigned
world_check_interval(const struct world *w)
{
	uint64_t mbufs = 0;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		mbufs += w->w_hosts[i].h_vnet->v_mb->mb_zone.z_inuse;
	return ((unsigned)(256 + mbufs));
}

/* Steps and timed claims still to come. */
static bool
world_timed_pending(const struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nsteps; i++)
		if (sim_event_pending(&w->w_steps[i].s_event))
			return (true);
	for (unsigned i = 0; i < w->w_sc->nexpect; i++)
		if (sim_event_pending(&w->w_looks[i].lo_event))
			return (true);
	return (false);
}

/* The main part is over when every client is done and nothing that the
 * scenario timed is to come; without clients, at its horizon. */
static bool
world_main_done(const struct world *w)
{
	return (w->w_clients > 0 && w->w_clients_open == 0 &&
	    !world_timed_pending(w));
}

bool
world_step(struct world *w, simtime_t until)
{
	if (w->w_shown < w->w_opts.wo_nshows)
		state_due(w, until);
	if (!engine_step(w->w_engine, until))
		return (false);
	if (timebase_now(w->w_tb) >= w->w_charts_at)
		charts_look(w);
	if (timebase_now(w->w_tb) >= w->w_perfetto_at)
		perfetto_look(w);
	if (w->w_whens_polled > 0)
		whens_poll(w);
	if (w->w_watched > 0)
		claims_watch(w);
	if (w->w_broken)
		state_broken(w);
	return (true);
}

void
world_settle(struct world *w, simtime_t time)
{
	simtime_t until = timebase_now(w->w_tb) + time;

	while (world_step(w, until))
		;
}

/* Every so many events: what can be seen cheaply, and whether to go on. */
void
world_look(struct world *w)
{
	if (w->w_until_look-- > 0)
		return;
	check_now(w);
	w->w_until_look = world_check_interval(w) - 1;
	if (w->w_opts.wo_poll != NULL &&
	    w->w_opts.wo_poll(w->w_opts.wo_poll_arg, timebase_now(w->w_tb),
		w->w_sc->until))
		w->w_res.r_interrupted = true;
}

/* Nothing more to be gained by going on. */
bool
world_is_stopped(const struct world *w)
{
	return (w->w_res.r_capture_error != 0 || w->w_res.r_interrupted ||
	    w->w_res.r_inv[6].i_broken > 0);
}

/* Until done, `until`, quiet, or an order to stop; true: done. */
static bool
world_forward(struct world *w, simtime_t until, bool main_part)
{
	w->w_until_look = 0;
	while (!world_is_stopped(w)) {
		if (main_part ? world_main_done(w) : world_open_conns(w) == 0)
			return (true);
		world_look(w);
		if (world_is_stopped(w) || !world_step(w, until))
			return (false);
	}
	return (false);
}

static void
world_stalled(struct world *w)
{
	struct conn *c;
	char *text;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link) {
			if (c->c_so == NULL)
				continue;
			text = xasprintf(
			    "%s#%u: no progress with all faults "
			    "off: send buffer holds %u bytes, %u of them "
			    "ready",
			    w->w_apps[i].a_sc->loc.name, c->c_index,
			    sbused(&c->c_so->so_snd),
			    sbavail(&c->c_so->so_snd));
			invariant_broken(w, 7, text);
			free(text);
			return;
		}
}

static void
world_faults_off(struct world *w)
{
	steps_cancel(w);
	for (unsigned i = 0; i < w->w_sc->nlinks; i++)
		wire_faults_off(w->w_links[i].l_wire);
	cards_faults_off(w);
	hosts_faults_off(w);
}

/* What moves when anything does: bytes in order, connections made and gone,
 * programs asked. */
static uint64_t
world_progress(const struct world *w)
{
	const struct tcp_stats *st;
	uint64_t n = 0;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		st = tcp_stats(w->w_hosts[i].h_vnet);
		n += st->rcvbyte + st->connects + st->accepts + st->closed +
		    st->drops;
	}
	return (n + own_turns(w));
}

/* How long nothing may move before it is a stall: longer than the longest
 * timeout, and than the slowest link and disk of this scenario need. */
static simtime_t
world_patience(const struct world *w)
{
	simtime_t slow = links_slowest(w, INFLIGHT_MAX), disk = 0;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		disk = MAX(disk,
		    w->w_sc->hosts[i].disk_latency +
			w->w_sc->hosts[i].disk_jitter);
	return (PATIENCE + links_deaf_time(w) + slow + disk);
}

/* True: all connections are done. A slow one may take as long as it likes. */
static bool
world_finish(struct world *w)
{
	simtime_t patience = world_patience(w);
	uint64_t before;

	do {
		before = world_progress(w);
		if (world_forward(w, timebase_now(w->w_tb) + patience, false))
			return (true);
	} while (!world_is_stopped(w) &&
	    (world_progress(w) != before || apps_end_half_open(w)));
	return (false);
}

/* Everybody finishes and goes home; nothing may hang, nothing may be left. */
static void
world_drain(struct world *w)
{
	w->w_draining = true;
	w->w_drain_at = timebase_now(w->w_tb);
	world_phase(w, "faults off, draining: open connections",
	    world_open_conns(w));
	world_faults_off(w);
	apps_call_off(w);
	/* Who waits for what a black hole has swallowed is hung up on. */
	if (!world_finish(w) &&
	    !(cards_black_hole(w) && !world_is_stopped(w))) {
		if (w->w_res.r_interrupted || w->w_res.r_capture_error != 0)
			return;
		if (w->w_res.r_inv[6].i_broken == 0)
			world_stalled(w);
		state_broken(w);
		return;
	}
	apps_destroy(w);
	world_settle(w, HOME_TIME);
	world_phase(w, "checking what was sent, delivered, recorded: frames",
	    w->w_frames);
	check_end(w);
	state_broken(w);
	if (!check_tags(w)) {
		state_broken(w);
		return;
	}
	world_settle(w, SIM_SEC);
	world_phase(w, "going home: hosts", w->w_sc->nhosts);
	w->w_going = true;
	tap_close(w); /* it asks the cards for their counts */
	world_take_down(w);
	check_home(w);
	world_detach_stacks(w);
}

const char *
world_broken(const struct world *w)
{
	const struct invariant_result *in = w->w_res.r_inv;

	for (int i = 0; i < INVARIANTS; i++)
		if (in[i].i_broken > 0)
			return (in[i].i_first);
	return (w->w_res.r_panic);
}

static void
world_start(struct world *w)
{
	world_phase(w, "built: hosts", w->w_sc->nhosts);
	judge_claims_begin(w);
	apps_start(w);
	world_phase(w, "running: client connections", w->w_clients);
}

static void
world_finish_up(struct world *w)
{
	world_phase(w, "main part over: client connections left",
	    w->w_clients_open);
	judge_claims_end(w);
	tcpinfo_close(w); /* before faults are off and all goes home */
	collect_result(w);
	judge_report_claims(w);
	if (!world_is_stopped(w)) {
		outside_reset(w);
		world_drain(w);
	} else {
		check_end(w);
		state_broken(w);
		w->w_wrecked = true;
	}
}

/* A simulated kernel's KASSERT: leave it where it stands. */
static void
world_panic(void *arg, const char *msg)
{
	struct world *w = arg;

	if (strncmp(msg, "sbcheck", 7) == 0)
		invariant_broken(w, 4, msg);
	else {
		free(w->w_res.r_panic);
		w->w_res.r_panic = xasprintf("%s (in event \"%s\")", msg,
		    engine_current(w->w_engine) != NULL
			? engine_current(w->w_engine)
			: "-");
		w->w_res.r_end = timebase_now(w->w_tb);
	}
	w->w_wrecked = true;
	longjmp(w->w_panic, 1);
}

/* The panic was caught: what is worth telling of the wreck. */
static void
world_panicked(struct world *w)
{
	if (w->w_res.r_end == 0) {
		w->w_res.r_end = timebase_now(w->w_tb);
		w->w_res.r_events = engine_events(w->w_engine);
		w->w_res.r_frames = w->w_frames;
		w->w_res.r_over_time = &w->w_timeline;
		w->w_res.r_charts = &w->w_charts;
	}
	charts_freeze(w, true);
	state_panic(w);
}

static void
world_over(struct world *w)
{
	own_kill(w);
	outside_detach(w);
	judge_settle(w->w_judge);
	tap_close(w);
	tcpinfo_close(w);
	prints_end(w);
	if (world_broken(w) != NULL)
		w->w_wrecked = true;
	kpanic_sethandler(NULL, NULL);
}

void
world_run(struct world *w)
{
	kpanic_sethandler(world_panic, w);
	if (setjmp(w->w_panic) == 0) {
		world_start(w);
		(void)world_forward(w, w->w_sc->until, true);
		world_finish_up(w);
	} else
		world_panicked(w);
	world_over(w);
}

/* --- the same in steps --- */

void
world_begin(struct world *w)
{
	kpanic_sethandler(world_panic, w);
	world_start(w);
}

jmp_buf *
world_panic_env(struct world *w)
{
	/* Several worlds may take turns in a program. */
	kpanic_sethandler(world_panic, w);
	return (&w->w_panic);
}

bool
world_advance(struct world *w)
{
	world_look(w);
	return (!world_is_stopped(w) && world_step(w, SIM_NEVER));
}

bool
world_stuck(struct world *w)
{
	simtime_t now = timebase_now(w->w_tb);
	uint64_t progress;

	if (now - w->w_progress_at <= world_patience(w))
		return (false);
	progress = world_progress(w);
	w->w_progress_at = now;
	if (progress == w->w_progress && !world_timed_pending(w))
		return (true);
	w->w_progress = progress;
	return (false);
}

void
world_end(struct world *w)
{
	kpanic_sethandler(world_panic, w);
	if (!w->w_wrecked && setjmp(w->w_panic) == 0)
		world_finish_up(w);
	else
		world_panicked(w);
	world_over(w);
}

struct timebase *
world_timebase(struct world *w)
{
	return (w->w_tb);
}

struct vnet *
world_vnet(struct world *w, const char *host)
{
	struct whost *h = world_host(w, host);

	return (h != NULL ? h->h_vnet : NULL);
}

unsigned
world_shown(const struct world *w)
{
	return (w->w_shown);
}

const struct result *
world_result(const struct world *w)
{
	return (&w->w_res);
}

/* --- the end --- */

static void
result_fini(struct result *r)
{
	for (unsigned i = 0; i < r->r_nconns; i++) {
		free(r->r_conns[i].c_name);
		free(r->r_conns[i].c_server_name);
		free(r->r_conns[i].c_client);
		free(r->r_conns[i].c_server);
	}
	for (unsigned i = 0; i < r->r_nclaims; i++) {
		free(r->r_claims[i].cl_claim);
		free(r->r_claims[i].cl_found);
		free(r->r_claims[i].cl_first);
	}
	for (unsigned i = 0; i < r->r_ncounters; i++)
		free(r->r_counters[i].ct_name);
	for (unsigned i = 0; i < r->r_nlinks; i++)
		free(r->r_links[i].l_name);
	for (unsigned i = 0; i < r->r_nnodes; i++)
		free(r->r_nodes[i].n_from);
	for (unsigned i = 0; i < r->r_nwaiting; i++)
		free(r->r_waiting[i].ws_text);
	for (unsigned i = 0; i < r->r_ndma; i++)
		free(r->r_dma[i].d_file);
	free(r->r_dma);
	for (unsigned i = 0; i < r->r_nports; i++)
		free(r->r_ports[i].d_file);
	free(r->r_ports);
	free(r->r_nodes);
	free(r->r_cards);
	free(r->r_waiting);
	for (int i = 0; i < INVARIANTS; i++)
		free(r->r_inv[i].i_first);
	free(r->r_conns);
	free(r->r_claims);
	free(r->r_counters);
	free(r->r_links);
	free(r->r_panic);
	free(r->r_capture_path);
	free((char *)(uintptr_t)r->r_defects);
}

/* What the scenario timed and the run did not come to. */
static void
world_cancel_timed(struct world *w)
{
	steps_cancel(w);
	for (unsigned i = 0; w->w_looks != NULL && i < w->w_sc->nexpect; i++)
		timebase_cancel(w->w_tb, &w->w_looks[i].lo_event);
}

static void
world_free_hosts(struct world *w)
{
	struct whost *h;

	for (unsigned i = 0; i < w->w_sc->nhosts && w->w_hosts != NULL; i++) {
		h = &w->w_hosts[i];
		vnet_destroy(h->h_vnet);
		free(h->h_nics);
		free(h->h_ports);
		free(h->h_buses);
		free(h->h_laggs);
		free(h->h_vlans);
		free(h->h_filegens);
	}
	free(w->w_hosts);
	free(w->w_links);
	free(w->w_switches);
	free(w->w_steps);
	counted_destroy(w);
}

void
world_destroy(struct world *w)
{
	/* Kept, so that leak checkers of programs see that it is meant. */
	static struct world *wrecks;

	if (w == NULL)
		return;
	if (w->w_wrecked) {
		w->w_next_wreck = wrecks;
		wrecks = w;
		return;
	}
	outside_detach(w);
	tap_close(w);
	tcpinfo_close(w);
	if (w->w_hosts != NULL && w->w_sc->nhosts > 0 &&
	    w->w_hosts[0].h_vnet != NULL &&
	    w->w_hosts[0].h_vnet->v_net != NULL) {
		apps_destroy(w); /* it was never run */
		world_take_down(w);
		world_detach_stacks(w);
	}
	world_cancel_timed(w);
	apps_free(w);
	ledger_destroy(w->w_ledger);
	world_free_hosts(w);
	tls_userland_destroy(w->w_userland);
	judge_destroy(w->w_judge);
	flowtrack_destroy(w->w_flows);
	framepool_fini(&w->w_pool);
	hostpool_destroy(w->w_jobs);
	engine_destroy(w->w_engine);
	facts_fini(w);
	result_fini(&w->w_res);
	free(w->w_keylog_path);
	free(w);
}
