/* A plain card: checksums and TSO, unmapped mbufs, no TLS. */
#include <stdlib.h>

#include "gen_wr.h"

static int
basic_attach(struct nic *n)
{
	n->n_softc = xcalloc(1, sizeof(struct gen_softc));
	gen_softc_init(n->n_softc, n);
	return (0);
}

static void
basic_detach(struct nic *n)
{
	gen_softc_fini(n->n_softc);
	free(n->n_softc);
}

static int
basic_transmit(struct nic *n, struct nic_queue *q, struct mbuf *m,
    const char **why)
{
	return (gen_transmit(n, q, m, 0, why));
}

static int
basic_hw_exec(struct nic_exec *x)
{
	return (gen_exec(x, NULL));
}

extern const struct nic_model nic_basic;
const struct nic_model nic_basic = {
	.nm_name = "basic",
	.nm_text = "plain card: checksums, TSO, unmapped mbufs; no TLS",
	.nm_driver = "",
	.nm_source = "our own",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG | IFCAP_VLAN_MTU,
	.nm_tsomax = 65518,
	.nm_tsomaxsegcount = 50,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_ring_min = 1,
	.nm_ring_max = 65536,
	.nm_ring_any = true,
	.nm_queues = 1,
	.nm_fetch = 500 * SIM_NS,
	.nm_attach = basic_attach,
	.nm_detach = basic_detach,
	.nm_transmit = basic_transmit,
	.nm_hw_exec = basic_hw_exec,
	.nm_decode = gen_decode,
};
