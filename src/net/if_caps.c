/* Capabilities: their names as ifconfig spells them, and enabling them. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/if_lagg.h>

#include "net_private.h"

static const struct {
	uint64_t bit;
	const char *option; /* of ifconfig */
	const char *name;   /* in its output */
} if_cap_names[] = {
	{ IFCAP_RXCSUM, "rxcsum", "RXCSUM" },
	{ IFCAP_TXCSUM, "txcsum", "TXCSUM" },
	{ IFCAP_VLAN_MTU, "vlanmtu", "VLAN_MTU" },
	{ IFCAP_VLAN_HWTAGGING, "vlanhwtag", "VLAN_HWTAGGING" },
	{ IFCAP_VLAN_HWCSUM, "vlanhwcsum", "VLAN_HWCSUM" },
	{ IFCAP_TSO4, "tso4", "TSO4" },
	{ IFCAP_TSO6, "tso6", "TSO6" },
	{ IFCAP_LRO, "lro", "LRO" },
	{ IFCAP_TOE4, "toe4", "TOE4" },
	{ IFCAP_TOE6, "toe6", "TOE6" },
	{ IFCAP_VLAN_HWTSO, "vlanhwtso", "VLAN_HWTSO" },
	{ IFCAP_RXCSUM_IPV6, "rxcsum6", "RXCSUM_IPV6" },
	{ IFCAP_TXCSUM_IPV6, "txcsum6", "TXCSUM_IPV6" },
	{ IFCAP_TXRTLMT, "txrtlmt", "TXRTLMT" },
	{ IFCAP_MEXTPG, "mextpg", "MEXTPG" },
	{ IFCAP_TXTLS4, "txtls4", "TXTLS4" },
	{ IFCAP_TXTLS6, "txtls6", "TXTLS6" },
	{ IFCAP_TXTLS_RTLMT, "txtlsrtlmt", "TXTLS_RTLMT" },
	{ IFCAP_RXTLS4, "rxtls4", "RXTLS4" },
	{ IFCAP_RXTLS6, "rxtls6", "RXTLS6" },
};

uint64_t
if_capbyname(const char *name)
{
	/* Those that stand for a pair, as in ifconfig. */
	if (strcasecmp(name, "txtls") == 0)
		return (IFCAP_TXTLS4 | IFCAP_TXTLS6);
	if (strcasecmp(name, "rxtls") == 0)
		return (IFCAP_RXTLS4 | IFCAP_RXTLS6);
	if (strcasecmp(name, "toe") == 0)
		return (IFCAP_TOE4 | IFCAP_TOE6);
	if (strcasecmp(name, "tso") == 0)
		return (IFCAP_TSO4 | IFCAP_TSO6);
	for (size_t i = 0; i < nitems(if_cap_names); i++)
		if (strcasecmp(if_cap_names[i].option, name) == 0)
			return (if_cap_names[i].bit);
	return (0);
}

void
if_capnames(uint64_t caps, struct strbuf *sb)
{
	const char *sep = "";

	for (size_t i = 0; i < nitems(if_cap_names); i++) {
		if ((caps & if_cap_names[i].bit) == 0)
			continue;
		strbuf_addf(sb, "%s%s", sep, if_cap_names[i].name);
		sep = ",";
	}
}

/* What the stack may leave to the card. TSO is nothing without checksums. */
static uint32_t
if_hwassist_of(uint64_t caps)
{
	uint32_t assist = 0;

	if ((caps & IFCAP_TXCSUM) != 0) {
		assist |= CSUM_IP | CSUM_IP_TCP;
		if ((caps & IFCAP_TSO4) != 0)
			assist |= CSUM_IP_TSO;
	}
	if ((caps & IFCAP_TXCSUM_IPV6) != 0) {
		assist |= CSUM_IP6_TCP;
		if ((caps & IFCAP_TSO6) != 0)
			assist |= CSUM_IP6_TSO;
	}
	return (assist);
}

int
if_setcap(struct ifnet *ifp, uint64_t capenable)
{
	int error;

	if ((capenable & ~ifp->if_capabilities) != 0)
		return (EINVAL);
	if (ifp->if_ioctl != NULL && capenable != ifp->if_capenable) {
		error = ifp->if_ioctl(ifp, &capenable, ifp->if_flags);
		if (error != 0)
			return (error);
	}
	ifp->if_capenable = capenable;
	ifp->if_hwassist = if_hwassist_of(capenable);
	if (ifp->if_lagg != NULL)
		lagg_port_capchange(ifp->if_lagg);
	vlan_trunk_capabilities(ifp);
	return (0);
}
