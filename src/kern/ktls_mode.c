/*
 * Enabling TLS on a socket, in which mode, and changing it later. The checks
 * stand in FreeBSD's order: the first that fails decides the errno. Every
 * decision is told by a trace point of the branch that took it.
 */
#include <errno.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "ktls_priv.h"
#include "ktls_session.h"

/* --- enabling --- */

static const char *
dir_name(const struct ktls_session *tls)
{
	return (tls->tx ? "tx" : "rx");
}

static void
ktls_trace_enable(struct socket *so, const char *dir, const char *suite,
    int error, const char *why)
{
	TRACE(&so->so_vnet->v_tracer, tls_enable, TU(ktls_inp_conn(so)),
	    TS(dir), TS(suite), TI(error), TS(error != 0 ? why : ""));
}

/* Checks 1 to 6 of table 1.3. */
static int
ktls_enable_checks(struct socket *so, const struct tls_enable *en,
    const struct ktls_session *have, bool tx, const char **why)
{
	struct ktls_state *ks = so->so_vnet->v_ktls;

	if (ks->ks_enable == 0) {
		*why = "kern.ipc.tls.enable is 0";
		return (ENOTSUP);
	}
	if (!tx && ks->ks_rx_enable == 0) {
		*why = "kern.ipc.tls.rx_enable is 0";
		return (ENOTSUP);
	}
	ks->ks_stats.enable_calls++;
	if (have != NULL) {
		*why = "this direction has a session already";
		return (EALREADY);
	}
	if (en->cipher_algorithm == CRYPTO_AES_CBC && ks->ks_cbc_enable == 0) {
		*why = "kern.ipc.tls.cbc_enable is 0";
		return (ENOTSUP);
	}
	if (tx && ks->ks_ext_pgs == 0) {
		*why = so->so_vnet->v_direct_map
		    ? "kern.ipc.mb_use_ext_pgs is 0"
		    : "no direct map: kern.ipc.mb_use_ext_pgs is 0 for good";
		return (ENXIO);
	}
	return (0);
}

/* What software TLS refused with. */
static const char *
ktls_sw_reason(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return ("no crypto backend is loaded");
	case EPROTONOSUPPORT:
		return ("TLS 1.0 is not received in the kernel");
	default:
		return ("software crypto refused");
	}
}

static void
ktls_mode_told(const struct ktls_session *tls, int error, const char *why)
{
	TRACE(&tls->vnet->v_tracer, tls_mode, TU(tls->conn), TS("tx"),
	    TS(ktls_mode_name(tls->mode)), TI(error), TS(why));
}

/* The card took the session (error 0), or software does. */
static int
ktls_settle_mode(struct socket *so, struct ktls_session *tls, int error)
{
	int sw;

	if (error == 0) {
		tls->mode = TCP_TLS_MODE_IFNET;
		ktls_count(tls, 1);
		ktls_mode_told(tls, 0, "the card took the session");
		return (0);
	}
	if ((sw = ktls_sw_try(tls)) != 0)
		return (sw);
	tls->mode = TCP_TLS_MODE_SW;
	ktls_count(tls, 1);
	ktls_mode_told(tls, error, ktls_tag_reason(so, error));
	return (0);
}

/* What the card answered at last: who writes may go on. */
static void
ktls_enable_decided(struct ktls_session *tls, int error)
{
	struct socket *so = ktls_session_socket(tls);

	if (so == NULL || so->so_snd.sb_tls_info != tls) {
		ktls_tag_release(tls);
		return;
	}
	so->so_snd.sb_flags &= ~(uint32_t)SB_TLS_WAIT;
	if ((error = ktls_settle_mode(so, tls, error)) != 0) {
		tls->switch_result = error;
		ktls_drop(so, error, ktls_sw_reason(error));
	} else {
		if (tls->mode != TCP_TLS_MODE_SW)
			ktls_inp_xmit(tls, true);
		sowwakeup(so);
	}
}

/* The card that has the connection's TCP, then the NIC, then software.
 * EINPROGRESS: the mode is none until the card has answered. */
static int
ktls_choose_mode(struct socket *so, struct ktls_session *tls)
{
	int error;

	if (ktls_try_toe(so, tls) == 0)
		return (0);
	error = ktls_try_ifnet(so, tls, false, ktls_enable_decided);
	if (error == EINPROGRESS)
		return (0);
	return (ktls_settle_mode(so, tls, error));
}

/* What is seen only when the buffer is taken. */
static int
ktls_enable_late(const struct socket *so, const struct sockbuf *sb,
    const char **why)
{
	if (so->so_listening) {
		*why = "listening socket";
		return (ENOTCONN);
	}
	if (sb->sb_flags & SB_SPLICED) {
		*why = "the socket is spliced (SO_SPLICE)";
		return (EINVAL);
	}
	return (0);
}

static int
ktls_enable_tx_session(struct socket *so, const struct tls_enable *en,
    struct ktls_session **tlsp, const char **why)
{
	struct ktls_session *tls;
	int error;

	error = ktls_enable_checks(so, en, so->so_snd.sb_tls_info, true, why);
	if (error != 0)
		return (error);
	error = ktls_session_create(so, en, KTLS_TX, &tls, why);
	if (error != 0)
		return (error);
	ktls_inp_attach(tls, so);
	if ((error = ktls_choose_mode(so, tls)) != 0)
		*why = ktls_sw_reason(error);
	else
		error = ktls_enable_late(so, &so->so_snd, why);
	if (error != 0) {
		ktls_free(tls);
		return (error);
	}
	*tlsp = tls;
	return (0);
}

int
ktls_enable_tx(struct socket *so, const struct tls_enable *en)
{
	struct sockbuf *sb = &so->so_snd;
	struct ktls_session *tls = NULL;
	const char *why = "enabled";
	int error;

	error = ktls_enable_tx_session(so, en, &tls, &why);
	ktls_trace_enable(so, "tx", error == 0 ? tls->params.suite->name : "",
	    error, why);
	if (error != 0)
		return (error);
	sb->sb_tls_seqno = be64dec(en->rec_seq);
	sb->sb_tls_info = tls;
	if (tls->mode == TCP_TLS_MODE_NONE)
		sb->sb_flags |= SB_TLS_WAIT;
	else if (tls->mode != TCP_TLS_MODE_SW)
		ktls_inp_xmit(tls, true);
	so->so_vnet->v_ktls->ks_stats.offload_total++;
	return (0);
}

/*
 * A record is decrypted when it is there as a whole: a buffer that cannot
 * hold one would close its window for ever. TCP closes it where less than a
 * segment fits, and tells that it is open again when two do: those of jumbo
 * frames come on top.
 */
#define KTLS_RX_ROOM (9 * PAGE_SIZE)

static void
ktls_rx_reserve(struct sockbuf *sb)
{
	if (sb->sb_hiwat < KTLS_RX_ROOM)
		(void)soreserve_sb(sb, KTLS_RX_ROOM);
}

/* What is in the receive buffer is ciphertext from here on. */
static void
sb_mark_notready(struct sockbuf *sb)
{
	struct mbuf *m;

	sb->sb_mtls = sb->sb_mb;
	sb->sb_mtlstail = sb->sb_mbtail;
	for (m = sb->sb_mtls; m != NULL; m = m->m_next) {
		KASSERT(m->m_nextpkt == NULL, ("records before TLS"));
		m->m_flags |= M_NOTREADY;
		sb->sb_tlscc += (uint32_t)m->m_len;
	}
	sb->sb_acc -= sb->sb_tlscc;
	sb->sb_mb = sb->sb_mbtail = sb->sb_lastrecord = NULL;
	sb->sb_sndptr = NULL;
	sb->sb_sndptroff = 0;
}

static int
ktls_enable_rx_session(struct socket *so, const struct tls_enable *en,
    struct ktls_session **tlsp, const char **why)
{
	struct ktls_session *tls;
	int error;

	error = ktls_enable_checks(so, en, so->so_rcv.sb_tls_info, false, why);
	if (error != 0)
		return (error);
	error = ktls_session_create(so, en, KTLS_RX, &tls, why);
	if (error != 0)
		return (error);
	/* Software must be able to, even if a card will decrypt. */
	if ((error = ktls_sw_try(tls)) != 0)
		*why = ktls_sw_reason(error);
	else
		error = ktls_enable_late(so, &so->so_rcv, why);
	if (error != 0) {
		ktls_free(tls);
		return (error);
	}
	tls->mode = TCP_TLS_MODE_SW;
	ktls_count(tls, 1);
	*tlsp = tls;
	return (0);
}

static const char *
ktls_rx_reason(const struct ktls_session *tls, int error)
{
	if (error == ENXIO && tls->params.suite->cipher != TLS_CIPHER_GCM)
		return ("no card decrypts this cipher");
	if (error == EOPNOTSUPP)
		return ("the interface does not offer receive TLS");
	return (ktls_tag_reason(ktls_session_socket(tls), error));
}

/* The card has answered: until now software decrypted, and goes on so if it
 * refused. */
static void
ktls_rx_decided(struct ktls_session *tls, int error)
{
	const char *why = "the card took the session";

	if (error == 0) {
		ktls_count(tls, -1);
		tls->mode = TCP_TLS_MODE_IFNET;
		ktls_count(tls, 1);
	} else
		why = ktls_rx_reason(tls, error);
	TRACE(&tls->vnet->v_tracer, tls_mode, TU(tls->conn), TS(dir_name(tls)),
	    TS(ktls_mode_name(tls->mode)), TI(error), TS(why));
}

static void
ktls_rx_choose_mode(struct socket *so, struct ktls_session *tls)
{
	int error;

	ktls_inp_attach_rx(tls, so);
	if (ktls_try_toe(so, tls) == 0)
		return;
	error = ktls_try_ifnet_rx(so, tls, ktls_rx_decided);
	if (error != EINPROGRESS)
		ktls_rx_decided(tls, error);
}

int
ktls_enable_rx(struct socket *so, const struct tls_enable *en)
{
	struct sockbuf *sb = &so->so_rcv;
	struct ktls_session *tls = NULL;
	const char *why = "enabled";
	int error;

	error = ktls_enable_rx_session(so, en, &tls, &why);
	ktls_trace_enable(so, "rx", error == 0 ? tls->params.suite->name : "",
	    error, why);
	if (error != 0)
		return (error);
	sb->sb_tls_seqno = be64dec(en->rec_seq);
	sb->sb_tls_info = tls;
	sb->sb_flags |= SB_TLS_RX;
	ktls_rx_reserve(sb);
	sb_mark_notready(sb);
	so->so_vnet->v_ktls->ks_stats.offload_total++;
	ktls_rx_choose_mode(so, tls);
	ktls_check_rx(sb);
	return (0);
}

/* --- asking and changing --- */

static int
ktls_get_mode(struct socket *so, const struct ktls_session *tls, int *modep)
{
	if (so->so_listening)
		return (EINVAL);
	*modep = tls != NULL ? tls->mode : TCP_TLS_MODE_NONE;
	return (0);
}

int
ktls_get_tx_mode(struct socket *so, int *modep)
{
	return (ktls_get_mode(so, so->so_snd.sb_tls_info, modep));
}

int
ktls_get_rx_mode(struct socket *so, int *modep)
{
	return (ktls_get_mode(so, so->so_rcv.sb_tls_info, modep));
}

bool
ktls_tx_pending(const struct socket *so, int *result)
{
	const struct ktls_session *tls = so->so_snd.sb_tls_info;

	*result = tls != NULL ? tls->switch_result : 0;
	return ((so->so_snd.sb_flags & SB_TLS_WAIT) != 0 ||
	    (tls != NULL && tls->switching));
}

/* May the mode change now? *done: there is nothing to do. */
static int
ktls_change_checks(struct socket *so, int mode, bool *done)
{
	const struct ktls_session *old = so->so_snd.sb_tls_info;

	*done = false;
	if (so->so_listening ||
	    (mode != TCP_TLS_MODE_SW && mode != TCP_TLS_MODE_IFNET))
		return (EINVAL);
	if (mode == TCP_TLS_MODE_IFNET && ktls_inp_xmit_on(so))
		return (EALREADY);
	if (mode == TCP_TLS_MODE_IFNET && ktls_inp_xmit_disabled(so))
		return (ENXIO);
	if (old == NULL || old->mode == mode) {
		*done = true;
		return (0);
	}
	if (old->switching || (so->so_snd.sb_flags & SB_TLS_WAIT) != 0)
		return (EALREADY);
	/* TLS 1.0: the next IV is not known before all is encrypted. */
	if (old->sequential_records &&
	    !V_DEFECT(so->so_vnet, KTLS_SWITCH_TLS10)) {
		ktls_stats(so->so_vnet)->switch_failed++;
		return (EPROTONOSUPPORT);
	}
	return (0);
}

/*
 * The new session takes the old one's place. While the card made up its mind,
 * records were framed with the old one: the explicit nonce goes on where it
 * stands now.
 */
static void
ktls_install(struct socket *so, struct ktls_session *old,
    struct ktls_session *tls, int mode, const char *why)
{
	struct ktls_stats *st = ktls_stats(so->so_vnet);

	if (tls->switch_from != NULL)
		ktls_session_catch_up(tls, old);
	tls->mode = mode;
	ktls_count(tls, 1);
	so->so_snd.sb_tls_info = tls;
	if (mode == TCP_TLS_MODE_IFNET) {
		ktls_inp_xmit(tls, true);
		st->switch_to_ifnet++;
	} else
		st->switch_to_sw++;
	ktls_mode_told(tls, 0, why);
	ktls_free(old);
}

/* The card has answered. The clone's own reference becomes the socket's, or
 * goes. */
static void
ktls_switch_decided(struct ktls_session *tls, int error)
{
	struct ktls_session *old = tls->switch_from;
	struct socket *so = ktls_session_socket(tls);

	old->switching = false;
	if (error == 0 && (so == NULL || so->so_snd.sb_tls_info != old))
		error = EBUSY;
	old->switch_result = error;
	if (error == 0)
		ktls_install(so, old, tls, TCP_TLS_MODE_IFNET, "asked for");
	else {
		ktls_stats(tls->vnet)->switch_failed++;
		ktls_tag_release(tls);
		ktls_free(tls);
	}
	tls->switch_from = NULL;
	ktls_free(old);
	if (so != NULL)
		sowwakeup(so);
}

/*
 * A new session object for new records; what is queued keeps the old one and
 * its tag until acknowledged. The clone is made where it is installed, so the
 * explicit nonce goes on exactly where the old one stopped.
 */
static int
ktls_change_tx_mode(struct socket *so, int mode, const char *why)
{
	struct ktls_session *old = so->so_snd.sb_tls_info, *tls;
	bool done;
	int error;

	if ((error = ktls_change_checks(so, mode, &done)) != 0 || done)
		return (error);
	if ((tls = ktls_session_clone(so, old)) == NULL)
		return (ENOMEM);
	ktls_inp_attach(tls, so);
	error = mode == TCP_TLS_MODE_SW
	    ? ktls_sw_try(tls)
	    : ktls_try_ifnet(so, tls, true, ktls_switch_decided);
	if (error == EINPROGRESS) {
		old->switching = true;
		tls->switch_from = ktls_hold(old);
		return (error);
	}
	if (error != 0) {
		ktls_stats(so->so_vnet)->switch_failed++;
		ktls_free(tls);
		return (error);
	}
	ktls_install(so, old, tls, mode, why);
	return (0);
}

int
ktls_set_tx_mode(struct socket *so, int mode)
{
	return (ktls_change_tx_mode(so, mode, "asked for"));
}

/* --- the automatic return to software --- */

#define TOO_MUCH "too much was retransmitted"

/* In a task: who found the rate too high stands in the middle of output. */
void
ktls_disable_ifnet_help(void *arg, int pending)
{
	struct ktls_session *tls = arg;
	struct ktls_stats *st = ktls_stats(tls->vnet);
	struct socket *so = tls->disable_so;
	int error;

	tls->disable_so = NULL;
	if (!ktls_inp_gone(so)) {
		error = so->so_snd.sb_tls_info != NULL
		    ? ktls_change_tx_mode(so, TCP_TLS_MODE_SW, TOO_MUCH)
		    : ENXIO;
		if (error == 0)
			st->ifnet_disable_ok++;
		else
			st->ifnet_disable_failed++;
		TRACE(&tls->vnet->v_tracer, tls_disable_ifnet, TU(tls->conn),
		    TI(error), TS(TOO_MUCH));
	}
	sorele(so);
	ktls_free(tls);
}

void
ktls_account_rexmit(struct socket *so, uint64_t first, uint64_t rexmit)
{
	struct ktls_session *tls = so->so_snd.sb_tls_info;

	if (100 * rexmit / (first + rexmit) <=
		so->so_vnet->v_ktls->ks_max_rexmit_pct ||
	    V_DEFECT(so->so_vnet, KTLS_REXMIT_LIMIT))
		return;
	if (tls == NULL || tls->disable_so != NULL)
		return;
	if (!ktls_inp_xmit_disable(so) &&
	    !V_DEFECT(so->so_vnet, KTLS_DISABLE_AGAIN))
		return;
	soref(so);
	tls->disable_so = so;
	ktls_hold(tls);
	taskqueue_enqueue(&tls->vnet->v_taskq, &tls->disable_ifnet_task);
}
