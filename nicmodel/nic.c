/* A card's life, its receive side, and its link. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>

#include "nic_parse.h"

/* The driver's part of a capability change: all of ours can be switched. */
static int
nic_ioctl(struct ifnet *ifp, uint64_t capenable, uint32_t flags)
{
	return (0);
}

static void
nic_sysctl(struct nic *n)
{
	struct vnet *vnet = n->n_vnet;
	struct nic_stats *st = &n->n_stats;
	char name[64];

#define CTR(field, descr)                                                 \
	do {                                                              \
		snprintf(name, sizeof(name), "dev.%s." #field,            \
		    n->n_if.if_xname);                                    \
		sysctl_add(vnet, name, &st->field, CTL_CTR, NULL, descr); \
	} while (0)
	CTR(tx_packets, "packets from the stack");
	CTR(tx_frames, "frames sent");
	CTR(tx_bytes, "bytes sent, link header included");
	CTR(tx_bursts, "packets segmented by the card");
	CTR(enobuf, "packets refused: ring full");
	CTR(tx_lost_ring, "frames built while the link was down");
	CTR(rx_frames, "frames received");
	CTR(rx_bytes, "bytes received");
	CTR(rx_bad_csum, "frames with a wrong checksum");
	CTR(dma_payload, "payload bytes fetched over PCIe");
	CTR(dma_reread, "of these, fetched again to rebuild cipher state");
	CTR(tls_packets, "packets encrypted");
	CTR(tls_bytes, "record bytes put on the wire encrypted");
	CTR(tls_restarts,
	    "cipher state rebuilt: sequence not the expected one");
	CTR(tls_tags, "TLS send tags alive");
	CTR(tls_tags_taken, "TLS send tags taken");
	CTR(tls_tags_released, "TLS send tags released");
	CTR(tls_plain_refused, "records without a send tag refused");
#undef CTR
}

int
nic_attach(struct vnet *vnet, const struct nic_params *np, struct nic **out)
{
	const struct nic_model *model = nic_model_find(np->np_model);
	struct ifnet *ifp;
	struct nic *n;
	int error;

	if (model == NULL || np->np_mtu < 576 || np->np_mtu > 9216 ||
	    np->np_ring > 65536)
		return (EINVAL);
	n = xcalloc(1, sizeof(*n));
	n->n_model = model;
	n->n_vnet = vnet;
	n->n_params = *np;
	nic_ring_init(n);
	ifp = &n->n_if;
	ifp->if_softc = n;
	ifp->if_mtu = np->np_mtu;
	ifp->if_baudrate = np->np_rate_bps;
	ifp->if_capabilities = model->nm_caps;
	ifp->if_hw_tsomax = model->nm_tsomax;
	ifp->if_hw_tsomaxsegcount = model->nm_tsomaxsegcount;
	ifp->if_hw_tsomaxsegsize = model->nm_tsomaxsegsize;
	if_attach(vnet, ifp, np->np_xname);
	ether_ifattach(ifp, np->np_lladdr);
	ifp->if_transmit = nic_transmit;
	ifp->if_ioctl = nic_ioctl;
	ifp->if_snd_tag_alloc = model->nm_snd_tag_alloc;
	(void)if_setcap(ifp, model->nm_caps);
	if (model->nm_attach != NULL && (error = model->nm_attach(n)) != 0) {
		if_detach(ifp);
		free(n);
		return (error);
	}
	nic_sysctl(n);
	*out = n;
	return (0);
}

void
nic_detach(struct nic *n)
{
	char prefix[32];

	if (n == NULL)
		return;
	nic_ring_fini(n);
	snprintf(prefix, sizeof(prefix), "dev.%s.", n->n_if.if_xname);
	sysctl_remove(n->n_vnet, prefix);
	if (n->n_model->nm_detach != NULL)
		n->n_model->nm_detach(n);
	if_detach(&n->n_if);
	free(n);
}

void
nic_link(struct nic *n, bool up)
{
	n->n_link_up = up;
	if_link_state_change(&n->n_if, up ? LINK_STATE_UP : LINK_STATE_DOWN);
}

/* --- receive --- */

static bool
nic_mine(const struct nic *n, const struct frame *f)
{
	return ((f->f_hdr[0] & 1) != 0 ||
	    memcmp(f->f_hdr, n->n_if.if_lladdr, KETHER_ADDR_LEN) == 0);
}

/* Symmetric in nothing: just stable for a flow, as RSS is. */
static uint32_t
nic_rss_hash(const struct frame *f)
{
	uint32_t off, len;

	if (f->f_l4len == 0)
		return (0);
	off = f->f_l2len + ((f->f_hdr[f->f_l2len] >> 4) == 4 ? 12u : 8u);
	len = (f->f_hdr[f->f_l2len] >> 4) == 4 ? 8u : 32u;
	return ((uint32_t)fnv1a64(f->f_hdr + f->f_l2len + f->f_l3len, 4,
	    fnv1a64(f->f_hdr + off, len, FNV1A64_BASIS)));
}

static void
nic_rx_csum(struct nic *n, const struct frame *f, struct pkthdr *ph)
{
	bool l3ok, l4ok;

	if (f->f_l4len == 0)
		return;
	frame_csum_check(f, &l3ok, &l4ok);
	if (!l3ok || !l4ok)
		n->n_stats.rx_bad_csum++;
	ph->csum_flags = CSUM_L3_CALC | CSUM_L4_CALC |
	    (l3ok ? CSUM_L3_VALID : 0) | (l4ok ? CSUM_L4_VALID : 0);
}

static void
nic_rx_payload_free(struct mbuf *m)
{
	framebuf_rele(m->m_ext.ext_arg1);
}

/* Header bytes are copied, payload is shared with whoever holds the frame. */
static struct mbuf *
nic_rx_mbuf(struct nic *n, struct frame *f)
{
	struct mb_state *mb = n->n_vnet->v_mb;
	struct mbuf *m, *p;

	if ((m = m_gethdr(mb, M_NOWAIT, MT_DATA)) == NULL)
		return (NULL);
	memcpy(m->m_data, f->f_hdr, f->f_hdrlen);
	m->m_len = f->f_hdrlen;
	m->m_pkthdr.len = (int32_t)frame_len(f);
	m->m_pkthdr.rcvif = &n->n_if;
	m->m_pkthdr.flowid = nic_rss_hash(f);
	m->m_pkthdr.rsstype = M_HASHTYPE_OPAQUE;
	m->m_pkthdr.note = f->f_note;
	if (f->f_paylen == 0)
		return (m);
	if ((p = m_get(mb, M_NOWAIT, MT_DATA)) == NULL) {
		m_freem(m);
		return (NULL);
	}
	framebuf_ref(f->f_buf);
	m_extadd(p, (uint8_t *)(uintptr_t)f->f_payload,
	    (uint32_t)roundup2(f->f_paylen, 2048), nic_rx_payload_free,
	    f->f_buf, NULL, M_RDONLY, EXT_NET_DRV);
	p->m_len = (int32_t)f->f_paylen;
	m->m_next = p;
	return (m);
}

void
nic_rx(struct nic *n, struct frame *f)
{
	struct ifnet *ifp = &n->n_if;
	struct mbuf *m;

	if (!n->n_link_up || (ifp->if_flags & IFF_UP) == 0)
		n->n_stats.rx_link_down++;
	else if (!nic_mine(n, f))
		n->n_stats.rx_not_mine++;
	else if ((m = nic_rx_mbuf(n, f)) == NULL)
		ifp->if_ctr.iqdrops++;
	else {
		nic_rx_csum(n, f, &m->m_pkthdr);
		n->n_stats.rx_frames++;
		n->n_stats.rx_bytes += frame_len(f);
		ifp->if_ctr.ipackets++;
		ifp->if_ctr.ibytes += frame_len(f);
		frame_rele(f);
		ifp->if_input(ifp, m);
		return;
	}
	frame_rele(f);
}
