/*
 * Receiving beside a card that decrypts: telling it where a record begins, and
 * what its driver may ask. A card searches for records by itself; the host
 * only confirms.
 */
#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "ktls_priv.h"

#define TLS_HDR_LEN 5

enum ktls_rx_how
ktls_rx_how(const struct mbuf *m)
{
	bool some = false, all = true;

	for (; m != NULL; m = m->m_next) {
		some |= (m->m_flags & M_DECRYPTED) != 0;
		all &= (m->m_flags & M_DECRYPTED) != 0;
	}
	return (all    ? KTLS_RX_DECRYPTED
		: some ? KTLS_RX_MIXED
		       : KTLS_RX_ENCRYPTED);
}

void
ktls_rx_resync(struct socket *so, enum ktls_rx_how how, uint32_t reclen,
    uint64_t seqno)
{
	struct sockbuf *sb = &so->so_rcv;

	if (how != KTLS_RX_DECRYPTED) {
		sb->sb_flags |= SB_TLS_RX_RESYNC;
		(void)ktls_resync_ifnet(so, reclen, seqno);
		return;
	}
	if ((sb->sb_flags & SB_TLS_RX_RESYNC) == 0)
		return;
	sb->sb_flags &= (uint16_t)~SB_TLS_RX_RESYNC;
	(void)ktls_resync_ifnet(so, 0, seqno);
}

bool
ktls_pending_rx_info(const struct sockbuf *sb, uint64_t *seqnop,
    uint32_t *residp)
{
	uint32_t off = 0, have = sb->sb_tlscc, reclen;
	uint64_t seqno = sb->sb_tls_seqno;
	uint8_t hdr[TLS_HDR_LEN];

	*residp = 0;
	while (have > off) {
		if (have - off < TLS_HDR_LEN)
			return (false);
		m_copydata(sb->sb_mtls, (int)off, TLS_HDR_LEN, hdr);
		reclen = (uint32_t)TLS_HDR_LEN + be16dec(hdr + 3);
		seqno++;
		if (have - off < reclen) {
			*residp = reclen - (have - off);
			break;
		}
		off += reclen;
	}
	*seqnop = seqno;
	return (true);
}
