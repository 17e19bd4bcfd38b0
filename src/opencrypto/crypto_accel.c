#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/opencrypto/crypto_accel.h>

struct crypto_accel {
	struct timebase *ac_tb;
	struct crypto_accel_params ac_p;
	simtime_t ac_free[CRYPTO_ACCEL_ENGINES]; /* when each is free */
	struct crypto_accel_stats ac_stats;
};

struct crypto_accel *
crypto_accel_create(struct timebase *tb, const struct crypto_accel_params *p)
{
	struct crypto_accel *ac;

	KASSERT(p->ca_depth > 0 && p->ca_engines > 0 &&
		p->ca_engines <= CRYPTO_ACCEL_ENGINES && p->ca_rate_bps > 0 &&
		p->ca_latency > 0,
	    ("crypto_accel_create: depth %u, engines %u", p->ca_depth,
		p->ca_engines));
	ac = xcalloc(1, sizeof(*ac));
	ac->ac_tb = tb;
	ac->ac_p = *p;
	return (ac);
}

void
crypto_accel_destroy(struct crypto_accel *ac)
{
	KASSERT(ac == NULL || ac->ac_stats.inside == 0,
	    ("crypto_accel_destroy: operations inside"));
	free(ac);
}

const struct crypto_accel_stats *
crypto_accel_stats(const struct crypto_accel *ac)
{
	return (&ac->ac_stats);
}

static void
crypto_op_done(void *arg)
{
	struct crypto_op *op = arg;

	if (op->co_error != EAGAIN)
		op->co_accel->ac_stats.inside--;
	op->co_done(op->co_arg, op->co_error);
}

void
crypto_op_init(struct crypto_op *op, struct crypto_accel *ac,
    crypto_done_fn *done, void *arg)
{
	*op = (struct crypto_op) { .co_accel = ac,
		.co_done = done,
		.co_arg = arg };
	sim_event_init(&op->co_event, EV_CRYPTO, "accelerator", crypto_op_done,
	    op);
}

/* The engine that is free first, of several the first. */
static simtime_t *
crypto_accel_engine(struct crypto_accel *ac)
{
	simtime_t *best = &ac->ac_free[0];

	for (uint32_t i = 1; i < ac->ac_p.ca_engines; i++)
		if (ac->ac_free[i] < *best)
			best = &ac->ac_free[i];
	return (best);
}

void
crypto_accel_dispatch(struct crypto_op *op, uint32_t len)
{
	struct crypto_accel *ac = op->co_accel;
	struct crypto_accel_stats *st = &ac->ac_stats;
	simtime_t now = timebase_now(ac->ac_tb), *engine;

	if (st->inside == ac->ac_p.ca_depth) {
		st->refused++;
		op->co_error = EAGAIN;
		timebase_post_in(ac->ac_tb, &op->co_event, ac->ac_p.ca_latency);
		return;
	}
	st->inside++;
	st->inside_max = MAX(st->inside_max, st->inside);
	op->co_error = ++st->ops == ac->ac_p.ca_fail_op ? EIO : 0;
	engine = crypto_accel_engine(ac);
	*engine = MAX(*engine, now) + simtime_bytes(len, ac->ac_p.ca_rate_bps);
	timebase_post(ac->ac_tb, &op->co_event, *engine + ac->ac_p.ca_latency);
}
