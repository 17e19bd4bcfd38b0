/*
 * What TP receives, on its way to the host: bytes as they are, as many as the
 * host has room for; or, with a key, records: framed, decrypted, one message
 * each.
 *
 * From bytes to records one goes at a record's boundary: the driver has the
 * delivery stopped (quiesced), looks what the host has, and lets the bytes
 * come that complete the record which the host has begun.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "t6_tp.h"

#define TLS_HDR_LEN 5
#define RX_CHUNK    16384 /* bytes of one message at most */

/* Out of the socket: its window opens by it. */
static void
rx_take(struct tp_conn *c, uint8_t *p, uint32_t len)
{
	struct kiovec iov = { p, len };
	struct uio uio;
	int error;

	uio_init(&uio, &iov, 1);
	error = soreceive(c->c_so, &uio, NULL, NULL);
	KASSERT(error == 0 && uio.uio_resid == 0,
	    ("%u bytes were there, %zu came (%d)", len, uio.uio_offset, error));
}

static void
rx_spend(struct tp_conn *c, uint32_t len)
{
	c->c_rx_credits -= MIN(c->c_rx_credits, len);
}

/* --- bytes --- */

static void
rx_bytes_done(struct tp_conn *c)
{
	c->c_rx_counted = false;
	c->c_rx = c->c_rx_then;
	if (c->c_rx == TP_RX_QUIESCED)
		(void)tp_cpl(c->c_tp, CPL_RX_QUIESCED, c->c_tid, 0);
}

static void
rx_raw(struct tp_conn *c)
{
	struct t6_rsp *cpl;
	uint32_t n;

	while (c->c_rx == TP_RX_RAW) {
		n = MIN(sbavail(&c->c_so->so_rcv), (uint32_t)RX_CHUNK);
		/* The rest of a record is let in whatever room there is. */
		if (c->c_rx_counted)
			n = MIN(n, c->c_rx_left);
		else
			n = MIN(n, c->c_rx_credits);
		if (n == 0)
			return;
		cpl = tp_cpl(c->c_tp, CPL_RX_DATA, c->c_tid, n);
		rx_take(c, cpl->c_data, n);
		rx_spend(c, n);
		if (c->c_rx_counted && (c->c_rx_left -= n) == 0)
			rx_bytes_done(c);
	}
}

/* --- records --- */

static bool
rx_cbc(const struct tp_conn *c)
{
	return (c->c_rx_suite->cipher == TLS_CIPHER_CBC);
}

/* Is it a record of this session at all? */
static int
rx_header_check(const struct tp_conn *c, const uint8_t *hdr, uint32_t reclen)
{
	if (hdr[1] != TLS_MAJOR_VER_ONE || hdr[2] != c->c_rx_suite->vminor)
		return (EINVAL);
	if (reclen > (uint32_t)c->c_rx_suite->hlen + TLS_MAX_MSG_SIZE_V10_2 +
		c->c_rx_suite->tlen)
		return (EMSGSIZE);
	return (0);
}

/* Has it room for IV, MAC and tag, and whole blocks? */
static bool
rx_length_ok(const struct tp_conn *c, uint32_t reclen)
{
	const struct tls_suite *s = c->c_rx_suite;
	uint32_t mac;

	if (!rx_cbc(c))
		return (reclen >= (uint32_t)s->hlen + s->tag_len);
	mac = roundup2((uint32_t)s->tag_len + 1, TLS_CBC_BLOCK_LEN);
	return (reclen >= s->hlen + mac &&
	    (reclen - s->hlen) % TLS_CBC_BLOCK_LEN == 0);
}

/* The payload stands behind the header then; its length, or an errno. */
static int
rx_decrypt(struct tp_conn *c, uint8_t *rec, uint32_t reclen, uint32_t *paylen)
{
	const struct tls_suite *s = c->c_rx_suite;
	uint8_t *pay = rec + s->hlen;
	struct tls_iov iov = { pay, pay, reclen - s->hlen };

	if (!rx_length_ok(c, reclen))
		return (EMSGSIZE);
	if (rx_cbc(c)) {
		*paylen = iov.len;
		return (tls_record_decrypt_cbc(c->c_rx_crypt, 0, rec,
			    c->c_rx_seqno, &iov, 1, pay, paylen) != 0
			? EBADMSG
			: 0);
	}
	*paylen = iov.len -= s->tag_len;
	return (tls_record_decrypt(c->c_rx_crypt, 0, rec, c->c_rx_seqno, &iov,
		    1, pay + iov.len) != 0
		? EBADMSG
		: 0);
}

static void
rx_broken(struct tp_conn *c, int error)
{
	struct t6_rsp *cpl = tp_cpl(c->c_tp, CPL_RX_TLS_CMP, c->c_tid, 0);

	c->c_rx = TP_RX_BROKEN;
	cpl->c_error = error;
	cpl->c_fatal = true;
	cpl->c_seqno = c->c_rx_seqno;
}

static void
rx_record(struct tp_conn *c, uint32_t reclen)
{
	struct t6_toe_stats *st = &c->c_tp->tp_rspq->rq_stats;
	uint8_t rec[MJUM16BYTES];
	uint32_t paylen = 0;
	struct t6_rsp *cpl;
	int error;

	rx_take(c, rec, reclen);
	rx_spend(c, reclen);
	error = rx_decrypt(c, rec, reclen, &paylen);
	if (error != 0)
		paylen = 0;
	cpl = tp_cpl(c->c_tp, CPL_RX_TLS_CMP, c->c_tid, paylen);
	cpl->c_val = reclen;
	cpl->c_error = error;
	cpl->c_seqno = c->c_rx_seqno++; /* a bad one too has a number */
	cpl->c_type = rec[0];
	cpl->c_vmajor = rec[1];
	cpl->c_vminor = rec[2];
	memcpy(cpl->c_data, rec + c->c_rx_suite->hlen, paylen);
	if (error == 0) {
		st->rx_toe_tls_records++;
		st->rx_toe_tls_octets += reclen;
	}
}

static void
rx_records(struct tp_conn *c)
{
	struct sockbuf *sb = &c->c_so->so_rcv;
	uint8_t hdr[TLS_HDR_LEN];
	uint32_t reclen;
	int error;

	while (c->c_rx == TP_RX_TLS && sbavail(sb) >= TLS_HDR_LEN) {
		m_copydata(sb->sb_mb, 0, TLS_HDR_LEN, hdr);
		reclen = (uint32_t)TLS_HDR_LEN + be16dec(hdr + 3);
		if ((error = rx_header_check(c, hdr, reclen)) != 0) {
			rx_broken(c, error);
			return;
		}
		if (sbavail(sb) < reclen || c->c_rx_credits < reclen)
			return;
		rx_record(c, reclen);
	}
}

void
tp_rx_work(struct tp_conn *c)
{
	uint8_t waste[2048];

	rx_raw(c);
	rx_records(c);
	while (c->c_rx == TP_RX_BROKEN && sbavail(&c->c_so->so_rcv) > 0)
		rx_take(c, waste,
		    MIN(sbavail(&c->c_so->so_rcv), (uint32_t)sizeof(waste)));
}

/* The peer has closed in the middle of a record. */
void
tp_rx_eof(struct tp_conn *c)
{
	struct sockbuf *sb = &c->c_so->so_rcv;
	uint8_t hdr[TLS_HDR_LEN];
	struct t6_rsp *cpl;

	if (c->c_rx != TP_RX_TLS || sbavail(sb) == 0)
		return;
	if (sbavail(sb) >= TLS_HDR_LEN) {
		m_copydata(sb->sb_mb, 0, TLS_HDR_LEN, hdr);
		if (sbavail(sb) >= (uint32_t)TLS_HDR_LEN + be16dec(hdr + 3))
			return; /* whole: it waits for room */
	}
	cpl = tp_cpl(c->c_tp, CPL_RX_TLS_CMP, c->c_tid, 0);
	cpl->c_error = EMSGSIZE;
	cpl->c_eof = true;
	cpl->c_val = sbavail(sb);
	c->c_rx = TP_RX_BROKEN;
	tp_rx_work(c);
}

/* --- the driver's writes --- */

static void
rx_tls(struct tp_conn *c, const struct t6_toe_rx_tls *rt, struct nic_cmd *cmd)
{
	c->c_rx_crypt = t6_key_crypt(c->c_tp->tp_card, &rt->rt_sec, rt->rt_key,
	    &c->c_rx_suite);
	if (c->c_rx_crypt == NULL) {
		cmd->c_status = EINVAL;
		return;
	}
	c->c_rx_seqno = rt->rt_seqno;
	c->c_rx = rt->rt_resid != 0 ? TP_RX_RAW : TP_RX_TLS;
	c->c_rx_then = TP_RX_TLS;
	c->c_rx_left = rt->rt_resid;
	c->c_rx_counted = rt->rt_resid != 0;
}

void
tp_rx_cmd(struct tp_conn *c, struct nic_cmd *cmd)
{
	switch ((int)cmd->c_op) {
	case T6_TOE_RX_CREDITS:
		c->c_rx_credits += (uint32_t)cmd->c_in[1];
		break;
	case T6_TOE_RX_QUIESCE:
		c->c_rx = TP_RX_QUIESCED;
		break;
	case T6_TOE_RX_BYTE:
		c->c_rx = TP_RX_RAW;
		c->c_rx_then = TP_RX_QUIESCED;
		c->c_rx_left = 1;
		c->c_rx_counted = true;
		break;
	case T6_TOE_RX_TLS:
		rx_tls(c, cmd->c_data, cmd);
		break;
	default:
		cmd->c_status = EINVAL;
		return;
	}
	tp_conn_touch(c);
}
