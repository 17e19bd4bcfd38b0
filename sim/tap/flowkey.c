/*
 * Reading a frame's own bytes, as a capture tool does: Ethernet with VLAN
 * tags, IPv4, IPv6, TCP. Nothing of the sender's knowledge is used.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/nic/frame.h>

#include <ktsim/sim/flowkey.h>

uint16_t
segment_ethertype(const struct frame *f, unsigned *l3off, uint16_t *vlan)
{
	unsigned off = 12;
	uint16_t type;

	*vlan = 0;
	for (;;) {
		if (off + 2 > f->f_hdrlen)
			return (0);
		type = be16dec(f->f_hdr + off);
		if (type != 0x8100 && type != 0x88a8)
			break;
		if (off + 4 > f->f_hdrlen)
			return (0);
		*vlan = be16dec(f->f_hdr + off + 2) & 0x0fff;
		off += 4;
	}
	*l3off = off + 2;
	return (type);
}

/* Length of header and whole packet; false when it holds no plain TCP. */
static bool
parse_ip4(const uint8_t *ip, unsigned room, struct segment *sg, unsigned *hlen,
    uint32_t *total)
{
	if (room < 20 || (ip[0] >> 4) != 4)
		return (false);
	*hlen = (ip[0] & 15) * 4u;
	*total = be16dec(ip + 2);
	if (ip[9] != 6 || (be16dec(ip + 6) & 0x3fff) != 0 || *hlen < 20)
		return (false);
	memcpy(sg->sg_key.fk_src, ip + 12, 4);
	memcpy(sg->sg_key.fk_dst, ip + 16, 4);
	return (true);
}

static bool
parse_ip6(const uint8_t *ip, unsigned room, struct segment *sg, unsigned *hlen,
    uint32_t *total)
{
	if (room < 40 || (ip[0] >> 4) != 6 || ip[6] != 6)
		return (false);
	*hlen = 40;
	*total = be16dec(ip + 4);
	if (*total != 0)
		*total += 40;
	memcpy(sg->sg_key.fk_src, ip + 8, 16);
	memcpy(sg->sg_key.fk_dst, ip + 24, 16);
	sg->sg_key.fk_vlan_v6 |= 0x10000;
	return (true);
}

static bool
parse_tcp(const uint8_t *th, unsigned room, uint32_t len, struct segment *sg)
{
	unsigned thlen;

	if (room < 20)
		return (false);
	thlen = (th[12] >> 4) * 4u;
	if (thlen < 20 || len < thlen)
		return (false);
	sg->sg_key.fk_sport = be16dec(th);
	sg->sg_key.fk_dport = be16dec(th + 2);
	sg->sg_seq = be32dec(th + 4);
	sg->sg_ack = be32dec(th + 8);
	sg->sg_flags = th[13];
	sg->sg_win = be16dec(th + 14);
	sg->sg_optlen = (uint16_t)(MIN(thlen, room) - 20);
	sg->sg_len = len - thlen;
	return (true);
}

bool
segment_parse(const struct frame *f, struct segment *sg)
{
	unsigned l3, hlen, room;
	uint32_t total;
	uint16_t type, vlan;
	bool ok;

	memset(sg, 0, sizeof(*sg));
	type = segment_ethertype(f, &l3, &vlan);
	if (type == 0 || l3 > f->f_hdrlen)
		return (false);
	room = f->f_hdrlen - l3;
	sg->sg_key.fk_vlan_v6 = vlan;
	if (type == 0x0800)
		ok = parse_ip4(f->f_hdr + l3, room, sg, &hlen, &total);
	else
		ok = type == 0x86dd &&
		    parse_ip6(f->f_hdr + l3, room, sg, &hlen, &total);
	if (!ok || hlen > room)
		return (false);
	if (total == 0 || total > frame_len(f) - l3)
		total = frame_len(f) - l3; /* TSO writes 0 for "long" */
	if (total < hlen)
		return (false);
	sg->sg_optoff = (uint16_t)(l3 + hlen + 20);
	return (parse_tcp(f->f_hdr + l3 + hlen, room - hlen, total - hlen, sg));
}
