/*
 * An interface as `ifconfig -v` prints it, with the lines that concern what is
 * modelled: flags, options, addresses, lagg with its ports, vlan, status.
 * Source: sbin/ifconfig (ifconfig.c, af_inet.c, af_inet6.c, iflagg.c, ifvlan.c).
 */
#include <inttypes.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/if_vlan.h>

#include "lagg_private.h"

#define IFF_SIMPLEX 0x800 /* every Ethernet interface has it */

static void
show_flag(struct strbuf *sb, bool on, const char *name, const char **sep)
{
	if (!on)
		return;
	strbuf_addf(sb, "%s%s", *sep, name);
	*sep = ",";
}

static void
show_flags(const struct ifnet *ifp, struct strbuf *sb)
{
	uint32_t flags = ifp->if_flags;
	const char *sep = "";

	/* Interfaces here run as soon as they are up. */
	flags &= ~(uint32_t)IFF_DRV_RUNNING;
	if ((flags & IFF_UP) != 0)
		flags |= IFF_DRV_RUNNING;
	if ((flags & IFF_BROADCAST) != 0)
		flags |= IFF_SIMPLEX;
	strbuf_addf(sb, "%s: flags=%x<", ifp->if_xname, flags);
	show_flag(sb, (flags & IFF_UP) != 0, "UP", &sep);
	show_flag(sb, (flags & IFF_BROADCAST) != 0, "BROADCAST", &sep);
	show_flag(sb, (flags & IFF_LOOPBACK) != 0, "LOOPBACK", &sep);
	show_flag(sb, (flags & IFF_DRV_RUNNING) != 0, "RUNNING", &sep);
	show_flag(sb, (flags & IFF_SIMPLEX) != 0, "SIMPLEX", &sep);
	show_flag(sb, (flags & IFF_MULTICAST) != 0, "MULTICAST", &sep);
	strbuf_addf(sb, "> metric 0 mtu %u\n\toptions=%" PRIx64 "<",
	    ifp->if_mtu, ifp->if_capenable);
	if_capnames(ifp->if_capenable, sb);
	strbuf_adds(sb, ">\n");
}

static void
show_addr4(const struct ifaddr *ifa, struct strbuf *sb)
{
	uint32_t mask = ifa->ifa_plen == 0 ? 0 : ~0u << (32 - ifa->ifa_plen);
	const uint8_t *a = ifa->ifa_addr.a;
	uint32_t host = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
	    (uint32_t)a[2] << 8 | a[3];

	host |= ~mask;
	strbuf_addf(sb,
	    "\tinet %u.%u.%u.%u netmask 0x%08x broadcast %u.%u.%u.%u\n", a[0],
	    a[1], a[2], a[3], mask, host >> 24, host >> 16 & 255,
	    host >> 8 & 255, host & 255);
}

static void
show_addr6(const struct ifaddr *ifa, struct strbuf *sb)
{
	strbuf_adds(sb, "\tinet6 ");
	in_any_dump(ifa->ifa_family, &ifa->ifa_addr, sb);
	strbuf_addf(sb, " prefixlen %u\n", ifa->ifa_plen);
}

static void
show_addrs(const struct ifnet *ifp, struct strbuf *sb)
{
	const struct ifaddr *ifa;

	if ((ifp->if_flags & IFF_BROADCAST) != 0) {
		strbuf_adds(sb, "\tether ");
		for (int i = 0; i < 6; i++)
			strbuf_addf(sb, "%s%02x", i == 0 ? "" : ":",
			    ifp->if_lladdr[i]);
		strbuf_adds(sb, "\n");
	}
	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next) {
		if (net_is_v6(ifa->ifa_family))
			show_addr6(ifa, sb);
		else
			show_addr4(ifa, sb);
	}
}

/* --- lagg --- */

static void
show_lagg_port(struct lagg_softc *sc, const struct lagg_port *lp,
    struct strbuf *sb)
{
	uint32_t flags = lagg_port_flags(sc, lp);
	const char *sep = "";

	strbuf_addf(sb, "\tlaggport: %s flags=%x<", lp->lp_ifp->if_xname,
	    flags);
	show_flag(sb, (flags & LAGG_PORT_MASTER) != 0, "MASTER", &sep);
	show_flag(sb, (flags & LAGG_PORT_ACTIVE) != 0, "ACTIVE", &sep);
	show_flag(sb, (flags & LAGG_PORT_COLLECTING) != 0, "COLLECTING", &sep);
	show_flag(sb, (flags & LAGG_PORT_DISTRIBUTING) != 0, "DISTRIBUTING",
	    &sep);
	strbuf_adds(sb, ">\n");
	if (sc->sc_proto->lpr_port_show != NULL)
		sc->sc_proto->lpr_port_show(lp, sb);
}

/* In the largest unit that says it whole: a scenario's links have any rate. */
static void
show_media(uint64_t bps, struct strbuf *sb)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	unsigned unit = 0;

	while (unit + 1 < nitems(units) && bps >= 1000 && bps % 1000 == 0) {
		bps /= 1000;
		unit++;
	}
	strbuf_addf(sb, "\tmedia: Ethernet %ju%sbit/s\n", (uintmax_t)bps,
	    units[unit]);
}

static void
show_lagg(struct lagg_softc *sc, struct strbuf *sb)
{
	const struct lagg_opts *lo = &sc->sc_opts;
	const struct lagg_port *lp;
	const char *sep = "";
	unsigned active = 0;

	strbuf_addf(sb, "\tlaggproto %s lagghash ", sc->sc_proto->lpr_name);
	show_flag(sb, (lo->hash_layers & LAGG_HASH_L2) != 0, "l2", &sep);
	show_flag(sb, (lo->hash_layers & LAGG_HASH_L3) != 0, "l3", &sep);
	show_flag(sb, (lo->hash_layers & LAGG_HASH_L4) != 0, "l4", &sep);
	sep = "";
	strbuf_adds(sb, "\n\tlagg options:\n\t\tflags=");
	strbuf_addf(sb, "%x<", lagg_opt_flags(lo));
	show_flag(sb, lo->use_flowid, "USE_FLOWID", &sep);
	show_flag(sb, lo->use_numa, "USE_NUMA", &sep);
	show_flag(sb, lo->lacp_strict, "LACP_STRICT", &sep);
	show_flag(sb, lo->lacp_fast_timeout, "LACP_FAST_TIMO", &sep);
	strbuf_addf(sb, ">\n\t\tflowid_shift: %u\n", lo->flowid_shift);
	if (sc->sc_proto == &lagg_roundrobin)
		strbuf_addf(sb, "\t\trr_limit: %u\n", lo->rr_limit);
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		active += (lagg_port_flags(sc, lp) & LAGG_PORT_ACTIVE) != 0;
	strbuf_addf(sb,
	    "\tlagg statistics:\n\t\tactive ports: %u\n\t\tflapping: %" PRIu64
	    "\n",
	    active, sc->sc_stats.flapping);
	if (sc->sc_proto->lpr_show != NULL)
		sc->sc_proto->lpr_show(sc, sb);
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		show_lagg_port(sc, lp, sb);
}

void
ifconfig_show(struct ifnet *ifp, struct strbuf *sb)
{
	struct lagg_softc *sc = ifp_to_lagg(ifp);
	struct ifvlan *ifv = ifp_to_vlan(ifp);
	struct ifnet *parent;

	show_flags(ifp, sb);
	show_addrs(ifp, sb);
	if (sc != NULL)
		show_lagg(sc, sb);
	if (ifv != NULL) {
		parent = vlan_parent(ifv);
		strbuf_addf(sb,
		    "\tgroups: vlan\n\tvlan: %u vlanproto: 802.1q vlanpcp: 0 "
		    "parent interface: %s\n",
		    vlan_vid(ifv),
		    parent != NULL ? parent->if_xname : "<none>");
	} else
		strbuf_adds(sb, sc != NULL ? "\tgroups: lagg\n" : "");
	if ((ifp->if_flags & IFF_LOOPBACK) != 0) {
		strbuf_adds(sb, "\tgroups: lo\n");
		return;
	}
	if (sc == NULL && ifv == NULL)
		show_media(ifp->if_baudrate, sb);
	strbuf_addf(sb, "\tstatus: %s\n",
	    ifp->if_link_state == LINK_STATE_UP ? "active" : "no carrier");
}
