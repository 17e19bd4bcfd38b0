/*
 * read(2) and its kin. One call returns bytes of one record at most when a
 * receive session exists: the control message comes with its first piece,
 * KMSG_EOR with its last. Without a session everything is one long record.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnet.h>

/* Nothing to read: why, as an errno; 0 is end of file. */
static int
soreceive_empty(struct socket *so, const struct uio *uio, int flags)
{
	struct sockbuf *sb = &so->so_rcv;
	int error;

	if (so->so_error != 0) {
		error = so->so_error;
		if ((flags & KMSG_PEEK) == 0)
			so->so_error = 0;
		return (error);
	}
	/* Undecrypted bytes are still on their way to a record or an error. */
	if ((sb->sb_state & SBS_CANTRCVMORE) != 0 && sb->sb_tlscc == 0 &&
	    sb->sb_tlsdcc == 0)
		return (0);
	if ((so->so_state &
		(SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING |
		    SS_ISDISCONNECTED)) == 0)
		return (ENOTCONN);
	if (uio->uio_resid == 0)
		return (0);
	return (EWOULDBLOCK);
}

/* Take the first mbuf off the buffer; the caller owns it. */
static struct mbuf *
sb_pop(struct sockbuf *sb)
{
	struct mbuf *m = sb->sb_mb, *next = m->m_next;

	sbfree(sb, m);
	if (next != NULL) {
		next->m_nextpkt = m->m_nextpkt;
		if (sb->sb_lastrecord == m)
			sb->sb_lastrecord = next;
		sb->sb_mb = next;
	} else {
		sb->sb_mb = m->m_nextpkt;
		if (sb->sb_mb == NULL) {
			sb->sb_mbtail = NULL;
			sb->sb_lastrecord = NULL;
		}
	}
	m->m_next = m->m_nextpkt = NULL;
	return (m);
}

/* A record that could not be read stands here: its errno, else 0. */
static int
soreceive_error(struct sockbuf *sb, int flags)
{
	struct kcmsghdr *cm;
	int error;

	if (sb->sb_mb->m_type != MT_CONTROL)
		return (0);
	cm = mtod(sb->sb_mb, struct kcmsghdr *);
	if (cm->cmsg_type != TLS_RX_ERROR)
		return (0);
	memcpy(&error, KCMSG_DATA(cm), sizeof(error));
	if ((flags & KMSG_PEEK) == 0)
		m_free(sb_pop(sb));
	return (error);
}

static bool
soreceive_is_alert(const struct mbuf *m)
{
	const struct kcmsghdr *cm = mtod(m, const struct kcmsghdr *);

	return (cm->cmsg_type == TLS_GET_RECORD &&
	    cm->cmsg_len == sizeof(*cm) + sizeof(struct tls_get_record) &&
	    ((const uint8_t *)(const void *)(cm + 1))[0] == TLS_RLTYPE_ALERT);
}

/* Control messages of the first record go to *controlp, or nowhere. */
static struct mbuf *
soreceive_control(struct sockbuf *sb, struct mbuf **controlp, int flags,
    bool *last)
{
	struct mbuf *m = sb->sb_mb, *cm;

	*last = false;
	while (m != NULL && m->m_type == MT_CONTROL && !*last) {
		*last = m->m_next == NULL;
		if (flags & KMSG_PEEK) {
			cm = m_get(m->m_mb, M_WAITOK, MT_CONTROL);
			memcpy(cm->m_data, m->m_data, (size_t)m->m_len);
			cm->m_len = m->m_len;
			m = m->m_next;
		} else {
			cm = sb_pop(sb);
			m = sb->sb_mb;
		}
		if (controlp == NULL) {
			m_free(cm);
			continue;
		}
		*controlp = cm;
		controlp = &cm->m_next;
	}
	return (m);
}

static void
uiomove_mbuf(struct mbuf *m, uint32_t off, uint32_t len, struct uio *uio)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	unsigned n;

	n = m_pieces(m, off, len, pc, nitems(pc));
	for (unsigned i = 0; i < n; i++)
		uiomove_out(pc[i].p, pc[i].len, uio);
}

static void
soreceive_peek(struct mbuf *m, struct uio *uio, int *flags)
{
	uint32_t len;

	for (;
	     m != NULL && uio->uio_resid > 0 && (m->m_flags & M_NOTAVAIL) == 0;
	     m = m->m_next) {
		len = (uint32_t)MIN((size_t)m->m_len, uio->uio_resid);
		uiomove_mbuf(m, 0, len, uio);
		if (len == (uint32_t)m->m_len && (m->m_flags & M_EOR) != 0)
			*flags |= KMSG_EOR;
	}
}

/* Data mbufs of the first record, as long as there is room. */
static void
soreceive_data(struct sockbuf *sb, struct uio *uio, int *flags)
{
	struct mbuf *m;
	uint32_t len;
	bool last;

	while ((m = sb->sb_mb) != NULL && uio->uio_resid > 0 &&
	    (m->m_flags & M_NOTAVAIL) == 0) {
		len = (uint32_t)MIN((size_t)m->m_len, uio->uio_resid);
		uiomove_mbuf(m, 0, len, uio);
		if (len < (uint32_t)m->m_len) {
			m_advance(m, (int)len);
			if (sb->sb_tls_info != NULL &&
			    V_DEFECT(sb->sb_vnet, RX_PARTIAL_READ))
				memset(m->m_data, 0, (size_t)m->m_len);
			sb->sb_ccc -= len;
			sb->sb_acc -= len;
			break;
		}
		if (m->m_flags & M_EOR)
			*flags |= KMSG_EOR;
		last = m->m_next == NULL;
		m_free(sb_pop(sb));
		if (last)
			break; /* the record's end */
	}
}

int
soreceive(struct socket *so, struct uio *uio, struct mbuf **controlp,
    int *flagsp)
{
	struct sockbuf *sb = &so->so_rcv;
	int flags = flagsp != NULL ? *flagsp : 0;
	struct mbuf *m = sb->sb_mb;
	bool last;
	int error;

	flags &= ~(KMSG_EOR | KMSG_CTRUNC);
	if (controlp != NULL)
		*controlp = NULL;
	if (flagsp != NULL)
		*flagsp = flags;
	if (so->so_listening)
		return (ENOTCONN);
	if (m == NULL || (m->m_flags & M_NOTAVAIL) != 0)
		return (soreceive_empty(so, uio, flags));
	if ((error = soreceive_error(sb, flags)) != 0)
		return (error);
	if ((flags & KMSG_TLSAPPDATA) != 0 && m->m_type == MT_CONTROL &&
	    soreceive_is_alert(m))
		return (ENXIO);
	m = soreceive_control(sb, controlp, flags, &last);
	if (!last) { /* a record may have no data at all */
		if (flags & KMSG_PEEK)
			soreceive_peek(m, uio, &flags);
		else
			soreceive_data(sb, uio, &flags);
	}
	if ((flags & KMSG_PEEK) == 0 && so->so_pcb != NULL)
		so->so_proto->pr_rcvd(so, flags);
	if (flagsp != NULL)
		*flagsp = flags;
	return (0);
}
