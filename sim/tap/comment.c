/*
 * The text beside each frame in a capture: why it exists and what became of
 * it. Wireshark shows it as frame.comment, and the gate reads the word
 * "rexmit" in it, so that word is written for retransmissions only: payload
 * that the sender says it sends again, and a SYN or FIN that the wire has seen
 * (an ACK in FIN_WAIT_1, CLOSING or LAST_ACK repeats the FIN).
 */
#include <inttypes.h>

#include <ktsim/nic/frame.h>
#include <ktsim/sim/tap.h>

#include <ktsim/sim/flowkey.h>

static const char *
mode_text(uint8_t mode)
{
	switch (mode) {
	case PKT_KTLS_SW:
		return ("ktls sw");
	case PKT_KTLS_IFNET:
		return ("ktls ifnet");
	case PKT_KTLS_TOE:
		return ("ktls toe");
	default:
		return ("plain mbufs");
	}
}

static const char *
bare_text(uint8_t flags)
{
	if ((flags & SEG_RST) != 0)
		return ("rst");
	if ((flags & SEG_SYN) != 0)
		return ((flags & SEG_ACK) != 0 ? "syn ack" : "syn");
	return ((flags & SEG_FIN) != 0 ? "fin" : "ack");
}

static void
comment_number(struct strbuf *sb, const char *what, uint64_t v)
{
	strbuf_adds(sb, what);
	strbuf_addu(sb, v);
}

static void
comment_payload(const struct pkt_note *pn, struct strbuf *sb)
{
	if (pn->pn_mode != PKT_PLAIN) {
		comment_number(sb, "record ", pn->pn_rec_seqno);
		if (pn->pn_rec_off != 0)
			comment_number(sb, " +", pn->pn_rec_off);
		strbuf_adds(sb, ", ");
	}
	strbuf_adds(sb, mode_text(pn->pn_mode));
	if (pn->pn_tag != 0)
		comment_number(sb, ", tag ", pn->pn_tag);
	if (pn->pn_burst != 0)
		comment_number(sb, ", burst ", pn->pn_burst);
	comment_number(sb, ", queue ", pn->pn_queue);
}

/* Returns whether bytes are carried: then the sender knows what it repeats. */
static bool
comment_subject(const struct frame *f, struct strbuf *sb)
{
	struct segment sg;
	unsigned l3;
	uint16_t type, vlan;

	if (segment_parse(f, &sg)) {
		if (sg.sg_len == 0) {
			strbuf_adds(sb, bare_text(sg.sg_flags));
			return (false);
		}
		if (f->f_note.pn_tcp)
			comment_payload(&f->f_note, sb);
		else
			strbuf_adds(sb, "from outside");
		if ((sg.sg_flags & SEG_FIN) != 0)
			strbuf_adds(sb, ", fin");
		return (true);
	}
	type = segment_ethertype(f, &l3, &vlan);
	if (type == 0x0806)
		strbuf_adds(sb, "arp");
	else if (type == 0x0800 || type == 0x86dd)
		strbuf_adds(sb, "ip");
	else if (type == 0x8809)
		strbuf_adds(sb, "slow protocol");
	else
		strbuf_addf(sb, "ethertype 0x%04x", type);
	return (true);
}

static void
comment_rexmit(const struct pkt_note *pn, uint64_t rexmit_of, struct strbuf *sb)
{
	/* The sender counts what was refused below as sent; the wire does not. */
	if (rexmit_of != 0)
		strbuf_addf(sb, ", rexmit of #%" PRIu64, rexmit_of);
	else
		strbuf_adds(sb, ", refused before");
	if (pn->pn_why != NULL)
		strbuf_addf(sb, " (%s)", pn->pn_why);
}

void
capture_comment(const struct frame *f, const char *verdict, const char *remark,
    uint64_t rexmit_of, struct strbuf *sb)
{
	const struct pkt_note *pn = &f->f_note;
	bool carries;

	carries = comment_subject(f, sb);
	if (pn->pn_rexmit || (!carries && rexmit_of != 0))
		comment_rexmit(pn, rexmit_of, sb);
	if (pn->pn_reread != 0)
		strbuf_addf(sb, ", card re-read %" PRIu32 " bytes",
		    pn->pn_reread);
	if ((f->f_flags & FRAME_CORRUPTED) != 0)
		strbuf_adds(sb, ", corrupted");
	if ((f->f_flags & FRAME_DAMAGED) != 0)
		strbuf_adds(sb, ", damaged by its card");
	if ((f->f_flags & FRAME_LOST_RING) != 0)
		strbuf_adds(sb, ", lost in ring: link down");
	else if (verdict != NULL)
		strbuf_addf(sb, ", dropped: %s", verdict);
	else if (remark != NULL)
		strbuf_addf(sb, ", %s", remark);
}
