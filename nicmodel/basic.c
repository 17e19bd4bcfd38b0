/* A plain card: checksums and TSO, unmapped mbufs, no TLS. */
#include "nic_parse.h"

static int
basic_tx(struct nic *n, struct mbuf *m, struct frameq *out)
{
	struct nic_pkt p;
	int error;

	if ((error = nic_parse(m, &p)) != 0)
		return (error);
	return (nic_segment(n, &p, nic_fetch_plain, out));
}

extern const struct nic_model nic_basic;
const struct nic_model nic_basic = {
	.nm_name = "basic",
	.nm_text = "plain card: checksums, TSO, unmapped mbufs; no TLS",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG,
	.nm_tsomax = 65518,
	.nm_tsomaxsegcount = 50,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_fetch = 500 * SIM_NS,
	.nm_tx = basic_tx,
};
