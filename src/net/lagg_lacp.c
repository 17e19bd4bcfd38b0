/*
 * lagg's LACP protocol: the ports that distribute, as the engine
 * (net/ieee8023ad_lacp.h) finds them together with the partner, are a map in
 * which a flow has its place. While the map is young nothing is sent.
 *
 * Source: net/if_lagg.c, lacp_select_tx_port_by_hash; freebsd-ktls.md 6.2.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vm.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ieee8023ad_lacp.h>

#include "lagg_private.h"

struct ports {
	struct lagg_port *ps_port[LAGG_MAX_PORTS];
	unsigned ps_count;
};

struct lagg_lacp {
	struct lacp_softc *ll_lsc;
	struct ports ll_all;
	struct ports ll_numa[VM_MAXDOMAINS]; /* those of one domain */
	unsigned ll_domains;		     /* that have one */
};

static void
ports_add(struct ports *ps, struct lagg_port *lp)
{
	ps->ps_port[ps->ps_count++] = lp;
}

static void
map_update(struct lagg_lacp *ll)
{
	struct lagg_port *lp;
	uint8_t domain;

	memset(&ll->ll_all, 0, sizeof(ll->ll_all));
	memset(ll->ll_numa, 0, sizeof(ll->ll_numa));
	ll->ll_domains = 0;
	while (
	    (lp = lacp_active_port(ll->ll_lsc, ll->ll_all.ps_count)) != NULL) {
		ports_add(&ll->ll_all, lp);
		domain = lp->lp_ifp->if_numa_domain;
		if (domain >= VM_MAXDOMAINS)
			continue;
		if (ll->ll_numa[domain].ps_count == 0)
			ll->ll_domains++;
		ports_add(&ll->ll_numa[domain], lp);
	}
}

/* NULL: why, as transmission answers it. */
static struct lagg_port *
lacp_port_by_hash(struct lagg_softc *sc, uint32_t hash, uint8_t domain,
    int *error)
{
	const struct lagg_lacp *ll = sc->sc_psc;
	const struct ports *ps;

	*error = ENOBUFS;
	if (lacp_suppressed(ll->ll_lsc))
		return (NULL);
	*error = ENETDOWN;
	ps = &ll->ll_all;
	if (ps->ps_count == 0)
		return (NULL);
	if (sc->sc_opts.use_numa && ll->ll_domains > 1 &&
	    domain < VM_MAXDOMAINS && ll->ll_numa[domain].ps_count > 0)
		ps = &ll->ll_numa[domain];
	return (ps->ps_port[hash % ps->ps_count]);
}

static int
lagg_lacp_transmit(struct lagg_softc *sc, struct mbuf *m)
{
	const struct lagg_opts *lo = &sc->sc_opts;
	struct lagg_port *lp;
	uint32_t hash;
	int error;

	if (lo->use_flowid && m->m_pkthdr.rsstype != M_HASHTYPE_NONE)
		hash = m->m_pkthdr.flowid >> lo->flowid_shift;
	else
		hash = lagg_hash(m, lo->hash_layers, sc->sc_hash_init);
	lp = lacp_port_by_hash(sc, hash, m->m_pkthdr.numa_domain, &error);
	if (lp != NULL)
		return (lagg_enqueue(sc, lp, m));
	if (error == ENETDOWN)
		return (lagg_no_port(sc, m));
	if (V_DEFECT(sc->sc_vnet, LACP_ENETDOWN))
		error = ENETDOWN;
	sc->sc_stats.suppressed++;
	return (lagg_drop(sc, m, error,
	    "LACP: waiting for markers after a change of ports"));
}

static struct lagg_port *
lagg_lacp_tag_port(struct lagg_softc *sc,
    const struct if_snd_tag_alloc_params *params)
{
	int error;

	if (!sc->sc_opts.use_flowid || params->flowtype == M_HASHTYPE_NONE)
		return (NULL);
	return (
	    lacp_port_by_hash(sc, params->flowid >> sc->sc_opts.flowid_shift,
		params->numa_domain, &error));
}

/* --- in --- */

static bool
lagg_lacp_input(struct lagg_softc *sc, struct lagg_port *lp)
{
	return (
	    lacp_port_collecting(lp->lp_psc) && lacp_port_active(lp->lp_psc));
}

static bool
lagg_lacp_control(struct lagg_port *lp, struct mbuf *m)
{
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	uint8_t frame[LACP_FRAME_LEN];

	m_copydata(m, 0, (int)MIN(len, sizeof(frame)), frame);
	if (!lacp_input(lp->lp_psc, frame, len))
		return (false);
	m_freem(m);
	return (true);
}

/* --- what the engine asks for --- */

static int
lacp_send(void *owner, const uint8_t *frame)
{
	struct lagg_port *lp = owner;
	struct mbuf *m;

	m = m_gethdr(lp->lp_softc->sc_vnet->v_mb, M_NOWAIT, MT_DATA);
	if (m == NULL)
		return (ENOMEM);
	memcpy(m->m_data, frame, LACP_FRAME_LEN);
	m->m_len = m->m_pkthdr.len = LACP_FRAME_LEN;
	m->m_flags |= M_MCAST;
	return (lp->lp_ifp->if_transmit(lp->lp_ifp, m));
}

static void
lacp_changed(void *arg, const char *reason)
{
	struct lagg_softc *sc = arg;

	map_update(sc->sc_psc);
	lagg_update(sc, reason);
}

/* What was said before was dropped. */
static void
lacp_resumed(void *arg)
{
	struct lagg_softc *sc = arg;

	if (sc->sc_untold && sc->sc_active != NULL)
		lagg_announce(sc);
}

static const struct lacp_ops lagg_lacp_ops = { .lo_transmit = lacp_send,
	.lo_changed = lacp_changed,
	.lo_resumed = lacp_resumed };

/* --- life --- */

static void
lagg_lacp_linkstate(struct lagg_port *lp)
{
	/* All that stands at our cables is full duplex. */
	lacp_port_link(lp->lp_psc, lagg_port_active(lp), true,
	    lp->lp_ifp->if_baudrate);
}

static void
lagg_lacp_addport(struct lagg_port *lp)
{
	struct lagg_lacp *ll = lp->lp_softc->sc_psc;
	struct lacp_port_params p = { .lpp_owner = lp,
		.lpp_name = lp->lp_ifp->if_xname,
		.lpp_portno = (uint16_t)lp->lp_ifp->if_index };

	memcpy(p.lpp_lladdr, lp->lp_lladdr, sizeof(p.lpp_lladdr));
	memcpy(p.lpp_sysmac, lp->lp_softc->sc_ifnet.if_lladdr,
	    sizeof(p.lpp_sysmac));
	lp->lp_psc = lacp_port_create(ll->ll_lsc, &p);
	lagg_lacp_linkstate(lp);
}

static void
lagg_lacp_delport(struct lagg_port *lp)
{
	lacp_port_destroy(lp->lp_psc);
	lp->lp_psc = NULL;
}

static void
lagg_lacp_running(struct lagg_softc *sc, bool up)
{
	struct lagg_lacp *ll = sc->sc_psc;

	if (up)
		lacp_start(ll->ll_lsc);
	else
		lacp_stop(ll->ll_lsc);
}

static void
lagg_lacp_attach(struct lagg_softc *sc)
{
	struct lacp_params p = { .lpa_tb = sc->sc_vnet->v_tb,
		.lpa_tracer = &sc->sc_vnet->v_tracer,
		.lpa_ops = &lagg_lacp_ops,
		.lpa_arg = sc,
		.lpa_name = sc->sc_ifnet.if_xname,
		.lpa_index = (uint16_t)sc->sc_ifnet.if_index,
		.lpa_strict = sc->sc_opts.lacp_strict,
		.lpa_fast_timeout = sc->sc_opts.lacp_fast_timeout };
	struct lagg_lacp *ll = xcalloc(1, sizeof(*ll));
	struct lagg_port *lp;

	ll->ll_lsc = lacp_create(&p);
	sc->sc_psc = ll;
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		lagg_lacp_addport(lp);
	if ((sc->sc_ifnet.if_flags & IFF_UP) != 0)
		lacp_start(ll->ll_lsc);
}

/* Without a farewell: the partner finds out. */
static void
lagg_lacp_detach(struct lagg_softc *sc)
{
	struct lagg_lacp *ll = sc->sc_psc;
	struct lagg_port *lp;

	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		lp->lp_psc = NULL;
	lacp_destroy(ll->ll_lsc);
	sc->sc_psc = NULL;
	free(ll);
}

static void
lagg_lacp_setopts(struct lagg_softc *sc)
{
	struct lagg_lacp *ll = sc->sc_psc;

	lacp_setopts(ll->ll_lsc, sc->sc_opts.lacp_strict,
	    sc->sc_opts.lacp_fast_timeout);
}

/* --- what others see of it --- */

/* Of those that send, the first in the lagg's order. */
static struct lagg_port *
lagg_lacp_active(struct lagg_softc *sc)
{
	struct lagg_port *lp;

	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		if (lp->lp_psc != NULL && lacp_port_active(lp->lp_psc) &&
		    lacp_port_distributing(lp->lp_psc))
			break;
	return (lp);
}

static uint64_t
lagg_lacp_speed(struct lagg_softc *sc)
{
	const struct lagg_lacp *ll = sc->sc_psc;

	return (lacp_active_speed(ll->ll_lsc));
}

static uint32_t
lagg_lacp_port_flags(const struct lagg_port *lp)
{
	const struct lacp_port *p = lp->lp_psc;

	if (p == NULL)
		return (0);
	return ((lacp_port_active(p) ? LAGG_PORT_ACTIVE : 0) |
	    (lacp_port_collecting(p) ? LAGG_PORT_COLLECTING : 0) |
	    (lacp_port_distributing(p) ? LAGG_PORT_DISTRIBUTING : 0));
}

/* As ifconfig -v writes one side of a port: priority, address, key, priority
 * and number of the port. */
static void
show_peer(const struct lacp_peerinfo *pi, struct strbuf *sb)
{
	const uint8_t *mac = pi->lip_sysmac;

	strbuf_addf(sb, "(%04X,%02X-%02X-%02X-%02X-%02X-%02X,%04X,%04X,%04X)",
	    pi->lip_sysprio, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	    pi->lip_key, pi->lip_portprio, pi->lip_portno);
}

static void
show_pair(const struct lagg_port *lp, const char *head, struct strbuf *sb)
{
	strbuf_addf(sb, "%s[", head);
	show_peer(lacp_port_actor(lp->lp_psc), sb);
	strbuf_adds(sb, ",\n\t\t ");
	show_peer(lacp_port_partner(lp->lp_psc), sb);
	strbuf_adds(sb, "]\n");
}

static void
lagg_lacp_show(struct lagg_softc *sc, struct strbuf *sb)
{
	struct lagg_port *lp = lagg_lacp_active(sc);

	if (lp != NULL)
		show_pair(lp, "\tlag id: ", sb);
}

static void
lagg_lacp_port_show(const struct lagg_port *lp, struct strbuf *sb)
{
	if (lp->lp_psc != NULL)
		show_pair(lp, "\t\t", sb);
}

static void
lagg_lacp_dump(struct lagg_softc *sc, struct strbuf *sb, int indent)
{
	const struct lagg_lacp *ll = sc->sc_psc;

	strbuf_addf(sb,
	    "%*sdistributing ports %u%s, dropped while suppressed %ju\n",
	    indent, "", ll->ll_all.ps_count,
	    lacp_suppressed(ll->ll_lsc) ? ", suppressed" : "",
	    (uintmax_t)sc->sc_stats.suppressed);
}

static void
lagg_lacp_port_dump(const struct lagg_port *lp, struct strbuf *sb, int indent)
{
	lacp_port_dump(lp->lp_psc, sb, indent);
}

const struct lagg_proto lagg_lacp = {
	.lpr_name = "lacp",
	.lpr_tag_port = lagg_lacp_tag_port,
	.lpr_transmit = lagg_lacp_transmit,
	.lpr_input = lagg_lacp_input,
	.lpr_control = lagg_lacp_control,
	.lpr_attach = lagg_lacp_attach,
	.lpr_detach = lagg_lacp_detach,
	.lpr_running = lagg_lacp_running,
	.lpr_setopts = lagg_lacp_setopts,
	.lpr_addport = lagg_lacp_addport,
	.lpr_delport = lagg_lacp_delport,
	.lpr_linkstate = lagg_lacp_linkstate,
	.lpr_active = lagg_lacp_active,
	.lpr_speed = lagg_lacp_speed,
	.lpr_port_flags = lagg_lacp_port_flags,
	.lpr_show = lagg_lacp_show,
	.lpr_port_show = lagg_lacp_port_show,
	.lpr_dump = lagg_lacp_dump,
	.lpr_port_dump = lagg_lacp_port_dump,
};
