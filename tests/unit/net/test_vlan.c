/* vlan(4): configuration, capabilities, tags on the wire and send tags. */
#include "netwire.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/net/if_vlan.h>

/* A card that leaves VLAN tags to the stack. */
#define CARD                                                            \
	(IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG | IFCAP_TSO4 | \
	    IFCAP_TSO6 | IFCAP_TXTLS4 | IFCAP_TXTLS6 | IFCAP_VLAN_MTU)
#define HW (IFCAP_VLAN_HWTAGGING | IFCAP_VLAN_HWCSUM | IFCAP_VLAN_HWTSO)

static struct tw *w;
static struct ifvlan *va, *vb;
static struct lagg_softc *la, *lb;
static struct tw_pair p;

static uint64_t
sysctl_value(struct vnet *v, const char *name)
{
	uint64_t val = UINT64_MAX;

	assert_int_equal(sysctl_read(v, name, &val), 0);
	return (val);
}

static struct ifvlan *
make_vlan(struct tw_host *h, struct ifnet *parent, unsigned vid, unsigned host)
{
	struct ifvlan *ifv;

	vlan_create(h->v, "vlan7", &ifv);
	assert_int_equal(vlan_config(ifv, parent, vid), 0);
	if_setflags(vlan_ifp(ifv), vlan_ifp(ifv)->if_flags | IFF_UP);
	tw_addrs(vlan_ifp(ifv), host);
	return (ifv);
}

static void
start(uint64_t caps)
{
	memset(&p, 0, sizeof(p));
	la = lb = NULL;
	w = tw_new_bare(9, caps, 2);
	va = make_vlan(&w->a, &w->a.port[0].ifn, 7, 1);
	vb = make_vlan(&w->b, &w->b.port[0].ifn, 7, 2);
}

static struct lagg_softc *
make_lagg(struct tw_host *h)
{
	struct lagg_softc *sc;

	assert_int_equal(lagg_create(h->v, "lagg0", "failover", &sc), 0);
	for (unsigned i = 0; i < h->ports; i++)
		assert_int_equal(lagg_addport(sc, &h->port[i].ifn), 0);
	if_setflags(lagg_ifp(sc), lagg_ifp(sc)->if_flags | IFF_UP);
	return (sc);
}

static void
start_lagg(void)
{
	memset(&p, 0, sizeof(p));
	w = tw_new_bare(9, CARD, 2);
	la = make_lagg(&w->a);
	lb = make_lagg(&w->b);
	va = make_vlan(&w->a, lagg_ifp(la), 7, 1);
	vb = make_vlan(&w->b, lagg_ifp(lb), 7, 2);
	for (unsigned i = 0; i < 2; i++)
		sysctl_write(i ? w->a.v : w->b.v,
		    "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
}

static void
finish(void)
{
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	vlan_destroy(va);
	vlan_destroy(vb);
	lagg_destroy(la);
	lagg_destroy(lb);
	tw_free(w);
}

static void
tls_on(struct vnet *v)
{
	sysctl_write(v, "kern.ipc.tls.enable", 1);
	sysctl_write(v, "kern.ipc.tls.ifnet.permitted", 1);
}

/* --- configuration --- */

static void
test_configuration_is_refused_by_errno(void **state)
{
	struct ifnet *p0, *p1;
	struct ifvlan *ifv;

	start(CARD);
	p0 = &w->b.port[0].ifn;
	p1 = &w->b.port[1].ifn;
	vlan_create(w->b.v, "vlan8", &ifv);
	assert_int_equal(vlan_config(ifv, p0, 0), EINVAL);
	assert_int_equal(vlan_config(ifv, p0, 4095), EINVAL);
	assert_int_equal(vlan_config(ifv, p0, 0x1007), EINVAL);
	assert_int_equal(vlan_config(ifv, p0, 7), EEXIST);
	assert_int_equal(vlan_config(ifv, vlan_ifp(vb), 8), EPROTONOSUPPORT);
	assert_int_equal(vlan_config(ifv, p0, 4094), 0);
	assert_int_equal(vlan_config(ifv, p0, 4094), 0);
	assert_int_equal(vlan_config(ifv, p0, 9), 0);
	assert_int_equal(vlan_vid(ifv), 9);
	assert_int_equal(vlan_config(ifv, p1, 9), EBUSY);
	vlan_unconfig(ifv);
	assert_null(vlan_parent(ifv));
	assert_int_equal(vlan_config(ifv, p1, 7), 0);
	assert_ptr_equal(vlan_parent(ifv), p1);
	vlan_destroy(ifv);
	finish();
}

static void
test_loopback_has_no_vlans(void **state)
{
	struct ifnet lo = { .if_flags = IFF_LOOPBACK };

	start(CARD);
	vlan_unconfig(vb);
	assert_int_equal(vlan_config(vb, &lo, 7), EPROTONOSUPPORT);
	finish();
}

/* --- capabilities --- */

static void
test_a_wish_without_a_parent_is_kept(void **state)
{
	struct ifnet *v;

	start(CARD);
	v = vlan_ifp(vb);
	vlan_unconfig(vb);
	assert_int_equal(if_setcap(v,
			     v->if_capenable & ~(IFCAP_TXTLS4 | IFCAP_TXTLS6)),
	    0);
	assert_int_equal(vlan_config(vb, &w->b.port[1].ifn, 7), 0);
	assert_int_equal(v->if_capenable & (IFCAP_TXTLS4 | IFCAP_TXTLS6), 0);
	assert_true((v->if_capenable & IFCAP_MEXTPG) != 0);
	assert_int_equal(if_setcap(v, v->if_capabilities), 0);
	assert_true((v->if_capenable & IFCAP_TXTLS4) != 0);
	finish();
}

static void
test_capabilities_are_those_for_tagged_frames(void **state)
{
	struct ifnet *v, *port;

	start(CARD | HW);
	v = vlan_ifp(vb);
	port = &w->b.port[0].ifn;
	assert_int_equal(v->if_capenable, CARD & ~IFCAP_VLAN_MTU);
	/* Checksums are the card's only where it puts the tag in, too. */
	assert_int_equal(if_setcap(port, (CARD | HW) & ~IFCAP_VLAN_HWTAGGING),
	    0);
	assert_int_equal(v->if_capenable & (IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6),
	    0);
	assert_int_equal(v->if_hwassist, 0);
	assert_true((v->if_capabilities & IFCAP_TXCSUM) != 0);
	assert_int_equal(if_setcap(port, CARD | HW), 0);
	/* The parent loses TLS, and so does the vlan. */
	assert_int_equal(if_setcap(port, (CARD | HW) & ~IFCAP_TXTLS4), 0);
	assert_int_equal(v->if_capenable & (IFCAP_TXTLS4 | IFCAP_TXTLS6),
	    IFCAP_TXTLS6);
	assert_int_equal(if_setcap(port, CARD | HW), 0);
	assert_int_equal(v->if_capenable & IFCAP_TXTLS4, IFCAP_TXTLS4);
	finish();
}

static void
test_what_its_user_switched_off_stays_off(void **state)
{
	struct ifnet *v, *port;
	uint64_t caps;

	start(CARD | HW);
	v = vlan_ifp(vb);
	port = &w->b.port[0].ifn;
	caps = v->if_capenable;
	assert_int_equal(if_setcap(v, caps & ~IFCAP_TXTLS4), 0);
	assert_int_equal(v->if_capenable, caps & ~IFCAP_TXTLS4);
	assert_int_equal(port->if_capenable, CARD | HW);
	assert_int_equal(if_setcap(port, (CARD | HW) & ~IFCAP_MEXTPG), 0);
	assert_int_equal(if_setcap(port, CARD | HW), 0);
	assert_int_equal(v->if_capenable, caps & ~IFCAP_TXTLS4);
	/* More than the parent has enabled cannot be had. */
	assert_int_equal(if_setcap(port, (CARD | HW) & ~IFCAP_TSO4), 0);
	assert_int_equal(if_setcap(v, caps), 0);
	assert_int_equal(v->if_capenable, caps & ~IFCAP_TSO4);
	assert_int_equal(if_setcap(v, caps | IFCAP_TOE4), EINVAL);
	finish();
}

static void
test_receive_tls_is_handed_on_if_asked_to(void **state)
{
	struct ifnet *v;

	start(CARD | IFCAP_RXTLS4 | IFCAP_RXTLS6);
	v = vlan_ifp(vb);
	assert_int_equal(v->if_capabilities & (IFCAP_RXTLS4 | IFCAP_RXTLS6), 0);
	vlan_set_rxtls(vb, true);
	assert_int_equal(v->if_capenable & (IFCAP_RXTLS4 | IFCAP_RXTLS6),
	    IFCAP_RXTLS4 | IFCAP_RXTLS6);
	finish();
}

static void
test_mtu_makes_room_for_the_tag_where_the_card_has_none(void **state)
{
	struct ifnet *v, *port;

	start(CARD & ~IFCAP_VLAN_MTU);
	v = vlan_ifp(vb);
	assert_int_equal(v->if_mtu, 1496);
	assert_int_equal(if_setmtu(v, 1497), EINVAL);
	assert_int_equal(if_setmtu(v, 71), EINVAL);
	assert_int_equal(if_setmtu(v, 1400), 0);
	finish();
	start(CARD);
	port = &w->b.port[0].ifn;
	assert_int_equal(vlan_ifp(vb)->if_mtu, port->if_mtu);
	finish();
}

static void
test_link_and_address_are_the_parents(void **state)
{
	struct ifnet *v, *port;

	start(CARD);
	v = vlan_ifp(vb);
	port = &w->b.port[0].ifn;
	assert_int_equal(v->if_link_state, LINK_STATE_UP);
	assert_memory_equal(v->if_lladdr, port->if_lladdr, 6);
	if_link_state_change(port, LINK_STATE_DOWN);
	assert_int_equal(v->if_link_state, LINK_STATE_DOWN);
	if_link_state_change(port, LINK_STATE_UP);
	assert_int_equal(v->if_link_state, LINK_STATE_UP);
	finish();
}

/* --- frames --- */

/* The VLAN of the last frame that was sent; -1: none. */
static int seen_vid;
static unsigned seen_frames;

static void
transfer(unsigned bytes)
{
	tw_connect(w, &p, KAF_INET);
	p.c.to_send = bytes;
	p.c.close_after = p.s.close_after = true;
	tw_app_kick(&p.c);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.s.rcvd, bytes);
}

static int (*card_transmit)(struct ifnet *, struct mbuf *);

static int
look(struct ifnet *ifp, struct mbuf *m)
{
	uint8_t h[18];

	m_copydata(m, 0, sizeof(h), h);
	seen_vid = -1;
	if ((m->m_flags & M_VLANTAG) != 0)
		seen_vid = m->m_pkthdr.ether_vtag;
	else if (be16dec(h + 12) == KETHERTYPE_VLAN)
		seen_vid = 0x10000 | be16dec(h + 14);
	seen_frames++;
	return (card_transmit(ifp, m));
}

static void
test_the_stack_puts_the_tag_in_where_the_card_does_not(void **state)
{
	start(CARD);
	card_transmit = w->a.port[0].ifn.if_transmit;
	w->a.port[0].ifn.if_transmit = look;
	seen_frames = 0;
	transfer(200000);
	assert_int_equal(seen_vid, 0x10000 | 7);
	assert_true(seen_frames > 2);
	/* Only so many as one sees: nothing else went in or out. */
	assert_int_equal(vlan_ifp(va)->if_ctr.opackets, seen_frames);
	assert_true(vlan_ifp(vb)->if_ctr.ipackets > 0);
	finish();
}

static void
test_the_tag_is_left_to_a_card_that_can(void **state)
{
	struct mbuf *m;

	start(CARD | HW);
	card_transmit = w->a.port[0].ifn.if_transmit;
	w->a.port[0].ifn.if_transmit = look;
	m = m_gethdr(w->a.v->v_mb, M_WAITOK, MT_DATA);
	memset(m->m_data, 0xff, 60);
	m->m_len = m->m_pkthdr.len = 60;
	assert_int_equal(vlan_ifp(va)->if_transmit(vlan_ifp(va), m), 0);
	assert_int_equal(seen_vid, 7);
	finish();
}

static struct mbuf *
tagged(unsigned vtag, bool apart)
{
	struct mbuf *m = m_gethdr(w->b.v->v_mb, M_WAITOK, MT_DATA);
	uint8_t *h = m->m_data;

	memset(h, 0, 100);
	memcpy(h, w->b.port[0].ifn.if_lladdr, 6);
	m->m_len = m->m_pkthdr.len = 100;
	if (apart) {
		m->m_flags |= M_VLANTAG;
		m->m_pkthdr.ether_vtag = (uint16_t)vtag;
		be16enc(h + 12, KETHERTYPE_IP);
	} else {
		be16enc(h + 12, KETHERTYPE_VLAN);
		be16enc(h + 14, (uint16_t)vtag);
		be16enc(h + 16, KETHERTYPE_IP);
	}
	return (m);
}

static void
test_frames_of_a_vlan_come_in_there_and_others_are_dropped(void **state)
{
	struct ifnet *port, *v;

	start(CARD);
	port = &w->b.port[0].ifn;
	v = vlan_ifp(vb);
	for (int apart = 0; apart < 2; apart++) {
		uint64_t in = v->if_ctr.ipackets, no = port->if_ctr.noproto;

		port->if_input(port, tagged(7, apart));
		port->if_input(port, tagged(0xe007, apart)); /* priority 7 */
		assert_int_equal(v->if_ctr.ipackets, in + 2);
		port->if_input(port, tagged(8, apart));
		assert_int_equal(port->if_ctr.noproto, no + 1);
		assert_int_equal(v->if_ctr.ipackets, in + 2);
		/* A priority alone is the port's own. */
		port->if_input(port, tagged(0x6000, apart));
		assert_int_equal(port->if_ctr.noproto, no + 1);
		assert_int_equal(v->if_ctr.ipackets, in + 2);
	}
	if_setflags(v, v->if_flags & ~(uint32_t)IFF_UP);
	port->if_input(port, tagged(7, true));
	assert_int_equal(port->if_ctr.noproto, 3);
	finish();
}

static void
test_without_a_parent_that_is_up_it_is_enetdown(void **state)
{
	struct ifnet *port, *v;

	start(CARD);
	v = vlan_ifp(vb);
	port = &w->b.port[0].ifn;
	if_setflags(port, port->if_flags & ~(uint32_t)IFF_UP);
	assert_int_equal(v->if_transmit(v, tagged(0, true)), ENETDOWN);
	vlan_unconfig(vb);
	assert_int_equal(v->if_transmit(v, tagged(0, true)), ENETDOWN);
	assert_int_equal(v->if_ctr.oerrors, 2);
	assert_int_equal(v->if_link_state, LINK_STATE_UNKNOWN);
	finish();
}

/* --- send tags --- */

static void
test_tags_nest_vlan_lagg_port(void **state)
{
	struct m_snd_tag *t, *l, *c;
	struct ktls_session *tls;

	start_lagg();
	tls_on(w->b.v);
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tls = p.s.so->so_snd.sb_tls_info;
	assert_int_equal(tls->mode, TCP_TLS_MODE_IFNET);
	t = tls->snd_tag;
	assert_ptr_equal(t->ifp, vlan_ifp(vb));
	l = t->sw->next_snd_tag(t);
	assert_ptr_equal(l->ifp, lagg_ifp(lb));
	c = l->sw->next_snd_tag(l);
	assert_ptr_equal(c->ifp, &w->b.port[0].ifn);
	finish();
}

/* Each layer sees only its own: the vlan's fits, the lagg's does not. */
static void
test_failover_below_a_vlan_takes_all_three_anew(void **state)
{
	struct ktls_session *tls;
	struct m_snd_tag *t;

	start_lagg();
	tls_on(w->b.v);
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tls = p.s.so->so_snd.sb_tls_info;
	p.c.raw = true;
	p.s.to_send = 3000000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_MS);
	tw_link(w, 0, false);
	tw_run(w, 20 * SIM_SEC);
	assert_true(p.c.rcvd > 3000000);
	assert_int_equal(sysctl_value(w->b.v, "kern.ipc.tls.ifnet.reset"), 1);
	assert_int_equal(lagg_stats(lb)->tag_mismatch, 1);
	t = tls->snd_tag;
	assert_ptr_equal(t->ifp, vlan_ifp(vb));
	t = t->sw->next_snd_tag(t);
	t = t->sw->next_snd_tag(t);
	assert_ptr_equal(t->ifp, &w->b.port[1].ifn);
	finish();
}

/* The vlan moves to another card: its tag's inner one is not the parent's. */
static void
test_another_parent_is_eagain(void **state)
{
	struct ktls_session *tls;

	start(CARD);
	tls_on(w->b.v);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tls = p.s.so->so_snd.sb_tls_info;
	p.c.raw = true;
	p.s.to_send = 3000000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_MS);
	for (int i = 0; i < 2; i++) {
		struct ifvlan *v = i ? va : vb;
		struct tw_host *h = i ? &w->a : &w->b;

		vlan_unconfig(v);
		assert_int_equal(vlan_config(v, &h->port[1].ifn, 7), 0);
		lle_flush(vlan_ifp(v));
	}
	tw_run(w, 20 * SIM_SEC);
	assert_true(p.c.rcvd > 3000000);
	assert_int_equal(sysctl_value(w->b.v, "kern.ipc.tls.ifnet.reset"), 1);
	assert_ptr_equal(tls->snd_tag->sw->next_snd_tag(tls->snd_tag)->ifp,
	    &w->b.port[1].ifn);
	finish();
}

static struct if_snd_tag_alloc_params got;

static int
see_tag(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	got = *params;
	return (ENOSPC);
}

static void
test_a_receive_tag_is_asked_for_with_the_vlan(void **state)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS_RX };
	struct m_snd_tag *mst;
	uint16_t told = 0;

	start(CARD);
	w->b.port[0].ifn.if_snd_tag_alloc = see_tag;
	par.vlan_told = &told;
	assert_int_equal(m_snd_tag_alloc(vlan_ifp(vb), &par, &mst), ENOSPC);
	assert_int_equal(got.vlan_id, 7);
	assert_int_equal(told, 7);
	/* A VLAN in a VLAN: no. */
	par.vlan_id = 3;
	assert_int_equal(m_snd_tag_alloc(vlan_ifp(vb), &par, &mst), EOPNOTSUPP);
	vlan_unconfig(vb);
	par.vlan_id = 0;
	assert_int_equal(m_snd_tag_alloc(vlan_ifp(vb), &par, &mst), EOPNOTSUPP);
	par.type = IF_SND_TAG_TYPE_TLS;
	assert_int_equal(m_snd_tag_alloc(vlan_ifp(vb), &par, &mst), EOPNOTSUPP);
	finish();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration_is_refused_by_errno),
		cmocka_unit_test(test_loopback_has_no_vlans),
		cmocka_unit_test(test_a_wish_without_a_parent_is_kept),
		cmocka_unit_test(test_capabilities_are_those_for_tagged_frames),
		cmocka_unit_test(test_what_its_user_switched_off_stays_off),
		cmocka_unit_test(test_receive_tls_is_handed_on_if_asked_to),
		cmocka_unit_test(
		    test_mtu_makes_room_for_the_tag_where_the_card_has_none),
		cmocka_unit_test(test_link_and_address_are_the_parents),
		cmocka_unit_test(
		    test_the_stack_puts_the_tag_in_where_the_card_does_not),
		cmocka_unit_test(test_the_tag_is_left_to_a_card_that_can),
		cmocka_unit_test(
		    test_frames_of_a_vlan_come_in_there_and_others_are_dropped),
		cmocka_unit_test(
		    test_without_a_parent_that_is_up_it_is_enetdown),
		cmocka_unit_test(test_tags_nest_vlan_lagg_port),
		cmocka_unit_test(
		    test_failover_below_a_vlan_takes_all_three_anew),
		cmocka_unit_test(test_another_parent_is_eagain),
		cmocka_unit_test(test_a_receive_tag_is_asked_for_with_the_vlan),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
