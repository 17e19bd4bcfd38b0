/*
 * What arrives of a frame that was struck. Frames are shared with the capture
 * and the checkers: who changes one makes a copy first.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/flowkey.h>
#include <ktsim/sim/impair.h>

struct frame *
impair_copy(struct frame *f)
{
	struct frame *c = frame_alloc(f->f_pool);

	*c = *f;
	c->f_refs = 1;
	if (c->f_buf != NULL)
		framebuf_ref(c->f_buf);
	return (c);
}

/* One bit; TCP's checksum fits the damage, or the original. */
static struct frame *
damage(const struct impair_fate *fate, struct frame *f)
{
	struct frame *c = frame_copy(f);

	frame_rele(f);
	frame_csum_settle(c);
	if (fate->if_byte < c->f_hdrlen)
		c->f_hdr[fate->if_byte] ^= fate->if_bit;
	else
		c->f_buf->fb_data[fate->if_byte - c->f_hdrlen] ^= fate->if_bit;
	if (fate->if_right) {
		c->f_flags |= FRAME_CSUM_LAZY;
		frame_csum_settle(c);
	}
	c->f_flags |= FRAME_CORRUPTED;
	return (c);
}

static struct frame *
mark_ce(struct frame *f)
{
	struct frame *c = impair_copy(f);
	uint16_t type, vlan;
	unsigned l3;
	uint8_t *ip;

	frame_rele(f);
	type = segment_ethertype(c, &l3, &vlan);
	ip = c->f_hdr + l3;
	if (type == KETHERTYPE_IPV6) {
		ip[1] |= 0x30;
		return (c);
	}
	ip[1] |= 3;
	if ((c->f_flags & FRAME_CSUM_LAZY) == 0) {
		memset(ip + 10, 0, 2);
		be16enc(ip + 10, (uint16_t)~in_sum(ip, (ip[0] & 15) * 4u));
	}
	return (c);
}

struct frame *
impair_arriving(const struct impair_fate *fate, struct frame *f)
{
	if (fate->if_ce)
		f = mark_ce(f);
	if (fate->if_damaged)
		f = damage(fate, f);
	return (f);
}

static void
remark(struct strbuf *sb, const char *text)
{
	strbuf_addf(sb, "%s%s", sb->sb_len > 0 ? ", " : "", text);
}

void
impair_remark(const struct impair_fate *fate, simtime_t left, struct strbuf *sb)
{
	if (fate->if_ce)
		remark(sb, "marked CE");
	if (fate->if_damaged)
		remark(sb,
		    fate->if_right ? "arrives damaged with a right checksum"
				   : "arrives damaged");
	if (fate->if_copies > 0)
		remark(sb, "arrives twice");
	if (fate->if_late && fate->if_when > left) {
		remark(sb, "late by ");
		dump_time(sb, fate->if_when - left);
	}
}
