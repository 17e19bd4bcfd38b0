/* What IP lets out: tags, unmapped mbufs, checksums, sizes; and defects. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/tcp.h>

#define PLAIN_CSUM (IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6)
#define CARD                                                                  \
	(PLAIN_CSUM | IFCAP_MEXTPG | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_TXTLS4 | \
	    IFCAP_TXTLS6)

/* One test below leaks a packet, because that is what it is about. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return ("leak:tcp_build\n");
}

static struct tw *w;
static struct tw_pair p;

/* Two links between the hosts, addresses on the first. */
static void
start(bool permitted)
{
	memset(&p, 0, sizeof(p));
	w = tw_new_bare(3, CARD, 2);
	tw_addrs(&w->a.port[0].ifn, 1);
	tw_addrs(&w->b.port[0].ifn, 2);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", permitted);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
}

static void
finish(void)
{
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
}

static struct ktls_session *
session(void)
{
	return (p.s.so->so_snd.sb_tls_info);
}

static enum tw_verdict
count_tagged(struct tw *tw, struct tw_port *from, const struct tw_pkt *k)
{
	int *n = tw->arg;

	if (k->tcp && from == &tw->b.port[0] && k->paylen > 0)
		n[k->tag != NULL]++;
	return (TW_PASS);
}

static void
test_records_carry_their_tag_and_acks_do_not(void **state)
{
	int n[2] = { 0, 0 };

	start(true);
	w->hook = count_tagged;
	w->arg = n;
	p.s.to_send = 10000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_true(n[0] > 0 && n[1] == 0);
	n[0] = 0;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	p.s.to_send += 100000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_true(n[1] > 0);
	assert_int_equal(n[0], 0);
	assert_int_equal(session()->snd_tag->refcount, 1);
	finish();
}

static void
test_session_without_a_tag_sends_nothing_until_reset(void **state)
{
	int n[2] = { 0, 0 };

	start(true);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	m_snd_tag_rele(session()->snd_tag);
	session()->snd_tag = NULL;
	w->hook = count_tagged;
	w->arg = n;
	p.s.to_send = 100000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_MS);
	assert_int_equal(n[0] + n[1], 0);
	assert_int_equal(tw_tp(&p.s)->t_stats.enobufs, 1);
	assert_int_equal(ip_stats(w->b.v, KAF_INET)->tls_eagain, 1);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, 1);
	tw_run(w, 5 * SIM_SEC);
	assert_true(p.c.rcvd > 100000);
	assert_int_equal(n[0], 0);
	finish();
}

/* Both hosts' addresses are reached by the second link from now on. */
static void
reroute(uint64_t caps)
{
	struct in_any net = tw_addr(KAF_INET, 0), a = tw_addr(KAF_INET, 1);
	struct in_any c = tw_addr(KAF_INET, 2);

	if_setcap(&w->b.port[1].ifn, caps);
	/* a answers ARP for its address on link 1 as well: tell b. */
	lle_learn(&w->b.port[1].ifn, KAF_INET, &a, w->a.port[1].ifn.if_lladdr,
	    true);
	lle_learn(&w->a.port[1].ifn, KAF_INET, &c, w->b.port[1].ifn.if_lladdr,
	    true);
	assert_int_equal(route_add(w->b.v, KAF_INET, &a, 32, NULL,
			     &w->b.port[1].ifn),
	    0);
	(void)net;
}

static void
test_tag_of_another_interface_is_replaced(void **state)
{
	start(true);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	p.s.to_send = 3000000;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_MS);
	reroute(CARD);
	tw_run(w, 20 * SIM_SEC);
	assert_true(p.c.eof);
	assert_int_equal(p.c.rcvd, tw_tp(&p.s)->t_stats.snd_bytes);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, 1);
	assert_true(w->b.port[1].frames > 100);
	finish();
}

static enum tw_verdict
count_second_link(struct tw *tw, struct tw_port *from, const struct tw_pkt *k)
{
	if (k->tcp && from == &tw->b.port[1] && k->paylen > 0)
		(*(int *)tw->arg)++;
	return (TW_PASS);
}

static void
test_plaintext_is_never_converted_for_a_plain_card(void **state)
{
	int data = 0;

	start(true);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	p.s.to_send = 3000000;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_MS);
	w->hook = count_second_link;
	w->arg = &data;
	reroute(PLAIN_CSUM);
	tw_run(w, 5 * SIM_SEC);
	assert_true(ktls_stats(w->b.v)->plaintext_refused > 0);
	assert_int_equal(p.s.error, ECONNABORTED);
	assert_int_equal(data, 0);
	finish();
}

static void
test_ciphertext_is_copied_for_a_plain_card(void **state)
{
	start(false);
	if_setcap(&w->b.port[0].ifn, PLAIN_CSUM);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_false(inp_ktls_xmit(inp_of_socket(p.s.so)));
	p.s.to_send = 200000;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_SEC);
	assert_true(p.c.eof);
	assert_true(p.c.rcvd > 200000);
	assert_true(ip_stats(w->b.v, KAF_INET)->unmapped > 0);
	assert_int_equal(ktls_stats(w->b.v)->plaintext_refused, 0);
	finish();
}

static void
test_checksums_are_made_in_software_over_unmapped_mbufs(void **state)
{
	start(false);
	if_setcap(&w->b.port[0].ifn, IFCAP_MEXTPG);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	p.s.to_send = 200000;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_SEC);
	assert_true(p.c.eof);
	assert_int_equal(tcp_stats(w->a.v)->rcvbadsum, 0);
	assert_int_equal(ip_stats(w->b.v, KAF_INET)->unmapped, 0);
	finish();
}

static void
test_planted_no_tag_check_lets_plaintext_out(void **state)
{
	int n[2] = { 0, 0 };

	start(true);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	defect_set(&w->b.v->v_defects, DEFECT_NET_NO_TAG_CHECK);
	w->hook = count_tagged;
	w->arg = n;
	p.s.to_send = 50000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_true(n[0] > 0);
	assert_int_equal(n[1], 0);
	finish();
}

static void
test_planted_eagain_leak_keeps_the_packet(void **state)
{
	uint64_t before;
	struct kzone *z;

	start(true);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	defect_set(&w->b.v->v_defects, DEFECT_NET_EAGAIN_LEAK);
	m_snd_tag_rele(session()->snd_tag);
	session()->snd_tag = NULL;
	z = &w->b.v->v_mb->mb_zone;
	before = z->z_inuse;
	p.s.to_send = 500;
	tw_app_kick(&p.s);
	tw_run(w, SIM_MS);
	/* The record in the buffer, and the packet that nobody owns: its
	 * header and its reference. */
	assert_int_equal(z->z_inuse, before + 3);
	/* The world of this test is left as it is: it leaks by design. */
}

static void
test_sum_does_not_care_how_bytes_are_cut(void **state)
{
	uint8_t buf[301];
	uint16_t whole, parts;

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 37 + 11);
	whole = in_sum(buf, sizeof(buf));
	for (unsigned cut = 0; cut <= sizeof(buf); cut++) {
		parts = in_sum_add(in_sum(buf, cut),
		    in_sum(buf + cut, sizeof(buf) - cut), cut & 1);
		assert_int_equal(parts, whole);
	}
	/* RFC 1071's example. */
	static const uint8_t rfc[] = { 0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7 };
	assert_int_equal(in_sum(rfc, sizeof(rfc)), 0xddf2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_carry_their_tag_and_acks_do_not),
		cmocka_unit_test(
		    test_session_without_a_tag_sends_nothing_until_reset),
		cmocka_unit_test(test_tag_of_another_interface_is_replaced),
		cmocka_unit_test(
		    test_plaintext_is_never_converted_for_a_plain_card),
		cmocka_unit_test(test_ciphertext_is_copied_for_a_plain_card),
		cmocka_unit_test(
		    test_checksums_are_made_in_software_over_unmapped_mbufs),
		cmocka_unit_test(test_planted_no_tag_check_lets_plaintext_out),
		cmocka_unit_test(test_planted_eagain_leak_keeps_the_packet),
		cmocka_unit_test(test_sum_does_not_care_how_bytes_are_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
