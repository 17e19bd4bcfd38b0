/*
 * A crowd of HTTPS clients, as a server of a CDN sees it: connections arrive by
 * a Poisson process, each asks for some files and goes; some are slow, go in
 * the middle, or do what they should not. How long answers took is counted as
 * it happens; the rest is collected at the end (load_collect.c).
 */
#include <errno.h>

#include <ktsim/base/errnoname.h>

#include "load_priv.h"

enum {
	LD_CONNECT,
	LD_EARLY, /* only those that do not wait for the handshake */
	LD_HANDSHAKE,
	LD_RUN,
	LD_NOTIFY,
	LD_LINGER,
	LD_DONE
};

static const char *const states[] = { "connects", "early data", "shakes hands",
	"runs", "close notify", "lingers", "done" };

static struct load_result *
counts(const struct conn *c)
{
	struct crowd *cr = c->c_app->a_data;

	return (&cr->cr_r);
}

static simtime_t
now(const struct conn *c)
{
	return (timebase_now(c->c_app->a_world->w_tb));
}

/* --- asking --- */

static int
write_out(struct conn *c, struct load *ld)
{
	size_t n;
	int error;

	while (ld->ld_outoff < ld->ld_out.sb_len) {
		error = conn_write(c, ld->ld_out.sb_str + ld->ld_outoff,
		    ld->ld_out.sb_len - ld->ld_outoff, &n);
		ld->ld_outoff += n;
		if (error != 0)
			return (error);
	}
	return (0);
}

/* From the answer before, or from the request before where they overlap. */
static void
think(struct conn *c, struct load *ld)
{
	simtime_t mean = c->c_app->a_sc->think;

	if (mean > 0)
		ld->ld_next = now(c) + law_exponential(&ld->ld_rng, mean);
}

static bool
may_ask(struct conn *c, struct load *ld)
{
	const struct sc_app *sc = c->c_app->a_sc;

	if (ld->ld_last || ld->ld_asked == sc->requests ||
	    ld->ld_asked - ld->ld_answered == sc->pipeline)
		return (false);
	if (now(c) >= ld->ld_next)
		return (true);
	if (!sim_event_pending(&ld->ld_think))
		timebase_post(c->c_app->a_world->w_tb, &ld->ld_think,
		    ld->ld_next);
	return (false);
}

/* 0: nothing more can be asked now. */
static int
ask_some(struct conn *c, struct load *ld)
{
	const struct sc_app *sc = c->c_app->a_sc;
	int error;

	for (;;) {
		if (ld->ld_outoff < ld->ld_out.sb_len) {
			if ((error = write_out(c, ld)) != 0)
				return (error);
			ld->ld_asks[(ld->ld_asked - 1) % LOAD_PIPELINE].as_at =
			    now(c);
			counts(c)->lr_asked++;
			if (sc->pipeline > 1)
				think(c, ld);
		}
		if (!may_ask(c, ld))
			break;
		load_ask(c);
	}
	if (ld->ld_asked < sc->requests || ld->ld_notified ||
	    !ld->ld_kinds[LOAD_HALF_CLOSE])
		return (0);
	error = conn_notify(c);
	ld->ld_notified = error == 0;
	return (error);
}

/* --- reading answers --- */

static int
read_head(struct conn *c, struct load *ld)
{
	const struct ask *as = &ld->ld_asks[ld->ld_answered % LOAD_PIPELINE];
	struct http_response hp;
	const char *why;
	int error;

	error = http_read_header(c);
	if (ld->ld_first == 0 && c->c_buf.sb_len > 0)
		ld->ld_first = now(c);
	if (error != 0)
		return (error);
	if (http_response_parse(c->c_buf.sb_str, c->c_buf.sb_len, &hp, &why) !=
		0 ||
	    !load_answers(as, &hp))
		return (EBADMSG);
	counts(c)->lr_status[hp.hp_status]++;
	c->c_len = hp.hp_length;
	c->c_read_bytes = 0; /* the pause before is no credit */
	c->c_read_from = now(c);
	ld->ld_last = !hp.hp_keep;
	ld->ld_in_body = true;
	return (0);
}

static int
read_body(struct conn *c)
{
	uint64_t before = c->c_off;
	int error = http_read_body(c, true);

	counts(c)->lr_bytes += c->c_off - before;
	return (error);
}

static void
answered(struct conn *c, struct load *ld)
{
	const struct ask *as = &ld->ld_asks[ld->ld_answered++ % LOAD_PIPELINE];
	struct load_result *lr = counts(c);

	lr->lr_answered++;
	lr->lr_to = now(c);
	hdr_add(&lr->lr_first, ld->ld_first - as->as_at);
	hdr_add(&lr->lr_whole, now(c) - as->as_at);
	TRACE(&c->c_app->a_world->w_tracer, http_answer,
	    TS(c->c_app->a_sc->loc.name), TU(c->c_index),
	    TS(as->as_file->loc.name), TU(as->as_status), TU(as->as_off),
	    TU(c->c_len), TU(ld->ld_first - as->as_at), TU(now(c) - as->as_at));
	c->c_before += c->c_off;
	c->c_off = c->c_len = 0;
	strbuf_clear(&c->c_buf);
	ld->ld_first = 0;
	ld->ld_in_body = false;
	if (c->c_app->a_sc->pipeline == 1)
		think(c, ld);
}

/* All that is there. 0: no more answers will come. */
static int
read_some(struct conn *c, struct load *ld)
{
	int error;

	while (!ld->ld_last || ld->ld_in_body) {
		if (ld->ld_answered == c->c_app->a_sc->requests)
			return (0);
		if (ld->ld_answered == ld->ld_asked)
			return (EWOULDBLOCK);
		if (!ld->ld_in_body && (error = read_head(c, ld)) != 0)
			return (error);
		if ((error = read_body(c)) != 0)
			return (error);
		answered(c, ld);
		if ((error = ask_some(c, ld)) != 0 && error != EWOULDBLOCK)
			return (error);
	}
	return (0);
}

static int
run_both(struct conn *c, struct load *ld)
{
	int error;

	error = ask_some(c, ld);
	if (error != 0 && error != EWOULDBLOCK)
		return (error);
	return (read_some(c, ld));
}

/* --- the machine --- */

static int
load_handshake(struct conn *c)
{
	struct load *ld = c->c_data;
	int error = conn_handshake(c);

	ld->ld_up = error == 0;
	if (error == 0)
		hdr_add(&counts(c)->lr_connect, now(c) - c->c_start);
	return (error);
}

static int
load_step(struct conn *c, const char **call)
{
	struct load *ld = c->c_data;

	*call = states[c->c_state];
	switch (c->c_state) {
	case LD_CONNECT:
		return (conn_connect(c));
	case LD_EARLY:
		if (ld->ld_out.sb_len == 0)
			load_early(c);
		return (write_out(c, ld));
	case LD_HANDSHAKE:
		return (load_handshake(c));
	case LD_RUN:
		return (run_both(c, ld));
	case LD_NOTIFY:
		return (ld->ld_notified ? 0 : conn_notify(c));
	default:
		return (conn_linger(c));
	}
}

static int
load_next_state(struct conn *c)
{
	const struct load *ld = c->c_data;

	if (c->c_state == LD_CONNECT && !ld->ld_kinds[LOAD_EARLY_DATA])
		return (LD_HANDSHAKE);
	return (c->c_state + 1);
}

static void
load_run(struct conn *c)
{
	static const struct conn_machine m = { load_step, load_next_state,
		LD_DONE };

	conn_machine(c, &m);
}

static void
load_end(struct conn *c)
{
	struct load *ld = c->c_data;

	timebase_cancel(c->c_app->a_world->w_tb, &ld->ld_think);
	strbuf_fini(&ld->ld_out);
}

/* --- arrivals --- */

static void
thought(void *arg)
{
	conn_post(arg, 0);
}

/* What it will be like is drawn from a stream of its own, whenever it comes. */
static void
load_conn(struct app *a, unsigned number, simtime_t start)
{
	const struct sc_app *sc = a->a_sc;
	const uint64_t shares[LOAD_KINDS] = { sc->slow_readers, sc->aborts,
		sc->half_closes, sc->oversized, sc->early_data };
	struct conn *c = app_client_conn(a, number, start);
	struct load *ld;
	char *name;

	if (c == NULL)
		return;
	c->c_data = ld = xcalloc(1, sizeof(*ld));
	name = xasprintf("https-load %s#%u", sc->loc.name, number);
	prng_init(&ld->ld_rng, a->a_world->w_opts.wo_seed, name);
	free(name);
	sim_event_init(&ld->ld_think, EV_APP, "think", thought, c);
	for (int i = 0; i < LOAD_KINDS; i++)
		ld->ld_kinds[i] = prng_chance(&ld->ld_rng, (uint32_t)shares[i]);
	if (prng_chance(&ld->ld_rng, (uint32_t)sc->tls12))
		c->c_version = SC_TLS_12;
	if (!ld->ld_kinds[LOAD_SLOW])
		c->c_read_bps = 0;
	if (!ld->ld_kinds[LOAD_ABORT])
		c->c_abort_after = 0;
}

static void
load_start(struct app *a)
{
	const struct sc_app *sc = a->a_sc;
	const struct app *s = claim_app(a->a_world, sc->server);
	const struct sc_host *h = s->a_host->h_sc;
	struct crowd *cr = xcalloc(1, sizeof(*cr));
	simtime_t t = sc->start;
	struct prng rng;
	char *name;

	a->a_data = cr;
	cr->cr_files = h->files;
	law_zipf_init(&cr->cr_zipf, h->nfiles, sc->zipf_ppb);
	name = xasprintf("https-load %s arrivals", sc->loc.name);
	prng_init(&rng, a->a_world->w_opts.wo_seed, name);
	free(name);
	for (unsigned n = 0; n < sc->connections; n++) {
		t += law_exponential(&rng, SIM_SEC / sc->arrivals);
		if (sc->duration > 0 && t - sc->start > sc->duration)
			break;
		load_conn(a, n, t);
	}
}

static void
load_free(struct conn *c)
{
	free(c->c_data);
}

const struct app_ops load_ops = { .ao_run = load_run,
	.ao_end = load_end,
	.ao_start = load_start,
	.ao_collect = load_collect,
	.ao_free = load_free,
	.ao_free_app = load_free_app,
	.ao_states = states };
