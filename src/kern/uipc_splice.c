/*
 * SO_SPLICE: what arrives at one socket goes to another's send buffer without
 * its user. One direction per splice; a pair of sockets takes two.
 *
 * FreeBSD has worker threads for it; here a task does the same work when the
 * source has bytes or the sink has room. A splice ends by itself when it has
 * moved what it may, when it was idle for too long, at the source's end of
 * file and at any error: then the users see their sockets as they stand.
 *
 * Buffers with a TLS session cannot be spliced, in either direction.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/protosw.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>

struct so_splice {
	struct vnet *sp_vnet;
	struct socket *sp_src, *sp_dst; /* a reference each */
	uint64_t sp_max;		/* bytes; 0: no limit */
	simtime_t sp_idle;		/* 0: no limit */
	struct task sp_task;
	struct sim_event sp_timeout;
	bool sp_closed; /* undone; the queued task frees it */
};

static void
so_splice_free(struct so_splice *sp)
{
	kzone_free(&sp->sp_vnet->v_splice_zone, sp);
}

/* The task may be queued: it finds sp_closed, and frees. */
void
so_splice_undo(struct so_splice *sp)
{
	struct socket *src = sp->sp_src, *dst = sp->sp_dst;

	timebase_cancel(sp->sp_vnet->v_tb, &sp->sp_timeout);
	src->so_splice = NULL;
	dst->so_splice_back = NULL;
	src->so_rcv.sb_flags &= (uint16_t)~SB_SPLICED;
	dst->so_snd.sb_flags &= (uint16_t)~SB_SPLICED;
	sorwakeup(src);
	sowwakeup(dst);
	sp->sp_closed = true;
	if (sp->sp_task.ta_pending == 0)
		so_splice_free(sp);
	sorele(dst);
	sorele(src);
}

static void
so_splice_idle(void *arg)
{
	so_splice_undo(arg);
}

static void
so_splice_alarm(struct so_splice *sp)
{
	struct timebase *tb = sp->sp_vnet->v_tb;

	if (sp->sp_idle == 0)
		return;
	timebase_cancel(tb, &sp->sp_timeout);
	timebase_post_in(tb, &sp->sp_timeout, sp->sp_idle);
}

/* Bytes that may go now; a sink that is still connecting takes none. */
static uint32_t
so_splice_room(const struct so_splice *sp)
{
	uint64_t n = sbavail(&sp->sp_src->so_rcv);

	if ((sp->sp_dst->so_state & SS_ISCONNECTED) == 0)
		return (0);
	n = MIN(n, (uint64_t)MAX(sbspace(&sp->sp_dst->so_snd), 0));
	if (sp->sp_max != 0)
		n = MIN(n, sp->sp_max - sp->sp_src->so_splice_sent);
	return ((uint32_t)n);
}

/* The first n bytes, by reference: received bytes are read-only. */
static struct mbuf *
so_splice_take(struct sockbuf *sb, uint32_t n)
{
	struct mbuf *top = NULL, **mp = &top, *m;
	uint32_t left = n, take;

	for (const struct mbuf *s = sb->sb_mb; left > 0; s = s->m_next) {
		take = MIN((uint32_t)s->m_len, left);
		m = m_get(s->m_mb, M_WAITOK, MT_DATA);
		if (s->m_flags & M_EXT)
			mb_dupcl(m, (struct mbuf *)(uintptr_t)s);
		else
			m_copydata(s, 0, (int)take, m->m_data);
		m->m_len = (int32_t)take;
		left -= take;
		*mp = m;
		mp = &m->m_next;
	}
	sbdrop(sb, n);
	return (top);
}

static int
so_splice_move(struct so_splice *sp, uint32_t n)
{
	struct socket *src = sp->sp_src;
	int error;

	error =
	    sosend_chain(sp->sp_dst, so_splice_take(&src->so_rcv, n), NULL, 0);
	if (error != 0)
		return (error);
	src->so_splice_sent += n;
	src->so_proto->pr_rcvd(src, 0);
	so_splice_alarm(sp);
	return (0);
}

/* Nothing more will come through. */
static bool
so_splice_over(const struct so_splice *sp)
{
	const struct socket *src = sp->sp_src, *dst = sp->sp_dst;

	if (sp->sp_max != 0 && src->so_splice_sent == sp->sp_max)
		return (true);
	if (src->so_error != 0 || dst->so_error != 0 ||
	    (dst->so_snd.sb_state & SBS_CANTSENDMORE) != 0)
		return (true);
	return ((src->so_rcv.sb_state & SBS_CANTRCVMORE) != 0 &&
	    sbavail(&src->so_rcv) == 0);
}

static void
so_splice_work(void *arg, int pending)
{
	struct so_splice *sp = arg;
	uint32_t n;

	if (sp->sp_closed) {
		so_splice_free(sp);
		return;
	}
	if (!so_splice_over(sp) && (n = so_splice_room(sp)) > 0 &&
	    so_splice_move(sp, n) != 0) {
		so_splice_undo(sp);
		return;
	}
	if (so_splice_over(sp))
		so_splice_undo(sp);
	else if (so_splice_room(sp) > 0)
		so_splice_dispatch(sp);
}

void
so_splice_dispatch(struct so_splice *sp)
{
	taskqueue_enqueue(&sp->sp_vnet->v_taskq, &sp->sp_task);
}

static int
so_splice_check(const struct socket *so, const struct sockbuf *sb)
{
	if (so->so_listening)
		return (EINVAL);
	if ((so->so_state & (SS_ISCONNECTED | SS_ISCONNECTING)) == 0)
		return (ENOTCONN);
	if (sb->sb_flags & SB_SPLICED)
		return (EBUSY);
	return (sb->sb_tls_info != NULL ? EINVAL : 0);
}

int
so_splice(struct socket *so, struct socket *so2, int64_t max, simtime_t idle)
{
	struct vnet *vnet = so->so_vnet;
	struct so_splice *sp;
	int error;

	if (max < 0 || so2->so_vnet != vnet)
		return (EINVAL);
	if (so->so_proto->pr_protocol != KIPPROTO_TCP ||
	    so2->so_proto->pr_protocol != KIPPROTO_TCP)
		return (EPROTONOSUPPORT);
	if ((error = so_splice_check(so, &so->so_rcv)) != 0 ||
	    (error = so_splice_check(so2, &so2->so_snd)) != 0)
		return (error);
	sp = kzone_alloc(&vnet->v_splice_zone, M_WAITOK | M_ZERO);
	*sp = (struct so_splice) { .sp_vnet = vnet,
		.sp_src = so,
		.sp_dst = so2,
		.sp_max = (uint64_t)max,
		.sp_idle = idle };
	task_init(&sp->sp_task, so_splice_work, sp);
	sim_event_init(&sp->sp_timeout, EV_CALLOUT, "splice idle",
	    so_splice_idle, sp);
	soref(so);
	soref(so2);
	so->so_splice = so2->so_splice_back = sp;
	so->so_splice_sent = 0;
	so->so_rcv.sb_flags |= SB_SPLICED;
	so2->so_snd.sb_flags |= SB_SPLICED;
	so_splice_alarm(sp);
	so_splice_dispatch(sp);
	return (0);
}

int
so_unsplice(struct socket *so)
{
	if (so->so_listening)
		return (EINVAL);
	if (so->so_splice == NULL)
		return (ENOTCONN);
	so_splice_undo(so->so_splice);
	return (0);
}

void
so_splice_attach(struct vnet *vnet)
{
	kzone_init(&vnet->v_splice_zone, &vnet->v_kmem, "so_splice",
	    sizeof(struct so_splice));
}
