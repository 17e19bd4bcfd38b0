/*
 * From a frame to a TCP segment: own reading of IEEE 802.3 and 802.1Q, RFC
 * 791, 8200 and 9293. Fragments are left alone (the simulated hosts send
 * none for TCP).
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "oracle_int.h"

#define PEEK 256 /* more than all headers together */

struct view { /* the frame's beginning, in one piece */
	const uint8_t *p;
	size_t len;
	uint8_t copy[PEEK];
};

static void
view_init(struct view *v, const uint8_t *hdr, size_t hdrlen)
{
	v->p = hdr;
	v->len = hdrlen;
}

/* The headers may run on into the second piece. */
static void
view_widen(struct view *v, const uint8_t *hdr, size_t hdrlen,
    const uint8_t *pay, size_t paylen)
{
	size_t more;

	if (hdrlen >= PEEK || paylen == 0)
		return;
	memcpy(v->copy, hdr, hdrlen);
	more = paylen < PEEK - hdrlen ? paylen : PEEK - hdrlen;
	memcpy(v->copy + hdrlen, pay, more);
	v->p = v->copy;
	v->len = hdrlen + more;
}

/* Offset of the IP header; 0: no IP. */
static size_t
skip_ethernet(const struct view *v, unsigned *type)
{
	size_t off = 12;

	*type = 0;
	for (;;) {
		if (off + 2 > v->len)
			return (0);
		*type = rd16(v->p + off);
		if (*type != 0x8100 && *type != 0x88a8)
			return (off + 2);
		off += 4;
	}
}

/* Orders the two ends, so that both directions have one key. */
static void
set_key(struct oseg *sg, const uint8_t *src, const uint8_t *dst, size_t alen,
    const uint8_t *ports)
{
	uint8_t a[18] = { 0 }, b[18] = { 0 };

	memcpy(a, src, alen);
	memcpy(a + 16, ports, 2);
	memcpy(b, dst, alen);
	memcpy(b + 16, ports + 2, 2);
	sg->swapped = memcmp(a, b, sizeof(a)) > 0;
	memset(sg->key, 0, sizeof(sg->key));
	memcpy(sg->key, sg->swapped ? b : a, sizeof(a));
	memcpy(sg->key + 18, sg->swapped ? a : b, sizeof(a));
	sg->key[36] = sg->v6;
}

struct iphead {
	const uint8_t *src, *dst;
	size_t alen;
	size_t tcp; /* offset in the frame */
	size_t end; /* of the packet; 0: end of the frame */
};

static bool
parse_ip4(const struct view *v, size_t off, struct iphead *ih)
{
	const uint8_t *ip = v->p + off;
	unsigned total;

	if (off + 20 > v->len || ip[0] >> 4 != 4 || ip[9] != IPPROTO_TCP ||
	    (rd16(ip + 6) & 0x3fff) != 0 || (ip[0] & 15) < 5)
		return (false);
	ih->src = ip + 12;
	ih->dst = ip + 16;
	ih->alen = 4;
	ih->tcp = off + (ip[0] & 15u) * 4;
	total = rd16(ip + 2);
	ih->end = total != 0 ? off + total : 0;
	return (true);
}

/* Hop-by-hop, routing and destination options are stepped over. */
static bool
parse_ip6(const struct view *v, size_t off, struct iphead *ih)
{
	const uint8_t *ip = v->p + off;
	unsigned next, total;

	if (off + 40 > v->len || ip[0] >> 4 != 6)
		return (false);
	ih->src = ip + 8;
	ih->dst = ip + 24;
	ih->alen = 16;
	total = rd16(ip + 4);
	ih->end = total != 0 ? off + 40 + total : 0;
	off += 40;
	for (next = ip[6]; next == 0 || next == 43 || next == 60;) {
		if (off + 8 > v->len)
			return (false);
		next = v->p[off];
		off += 8 + 8u * v->p[off + 1];
	}
	ih->tcp = off;
	return (next == IPPROTO_TCP);
}

/* The bytes [from, to) of the frame, which lie in two pieces. */
static void
set_payload(struct oseg *sg, size_t from, size_t to, const uint8_t *hdr,
    size_t hdrlen, const uint8_t *pay)
{
	size_t cut;

	sg->n[0] = sg->n[1] = 0;
	if (from < hdrlen) {
		cut = to < hdrlen ? to : hdrlen;
		sg->p[0] = hdr + from;
		sg->n[0] = cut - from;
		from = cut;
	}
	if (from < to) {
		sg->p[1] = pay + (from - hdrlen);
		sg->n[1] = to - from;
	}
}

/* The IP header, and room for a TCP header behind it. */
static bool
parse_ip(const struct view *v, struct oseg *sg, struct iphead *ih)
{
	unsigned type;
	size_t ip;

	ip = skip_ethernet(v, &type);
	sg->v6 = type == 0x86dd;
	return (ip != 0 && (type == 0x0800 || type == 0x86dd) &&
	    (sg->v6 ? parse_ip6(v, ip, ih) : parse_ip4(v, ip, ih)) &&
	    ih->tcp + 20 <= v->len);
}

bool
oseg_parse(struct oseg *sg, const uint8_t *hdr, size_t hdrlen,
    const uint8_t *pay, size_t paylen)
{
	struct view v;
	struct iphead ih;
	const uint8_t *th;
	size_t data;

	view_init(&v, hdr, hdrlen);
	if (!parse_ip(&v, sg, &ih)) {
		view_widen(&v, hdr, hdrlen, pay, paylen);
		if (!parse_ip(&v, sg, &ih))
			return (false);
	}
	if (ih.end == 0 || ih.end > hdrlen + paylen)
		ih.end = hdrlen + paylen;
	th = v.p + ih.tcp;
	data = ih.tcp + (th[12] >> 4) * 4u;
	if (th[12] >> 4 < 5 || data > ih.end)
		return (false);
	set_key(sg, ih.src, ih.dst, ih.alen, th);
	sg->seq = rd32(th + 4);
	sg->ack = rd32(th + 8);
	sg->flags = th[13];
	set_payload(sg, data, ih.end, hdr, hdrlen, pay);
	return (true);
}

static void
end_name(const struct oseg *sg, const uint8_t *end, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(sg->v6 ? AF_INET6 : AF_INET, end, text, sizeof(text));
	snprintf(buf, size, sg->v6 ? "[%s]:%u" : "%s:%u", text, rd16(end + 16));
}

/* "10.0.0.1:443 > 10.0.0.2:50000"; back: the other direction. */
void
oseg_name(const struct oseg *sg, bool back, char *buf, size_t size)
{
	bool second = sg->swapped != back;
	char src[64], dst[64];

	end_name(sg, sg->key + (second ? 18 : 0), src, sizeof(src));
	end_name(sg, sg->key + (second ? 0 : 18), dst, sizeof(dst));
	snprintf(buf, size, "%s > %s", src, dst);
}
