/* A world that is brought forward by somebody's clock, and given orders. */
#include <errno.h>

#include <ktsim/base/errnoname.h>

#include "world_priv.h"

simtime_t
world_next(const struct world *w)
{
	return (engine_next(w->w_engine));
}

/* Nothing to do: it is there so that time comes to this instant. */
static void
world_tick(void *arg)
{
}

bool
world_run_to(struct world *w, simtime_t until, unsigned events)
{
	if (w->w_tick.ev_fn == NULL)
		sim_event_init(&w->w_tick, EV_JUDGE, "wall clock", world_tick,
		    w);
	until = MAX(until, timebase_now(w->w_tb));
	timebase_post(w->w_tb, &w->w_tick, until);
	while (events-- > 0) {
		world_look(w);
		if (world_is_stopped(w))
			return (false);
		if (!world_step(w, until))
			return (true);
	}
	return (false);
}

void
world_set_lag(struct world *w, simtime_t lag)
{
	w->w_res.r_live = true;
	w->w_res.r_lag = lag;
}

void
world_break_off(struct world *w)
{
	w->w_res.r_interrupted = true;
}

/* --- orders --- */

static int
no_sysctl(const struct vnet *vnet, const char *name, struct strbuf *err)
{
	const char *near = sysctl_nearest(vnet, name);

	strbuf_addf(err, "there is no sysctl `%s`", name);
	if (near != NULL)
		strbuf_addf(err, "; did you mean `%s`?", near);
	else
		strbuf_adds(err, "; `ktls-sim list sysctls` shows them");
	return (ENOENT);
}

/* What can be said before it is tried. */
static int
order_sysctl(struct world *w, const struct sc_step *st, struct strbuf *err)
{
	struct vnet *vnet = world_host(w, st->on)->h_vnet;
	const struct sysctl_oid *oid = sysctl_find(vnet, st->name);

	if (oid == NULL)
		return (no_sysctl(vnet, st->name, err));
	if (oid->oid_kind == CTL_RW)
		return (0);
	if (oid->oid_kind == CTL_WR)
		strbuf_addf(err,
		    "sysctl `%s` takes the ends of a connection: order "
		    "switch_tls",
		    st->name);
	else if (oid->oid_kind == CTL_TUN)
		strbuf_addf(err,
		    "sysctl `%s` is read at boot: set it in the scenario",
		    st->name);
	else
		strbuf_addf(err, "sysctl `%s` is read-only", st->name);
	return (EPERM);
}

int
world_order(struct world *w, const struct sc_step *st, struct strbuf *err)
{
	const char *call;
	int error;

	if (st->action == SC_DO_SYSCTL &&
	    (error = order_sysctl(w, st, err)) != 0)
		return (error);
	error = world_do(w, st, &call);
	if (error == 0)
		return (0);
	if (st->action == SC_DO_SYSCTL)
		sysctl_refusal(sysctl_find(world_host(w, st->on)->h_vnet,
				   st->name),
		    &st->value, error, err);
	else if (call != NULL)
		strbuf_addf(err, "%s: %s (%s)", call, errno_name(error),
		    errno_text(error));
	else if (error == ESRCH)
		strbuf_addf(err, "`%s` has no open connection that is meant",
		    st->on);
	else
		strbuf_addf(err, "%s (%s)", errno_text(error),
		    errno_name(error));
	return (error);
}

int
world_sysctl(struct world *w, const char *host, const char *name,
    struct strbuf *value, struct strbuf *err)
{
	struct whost *h = world_host(w, host);
	const char *const *words;
	uint64_t val;
	int error;

	if (h == NULL) {
		strbuf_addf(err, "there is no host `%s`", host);
		return (ENOENT);
	}
	error = sysctl_read(h->h_vnet, name, &val);
	if (error == ENOENT)
		return (no_sysctl(h->h_vnet, name, err));
	if (error != 0) {
		strbuf_addf(err, "sysctl `%s` has no value: it is written only",
		    name);
		return (error);
	}
	if ((words = sysctl_find(h->h_vnet, name)->oid_words) != NULL)
		strbuf_adds(value, words[val]);
	else
		strbuf_addu(value, val);
	return (0);
}
