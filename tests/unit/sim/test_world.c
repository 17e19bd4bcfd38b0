/*
 * A world from a scenario's text to its result: built, run, cut short,
 * refused. Interruption and the captures are tested with whole runs.
 */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/world.h>

static const char text[] =
    "ktls_sim: 1\n"
    "name: world\n"
    "until: 5s\n"
    "hosts:\n"
    "  server:\n"
    "    sysctl: {kern.ipc.tls.enable: 1}\n"
    "    nics: {mce0: {}}\n"
    "    addresses: {mce0: 10.0.0.1/24}\n"
    "    files: {/f: {size: 100KiB}}\n"
    "  client:\n"
    "    nics: {em0: {}}\n"
    "    addresses: {em0: 10.0.0.2/24}\n"
    "links:\n"
    "  - {ends: [server.mce0, client.em0]}\n"
    "apps:\n"
    "  web: {type: https-server, host: server, tls: {}}\n"
    "  get: {type: https-client, host: client, server: web, path: /f,\n"
    "        connections: 2, tls: {tx: openssl}}\n"
    "expect:\n"
    "  - delivered: {app: get, bytes: 200KiB}\n"
    "  - mode: {app: web, is: sw}\n";

static struct scenario *sc;
static struct world *w;
static struct strbuf err;

static void
load(const char *const *sets)
{
	char path[] = "/tmp/ktls-sim-world.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	if (scenario_load(path, sets, &sc, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	unlink(path);
}

static int
create(struct world_opts *wo)
{
	wo->wo_seed = 1;
	return (world_create(sc, wo, &w, &err));
}

static int
setup(void **state)
{
	sc = NULL;
	w = NULL;
	return (0);
}

static int
teardown(void **state)
{
	world_destroy(w);
	scenario_free(sc);
	strbuf_fini(&err);
	return (0);
}

static void
test_a_run_delivers_and_leaves_nothing(void **state)
{
	struct world_opts wo = { 0 };
	const struct result *r;

	load(NULL);
	assert_int_equal(create(&wo), 0);
	world_run(w);
	r = world_result(w);
	assert_int_equal(result_exit_code(r), 0);
	assert_int_equal(r->r_nconns, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(r->r_conns[i].c_done);
		assert_int_equal(r->r_conns[i].c_body, 100 * 1024);
		assert_int_equal(r->r_conns[i].c_side[1].tx_mode,
		    TCP_TLS_MODE_SW);
	}
	assert_true(r->r_claims[0].cl_ok && r->r_claims[1].cl_ok);
	for (int i = 0; i < INVARIANTS; i++) {
		assert_int_equal(r->r_inv[i].i_broken, 0);
		assert_true(r->r_inv[i].i_looked > 0);
	}
}

static void
test_a_horizon_cuts_the_run_and_the_claims_say_so(void **state)
{
	static const char *const sets[] = { "until=100us", NULL };
	struct world_opts wo = { 0 };
	const struct result *r;

	load(sets);
	assert_int_equal(create(&wo), 0);
	world_run(w);
	r = world_result(w);
	assert_int_equal(r->r_end, 100 * SIM_US);
	assert_false(r->r_claims[0].cl_ok);
	assert_string_equal(r->r_claims[0].cl_found, "0 bytes");
	assert_int_equal(result_exit_code(r), 1); /* and no invariant */
}

static void
test_what_a_kernel_refuses_is_told_with_its_place(void **state)
{
	static const char *const sets[] = {
		"hosts.server.sysctl.kern.ipc.tls.enabel=1", NULL
	};
	struct world_opts wo = { .wo_dry = true };

	load(sets);
	assert_int_equal(create(&wo), EINVAL);
	assert_non_null(strstr(strbuf_str(&err),
	    "there is no sysctl `kern.ipc.tls.enabel`"));
}

static void
test_a_folder_that_is_not_there_is_an_errno_and_a_text(void **state)
{
	struct world_opts wo = { .wo_out = "/nonexistent/place" };

	load(NULL);
	assert_int_equal(create(&wo), ENOENT);
	assert_non_null(strstr(strbuf_str(&err), "/nonexistent/place"));
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_run_delivers_and_leaves_nothing),
		T(test_a_horizon_cuts_the_run_and_the_claims_say_so),
		T(test_what_a_kernel_refuses_is_told_with_its_place),
		T(test_a_folder_that_is_not_there_is_an_errno_and_a_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
