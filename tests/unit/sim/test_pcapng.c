/* pcapng: read back by libpcap, by tshark, and after a full disk. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include <ktsim/sim/tap.h>

#include "fakewire.h"
#include "ktest.h"

#define EPOCH_NS 1700000000000000000ull

static const struct capture_if ifs[2] = {
	{ "client:em0", "client side", "basic", { 2, 0, 0, 0, 0, 1 },
	    10000000000 },
	{ "server:mce0", "server side", "cx6dx", { 2, 0, 0, 0, 0, 2 },
	    100000000000 },
};
static const char *const names[] = { "10.0.0.1", "client.sim", "10.0.0.2",
	"server.sim", "fd00::2", "server.sim", NULL };
static char path[64];

struct sink {
	struct capture *cp;
	int error;
};

static void
to_capture(void *arg, struct frame *f, simtime_t when, int from)
{
	struct sink *s = arg;

	s->error = capture_frame(s->cp, (unsigned)from, f, when, false,
	    f->f_id == 1 ? "first\nsecond line \xc3\xa4" : "x");
}

static int
setup(void **state)
{
	snprintf(path, sizeof(path), "test_pcapng.%d.pcapng", (int)getpid());
	return (0);
}

static int
teardown(void **state)
{
	unlink(path);
	return (0);
}

static uint64_t
write_sample(size_t bytes, int *error)
{
	static uint8_t data[200000];
	struct fakewire fw;
	struct sink s = { NULL, 0 };
	uint64_t n;

	assert_int_equal(capture_open(path, EPOCH_NS, "scenario x, seed 1", ifs,
			     2, names, &s.cp),
	    0);
	assert_string_equal(capture_path(s.cp), path);
	assert_int_equal(capture_secrets(s.cp, "CLIENT_RANDOM aa bb\n"), 0);
	fakewire_init(&fw, false, 50000, to_capture, &s);
	fakewire_open(&fw);
	fakewire_send(&fw, 0, data, bytes);
	fakewire_close(&fw);
	fakewire_fini(&fw);
	capture_counts(s.cp, 1, 77, 3);
	n = capture_frames(s.cp);
	*error = capture_close(s.cp);
	return (n);
}

/* Number of packets, all whole; -1 when libpcap finds the file damaged. */
static int
count_packets(void)
{
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *ph;
	const u_char *p;
	pcap_t *pc;
	int n = 0, r;

	pc = pcap_open_offline_with_tstamp_precision(path,
	    PCAP_TSTAMP_PRECISION_NANO, err);
	if (pc == NULL)
		return (-1);
	while ((r = pcap_next_ex(pc, &ph, &p)) == 1) {
		assert_int_equal(ph->caplen, ph->len);
		if (n == 0) {
			assert_int_equal(ph->ts.tv_sec, 1700000000);
			assert_int_equal(ph->ts.tv_usec, 10000);
		}
		n++;
	}
	pcap_close(pc);
	return (r == PCAP_ERROR_BREAK ? n : -1);
}

static void
test_libpcap_reads_every_frame_with_its_nanoseconds(void **state)
{
	uint64_t n;
	int error;

	n = write_sample(100000, &error);
	assert_int_equal(error, 0);
	assert_int_equal(count_packets(), (int)n);
}

/* Types of the file's blocks, a digit each: 6 a frame, a secrets, d the rest. */
static const char *
block_types(void)
{
	static char types[4096];
	uint8_t head[8];
	size_t n = 0;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	while (n < sizeof(types) - 1 && fread(head, 1, 8, f) == 8) {
		types[n++] = head[0] == 6	    ? '6'
		    : head[0] == 10 && head[1] == 0 ? 'a'
						    : 'd';
		fseek(f, (long)(head[4] | head[5] << 8 | head[6] << 16) - 8,
		    SEEK_CUR);
	}
	types[n] = '\0';
	fclose(f);
	return (types);
}

static uint64_t
write_late_secrets(bool first, int *error)
{
	static uint8_t data[20000];
	struct fakewire fw;
	struct sink s = { NULL, 0 };
	uint64_t n;

	assert_int_equal(capture_open(path, EPOCH_NS, "late", ifs, 2, names,
			     &s.cp),
	    0);
	if (first)
		capture_secrets_first(s.cp);
	fakewire_init(&fw, false, 50000, to_capture, &s);
	fakewire_open(&fw);
	assert_int_equal(capture_secrets(s.cp, "CLIENT_RANDOM aa bb\n"), 0);
	fakewire_send(&fw, 0, data, sizeof(data));
	assert_int_equal(capture_secrets(s.cp, "CLIENT_RANDOM cc dd\n"), 0);
	fakewire_close(&fw);
	fakewire_fini(&fw);
	n = capture_frames(s.cp);
	*error = capture_close(s.cp);
	return (n);
}

static void
test_late_secrets_move_in_front_of_the_frames(void **state)
{
	uint64_t n;
	int error;

	(void)write_late_secrets(false, &error);
	assert_null(strstr(block_types(), "aa"));
	n = write_late_secrets(true, &error);
	assert_int_equal(error, 0);
	assert_int_equal(count_packets(), (int)n);
	assert_memory_equal(block_types(), "ddddaa6", 7);
	assert_null(strchr(block_types() + 6, 'a'));
}

static void
test_where_there_is_no_room_the_capture_stays_as_it_is(void **state)
{
	char tmp[80];
	uint64_t n;
	int error;

	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	assert_int_equal(mkdir(tmp, 0700), 0);
	n = write_late_secrets(true, &error);
	rmdir(tmp);
	assert_int_equal(error, EISDIR);
	assert_int_equal(count_packets(), (int)n);
}

static char *
tshark(const char *args)
{
	static char out[4096];
	char cmd[512];
	FILE *fp;
	size_t n;

	snprintf(cmd, sizeof(cmd),
	    "HOME=/nonexistent tshark -n -r %s %s "
	    "2>/dev/null",
	    path, args);
	fp = popen(cmd, "r");
	assert_non_null(fp);
	n = fread(out, 1, sizeof(out) - 1, fp);
	out[n] = '\0';
	return (pclose(fp) == 0 ? out : NULL);
}

static void
test_tshark_sees_comment_direction_queue_id_and_interface(void **state)
{
	int error;
	char *s;

	if (system("tshark -v >/dev/null 2>&1") != 0)
		skip();
	write_sample(3000, &error);
	s = tshark("-c 1 -T fields -e frame.comment -e frame.interface_name "
		   "-e frame.packet_id -e frame.interface_queue "
		   "-e frame.packet_flags_direction -e frame.time_epoch");
	assert_non_null(s);
	assert_non_null(strstr(s, "second line \xc3\xa4"));
	assert_non_null(strstr(s,
	    "client:em0\t1\t0\t0x00000002\t"
	    "1700000000.000010000"));
	s = tshark("-c 2 -T fields -e frame.interface_description");
	assert_string_equal(s, "client side\nserver side\n");
}

static void
test_an_empty_capture_is_valid(void **state)
{
	struct capture *cp;

	assert_int_equal(capture_open(path, EPOCH_NS, NULL, ifs, 2, NULL, &cp),
	    0);
	assert_int_equal(capture_close(cp), 0);
	assert_int_equal(count_packets(), 0);
	assert_int_equal(capture_close(NULL), 0);
}

static void
test_open_reports_what_the_system_says(void **state)
{
	struct capture *cp;

	assert_int_equal(capture_open("/nonexistent/x.pcapng", 0, NULL, ifs, 2,
			     NULL, &cp),
	    ENOENT);
	assert_null(cp);
}

static void
test_a_full_disk_leaves_a_valid_shorter_file(void **state)
{
	struct rlimit lim, old;
	struct stat st;
	uint64_t n;
	int error;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	lim = old;
	lim.rlim_cur = 5001;
	setrlimit(RLIMIT_FSIZE, &lim);
	n = write_sample(200000, &error);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(error, EFBIG);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 3000 && st.st_size <= 5001);
	assert_true(count_packets() > 0 && (uint64_t)count_packets() < n);
}

static void
test_the_first_error_stays(void **state)
{
	struct capture *cp;
	struct frame f;

	memset(&f, 0, sizeof(f));
	f.f_hdrlen = 60;
	assert_int_equal(capture_open("/dev/full", 0, NULL, ifs, 2, NULL, &cp),
	    0);
	assert_int_equal(capture_flush(cp), ENOSPC);
	assert_int_equal(capture_frame(cp, 0, &f, 0, false, NULL), ENOSPC);
	assert_int_equal(capture_secrets(cp, "x\n"), ENOSPC);
	assert_int_equal(capture_frames(cp), 0);
	assert_int_equal(capture_close(cp), ENOSPC);
}

static void
test_a_flushed_capture_is_readable_while_it_grows(void **state)
{
	struct fakewire fw;
	struct sink s = { NULL, 0 };

	capture_open(path, EPOCH_NS, NULL, ifs, 2, names, &s.cp);
	fakewire_init(&fw, true, 50000, to_capture, &s);
	fakewire_open(&fw);
	assert_int_equal(capture_flush(s.cp), 0);
	assert_int_equal(count_packets(), 3);
	fakewire_fini(&fw);
	assert_int_equal(capture_close(s.cp), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_late_secrets_move_in_front_of_the_frames, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_where_there_is_no_room_the_capture_stays_as_it_is,
		    setup, teardown),
		T(test_libpcap_reads_every_frame_with_its_nanoseconds),
		T(test_tshark_sees_comment_direction_queue_id_and_interface),
		T(test_an_empty_capture_is_valid),
		T(test_open_reports_what_the_system_says),
		T(test_a_full_disk_leaves_a_valid_shorter_file),
		T(test_the_first_error_stays),
		T(test_a_flushed_capture_is_readable_while_it_grows),
	};

	return (cmocka_run_group_tests_name("pcapng", tests, NULL, NULL));
}
