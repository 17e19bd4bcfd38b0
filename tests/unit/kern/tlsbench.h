/* What the kernel TLS tests share: suites' parameters, writing, reading. */
#ifndef TLSBENCH_H
#define TLSBENCH_H

#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>

#include "support/reftls.h"
#include "support/sockpair.h"

static const uint8_t tb_key[32] = "0123456789abcdefghijklmnopqrstu";
static const uint8_t tb_iv[16] = "IVivIVivIVivIVi";

static inline bool
tb_cbc(const struct tls_suite *s)
{
	return (s->cipher == TLS_CIPHER_CBC);
}

static inline struct tls_enable
tb_enable(const struct tls_suite *s, uint64_t seqno)
{
	struct tls_enable en = { .cipher_key = tb_key,
		.iv = tb_iv,
		.cipher_algorithm = s->algorithm,
		.cipher_key_len = s->key_len,
		.iv_len = s->iv_len,
		.auth_algorithm = s->auth_algorithm,
		.tls_vmajor = 3,
		.tls_vminor = s->vminor };

	if (tb_cbc(s)) {
		en.auth_key = (const uint8_t *)REFTLS_AUTH_KEY;
		en.auth_key_len = REFTLS_AUTH_KEY_LEN;
	}
	be64enc(en.rec_seq, seqno);
	return (en);
}

/* A chain of the bytes in mbufs of at most piece bytes. */
static inline struct mbuf *
tb_chain(struct vnet *v, const uint8_t *p, size_t len, size_t piece)
{
	struct mbuf *top = NULL, **mp = &top, *m;
	size_t n;

	for (; len > 0; p += n, len -= n, mp = &m->m_next) {
		n = MIN(MIN(len, piece), (size_t)MCLBYTES);
		m = n <= MLEN
		    ? m_get(v->v_mb, M_WAITOK, MT_DATA)
		    : m_getjcl(v->v_mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
		memcpy(m->m_data, p, n);
		m->m_len = (int32_t)n;
		*mp = m;
	}
	return (top);
}

static inline int
tb_write(struct socket *so, const void *p, size_t len, int type, size_t *done)
{
	struct kiovec iov = { (void *)(uintptr_t)p, len };
	struct mbuf *control = NULL;
	uint8_t t = (uint8_t)type;
	struct uio uio;
	int error;

	if (type >= 0)
		control = sbcreatecontrol(so->so_vnet->v_mb, &t, 1,
		    TLS_SET_RECORD_TYPE, KIPPROTO_TCP, M_WAITOK);
	uio_init(&uio, &iov, 1);
	error = sosend(so, &uio, control, 0);
	if (done != NULL)
		*done = len - uio.uio_resid;
	return (error);
}

/* One soreceive. *type: -1 without a control message. */
static inline int
tb_read(struct socket *so, void *p, size_t len, size_t *got, int *type,
    int *flags)
{
	struct kiovec iov = { p, len };
	struct mbuf *control;
	struct uio uio;
	int error;

	uio_init(&uio, &iov, 1);
	error = soreceive(so, &uio, &control, flags);
	*got = len - uio.uio_resid;
	*type = -1;
	if (control != NULL) {
		struct kcmsghdr *cm = mtod(control, struct kcmsghdr *);
		struct tls_get_record tgr;

		assert_int_equal(cm->cmsg_level, KIPPROTO_TCP);
		assert_int_equal(cm->cmsg_type, TLS_GET_RECORD);
		assert_int_equal(cm->cmsg_len, sizeof(*cm) + sizeof(tgr));
		memcpy(&tgr, KCMSG_DATA(cm), sizeof(tgr));
		assert_int_equal(tgr.tls_vmajor, 3);
		assert_int_equal(tgr.tls_vminor,
		    MIN(so->so_rcv.sb_tls_info->params.tls_vminor, 3));
		*type = tgr.tls_type | be16dec(tgr.tls_length) << 8;
		m_freem(control);
	}
	return (error);
}
/* What tb_read gives as type for a record. */
#define TB_REC(type, len) ((type) | (int)(len) << 8)

#endif
