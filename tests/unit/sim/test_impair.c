/*
 * Impairments one by one: what each does to which frame, how often chance
 * strikes, and that nobody's chance depends on who else is there.
 */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/impair.h>

#include "fakewire.h"

#define N     20000
#define PPB   1000000000ULL
#define MBIT1 1000000ULL

static struct framepool pool;
static struct impair *im;
static struct flowtrack *ft;
static struct fakewire fw;

/* Every frame of the hand-made wire goes through the stack. */
static struct {
	bool lost;
	int from;
	struct flow_seg seg;
} sent[256];
static unsigned nsent;
static bool both_ways;

static void
emit(void *arg, struct frame *f, simtime_t when, int from)
{
	struct impair_fate fate = { .if_when = when };
	struct flow_seg seg;

	flowtrack_frame(ft, f, &seg);
	if (!both_ways && from == 0)
		return;
	f->f_pool = &pool;
	impair_apply(im, 0, f, &seg, &fate);
	assert_true(nsent < 256);
	sent[nsent].lost = fate.if_lost != NULL;
	sent[nsent].from = from;
	sent[nsent++].seg = seg;
}

static int
setup(void **state)
{
	framepool_init(&pool);
	im = impair_create("a - b", 0, 7);
	ft = flowtrack_create();
	fakewire_init(&fw, false, 50000, emit, NULL);
	fw.no_acks = true;
	nsent = 0;
	both_ways = true;
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	impair_destroy(im);
	flowtrack_destroy(ft);
	fakewire_fini(&fw);
	assert_int_equal(framepool_leaks(&pool, &sb), 0);
	framepool_fini(&pool);
	return (0);
}

/* A frame of an IPv4 packet without TCP; ecn: its bits. */
static struct frame *
packet(uint32_t iplen, uint8_t ecn)
{
	struct frame *f = frame_alloc(&pool);
	uint8_t *ip = f->f_hdr + 14;

	memset(f->f_hdr, 0, 34);
	memcpy(f->f_hdr, "\x02\x00\x00\x00\x02\x01\x02\x00\x00\x00\x01\x01",
	    12);
	be16enc(f->f_hdr + 12, 0x0800);
	ip[0] = 0x45;
	ip[1] = ecn;
	be16enc(ip + 2, (uint16_t)iplen);
	be16enc(ip + 6, KIP_DF);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	be16enc(ip + 10, (uint16_t)~in_sum(ip, 20));
	f->f_hdrlen = 34;
	f->f_l2len = 14;
	f->f_l3len = 20;
	f->f_buf = framebuf_alloc(&pool);
	f->f_payload = f->f_buf->fb_data;
	f->f_paylen = iplen - 20;
	memset(f->f_buf->fb_data, 0x77, f->f_paylen);
	return (f);
}

static void
add(struct sc_impair n, int kind, const char *name)
{
	n.kind = kind;
	n.name = name;
	n.enabled = true;
	impair_add(im, &n);
}

/* One frame through a stack, leaving at `when`. */
static struct impair_fate
through(struct impair *s, const struct frame *f, simtime_t when)
{
	struct impair_fate fate = { .if_when = when };

	impair_apply(s, 0, f, NULL, &fate);
	return (fate);
}

/*
 * Is `got` of n what a chance of ppb gives? Within five standard deviations,
 * sqrt(n p (1 - p)), compared as squares in whole numbers.
 */
static void
assert_binomial(uint64_t got, uint64_t n, uint64_t ppb)
{
	int64_t off = (int64_t)(got * PPB) - (int64_t)(n * ppb);
	double d = (double)off / (double)PPB, p = (double)ppb / (double)PPB;

	if (d * d > 25.0 * (double)n * p * (1.0 - p))
		fail_msg("%ju of %ju, chance %ju ppb", (uintmax_t)got,
		    (uintmax_t)n, (uintmax_t)ppb);
}

/* --- chance --- */

static void
test_loss_strikes_as_often_as_it_says(void **state)
{
	static const uint64_t chances[] = { 0, 1000000, 100000000, 500000000,
		PPB };
	struct frame *f = packet(100, 0);
	char name[8];

	for (unsigned c = 0; c < nitems(chances); c++) {
		struct impair *s;
		struct sc_impair n = { .kind = SC_IMPAIR_LOSS,
			.name = name,
			.enabled = true,
			.loss = chances[c] };

		snprintf(name, sizeof(name), "l%u", c);
		s = impair_create("a - b", 0, 7);
		impair_add(s, &n);
		for (unsigned i = 0; i < N; i++)
			(void)through(s, f, i);
		assert_int_equal(impair_stats(s, 0)->seen, N);
		assert_binomial(impair_stats(s, 0)->lost, N, chances[c]);
		impair_destroy(s);
	}
	frame_rele(f);
}

/* Who lost each of n frames: nobody, `me`, another. */
enum { NOBODY, ME, OTHER };

static void
losses(struct impair *s, unsigned n, uint8_t *out)
{
	struct frame *f = packet(100, 0);
	struct impair_fate fate;

	for (unsigned i = 0; i < n; i++) {
		fate = through(s, f, i * SIM_US);
		out[i] = fate.if_lost == NULL		    ? NOBODY
		    : strcmp(fate.if_lost, "link: me") == 0 ? ME
							    : OTHER;
	}
	frame_rele(f);
}

static const struct sc_impair me = { .kind = SC_IMPAIR_LOSS,
	.name = "me",
	.enabled = true,
	.loss = 300000000 };

/* Other nodes in front, which lose, delay and draw too: those that are lost
 * by them aside, my decisions are the same. */
static void
test_another_node_moves_nobodys_chance(void **state)
{
	struct impair *other = impair_create("a - b", 0, 7);
	struct sc_impair more = { .kind = SC_IMPAIR_JITTER,
		.name = "j",
		.enabled = true,
		.jitter = { .up_to = SIM_US } };
	uint8_t alone[500], among[500];
	unsigned lost = 0;

	impair_add(im, &me);
	losses(im, 500, alone);
	impair_add(other, &more);
	more = (struct sc_impair) { .kind = SC_IMPAIR_LOSS,
		.name = "front",
		.enabled = true,
		.loss = 200000000 };
	impair_add(other, &more);
	impair_add(other, &me);
	losses(other, 500, among);
	for (unsigned i = 0; i < 500; i++) {
		if (among[i] != OTHER)
			assert_int_equal(among[i], alone[i]);
		lost += among[i] == OTHER;
	}
	assert_true(lost > 20); /* the one in front did something */
	impair_destroy(other);
}

static void
test_streams_are_of_seed_link_end_and_name(void **state)
{
	const struct {
		const char *link;
		int end;
		uint64_t seed;
		const char *name;
		bool same;
	} others[] = { { "a - b", 0, 7, "me", true },
		{ "a - c", 0, 7, "me", false }, { "a - b", 1, 7, "me", false },
		{ "a - b", 0, 8, "me", false } };
	uint8_t mine[200], theirs[200];

	impair_add(im, &me);
	losses(im, 200, mine);
	for (unsigned i = 0; i < nitems(others); i++) {
		struct impair *s = impair_create(others[i].link, others[i].end,
		    others[i].seed);

		impair_add(s, &me);
		losses(s, 200, theirs);
		assert_int_equal(memcmp(mine, theirs, sizeof(mine)) == 0,
		    others[i].same);
		impair_destroy(s);
	}
}

/* Switched off or with another chance for a while, it goes on where it would
 * have been. */
static void
test_a_change_moves_no_later_fate(void **state)
{
	struct impair *s = impair_create("a - b", 0, 7);
	struct sc_impair sure = me;
	uint8_t all[300], part[100];

	impair_add(im, &me);
	losses(im, 300, all);
	impair_add(s, &me);
	losses(s, 100, part);
	sure.loss = PPB;
	assert_int_equal(impair_set(s, "me", &sure), 0);
	losses(s, 50, part);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(part[i], ME);
	assert_int_equal(impair_set(s, "me", &me), 0);
	assert_int_equal(impair_enable(s, "me", false), 0);
	losses(s, 50, part);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(part[i], NOBODY);
	sure.loss = PPB; /* new values do not switch it on */
	assert_int_equal(impair_set(s, "me", &sure), 0);
	losses(s, 1, part);
	assert_int_equal(part[0], NOBODY);
	assert_int_equal(impair_set(s, "me", &me), 0);
	assert_int_equal(impair_enable(s, "me", true), 0);
	losses(s, 99, part + 1);
	part[0] = all[200];
	assert_memory_equal(part, all + 200, sizeof(part));
	assert_int_equal(impair_enable(s, "you", true), ENOENT);
	sure.kind = SC_IMPAIR_DELAY;
	assert_int_equal(impair_set(s, "me", &sure), EINVAL);
	impair_destroy(s);
}

static void
test_bursts_are_as_long_and_as_often_as_they_should(void **state)
{
	struct frame *f = packet(100, 0);
	unsigned runs = 0, lost = 0;
	bool before = false, now;

	/* Bad after 2 % of good frames, for 5 frames: 2/22 of the time. */
	add((struct sc_impair) { .bursts = { .enter = 20000000,
				     .leave = 200000000,
				     .bad = PPB } },
	    SC_IMPAIR_BURSTS, "b");
	for (unsigned i = 0; i < N; i++) {
		now = through(im, f, i).if_lost != NULL;
		runs += now && !before;
		lost += now;
		before = now;
	}
	/* Means of a Markov chain: wide bounds, three times too few or many
	 * would be outside. */
	assert_in_range(runs, 280, 450); /* N * 2/22 / 5 = 364 */
	assert_in_range(lost * 10 / runs, 40, 60);
	frame_rele(f);
}

static void
test_duplicates_share_the_payload(void **state)
{
	struct frame *f = packet(1000, 0), *c;
	uint64_t twice = 0;

	add((struct sc_impair) { .duplicate = 250000000 }, SC_IMPAIR_DUPLICATE,
	    "d");
	for (unsigned i = 0; i < N; i++)
		twice += through(im, f, i).if_copies;
	assert_binomial(twice, N, 250000000);
	assert_int_equal(impair_stats(im, 0)->duplicated, twice);
	c = impair_copy(f);
	assert_ptr_equal(c->f_payload, f->f_payload);
	frame_rele(f);
	assert_int_equal(c->f_payload[979], 0x77);
	frame_rele(c);
}

static void
test_reordering_by_number_and_by_chance(void **state)
{
	struct frame *f = packet(100, 0);
	struct impair_fate fate;

	add((struct sc_impair) { .reorder = { .every = 3, .delay = SIM_MS } },
	    SC_IMPAIR_REORDER, "r");
	for (unsigned i = 1; i <= 9; i++) {
		fate = through(im, f, i);
		assert_int_equal(fate.if_late, i % 3 == 0);
		assert_int_equal(fate.if_when, i + (i % 3 == 0 ? SIM_MS : 0));
	}
	add((struct sc_impair) { .reorder = { .chance = 100000000,
				     .delay = 1 } },
	    SC_IMPAIR_REORDER, "c");
	for (unsigned i = 0; i < N; i++)
		(void)through(im, f, i);
	assert_binomial(impair_stats(im, 1)->delayed, N, 100000000);
	frame_rele(f);
}

static void
test_jitter_is_uniform_and_keeps_the_order_or_not(void **state)
{
	struct impair *s = impair_create("a - b", 0, 7);
	struct sc_impair n = { .kind = SC_IMPAIR_JITTER,
		.name = "wild",
		.enabled = true,
		.jitter = { .up_to = 99 } };
	struct frame *f = packet(100, 0);
	unsigned first = 0, back = 0;
	simtime_t when, last = 0;

	impair_add(s, &n);
	add((struct sc_impair) { .jitter = { .up_to = 99,
				     .keep_order = true } },
	    SC_IMPAIR_JITTER, "tame");
	for (unsigned i = 0; i < N; i++) {
		when = through(s, f, 1000).if_when;
		assert_in_range(when, 1000, 1099);
		first += when < 1010; /* a tenth of them */
		assert_true(through(s, f, 1000).if_late);
	}
	assert_binomial(first, N, 100000000);
	for (unsigned i = 0; i < 1000; i++) {
		when = through(im, f, 10 * i).if_when;
		back += when < last;
		assert_true(when >= 10 * i);
		last = when;
	}
	assert_int_equal(back, 0);
	impair_destroy(s);
	frame_rele(f);
}

/* --- exactly these --- */

static void
record(int from, uint16_t len)
{
	uint8_t buf[8192];

	buf[0] = 23;
	buf[1] = buf[2] = 3;
	be16enc(buf + 3, len);
	memset(buf + 5, 0x11, len);
	fakewire_send(&fw, from, buf, 5u + len);
}

static void
drop(struct sc_pick p)
{
	add((struct sc_impair) { .drop = { .pick = p } }, SC_IMPAIR_DROP,
	    "exact");
}

static unsigned
lost_of(int from, unsigned *which)
{
	unsigned n = 0;

	*which = 0;
	for (unsigned i = 0; i < nsent; i++)
		if (sent[i].lost && sent[i].from == from) {
			*which = i;
			n++;
		}
	return (n);
}

static void
test_the_third_data_segment(void **state)
{
	unsigned i;

	drop((struct sc_pick) { .data = 3, .has_data = true });
	fakewire_open(&fw);
	for (int r = 0; r < 5; r++) {
		record(0, 100);
		record(1, 100);
	}
	fakewire_resend(&fw, 1, 210, 105, "RTO"); /* the lost one again */
	assert_int_equal(lost_of(1, &i), 1);
	assert_int_equal(sent[i].seg.fs_data, 3);
	assert_int_equal(lost_of(0, &i), 0);
}

static void
test_a_segment_of_a_record(void **state)
{
	unsigned i;

	drop((struct sc_pick) { .record = 2,
	    .has_record = true,
	    .segment = 2,
	    .flow = 1 });
	fakewire_open(&fw);
	for (int r = 0; r < 4; r++)
		record(1, 4000);
	assert_int_equal(lost_of(1, &i), 1);
	/* Three segments a record: the eighth. */
	assert_int_equal(sent[i].seg.fs_data, 8);
	fakewire_resend(&fw, 1, 2 * 4005 + 1448, 1448, "RTO");
	assert_int_equal(lost_of(1, &i), 1);
}

static void
test_whole_records_of_the_client_and_other_flows(void **state)
{
	struct fakewire other;
	unsigned i;

	drop((struct sc_pick) { .app_record = 1,
	    .has_app_record = true,
	    .side = SC_SIDE_CLIENT,
	    .flow = 2 });
	fakewire_open(&fw);
	for (int r = 0; r < 3; r++)
		record(0, 4000);
	assert_int_equal(lost_of(0, &i), 0);
	fakewire_init(&other, true, 50001, emit, NULL);
	fakewire_fini(&fw);
	fw = other;
	fw.no_acks = true;
	fakewire_open(&fw);
	for (int r = 0; r < 3; r++) {
		record(0, 4000);
		record(1, 4000);
	}
	assert_int_equal(lost_of(0, &i), 3);
	assert_int_equal(sent[i].seg.fs_flow, 2);
	assert_int_equal(lost_of(1, &i), 0);
}

static void
test_every_syn_ack_once(void **state)
{
	struct fakewire again;
	unsigned i;

	drop((struct sc_pick) { .flags = SC_PICK_SYN_ACK,
	    .has_flags = true,
	    .first = 1 });
	fakewire_open(&fw);
	fakewire_init(&again, false, 50000, emit, NULL);
	fakewire_open(&again);
	fakewire_fini(&again);
	fakewire_init(&again, false, 50001, emit, NULL);
	fakewire_open(&again);
	fakewire_fini(&again);
	assert_int_equal(nsent, 9);
	for (i = 0; i < 9; i++)
		assert_int_equal(sent[i].lost, i == 1 || i == 7);
}

static void
test_flags_of_each_kind(void **state)
{
	static const struct {
		int flags;
		unsigned lost;
	} kinds[] = { { SC_PICK_SYN, 1 }, { SC_PICK_SYN_ACK, 1 },
		{ SC_PICK_FIN, 2 }, { SC_PICK_RST, 0 },
		{ SC_PICK_PURE_ACK, 2 } };
	unsigned i, lost;

	for (unsigned k = 0; k < nitems(kinds); k++) {
		drop((struct sc_pick) { .flags = kinds[k].flags,
		    .has_flags = true });
		fakewire_open(&fw);
		record(0, 10);
		fakewire_ack(&fw, 1);
		fakewire_close(&fw);
		lost = lost_of(0, &i) + lost_of(1, &i);
		if (kinds[k].flags == SC_PICK_PURE_ACK)
			assert_true(lost >= 2);
		else
			assert_int_equal(lost, kinds[k].lost);
		teardown(NULL);
		setup(NULL);
	}
}

static void
test_a_mask_and_a_count(void **state)
{
	unsigned i, n;

	drop((struct sc_pick) { .mask = "0b0010110" });
	fakewire_open(&fw);
	for (int r = 0; r < 10; r++)
		record(1, 100);
	for (i = 3; i < nsent; i++) {
		n = (unsigned)sent[i].seg.fs_data;
		assert_int_equal(sent[i].lost, n == 3 || n == 5 || n == 6);
	}
	teardown(NULL);
	setup(NULL);
	drop((struct sc_pick) { .mask = "111111", .count = 2 });
	fakewire_open(&fw);
	for (int r = 0; r < 10; r++)
		record(1, 100);
	assert_int_equal(lost_of(1, &i), 2);
}

/* --- damage --- */

static struct frame *struck;
static struct impair_fate struck_fate;

static void
emit_corrupt(void *arg, struct frame *f, simtime_t when, int from)
{
	struct flow_seg seg;
	struct frame *mine;

	flowtrack_frame(ft, f, &seg);
	f->f_pool = &pool;
	mine = frame_copy(f);
	struck_fate = (struct impair_fate) { .if_when = when };
	impair_apply(im, 0, mine, &seg, &struck_fate);
	frame_rele(struck);
	struck = impair_arriving(&struck_fate, mine);
}

static unsigned
different_bits(const struct frame *a, const uint8_t *payload)
{
	unsigned bits = 0;

	for (uint32_t i = 0; i < a->f_paylen; i++)
		bits += (unsigned)__builtin_popcount(
		    (unsigned)(a->f_payload[i] ^ payload[i]));
	return (bits);
}

static void
corrupt_one(int checksum, int where, bool l3, bool l4, unsigned bits)
{
	uint8_t rec[205] = { 23, 3, 3, 0, 200 };
	bool l3ok, l4ok;

	add((struct sc_impair) { .corrupt = { .chance = PPB,
				     .has_chance = true,
				     .checksum = checksum,
				     .where = where } },
	    SC_IMPAIR_CORRUPT, "c");
	fw.emit = emit_corrupt;
	fakewire_open(&fw);
	for (unsigned i = 0; i < 200; i++) {
		fakewire_send(&fw, 1, rec, sizeof(rec));
		assert_true(struck_fate.if_damaged);
		assert_true((struck->f_flags & FRAME_CORRUPTED) != 0);
		frame_csum_check(struck, &l3ok, &l4ok);
		assert_int_equal(l3ok, l3);
		assert_int_equal(l4ok, l4);
		assert_int_equal(different_bits(struck, rec), bits);
		/* Never a record's header, where TLS would wait for ever. */
		if (checksum == 1)
			assert_memory_equal(struck->f_payload, rec, 5);
	}
	frame_rele(struck);
	struck = NULL;
}

static void
test_a_damaged_frame_has_a_wrong_checksum(void **state)
{
	corrupt_one(0, 0, true, false, 1);
}

static void
test_a_damaged_frame_can_have_a_right_checksum(void **state)
{
	corrupt_one(1, 0, true, true, 1);
}

static void
test_a_damaged_header(void **state)
{
	corrupt_one(0, 1, true, false, 0);
}

/* Right checksums are for data that TLS protects: no handshake, no ACK. */
static void
test_a_right_checksum_only_over_application_data(void **state)
{
	uint8_t rec[55] = { 22, 3, 3, 0, 50 };

	add((struct sc_impair) { .corrupt = { .chance = PPB,
				     .has_chance = true,
				     .checksum = 1 } },
	    SC_IMPAIR_CORRUPT, "c");
	fakewire_open(&fw);
	fakewire_send(&fw, 1, rec, sizeof(rec));
	assert_int_equal(impair_stats(im, 0)->corrupted, 0);
	rec[0] = 23;
	fakewire_send(&fw, 1, rec, sizeof(rec));
	assert_int_equal(impair_stats(im, 0)->corrupted, 1);
	fakewire_resend(&fw, 1, 55, 55, "RTO");
	assert_int_equal(impair_stats(im, 0)->corrupted, 1);
}

static void
test_damage_is_dealt_to_a_copy(void **state)
{
	struct impair_fate fate = { .if_damaged = true,
		.if_byte = 60,
		.if_bit = 4 };
	struct frame *f = packet(100, 0), *c;

	frame_ref(f); /* the capture's */
	c = impair_arriving(&fate, f);
	assert_ptr_not_equal(c, f);
	assert_int_equal(f->f_payload[60 - 34], 0x77);
	assert_int_equal(c->f_payload[60 - 34], 0x77 ^ 4);
	frame_rele(c);
	frame_rele(f);
}

/* --- bottlenecks --- */

#define FULL 1026 /* with 14 of Ethernet and 24 of the line: 1064 bytes */
#define SER  (1064 * 8 * SIM_US) /* at 1 Mbit/s */

static void
test_a_bottleneck_spaces_frames(void **state)
{
	struct frame *f = packet(FULL, 0);

	add((struct sc_impair) { .rate = { .rate = MBIT1 } }, SC_IMPAIR_RATE,
	    "slow");
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(through(im, f, 0).if_when, i * SER);
	assert_int_equal(through(im, f, 100 * SER).if_when, 101 * SER);
	assert_int_equal(impair_stats(im, 0)->delayed, 4);
	frame_rele(f);
}

static void
test_a_queue_of_bytes_and_one_of_packets(void **state)
{
	struct frame *f = packet(FULL, 0);
	struct impair_fate fate;

	add((struct sc_impair) { .rate = { .rate = MBIT1, .queue = 3 * 1064 } },
	    SC_IMPAIR_RATE, "bytes");
	for (unsigned i = 0; i < 5; i++) {
		fate = through(im, f, 0);
		assert_int_equal(fate.if_lost != NULL, i >= 3);
	}
	assert_string_equal(fate.if_lost, "link: bytes, queue full");
	assert_null(through(im, f, SER).if_lost);
	frame_rele(f);
	teardown(NULL);
	setup(NULL);
	f = packet(46, 0);
	add((struct sc_impair) { .rate = { .rate = MBIT1, .packets = 3 } },
	    SC_IMPAIR_RATE, "packets");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(through(im, f, 0).if_lost != NULL, i >= 3);
	assert_null(through(im, f, SER).if_lost);
	frame_rele(f);
}

/* Frames come twice as fast as they leave; RED holds the queue. */
static void
red_run(bool ecn, uint8_t bits, struct impair_stats *out, unsigned *tail)
{
	struct frame *f = packet(FULL, bits);
	struct impair_fate fate;

	add((struct sc_impair) { .rate = { .rate = MBIT1,
				     .queue = 2000 * 1064,
				     .red = { .present = true,
					 .min = 20 * 1064,
					 .max = 60 * 1064,
					 .chance = 100000000,
					 .ecn = ecn } } },
	    SC_IMPAIR_RATE, "red");
	*tail = 0;
	for (unsigned i = 0; i < 4000; i++) {
		fate = through(im, f, i * (SER - SER / 10));
		if (fate.if_lost != NULL)
			*tail += strstr(fate.if_lost, "full") != NULL;
	}
	*out = *impair_stats(im, 0);
	frame_rele(f);
}

static void
test_red_drops_early_and_holds_the_queue(void **state)
{
	struct impair_stats s;
	unsigned tail;

	red_run(false, 0, &s, &tail);
	assert_int_equal(tail, 0);
	assert_int_equal(s.marked, 0);
	/* A tenth too much comes: a tenth has to go, give or take. */
	assert_in_range(s.lost, 200, 600);
}

static void
test_red_marks_what_can_be_marked(void **state)
{
	struct impair_stats drops, marks, not_ect;
	unsigned tail;

	red_run(false, 0, &drops, &tail);
	teardown(NULL);
	setup(NULL);
	red_run(true, 2, &marks, &tail);
	teardown(NULL);
	setup(NULL);
	red_run(true, 0, &not_ect, &tail);
	assert_true(marks.marked > 50);
	assert_int_equal(not_ect.marked, 0);
	assert_int_equal(not_ect.lost, drops.lost);
}

/* Twice as much as fits, and marking alone slows nobody down here: from max on
 * it drops, ECN or not. */
static void
test_red_drops_from_max_on(void **state)
{
	struct frame *f = packet(FULL, 2);
	struct impair_stats s;

	add((struct sc_impair) { .rate = { .rate = MBIT1,
				     .red = { .present = true,
					 .min = 20 * 1064,
					 .max = 60 * 1064,
					 .chance = 100000000,
					 .ecn = true } } },
	    SC_IMPAIR_RATE, "red");
	for (unsigned i = 0; i < 4000; i++)
		(void)through(im, f, i * (SER / 2));
	s = *impair_stats(im, 0);
	assert_true(s.marked > 50);
	assert_in_range(s.lost, 1500, 2100); /* half of them has to go */
	frame_rele(f);
}

static void
test_a_mark_is_ce_with_a_right_header_checksum(void **state)
{
	struct impair_fate fate = { .if_ce = true };
	struct frame *f = packet(100, 2), *c;

	frame_ref(f);
	c = impair_arriving(&fate, f);
	assert_int_equal(c->f_hdr[15] & 3, 3);
	assert_int_equal(f->f_hdr[15] & 3, 2);
	assert_int_equal(in_sum(c->f_hdr + 14, 20), 0xffff);
	frame_rele(c);
	frame_rele(f);
}

/* --- size --- */

static void
test_what_is_too_large_does_not_pass(void **state)
{
	struct frame *fits = packet(1400, 0), *f = packet(1401, 0);
	struct impair_fate fate;

	add((struct sc_impair) { .mtu = { .size = 1400 } }, SC_IMPAIR_MTU,
	    "hole");
	assert_null(through(im, fits, 0).if_lost);
	fate = through(im, f, 0);
	assert_string_equal(fate.if_lost, "link: hole, too large");
	assert_null(fate.if_answer);
	frame_rele(fits);
	frame_rele(f);
}

static void
test_a_router_answers_too_big(void **state)
{
	struct sc_mtu m = { .size = 1300,
		.icmp = true,
		.router = "10.0.0.254" };
	struct frame *f = packet(1401, 0), *r;
	const uint8_t *ip, *icmp;

	add((struct sc_impair) { .mtu = m }, SC_IMPAIR_MTU, "hole");
	assert_non_null(through(im, f, 0).if_answer);
	r = icmp_too_big(&m, f);
	/* Ethernet turned round. */
	assert_memory_equal(r->f_hdr, f->f_hdr + 6, 6);
	assert_memory_equal(r->f_hdr + 6, f->f_hdr, 6);
	ip = r->f_hdr + 14;
	icmp = ip + 20;
	assert_int_equal(frame_len(r), 14 + 576);
	assert_int_equal(be16dec(ip + 2), 576);
	assert_int_equal(in_sum(ip, 20), 0xffff);
	assert_memory_equal(ip + 12, "\x0a\x00\x00\xfe\x0a\x00\x00\x01", 8);
	assert_int_equal(icmp[0], 3);
	assert_int_equal(icmp[1], 4);
	assert_int_equal(be16dec(icmp + 6), 1300);
	assert_int_equal(in_sum_add(in_sum(icmp, 8),
			     in_sum(r->f_payload, r->f_paylen), 0),
	    0xffff);
	/* The packet as it was: its header, then what fits. */
	assert_memory_equal(r->f_payload, f->f_hdr + 14, 20);
	assert_memory_equal(r->f_payload + 20, f->f_payload, 576 - 28 - 20);
	/* Who told so much to the other way's narrow place gets no answer. */
	assert_null(icmp_too_big(&m, r));
	frame_rele(r);
	m.size = 100;
	r = icmp_too_big(&m, f);
	assert_int_equal(frame_len(r), 14 + 100); /* it fits itself */
	assert_int_equal(be16dec(r->f_hdr + 14 + 2), 100);
	frame_rele(r);
	m.size = 1300;
	m.router = "fd00::fe"; /* of the other family */
	assert_null(icmp_too_big(&m, f));
	m.router = "10.0.0.254";
	memset(f->f_hdr + 20, 0, 2); /* it may be fragmented */
	assert_null(icmp_too_big(&m, f));
	frame_rele(f);
}

static void
emit_answer6(void *arg, struct frame *f, simtime_t when, int from)
{
	static const struct sc_mtu m = { .size = 1280,
		.icmp = true,
		.router = "fd00::fe" };
	const uint8_t *ip, *icmp;
	struct frame *r;
	uint16_t sum;

	if (f->f_paylen == 0)
		return;
	f->f_pool = &pool;
	/* As cards send it: the quote must have the checksum all the same. */
	sum = be16dec(f->f_hdr + 14 + 40 + 16);
	memset(f->f_hdr + 14 + 40 + 16, 0, 2);
	f->f_flags |= FRAME_CSUM_LAZY;
	r = icmp_too_big(&m, f);
	assert_int_equal(be16dec(r->f_payload + 40 + 16), sum);
	ip = r->f_hdr + 14;
	icmp = ip + 40;
	assert_int_equal(frame_len(r), 14 + 1280);
	assert_memory_equal(ip + 24, f->f_hdr + 14 + 8, 16);
	assert_int_equal(ip[23], 0xfe);
	assert_int_equal(icmp[0], 2);
	assert_int_equal(be32dec(icmp + 4), 1280);
	sum = in_sum_add(in_sum_pseudo(ip + 8, ip + 24, 16, KIPPROTO_ICMPV6,
			     1240),
	    in_sum(icmp, 8), 0);
	assert_int_equal(in_sum_add(sum, in_sum(r->f_payload, r->f_paylen), 0),
	    0xffff);
	assert_null(icmp_too_big(&m, r));
	frame_rele(r);
	nsent++;
}

static void
test_a_router_answers_too_big_in_ipv6(void **state)
{
	struct fakewire v6;
	uint8_t buf[1448] = { 0 };

	fakewire_init(&v6, true, 50000, emit_answer6, NULL);
	fakewire_open(&v6);
	fakewire_send(&v6, 0, buf, sizeof(buf));
	assert_int_equal(nsent, 1);
	fakewire_fini(&v6);
}

/* --- the stack --- */

static void
test_faults_off_is_for_good(void **state)
{
	struct frame *f = packet(1401, 0);
	struct impair_fate fate;

	add((struct sc_impair) { .loss = PPB }, SC_IMPAIR_LOSS, "l");
	add((struct sc_impair) { .mtu = { .size = 1400 } }, SC_IMPAIR_MTU, "m");
	add((struct sc_impair) { .delay = 5 }, SC_IMPAIR_DELAY, "d");
	assert_non_null(through(im, f, 0).if_lost);
	impair_faults_off(im);
	assert_int_equal(impair_enable(im, "l", true), 0);
	fate = through(im, f, 10);
	assert_null(fate.if_lost);
	assert_int_equal(fate.if_when, 15);
	frame_rele(f);
}

static void
test_what_a_capture_says(void **state)
{
	struct impair_fate fate = { .if_when = 30 * SIM_US };
	struct strbuf sb = { 0 };

	impair_remark(&fate, 10 * SIM_US, &sb);
	assert_int_equal(sb.sb_len, 0);
	fate.if_late = fate.if_damaged = fate.if_ce = true;
	fate.if_copies = 1;
	impair_remark(&fate, 10 * SIM_US, &sb);
	assert_string_equal(strbuf_str(&sb),
	    "marked CE, arrives damaged, arrives twice, late by 20us");
	strbuf_fini(&sb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_loss_strikes_as_often_as_it_says),
		T(test_another_node_moves_nobodys_chance),
		T(test_streams_are_of_seed_link_end_and_name),
		T(test_a_change_moves_no_later_fate),
		T(test_bursts_are_as_long_and_as_often_as_they_should),
		T(test_duplicates_share_the_payload),
		T(test_reordering_by_number_and_by_chance),
		T(test_jitter_is_uniform_and_keeps_the_order_or_not),
		T(test_the_third_data_segment),
		T(test_a_segment_of_a_record),
		T(test_whole_records_of_the_client_and_other_flows),
		T(test_every_syn_ack_once),
		T(test_flags_of_each_kind),
		T(test_a_mask_and_a_count),
		T(test_a_damaged_frame_has_a_wrong_checksum),
		T(test_a_damaged_frame_can_have_a_right_checksum),
		T(test_a_damaged_header),
		T(test_a_right_checksum_only_over_application_data),
		T(test_damage_is_dealt_to_a_copy),
		T(test_a_bottleneck_spaces_frames),
		T(test_a_queue_of_bytes_and_one_of_packets),
		T(test_red_drops_early_and_holds_the_queue),
		T(test_red_marks_what_can_be_marked),
		T(test_red_drops_from_max_on),
		T(test_a_mark_is_ce_with_a_right_header_checksum),
		T(test_what_is_too_large_does_not_pass),
		T(test_a_router_answers_too_big),
		T(test_a_router_answers_too_big_in_ipv6),
		T(test_faults_off_is_for_good),
		T(test_what_a_capture_says),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
