/* The pacing hook: which tag is taken when, and what a packet carries. */
#include "netwire.h"

#include <errno.h>
#include <stdlib.h>

#include <ktsim/netinet/tcp.h>

#include "tcp_private.h"

struct rate_tag {
	struct m_snd_tag com;
	uint64_t rate;
};

static struct tw *w;
static struct tw_pair p;
static unsigned asked, modified, freed, stamped;
static bool can;
static uint64_t now_rate;

static int
rate_modify(struct m_snd_tag *mst, const void *params)
{
	modified++;
	now_rate = ((struct rate_tag *)(void *)mst)->rate =
	    *(const uint64_t *)params;
	return (0);
}

static void
rate_free(struct m_snd_tag *mst)
{
	freed++;
	free(mst);
}

static const struct if_snd_tag_sw rate_sw = { .snd_tag_modify = rate_modify,
	.snd_tag_free = rate_free,
	.type = IF_SND_TAG_TYPE_RATE_LIMIT };

static int
rate_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct rate_tag *rt;

	asked++;
	assert_int_equal(params->type, IF_SND_TAG_TYPE_RATE_LIMIT);
	if (!can)
		return (EOPNOTSUPP);
	rt = calloc(1, sizeof(*rt));
	m_snd_tag_init(&rt->com, ifp, &rate_sw);
	now_rate = rt->rate = params->max_rate;
	*mstp = &rt->com;
	return (0);
}

static enum tw_verdict
look(struct tw *tw, struct tw_port *from, const struct tw_pkt *k)
{
	stamped += k->tcp && k->paylen > 0 && k->tag != NULL;
	return (TW_PASS);
}

static void
pace(uint32_t rate)
{
	struct sockopt so = { .sopt_level = KSOL_SOCKET,
		.sopt_name = KSO_MAX_PACING_RATE,
		.sopt_val = &rate,
		.sopt_valsize = sizeof(rate) };

	assert_int_equal(sosetopt(p.s.so, &so), 0);
}

static void
send_some(void)
{
	stamped = 0;
	p.s.to_send += 5000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, p.s.to_send);
}

static int
setup(void **state)
{
	asked = modified = freed = stamped = 0;
	can = true;
	w = tw_new(7, IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG);
	memset(&p, 0, sizeof(p));
	w->b.port[0].ifn.if_snd_tag_alloc = rate_alloc;
	w->hook = look;
	tw_connect(w, &p, KAF_INET);
	return (0);
}

static int
teardown(void **state)
{
	w->hook = NULL;
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
	return (0);
}

static void
test_rate_takes_a_tag_and_packets_carry_it(void **state)
{
	send_some();
	assert_int_equal(asked, 0);
	assert_int_equal(stamped, 0);
	pace(1000000);
	assert_int_equal(asked, 0); /* not before a packet goes */
	send_some();
	assert_int_equal(asked, 1);
	assert_int_equal(now_rate, 1000000);
	assert_true(stamped >= 4);
}

static void
test_other_rate_modifies_the_tag(void **state)
{
	pace(1000000);
	send_some();
	pace(2000000);
	send_some();
	assert_int_equal(asked, 1);
	assert_int_equal(modified, 1);
	assert_int_equal(now_rate, 2000000);
}

static void
test_no_rate_releases_the_tag(void **state)
{
	pace(1000000);
	send_some();
	pace(0);
	send_some();
	assert_int_equal(freed, 1);
	assert_int_equal(stamped, 0);
}

static void
test_card_that_cannot_is_asked_once(void **state)
{
	can = false;
	pace(1000000);
	send_some();
	send_some();
	assert_int_equal(asked, 1);
	assert_int_equal(stamped, 0);
}

static void
test_end_of_the_connection_releases_the_tag(void **state)
{
	pace(1000000);
	send_some();
	inp_drop(inp_of_socket(p.s.so), EIO, "test");
	assert_int_equal(freed, 1);
}

/* --- a layer below that sends by another port by now --- */

static int (
    *real_output)(struct ifnet *, struct mbuf *, const struct ksockaddr *);
static unsigned eagains;

static int
output_eagain(struct ifnet *ifp, struct mbuf *m, const struct ksockaddr *dst)
{
	if (m->m_pkthdr.snd_tag == NULL || eagains == 0)
		return (real_output(ifp, m, dst));
	eagains--;
	m_freem(m);
	return (EAGAIN);
}

static void
test_a_tag_of_the_wrong_port_is_taken_anew(void **state)
{
	struct ifnet *ifp = &w->b.port[0].ifn;

	pace(1000000);
	send_some();
	assert_int_equal(asked, 1);
	real_output = ifp->if_output;
	ifp->if_output = output_eagain;
	eagains = 1;
	send_some(); /* TCP saw ENOBUFS: all arrives */
	assert_int_equal(eagains, 0);
	assert_int_equal(asked, 2);
	assert_int_equal(freed, 1);
	assert_int_equal(tw_tp(&p.s)->t_stats.enobufs, 1);
	assert_true(stamped >= 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- TLS --- */

static const uint64_t table[] = { 500000, 1000000, 4000000 };

static void
query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	rl->flags = RT_IS_FIXED_TABLE;
	rl->rate_table = table;
	rl->number_of_rates = nitems(table);
}

static enum if_snd_tag_type tls_type;
static uint64_t tls_rate;

static int
tls_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	if (params->tls == NULL)
		return (rate_alloc(ifp, params, mstp));
	tls_type = params->type;
	tls_rate = params->max_rate;
	return (ENOMEM); /* software, then */
}

static void
tls_asks(uint32_t rate, uint64_t caps, enum if_snd_tag_type type)
{
	struct ifnet *ifp = &w->b.port[0].ifn;

	ifp->if_snd_tag_alloc = tls_alloc;
	ifp->if_ratelimit_query = query;
	(void)sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	ifp->if_capabilities = ifp->if_capenable =
	    IFCAP_MEXTPG | IFCAP_TXRTLMT | caps;
	assert_int_equal(sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted",
			     1),
	    0);
	pace(rate);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(tls_type, type);
	assert_int_equal(tls_rate,
	    type == IF_SND_TAG_TYPE_TLS_RATE_LIMIT ? rate : 0);
}

static void
test_tls_of_a_paced_connection_asks_for_a_rate_limited_tag(void **state)
{
	tls_asks(1000000, IFCAP_TXTLS4 | IFCAP_TXTLS_RTLMT,
	    IF_SND_TAG_TYPE_TLS_RATE_LIMIT);
}

static void
test_tls_that_is_not_paced_does_not(void **state)
{
	tls_asks(0, IFCAP_TXTLS4 | IFCAP_TXTLS_RTLMT, IF_SND_TAG_TYPE_TLS);
}

static void
test_tls_where_the_card_cannot_pace_it_does_not(void **state)
{
	tls_asks(1000000, IFCAP_TXTLS4, IF_SND_TAG_TYPE_TLS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rate_takes_a_tag_and_packets_carry_it),
		T(test_other_rate_modifies_the_tag),
		T(test_no_rate_releases_the_tag),
		T(test_card_that_cannot_is_asked_once),
		T(test_end_of_the_connection_releases_the_tag),
		T(test_a_tag_of_the_wrong_port_is_taken_anew),
		T(test_tls_of_a_paced_connection_asks_for_a_rate_limited_tag),
		T(test_tls_that_is_not_paced_does_not),
		T(test_tls_where_the_card_cannot_pace_it_does_not),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
