/* Which frame carried these bytes first. */
#include <string.h>

#include <ktsim/sim/tap.h>

#include "fakewire.h"
#include "ktest.h"

static struct rexmit_index *ri;
static struct fakewire fw;
static uint64_t answer, last_nonzero, id;
static uint8_t data[20000];

static void
track(void *arg, struct frame *f, simtime_t when, int from)
{
	id = f->f_id;
	answer = rexmit_track(ri, f);
	if (answer != 0)
		last_nonzero = answer;
}

static int
setup(void **state)
{
	ri = rexmit_index_create();
	fakewire_init(&fw, false, 50000, track, NULL);
	fw.no_acks = true;
	return (0);
}

static int
teardown(void **state)
{
	fakewire_fini(&fw);
	rexmit_index_destroy(ri);
	return (0);
}

static void
test_first_transmissions_have_no_ancestor(void **state)
{
	fakewire_open(&fw);
	assert_int_equal(answer, 0);
	fakewire_send(&fw, 0, data, 1000);
	assert_int_equal(answer, 0);
	fakewire_send(&fw, 1, data, 1000);
	assert_int_equal(answer, 0);
}

static void
test_a_repeated_segment_names_the_first_carrier(void **state)
{
	uint64_t first;

	fakewire_send(&fw, 0, data, 1000);
	first = id;
	fakewire_send(&fw, 0, data, 1000);
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	assert_int_equal(answer, first);
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	assert_int_equal(answer, first);
	fakewire_resend(&fw, 0, 500, 100, "RTO");
	assert_int_equal(answer, first);
	fakewire_resend(&fw, 0, 1000, 100, "RTO");
	assert_int_equal(answer, first + 1);
}

/* Old bytes again are in order; old ones in front of new ones are not. */
static void
test_old_bytes_in_front_of_new_ones(void **state)
{
	fakewire_send(&fw, 0, data, 1000);
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	fakewire_stash(&fw, 0, data, 1000);
	fakewire_resend(&fw, 0, 1000, 400, "refused before");
	assert_false(rexmit_disorder(ri));
	fakewire_resend(&fw, 0, 1200, 400, "RTO");
	assert_true(rexmit_disorder(ri));
}

/* The second was ahead of the first. */
static void
test_new_bytes_below_others(void **state)
{
	fakewire_open(&fw);
	fakewire_stash(&fw, 0, data, 1000);
	fakewire_send(&fw, 0, data, 1000);
	assert_false(rexmit_disorder(ri));
	fakewire_resend(&fw, 0, 0, 1000, "refused before");
	assert_true(rexmit_disorder(ri));
}

static void
test_resegmented_bytes_ask_for_their_first_byte(void **state)
{
	uint64_t first;

	fakewire_send(&fw, 0, data, 1000);
	first = id;
	fakewire_send(&fw, 0, data, 1000);
	fw.mss = 3000;
	fakewire_resend(&fw, 0, 900, 1100, "RTO");
	assert_int_equal(answer, first);
	fakewire_stash(&fw, 0, data, 1000);
	fakewire_resend(&fw, 0, 1500, 1500, "RTO"); /* half old, half new */
	assert_int_equal(answer, first + 1);
	fakewire_resend(&fw, 0, 2900, 10, "RTO");
	assert_int_equal(answer, id - 1);
}

static void
test_a_gap_is_filled_by_a_first_transmission(void **state)
{
	uint64_t filler;

	fakewire_stash(&fw, 0, data, 1000); /* lost inside the host */
	fakewire_send(&fw, 0, data, 1000);
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	assert_int_equal(answer, 0);
	filler = id;
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	assert_int_equal(answer, filler);
}

/* The acknowledgement left its sender and was lost: the bytes come again. */
static void
test_bytes_just_acknowledged_are_still_known(void **state)
{
	uint64_t first;

	fakewire_send(&fw, 0, data, 1000);
	first = fw.frames;
	fakewire_ack(&fw, 1);
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	assert_int_equal(answer, first);
}

static void
test_bytes_acknowledged_long_ago_are_forgotten(void **state)
{
	static uint8_t big[1 << 20];

	fakewire_send(&fw, 0, data, 1000);
	for (int i = 0; i < 5; i++) {
		fakewire_send(&fw, 0, big, sizeof(big));
		fakewire_ack(&fw, 1);
	}
	fakewire_resend(&fw, 0, 0, 1000, "RTO");
	assert_int_equal(answer, 0);
}

static void
test_syn_and_fin_count_as_bytes(void **state)
{
	fakewire_open(&fw);
	fw.frames = 10;
	fakewire_open(&fw);
	assert_int_equal(id, 13); /* the ack; its syn was asked before */
	fakewire_close(&fw);
	assert_int_equal(answer, 0);
}

static void
test_a_repeated_fin_names_the_first(void **state)
{
	uint64_t fin;

	fakewire_open(&fw);
	fakewire_close(&fw);
	fin = fw.frames - 1; /* the client's; it is acknowledged */
	fw.frames += 10;
	fakewire_close(&fw);
	fw.frames -= 1;
	assert_int_equal(last_nonzero, fin);
}

static void
test_ports_can_be_used_again(void **state)
{
	fakewire_open(&fw);
	fakewire_send(&fw, 0, data, 1000);
	fakewire_fini(&fw);
	fakewire_init(&fw, false, 50000, track, NULL);
	fw.end[0].iss -= 500; /* falls on sequence numbers used before */
	fakewire_open(&fw);
	fakewire_send(&fw, 0, data, 1000);
	assert_int_equal(answer, 0);
}

static void
test_ten_thousand_flows_are_kept_apart(void **state)
{
	for (uint16_t port = 1; port <= 10000; port++) {
		fw.end[0].port = port;
		fakewire_resend(&fw, 0, 0, 0, NULL);
		fakewire_send(&fw, 0, data, 10);
		assert_int_equal(answer, 0);
		fw.end[0].sent_len = 0;
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_first_transmissions_have_no_ancestor),
		T(test_a_repeated_segment_names_the_first_carrier),
		T(test_old_bytes_in_front_of_new_ones),
		T(test_new_bytes_below_others),
		T(test_resegmented_bytes_ask_for_their_first_byte),
		T(test_a_gap_is_filled_by_a_first_transmission),
		T(test_bytes_just_acknowledged_are_still_known),
		T(test_bytes_acknowledged_long_ago_are_forgotten),
		T(test_syn_and_fin_count_as_bytes),
		T(test_a_repeated_fin_names_the_first),
		T(test_ports_can_be_used_again),
		T(test_ten_thousand_flows_are_kept_apart),
	};

	return (cmocka_run_group_tests_name("rexmit_index", tests, NULL, NULL));
}
