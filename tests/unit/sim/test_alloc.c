/*
 * Every allocation that may fail, fails once: a small world is run again and
 * again, the k-th M_NOWAIT allocation of one host refused, for each k there
 * is. Whatever it was, nothing breaks, nothing is left behind, and who is
 * told is told FreeBSD's errno for it.
 */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>

#include "world_priv.h"

/* Software TLS, the client's kernel decrypts, frames are lost. */
static const char sw_text[] =
    "ktls_sim: 1\n"
    "name: alloc\n"
    "until: 30s\n"
    "hosts:\n"
    "  server:\n"
    "    sysctl: {kern.ipc.tls.enable: 1}\n"
    "    nics: {mce0: {rx_coalesce: 0us}}\n"
    "    addresses: {mce0: 10.0.0.1/24}\n"
    "    files: {/f: {size: 40KiB}}\n"
    "  client:\n"
    "    sysctl: {kern.ipc.tls.enable: 1}\n"
    "    nics: {em0: {rx_coalesce: 0us}}\n"
    "    addresses: {em0: 10.0.0.2/24}\n"
    "links:\n"
    "  - {ends: [server.mce0, client.em0], loss: 4%}\n"
    "apps:\n"
    "  web: {type: https-server, host: server,\n"
    "        tls: {handshake: synthetic}}\n"
    "  get: {type: https-client, host: client, server: web, path: /f,\n"
    "        tls: {tx: openssl, rx: kernel, handshake: synthetic}}\n";

/* NIC TLS on a lagg that fails over, IPv6. */
static const char nic_text[] =
    "ktls_sim: 1\n"
    "name: alloc\n"
    "until: 30s\n"
    "hosts:\n"
    "  server:\n"
    "    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}\n"
    "    nics: {mce0: {model: ideal}, mce1: {model: ideal}}\n"
    "    laggs: {lagg0: {ports: [mce0, mce1]}}\n"
    "    addresses: {lagg0: fd00::1/64}\n"
    "    files: {/f: {size: 200KiB}}\n"
    "  client:\n"
    "    nics: {em0: {}, em1: {}}\n"
    "    laggs: {lagg0: {ports: [em0, em1]}}\n"
    "    addresses: {lagg0: fd00::2/64}\n"
    "links:\n"
    "  - {ends: [server.mce0, client.em0], rate: 10Gbit/s}\n"
    "  - {ends: [server.mce1, client.em1], rate: 10Gbit/s}\n"
    "apps:\n"
    "  web: {type: https-server, host: server,\n"
    "        tls: {handshake: synthetic}}\n"
    "  get: {type: https-client, host: client, server: web, path: /f,\n"
    "        family: ipv6, tls: {tx: openssl, handshake: synthetic}}\n"
    "timeline:\n"
    "  - {at: 250us, do: link_down, on: server.mce0}\n";

/*
 * What FreeBSD answers when this zone is empty. errno 0: the packet is lost or
 * sent later, nobody is told. A second one: what the connection may end with.
 */
static const struct zone_errno {
	const char *zone;
	int told, peer;
} zone_errnos[] = {
	{ "mbuf", 0, 0 },
	{ "tcpreass", 0, 0 },
	{ "sackhole", 0, 0 },
	{ "socket", ENOBUFS, ECONNRESET },	/* socreate, sonewconn */
	{ "inpcb", ENOBUFS, ECONNRESET },	/* in_pcballoc */
	{ "tcpcb", ENOBUFS, ECONNRESET },	/* tcp_usr_attach */
	{ "ktls_session", ENOMEM, ECONNRESET }, /* ktls_create_session */
	{ "ideal_tag", 0, ECONNRESET }, /* software, or the reset task */
	{ "wrap_tag", 0, ECONNRESET },
};

static unsigned hits[nitems(zone_errnos)];

static const struct zone_errno *
zone_of(const char *name)
{
	for (unsigned i = 0; i < nitems(zone_errnos); i++)
		if (strcmp(zone_errnos[i].zone, name) == 0) {
			hits[i]++;
			return (&zone_errnos[i]);
		}
	fail_msg("zone %s has no entry here", name);
	return (NULL);
}

static struct scenario *
load(const char *text, const char *host, uint64_t k)
{
	char path[] = "/tmp/ktls-sim-alloc.XXXXXX";
	char *set = xasprintf("hosts.%s.fail_alloc=%ju", host, (uintmax_t)k);
	const char *sets[] = { set, NULL };
	struct strbuf err = { 0 };
	struct scenario *sc;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (scenario_load(path, sets, &sc, &err) != 0)
		fail_msg("%s", strbuf_str(&err));
	unlink(path);
	strbuf_fini(&err);
	free(set);
	return (sc);
}

static const char *
failed_zone(const struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		if (w->w_hosts[i].h_vnet->v_kmem.km_failed != NULL)
			return (w->w_hosts[i].h_vnet->v_kmem.km_failed);
	return (NULL);
}

static void
judge_conn(const struct conn *c, const struct zone_errno *ze, uint64_t k)
{
	if (c->c_failed == NULL) {
		if (!c->c_server)
			assert_true(c->c_before + c->c_off == c->c_len);
		return;
	}
	if (c->c_error == 0 || c->c_error == ze->told ||
	    c->c_error == ze->peer || c->c_error == ECONNABORTED)
		return;
	fail_msg("allocation %ju (%s): a connection ended with %s",
	    (uintmax_t)k, ze->zone, errno_name(c->c_error));
}

static void
judge_run(const struct world *w, const struct zone_errno *ze, uint64_t k)
{
	const struct result *r = world_result(w);
	const struct conn *c;

	if (r->r_panic != NULL)
		fail_msg("allocation %ju (%s): panic: %s", (uintmax_t)k,
		    ze->zone, r->r_panic);
	for (int i = 0; i < INVARIANTS; i++)
		if (r->r_inv[i].i_broken > 0)
			fail_msg("allocation %ju (%s): invariant %d: %s",
			    (uintmax_t)k, ze->zone, i + 1, r->r_inv[i].i_first);
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
			judge_conn(c, ze, k);
}

/* False: the host does not allocate k times. */
static bool
one(const char *text, const char *host, uint64_t k)
{
	struct world_opts wo = { .wo_seed = 3 };
	struct scenario *sc = load(text, host, k);
	const struct zone_errno *ze;
	struct strbuf err = { 0 };
	struct world *w = NULL;
	const char *zone;
	bool more = true;

	if (world_create(sc, &wo, &w, &err) != 0) {
		/* A server that could not be given its socket. */
		assert_non_null(strstr(strbuf_str(&err), "ENOBUFS"));
		goto out;
	}
	world_run(w);
	zone = failed_zone(w);
	if (zone != NULL)
		ze = zone_of(zone);
	else {
		ze = &zone_errnos[0];
		more = false;
	}
	judge_run(w, ze, k);
	world_destroy(w);
out:
	strbuf_fini(&err);
	scenario_free(sc);
	return (more);
}

static void
all_of(const char *text, const char *host)
{
	uint64_t k = 1;

	while (one(text, host, k))
		k++;
	print_message("%s: %ju allocations, each failed once\n", host,
	    (uintmax_t)(k - 1));
	assert_in_range(k, 50, 5000);
}

static void
test_software_tls_server(void **state)
{
	all_of(sw_text, "server");
}

static void
test_software_tls_client(void **state)
{
	all_of(sw_text, "client");
}

static void
test_nic_tls_server(void **state)
{
	all_of(nic_text, "server");
}

static void
test_nic_tls_client(void **state)
{
	all_of(nic_text, "client");
}

static void
test_every_zone_was_hit(void **state)
{
	for (unsigned i = 0; i < nitems(hits); i++)
		if (hits[i] == 0)
			fail_msg("no allocation of zone %s has failed",
			    zone_errnos[i].zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_software_tls_server),
		cmocka_unit_test(test_software_tls_client),
		cmocka_unit_test(test_nic_tls_server),
		cmocka_unit_test(test_nic_tls_client),
		cmocka_unit_test(test_every_zone_was_hit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
