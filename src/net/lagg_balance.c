/*
 * lagg's protocols that use all ports: loadbalance (a flow has its port),
 * roundrobin (each packet has the next one) and broadcast (every port sends
 * every packet). All of them hear every port.
 *
 * Source: net/if_lagg.c; freebsd-ktls.md 6.2.
 */
#include <errno.h>

#include <ktsim/base/kmem.h>

#include "lagg_private.h"

static struct lagg_port *
port_at(struct lagg_softc *sc, uint32_t index)
{
	struct lagg_port *lp;

	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		if (index-- == 0)
			break;
	return (lp);
}

static bool
any_input(struct lagg_softc *sc, struct lagg_port *lp)
{
	return (true);
}

/* --- loadbalance --- */

static struct lagg_port *
lagg_lb_port(struct lagg_softc *sc, const struct mbuf *m)
{
	const struct lagg_opts *lo = &sc->sc_opts;
	uint32_t p;

	if (sc->sc_count == 0)
		return (NULL);
	if (lo->use_flowid && m->m_pkthdr.rsstype != M_HASHTYPE_NONE)
		p = m->m_pkthdr.flowid >> lo->flowid_shift;
	else
		p = lagg_hash(m, lo->hash_layers, sc->sc_hash_init);
	return (lagg_link_active(sc, port_at(sc, p % sc->sc_count)));
}

/* The same port as the flow's packets have, which is known only by its flow
 * number. */
static struct lagg_port *
lagg_lb_tag_port(struct lagg_softc *sc,
    const struct if_snd_tag_alloc_params *params)
{
	if (!sc->sc_opts.use_flowid || params->flowtype == M_HASHTYPE_NONE ||
	    sc->sc_count == 0)
		return (NULL);
	return (lagg_link_active(sc,
	    port_at(sc,
		(params->flowid >> sc->sc_opts.flowid_shift) % sc->sc_count)));
}

const struct lagg_proto lagg_loadbalance = {
	.lpr_name = "loadbalance",
	.lpr_port = lagg_lb_port,
	.lpr_tag_port = lagg_lb_tag_port,
	.lpr_input = any_input,
	.lpr_all = true,
};

/* --- roundrobin --- */

static struct lagg_port *
lagg_rr_port(struct lagg_softc *sc, const struct mbuf *m)
{
	uint32_t p = sc->sc_seq++ / sc->sc_opts.rr_limit;

	if (sc->sc_count == 0)
		return (NULL);
	return (lagg_link_active(sc, port_at(sc, p % sc->sc_count)));
}

const struct lagg_proto lagg_roundrobin = {
	.lpr_name = "roundrobin",
	.lpr_port = lagg_rr_port,
	.lpr_input = any_input,
	.lpr_all = true,
};

/* --- broadcast --- */

static struct lagg_port *
next_active(struct lagg_port *lp)
{
	while (lp != NULL && !lagg_port_active(lp))
		lp = TAILQ_NEXT(lp, lp_link);
	return (lp);
}

/* The last active port gets the packet itself, the others a copy that shares
 * its storage. One port that takes it is enough. */
static int
lagg_bc_transmit(struct lagg_softc *sc, struct mbuf *m)
{
	struct lagg_port *lp = next_active(TAILQ_FIRST(&sc->sc_ports)), *next;
	int error, refused = 0;
	bool taken = false;
	struct mbuf *copy;

	if (lp == NULL)
		return (lagg_no_port(sc, m));
	for (; lp != NULL; lp = next) {
		next = next_active(TAILQ_NEXT(lp, lp_link));
		copy = next != NULL ? m_copypacket(m, M_NOWAIT) : m;
		if (copy == NULL) {
			refused = ENOBUFS;
			continue;
		}
		error = lagg_enqueue(sc, lp, copy);
		if (error == 0)
			taken = true;
		else
			refused = error;
	}
	return (taken ? 0 : refused);
}

static struct lagg_port *
lagg_bc_port(struct lagg_softc *sc, const struct mbuf *m)
{
	return (next_active(TAILQ_FIRST(&sc->sc_ports)));
}

const struct lagg_proto lagg_broadcast = {
	.lpr_name = "broadcast",
	.lpr_port = lagg_bc_port,
	.lpr_transmit = lagg_bc_transmit,
	.lpr_input = any_input,
	.lpr_all = true,
};
