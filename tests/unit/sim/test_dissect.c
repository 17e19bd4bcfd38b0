/* Frames taken apart, and connections of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>

#include "dissect.h"
#include "flows.h"
#include "ktest.h"

#define IP  14
#define TCP (IP + 20)

struct seg {
	uint8_t b[400];
	size_t len;
};

/* 10.0.0.1:1000 > 10.0.0.2:443, or back. */
static struct seg
segment(bool back, uint8_t flags, uint32_t seq, const void *opts,
    unsigned optlen, const void *data, unsigned len)
{
	struct seg s = { .len = TCP + 20 + optlen + len };
	uint8_t *ip = s.b + IP, *th = s.b + TCP;

	be16enc(s.b + 12, 0x0800);
	ip[0] = 0x45;
	be16enc(ip + 2, (uint16_t)(s.len - IP));
	ip[9] = 6;
	be32enc(ip + 12, back ? 0x0a000002 : 0x0a000001);
	be32enc(ip + 16, back ? 0x0a000001 : 0x0a000002);
	be16enc(th, back ? 443 : 1000);
	be16enc(th + 2, back ? 1000 : 443);
	be32enc(th + 4, seq);
	th[12] = (uint8_t)((20 + optlen) / 4 << 4);
	th[13] = flags;
	be16enc(th + 14, 512);
	memcpy(th + 20, opts != NULL ? opts : "", optlen);
	memcpy(th + 20 + optlen, data != NULL ? data : "", len);
	return (s);
}

static struct packet
taken(const struct seg *s, size_t caplen)
{
	struct packet pk;
	uint8_t *exact = malloc(caplen + 1); /* reads behind are seen */

	memcpy(exact, s->b, caplen);
	dissect(exact, caplen, s->len, &pk);
	free(exact);
	return (pk);
}

static void
test_a_segment_has_its_numbers(void **state)
{
	struct seg s = segment(false, TH_ACK | TH_PUSH, 77, NULL, 0, "abc", 3);
	struct packet pk;
	struct strbuf sb = { 0 };

	s.b[IP + 1] = 2;
	be32enc(s.b + TCP + 8, 99);
	dissect(s.b, s.len, s.len, &pk);
	assert_int_equal(pk.pk_kind, PK_TCP);
	assert_int_equal(pk.pk_seq, 77);
	assert_int_equal(pk.pk_ack, 99);
	assert_int_equal(pk.pk_win, 512);
	assert_int_equal(pk.pk_flags, TH_ACK | TH_PUSH);
	assert_int_equal(pk.pk_ecn, 2);
	assert_int_equal(pk.pk_len, 3);
	assert_memory_equal(pk.pk_data, "abc", 3);
	endpoint_text(&pk.pk_src, &sb);
	assert_string_equal(strbuf_str(&sb), "10.0.0.1:1000");
	strbuf_fini(&sb);
}

static void
test_padding_is_no_payload(void **state)
{
	struct seg s = segment(false, TH_ACK, 1, NULL, 0, NULL, 0);
	struct packet pk;

	s.len = 60;
	dissect(s.b, s.len, s.len, &pk);
	assert_int_equal(pk.pk_kind, PK_TCP);
	assert_int_equal(pk.pk_len, 0);
}

static void
test_every_cut_is_told_and_nothing_behind_it_is_read(void **state)
{
	struct seg s = segment(false, TH_ACK, 1, "\1\1\1\1", 4, "abcdef", 6);
	struct packet pk;

	for (size_t cap = 0; cap < s.len - 6; cap++) {
		pk = taken(&s, cap);
		assert_int_equal(pk.pk_kind, PK_OTHER);
		assert_non_null(strstr(pk.pk_text, "cut by the snapshot"));
	}
	pk = taken(&s, s.len - 2);
	assert_int_equal(pk.pk_kind, PK_TCP);
	assert_int_equal(pk.pk_len, 6);
	assert_int_equal(pk.pk_caplen, 4);
}

/* One that lacks its last byte says so, in whichever way. */
static void
assert_slow(struct seg *s, size_t needed, const char *text)
{
	struct packet pk;

	s->len = needed;
	pk = taken(s, needed);
	assert_int_equal(pk.pk_kind, PK_OTHER);
	assert_string_equal(pk.pk_text, text);
	pk = taken(s, needed - 1);
	assert_non_null(strstr(pk.pk_text, "cut by the snapshot"));
	s->len--;
	pk = taken(s, needed - 1);
	assert_int_equal(pk.pk_kind, PK_MALFORMED);
}

static void
test_lacp_and_markers_are_named(void **state)
{
	struct seg s = { .b = { [12] = 0x88,
			     [13] = 0x09,
			     [14] = 1,
			     [16] = 1,
			     [17] = 20,
			     [18] = 0x80,
			     [20] = 2,
			     [25] = 7,
			     [27] = 33,
			     [31] = 4,
			     [32] = 0x3d,
			     [36] = 2,
			     [37] = 20,
			     [52] = 0xc2 } };

	assert_slow(&s, 14 + 42,
	    "lacp actor 02:00:00:00:00:07 port 4 key 33 --DCSG-A, partner "
	    "00:00:00:00:00:00 port 0 key 0 EF----T-");
	s.b[14] = 2;
	be16enc(s.b + 18, 5);
	be32enc(s.b + 26, 9);
	assert_slow(&s, 14 + 16, "marker request, port 5 number 9");
	s.b[16] = 2;
	assert_slow(&s, 14 + 16, "marker response, port 5 number 9");
	s.b[14] = 3;
	assert_slow(&s, 14 + 1, "slow protocol, subtype 3");
}

static void
assert_malformed(const struct seg *s, size_t wirelen, const char *text)
{
	struct packet pk;

	dissect(s->b, wirelen, wirelen, &pk);
	assert_int_equal(pk.pk_kind, PK_MALFORMED);
	assert_string_equal(pk.pk_text, text);
}

static void
test_lengths_that_contradict_each_other_are_malformed(void **state)
{
	const struct seg good = segment(false, TH_ACK, 1, NULL, 0, "abc", 3);
	struct seg s = good;

	assert_malformed(&s, 10,
	    "Ethernet header: 10 bytes where 14 are needed");
	s.b[IP] = 0x44;
	assert_malformed(&s, s.len, "IPv4 version 4, header length 16");
	s = good;
	be16enc(s.b + IP + 2, 44);
	assert_malformed(&s, s.len, "IPv4 length 44 in 43 bytes");
	s = good;
	s.b[TCP + 12] = 0x40;
	assert_malformed(&s, s.len, "TCP header length 16");
	s.b[TCP + 12] = 0xf0;
	assert_malformed(&s, s.len,
	    "TCP options: 23 bytes where 60 are needed");
}

static void
test_random_frames_do_no_harm(void **state)
{
	struct seg s = { .len = 90 };
	struct strbuf sb = { 0 };
	struct packet pk;
	uint32_t x = 1;

	for (int n = 0; n < 200000; n++) {
		for (unsigned i = 0; i < s.len; i++)
			s.b[i] =
			    (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		be16enc(s.b + 12, (n & 1) != 0 ? 0x86dd : 0x0800);
		s.b[IP] = (n & 1) != 0 ? 0x60 : 0x45;
		s.b[IP + 6] = (n & 1) != 0 && (n & 2) != 0 ? 60 : 6;
		be16enc(s.b + IP + 2, 60);
		be16enc(s.b + IP + 4, 36);
		dissect(s.b, s.len - (x >> 26), s.len, &pk);
		if (pk.pk_kind == PK_TCP)
			tcp_options_text(pk.pk_opts, pk.pk_optlen, 0, &sb);
		strbuf_clear(&sb);
	}
	strbuf_fini(&sb);
}

static const char *
options(const void *p, unsigned len)
{
	static char text[200];
	struct strbuf sb = { 0 };

	tcp_options_text(p, len, 1000, &sb);
	snprintf(text, sizeof(text), "%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	return (text);
}

static void
test_options(void **state)
{
	assert_string_equal(options("\2\4\5\264\4\2\1\3\3\6\0\0", 12),
	    "mss 1460,sackOK,wscale 6");
	assert_string_equal(options("\10\12\0\0\0\1\0\0\1\0", 10),
	    "TS val 1 ecr 256");
	/* Edges are relative. */
	assert_string_equal(options("\5\12\0\0\3\351\0\0\3\352", 10),
	    "sack 1:2");
	assert_string_equal(options("\36\3x", 3), "option 30 (3 bytes)");
	assert_string_equal(options("\2\4\5\264\2\1", 6), "mss 1460,malformed");
	assert_string_equal(options("\10\12\0\0", 4), "malformed");
	assert_string_equal(options("\3", 1), "malformed");
	assert_int_equal(tcp_options_wscale((const uint8_t *)"\1\3\3\377", 4),
	    14);
	assert_int_equal(tcp_options_wscale((const uint8_t *)"\3\2\7", 3), -1);
}

/* --- connections --- */

static struct flow *
sent(struct flows *fs, struct seg s, uint64_t frame, unsigned *dir)
{
	struct packet pk;

	dissect(s.b, s.len, s.len, &pk);
	assert_int_equal(pk.pk_kind, PK_TCP);
	return (flows_packet(fs, &pk, frame, dir));
}

static const uint8_t record[] = { 22, 3, 1, 0, 4, 'a', 'b', 'c', 'd' };

static void
test_records_across_the_wrap_of_sequence_numbers(void **state)
{
	static const uint8_t wscale[] = { 3, 3, 7, 0 };
	struct flows fs = { 0 };
	struct flow *fl;
	uint32_t isn = UINT32_MAX - 4;
	uint64_t off;
	unsigned dir;

	fl =
	    sent(&fs, segment(false, TH_SYN, isn, wscale, 4, NULL, 0), 1, &dir);
	assert_int_equal(flow_window_scale(fl, 0), 0);
	sent(&fs, segment(true, TH_SYN | TH_ACK, 5, wscale, 4, NULL, 0), 2,
	    &dir);
	assert_int_equal(dir, 1);
	assert_int_equal(flow_window_scale(fl, 0), 128);
	for (uint32_t i = 0; i < 9; i++)
		assert_ptr_equal(sent(&fs,
				     segment(false, TH_ACK, isn + 1 + i, NULL,
					 0, record + i, 1),
				     3 + i, &dir),
		    fl);
	assert_int_equal(fs.fs_n, 1);
	assert_int_equal(records_count(&fl->fl_dir[0].fd_records), 1);
	assert_true(flow_offset(&fl->fl_dir[0], 4, &off));
	assert_int_equal(off, 8);
	assert_int_equal(flow_seq(&fl->fl_dir[0], 8), 4);
	assert_false(flow_offset(&fl->fl_dir[0], isn, &off));
	/* A keep-alive repeats the byte before the first. */
	sent(&fs, segment(false, TH_ACK, isn, NULL, 0, "x", 1), 20, &dir);
	assert_int_equal(records_get(&fl->fl_dir[0].fd_records, 0)->r_last, 11);
	flows_fini(&fs);
}

static void
test_ports_used_again_are_another_connection(void **state)
{
	struct flows fs = { 0 };
	struct flow *one, *two;
	unsigned dir;

	one = sent(&fs, segment(false, TH_SYN, 100, NULL, 0, NULL, 0), 1, &dir);
	assert_ptr_equal(one,
	    sent(&fs, segment(false, TH_SYN, 100, NULL, 0, NULL, 0), 2, &dir));
	two = sent(&fs, segment(false, TH_SYN, 999, NULL, 0, NULL, 0), 3, &dir);
	assert_ptr_not_equal(one, two);
	assert_int_equal(two->fl_number, 1);
	assert_ptr_equal(two,
	    sent(&fs, segment(true, TH_SYN | TH_ACK, 7, NULL, 0, NULL, 0), 4,
		&dir));
	flows_fini(&fs);
}

static void
test_a_capture_from_the_middle_finds_the_next_record(void **state)
{
	struct flows fs = { 0 };
	struct flow *fl;
	unsigned dir;

	fl = sent(&fs, segment(true, TH_ACK, 5000, NULL, 0, "cipher", 6), 1,
	    &dir);
	assert_int_equal(dir, 0);
	assert_int_equal(fl->fl_dir[0].fd_base, 4999);
	assert_int_equal(records_count(&fl->fl_dir[0].fd_records), 0);
	sent(&fs, segment(true, TH_ACK, 5006, NULL, 0, record, 9), 2, &dir);
	assert_int_equal(records_count(&fl->fl_dir[0].fd_records), 1);
	assert_int_equal(records_get(&fl->fl_dir[0].fd_records, 0)->r_start, 6);
	assert_int_equal(flow_window_scale(fl, 0), 0);
	flows_fini(&fs);
}

static void
test_many_connections_are_found_again(void **state)
{
	struct flows fs = { 0 };
	struct seg s;
	unsigned dir;

	for (int round = 0; round < 2; round++)
		for (unsigned port = 1; port <= 3000; port++) {
			s = segment(round == 1, TH_ACK, 1, NULL, 0, NULL, 0);
			be16enc(s.b + TCP + (round == 1 ? 2 : 0),
			    (uint16_t)port);
			assert_int_equal(sent(&fs, s, 1, &dir)->fl_number,
			    port - 1);
			assert_int_equal(dir, (unsigned)round);
		}
	flows_fini(&fs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_segment_has_its_numbers),
		cmocka_unit_test(test_padding_is_no_payload),
		cmocka_unit_test(test_lacp_and_markers_are_named),
		cmocka_unit_test(
		    test_every_cut_is_told_and_nothing_behind_it_is_read),
		cmocka_unit_test(
		    test_lengths_that_contradict_each_other_are_malformed),
		cmocka_unit_test(test_random_frames_do_no_harm),
		cmocka_unit_test(test_options),
		cmocka_unit_test(
		    test_records_across_the_wrap_of_sequence_numbers),
		cmocka_unit_test(test_ports_used_again_are_another_connection),
		cmocka_unit_test(
		    test_a_capture_from_the_middle_finds_the_next_record),
		cmocka_unit_test(test_many_connections_are_found_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
