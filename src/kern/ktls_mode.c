/*
 * Enabling TLS on a socket, in which mode, and changing it later. The checks
 * stand in FreeBSD's order: the first that fails decides the errno. Every
 * decision is told by a trace point of the branch that took it.
 */
#include <errno.h>
#include <stdio.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "ktls_priv.h"
#include "ktls_session.h"

/* --- sysctls --- */

static int
ktls_check_maxlen(struct vnet *vnet, uint64_t v)
{
	return (
	    v >= PAGE_SIZE && v <= TLS_MAX_MSG_SIZE_V10_2 && v % PAGE_SIZE == 0
		? 0
		: EINVAL);
}

static void
ktls_ctr(struct vnet *vnet, const char *name, uint64_t *val, const char *descr)
{
	char full[128];

	snprintf(full, sizeof(full), "kern.ipc.tls.%s", name);
	sysctl_add(vnet, full, val, CTL_CTR, NULL, descr);
}

static void
ktls_sysctl_config(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;

	ks->ks_rx_enable = ks->ks_cbc_enable = ks->ks_ext_pgs = 1;
	ks->ks_maxlen = TLS_MAX_MSG_SIZE_V10_2;
	sysctl_add(vnet, "kern.ipc.tls.enable", &ks->ks_enable, CTL_RW, NULL,
	    "allow new kernel TLS sessions");
	sysctl_add(vnet, "kern.ipc.tls.rx_enable", &ks->ks_rx_enable, CTL_RW,
	    NULL, "allow new receive sessions");
	sysctl_add(vnet, "kern.ipc.tls.cbc_enable", &ks->ks_cbc_enable, CTL_RW,
	    NULL, "allow AES-CBC suites");
	sysctl_add(vnet, "kern.ipc.tls.maxlen", &ks->ks_maxlen, CTL_TUN,
	    ktls_check_maxlen, "maximum TLS record payload, page aligned");
	sysctl_add(vnet, "kern.ipc.tls.ifnet.permitted", &ks->ks_permitted,
	    CTL_RW, NULL, "allow the NIC mode without being forced");
	sysctl_add(vnet, "kern.ipc.mb_use_ext_pgs", &ks->ks_ext_pgs, CTL_RW,
	    NULL, "use unmapped mbufs for sendfile and TLS");
}

static void
ktls_sysctl_counters(struct vnet *vnet)
{
	static const char *const modes[] = { NULL, "sw", "ifnet", "toe" };
	static const char *const ciphers[] = { "cbc", "gcm", "chacha20" };
	static const char *const vers[2][3] = { { "tls10", "tls12", "tls12" },
		{ "tls11", "tls13", "tls13" } };
	struct ktls_stats *st = &vnet->v_ktls->ks_stats;
	char name[64];

	for (int m = TCP_TLS_MODE_SW; m <= TCP_TLS_MODE_TOE; m++)
		for (int c = 0; c < 3; c++) {
			snprintf(name, sizeof(name), "%s.%s", modes[m],
			    ciphers[c]);
			ktls_ctr(vnet, name, &st->mode_cipher[m][c],
			    "sessions now");
		}
	for (int v = 0; v < 2; v++)
		for (int c = 0; c < 3; c++) {
			snprintf(name, sizeof(name), "stats.ocf.%s_%s_encrypts",
			    vers[v][c], ciphers[c]);
			ktls_ctr(vnet, name, &st->ocf_enc[v][c],
			    "records encrypted in software");
			if (v == 0 && c == TLS_CIPHER_CBC)
				continue; /* TLS 1.0 is not received */
			snprintf(name, sizeof(name), "stats.ocf.%s_%s_decrypts",
			    vers[v][c], ciphers[c]);
			ktls_ctr(vnet, name, &st->ocf_dec[v][c],
			    "records decrypted in software");
		}
}

void
ktls_sysctl_attach(struct vnet *vnet)
{
	struct ktls_stats *st = &vnet->v_ktls->ks_stats;

	ktls_sysctl_config(vnet);
	ktls_sysctl_counters(vnet);
#define CTR(name, field, descr) ktls_ctr(vnet, name, &st->field, descr)
	CTR("stats.enable_calls", enable_calls, "attempts to enable TLS");
	CTR("stats.offload_total", offload_total, "successes");
	CTR("stats.active", active, "live session objects");
	CTR("stats.threads", threads, "worker threads");
	CTR("stats.sw_tx_pending", sw_tx_pending,
	    "TLS 1.0 batches that wait for earlier records");
	CTR("stats.sw_tx_inqueue", sw_tx_inqueue, "batches waiting");
	CTR("stats.sw_rx_inqueue", sw_rx_inqueue, "sockets waiting");
	CTR("stats.corrupted_records", corrupted_records, "bad record headers");
	CTR("stats.failed_crypto", failed_crypto, "crypto errors");
	CTR("stats.switch_to_ifnet", switch_to_ifnet, "mode changes to NIC");
	CTR("stats.switch_to_sw", switch_to_sw, "mode changes to software");
	CTR("stats.switch_failed", switch_failed, "mode changes refused");
	CTR("stats.ocf.tls12_gcm_recrypts", ocf_recrypts[0],
	    "records that a card had decrypted in part");
	CTR("stats.ocf.tls13_gcm_recrypts", ocf_recrypts[1],
	    "records that a card had decrypted in part");
	CTR("stats.ocf.inplace", ocf_inplace, "records encrypted in place");
	CTR("stats.ocf.separate_output", ocf_separate,
	    "records encrypted into new pages");
	CTR("ifnet.reset", ifnet_reset, "send tags replaced");
	CTR("ifnet.reset_dropped", ifnet_reset_dropped,
	    "connections dropped for want of a send tag");
	CTR("ifnet.reset_failed", ifnet_reset_failed,
	    "send tags that could not be replaced");
#undef CTR
}

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
		*why = "kern.ipc.mb_use_ext_pgs is 0";
		return (ENXIO);
	}
	return (0);
}

/* TOE is no card's yet; then the NIC, then software. */
static int
ktls_choose_mode(struct socket *so, struct ktls_session *tls)
{
	int error, sw;

	error = ktls_try_ifnet(so, tls, false);
	if (error == 0) {
		tls->mode = TCP_TLS_MODE_IFNET;
		ktls_count(tls, 1);
		TRACE(&so->so_vnet->v_tracer, tls_mode, TU(tls->conn), TS("tx"),
		    TS("ifnet"), TI(0), TS("the card took the session"));
		return (0);
	}
	if ((sw = ktls_sw_try(tls)) != 0)
		return (sw);
	tls->mode = TCP_TLS_MODE_SW;
	ktls_count(tls, 1);
	TRACE(&so->so_vnet->v_tracer, tls_mode, TU(tls->conn), TS("tx"),
	    TS("sw"), TI(error), TS(ktls_tag_reason(so, error)));
	return (0);
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
		*why = "no mode took the session";
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
	if (tls->mode != TCP_TLS_MODE_SW)
		ktls_inp_xmit(tls, true);
	so->so_vnet->v_ktls->ks_stats.offload_total++;
	return (0);
}

/*
 * A record is decrypted when it is there as a whole: a buffer that cannot
 * hold one would close its window for ever.
 */
#define KTLS_RX_ROOM (5 * PAGE_SIZE)

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
		*why = error == EPROTONOSUPPORT
		    ? "TLS 1.0 is not received in the kernel"
		    : "software crypto refused";
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
	TRACE(&so->so_vnet->v_tracer, tls_mode, TU(tls->conn),
	    TS(dir_name(tls)), TS("sw"), TI(EOPNOTSUPP),
	    TS("no card here decrypts"));
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

/*
 * A new session object for new records; what is queued keeps the old one and
 * its tag until acknowledged. The clone is made where it is installed, so the
 * explicit nonce goes on exactly where the old one stopped.
 */
int
ktls_set_tx_mode(struct socket *so, int mode)
{
	struct ktls_session *old = so->so_snd.sb_tls_info, *tls;
	struct ktls_stats *st = ktls_stats(so->so_vnet);
	int error;

	if (so->so_listening ||
	    (mode != TCP_TLS_MODE_SW && mode != TCP_TLS_MODE_IFNET))
		return (EINVAL);
	if (mode == TCP_TLS_MODE_IFNET && ktls_inp_xmit_on(so))
		return (EALREADY);
	if (old == NULL || old->mode == mode)
		return (0);
	/* TLS 1.0: the next IV is not known before all is encrypted. */
	if (old->sequential_records) {
		st->switch_failed++;
		return (EPROTONOSUPPORT);
	}
	if ((tls = ktls_session_clone(so, old)) == NULL)
		return (ENOMEM);
	ktls_inp_attach(tls, so);
	error = mode == TCP_TLS_MODE_SW ? ktls_sw_try(tls)
					: ktls_try_ifnet(so, tls, true);
	if (error != 0) {
		st->switch_failed++;
		ktls_free(tls);
		return (error);
	}
	tls->mode = mode;
	ktls_count(tls, 1);
	so->so_snd.sb_tls_info = tls;
	if (mode == TCP_TLS_MODE_IFNET) {
		ktls_inp_xmit(tls, true);
		st->switch_to_ifnet++;
	} else
		st->switch_to_sw++;
	TRACE(&so->so_vnet->v_tracer, tls_mode, TU(tls->conn), TS("tx"),
	    TS(ktls_mode_name(mode)), TI(0), TS("asked for"));
	ktls_free(old);
	return (0);
}
