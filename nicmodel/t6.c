/*
 * Chelsio T6 with NIC TLS: the model's table, its settings and counters.
 *
 * NIC TLS and TOE exclude each other on an adapter: with TOE enabled the
 * capability cannot be switched on (EAGAIN), and it is off from the start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/vnet.h>

#include "t6_drv.h"

#define TXTLS (IFCAP_TXTLS4 | IFCAP_TXTLS6)
#define TOE   (IFCAP_TOE4 | IFCAP_TOE6)

static const struct nic_knob t6_knobs[] = {
	[T6_KNOB_KERN_TLS] = { "kern_tls", 1, 0, 1, NULL, "",
	    "hw.cxgbe.kern_tls: NIC TLS is enabled from the start",
	    "the tunable is 0 in FreeBSD; 1 here, since who names this card "
	    "wants it" },
	[T6_KNOB_TOE] = { "toe", 0, 0, 1, NULL, "",
	    "TOE is enabled on the adapter: it takes the connections of "
	    "listeners, TLS too; excludes NIC TLS",
	    "t4_main.c, t4_tom.c" },
	[T6_KNOB_INLINE_KEYS] = { "inline_keys", 0, 0, 1, NULL, "",
	    "hw.cxgbe.tls.inline_keys: the key in each work request",
	    "t6_kern_tls.c" },
	[T6_KNOB_COMBO_WRS] = { "combo_wrs", 0, 0, 1, NULL, "",
	    "hw.cxgbe.tls.combo_wrs: control block writes in front of the "
	    "record, in one work request",
	    "t6_kern_tls.c" },
	[T6_KNOB_ATIDS] = { "atids", 2048, 1, 65536, NULL, "entries",
	    "NIC TLS: active opens under way at once",
	    "assumed: the size of a T6's table was not found" },
	[T6_KNOB_TIDS] = { "tids", 18432, 1, 1048576, NULL, "entries",
	    "pseudo-connections at once",
	    "assumed: depends on the firmware's configuration" },
	[T6_KNOB_KEY_MEMORY] = { "key_memory", 1048576, 0, 268435456, NULL,
	    "bytes",
	    "the card's memory for keys; those without a place are inline",
	    "assumed: the size of the key region was not found" },
	[T6_KNOB_OPEN_TIME] = { "open_time", 15000, 0, 1000000000, NULL, "ns",
	    "the firmware's answer to an active open",
	    "assumed: a round trip to the firmware" },
	[T6_KNOB_SOFT_RING] = { "soft_ring", 1024, 1, 1048576, NULL, "packets",
	    "packets that may wait before a queue (mp_ring)",
	    "t4_sge.c: as many as the queue has descriptors" },
	[T6_KNOB_TOE_CREDITS] = { "toe_credits", 256, 32, 65535, NULL,
	    "16 bytes",
	    "work requests that an offloaded connection may have out",
	    "assumed: the firmware tells it (ofldq_wr_cred)" },
	{ .k_name = NULL },
};

/* --- counters --- */

static void
txq_sysctl(struct nic *n, unsigned i)
{
	struct t6_softc *sc = n->n_softc;
	struct t6_txq *tx = &sc->sc_txqs[i];
	char name[64];

#define CTR(field, descr)                                                      \
	do {                                                                   \
		snprintf(name, sizeof(name), "dev.cc.%u.txq.%u." #field,       \
		    sc->sc_unit, i);                                           \
		sysctl_add(n->n_vnet, name, &tx->field, CTL_CTR, NULL, descr); \
	} while (0)
	CTR(txpkt_wrs, "work requests that are one packet");
	CTR(imm_wrs, "of these, with the packet inside");
	CTR(sgl_wrs, "of these, with a gather list");
	CTR(raw_wrs, "work requests that send nothing");
	CTR(tso_wrs, "packets for the card to segment");
	CTR(txcsum, "packets whose checksums the card writes");
	CTR(tx_parse_error, "packets refused before they were queued");
	CTR(kern_tls_records, "records and pieces of records");
	CTR(kern_tls_short, "pieces without the tag");
	CTR(kern_tls_partial, "ends of records, encrypted whole");
	CTR(kern_tls_full, "whole records");
	CTR(kern_tls_octets, "record bytes asked for");
	CTR(kern_tls_waste, "bytes read and not asked for");
	CTR(kern_tls_options, "packets for TCP options");
	CTR(kern_tls_header, "pieces of record headers, sent in the clear");
	CTR(kern_tls_fin, "packets for a FIN");
	CTR(kern_tls_fin_short, "FINs behind a piece: a hole in the stream");
	CTR(kern_tls_cbc, "sessions with AES-CBC");
	CTR(kern_tls_gcm, "sessions with AES-GCM");
#undef CTR
}

static void
t6_sysctl(struct nic *n)
{
	struct t6_softc *sc = n->n_softc;

	sc->sc_unit = nic_unit(n, "txq.0.txpkt_wrs");
	for (unsigned i = 0; i < n->n_drv->d_nsend; i++)
		txq_sysctl(n, i);
}

/* --- life --- */

static int
t6_ioctl(struct ifnet *ifp, uint64_t *capenable, uint32_t flags)
{
	struct nic *n = ifp_to_nic(ifp);

	nic_rx_settle(n);
	if (nic_knob(n, T6_KNOB_TOE) != 0 && (*capenable & TXTLS) != 0)
		return (EAGAIN);
	return (0);
}

static void
t6_caps(struct nic *n)
{
	struct ifnet *ifp = &n->n_if;

	ifp->if_ioctl = t6_ioctl;
	if (nic_knob(n, T6_KNOB_KERN_TLS) == 0 || nic_knob(n, T6_KNOB_TOE) != 0)
		(void)if_setcap(ifp, ifp->if_capenable & ~(uint64_t)TXTLS);
	if (nic_knob(n, T6_KNOB_TOE) == 0)
		return;
	ifp->if_capabilities |= TOE;
	(void)if_setcap(ifp, ifp->if_capenable | TOE);
}

static int
t6_attach(struct nic *n)
{
	struct t6_softc *sc;

	n->n_softc = sc = xcalloc(1, sizeof(*sc));
	kzone_init(&sc->sc_tags, &n->n_vnet->v_kmem, "t6_tag",
	    sizeof(struct t6_tag));
	kzone_init(&sc->sc_opens, &n->n_vnet->v_kmem, "t6_open",
	    sizeof(struct t6_open));
	TAILQ_INIT(&sc->sc_list);
	sc->sc_txqs = xcalloc(n->n_drv->d_nsend, sizeof(*sc->sc_txqs));
	for (unsigned i = 0; i < n->n_drv->d_nsend; i++)
		sc->sc_txqs[i].tx_soft_last = &sc->sc_txqs[i].tx_soft;
	sc->sc_atids_max = nic_knob(n, T6_KNOB_ATIDS);
	t6_keymem_init(&sc->sc_keys, (uint32_t)nic_knob(n, T6_KNOB_KEY_MEMORY));
	n->n_drv->d_cmd_time =
	    (simtime_t)nic_knob(n, T6_KNOB_OPEN_TIME) * SIM_NS;
	t6_ctrl(n,
	    &(struct nic_cmd) { .c_op = T6_TIDS,
		.c_in[0] = nic_knob(n, T6_KNOB_TIDS) });
	t6_sysctl(n);
	t6_caps(n);
	if (nic_knob(n, T6_KNOB_TOE) != 0)
		t6_toe_attach(n);
	return (0);
}

static void
t6_detach(struct nic *n)
{
	struct t6_softc *sc = n->n_softc;
	char prefix[48];

	t6_soft_flush(n);
	t6_toe_detach(n);
	KASSERT(sc->sc_tags.z_inuse == 0,
	    ("%s detached with %ju send tags", n->n_if.if_xname,
		(uintmax_t)sc->sc_tags.z_inuse));
	snprintf(prefix, sizeof(prefix), "dev.cc.%u.", sc->sc_unit);
	sysctl_remove(n->n_vnet, prefix);
	kzone_fini(&sc->sc_opens);
	kzone_fini(&sc->sc_tags);
	free(sc->sc_recs);
	free(sc->sc_segs);
	free(sc->sc_txqs);
	free(sc);
}

static void
t6_dump(const struct nic *n, struct strbuf *sb, int indent)
{
	const struct t6_softc *sc = n->n_softc;

	strbuf_addf(sb,
	    "%*stags %ju (most %ju), atids %ju of %ju, keys in memory %ju\n",
	    indent, "", (uintmax_t)n->n_stats.tls_tags,
	    (uintmax_t)n->n_stats.tls_tags_max, (uintmax_t)sc->sc_atids,
	    (uintmax_t)sc->sc_atids_max, (uintmax_t)sc->sc_keys.km_count);
	t6_toe_dump(n, sb, indent);
	for (unsigned i = 0; i < n->n_drv->d_nsend; i++)
		if (sc->sc_txqs[i].tx_nsoft > 0)
			strbuf_addf(sb,
			    "%*squeue %u: %u packets wait before it\n", indent,
			    "", i, sc->sc_txqs[i].tx_nsoft);
}

extern const struct nic_model nic_t6;
const struct nic_model nic_t6 = {
	.nm_name = "t6",
	.nm_text =
	    "Chelsio T6: AES-GCM and AES-CBC, TLS 1.1 and 1.2; NIC TLS (transmit), or with toe TCP and both directions",
	.nm_driver = "cxgbe(4)",
	.nm_unit = "cc",
	.nm_source = "FreeBSD t6_kern_tls.c, t4_keyctx.c, t4_sge.c; the card's "
		     "inside is inferred from what the driver hands it",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG | IFCAP_TXTLS4 | IFCAP_TXTLS6 | IFCAP_VLAN_MTU |
	    IFCAP_VLAN_HWTAGGING | IFCAP_VLAN_HWCSUM | IFCAP_VLAN_HWTSO,
	.nm_tsomax = 65535,
	.nm_tsomaxsegcount = 38,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_ring_min = 64,
	.nm_ring_max = 65536,
	.nm_queues = 4,
	.nm_fetch = 500 * SIM_NS,      /* assumed, as the others' */
	.nm_bus_bps = 104000000000ULL, /* PCIe 3.0 x16, usable: assumed */
	.nm_buffer = 256 * 1024,       /* assumed */
	.nm_knobs = t6_knobs,
	.nm_attach = t6_attach,
	.nm_detach = t6_detach,
	.nm_select = t6_select,
	.nm_transmit = t6_transmit,
	.nm_snd_tag_alloc = t6_tag_alloc,
	.nm_reaped = t6_reaped,
	.nm_reset = t6_reset,
	.nm_dump = t6_dump,
	.nm_hw_attach = t6_hw_attach,
	.nm_hw_detach = t6_hw_detach,
	.nm_hw_reset = t6_hw_reset,
	.nm_hw_rx = t6_tp_rx,
	.nm_hw_exec = t6_hw_exec,
	.nm_hw_cmd = t6_hw_cmd,
	.nm_hw_order = t6_hw_order,
	.nm_hw_dump = t6_hw_dump,
	.nm_decode = t6_decode,
};
