/*
 * What captures say of a frame: which record, where in it, resent or not. This
 * is the laboratory's knowledge (struct nic_lab), none of the card's.
 */
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp.h>

#include "nic_hw.h"

static void
note_record(struct pkt_note *pn, const struct mbuf *m, int32_t off)
{
	pn->pn_mode = PKT_PLAIN;
	if ((m->m_flags & M_EXTPG) == 0 || m->m_epg.hdrlen == 0)
		return;
	pn->pn_mode = m->m_epg.tls != NULL ? PKT_KTLS_IFNET : PKT_KTLS_SW;
	pn->pn_rec_seqno = m->m_epg.seqno;
	pn->pn_rec_off = (uint32_t)((int32_t)m->m_epg_off + off);
}

void
nic_note(struct frame *f, const struct nic_lab *lab, uint32_t at, uint32_t seq,
    uint32_t burst, uint32_t reread, unsigned queue)
{
	const struct mbuf *m = lab->l_rec;
	struct pkt_note *pn = &f->f_note;
	int32_t off = lab->l_skip + (int32_t)at;

	if (lab->l_m == NULL)
		return;
	*pn = lab->l_m->m_pkthdr.note;
	pn->pn_burst = burst;
	pn->pn_tag = lab->l_tag;
	pn->pn_reread = reread;
	pn->pn_queue = (uint16_t)queue;
	while (m != NULL && off >= m->m_len) {
		off -= m->m_len;
		m = m->m_next;
	}
	if (m != NULL && f->f_paylen > 0)
		note_record(pn, m, off);
	pn->pn_rexmit =
	    pn->pn_tcp && f->f_paylen > 0 && SEQ_LT(seq, pn->pn_snd_max);
}
