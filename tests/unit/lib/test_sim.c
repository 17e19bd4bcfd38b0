/* Worlds: scenarios, hosts, files and sendfile, verdicts, more than one. */
#include "libtest.h"

#include <errno.h>

static const char two[] = "ktls_sim: 1\n"
			  "name: two\n"
			  "hosts:\n"
			  "  a:\n"
			  "    sysctl: {kern.ipc.tls.enable: 1}\n"
			  "    nics: {em0: {model: basic}}\n"
			  "    addresses: {em0: 10.0.0.1/24}\n"
			  "    disk_latency: 1ms\n"
			  "    files: {/warm: {size: 300KiB, cached: true}, "
			  "/cold: {size: 300KiB, cached: false}}\n"
			  "  b:\n"
			  "    sysctl: {kern.ipc.tls.enable: 1}\n"
			  "    nics: {em0: {model: basic}}\n"
			  "    addresses: {em0: 10.0.0.2/24}\n"
			  "links:\n"
			  "  - {ends: [a.em0, b.em0], delay: 1ms}\n"
			  "checks: {records: false}\n";

static struct ktlssim_host *a, *b;
static int out, in;

static int
setup2(void **state)
{
	struct ktlssim_params p = { .scenario_text = two };
	struct sockaddr_in sin;
	char *why;
	int l;

	if (ktlssim_open(&p, &sim, &why) != 0) {
		fputs(why, stderr);
		return (1);
	}
	a = ktlssim_host(sim, "a");
	b = ktlssim_host(sim, "b");
	if (ktlssim_host_addr(b, AF_INET, (struct sockaddr *)&sin,
		sizeof(sin)) != 0)
		return (1);
	sin.sin_port = htons(80);
	l = ktlssim_socket(b, AF_INET, SOCK_STREAM, 0);
	(void)ktlssim_bind(sim, l, (struct sockaddr *)&sin, sizeof(sin));
	(void)ktlssim_listen(sim, l, 1);
	out = ktlssim_socket(a, AF_INET, SOCK_STREAM, 0);
	(void)ktlssim_connect(sim, out, (struct sockaddr *)&sin, sizeof(sin));
	in = ktlssim_accept4(sim, l, NULL, NULL, 0);
	return (in < 0);
}

static void
test_hosts_have_names_and_addresses(void **state)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	assert_string_equal(ktlssim_host_name(a), "a");
	assert_ptr_equal(ktlssim_host(sim, NULL), a);
	assert_null(ktlssim_host(sim, "c"));
	assert_int_equal(ktlssim_host_addr(a, AF_INET, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ntohl(sin.sin_addr.s_addr), 0x0a000001);
	/* Of IPv6 it has only the loopback's. */
	assert_int_equal(ktlssim_host_addr(a, AF_INET6,
			     (struct sockaddr *)&sin6, sizeof(sin6)),
	    0);
	assert_true(IN6_IS_ADDR_LOOPBACK(&sin6.sin6_addr));
	assert_int_equal(ktlssim_host_addr(a, AF_UNIX, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    -KTLSSIM_EAFNOSUPPORT);
	assert_int_equal(ktlssim_host_addr(a, AF_INET, (struct sockaddr *)&sin,
			     4),
	    -KTLSSIM_EINVAL);
	/* The packets took the link: twice 1 ms of handshake. */
	assert_true(ktlssim_now(sim) >= 2000000);
	assert_int_equal(ktlssim_epoch(sim), 1700000000);
}

static void
expect_file(int file, uint64_t off, size_t len)
{
	static uint8_t got[400000], want[400000];

	assert_int_equal(ktlssim_recv(sim, in, got, len, MSG_WAITALL), len);
	assert_int_equal(ktlssim_file_read(sim, file, off, want, len), 0);
	assert_memory_equal(got, want, len);
}

static void
test_sendfile_from_cache_and_disk_with_headers(void **state)
{
	struct iovec h = { "<head>", 6 }, t = { "<tail>", 6 };
	struct ktlssim_sf_hdtr hdtr = { &h, 1, &t, 1 };
	const char *names[] = { "/warm", "/cold" };
	char buf[6];
	off_t sent;
	int f;

	for (int i = 0; i < 2; i++) {
		f = ktlssim_open_file(a, names[i]);
		assert_int_equal(ktlssim_file_size(sim, f), 300 * 1024);
		assert_int_equal(ktlssim_sendfile(sim, f, out, 1000, 5000,
				     &hdtr, &sent, 0),
		    0);
		assert_int_equal(sent, 5012);
		assert_int_equal(ktlssim_recv(sim, in, buf, 6, MSG_WAITALL), 6);
		assert_memory_equal(buf, "<head>", 6);
		expect_file(f, 1000, 5000);
		assert_int_equal(ktlssim_recv(sim, in, buf, 6, MSG_WAITALL), 6);
		assert_memory_equal(buf, "<tail>", 6);
	}
}

static void
test_sendfile_tells_how_far_it_came(void **state)
{
	int cold = ktlssim_open_file(a, "/cold"), f;
	uint64_t sum = 0;
	off_t sent;

	assert_int_equal(ktlssim_sendfile(sim, cold, out, 0, 0, NULL, &sent,
			     KTLSSIM_SF_NODISKIO),
	    -KTLSSIM_EBUSY);
	assert_int_equal(sent, 0);
	nonblock(out);
	f = ktlssim_open_file(a, "/warm");
	while (
	    ktlssim_sendfile(sim, f, out, (off_t)sum, 0, NULL, &sent, 0) == 0)
		sum += (uint64_t)sent;
	sum += (uint64_t)sent;
	assert_true(sum > 0 && sum < 300 * 1024);
	expect_file(f, 0, sum);
}

static void
test_sendfile_refuses_what_is_no_file(void **state)
{
	int f = ktlssim_open_file(a, "/warm"), other;
	off_t sent;

	assert_int_equal(ktlssim_open_file(a, "/nothing"), -KTLSSIM_ENOENT);
	assert_int_equal(ktlssim_open_file(b, "/warm"), -KTLSSIM_ENOENT);
	assert_int_equal(ktlssim_sendfile(sim, out, out, 0, 0, NULL, &sent, 0),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_sendfile(sim, f, f, 0, 0, NULL, &sent, 0),
	    -KTLSSIM_ENOTSOCK);
	assert_int_equal(ktlssim_sendfile(sim, f, out, -1, 0, NULL, &sent, 0),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_sendfile(sim, f, out, 0, 0, NULL, &sent, 64),
	    -KTLSSIM_EINVAL);
	other = ktlssim_socket(b, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_sendfile(sim, f, other, 0, 0, NULL, NULL, 0),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_file_read(sim, f, 300 * 1024, &sent, 1),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_file_size(sim, out), -KTLSSIM_EINVAL);
}

static void
test_only_fresh_sockets_move(void **state)
{
	int s = ktlssim_socket(a, AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET };

	assert_int_equal(ktlssim_move(sim, s, b), 0);
	assert_int_equal(ktlssim_host_addr(b, AF_INET, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_bind(sim, s, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_move(sim, s, a), -KTLSSIM_EISCONN);
	assert_int_equal(ktlssim_move(sim, out, b), -KTLSSIM_EISCONN);
	assert_int_equal(ktlssim_move(sim, out, a), 0);
}

/* --- opening --- */

static void
test_bad_scenarios_are_explained(void **state)
{
	struct ktlssim_params p = { .scenario_text =
					"ktls_sim: 1\nhots: {}\n" };
	struct ktlssim *s;
	char *why;

	assert_int_equal(ktlssim_open(&p, &s, &why), -KTLSSIM_EINVAL);
	assert_non_null(strstr(why, "(text):2:1: error:"));
	assert_non_null(strstr(why, "did you mean `hosts`"));
	free(why);
	p.scenario_path = "/nothing/here.ktls.yaml";
	assert_int_equal(ktlssim_open(&p, &s, &why), -KTLSSIM_EINVAL);
	free(why);
	p.scenario_text = NULL;
	assert_int_equal(ktlssim_open(&p, &s, &why), -KTLSSIM_ENOENT);
	assert_non_null(strstr(why, "/nothing/here.ktls.yaml"));
	free(why);
	assert_int_equal(ktlssim_open(&(struct ktlssim_params) { .threads =
								     65 },
			     &s, NULL),
	    -KTLSSIM_EINVAL);
}

/* The same calls, the same virtual times; and worlds do not see each other. */
static void
test_two_worlds_at_once_are_alike(void **state)
{
	struct ktlssim *mine = sim;
	uint64_t times[2];
	char *report;
	int fd[2];

	for (int i = 0; i < 2; i++) {
		if (i == 1)
			assert_int_equal(ktlssim_open(NULL, &sim, NULL), 0);
		host = ktlssim_host(sim, NULL);
		new_tls_pair(fd);
		assert_int_equal(ktlssim_write(sim, fd[0], two, 300), 300);
		assert_int_equal(ktlssim_close(sim, fd[0]), 0);
		while (ktlssim_read(sim, fd[1], &times, sizeof(times)) > 0)
			;
		times[i] = ktlssim_now(sim);
	}
	assert_int_equal(ktlssim_close_world(sim, &report), 0);
	assert_string_equal(report, "");
	free(report);
	sim = mine;
	assert_true(ktlssim_now(sim) > 0);
}

static void
test_errors_have_names_and_host_numbers(void **state)
{
	assert_string_equal(ktlssim_errname(-KTLSSIM_EBADMSG), "EBADMSG");
	assert_string_equal(ktlssim_errname(35), "EAGAIN");
	assert_string_equal(ktlssim_errname(12345), "E?12345");
	assert_int_equal(ktlssim_host_errno(-KTLSSIM_EWOULDBLOCK), EAGAIN);
	assert_int_equal(ktlssim_host_errno(KTLSSIM_EOPNOTSUPP), EOPNOTSUPP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)
		T(test_hosts_have_names_and_addresses, setup2),
		T(test_sendfile_from_cache_and_disk_with_headers, setup2),
		T(test_sendfile_tells_how_far_it_came, setup2),
		T(test_sendfile_refuses_what_is_no_file, setup2),
		T(test_only_fresh_sockets_move, setup2),
		T(test_two_worlds_at_once_are_alike, setup),
		cmocka_unit_test(test_bad_scenarios_are_explained),
		cmocka_unit_test(test_errors_have_names_and_host_numbers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
