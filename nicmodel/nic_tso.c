/*
 * From a header and a run of bytes to frames: each gets its own edited copy of
 * the header and a slice of the buffer.
 *
 * Header edits: nic-models.md section 2.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/tcp.h>

#include "nic_hw.h"

/* Lengths, identification, sequence and flags of segment i. */
static void
frame_edit(struct frame *f, const struct nic_hdr *h, unsigned i, uint32_t at,
    bool last)
{
	uint8_t *ip = f->f_hdr + h->h_l2len, *th = ip + h->h_l3len;
	uint32_t l4 = h->h_l4len + f->f_paylen;

	if (h->h_ipv6)
		be16enc(ip + 4, (uint16_t)l4);
	else {
		be16enc(ip + 2, (uint16_t)(h->h_l3len + l4));
		be16enc(ip + 4, (uint16_t)(be16dec(ip + 4) + i));
	}
	be32enc(th + 4, h->h_seq + at);
	if (!last)
		th[13] &= (uint8_t) ~(KTH_FIN | KTH_PUSH | KTH_RST);
	if (i > 0)
		th[13] &= (uint8_t)~KTH_CWR;
}

static struct frame *
frame_build(struct nic_card *c, const struct nic_send *s, uint32_t at,
    uint32_t len)
{
	const struct nic_hdr *h = &s->s_hdr;
	struct frame *f;

	f = frame_alloc(c->c_pool);
	f->f_hdrlen = h->h_len;
	f->f_l2len = h->h_l2len;
	f->f_l3len = h->h_l3len;
	f->f_l4len = h->h_l4len;
	memcpy(f->f_hdr, h->h_bytes, h->h_len);
	f->f_paylen = len;
	if (len > 0) {
		framebuf_ref(s->s_fb);
		f->f_buf = s->s_fb;
		f->f_payload = s->s_fb->fb_data + s->s_skip + at;
	}
	if (s->s_csum)
		f->f_flags |= FRAME_CSUM_LAZY;
	return (f);
}

/* By order: one bit of what was encrypted is wrong; where it is. */
static uint32_t
send_corrupt(struct nic_card *c, const struct nic_send *s)
{
	uint32_t at = s->s_paylen / 2;

	c->c_corrupt--;
	s->s_fb->fb_data[s->s_skip + at] ^= 0x10;
	return (at);
}

void
nic_segment(struct nic_exec *x, const struct nic_send *s)
{
	uint32_t at = 0, len, mss = s->s_mss, burst = 0, wrong = UINT32_MAX;
	uint32_t reread =
	    (uint32_t)x->x_dma[NIC_DMA_REREAD] + x->x_lab.l_reread;
	struct nic_card *c = x->x_card;
	struct frame *f;
	unsigned i = 0;

	if (mss == 0 || mss >= s->s_paylen)
		mss = MAX(s->s_paylen, 1);
	else {
		burst = ++c->c_bursts;
		c->c_stats->tx_bursts++;
	}
	if (s->s_tls && c->c_corrupt > 0 && s->s_paylen > 0)
		wrong = send_corrupt(c, s);
	do {
		len = MIN(mss, s->s_paylen - at);
		f = frame_build(c, s, at, len);
		if (wrong - at < len)
			f->f_flags |= FRAME_DAMAGED;
		if (s->s_hdr.h_l4len != 0 && s->s_mss != 0)
			frame_edit(f, &s->s_hdr, i, at,
			    at + len == s->s_paylen);
		nic_note(f, &x->x_lab, at, s->s_hdr.h_seq + at, burst,
		    at == 0 ? reread : 0, x->x_q->q_index);
		STAILQ_INSERT_TAIL(&x->x_out, f, f_link);
		at += len;
		i++;
	} while (at < s->s_paylen);
}
