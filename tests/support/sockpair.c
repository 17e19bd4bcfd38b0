#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/in_pcb.h>

#include "sockpair.h"

struct fakepcb {
	struct inpcb inp; /* first */
	struct sockpair *sp;
	int index;
};

static struct sockpair *sp_attaching;

static struct fakepcb *
pcb(struct socket *so)
{
	return (so->so_pcb);
}

/* Move what may be sent and has room. */
static void
pump(struct socket *so)
{
	struct fakepcb *fp = pcb(so);
	struct sockpair *sp = fp->sp;
	struct socket *to = sp->sp_so[!fp->index];
	struct mbuf *m;
	long n;

	if (to == NULL)
		return;
	while (
	    (n = MIN((long)sbavail(&so->so_snd), sbspace(&to->so_rcv))) > 0) {
		n = MIN(n, MCLBYTES);
		m = m_getjcl(so->so_vnet->v_mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
		m_copydata(so->so_snd.sb_mb, 0, (int)n, m->m_data);
		m->m_len = (int)n;
		if (sp->sp_tap != NULL)
			sp->sp_tap(sp->sp_tap_arg, fp->index, m->m_data,
			    (size_t)n);
		sbdrop(&so->so_snd, (uint32_t)n);
		sbappendstream(&to->so_rcv, m, 0);
		sorwakeup(to);
		sowwakeup(so);
	}
	if (sp->sp_shut[fp->index] && sbused(&so->so_snd) == 0)
		socantrcvmore(to);
}

static int
fp_attach(struct socket *so)
{
	struct fakepcb *fp = calloc(1, sizeof(*fp));
	int error;

	fp->sp = sp_attaching;
	fp->index = fp->sp->sp_so[0] != NULL;
	fp->inp.inp_numa_domain = M_NODOM;
	fp->inp.inp_refcount = 1;
	fp->inp.inp_socket = so;
	so->so_pcb = fp;
	error = soreserve_sb(&so->so_snd, 65536);
	return (error != 0 ? error : soreserve_sb(&so->so_rcv, 65536));
}

static void
fp_detach(struct socket *so)
{
	struct fakepcb *fp = pcb(so);

	fp->inp.inp_socket = NULL;
	so->so_pcb = NULL;
	(void)in_pcbrele(&fp->inp);
}

static int
fp_send(struct socket *so, int flags, struct mbuf *m,
    const struct ksockaddr *nam, struct mbuf *control)
{
	if (control != NULL) {
		m_freem(control);
		if ((flags & PRUS_NOTREADY) == 0)
			m_freem(m);
		return (EINVAL);
	}
	sbappendstream(&so->so_snd, m, flags);
	if ((flags & PRUS_NOTREADY) == 0)
		pump(so);
	return (0);
}

static int
fp_ready(struct socket *so, struct mbuf *m, int count)
{
	int error;

	if (so->so_state & SS_ISDISCONNECTED) { /* as tcp_usr_ready */
		(void)mb_free_notready(m, count);
		return (ECONNRESET);
	}
	error = sbready(&so->so_snd, m, count);
	if (error == 0)
		pump(so);
	return (error);
}

static void
fp_rcvd(struct socket *so, int flags)
{
	struct fakepcb *fp = pcb(so);
	struct socket *from = fp->sp->sp_so[!fp->index];

	if (from != NULL && from->so_pcb != NULL)
		pump(from);
}

static int
fp_shutdown(struct socket *so)
{
	struct fakepcb *fp = pcb(so);

	socantsendmore(so);
	fp->sp->sp_shut[fp->index] = true;
	pump(so);
	return (0);
}

static int
fp_nothing(struct socket *so)
{
	return (0);
}

static void
fp_close(struct socket *so)
{
	struct fakepcb *fp = pcb(so);

	fp->sp->sp_so[fp->index] = NULL;
}

/* As TCP's: what is not ready stays with whoever completes it. */
static void
fp_abort(struct socket *so)
{
	sbflush(&so->so_snd);
	soisdisconnected(so);
}

static int
fp_ctloutput(struct socket *so, struct sockopt *sopt)
{
	if (!sopt->sopt_set || sopt->sopt_level != KIPPROTO_TCP)
		return (ENOPROTOOPT);
	if (sopt->sopt_name == TCP_TXTLS_ENABLE)
		return (ktls_enable_tx(so, sopt->sopt_val));
	if (sopt->sopt_name == TCP_RXTLS_ENABLE)
		return (ktls_enable_rx(so, sopt->sopt_val));
	return (ENOPROTOOPT);
}

static const struct protosw fake_proto = {
	.pr_protocol = KIPPROTO_TCP,
	.pr_attach = fp_attach,
	.pr_detach = fp_detach,
	.pr_send = fp_send,
	.pr_ready = fp_ready,
	.pr_rcvd = fp_rcvd,
	.pr_shutdown = fp_shutdown,
	.pr_disconnect = fp_nothing,
	.pr_close = fp_close,
	.pr_abort = fp_abort,
	.pr_ctloutput = fp_ctloutput,
};

void
sockpair_init(struct sockpair *sp, sockpair_tap_fn *tap, void *arg)
{
	struct vnet_params vp = { .vp_name = "host",
		.vp_ncpus = 2,
		.vp_seed = 1 };
	struct socket *so;

	memset(sp, 0, sizeof(*sp));
	sp->sp_tap = tap;
	sp->sp_tap_arg = arg;
	sp->sp_engine = engine_create();
	sp->sp_jobs = hostpool_create(0);
	vp.vp_tb = engine_timebase(sp->sp_engine);
	vp.vp_jobs = sp->sp_jobs;
	sp->sp_vnet = vnet_create(&vp);
	(void)sysctl_write(sp->sp_vnet, "kern.ipc.tls.enable", 1);
	for (int i = 0; i < 2; i++) {
		sp_attaching = sp;
		if (socreate(sp->sp_vnet, &fake_proto, KAF_INET, &so) != 0)
			abort();
		sp->sp_so[i] = so;
	}
	soisconnected(sp->sp_so[0]);
	soisconnected(sp->sp_so[1]);
}

void
sockpair_run(struct sockpair *sp)
{
	(void)engine_run(sp->sp_engine, SIM_NEVER - 1);
}

int
sockpair_fini(struct sockpair *sp)
{
	struct socket *so[2] = { sp->sp_so[0], sp->sp_so[1] };
	struct strbuf sb = { NULL };
	int n;

	soclose(so[0]);
	soclose(so[1]);
	sockpair_run(sp);
	n = vnet_leaks(sp->sp_vnet, &sb);
	strbuf_fini(&sb);
	vnet_destroy(sp->sp_vnet);
	hostpool_destroy(sp->sp_jobs);
	engine_destroy(sp->sp_engine);
	return (n);
}

/* --- what kernel TLS asks of the layers that are not here --- */

void
in_pcbref(struct inpcb *inp)
{
	inp->inp_refcount++;
}

bool
in_pcbrele(struct inpcb *inp)
{
	if (--inp->inp_refcount > 0)
		return (false);
	free(inp);
	return (true);
}

int
in_pcbroute(struct inpcb *inp, struct nhop **nh)
{
	return (EHOSTUNREACH);
}

void
inp_ktls_xmit_set(struct inpcb *inp, bool on)
{
}

bool
inp_ktls_xmit_disable(struct inpcb *inp)
{
	return (false);
}

uint64_t
inp_tls_rate(struct inpcb *inp, struct ifnet *ifp)
{
	return (0);
}

bool
inp_ktls_xmit_disabled(const struct inpcb *inp)
{
	return (false);
}

bool
inp_ktls_xmit(const struct inpcb *inp)
{
	return (false);
}

uint32_t
inp_conn(const struct inpcb *inp)
{
	return (1);
}

void
inp_snapshot(const struct inpcb *inp, struct if_snd_tag_conn *conn)
{
	const struct fakepcb *fp = (const struct fakepcb *)inp;

	memset(conn, 0, sizeof(*conn));
	conn->rcv_nxt = fp->sp->sp_rcv_nxt;
}

void
inp_drop(struct inpcb *inp, int error, const char *why)
{
	if (inp->inp_socket != NULL) {
		inp->inp_socket->so_error = error;
		soisdisconnected(inp->inp_socket);
	}
}

struct inpcb *
inp_of_socket(struct socket *so)
{
	return (&pcb(so)->inp);
}

bool
inp_dropped(const struct inpcb *inp)
{
	return (((const struct fakepcb *)inp)->sp->sp_dropped);
}

bool
inp_toe(const struct inpcb *inp)
{
	return (((const struct fakepcb *)inp)->sp->sp_toe);
}

int
inp_toe_alloc_tls(struct inpcb *inp, struct ktls_session *tls)
{
	return (((const struct fakepcb *)inp)->sp->sp_toe_error);
}

int
m_snd_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *p,
    struct m_snd_tag **out)
{
	return (EOPNOTSUPP);
}

void
m_snd_tag_destroy(struct m_snd_tag *mst)
{
}
