/*
 * Checksums on frames: settled when somebody looks, verified on receive.
 * A frame with FRAME_CSUM_LAZY has right checksums by definition.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/nic/frame.h>

static bool
frame_is_v4(const struct frame *f)
{
	return ((f->f_hdr[f->f_l2len] >> 4) == 4);
}

/* Sum over pseudo header, TCP header and payload. */
static uint16_t
frame_l4_sum(const struct frame *f)
{
	const uint8_t *ip = f->f_hdr + f->f_l2len;
	const uint8_t *th = ip + f->f_l3len;
	uint32_t l4len =
	    (uint32_t)f->f_hdrlen - f->f_l2len - f->f_l3len + f->f_paylen;
	uint16_t sum;

	sum = frame_is_v4(f)
	    ? in_sum_pseudo(ip + 12, ip + 16, 4, KIPPROTO_TCP, l4len)
	    : in_sum_pseudo(ip + 8, ip + 24, 16, KIPPROTO_TCP, l4len);
	/* A TCP header is a whole number of words: no odd byte in between. */
	sum = in_sum_add(sum, in_sum(th, f->f_l4len), 0);
	return (in_sum_add(sum, in_sum(f->f_payload, f->f_paylen), 0));
}

void
frame_csum_settle(struct frame *f)
{
	uint8_t *ip, *th;

	if ((f->f_flags & FRAME_CSUM_LAZY) == 0)
		return;
	ip = f->f_hdr + f->f_l2len;
	th = ip + f->f_l3len;
	if (frame_is_v4(f)) {
		memset(ip + 10, 0, 2);
		be16enc(ip + 10, (uint16_t)~in_sum(ip, f->f_l3len));
	}
	memset(th + 16, 0, 2);
	be16enc(th + 16, (uint16_t)~frame_l4_sum(f));
	f->f_flags &= ~(uint32_t)FRAME_CSUM_LAZY;
}

void
frame_csum_check(const struct frame *f, bool *l3ok, bool *l4ok)
{
	*l3ok = *l4ok = true;
	if ((f->f_flags & FRAME_CSUM_LAZY) != 0 || f->f_l4len == 0)
		return;
	if (frame_is_v4(f))
		*l3ok = in_sum(f->f_hdr + f->f_l2len, f->f_l3len) == 0xffff;
	*l4ok = frame_l4_sum(f) == 0xffff;
}
