/* Interfaces, send tags, laggs, routes and neighbours as text. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>

#include "lagg_private.h"

static const struct dump_flag if_flag_names[] = { { IFF_UP, "UP" },
	{ IFF_BROADCAST, "BROADCAST" }, { IFF_LOOPBACK, "LOOPBACK" },
	{ IFF_DRV_RUNNING, "RUNNING" }, { IFF_MULTICAST, "MULTICAST" } };

static const char *
link_state_name(enum if_link_state s)
{
	return (s == LINK_STATE_UP     ? "up"
		: s == LINK_STATE_DOWN ? "down"
				       : "unknown");
}

static void
dump_lladdr(const uint8_t *a, struct strbuf *sb)
{
	for (int i = 0; i < 6; i++)
		strbuf_addf(sb, "%s%02x", i == 0 ? "" : ":", a[i]);
}

static void
if_dump_config(const struct ifnet *ifp, struct strbuf *sb, int indent)
{
	const struct ifaddr *ifa;

	strbuf_addf(sb, "%*sether ", indent, "");
	dump_lladdr(ifp->if_lladdr, sb);
	strbuf_addf(sb, " %" PRIu64 " bit/s, tso %u bytes %u pieces of %u\n",
	    ifp->if_baudrate, ifp->if_hw_tsomax, ifp->if_hw_tsomaxsegcount,
	    ifp->if_hw_tsomaxsegsize);
	strbuf_addf(sb, "%*scan ", indent, "");
	if_capnames(ifp->if_capabilities, sb);
	strbuf_addf(sb, "\n%*senabled ", indent, "");
	if_capnames(ifp->if_capenable, sb);
	strbuf_adds(sb, "\n");
	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next) {
		strbuf_addf(sb, "%*saddress ", indent, "");
		in_any_dump(ifa->ifa_family, &ifa->ifa_addr, sb);
		strbuf_addf(sb, "/%u\n", ifa->ifa_plen);
	}
}

void
ifnet_dump(const struct ifnet *ifp, struct strbuf *sb, int indent)
{
	const struct if_counters *c = &ifp->if_ctr;

	strbuf_addf(sb, "%*sinterface %s index %u link %s mtu %u tags %u",
	    indent, "", ifp->if_xname, ifp->if_index,
	    link_state_name(ifp->if_link_state), ifp->if_mtu, ifp->if_tags);
	dump_flags(sb, ifp->if_flags, if_flag_names, nitems(if_flag_names));
	strbuf_adds(sb, "\n");
	indent += 2;
	if_dump_config(ifp, sb, indent);
	strbuf_addf(sb,
	    "%*sin %" PRIu64 " packets %" PRIu64 " bytes %" PRIu64
	    " errors %" PRIu64 " dropped\n",
	    indent, "", c->ipackets, c->ibytes, c->ierrors, c->iqdrops);
	strbuf_addf(sb,
	    "%*sout %" PRIu64 " packets %" PRIu64 " bytes %" PRIu64
	    " errors %" PRIu64 " dropped\n",
	    indent, "", c->opackets, c->obytes, c->oerrors, c->oqdrops);
}

void
m_snd_tag_dump(struct m_snd_tag *mst, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*stag", indent, "");
	while (mst != NULL) {
		strbuf_addf(sb, " %u on %s refs %u", mst->number,
		    mst->ifp->if_xname, mst->refcount);
		/* A card's tags have nothing inside. */
		mst = mst->sw->next_snd_tag != NULL ? mst->sw->next_snd_tag(mst)
						    : NULL;
		if (mst != NULL)
			strbuf_adds(sb, ", inside");
	}
	strbuf_adds(sb, "\n");
}

void
lagg_dump(struct lagg_softc *sc, struct strbuf *sb, int indent)
{
	const struct ifnet *active = lagg_active_port(sc);
	const struct lagg_port *lp;

	strbuf_addf(sb,
	    "%*slagg %s %s active %s, failovers %" PRIu64
	    " tag mismatches %" PRIu64 " no port %" PRIu64
	    " received on an inactive port %" PRIu64 "\n",
	    indent, "", sc->sc_ifnet.if_xname, sc->sc_proto->lpr_name,
	    active != NULL ? active->if_xname : "none", sc->sc_stats.failovers,
	    sc->sc_stats.tag_mismatch, sc->sc_stats.no_port,
	    sc->sc_stats.rx_inactive);
	if (sc->sc_proto->lpr_dump != NULL)
		sc->sc_proto->lpr_dump(sc, sb, indent + 2);
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link) {
		strbuf_addf(sb, "%*sport %s%s link %s\n", indent + 2, "",
		    lp->lp_ifp->if_xname,
		    lp == sc->sc_primary ? " primary" : "",
		    link_state_name(lp->lp_ifp->if_link_state));
		if (sc->sc_proto->lpr_port_dump != NULL)
			sc->sc_proto->lpr_port_dump(lp, sb, indent + 4);
	}
}

void
route_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	const struct rtentry *rt;

	strbuf_addf(sb, "%*sroutes, generation %u\n", indent, "",
	    vnet->v_net->ns_rtgen);
	LIST_FOREACH(rt, &vnet->v_net->ns_routes, rt_link) {
		strbuf_addf(sb, "%*s", indent + 2, "");
		in_any_dump(rt->rt_family, &rt->rt_dst, sb);
		strbuf_addf(sb, "/%u ", rt->rt_plen);
		if (in_any_zero(&rt->rt_gw))
			strbuf_adds(sb, "on link");
		else {
			strbuf_adds(sb, "by ");
			in_any_dump(rt->rt_family, &rt->rt_gw, sb);
		}
		strbuf_addf(sb, " %s\n", rt->rt_ifp->if_xname);
	}
}

void
lle_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	static const char *const states[] = { "incomplete", "reachable",
		"failed" };
	const struct llentry *lle;

	strbuf_addf(sb, "%*sneighbours\n", indent, "");
	LIST_FOREACH(lle, &vnet->v_net->ns_lles, lle_link) {
		strbuf_addf(sb, "%*s", indent + 2, "");
		in_any_dump(lle->lle_addr.sa_family, &lle->lle_addr.sa_addr,
		    sb);
		strbuf_addf(sb, " %s %s", lle->lle_ifp->if_xname,
		    states[lle->lle_state]);
		if (lle->lle_state == LLE_REACHABLE) {
			strbuf_adds(sb, " ");
			dump_lladdr(lle->lle_lladdr, sb);
		}
		strbuf_addf(sb, " asked %u waiting %u", lle->lle_asked,
		    lle->lle_holdcnt);
		dump_event(sb, "timer", &lle->lle_timer.c_event);
		strbuf_adds(sb, "\n");
	}
}

void
net_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	struct ifnet *ifp;

	TAILQ_FOREACH(ifp, &vnet->v_net->ns_ifs, if_link) {
		ifnet_dump(ifp, sb, indent);
		if (ifp_to_lagg(ifp) != NULL)
			lagg_dump(ifp->if_softc, sb, indent + 2);
	}
	route_dump(vnet, sb, indent);
	lle_dump(vnet, sb, indent);
}
