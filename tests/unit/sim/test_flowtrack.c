/* Flows by their SYNs, and TLS records by their headers, off a hand-made wire. */
#include "ktest.h"

#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/sim/flowtrack.h>

#include "fakewire.h"

#define SEEN_MAX 64

static struct flowtrack *ft;
static struct fakewire fw;
static struct {
	struct flow_seg seg;
	struct flow_rec rec[8];
	int from;
} seen[SEEN_MAX];
static unsigned nseen, skip_frames;

static void
emit(void *arg, struct frame *f, simtime_t when, int from)
{
	if (skip_frames > 0) {
		skip_frames--;
		return; /* it went another way */
	}
	assert_true(nseen < SEEN_MAX);
	flowtrack_frame(ft, f, &seen[nseen].seg);
	seen[nseen].from = from;
	assert_true(seen[nseen].seg.fs_nrecs <= 8);
	if (seen[nseen].seg.fs_nrecs > 0)
		memcpy(seen[nseen].rec, seen[nseen].seg.fs_rec,
		    seen[nseen].seg.fs_nrecs * sizeof(struct flow_rec));
	nseen++;
}

static int
setup(void **state)
{
	ft = flowtrack_create();
	nseen = skip_frames = 0;
	fakewire_init(&fw, false, 50000, emit, NULL);
	fw.no_acks = true;
	return (0);
}

static int
teardown(void **state)
{
	fakewire_fini(&fw);
	flowtrack_destroy(ft);
	return (0);
}

/* One record of len bytes behind its header. */
static size_t
record(uint8_t *p, uint8_t type, uint16_t len)
{
	p[0] = type;
	p[1] = 3;
	p[2] = 3;
	be16enc(p + 3, len);
	memset(p + 5, 0x5a, len);
	return (5u + len);
}

static void
test_flows_are_numbered_by_their_syns(void **state)
{
	struct fakewire other;
	struct ksockaddr c, s;

	fakewire_init(&other, false, 50001, emit, NULL);
	fakewire_open(&fw);
	fakewire_open(&other);
	assert_int_equal(nseen, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(seen[i].seg.fs_flow, 1 + i / 3);
		assert_int_equal(seen[i].seg.fs_from_server, seen[i].from == 1);
		assert_int_equal(seen[i].seg.fs_data, 0);
	}
	assert_int_equal(flowtrack_flows(ft), 2);
	flowtrack_ends(ft, 2, &c, &s);
	assert_int_equal(c.sa_port, 50001);
	assert_int_equal(s.sa_port, 443);
	assert_int_equal(c.sa_family, KAF_INET);
	assert_int_equal(c.sa_addr.a[3], 1);
	fakewire_fini(&other);
}

static void
test_the_same_ends_again_are_another_flow(void **state)
{
	struct fakewire again;

	fakewire_open(&fw);
	fakewire_init(&again, false, 50000, emit, NULL);
	fakewire_open(&again); /* the same SYN: a retransmission */
	assert_int_equal(flowtrack_flows(ft), 1);
	again.end[0].iss += 100000;
	fakewire_open(&again);
	assert_int_equal(flowtrack_flows(ft), 2);
	assert_int_equal(seen[nseen - 1].seg.fs_flow, 2);
	fakewire_fini(&again);
}

static void
test_a_flow_whose_syn_was_not_seen_has_no_number(void **state)
{
	uint8_t buf[100];

	skip_frames = 3;
	fakewire_open(&fw);
	fakewire_send(&fw, 0, buf, record(buf, 23, 50));
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].seg.fs_flow, 0);
	assert_int_equal(seen[0].seg.fs_nrecs, 0);
}

/* Three records, of which the second spans three frames. */
static void
test_records_and_their_segments(void **state)
{
	uint8_t buf[5000];
	size_t len = 0;

	len += record(buf + len, 22, 100);
	len += record(buf + len, 23, 3000);
	len += record(buf + len, 23, 40);
	fakewire_open(&fw);
	nseen = 0;
	fakewire_send(&fw, 1, buf, len);
	assert_int_equal(nseen, 3);
	/* 0: record 0 whole, record 1 begins. */
	assert_int_equal(seen[0].seg.fs_nrecs, 2);
	assert_int_equal(seen[0].rec[0].fr_number, 0);
	assert_int_equal(seen[0].rec[0].fr_type, 22);
	assert_true(seen[0].rec[0].fr_last);
	assert_int_equal(seen[0].rec[0].fr_off, 5);
	assert_int_equal(seen[0].rec[0].fr_len, 100);
	assert_int_equal(seen[0].rec[1].fr_number, 1);
	assert_int_equal(seen[0].rec[1].fr_app, 0);
	assert_int_equal(seen[0].rec[1].fr_segment, 1);
	assert_int_equal(seen[0].rec[1].fr_off, 110);
	assert_false(seen[0].rec[1].fr_last);
	/* 1: its middle. */
	assert_int_equal(seen[1].seg.fs_nrecs, 1);
	assert_int_equal(seen[1].rec[0].fr_segment, 2);
	assert_int_equal(seen[1].rec[0].fr_off, 0);
	assert_int_equal(seen[1].rec[0].fr_len, 1448);
	/* 2: its end, and record 2. */
	assert_int_equal(seen[2].seg.fs_nrecs, 2);
	assert_int_equal(seen[2].rec[0].fr_segment, 3);
	assert_true(seen[2].rec[0].fr_last);
	assert_int_equal(seen[2].rec[1].fr_number, 2);
	assert_int_equal(seen[2].rec[1].fr_app, 1);
	assert_int_equal(seen[2].rec[1].fr_segment, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(seen[i].seg.fs_data, i + 1);
}

/* Frames of three bytes each: headers come in pieces. */
static void
test_headers_in_pieces(void **state)
{
	uint8_t buf[64];
	size_t len = 0;
	unsigned ends = 0;

	len += record(buf + len, 23, 4);
	len += record(buf + len, 21, 2);
	fw.mss = 3;
	fakewire_open(&fw);
	nseen = 0;
	fakewire_send(&fw, 0, buf, len);
	for (unsigned i = 0; i < nseen; i++)
		for (unsigned r = 0; r < seen[i].seg.fs_nrecs; r++)
			ends += seen[i].rec[r].fr_last;
	assert_int_equal(ends, 2);
	assert_int_equal(seen[0].rec[0].fr_number, 0);
	assert_int_equal(seen[1].rec[0].fr_segment, 2);
	assert_int_equal(seen[nseen - 1].rec[0].fr_number, 1);
	assert_int_equal(seen[nseen - 1].rec[0].fr_type, 21);
}

/* What was there before has no part of any record, in whatever cut. */
static void
test_retransmissions_move_nothing(void **state)
{
	uint8_t buf[4000];
	size_t len = record(buf, 23, 3995);

	fakewire_open(&fw);
	nseen = 0;
	fakewire_send(&fw, 1, buf, 2000);
	fakewire_resend(&fw, 1, 0, 1448, "RTO");
	fakewire_resend(&fw, 1, 700, 900, "RTO");
	fakewire_send(&fw, 1, buf + 2000, len - 2000);
	assert_int_equal(nseen, 6);
	assert_int_equal(seen[1].seg.fs_data, 2);
	for (unsigned i = 2; i < 4; i++) {
		assert_int_equal(seen[i].seg.fs_new, 0);
		assert_int_equal(seen[i].seg.fs_data, 0);
		assert_int_equal(seen[i].seg.fs_nrecs, 0);
		assert_true(seen[i].seg.fs_len > 0);
	}
	assert_int_equal(seen[4].rec[0].fr_segment, 3);
	assert_int_equal(seen[5].rec[0].fr_segment, 4);
	assert_true(seen[5].rec[0].fr_last);
}

static void
test_a_hole_inside_of_a_record_is_bridged(void **state)
{
	uint8_t buf[8000];
	size_t len = 0;

	len += record(buf + len, 23, 6000);
	len += record(buf + len, 23, 10);
	fakewire_open(&fw);
	nseen = 0;
	fakewire_send(&fw, 1, buf, 1448);
	skip_frames = 1;
	fakewire_send(&fw, 1, buf + 1448, len - 1448);
	assert_int_equal(nseen, 4);
	assert_int_equal(seen[3].seg.fs_nrecs, 2);
	assert_true(seen[3].rec[0].fr_last);
	assert_int_equal(seen[3].rec[1].fr_number, 1);
}

static void
test_a_hole_over_a_header_ends_it(void **state)
{
	uint8_t buf[8000];
	size_t len = 0;

	for (int i = 0; i < 4; i++)
		len += record(buf + len, 23, 1443);
	fakewire_open(&fw);
	nseen = 0;
	fakewire_send(&fw, 1, buf, 1448);
	assert_int_equal(seen[0].seg.fs_nrecs, 1);
	skip_frames = 1;
	fakewire_send(&fw, 1, buf + 1448, len - 1448);
	assert_int_equal(nseen, 3);
	assert_int_equal(seen[1].seg.fs_nrecs, 0);
	assert_int_equal(seen[2].seg.fs_nrecs, 0);
	assert_int_equal(seen[2].seg.fs_data, 3);
}

static void
test_what_is_no_tls_has_no_records(void **state)
{
	fakewire_open(&fw);
	nseen = 0;
	fakewire_send(&fw, 0, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(seen[0].seg.fs_data, 1);
	assert_int_equal(seen[0].seg.fs_nrecs, 0);
}

/* RPC in clear, then a record. */
static void
test_rpc_in_front_of_tls_is_no_record(void **state)
{
	uint8_t buf[64] = { 0, 0, 0, 3, 1, 2, 3, 0x80, 0, 0, 5, 0x16, 3, 1, 0,
		1 };
	size_t len = 16 + record(buf + 16, 22, 20);

	for (size_t cut = 1; cut < len; cut++) {
		teardown(NULL);
		setup(NULL);
		fakewire_open(&fw);
		fakewire_send(&fw, 0, buf, cut);
		fakewire_send(&fw, 0, buf + cut, len - cut);
		fakewire_send(&fw, 0, buf + 16, len - 16);
		assert_int_equal(nseen, 6);
		assert_int_equal(seen[3].seg.fs_nrecs, cut > 16);
		assert_int_equal(seen[4].seg.fs_nrecs, 1);
		assert_int_equal(seen[4].rec[0].fr_number, 0);
		assert_true(seen[4].rec[0].fr_last);
		assert_int_equal(seen[5].rec[0].fr_number, 1);
	}
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rpc_in_front_of_tls_is_no_record),
		T(test_flows_are_numbered_by_their_syns),
		T(test_the_same_ends_again_are_another_flow),
		T(test_a_flow_whose_syn_was_not_seen_has_no_number),
		T(test_records_and_their_segments),
		T(test_headers_in_pieces),
		T(test_retransmissions_move_nothing),
		T(test_a_hole_inside_of_a_record_is_bridged),
		T(test_a_hole_over_a_header_ends_it),
		T(test_what_is_no_tls_has_no_records),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
