/* Classic pcap: read back by libpcap, and after a full disk. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include <ktsim/sim/tap.h>

#include "fakewire.h"
#include "ktest.h"

static char path[64];

static void
to_pcap(void *arg, struct frame *f, simtime_t when, int from)
{
	(void)pcapfile_frame(arg, f, when);
}

static int
write_and_count(size_t bytes, int *closed)
{
	static uint8_t data[100000];
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *ph;
	struct pcapfile *pf;
	struct fakewire fw;
	const u_char *p;
	pcap_t *pc;
	int n = 0, r;

	snprintf(path, sizeof(path), "test_pcap.%d.pcap", (int)getpid());
	assert_int_equal(pcapfile_open(path, 5000000007, &pf), 0);
	fakewire_init(&fw, false, 50000, to_pcap, pf);
	fakewire_open(&fw);
	fakewire_send(&fw, 0, data, bytes);
	fakewire_fini(&fw);
	*closed = pcapfile_close(pf);
	pc = pcap_open_offline_with_tstamp_precision(path,
	    PCAP_TSTAMP_PRECISION_NANO, err);
	assert_non_null(pc);
	while ((r = pcap_next_ex(pc, &ph, &p)) == 1)
		if (n++ == 0) {
			assert_int_equal(ph->ts.tv_sec, 5);
			assert_int_equal(ph->ts.tv_usec, 10007);
			assert_int_equal(ph->len, 54);
		}
	assert_int_equal(r, PCAP_ERROR_BREAK);
	pcap_close(pc);
	unlink(path);
	return (n);
}

static void
test_libpcap_reads_nanoseconds_back(void **state)
{
	int error;

	assert_int_equal(write_and_count(1448 * 4, &error), 3 + 4 + 2);
	assert_int_equal(error, 0);
}

static void
test_a_full_disk_leaves_whole_packets(void **state)
{
	struct rlimit lim, old;
	int error, n;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	lim = old;
	lim.rlim_cur = 7777;
	setrlimit(RLIMIT_FSIZE, &lim);
	n = write_and_count(100000, &error);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(error, EFBIG);
	assert_true(n > 3 && n < 20);
}

static void
test_open_and_close_report_errors(void **state)
{
	struct pcapfile *pf;

	assert_int_equal(pcapfile_open("/nonexistent/x", 0, &pf), ENOENT);
	assert_int_equal(pcapfile_close(NULL), 0);
	assert_int_equal(pcapfile_open("/dev/full", 0, &pf), 0);
	assert_int_equal(pcapfile_close(pf), ENOSPC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libpcap_reads_nanoseconds_back),
		cmocka_unit_test(test_a_full_disk_leaves_whole_packets),
		cmocka_unit_test(test_open_and_close_report_errors),
	};

	return (cmocka_run_group_tests_name("pcap", tests, NULL, NULL));
}
