/*
 * The mailbox: commands are carried out one after the other, each takes its
 * time, and its answer comes by an event.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>

#include "nic_drv.h"

static void
cmd_next(struct nic *n)
{
	struct nic_driver *d = n->n_drv;

	if (!STAILQ_EMPTY(&d->d_cmds) && !sim_event_pending(&d->d_cmd_ev))
		timebase_post_in(n->n_vnet->v_tb, &d->d_cmd_ev, d->d_cmd_time);
}

static void
cmd_run(struct nic *n, struct nic_cmd *cmd)
{
	struct nic_driver *d = n->n_drv;

	d->d_cmds_done++;
	if (d->d_cmd_fail > 0) {
		d->d_cmd_fail--;
		cmd->c_status = EIO;
	} else {
		cmd->c_status = 0;
		n->n_model->nm_hw_cmd(n->n_card, cmd);
	}
	if (cmd->c_status != 0)
		d->d_cmds_failed++;
}

static void
cmd_event(void *arg)
{
	struct nic *n = arg;
	struct nic_cmd *cmd = STAILQ_FIRST(&n->n_drv->d_cmds);

	STAILQ_REMOVE_HEAD(&n->n_drv->d_cmds, c_link);
	cmd_run(n, cmd);
	cmd->c_done(n, cmd);
	cmd_next(n);
}

void
nic_cmd_submit(struct nic *n, struct nic_cmd *cmd)
{
	STAILQ_INSERT_TAIL(&n->n_drv->d_cmds, cmd, c_link);
	cmd_next(n);
}

int
nic_cmd_now(struct nic *n, struct nic_cmd *cmd)
{
	cmd_run(n, cmd);
	return (cmd->c_status);
}

void
nic_cmd_init(struct nic *n)
{
	STAILQ_INIT(&n->n_drv->d_cmds);
	sim_event_init(&n->n_drv->d_cmd_ev, EV_NIC, "nic command", cmd_event,
	    n);
}

void
nic_cmd_flush(struct nic *n, int status)
{
	struct nic_cmds lost = STAILQ_HEAD_INITIALIZER(lost);
	struct nic_cmd *cmd;

	timebase_cancel(n->n_vnet->v_tb, &n->n_drv->d_cmd_ev);
	STAILQ_CONCAT(&lost, &n->n_drv->d_cmds);
	while ((cmd = STAILQ_FIRST(&lost)) != NULL) {
		STAILQ_REMOVE_HEAD(&lost, c_link);
		cmd->c_status = status;
		cmd->c_done(n, cmd);
	}
}

void
nic_cmd_fini(struct nic *n)
{
	/* What an answer leads to may be another command. */
	while (!STAILQ_EMPTY(&n->n_drv->d_cmds))
		nic_cmd_flush(n, ENXIO);
}
