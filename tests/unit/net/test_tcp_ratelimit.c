/* Rates of a connection whose TLS the card does: refusals and transitions. */
#include "netwire.h"

#include <errno.h>
#include <stdlib.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/netinet/tcp_ratelimit.h>

#include "tcp_private.h"

#define TLS_CARD (IFCAP_TXCSUM | IFCAP_MEXTPG | IFCAP_TXTLS4)
#define PACES	 (IFCAP_TXRTLMT | IFCAP_TXTLS_RTLMT)

/* --- a card that paces --- */

struct rate_tag {
	struct m_snd_tag com;
	uint64_t rate;
};

static struct tw *w;
static struct tw_pair p;
static unsigned modified;
static int refuse_type, refuse_error, modify_error;
static bool has_table, indirect;
static const uint64_t table[] = { 1000000, 2000000, 8000000 };

static int
tag_modify(struct m_snd_tag *mst, const void *params)
{
	if (modify_error != 0)
		return (modify_error);
	modified++;
	((struct rate_tag *)(void *)mst)->rate = *(const uint64_t *)params;
	return (0);
}

static void
tag_free(struct m_snd_tag *mst)
{
	free(mst);
}

#define SW(t)                                 \
	[t] = {                               \
		.snd_tag_modify = tag_modify, \
		.snd_tag_free = tag_free,     \
		.type = (t),                  \
	}
static const struct if_snd_tag_sw tag_sw[] = { SW(IF_SND_TAG_TYPE_RATE_LIMIT),
	SW(IF_SND_TAG_TYPE_TLS), SW(IF_SND_TAG_TYPE_TLS_RATE_LIMIT) };

static int
tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct rate_tag *rt;

	if ((int)params->type == refuse_type)
		return (refuse_error);
	rt = calloc(1, sizeof(*rt));
	m_snd_tag_init(&rt->com, ifp, &tag_sw[params->type]);
	rt->rate = params->max_rate;
	*mstp = &rt->com;
	return (0);
}

static void
query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	if (indirect) {
		rl->flags = RT_IS_INDIRECT;
		return;
	}
	if (!has_table)
		return;
	rl->flags = RT_IS_FIXED_TABLE;
	rl->rate_table = table;
	rl->number_of_rates = nitems(table);
}

/* --- the bench: a connection of b, with or without a card session --- */

static int
setup(void **state)
{
	struct ifnet *ifp;

	modified = 0;
	refuse_type = -1;
	refuse_error = modify_error = 0;
	has_table = true;
	indirect = false;
	w = tw_new(3, TLS_CARD | PACES);
	ifp = &w->b.port[0].ifn;
	ifp->if_snd_tag_alloc = tag_alloc;
	ifp->if_ratelimit_query = query;
	memset(&p, 0, sizeof(p));
	(void)sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	(void)sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	/* What a reset loses is sent again. */
	(void)sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	return (0);
}

static int
teardown(void **state)
{
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
	return (0);
}

static struct ifnet *
port(void)
{
	return (&w->b.port[0].ifn);
}

static struct tcpcb *
tp(void)
{
	return (tw_tp(&p.s));
}

static struct ktls_session *
session(void)
{
	return (p.s.so->so_snd.sb_tls_info);
}

static int
pace(uint32_t rate)
{
	struct sockopt so = { .sopt_level = KSOL_SOCKET,
		.sopt_name = KSO_MAX_PACING_RATE,
		.sopt_val = &rate,
		.sopt_valsize = sizeof(rate) };

	return (sosetopt(p.s.so, &so));
}

static uint64_t
counter(const char *name)
{
	uint64_t val = 0;

	assert_int_equal(sysctl_read(w->b.v, name, &val), 0);
	return (val);
}

static void
use_card(void)
{
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(session()->mode, TCP_TLS_MODE_IFNET);
}

static void
session_tag(enum if_snd_tag_type type, uint64_t rate)
{
	assert_non_null(session()->snd_tag);
	assert_int_equal(session()->snd_tag->sw->type, type);
	assert_int_equal(((struct rate_tag *)(void *)session()->snd_tag)->rate,
	    rate);
}

/* The ordinary tag; 0: there is none. */
static uint64_t
own_rate(void)
{
	struct m_snd_tag *mst = tp()->t_inpcb->inp_snd_tag;

	return (mst != NULL ? ((struct rate_tag *)(void *)mst)->rate : 0);
}

static void
send_some(void)
{
	p.s.to_send += 5000;
	tw_app_kick(&p.s);
	tw_run(w, 2 * SIM_SEC);
	assert_int_equal(sbused(&p.s.so->so_snd), 0);
}

/* --- the first rate --- */

static void
test_the_reset_task_exchanges_the_tag(void **state)
{
	use_card();
	session_tag(IF_SND_TAG_TYPE_TLS, 0);
	assert_int_equal(pace(1500000), 0);
	assert_true(session()->reset_pending);
	assert_int_equal(tp()->t_pacing_rate, 2000000); /* at or above */
	assert_int_equal(own_rate(), 2000000);
	session_tag(IF_SND_TAG_TYPE_TLS, 0); /* not yet */
	tw_run(w, SIM_MS);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 2000000);
	assert_false(session()->reset_pending);
	assert_int_equal(counter("kern.ipc.tls.ifnet.reset"), 1);
	assert_int_equal(counter("net.inet.ip.rl.newrl"), 1);
	assert_int_equal(counter("net.inet.ip.rl.active"), 1);
	send_some();
	assert_int_equal(own_rate(), 2000000); /* acknowledgements kept it */
}

static void
test_a_rate_from_before_is_the_first_tags(void **state)
{
	assert_int_equal(pace(900000), 0);
	assert_int_equal(tp()->t_pacing_rate, 0); /* at the next packet */
	send_some();
	assert_int_equal(own_rate(), 900000); /* the card's matter */
	use_card();
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 1000000);
	assert_int_equal(own_rate(), 1000000);
	assert_int_equal(counter("kern.ipc.tls.ifnet.reset"), 0);
}

static void
refused(uint32_t rate, int error)
{
	assert_int_equal(pace(rate), error);
	assert_int_equal(tp()->t_pacing_rate, 0);
	assert_int_equal(own_rate(), 0);
	assert_int_equal(p.s.so->so_max_pacing_rate, 0);
	assert_false(session()->reset_pending);
	session_tag(IF_SND_TAG_TYPE_TLS, 0);
	assert_int_equal(counter("net.inet.ip.rl.refused"), 1);
	send_some(); /* and the connection lives */
}

static void
test_an_interface_without_rates_for_tls_is_enodev(void **state)
{
	port()->if_capenable &= ~(uint64_t)IFCAP_TXTLS_RTLMT;
	use_card();
	refused(1000000, ENODEV);
}

static void
test_an_interface_without_rates_is_enodev(void **state)
{
	port()->if_capenable &= ~(uint64_t)IFCAP_TXRTLMT;
	use_card();
	refused(1000000, ENODEV);
}

static void
test_a_card_without_a_table_is_enodev(void **state)
{
	has_table = false;
	use_card();
	refused(1000000, ENODEV);
}

/* A lagg has no rates of its own, and its port gives no tag to look through. */
static void
test_a_card_below_that_cannot_be_found_is_enodev(void **state)
{
	indirect = true;
	use_card();
	refuse_type = IF_SND_TAG_TYPE_RATE_LIMIT;
	refuse_error = EOPNOTSUPP;
	refused(1000000, ENODEV);
}

/* One lagg is enough: a port's answer is its own. */
static void
test_a_card_below_without_a_table_is_enodev(void **state)
{
	indirect = true;
	use_card();
	refused(1000000, ENODEV);
}

static void
test_above_the_table_is_enoent(void **state)
{
	use_card();
	refused(8000001, ENOENT);
}

static void
test_what_the_card_says_to_the_ordinary_tag(void **state)
{
	use_card();
	refuse_type = IF_SND_TAG_TYPE_RATE_LIMIT;
	refuse_error = ENOMEM;
	refused(1000000, ENOMEM);
	assert_int_equal(counter("net.inet.ip.rl.alloc_fail"), 1);
}

/* The old session still has records under way: no rate for the new one. */
static void
test_a_session_that_went_to_software_is_enodev(void **state)
{
	use_card();
	p.s.to_send += 5000;
	tw_app_kick(&p.s);
	tw_run(w, 0);
	assert_true(sbused(&p.s.so->so_snd) > 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW), 0);
	assert_int_equal(pace(1000000), ENODEV);
	assert_int_equal(tp()->t_pacing_rate, 0);
	tw_run(w, SIM_SEC);
	/* And then it is a connection like others. */
	assert_int_equal(pace(1000000), 0);
	send_some();
	assert_int_equal(own_rate(), 1000000);
}

static void
test_setting_twice_is_einval(void **state)
{
	use_card();
	assert_int_equal(tcp_set_pacing_rate(tp(), port(), 1000000), 0);
	assert_int_equal(tcp_set_pacing_rate(tp(), port(), 2000000), EINVAL);
	assert_int_equal(tp()->t_pacing_rate, 1000000);
}

static void
test_changing_none_is_einval(void **state)
{
	use_card();
	assert_int_equal(tcp_chg_pacing_rate(tp(), port(), 1000000), EINVAL);
}

/* The card refuses the new tag: as after a failover, there is no software. */
static void
test_a_card_that_refuses_the_tag_ends_the_connection(void **state)
{
	use_card();
	refuse_type = IF_SND_TAG_TYPE_TLS_RATE_LIMIT;
	refuse_error = ENOMEM;
	assert_int_equal(pace(1000000), 0);
	tw_run(w, SIM_MS);
	assert_int_equal(p.s.error, ECONNABORTED);
	assert_int_equal(counter("kern.ipc.tls.ifnet.reset_failed"), 1);
	assert_int_equal(counter("net.inet.ip.rl.active"), 0);
}

/* --- another rate --- */

static void
use_paced_card(void)
{
	use_card();
	assert_int_equal(pace(1000000), 0);
	tw_run(w, SIM_MS);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 1000000);
}

static void
test_another_rate_changes_the_sessions_tag_alone(void **state)
{
	use_paced_card();
	assert_int_equal(pace(8000000), 0);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 8000000);
	assert_int_equal(own_rate(), 1000000); /* as in FreeBSD */
	assert_int_equal(modified, 1);
	assert_int_equal(tp()->t_pacing_rate, 8000000);
	assert_int_equal(counter("net.inet.ip.rl.chgrl"), 1);
	assert_int_equal(pace(7000000), 0); /* the same of the table */
	assert_int_equal(modified, 1);
	assert_int_equal(counter("kern.ipc.tls.ifnet.reset"), 1);
}

static void
test_while_the_reset_is_pending_the_ordinary_tag_is_changed(void **state)
{
	use_card();
	assert_int_equal(pace(1000000), 0);
	assert_int_equal(pace(2000000), 0);
	session_tag(IF_SND_TAG_TYPE_TLS, 0);
	assert_int_equal(own_rate(), 2000000);
	tw_run(w, SIM_MS);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 2000000);
}

/* Between two tags there is nothing to change. */
static void
test_without_a_tag_a_change_is_silently_nothing(void **state)
{
	struct m_snd_tag *mst;

	use_paced_card();
	mst = session()->snd_tag;
	session()->snd_tag = NULL;
	assert_int_equal(ktls_modify_txrtlmt(session(), 8000000), 0);
	assert_int_equal(pace(2000000), 0);
	assert_int_equal(modified, 0);
	assert_int_equal(tp()->t_pacing_rate, 2000000);
	session()->snd_tag = mst;
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 1000000);
}

static void
released(int error, uint64_t refusals)
{
	assert_int_equal(pace(2000000), error);
	assert_int_equal(tp()->t_pacing_rate, 0);
	assert_int_equal(own_rate(), 0);
	assert_int_equal(p.s.so->so_max_pacing_rate, 0);
	assert_int_equal(counter("net.inet.ip.rl.refused"), refusals);
}

/* Moved to an interface that cannot: its tag was taken without a rate. */
static void
test_a_tag_of_the_wrong_type_is_eopnotsupp(void **state)
{
	use_paced_card();
	port()->if_capenable &= ~(uint64_t)IFCAP_TXTLS_RTLMT;
	(void)ktls_output_eagain(tp()->t_inpcb, session());
	tw_run(w, SIM_MS);
	session_tag(IF_SND_TAG_TYPE_TLS, 0);
	released(EOPNOTSUPP, 1);
	send_some();
}

static void
test_a_lost_ordinary_tag_is_einval(void **state)
{
	use_paced_card();
	in_pcbdetach_txrtlmt(tp()->t_inpcb);
	released(EINVAL, 1);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 1000000);
}

static void
test_a_change_above_the_table_is_enoent(void **state)
{
	use_paced_card();
	assert_int_equal(pace(9000000), ENOENT);
	assert_int_equal(tp()->t_pacing_rate, 0);
	assert_int_equal(own_rate(), 0);
}

static void
test_a_change_that_the_card_refuses_releases_the_rate(void **state)
{
	use_paced_card();
	modify_error = EIO;
	released(EIO, 1);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 1000000);
}

/* --- no rate --- */

static void
test_a_released_rate_stays_with_the_sessions_tag(void **state)
{
	use_paced_card();
	assert_int_equal(pace(0), 0);
	assert_int_equal(own_rate(), 0);
	assert_int_equal(counter("net.inet.ip.rl.active"), 0);
	send_some();
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 1000000);
	/* A first rate again: the tag is exchanged once more. */
	assert_int_equal(pace(8000000), 0);
	tw_run(w, SIM_MS);
	session_tag(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, 8000000);
	assert_int_equal(counter("kern.ipc.tls.ifnet.reset"), 2);
}

static void
test_a_connection_that_is_over_takes_any_rate(void **state)
{
	use_paced_card();
	inp_drop(tp()->t_inpcb, EIO, "test");
	assert_int_equal(pace(2000000), 0);
	assert_int_equal(own_rate(), 0);
	assert_int_equal(counter("net.inet.ip.rl.active"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_reset_task_exchanges_the_tag),
		T(test_a_rate_from_before_is_the_first_tags),
		T(test_an_interface_without_rates_for_tls_is_enodev),
		T(test_an_interface_without_rates_is_enodev),
		T(test_a_card_without_a_table_is_enodev),
		T(test_a_card_below_that_cannot_be_found_is_enodev),
		T(test_a_card_below_without_a_table_is_enodev),
		T(test_above_the_table_is_enoent),
		T(test_what_the_card_says_to_the_ordinary_tag),
		T(test_a_session_that_went_to_software_is_enodev),
		T(test_setting_twice_is_einval),
		T(test_changing_none_is_einval),
		T(test_a_card_that_refuses_the_tag_ends_the_connection),
		T(test_another_rate_changes_the_sessions_tag_alone),
		T(test_while_the_reset_is_pending_the_ordinary_tag_is_changed),
		T(test_without_a_tag_a_change_is_silently_nothing),
		T(test_a_tag_of_the_wrong_type_is_eopnotsupp),
		T(test_a_lost_ordinary_tag_is_einval),
		T(test_a_change_above_the_table_is_enoent),
		T(test_a_change_that_the_card_refuses_releases_the_rate),
		T(test_a_released_rate_stays_with_the_sessions_tag),
		T(test_a_connection_that_is_over_takes_any_rate),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
