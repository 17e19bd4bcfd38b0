/* A file that changes while sendfile's pages are still on their way. */
#include "libtest.h"

#include <stdbool.h>

/* From 20 ms to 100 ms nothing arrives. */
static const char lossy[] =
    "ktls_sim: 1\n"
    "name: lossy\n"
    "hosts:\n"
    "  a:\n"
    "    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: %d,\n"
    "      kern.ipc.tls.ifnet_max_rexmit_pct: 100}\n"
    "    nics: {mce0: {model: ideal}}\n"
    "    addresses: {mce0: 10.0.0.1/24}\n"
    "    files: {/f: {size: 64KiB, cached: %s}}\n"
    "  b:\n"
    "    sysctl: {kern.ipc.tls.enable: 1}\n"
    "    nics: {em0: {model: basic}}\n"
    "    addresses: {em0: 10.0.0.2/24}\n"
    "links:\n"
    "  - {ends: [a.mce0, b.em0], delay: 1ms}\n"
    "timeline:\n"
    "  - {at: 20ms, do: loss, on: a.mce0, loss: 100%%}\n"
    "  - {at: 100ms, do: loss, on: a.mce0, loss: 0%%}\n"
    "checks: {records: false}\n";

#define LEN 8192
static uint8_t was[LEN], is[LEN], got[LEN];
static int out, in, file;

static void
open_world(bool ifnet, bool cached, bool tls)
{
	struct ktlssim_params p = { 0 };
	struct sockaddr_in sin;
	char text[sizeof(lossy) + 16], *why;
	int l;

	snprintf(text, sizeof(text), lossy, ifnet, cached ? "true" : "false");
	p.scenario_text = text;
	if (ktlssim_open(&p, &sim, &why) != 0)
		fail_msg("%s", why);
	host = ktlssim_host(sim, "a");
	assert_int_equal(ktlssim_host_addr(ktlssim_host(sim, "b"), AF_INET,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    0);
	sin.sin_port = htons(80);
	l = ktlssim_socket(ktlssim_host(sim, "b"), AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_bind(sim, l, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_listen(sim, l, 1), 0);
	out = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_connect(sim, out, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	in = ktlssim_accept4(sim, l, NULL, NULL, 0);
	if (tls) {
		assert_int_equal(enable_tls(out, KTLSSIM_TCP_TXTLS_ENABLE), 0);
		assert_int_equal(enable_tls(in, KTLSSIM_TCP_RXTLS_ENABLE), 0);
	}
	file = ktlssim_open_file(host, "/f");
	assert_int_equal(ktlssim_file_read(sim, file, 100, was, LEN), 0);
	for (size_t i = 0; i < LEN; i++)
		is[i] = (uint8_t)~was[i];
}

static void
send_it(void)
{
	off_t sent;

	assert_int_equal(ktlssim_sendfile(sim, file, out, 100, LEN, NULL, &sent,
			     0),
	    0);
	assert_int_equal(sent, LEN);
}

static void
change_it(void)
{
	uint8_t back[LEN];

	assert_int_equal(ktlssim_file_write(sim, file, 100, is, LEN), 0);
	assert_int_equal(ktlssim_file_read(sim, file, 100, back, LEN), 0);
	assert_memory_equal(back, is, LEN);
}

static void
expect(const uint8_t *want)
{
	assert_int_equal(ktlssim_recv(sim, in, got, LEN, MSG_WAITALL), LEN);
	assert_memory_equal(got, want, LEN);
}

static int
close_world(void **state)
{
	return (teardown(state));
}

static void
sleep_until(uint64_t ms)
{
	assert_int_equal(ktlssim_sleep(sim, ms * 1000000 - ktlssim_now(sim)),
	    0);
}

/* The worker has not come to it yet: what it finds is the new file. */
static void
test_queued_records_take_the_new_bytes(void **state)
{
	open_world(false, true, true);
	send_it();
	change_it();
	expect(is);
}

/* Its encryption is under way: it began with the old file. */
static void
test_what_a_worker_has_taken_stays(void **state)
{
	open_world(false, true, true);
	send_it();
	assert_int_equal(ktlssim_sleep(sim, 1500), 0);
	change_it();
	expect(was);
}

/* Encrypted once: a retransmission is the same ciphertext. */
static void
test_software_retransmits_what_it_encrypted(void **state)
{
	open_world(false, true, true);
	sleep_until(30);
	send_it();
	sleep_until(40);
	change_it();
	expect(was);
	assert_true(ktlssim_now(sim) > 100000000);
}

/* Without TLS, and where the card encrypts, the page is read again. */
static void
test_plain_and_card_retransmit_what_the_file_is(void **state)
{
	open_world(false, true, false);
	sleep_until(30);
	send_it();
	sleep_until(40);
	change_it();
	expect(is);
	assert_int_equal(teardown(state), 0);
	open_world(true, true, true);
	sleep_until(30);
	send_it();
	sleep_until(40);
	change_it();
	expect(is);
}

/* On its way from the disk: it arrives as it is now. */
static void
test_a_page_being_read_arrives_changed(void **state)
{
	open_world(false, false, true);
	send_it();
	change_it();
	expect(is);
}

static void
test_writes_stay_in_the_file(void **state)
{
	uint8_t b;

	open_world(false, false, false);
	assert_int_equal(ktlssim_file_write(sim, file, 65535, "x", 1), 0);
	assert_int_equal(ktlssim_file_read(sim, file, 65535, &b, 1), 0);
	assert_int_equal(b, 'x');
	assert_int_equal(ktlssim_file_write(sim, file, 65536, "x", 1),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_file_write(sim, file, 65535, "xy", 2),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_file_write(sim, out, 0, "x", 1),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_file_write(sim, 99, 0, "x", 1),
	    -KTLSSIM_EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, close_world)
		T(test_queued_records_take_the_new_bytes),
		T(test_what_a_worker_has_taken_stays),
		T(test_software_retransmits_what_it_encrypted),
		T(test_plain_and_card_retransmit_what_the_file_is),
		T(test_a_page_being_read_arrives_changed),
		T(test_writes_stay_in_the_file),
	};

	(void)setup; /* each opens a world of its own */
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
