#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/nic/frame.h>

#include "port.h"

/* --- out of the wire, into the device --- */

static void
port_write(struct live_port *p, struct frame *f)
{
	struct iovec iov[2] = { { f->f_hdr, f->f_hdrlen },
		{ (void *)(uintptr_t)f->f_payload, f->f_paylen } };
	int error;

	frame_csum_settle(f);
	error =
	    p->lp_dev->d_ops->do_write(p->lp_dev, iov, f->f_paylen > 0 ? 2 : 1);
	if (error == 0)
		p->lp_stats.ps_out++;
	else {
		p->lp_stats.ps_refused++;
		p->lp_refusal = error;
	}
}

static void
port_out(void *arg)
{
	struct live_port *p = arg;
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	struct frame *f;
	simtime_t next;

	next =
	    wire_pull(p->lp_op.op_wire, timebase_now(p->lp_op.op_tb) + 1, &q);
	while ((f = STAILQ_FIRST(&q)) != NULL) {
		STAILQ_REMOVE_HEAD(&q, f_link);
		port_write(p, f);
		frame_rele(f);
	}
	if (next != SIM_NEVER && !sim_event_pending(&p->lp_out))
		timebase_post(p->lp_op.op_tb, &p->lp_out, next);
}

static void
port_expect(void *arg, simtime_t when)
{
	struct live_port *p = arg;

	if (!p->lp_closed && !sim_event_pending(&p->lp_out))
		timebase_post(p->lp_op.op_tb, &p->lp_out, when);
}

/* The device stays as it is: frames of a link that is down are lost. */
static void
port_link(void *arg, bool up)
{
}

static const struct wire_port_ops port_ops = { .expect = port_expect,
	.link = port_link };

/* --- out of the device, into the wire --- */

static void
port_inspect(struct live_port *p, const struct frame *f)
{
	bool l3ok, l4ok;

	if (frame_len(f) > p->lp_dev->d_mtu + KETHER_HDR_LEN + KETHER_VLAN_LEN)
		p->lp_stats.ps_oversize++;
	if (!p->lp_dev->d_ops->do_offloads || f->f_l4len == 0)
		return;
	frame_csum_check(f, &l3ok, &l4ok);
	if (!l4ok)
		p->lp_stats.ps_bad_sums++;
}

static void
port_take(struct live_port *p, const uint8_t *bytes, uint32_t len)
{
	struct frame *f;

	if (p->lp_buf != NULL && FRAMEBUF_SIZE - p->lp_used < len) {
		framebuf_rele(p->lp_buf);
		p->lp_buf = NULL;
	}
	if (p->lp_buf == NULL) {
		p->lp_buf = framebuf_alloc(p->lp_op.op_pool);
		p->lp_used = 0;
	}
	f = frame_alloc(p->lp_op.op_pool);
	frame_fill(f, p->lp_buf, p->lp_used, bytes, len);
	p->lp_used += f->f_paylen;
	port_inspect(p, f);
	f->f_when = timebase_now(p->lp_op.op_tb);
	wire_send(p->lp_op.op_wire, f);
}

int
live_port_read(struct live_port *p, unsigned frames, size_t bytes)
{
	static _Thread_local uint8_t buf[FRAMEBUF_SIZE];
	size_t done = 0;
	ssize_t n;

	while (frames-- > 0 && done < bytes) {
		n = p->lp_dev->d_ops->do_read(p->lp_dev, buf, sizeof(buf));
		if (n < 0)
			return (errno);
		if (n == 0)
			return (0);
		done += (size_t)n;
		p->lp_stats.ps_in++;
		if ((size_t)n > sizeof(buf) || n < KETHER_HDR_LEN)
			p->lp_stats.ps_cut++;
		else
			port_take(p, buf, (uint32_t)n);
	}
	return (EAGAIN);
}

/* --- life --- */

struct live_port *
live_port_create(struct live_dev *d, const struct outside_params *op,
    struct wire_port *wp)
{
	struct live_port *p = xcalloc(1, sizeof(*p));

	p->lp_dev = d;
	p->lp_op = *op;
	sim_event_init(&p->lp_out, EV_WIRE, "device", port_out, p);
	wp->pt_ops = &port_ops;
	wp->pt_arg = p;
	return (p);
}

void
live_port_detach(struct live_port *p)
{
	p->lp_closed = true;
	timebase_cancel(p->lp_op.op_tb, &p->lp_out);
	if (p->lp_buf != NULL)
		framebuf_rele(p->lp_buf);
	p->lp_buf = NULL;
}

void
live_port_destroy(struct live_port *p)
{
	p->lp_dev->d_ops->do_close(p->lp_dev);
	free(p);
}

bool
live_port_complaint(const struct live_port *p, struct strbuf *sb)
{
	const struct port_stats *ps = &p->lp_stats;

	if (ps->ps_bad_sums > 0)
		strbuf_addf(sb,
		    "%s: %ju frames came with a TCP checksum that was left to "
		    "hardware",
		    p->lp_op.op_end, (uintmax_t)ps->ps_bad_sums);
	else if (ps->ps_oversize > 0)
		strbuf_addf(sb, "%s: %ju frames came longer than the MTU",
		    p->lp_op.op_end, (uintmax_t)ps->ps_oversize);
	else if (ps->ps_refused > 0)
		strbuf_addf(sb, "%s: %ju frames were refused (%s)",
		    p->lp_op.op_end, (uintmax_t)ps->ps_refused,
		    strerror(p->lp_refusal));
	else
		return (false);
	if (ps->ps_bad_sums > 0 || ps->ps_oversize > 0)
		strbuf_adds(sb,
		    ": at the other end, ethtool -K PEER tx off "
		    "tso off gso off gro off");
	else
		strbuf_addf(sb, ": is it up? ip link set dev %s up",
		    p->lp_dev->d_name);
	return (true);
}
