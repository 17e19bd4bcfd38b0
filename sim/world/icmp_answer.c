/*
 * "Packet too big", as a router says it: RFC 1191 (ICMP fragmentation needed,
 * quoting what fits into 576 bytes, RFC 1812 4.3.2.3) and RFC 4443 3.2 (what
 * fits into 1280).
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/flowkey.h>
#include <ktsim/sim/impair.h>

#define ICMP_LEN       8
#define IP4_ANSWER_MAX 576
#define IP6_ANSWER_MAX 1280
#define HOPS	       64

/* Bytes [off, off + len) of a frame. */
static void
frame_bytes(const struct frame *f, uint32_t off, uint8_t *out, uint32_t len)
{
	uint32_t n = off < f->f_hdrlen ? MIN(len, f->f_hdrlen - off) : 0;

	if (n > 0)
		memcpy(out, f->f_hdr + off, n);
	if (len > n)
		memcpy(out + n, f->f_payload + (off + n - f->f_hdrlen),
		    len - n);
}

/* Back to the sender, from whom the frame was for on this cable. */
static void
ether(struct frame *r, const struct frame *f, unsigned l3)
{
	memcpy(r->f_hdr, f->f_hdr, l3);
	memcpy(r->f_hdr, f->f_hdr + KETHER_ADDR_LEN, KETHER_ADDR_LEN);
	memcpy(r->f_hdr + KETHER_ADDR_LEN, f->f_hdr, KETHER_ADDR_LEN);
	r->f_l2len = (uint16_t)l3;
}

/* The checksum over header and quote; pseudo: what else is in it. */
static void
icmp_sum(struct frame *r, uint8_t *icmp, uint16_t pseudo)
{
	uint16_t sum;

	sum = in_sum_add(pseudo, in_sum(icmp, ICMP_LEN), 0);
	sum = in_sum_add(sum, in_sum(r->f_payload, r->f_paylen), 0);
	be16enc(icmp + 2, (uint16_t)~sum);
}

static void
answer4(const struct sc_mtu *m, const struct in_any *router,
    const struct frame *f, unsigned l3, struct frame *r)
{
	uint8_t *ip = r->f_hdr + l3, *icmp = ip + 20;

	memset(ip, 0, 20 + ICMP_LEN);
	ip[0] = 0x45;
	be16enc(ip + 2, (uint16_t)(20 + ICMP_LEN + r->f_paylen));
	ip[8] = HOPS;
	ip[9] = KIPPROTO_ICMP;
	memcpy(ip + 12, router->a, 4);
	memcpy(ip + 16, f->f_hdr + l3 + 12, 4);
	be16enc(ip + 10, (uint16_t)~in_sum(ip, 20));
	icmp[0] = 3; /* unreachable: */
	icmp[1] = 4; /* fragmentation needed */
	be16enc(icmp + 6, (uint16_t)m->size);
	icmp_sum(r, icmp, 0);
	r->f_l3len = 20;
}

static void
answer6(const struct sc_mtu *m, const struct in_any *router,
    const struct frame *f, unsigned l3, struct frame *r)
{
	uint8_t *ip = r->f_hdr + l3, *icmp = ip + 40;
	uint32_t len = ICMP_LEN + r->f_paylen;

	memset(ip, 0, 40 + ICMP_LEN);
	ip[0] = 0x60;
	be16enc(ip + 4, (uint16_t)len);
	ip[6] = KIPPROTO_ICMPV6;
	ip[7] = HOPS;
	memcpy(ip + 8, router->a, 16);
	memcpy(ip + 24, f->f_hdr + l3 + 8, 16);
	icmp[0] = 2; /* packet too big */
	be32enc(icmp + 4, (uint32_t)m->size);
	icmp_sum(r, icmp,
	    in_sum_pseudo(ip + 8, ip + 24, 16, KIPPROTO_ICMPV6, len));
	r->f_l3len = 40;
}

/* The router's address, if it is of the packet's family. */
static bool
router_address(const struct sc_mtu *m, bool v6, struct in_any *a)
{
	struct ksockaddr sa;

	if (parse_endpoint(m->router, &sa) != 0 ||
	    (sa.sa_family == KAF_INET6) != v6)
		return (false);
	*a = sa.sa_addr;
	return (true);
}

static struct frame *
answer(const struct sc_mtu *m, const struct in_any *router,
    const struct frame *f, unsigned l3, bool v6)
{
	uint32_t head = v6 ? 40u : 20u,
		 max = v6 ? IP6_ANSWER_MAX : IP4_ANSWER_MAX;
	struct frame *r = frame_alloc(f->f_pool);

	r->f_hdrlen = (uint16_t)(l3 + head + ICMP_LEN);
	/* It has to get through the same narrow place. */
	max = MIN(max, (uint32_t)m->size);
	r->f_paylen = MIN(frame_len(f) - l3, max - head - ICMP_LEN);
	r->f_buf = framebuf_alloc(f->f_pool);
	r->f_payload = r->f_buf->fb_data;
	frame_bytes(f, l3, r->f_buf->fb_data, r->f_paylen);
	ether(r, f, l3);
	if (v6)
		answer6(m, router, f, l3, r);
	else
		answer4(m, router, f, l3, r);
	return (r);
}

/* Nobody answers an error with an error: RFC 1122 3.2.2, RFC 4443 2.4 (e). */
static bool
is_icmp_error(const struct frame *f, unsigned l3, bool v6)
{
	uint8_t ip[40], type;

	frame_bytes(f, l3, ip, v6 ? 40 : 20);
	frame_bytes(f, l3 + (v6 ? 40u : (ip[0] & 15u) * 4), &type, 1);
	if (v6)
		return (ip[6] == KIPPROTO_ICMPV6 && type < 128);
	return (ip[9] == KIPPROTO_ICMP &&
	    (type == 3 || type == 4 || type == 5 || type == 11 || type == 12));
}

struct frame *
icmp_too_big(const struct sc_mtu *m, const struct frame *f)
{
	struct in_any router;
	struct frame *copy, *r;
	uint16_t type, vlan;
	unsigned l3;
	bool v6;

	type = segment_ethertype(f, &l3, &vlan);
	v6 = type == KETHERTYPE_IPV6;
	if (!router_address(m, v6, &router))
		return (NULL);
	if (!v6 && (be16dec(f->f_hdr + l3 + 6) & KIP_DF) == 0)
		return (NULL);
	if (is_icmp_error(f, l3, v6))
		return (NULL);
	copy = frame_copy(f);
	frame_csum_settle(copy); /* quoted as it was on the wire */
	r = answer(m, &router, copy, l3, v6);
	frame_rele(copy);
	return (r);
}
