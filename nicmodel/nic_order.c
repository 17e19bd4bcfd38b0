/* What a scenario may do to a card. */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>

#include "nic_drv.h"

const struct nic_order_info nic_orders[NIC_ORDER_COUNT] = {
	[NIC_ORDER_RESET] = { "reset", "",
	    "the driver resets the card: what is in the rings is lost, "
	    "contexts and keys are made anew" },
	[NIC_ORDER_STALL] = { "stall", "time",
	    "the card takes no work requests for so long: rings fill" },
	[NIC_ORDER_DMA_FAIL] = { "dma-fail", "count",
	    "so many DMA mappings fail" },
	[NIC_ORDER_CORRUPT] = { "corrupt", "count",
	    "so many TLS sends have a bit of ciphertext flipped" },
	[NIC_ORDER_CMD_FAIL] = { "cmd-fail", "count",
	    "so many firmware commands fail (EIO)" },
	[NIC_ORDER_CMD_TIME] = { "cmd-time", "time",
	    "a firmware command takes so long from now on" },
	[NIC_ORDER_KEYS] = { "keys", "count",
	    "the card's key table has so many entries from now on" },
	[NIC_ORDER_CONTEXTS] = { "contexts", "count",
	    "so many contexts (TIS, tid) are there from now on" },
};

static void
stall_over(void *arg)
{
	struct nic *n = arg;

	for (unsigned i = 0; i < n->n_card->c_nqueues; i++)
		n->n_card->c_queues[i].q_hung = false;
	nic_card_kick(n->n_card);
}

static void
order_stall(struct nic *n, simtime_t time)
{
	struct nic_driver *d = n->n_drv;

	for (unsigned i = 0; i < n->n_card->c_nqueues; i++)
		n->n_card->c_queues[i].q_hung = true;
	nic_card_kick(n->n_card);
	timebase_cancel(n->n_vnet->v_tb, &d->d_stall_ev);
	sim_event_init(&d->d_stall_ev, EV_NIC, "nic stall", stall_over, n);
	timebase_post_in(n->n_vnet->v_tb, &d->d_stall_ev, time);
}

/*
 * The driver's reset: nothing that was posted will be completed. The packets
 * are lost as on a wire; TCP sends them again.
 */
static void
order_reset(struct nic *n)
{
	n->n_stats.resets++;
	nic_drv_drop_all(n);
	nic_cmd_flush(n, ECANCELED);
	nic_card_reset(n->n_card);
	if (n->n_model->nm_reset != NULL)
		n->n_model->nm_reset(n);
}

static void
order_cmd(struct nic *n, enum nic_order order, uint64_t value)
{
	struct nic_driver *d = n->n_drv;

	if (order == NIC_ORDER_CMD_FAIL) {
		d->d_cmd_fail = value;
		return;
	}
	if (!d->d_cmd_ordered)
		d->d_cmd_usual = d->d_cmd_time;
	d->d_cmd_ordered = true;
	d->d_cmd_time = (simtime_t)value;
}

/* Tables that an order made small stay small: that is no fault. */
void
nic_faults_off(struct nic *n)
{
	struct nic_driver *d = n->n_drv;

	d->d_dma_fail = d->d_cmd_fail = 0;
	n->n_card->c_corrupt = 0;
	if (sim_event_pending(&d->d_stall_ev)) {
		timebase_cancel(n->n_vnet->v_tb, &d->d_stall_ev);
		stall_over(n);
	}
	if (!d->d_cmd_ordered)
		return;
	d->d_cmd_ordered = false;
	d->d_cmd_time = d->d_cmd_usual;
	if (sim_event_pending(&d->d_cmd_ev))
		timebase_post_in(n->n_vnet->v_tb, &d->d_cmd_ev, d->d_cmd_time);
}

bool
nic_order_fits(const struct nic_model *model, enum nic_order order)
{
	switch (order) {
	case NIC_ORDER_RESET:
	case NIC_ORDER_STALL:
	case NIC_ORDER_DMA_FAIL:
		return (true);
	case NIC_ORDER_CORRUPT:
		return (model->nm_snd_tag_alloc != NULL);
	case NIC_ORDER_CMD_FAIL:
	case NIC_ORDER_CMD_TIME:
		return (model->nm_hw_cmd != NULL);
	default:
		return (model->nm_hw_order != NULL);
	}
}

int
nic_order(struct nic *n, enum nic_order order, uint64_t value)
{
	const struct nic_model *model = n->n_model;

	if (!nic_order_fits(model, order))
		return (EOPNOTSUPP);
	TRACE(&n->n_vnet->v_tracer, nic_order, TS(n->n_if.if_xname),
	    TS(nic_orders[order].o_name), TU(value));
	switch (order) {
	case NIC_ORDER_RESET:
		order_reset(n);
		return (0);
	case NIC_ORDER_STALL:
		order_stall(n, (simtime_t)value);
		return (0);
	case NIC_ORDER_DMA_FAIL:
		n->n_drv->d_dma_fail = value;
		return (0);
	case NIC_ORDER_CORRUPT:
		n->n_card->c_corrupt = value;
		return (0);
	case NIC_ORDER_CMD_FAIL:
	case NIC_ORDER_CMD_TIME:
		order_cmd(n, order, value);
		return (0);
	default:
		return (model->nm_hw_order(n->n_card, order, value));
	}
}
