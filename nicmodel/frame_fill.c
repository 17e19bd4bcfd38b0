/* Bytes from outside become a frame. */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/ip.h>

#include "nic_parse.h"

/* How long the packet says it is, with the link's header; len if that cannot
 * be: who takes it apart will say so. */
static uint32_t
packet_len(const uint8_t *bytes, uint32_t len, uint16_t l2, uint16_t hdrlen)
{
	const uint8_t *ip = bytes + l2;
	uint32_t says = (ip[0] >> 4) == 4
	    ? be16dec(ip + 2)
	    : (uint32_t)sizeof(struct kip6) + be16dec(ip + 4);

	says += l2;
	return (says >= hdrlen && says < len ? says : len);
}

void
frame_fill(struct frame *f, struct framebuf *fb, uint32_t at,
    const uint8_t *bytes, uint32_t len)
{
	uint32_t have = MIN(len, (uint32_t)FRAME_HDR_MAX);

	KASSERT(len <= FRAMEBUF_SIZE - at, ("frame_fill: no room"));
	nic_parse_hdr(bytes, have, &f->f_l2len, &f->f_l3len, &f->f_l4len);
	f->f_hdrlen = (uint16_t)have;
	if (f->f_l4len != 0) {
		f->f_hdrlen = (uint16_t)(f->f_l2len + f->f_l3len + f->f_l4len);
		len = packet_len(bytes, len, f->f_l2len, f->f_hdrlen);
	}
	memcpy(f->f_hdr, bytes, f->f_hdrlen);
	f->f_paylen = len - f->f_hdrlen;
	if (f->f_paylen == 0)
		return;
	memcpy(fb->fb_data + at, bytes + f->f_hdrlen, f->f_paylen);
	f->f_payload = fb->fb_data + at;
	f->f_buf = fb;
	framebuf_ref(fb);
}
