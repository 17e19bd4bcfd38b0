/* A card's life and its link. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/tcp_lro.h>

#include "nic_drv.h"

/* The driver's part of a capability change: all of ours can be switched. */
static int
nic_ioctl(struct ifnet *ifp, uint64_t *capenable, uint32_t flags)
{
	nic_rx_settle((struct nic *)(void *)ifp);
	return (0);
}

static int
nic_set_mtu(struct ifnet *ifp, uint32_t mtu)
{
	return (mtu < NIC_MTU_MIN || mtu > NIC_MTU_MAX ? EINVAL : 0);
}

static void
nic_sysctl(struct nic *n)
{
	struct vnet *vnet = n->n_vnet;
	struct nic_stats *st = &n->n_stats;
	struct lro_stats *lro;
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
	CTR(rx_link_down, "frames that came while the link was down");
	CTR(rx_not_mine, "frames for other addresses");
	CTR(rx_interrupts, "receive interrupts");
	CTR(dma_payload, "payload bytes fetched over PCIe");
	CTR(dma_reread, "of these, fetched again to rebuild or close a record");
	CTR(dma_desc, "bytes of work requests fetched");
	CTR(dma_cqe, "bytes of completions written");
	CTR(dma_rx, "bytes of received frames written");
	CTR(dma_map_failed, "DMA mappings that failed");
	CTR(resets, "resets of the card");
	CTR(cqe_err, "work requests that made no sense to the card");
	CTR(tls_packets, "packets encrypted");
	CTR(tls_bytes, "record bytes put on the wire encrypted");
	CTR(rx_decrypted, "packets that the card decrypted");
	CTR(tls_restarts,
	    "cipher state rebuilt: sequence not the expected one");
	CTR(tls_tags, "TLS send tags alive");
	CTR(tls_tags_taken, "TLS send tags taken");
	CTR(tls_tags_released, "TLS send tags released");
	CTR(tls_tags_refused, "TLS send tags refused");
	CTR(tls_black_holes,
	    "TLS send tags that drop all their packets for good");
	CTR(tls_plain_refused, "records without a send tag refused");
#undef CTR
	lro = tcp_lro_stats(n->n_lro);
	snprintf(name, sizeof(name), "dev.%s.lro_queued", n->n_if.if_xname);
	sysctl_add(vnet, name, &lro->lro_queued, CTL_CTR, NULL,
	    "segments taken by LRO");
	snprintf(name, sizeof(name), "dev.%s.lro_flushed", n->n_if.if_xname);
	sysctl_add(vnet, name, &lro->lro_flushed, CTL_CTR, NULL,
	    "packets handed up for them");
}

int
nic_knob_find(const struct nic_model *model, const char *name)
{
	const struct nic_knob *k = model->nm_knobs;

	for (int i = 0; k != NULL && k[i].k_name != NULL; i++)
		if (strcmp(k[i].k_name, name) == 0)
			return (i);
	return (-1);
}

/* Those that the scenario does not set have their defaults. */
static int
nic_knobs(struct nic *n)
{
	const struct nic_knob *k = n->n_model->nm_knobs;
	struct nic_params *np = &n->n_params;

	for (int i = 0; k != NULL && k[i].k_name != NULL; i++) {
		if ((np->np_knobs_set & (1u << i)) == 0)
			np->np_knobs[i] = k[i].k_def;
		if (np->np_knobs[i] < k[i].k_min ||
		    np->np_knobs[i] > k[i].k_max)
			return (EINVAL);
	}
	return (0);
}

static void
nic_ifattach(struct nic *n)
{
	const struct nic_model *model = n->n_model;
	const struct nic_params *np = &n->n_params;
	struct ifnet *ifp = &n->n_if;

	ifp->if_softc = n;
	ifp->if_mtu = np->np_mtu;
	ifp->if_baudrate = np->np_rate_bps;
	ifp->if_capabilities = model->nm_caps;
	ifp->if_hw_tsomax = model->nm_tsomax;
	ifp->if_hw_tsomaxsegcount = model->nm_tsomaxsegcount;
	ifp->if_hw_tsomaxsegsize = model->nm_tsomaxsegsize;
	if_attach(n->n_vnet, ifp, np->np_xname);
	ether_ifattach(ifp, np->np_lladdr);
	ifp->if_numa_domain = np->np_numa_domain;
	ifp->if_transmit = nic_transmit;
	ifp->if_ioctl = nic_ioctl;
	ifp->if_set_mtu = nic_set_mtu;
	ifp->if_snd_tag_alloc = model->nm_snd_tag_alloc;
	ifp->if_ratelimit_query = model->nm_ratelimit_query;
	(void)if_setcap(ifp,
	    np->np_lro ? model->nm_caps
		       : model->nm_caps & ~(uint64_t)IFCAP_LRO);
}

/* The two halves: the hardware is there before its driver. */
static int
nic_halves(struct nic *n)
{
	const struct nic_model *model = n->n_model;
	int error;

	if ((error = nic_drv_init(n)) != 0)
		return (error);
	nic_cmd_init(n);
	if (model->nm_hw_attach != NULL &&
	    (error = model->nm_hw_attach(n->n_card)) != 0) {
		nic_drv_fini(n);
		return (error);
	}
	if (model->nm_attach == NULL || (error = model->nm_attach(n)) == 0)
		return (0);
	if (model->nm_hw_detach != NULL)
		model->nm_hw_detach(n->n_card);
	nic_drv_fini(n);
	return (error);
}

int
nic_attach_model(struct vnet *vnet, const struct nic_model *model,
    const struct nic_params *np, struct nic **out)
{
	struct nic *n;
	int error;

	if (np->np_mtu < NIC_MTU_MIN || np->np_mtu > NIC_MTU_MAX)
		return (EINVAL);
	n = xcalloc(1, sizeof(*n));
	n->n_model = model;
	n->n_vnet = vnet;
	n->n_params = *np;
	if ((error = nic_knobs(n)) != 0) {
		free(n);
		return (error);
	}
	nic_ifattach(n);
	nic_rx_init(n);
	if ((error = nic_halves(n)) != 0) {
		nic_rx_fini(n);
		if_detach(&n->n_if);
		free(n);
		return (error);
	}
	nic_sysctl(n);
	*out = n;
	return (0);
}

int
nic_attach(struct vnet *vnet, const struct nic_params *np, struct nic **out)
{
	const struct nic_model *model = nic_model_find(np->np_model);

	if (model == NULL)
		return (EINVAL);
	return (nic_attach_model(vnet, model, np, out));
}

void
nic_detach(struct nic *n)
{
	char prefix[32];

	if (n == NULL)
		return;
	nic_cmd_fini(n); /* who waits is told */
	nic_drv_drop_all(n);
	nic_cmd_fini(n); /* what tags that only the rings held have asked for */
	nic_card_reset(n->n_card);
	nic_rx_fini(n);
	snprintf(prefix, sizeof(prefix), "dev.%s.", n->n_if.if_xname);
	sysctl_remove(n->n_vnet, prefix);
	if (n->n_model->nm_detach != NULL)
		n->n_model->nm_detach(n);
	if (n->n_model->nm_hw_detach != NULL)
		n->n_model->nm_hw_detach(n->n_card);
	nic_drv_fini(n);
	if_detach(&n->n_if);
	free(n);
}

void
nic_link(struct nic *n, bool up)
{
	nic_rx_settle(n);
	n->n_link_up = up;
	n->n_card->c_link_up = up;
	if_link_state_change(&n->n_if, up ? LINK_STATE_UP : LINK_STATE_DOWN);
}
