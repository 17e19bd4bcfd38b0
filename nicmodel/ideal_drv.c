/*
 * The driver of the ideal TLS card: a context per session, made and destroyed
 * by commands that cost nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "gen_wr.h"
#include "ideal.h"
#include "nic_drv.h"

struct ideal_softc {
	struct gen_softc is_gen; /* first */
	struct kzone is_tags;
};

struct ideal_tag {
	struct m_snd_tag it_tag; /* first: containerof by cast */
	struct nic *it_nic;
	uint32_t it_context;
};

static int
ideal_transmit(struct nic *n, struct nic_queue *q, struct mbuf *m,
    const char **why)
{
	const struct pkthdr *ph = &m->m_pkthdr;
	uint32_t context = 0;

	if ((ph->csum_flags & CSUM_SND_TAG) != 0 &&
	    ph->snd_tag->ifp == &n->n_if) {
		context = ((struct ideal_tag *)(void *)ph->snd_tag)->it_context;
		n->n_stats.tls_packets++;
	}
	return (gen_transmit(n, q, m, context, why));
}

/* --- tags --- */

static void
ideal_tag_free(struct m_snd_tag *mst)
{
	struct ideal_tag *it = (struct ideal_tag *)(void *)mst;
	struct ideal_softc *sc = it->it_nic->n_softc;

	if (V_DEFECT(it->it_nic->n_vnet, NIC_TAG_LEAK))
		return;
	it->it_nic->n_stats.tls_tags--;
	it->it_nic->n_stats.tls_tags_released++;
	(void)nic_cmd_now(it->it_nic,
	    &(struct nic_cmd) { .c_op = GEN_CONTEXT_DESTROY,
		.c_in[0] = it->it_context });
	kzone_free(&sc->is_tags, it);
}

static int
ideal_tag_modify(struct m_snd_tag *mst, const void *params)
{
	return (EOPNOTSUPP);
}

static int
ideal_tag_query(struct m_snd_tag *mst, void *params)
{
	return (EOPNOTSUPP);
}

static struct m_snd_tag *
ideal_tag_next(struct m_snd_tag *mst)
{
	return (NULL);
}

static const struct if_snd_tag_sw ideal_tag_sw = {
	.snd_tag_modify = ideal_tag_modify,
	.snd_tag_query = ideal_tag_query,
	.snd_tag_free = ideal_tag_free,
	.next_snd_tag = ideal_tag_next,
	.type = IF_SND_TAG_TYPE_TLS,
};

static int
ideal_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct nic *n = ifp_to_nic(ifp);
	struct ideal_softc *sc = n->n_softc;
	const struct tls_session_params *tp;
	struct nic_cmd cmd = { .c_op = GEN_CONTEXT_CREATE };
	struct ideal_tag *it;
	int error;

	if (params->type != IF_SND_TAG_TYPE_TLS)
		return (EOPNOTSUPP);
	tp = &params->tls->params;
	if (tp->suite->cipher == TLS_CIPHER_CBC)
		return (EPROTONOSUPPORT);
	it = kzone_alloc(&sc->is_tags, M_NOWAIT | M_ZERO);
	if (it == NULL)
		return (ENOMEM);
	it->it_nic = n;
	cmd.c_data = tp;
	if ((error = nic_cmd_now(n, &cmd)) != 0) {
		kzone_free(&sc->is_tags, it);
		return (error);
	}
	it->it_context = (uint32_t)cmd.c_out[0];
	m_snd_tag_init(&it->it_tag, ifp, &ideal_tag_sw);
	nic_tag_taken(n);
	*mstp = &it->it_tag;
	return (0);
}

/* --- the model --- */

static int
ideal_attach(struct nic *n)
{
	struct ideal_softc *sc;

	n->n_softc = sc = xcalloc(1, sizeof(*sc));
	gen_softc_init(&sc->is_gen, n);
	kzone_init(&sc->is_tags, &n->n_vnet->v_kmem, "ideal_tag",
	    sizeof(struct ideal_tag));
	return (0);
}

static void
ideal_detach(struct nic *n)
{
	struct ideal_softc *sc = n->n_softc;

	KASSERT(sc->is_tags.z_inuse == 0,
	    ("%s detached with %ju send tags", n->n_if.if_xname,
		(uintmax_t)sc->is_tags.z_inuse));
	kzone_fini(&sc->is_tags);
	gen_softc_fini(&sc->is_gen);
	free(sc);
}

static void
ideal_dump(const struct nic *n, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*stags %ju (most %ju), restarts %ju\n", indent, "",
	    (uintmax_t)n->n_stats.tls_tags, (uintmax_t)n->n_stats.tls_tags_max,
	    (uintmax_t)n->n_stats.tls_restarts);
}

extern const struct nic_model nic_ideal;
const struct nic_model nic_ideal = {
	.nm_name = "ideal",
	.nm_text =
	    "TLS card without limits: AES-GCM, ChaCha20, TLS 1.2 and 1.3",
	.nm_driver = "",
	.nm_source = "our own",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG | IFCAP_TXTLS4 | IFCAP_TXTLS6 | IFCAP_VLAN_MTU |
	    IFCAP_VLAN_HWTAGGING | IFCAP_VLAN_HWCSUM | IFCAP_VLAN_HWTSO,
	.nm_tsomax = 65518,
	.nm_tsomaxsegcount = 50,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_ring_min = 1,
	.nm_ring_max = 65536,
	.nm_ring_any = true,
	.nm_queues = 1,
	.nm_fetch = 500 * SIM_NS,
	.nm_attach = ideal_attach,
	.nm_detach = ideal_detach,
	.nm_transmit = ideal_transmit,
	.nm_snd_tag_alloc = ideal_tag_alloc,
	.nm_dump = ideal_dump,
	.nm_hw_attach = ideal_hw_attach,
	.nm_hw_detach = ideal_hw_detach,
	.nm_hw_reset = ideal_hw_reset,
	.nm_hw_exec = ideal_hw_exec,
	.nm_hw_cmd = ideal_hw_cmd,
	.nm_decode = gen_decode,
};
