/* The text beside a frame. */
#include <string.h>

#include <ktsim/sim/tap.h>

#include "fakewire.h"
#include "ktest.h"

static struct frame last;
static uint8_t bytes[64];

static void
keep(void *arg, struct frame *f, simtime_t when, int from)
{
	last = *f;
}

static void
make(size_t len)
{
	struct fakewire fw;

	fakewire_init(&fw, false, 50000, keep, NULL);
	fw.no_acks = true;
	fakewire_send(&fw, 0, bytes, len);
	if (len == 0)
		fakewire_ack(&fw, 0);
	last.f_payload = bytes;
	fakewire_fini(&fw);
}

static const char *
comment(const char *verdict, uint64_t of)
{
	static struct strbuf sb;
	static char text[256];

	capture_comment(&last, verdict, NULL, of, &sb);
	strcpy(text, strbuf_str(&sb));
	strbuf_fini(&sb);
	memset(&sb, 0, sizeof(sb));
	return (text);
}

static void
test_an_ifnet_segment_names_record_tag_burst_and_queue(void **state)
{
	make(10);
	last.f_note.pn_mode = PKT_KTLS_IFNET;
	last.f_note.pn_rec_seqno = 12;
	last.f_note.pn_rec_off = 1448;
	last.f_note.pn_tag = 3;
	last.f_note.pn_burst = 7;
	assert_string_equal(comment(NULL, 0),
	    "record 12 +1448, ktls ifnet, tag 3, burst 7, queue 0");
}

static void
test_a_retransmission_says_of_what_and_why(void **state)
{
	make(10);
	last.f_note.pn_rexmit = true;
	last.f_note.pn_why = "RTO";
	assert_string_equal(comment(NULL, 45),
	    "plain mbufs, queue 0, rexmit of #45 (RTO)");
}

static void
test_what_was_refused_before_is_no_retransmission(void **state)
{
	make(10);
	last.f_note.pn_rexmit = true;
	last.f_note.pn_why = "RTO";
	assert_string_equal(comment(NULL, 0),
	    "plain mbufs, queue 0, refused before (RTO)");
}

static void
test_no_other_frame_has_the_word_rexmit(void **state)
{
	make(10);
	assert_null(strstr(comment(NULL, 45), "rexmit"));
	assert_string_equal(comment(NULL, 45), "plain mbufs, queue 0");
	make(0);
	assert_string_equal(comment(NULL, 0), "ack");
}

static void
test_of_what_comes_from_outside_nothing_is_known(void **state)
{
	make(10);
	last.f_note.pn_tcp = false;
	assert_string_equal(comment(NULL, 0), "from outside");
}

static void
test_a_repeated_fin_is_a_retransmission_without_the_senders_word(void **state)
{
	make(0);
	last.f_hdr[14 + 20 + 13] |= 1;
	assert_string_equal(comment(NULL, 0), "fin");
	assert_string_equal(comment(NULL, 7), "fin, rexmit of #7");
}

static void
test_a_dropped_frame_says_why(void **state)
{
	make(10);
	assert_string_equal(comment("link: loss 1%", 0),
	    "plain mbufs, queue 0, dropped: link: loss 1%");
	last.f_flags = FRAME_LOST_RING;
	assert_string_equal(comment(NULL, 0),
	    "plain mbufs, queue 0, lost in ring: link down");
	last.f_flags = FRAME_CORRUPTED;
	last.f_note.pn_reread = 1448;
	assert_string_equal(comment(NULL, 0),
	    "plain mbufs, queue 0, card re-read 1448 bytes, corrupted");
}

static void
test_frames_that_are_not_tcp_are_named(void **state)
{
	make(0);
	last.f_hdr[12] = 0x08;
	last.f_hdr[13] = 0x06;
	assert_string_equal(comment(NULL, 0), "arp");
	last.f_hdr[12] = 0x88;
	last.f_hdr[13] = 0x09;
	assert_string_equal(comment(NULL, 0), "slow protocol");
	last.f_hdr[12] = 0x08;
	last.f_hdr[13] = 0x00;
	last.f_hdr[14 + 9] = 1;
	assert_string_equal(comment(NULL, 0), "ip");
	last.f_hdr[12] = 0x88;
	last.f_hdr[13] = 0xb5;
	assert_string_equal(comment(NULL, 0), "ethertype 0x88b5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_an_ifnet_segment_names_record_tag_burst_and_queue),
		cmocka_unit_test(test_a_retransmission_says_of_what_and_why),
		cmocka_unit_test(
		    test_what_was_refused_before_is_no_retransmission),
		cmocka_unit_test(
		    test_of_what_comes_from_outside_nothing_is_known),
		cmocka_unit_test(test_no_other_frame_has_the_word_rexmit),
		cmocka_unit_test(
		    test_a_repeated_fin_is_a_retransmission_without_the_senders_word),
		cmocka_unit_test(test_a_dropped_frame_says_why),
		cmocka_unit_test(test_frames_that_are_not_tcp_are_named),
	};

	return (cmocka_run_group_tests_name("comment", tests, NULL, NULL));
}
