/*
 * The tap's own reader (sim/tap/flowkey.c) is for frames of our cards, whose
 * headers are in one piece; this one trusts nothing.
 */
#include <arpa/inet.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/bytes.h>

#include "dissect.h"

#define ETHERTYPE_IP   0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_IP6  0x86dd
#define ETHERTYPE_SLOW 0x8809

#define PROTO_ICMP     1
#define PROTO_TCP      6
#define PROTO_UDP      17
#define PROTO_ICMP6    58

/* What is left of a frame: cap bytes that are there, of len that were. */
struct rest {
	const uint8_t *p;
	size_t cap, len;
};

static void say(struct packet *pk, enum pkt_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct packet *pk, enum pkt_kind kind, const char *fmt, ...)
{
	va_list ap;

	pk->pk_kind = kind;
	va_start(ap, fmt);
	vsnprintf(pk->pk_text, sizeof(pk->pk_text), fmt, ap);
	va_end(ap);
}

/* Whether n bytes are there; else says why not. */
static bool
have(const struct rest *r, size_t n, const char *what, struct packet *pk)
{
	if (r->cap >= n)
		return (true);
	if (r->len >= n)
		say(pk, PK_OTHER, "%s: cut by the snapshot length", what);
	else
		say(pk, PK_MALFORMED, "%s: %zu bytes where %zu are needed",
		    what, r->len, n);
	return (false);
}

static void
skip(struct rest *r, size_t n)
{
	r->p += n;
	r->cap -= n;
	r->len -= n;
}

/* The rest ends after len bytes: what follows is padding. */
static void
clip(struct rest *r, size_t len)
{
	r->len = len;
	if (r->cap > len)
		r->cap = len;
}

static const char *
addr_text(bool v6, const uint8_t *addr, char buf[INET6_ADDRSTRLEN])
{
	return (
	    inet_ntop(v6 ? AF_INET6 : AF_INET, addr, buf, INET6_ADDRSTRLEN));
}

/* --- above IP --- */

static void
dissect_tcp(struct rest r, struct packet *pk)
{
	unsigned hlen;

	if (!have(&r, 20, "TCP header", pk))
		return;
	hlen = (r.p[12] >> 4) * 4u;
	if (hlen < 20) {
		say(pk, PK_MALFORMED, "TCP header length %u", hlen);
		return;
	}
	if (!have(&r, hlen, "TCP options", pk))
		return;
	pk->pk_kind = PK_TCP;
	pk->pk_src.en_port = be16dec(r.p);
	pk->pk_dst.en_port = be16dec(r.p + 2);
	pk->pk_seq = be32dec(r.p + 4);
	pk->pk_ack = be32dec(r.p + 8);
	pk->pk_flags = r.p[13];
	pk->pk_win = be16dec(r.p + 14);
	pk->pk_opts = r.p + 20;
	pk->pk_optlen = hlen - 20;
	skip(&r, hlen);
	pk->pk_data = r.p;
	pk->pk_len = (uint32_t)r.len;
	pk->pk_caplen = (uint32_t)r.cap;
}

static void
dissect_udp(struct rest r, struct packet *pk)
{
	struct strbuf sb = { 0 };

	if (!have(&r, 8, "UDP header", pk))
		return;
	if (be16dec(r.p + 4) < 8 || be16dec(r.p + 4) > r.len) {
		say(pk, PK_MALFORMED, "UDP length %u in %zu bytes",
		    be16dec(r.p + 4), r.len);
		return;
	}
	pk->pk_src.en_port = be16dec(r.p);
	pk->pk_dst.en_port = be16dec(r.p + 2);
	endpoint_text(&pk->pk_src, &sb);
	strbuf_adds(&sb, " > ");
	endpoint_text(&pk->pk_dst, &sb);
	say(pk, PK_OTHER, "%s udp %u bytes", strbuf_str(&sb),
	    be16dec(r.p + 4) - 8u);
	strbuf_fini(&sb);
}

static const char *
icmp_name(bool v6, unsigned type)
{
	static const struct {
		bool v6;
		uint8_t type;
		const char *name;
	} names[] = {
		{ false, 0, "echo reply" },
		{ false, 3, "unreachable" },
		{ false, 8, "echo request" },
		{ false, 11, "time exceeded" },
		{ true, 1, "unreachable" },
		{ true, 2, "packet too big" },
		{ true, 3, "time exceeded" },
		{ true, 128, "echo request" },
		{ true, 129, "echo reply" },
		{ true, 133, "router solicitation" },
		{ true, 134, "router advertisement" },
		{ true, 135, "neighbor solicitation" },
		{ true, 136, "neighbor advertisement" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].v6 == v6 && names[i].type == type)
			return (names[i].name);
	return (NULL);
}

static void
dissect_icmp(bool v6, struct rest r, struct packet *pk)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char target[INET6_ADDRSTRLEN] = "", type[24];
	const char *name;

	if (!have(&r, 4, "ICMP header", pk))
		return;
	name = icmp_name(v6, r.p[0]);
	snprintf(type, sizeof(type), "type %u code %u", r.p[0], r.p[1]);
	if (v6 && (r.p[0] == 135 || r.p[0] == 136) && r.cap >= 24)
		addr_text(true, r.p + 8, target);
	say(pk, PK_OTHER, "%s > %s %s %s%s%s",
	    addr_text(v6, pk->pk_src.en_addr, src),
	    addr_text(v6, pk->pk_dst.en_addr, dst), v6 ? "icmp6" : "icmp",
	    name != NULL ? name : type, *target != '\0' ? " of " : "", target);
}

static void
dissect_proto(bool v6, unsigned proto, struct rest r, struct packet *pk)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	if (proto == PROTO_TCP)
		dissect_tcp(r, pk);
	else if (proto == PROTO_UDP)
		dissect_udp(r, pk);
	else if (proto == (v6 ? PROTO_ICMP6 : PROTO_ICMP))
		dissect_icmp(v6, r, pk);
	else
		say(pk, PK_OTHER, "%s > %s ip protocol %u, %zu bytes",
		    addr_text(v6, pk->pk_src.en_addr, src),
		    addr_text(v6, pk->pk_dst.en_addr, dst), proto, r.len);
}

static void
fragment(bool v6, unsigned off, unsigned proto, struct packet *pk)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	say(pk, PK_OTHER, "%s > %s ip protocol %u, fragment at %u",
	    addr_text(v6, pk->pk_src.en_addr, src),
	    addr_text(v6, pk->pk_dst.en_addr, dst), proto, off);
}

/* --- IP --- */

static void
dissect_ip4(struct rest r, struct packet *pk)
{
	unsigned hlen, total, frag;
	const uint8_t *ip = r.p;

	if (!have(&r, 20, "IPv4 header", pk))
		return;
	hlen = (ip[0] & 15) * 4u;
	total = be16dec(ip + 2);
	if (ip[0] >> 4 != 4 || hlen < 20) {
		say(pk, PK_MALFORMED, "IPv4 version %u, header length %u",
		    ip[0] >> 4, hlen);
		return;
	}
	if (total == 0) /* segmentation offload writes 0 for "long" */
		total = (unsigned)r.len;
	if (total < hlen || total > r.len) {
		say(pk, PK_MALFORMED, "IPv4 length %u in %zu bytes", total,
		    r.len);
		return;
	}
	clip(&r, total);
	if (!have(&r, hlen, "IPv4 options", pk))
		return;
	memcpy(pk->pk_src.en_addr, ip + 12, 4);
	memcpy(pk->pk_dst.en_addr, ip + 16, 4);
	pk->pk_ecn = ip[1] & 3;
	frag = be16dec(ip + 6);
	if ((frag & 0x3fff) != 0) {
		fragment(false, (frag & 0x1fff) * 8, ip[9], pk);
		return;
	}
	skip(&r, hlen);
	dissect_proto(false, ip[9], r, pk);
}

/* Steps over extension headers; false: said why that ends here. */
static bool
skip_extensions(struct rest *r, unsigned *next, struct packet *pk)
{
	size_t len;

	while (*next == 0 || *next == 43 || *next == 44 || *next == 60) {
		if (!have(r, 8, "IPv6 extension header", pk))
			return (false);
		if (*next == 44 && (be16dec(r->p + 2) & 0xfff9) != 0) {
			fragment(true, be16dec(r->p + 2) & 0xfff8u, r->p[0],
			    pk);
			return (false);
		}
		len = *next == 44 ? 8 : 8 + 8u * r->p[1];
		if (!have(r, len, "IPv6 extension header", pk))
			return (false);
		*next = r->p[0];
		skip(r, len);
	}
	return (true);
}

static void
dissect_ip6(struct rest r, struct packet *pk)
{
	const uint8_t *ip = r.p;
	unsigned next, len;

	if (!have(&r, 40, "IPv6 header", pk))
		return;
	len = be16dec(ip + 4);
	if (ip[0] >> 4 != 6) {
		say(pk, PK_MALFORMED, "IPv6 version %u", ip[0] >> 4);
		return;
	}
	if (len == 0) /* jumbo, or segmentation offload */
		len = (unsigned)(r.len - 40);
	if (len > r.len - 40) {
		say(pk, PK_MALFORMED, "IPv6 length %u in %zu bytes", len,
		    r.len - 40);
		return;
	}
	memcpy(pk->pk_src.en_addr, ip + 8, 16);
	memcpy(pk->pk_dst.en_addr, ip + 24, 16);
	pk->pk_src.en_v6 = pk->pk_dst.en_v6 = 1;
	pk->pk_ecn = (ip[1] >> 4) & 3;
	next = ip[6];
	clip(&r, 40 + (size_t)len);
	skip(&r, 40);
	if (skip_extensions(&r, &next, pk))
		dissect_proto(true, next, r, pk);
}

/* --- the link --- */

static void
dissect_arp(struct rest r, struct packet *pk)
{
	char spa[INET6_ADDRSTRLEN], tpa[INET6_ADDRSTRLEN];

	if (!have(&r, 28, "ARP", pk))
		return;
	if (be16dec(r.p) != 1 || be16dec(r.p + 2) != ETHERTYPE_IP ||
	    r.p[4] != 6 || r.p[5] != 4) {
		say(pk, PK_OTHER, "arp, not Ethernet and IPv4");
		return;
	}
	addr_text(false, r.p + 14, spa);
	addr_text(false, r.p + 24, tpa);
	if (be16dec(r.p + 6) == 1)
		say(pk, PK_OTHER, "arp who-has %s tell %s", tpa, spa);
	else if (be16dec(r.p + 6) == 2)
		say(pk, PK_OTHER, "arp %s is-at %02x:%02x:%02x:%02x:%02x:%02x",
		    spa, r.p[8], r.p[9], r.p[10], r.p[11], r.p[12], r.p[13]);
	else
		say(pk, PK_OTHER, "arp operation %u", be16dec(r.p + 6));
}

/* Actor or partner of a PDU: system, port, key, state's bits from the left. */
static void
lacp_peer(const uint8_t *p, char *buf, size_t size)
{
	static const char bits[] = "EFDCSGTA"; /* as tshark has them */
	char state[9];

	for (unsigned i = 0; i < 8; i++)
		state[i] = p[16] & (0x80u >> i) ? bits[i] : '-';
	state[8] = '\0';
	snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x port %u key %u %s",
	    p[4], p[5], p[6], p[7], p[8], p[9], be16dec(p + 14),
	    be16dec(p + 10), state);
}

/* IEEE 802.1AX: LACP, and the marker protocol. */
static void
dissect_slow(struct rest r, struct packet *pk)
{
	char actor[64], partner[64];

	if (!have(&r, 1, "slow protocol", pk))
		return;
	if (r.p[0] == 1) {
		if (!have(&r, 42, "LACP", pk))
			return;
		lacp_peer(r.p + 2, actor, sizeof(actor));
		lacp_peer(r.p + 22, partner, sizeof(partner));
		say(pk, PK_OTHER, "lacp actor %s, partner %s", actor, partner);
	} else if (r.p[0] == 2) {
		if (!have(&r, 16, "marker", pk))
			return;
		say(pk, PK_OTHER, "marker %s, port %u number %u",
		    r.p[2] == 2 ? "response" : "request", be16dec(r.p + 4),
		    be32dec(r.p + 12));
	} else
		say(pk, PK_OTHER, "slow protocol, subtype %u", r.p[0]);
}

void
dissect(const uint8_t *p, size_t caplen, size_t wirelen, struct packet *pk)
{
	struct rest r = { p, caplen, wirelen < caplen ? caplen : wirelen };
	unsigned type;

	memset(pk, 0, sizeof(*pk));
	if (!have(&r, 14, "Ethernet header", pk))
		return;
	skip(&r, 12);
	while (
	    (type = be16dec(r.p)) == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) {
		if (!have(&r, 6, "VLAN tag", pk))
			return;
		skip(&r, 4);
	}
	skip(&r, 2);
	if (type == ETHERTYPE_IP)
		dissect_ip4(r, pk);
	else if (type == ETHERTYPE_IP6)
		dissect_ip6(r, pk);
	else if (type == ETHERTYPE_ARP)
		dissect_arp(r, pk);
	else if (type == ETHERTYPE_SLOW)
		dissect_slow(r, pk);
	else if (type < 1536)
		say(pk, PK_OTHER, "802.3 frame, %zu bytes", wirelen);
	else
		say(pk, PK_OTHER, "ethertype 0x%04x, %zu bytes", type, wirelen);
}

void
endpoint_text(const struct endpoint *en, struct strbuf *sb)
{
	char buf[INET6_ADDRSTRLEN];

	addr_text(en->en_v6 != 0, en->en_addr, buf);
	strbuf_addf(sb, en->en_v6 != 0 ? "[%s]:%u" : "%s:%u", buf, en->en_port);
}
