/* Interfaces, laggs, tags, routes, neighbours and connections as text. */
#include "netwire.h"

#include <ktsim/base/dump.h>
#include <ktsim/kern/ktls.h>

#define CARD (IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_MEXTPG | IFCAP_TXTLS4)

static struct tw *w;
static struct lagg_softc *la, *lb;
static struct tw_pair p;
static struct strbuf sb;

static struct lagg_softc *
make_lagg(struct tw_host *h, unsigned host)
{
	struct lagg_softc *sc;

	assert_int_equal(lagg_create(h->v, "lagg0", "failover", &sc), 0);
	for (unsigned i = 0; i < h->ports; i++)
		assert_int_equal(lagg_addport(sc, &h->port[i].ifn), 0);
	if_setflags(lagg_ifp(sc), lagg_ifp(sc)->if_flags | IFF_UP);
	tw_addrs(lagg_ifp(sc), host);
	return (sc);
}

static int
setup(void **state)
{
	memset(&p, 0, sizeof(p));
	w = tw_new_bare(9, CARD, 2);
	la = make_lagg(&w->a, 1);
	lb = make_lagg(&w->b, 2);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	return (0);
}

static int
teardown(void **state)
{
	strbuf_fini(&sb);
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	lagg_destroy(la);
	lagg_destroy(lb);
	tw_free(w);
	return (0);
}

static void
has(const char *want)
{
	if (strstr(strbuf_str(&sb), want) == NULL)
		fail_msg("not there: %s\nin:\n%s", want, strbuf_str(&sb));
}

static void
test_a_lagg_and_its_ports(void **state)
{
	lagg_dump(lb, &sb, 0);
	assert_string_equal(strbuf_str(&sb),
	    "lagg lagg0 failover active tw0, failovers 0 tag mismatches 0 "
	    "no port 0 received on an inactive port 0\n"
	    "  port tw0 primary link up\n"
	    "  port tw1 link up\n");
	strbuf_clear(&sb);
	tw_link(w, 0, false);
	net_dump(w->b.v, &sb, 0);
	has("interface tw0 index 1 link down mtu 1500 tags 0");
	has("  lagg lagg0 failover active tw1, failovers 1 ");
	has("    port tw0 primary link down\n    port tw1 link up\n");
	has("  address fd00::2/64\n");
	has("  fd00::/64 on link lagg0\n"
	    "  10.0.0.0/24 on link lagg0\nneighbours\n");
}

static void
test_a_connection_with_a_tag_in_a_tag(void **state)
{
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	inet_dump(w->b.v, true, &sb, 0);
	lle_dump(w->b.v, &sb, 0);
	has("neighbours\n  10.0.0.1 lagg0 reachable 02:00:00:00:");
	has("inpcb 10.0.0.2:443 - 10.0.0.1:");
	has("\n  route by lagg0 next hop 10.0.0.1 mtu 1500 generation ");
	has("\n  tcp 2 ESTABLISHED flags REQ_SCALE RCVD_SCALE ");
	has("\n  socket 2 refs 1 error 0 ISCONNECTED\n");
	has("\n    tls 1 tx conn 2 mode ifnet aes128-gcm-1.2 refs 1 hdr 13 "
	    "trl 16 max 16384 tag 2\n"
	    "    tag 2 on lagg0 refs 1, inside 1 on tw0 refs 1\n");
}

/* RFC 5952: the longest run of zero groups, the first of two that are as long,
 * none of one group alone. */
static void
test_addresses_are_written_as_one_writes_them(void **state)
{
	static const struct {
		struct in_any a;
		const char *text;
	} cases[] = {
		{ { { 0 } }, "::" },
		{ { { [15] = 1 } }, "::1" },
		{ { { 0xfd } }, "fd00::" },
		{ { { 0xfd, [15] = 2 } }, "fd00::2" },
		{ { { 1, 2, 0, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 } },
		    "102:0:304:506:708:90a:b0c:d0e" },
		{ { { 1, 2, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0, 13, 14 } },
		    "102::506:708:0:0:d0e" },
		{ { { 1, 2, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0, 13, 14 } },
		    "102:0:0:506::d0e" },
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		strbuf_clear(&sb);
		in_any_dump(KAF_INET6, &cases[i].a, &sb);
		assert_string_equal(strbuf_str(&sb), cases[i].text);
	}
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_written_as_one_writes_them),
		cmocka_unit_test_setup_teardown(test_a_lagg_and_its_ports,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_connection_with_a_tag_in_a_tag, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
