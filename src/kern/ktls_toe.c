/*
 * TOE mode: the card that has the connection's TCP has its TLS too. What is
 * sent remains plaintext here for good: whole records go down, and the card
 * sends its own ciphertext again when it must. What is received comes as
 * records.
 *
 * Source: uipc_ktls.c ktls_try_toe; freebsd-ktls.md section 7.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/netinet/in_pcb.h>

#include "ktls_priv.h"

static const char *
ktls_toe_reason(int error)
{
	switch (error) {
	case EPROTONOSUPPORT:
		return ("TOE: the card does not know this version and cipher");
	case EOPNOTSUPP:
		return ("TOE: the connection has a key in the card already");
	case ENOSPC:
		return ("TOE: the card's key memory is full");
	case EAGAIN:
		return ("TOE: no descriptors to write the key");
	case ENOMEM:
		return ("TOE: no memory");
	default:
		return ("TOE: the card refused");
	}
}

static void
ktls_toe_told(const struct ktls_session *tls, int mode, int error,
    const char *why)
{
	TRACE(&tls->vnet->v_tracer, tls_mode, TU(tls->conn),
	    TS(tls->tx ? "tx" : "rx"), TS(ktls_mode_name(mode)), TI(error),
	    TS(why));
}

int
ktls_try_toe(struct socket *so, struct ktls_session *tls)
{
	struct inpcb *inp = inp_of_socket(so);
	int error;

	if (!inp_toe(inp))
		return (EOPNOTSUPP);
	error = inp_toe_alloc_tls(inp, tls);
	if (error != 0) {
		ktls_toe_told(tls, TCP_TLS_MODE_SW, error,
		    ktls_toe_reason(error));
		return (error);
	}
	/* A receive session was software's until now. */
	if (tls->mode != TCP_TLS_MODE_NONE)
		ktls_count(tls, -1);
	tls->mode = TCP_TLS_MODE_TOE;
	ktls_count(tls, 1);
	ktls_toe_told(tls, TCP_TLS_MODE_TOE, 0,
	    "the card has the connection, and took the session");
	return (0);
}

/* --- receive --- */

static bool
ktls_toe_behind(const struct sockbuf *sb)
{
	return (sb->sb_tlscc != 0 || sb->sb_tlsdcc != 0 ||
	    (sb->sb_flags & SB_TLS_RX_RUNNING) != 0);
}

/* A control message with its data, or until software is done: kept. */
static void
ktls_toe_append(struct sockbuf *sb, struct mbuf *control, struct mbuf *m)
{
	struct ktls_session *tls = sb->sb_tls_info;

	if (!ktls_toe_behind(sb)) {
		sbappendcontrol(sb, m, control);
		sorwakeup(sb->sb_so);
		return;
	}
	control->m_next = m;
	if (tls->toe_rx == NULL)
		tls->toe_rx = control;
	else
		tls->toe_rx_last->m_nextpkt = control;
	tls->toe_rx_last = control;
}

void
ktls_toe_flush(struct sockbuf *sb)
{
	struct ktls_session *tls = sb->sb_tls_info;
	struct mbuf *control, *m;

	while ((control = tls->toe_rx) != NULL && !ktls_toe_behind(sb)) {
		tls->toe_rx = control->m_nextpkt;
		control->m_nextpkt = NULL;
		m = control->m_next;
		control->m_next = NULL;
		sbappendcontrol(sb, m, control);
	}
}

void
ktls_toe_free(struct ktls_session *tls)
{
	struct mbuf *m;

	while ((m = tls->toe_rx) != NULL) {
		tls->toe_rx = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
}

void
ktls_toe_record(struct socket *so, uint64_t seqno,
    const struct tls_get_record *tgr, struct mbuf *m)
{
	struct vnet *vnet = so->so_vnet;
	struct sockbuf *sb = &so->so_rcv;
	struct mbuf *last;
	uint32_t len;

	len = m != NULL ? m_length(m, &last) : 0;
	if (m != NULL)
		last->m_flags |= M_EOR;
	vnet->v_ktls->ks_stats.records_rx++;
	TRACE(&vnet->v_tracer, tls_decrypted, TU(sb->sb_tls_info->conn),
	    TU(seqno), TU(len), TU(tgr->tls_type));
	ktls_toe_append(sb,
	    sbcreatecontrol(vnet->v_mb, tgr, sizeof(*tgr), TLS_GET_RECORD,
		KIPPROTO_TCP, M_WAITOK),
	    m);
}

void
ktls_toe_record_bad(struct socket *so, uint64_t seqno, int error, bool fatal)
{
	struct vnet *vnet = so->so_vnet;
	struct ktls_stats *st = ktls_stats(vnet);
	struct sockbuf *sb = &so->so_rcv;

	TRACE(&vnet->v_tracer, tls_error, TU(sb->sb_tls_info->conn), TU(seqno),
	    TI(error),
	    TS(fatal ? "bad record header" : "the card could not decrypt it"));
	if (fatal) {
		st->corrupted_records++;
		return;
	}
	st->failed_crypto++;
	ktls_toe_append(sb,
	    sbcreatecontrol(vnet->v_mb, &error, sizeof(error), TLS_RX_ERROR,
		KIPPROTO_TCP, M_WAITOK),
	    NULL);
}

void
ktls_toe_rx_failed(struct socket *so, int error)
{
	struct ktls_session *tls = so->so_rcv.sb_tls_info;

	if (tls == NULL || tls->mode != TCP_TLS_MODE_TOE)
		return;
	ktls_count(tls, -1);
	tls->mode = TCP_TLS_MODE_SW;
	ktls_count(tls, 1);
	ktls_toe_told(tls, TCP_TLS_MODE_SW, error,
	    "the card did not stop at a record's boundary");
}
