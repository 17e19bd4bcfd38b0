/*
 * Software decryption. One record at a time is cut off the raw chain of a
 * socket, decrypted out of place (received bytes are read-only: the sender's
 * card and the capture may share them), and appended with its control
 * message. The record number is consumed whether the record is good or bad.
 *
 * sb_tlsdcc is the bytes that are out for decryption; a flush sets it to 0,
 * and that is how the worker learns that nobody wants them any more.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "ktls_priv.h"
#include "ktls_session.h"

#define TLS_HDR_LEN  5
#define RX_MAXPIECES 64

/* One record being decrypted. */
struct ktls_rx_job {
	struct job x_job;
	struct sim_event x_event;
	struct ktls_wq *x_wq;
	struct socket *x_so;	    /* the queue's reference */
	struct ktls_session *x_tls; /* held */
	struct mbuf *x_raw;	    /* the record as received */
	struct mbuf *x_out;	    /* where the plaintext goes */
	struct mbuf *x_scratch; /* recrypting: the whole payload once more */
	enum ktls_rx_how x_how;
	uint64_t x_seqno;
	uint32_t x_reclen; /* whole record */
	uint8_t x_hdr[MBUF_PEXT_HDR_LEN];
	uint8_t x_tag[16];
	uint32_t x_paylen; /* between header and tag; CBC: behind the header,
			      and once decrypted the payload */
	int x_error;
	struct crypto_op x_op; /* with an accelerator */
};

/* --- scheduling --- */

/* Copy the first len bytes of the raw chain. */
static void
sb_peek_tls(const struct sockbuf *sb, void *buf, int len)
{
	m_copydata(sb->sb_mtls, 0, len, buf);
}

static void
ktls_rx_eof(struct sockbuf *sb)
{
	if ((sb->sb_state & SBS_CANTRCVMORE) == 0 || sb->sb_tlscc == 0)
		return;
	/* Half a record and no more to come. The bytes will never be data. */
	sbdrop_ktls_rx(sb);
	soerror_set(sb->sb_so, EMSGSIZE);
}

void
ktls_check_rx(struct sockbuf *sb)
{
	uint8_t hdr[TLS_HDR_LEN];

	if (sb->sb_flags & SB_TLS_RX_RUNNING)
		return;
	if (sb->sb_tlscc < TLS_HDR_LEN) {
		ktls_rx_eof(sb);
		return;
	}
	sb_peek_tls(sb, hdr, TLS_HDR_LEN);
	/* The header's contents are judged by the worker, not here. */
	if (sb->sb_tlscc < (uint32_t)TLS_HDR_LEN + be16dec(hdr + 3)) {
		ktls_rx_eof(sb);
		return;
	}
	sb->sb_flags |= SB_TLS_RX_RUNNING;
	ktls_enqueue_rx(sb->sb_so);
}

/* --- taking one record --- */

/* What freebsd-ktls.md table 1.7 says of the header; 0 is good. */
static int
ktls_rx_header_check(const struct ktls_session *tls, const uint8_t *hdr)
{
	const struct tls_session_params *tp = &tls->params;
	uint32_t reclen = (uint32_t)TLS_HDR_LEN + be16dec(hdr + 3);
	uint8_t wminor;

	wminor = tp->tls_vminor == TLS_MINOR_VER_THREE ? TLS_MINOR_VER_TWO
						       : tp->tls_vminor;
	if (hdr[1] != tp->tls_vmajor || hdr[2] != wminor)
		return (EINVAL);
	if (tp->tls_vminor == TLS_MINOR_VER_THREE && hdr[0] != TLS_RLTYPE_APP)
		return (EINVAL);
	if (reclen < tp->tls_hlen ||
	    reclen >
		(uint32_t)tp->tls_hlen + TLS_MAX_MSG_SIZE_V10_2 + tp->tls_tlen)
		return (EMSGSIZE);
	return (0);
}

/*
 * Cut len bytes off the raw chain: out of sb_tlscc, into sb_tlsdcc. Their
 * memory leaves the account; where an mbuf is split, its second half stays.
 */
static struct mbuf *
ktls_detach_record(struct sockbuf *sb, uint32_t len)
{
	struct mbuf *top = sb->sb_mtls, *m, *n;
	uint32_t left = len;

	for (m = top; left >= (uint32_t)m->m_len; m = n) {
		left -= (uint32_t)m->m_len;
		n = m->m_next;
		sbfree_ktls_rx(sb, m);
		if (left == 0) {
			m->m_next = NULL;
			m = n;
			break;
		}
	}
	if (left > 0) {
		n = m_split(m, (int)left, M_WAITOK);
		sb->sb_mbcnt -= mb_charge(m);
		sb->sb_mbcnt += mb_charge(n);
		sb->sb_ccc -= left;
		sb->sb_tlscc -= left;
		if (sb->sb_mtlstail == m)
			sb->sb_mtlstail = n;
		m = n;
	}
	sb->sb_mtls = m;
	if (m == NULL)
		sb->sb_mtlstail = NULL;
	sb->sb_ccc += len;
	sb->sb_tlsdcc = len;
	return (top);
}

/* --- on a host thread --- */

static bool
ktls_rx_cbc(const struct ktls_rx_job *x)
{
	return (x->x_tls->params.suite->cipher == TLS_CIPHER_CBC);
}

/* The bytes between header and tag, piece by piece, into the output. */
static unsigned
ktls_rx_gather(const struct ktls_rx_job *x, struct tls_iov *iov, unsigned max,
    uint32_t *skip, uint32_t *left, const struct mbuf **mp, uint8_t **outp)
{
	const struct mbuf *m = *mp;
	unsigned n = 0;
	uint32_t take;

	for (; m != NULL && *left > 0 && n < max && (m->m_flags & M_EXTPG) == 0;
	     m = m->m_next) {
		if (*skip >= (uint32_t)m->m_len) {
			*skip -= (uint32_t)m->m_len;
			continue;
		}
		take = MIN((uint32_t)m->m_len - *skip, *left);
		iov[n++] = (struct tls_iov) { m->m_data + *skip, *outp, take };
		*outp += take;
		*left -= take;
		*skip = 0;
	}
	*mp = m;
	return (n);
}

static int
ktls_rx_crypt(struct ktls_rx_job *x, unsigned slot, const struct tls_iov *iov,
    unsigned n)
{
	struct tls_crypt *tc = x->x_tls->crypt;

	if (ktls_rx_cbc(x))
		return (tls_record_decrypt_cbc(tc, slot, x->x_hdr, x->x_seqno,
		    iov, n, x->x_out->m_data, &x->x_paylen));
	return (tls_record_decrypt(tc, slot, x->x_hdr, x->x_seqno, iov, n,
	    x->x_tag));
}

/* The payload as it came, in one piece in the output. */
static struct tls_iov
ktls_rx_copy(struct ktls_rx_job *x)
{
	uint8_t *p = x->x_out->m_data;

	m_copydata(x->x_raw, x->x_tls->params.tls_hlen, (int)x->x_paylen, p);
	return ((struct tls_iov) { p, p, x->x_paylen });
}

/*
 * SA-26:46: the vector's index also counted mbufs that were passed with the
 * header, and what stood in those entries before was decrypted. Here: zeros.
 */
static void
ktls_rx_defect_vector(const struct ktls_rx_job *x, struct tls_iov *iov)
{
	static const uint8_t stale[MJUM16BYTES];

	if (ktls_rx_cbc(x) &&
	    x->x_raw->m_len <= (int32_t)x->x_tls->params.tls_hlen &&
	    V_DEFECT(x->x_tls->vnet, KTLS_RX_CBC_VECTOR))
		iov[0].in = stale;
}

/*
 * A card decrypted some of it. The cipher is a stream: bytes that it did are
 * made again what they were, and then the record is as any other.
 */
static int
ktls_rx_recrypt(struct ktls_rx_job *x, unsigned slot, struct tls_iov *iov)
{
	uint8_t *p = x->x_out->m_data, *again = x->x_scratch->m_data;
	uint32_t skip = x->x_tls->params.tls_hlen, at = 0, take;
	int error;

	if (V_DEFECT(x->x_tls->vnet, RX_RECRYPT_SKIP))
		skip = 0;
	*iov = ktls_rx_copy(x);
	error = tls_record_recrypt(x->x_tls->crypt, slot, x->x_hdr, x->x_seqno,
	    p, again, x->x_paylen);
	for (const struct mbuf *m = x->x_raw; m != NULL; m = m->m_next) {
		take = MIN((uint32_t)m->m_len - MIN(skip, (uint32_t)m->m_len),
		    x->x_paylen - at);
		if (m->m_flags & M_DECRYPTED)
			memcpy(p + at, again + at, take);
		at += take;
		skip -= MIN(skip, (uint32_t)m->m_len);
	}
	return (error);
}

static void
ktls_rx_run(struct job *job, unsigned slot)
{
	struct ktls_rx_job *x = containerof(job, struct ktls_rx_job, x_job);
	struct tls_iov iov[RX_MAXPIECES];
	uint32_t skip = x->x_tls->params.tls_hlen, left = x->x_paylen;
	const struct mbuf *m = x->x_raw;
	uint8_t *out = x->x_out->m_data;
	unsigned n = 1;

	if (x->x_how == KTLS_RX_DECRYPTED) {
		(void)ktls_rx_copy(x); /* only header and trailer go */
		return;
	}
	if (x->x_how == KTLS_RX_MIXED &&
	    (x->x_error = ktls_rx_recrypt(x, slot, iov)) != 0)
		return;
	if (x->x_how == KTLS_RX_ENCRYPTED) {
		n = ktls_rx_gather(x, iov, RX_MAXPIECES, &skip, &left, &m,
		    &out);
		if (left > 0) {
			/* A record in very many small pieces: make it one. */
			iov[0] = ktls_rx_copy(x);
			n = 1;
		}
		ktls_rx_defect_vector(x, iov);
	}
	x->x_error = ktls_rx_crypt(x, slot, iov, n);
}

/* --- delivering --- */

/*
 * TLS 1.3: the last byte that is not zero is the type; only bytes behind the
 * header are searched (SA-26:67). -1: there is none.
 */
static int
tls13_find_record_type(const struct ktls_rx_job *x, uint32_t *paylen)
{
	const struct mbuf *m = x->x_out;
	uint32_t n = *paylen;

	while (n > 0 && m->m_data[n - 1] == 0)
		n--;
	if (n == 0 && V_DEFECT(x->x_tls->vnet, KTLS_RX_INNER_TYPE)) {
		/* The length's low byte is the type, and lies in front. */
		*paylen = UINT32_MAX;
		return (x->x_hdr[TLS_HDR_LEN - 1]);
	}
	if (n == 0)
		return (-1);
	*paylen = n - 1;
	return (m->m_data[n - 1]);
}

static struct mbuf *
ktls_rx_control(struct ktls_rx_job *x, uint8_t type, uint32_t paylen)
{
	struct tls_get_record tgr = { .tls_type = type,
		.tls_vmajor = x->x_hdr[1],
		.tls_vminor = x->x_hdr[2] };

	const struct sockbuf *sb = &x->x_so->so_rcv;

	if (sb->sb_mtls != NULL && V_DEFECT(sb->sb_vnet, RX_HEADER_OF_NEXT))
		m_copydata(sb->sb_mtls, 0, 1, &tgr.tls_type);
	be16enc(tgr.tls_length, (uint16_t)paylen);
	return (sbcreatecontrol(x->x_wq->wq_vnet->v_mb, &tgr, sizeof(tgr),
	    TLS_GET_RECORD, KIPPROTO_TCP, M_WAITOK));
}

static void
ktls_rx_good(struct ktls_rx_job *x, struct sockbuf *sb, uint8_t type,
    uint32_t paylen)
{
	struct ktls_stats *st = &x->x_wq->wq_vnet->v_ktls->ks_stats;
	const struct tls_suite *suite = x->x_tls->params.suite;
	struct mbuf *data = NULL;

	KASSERT(paylen <= x->x_reclen,
	    ("ktls_rx: %u bytes in a record of %u", paylen, x->x_reclen));
	st->records_rx++;
	if (x->x_how != KTLS_RX_DECRYPTED) {
		st->sw_bytes_rx += paylen;
		st->ocf_dec[ktls_ocf_row(suite)][suite->cipher]++;
	}
	if (x->x_how == KTLS_RX_MIXED)
		st->ocf_recrypts[ktls_ocf_row(suite)]++;
	TRACE(&x->x_wq->wq_vnet->v_tracer, tls_decrypted, TU(x->x_tls->conn),
	    TU(x->x_seqno), TU(paylen), TU(type));
	if (paylen > 0) {
		data = x->x_out;
		x->x_out = NULL;
		data->m_len = (int32_t)paylen;
		data->m_flags |= M_EOR;
	}
	sb->sb_ccc -= x->x_reclen;
	sb->sb_tlsdcc = 0;
	sbappendcontrol(sb, data, ktls_rx_control(x, type, paylen));
	ktls_rx_resync(sb->sb_so, x->x_how, x->x_reclen, x->x_seqno);
}

/*
 * FreeBSD sets so_error, which a reader gets when no record is left, or a
 * writer: good records behind the bad one seem to follow those in front. Here
 * the error waits in the bad one's place, for the reader.
 */
void
ktls_rx_error(struct sockbuf *sb, int error)
{
	if (V_DEFECT(sb->sb_vnet, KTLS_RX_ERROR_PLACE)) {
		soerror_set(sb->sb_so, error);
		return;
	}
	sbappendcontrol(sb, NULL,
	    sbcreatecontrol(sb->sb_vnet->v_mb, &error, sizeof(error),
		TLS_RX_ERROR, KIPPROTO_TCP, M_WAITOK));
	sorwakeup(sb->sb_so);
}

static void
ktls_rx_bad(struct ktls_rx_job *x, struct sockbuf *sb, int error,
    const char *why)
{
	struct vnet *vnet = x->x_wq->wq_vnet;

	vnet->v_ktls->ks_stats.failed_crypto++;
	TRACE(&vnet->v_tracer, tls_error, TU(x->x_tls->conn), TU(x->x_seqno),
	    TI(error), TS(why));
	sb->sb_ccc -= x->x_reclen;
	sb->sb_tlsdcc = 0;
	ktls_rx_error(sb, error);
}

static void
ktls_rx_deliver(struct ktls_rx_job *x, struct sockbuf *sb)
{
	uint32_t paylen = x->x_paylen;
	int type = x->x_hdr[0];

	if (x->x_error == EMSGSIZE) {
		ktls_rx_bad(x, sb, EMSGSIZE, "record too short for its suite");
		return;
	}
	if (x->x_error != 0) {
		ktls_rx_bad(x, sb, EBADMSG, "authentication failed");
		return;
	}
	if (x->x_tls->params.tls_vminor == TLS_MINOR_VER_THREE) {
		type = tls13_find_record_type(x, &paylen);
		if (type < 0) {
			ktls_rx_bad(x, sb, EBADMSG, "no inner record type");
			return;
		}
	}
	ktls_rx_good(x, sb, (uint8_t)type, paylen);
}

static void
ktls_rx_done(void *arg)
{
	struct ktls_rx_job *x = arg;
	struct ktls_wq *wq = x->x_wq;
	struct vnet *vnet = wq->wq_vnet;
	struct socket *so = x->x_so;
	struct sockbuf *sb = &so->so_rcv;
	bool flushed = sb->sb_tlsdcc == 0;

	if (x->x_job.job_run != NULL)
		jobpool_wait(vnet->v_jobs, &x->x_job);
	if (x->x_op.co_error != 0)
		x->x_error = x->x_op.co_error;
	if (!flushed)
		ktls_rx_deliver(x, sb);
	m_freem(x->x_raw);
	m_freem(x->x_out);
	m_freem(x->x_scratch);
	ktls_free(x->x_tls);
	kzone_free(&vnet->v_ktls->ks_rx_zone, x);
	wq->wq_inflight--;
	/* On to the socket's next record, then to the worker's next work. */
	if (!ktls_decrypt(wq, so))
		ktls_wq_next(wq);
}

/* --- the loop --- */

static void
ktls_rx_stop(struct socket *so)
{
	struct sockbuf *sb = &so->so_rcv;

	sb->sb_flags &= (uint16_t)~SB_TLS_RX_RUNNING;
	ktls_toe_flush(sb);
	ktls_rx_eof(sb);
	sorwakeup(so);
	sorele(so);
}

/*
 * The stream cannot be followed any more. FreeBSD leaves the undecrypted bytes
 * counted and a second blocking read waits for ever; here they are discarded,
 * so that the reader sees the error once and then end of file.
 */
static void
ktls_rx_corrupted(struct socket *so, int error)
{
	struct vnet *vnet = so->so_vnet;
	struct sockbuf *sb = &so->so_rcv;

	vnet->v_ktls->ks_stats.corrupted_records++;
	TRACE(&vnet->v_tracer, tls_error, TU(sb->sb_tls_info->conn),
	    TU(sb->sb_tls_seqno), TI(error), TS("bad record header"));
	if (!V_DEFECT(vnet, KTLS_RX_HANG))
		sbdrop_ktls_rx(sb);
	if (!V_DEFECT(vnet, RX_BOGUS_GOES_ON))
		ktls_drop(so, error, "bad TLS record header");
}

/* Can a record of this length be one of the suite's at all? */
static bool
ktls_rx_length_ok(const struct tls_suite *s, uint32_t reclen)
{
	uint32_t body = reclen - s->hlen;

	if (s->cipher == TLS_CIPHER_CBC)
		return (body % TLS_CBC_BLOCK_LEN == 0 && body > s->tag_len);
	return (body >= s->tlen);
}

/*
 * Without looking into it: too short, or in part decrypted although nobody can
 * make that undone (no card is given such a session).
 */
static int
ktls_rx_refuse(const struct ktls_rx_job *x)
{
	const struct tls_suite *s = x->x_tls->params.suite;

	if (!ktls_rx_length_ok(s, x->x_reclen))
		return (EMSGSIZE);
	return (s->cipher != TLS_CIPHER_GCM && x->x_how != KTLS_RX_ENCRYPTED
		? EBADMSG
		: 0);
}

/* Submit the job. */
static void
ktls_rx_submit(struct ktls_rx_job *x, simtime_t cost)
{
	const struct tls_suite *s = x->x_tls->params.suite;
	uint32_t taglen = ktls_rx_cbc(x) ? 0 : s->tag_len;
	struct vnet *vnet = x->x_wq->wq_vnet;

	m_copydata(x->x_raw, 0, s->hlen, x->x_hdr);
	x->x_paylen = x->x_reclen - s->hlen - taglen;
	if (taglen > 0)
		m_copydata(x->x_raw, (int)(x->x_reclen - taglen), (int)taglen,
		    x->x_tag);
	x->x_out = m_getjcl(vnet->v_mb, M_WAITOK, MT_DATA, 0,
	    x->x_paylen <= MCLBYTES ? MCLBYTES : MJUM16BYTES);
	if (x->x_how == KTLS_RX_MIXED)
		x->x_scratch =
		    m_getjcl(vnet->v_mb, M_WAITOK, MT_DATA, 0, MJUM16BYTES);
	x->x_job.job_run = ktls_rx_run;
	x->x_job.job_ns = (uint32_t)MIN(cost / SIM_NS, (simtime_t)UINT32_MAX);
	jobpool_submit(vnet->v_jobs, &x->x_job);
}

/* Decryption is waited for, accelerator or not. */
static void
ktls_rx_accelerated(void *arg, int error)
{
	struct ktls_rx_job *x = arg;

	if (error != EAGAIN) {
		ktls_rx_done(x);
		return;
	}
	x->x_wq->wq_vnet->v_ktls->ks_stats.ocf_retries++;
	crypto_accel_dispatch(&x->x_op, x->x_reclen);
}

static void
ktls_rx_start(struct ktls_wq *wq, struct socket *so, const uint8_t *hdr,
    uint32_t reclen)
{
	struct vnet *vnet = wq->wq_vnet;
	struct sockbuf *sb = &so->so_rcv;
	struct ktls_session *tls = sb->sb_tls_info;
	simtime_t cost = ktls_cost_of(vnet->v_ktls, tls, reclen);
	struct ktls_rx_job *x;

	x = kzone_alloc(&vnet->v_ktls->ks_rx_zone, M_WAITOK | M_ZERO);
	x->x_wq = wq;
	x->x_so = so;
	x->x_tls = ktls_hold(tls);
	x->x_reclen = reclen;
	x->x_raw = ktls_detach_record(sb, reclen);
	x->x_seqno = sb->sb_tls_seqno++;
	x->x_how = ktls_rx_how(x->x_raw);
	if (x->x_how == KTLS_RX_MIXED &&
	    V_DEFECT(x->x_tls->vnet, KTLS_RX_MIXED_PLAIN))
		x->x_how = KTLS_RX_DECRYPTED;
	if (x->x_how == KTLS_RX_DECRYPTED)
		cost = 0;
	sim_event_init(&x->x_event, EV_CRYPTO, "ktls decrypted", ktls_rx_done,
	    x);
	wq->wq_inflight++;
	wq->wq_waiting = true;
	x->x_error = ktls_rx_refuse(x);
	vnet->v_ktls->ks_stats.worker_ns += cost / SIM_NS;
	if (x->x_error == 0)
		ktls_rx_submit(x, cost);
	else
		memcpy(x->x_hdr, hdr, TLS_HDR_LEN);
	if (vnet->v_accel != NULL && x->x_error == 0 &&
	    x->x_how != KTLS_RX_DECRYPTED) {
		crypto_op_init(&x->x_op, vnet->v_accel, ktls_rx_accelerated, x);
		crypto_accel_dispatch(&x->x_op, reclen);
	} else
		timebase_post_in(vnet->v_tb, &x->x_event, cost);
}

bool
ktls_decrypt(struct ktls_wq *wq, struct socket *so)
{
	struct sockbuf *sb = &so->so_rcv;
	struct ktls_session *tls = sb->sb_tls_info;
	uint8_t hdr[TLS_HDR_LEN];
	uint32_t reclen;
	int error;

	if (sb->sb_tlscc < TLS_HDR_LEN) {
		ktls_rx_stop(so);
		return (false);
	}
	sb_peek_tls(sb, hdr, TLS_HDR_LEN);
	reclen = (uint32_t)TLS_HDR_LEN + be16dec(hdr + 3);
	if ((error = ktls_rx_header_check(tls, hdr)) != 0) {
		ktls_rx_corrupted(so, error);
		if (V_DEFECT(so->so_vnet, KTLS_RX_HANG))
			sorele(so); /* as if still at work */
		else
			ktls_rx_stop(so);
		return (false);
	}
	if (sb->sb_tlscc < reclen) {
		ktls_rx_stop(so);
		return (false);
	}
	ktls_rx_start(wq, so, hdr, reclen);
	return (true);
}

void
ktls_rx_attach(struct vnet *vnet)
{
	kzone_init(&vnet->v_ktls->ks_rx_zone, &vnet->v_kmem, "ktls_rx",
	    sizeof(struct ktls_rx_job));
}
