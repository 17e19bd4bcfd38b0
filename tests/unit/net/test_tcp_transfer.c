/* Bytes from one end to the other, whatever the wire does. */
#include "netwire.h"

#define MIB	   (1024 * 1024)
#define CARD_PLAIN 0
#define CARD_CSUM  (IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG)
#define CARD_TSO   (CARD_CSUM | IFCAP_TSO4 | IFCAP_TSO6)

static void
run_until_done(struct tw *w, struct tw_pair *p, uint64_t down, uint64_t up)
{
	for (int i = 0; i < 20000; i++) {
		if (p->c.rcvd == down && p->s.rcvd == up && p->c.eof &&
		    p->s.eof)
			return;
		tw_run(w, 50 * SIM_MS);
	}
	struct strbuf sb = { 0 };
	inet_dump(w->a.v, true, &sb, 0);
	inet_dump(w->b.v, true, &sb, 0);
	fail_msg("stuck: %llu down, %llu up\n%s", (unsigned long long)p->c.rcvd,
	    (unsigned long long)p->s.rcvd, strbuf_str(&sb));
}

static void
transfer(struct tw *w, int family, uint64_t down, uint64_t up, uint32_t chunk)
{
	struct tw_pair p = { 0 };

	tw_connect(w, &p, family);
	p.s.to_send = down;
	p.c.to_send = up;
	p.s.chunk = p.c.chunk = chunk;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_app_kick(&p.c);
	run_until_done(w, &p, down, up);
	assert_int_equal(p.c.error, 0);
	assert_int_equal(p.s.error, 0);
	tw_pair_close(&p);
	tw_run(w, 200 * SIM_SEC);
	assert_int_equal(tcp_stats(w->a.v)->closed, 1);
	tw_free(w);
}

static void
test_bulk_ipv4(void **state)
{
	transfer(tw_new(1, CARD_PLAIN), KAF_INET, MIB, 0, 0);
}

static void
test_bulk_ipv6(void **state)
{
	transfer(tw_new(1, CARD_PLAIN), KAF_INET6, MIB, 0, 0);
}

static void
test_bulk_both_ways_with_checksum_offload(void **state)
{
	transfer(tw_new(2, CARD_CSUM), KAF_INET, MIB, MIB, 0);
	transfer(tw_new(2, CARD_CSUM), KAF_INET6, MIB, MIB, 0);
}

static void
test_bulk_with_tso(void **state)
{
	transfer(tw_new(3, CARD_TSO), KAF_INET, 4 * MIB, 0, 0);
	transfer(tw_new(3, CARD_TSO), KAF_INET6, 4 * MIB, 0, 0);
}

static void
test_clean_wire_sees_no_retransmission(void **state)
{
	struct tw *w = tw_new(4, CARD_TSO);
	struct tw_pair p = { 0 };

	tw_connect(w, &p, KAF_INET);
	p.s.to_send = 2 * MIB;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	run_until_done(w, &p, 2 * MIB, 0);
	assert_int_equal(tcp_stats(w->b.v)->sndrexmitbyte, 0);
	assert_int_equal(tcp_stats(w->b.v)->rexmttimeo, 0);
	assert_int_equal(tcp_stats(w->b.v)->sndbyte, 2 * MIB);
	assert_true(w->b.port[0].bursts > 0);
	tw_pair_close(&p);
	tw_run(w, 200 * SIM_SEC);
	tw_free(w);
}

static void
test_small_writes_are_delivered(void **state)
{
	transfer(tw_new(5, CARD_TSO), KAF_INET, 100000, 50000, 333);
}

static void
bad_wire(uint64_t seed, uint64_t caps, int family, uint32_t drop, uint32_t dup,
    uint32_t reorder)
{
	struct tw *w = tw_new(seed, caps);

	w->drop_ppb = drop;
	w->dup_ppb = dup;
	w->reorder_ppb = reorder;
	transfer(w, family, MIB / 2, MIB / 8, 0);
}

static void
test_five_percent_loss(void **state)
{
	for (uint64_t seed = 10; seed < 22; seed++)
		bad_wire(seed, seed & 1 ? CARD_TSO : CARD_PLAIN,
		    seed & 2 ? KAF_INET6 : KAF_INET, 50000000, 0, 0);
}

static void
test_duplication(void **state)
{
	for (uint64_t seed = 30; seed < 36; seed++)
		bad_wire(seed, CARD_TSO, KAF_INET, 0, 50000000, 0);
}

static void
test_reordering(void **state)
{
	for (uint64_t seed = 40; seed < 48; seed++)
		bad_wire(seed, seed & 1 ? CARD_TSO : CARD_PLAIN, KAF_INET6, 0,
		    0, 100000000);
}

static void
test_all_of_it_at_once(void **state)
{
	for (uint64_t seed = 50; seed < 70; seed++)
		bad_wire(seed, seed & 1 ? CARD_TSO : CARD_PLAIN,
		    seed & 2 ? KAF_INET6 : KAF_INET, 50000000, 50000000,
		    50000000);
}

static void
test_buffers_grow_on_a_long_fat_wire(void **state)
{
	struct tw *w = tw_new(80, CARD_TSO);
	struct tw_pair p = { 0 };

	w->delay = 10 * SIM_MS;
	tw_connect(w, &p, KAF_INET);
	p.s.to_send = 16 * MIB;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_true(p.c.so->so_rcv.sb_hiwat > 65536);
	assert_true(p.s.so->so_snd.sb_hiwat > 65536);
	run_until_done(w, &p, 16 * MIB, 0);
	tw_pair_close(&p);
	tw_run(w, 200 * SIM_SEC);
	tw_free(w);
}

static void
test_closed_window_is_probed_and_opens(void **state)
{
	struct tw *w = tw_new(81, CARD_TSO);
	struct tw_pair p = { 0 };

	tw_connect(w, &p, KAF_INET);
	p.c.stop_reading = true;
	p.s.to_send = MIB;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 40 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 0);
	assert_true(tw_tp(&p.s)->t_stats.probes >= 2);
	assert_true(callout_active(&tw_tp(&p.s)->t_persist));
	p.c.stop_reading = false;
	tw_app_kick(&p.c);
	run_until_done(w, &p, MIB, 0);
	tw_pair_close(&p);
	tw_run(w, 200 * SIM_SEC);
	tw_free(w);
}

static enum tw_verdict
lose_window_updates(struct tw *w, struct tw_port *from, const struct tw_pkt *p)
{
	bool *losing = w->arg;

	return (*losing && from == &w->a.port[0] ? TW_DROP : TW_PASS);
}

static void
test_lost_window_update_is_survived_by_probing(void **state)
{
	struct tw *w = tw_new(82, CARD_TSO);
	struct tw_pair p = { 0 };
	bool losing = false;

	tw_connect(w, &p, KAF_INET);
	w->hook = lose_window_updates;
	w->arg = &losing;
	p.c.stop_reading = true;
	p.s.to_send = MIB;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 2 * SIM_SEC);
	losing = true;
	p.c.stop_reading = false;
	tw_app_kick(&p.c);
	tw_run(w, SIM_SEC);
	losing = false;
	run_until_done(w, &p, MIB, 0);
	tw_pair_close(&p);
	tw_run(w, 200 * SIM_SEC);
	tw_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_ipv4),
		cmocka_unit_test(test_bulk_ipv6),
		cmocka_unit_test(test_bulk_both_ways_with_checksum_offload),
		cmocka_unit_test(test_bulk_with_tso),
		cmocka_unit_test(test_clean_wire_sees_no_retransmission),
		cmocka_unit_test(test_small_writes_are_delivered),
		cmocka_unit_test(test_five_percent_loss),
		cmocka_unit_test(test_duplication),
		cmocka_unit_test(test_reordering),
		cmocka_unit_test(test_all_of_it_at_once),
		cmocka_unit_test(test_buffers_grow_on_a_long_fat_wire),
		cmocka_unit_test(test_closed_window_is_probed_and_opens),
		cmocka_unit_test(
		    test_lost_window_update_is_survived_by_probing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
