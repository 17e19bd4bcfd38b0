/* Echo, both versions, over the test wire: the peer checks the sums. */
#include "netwire.h"

#include <ktsim/base/bytes.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

static struct tw *w;

static int
setup(void **state)
{
	w = tw_new(1, 0);
	return (0);
}

static int
teardown(void **state)
{
	tw_free(w);
	return (0);
}

/* From b to a, len bytes behind the header; damage: the sum is wrong. */
static struct mbuf *
message(int family, uint8_t type, uint32_t len, bool damage)
{
	uint32_t hlen = family == KAF_INET6 ? 40 : 20;
	struct in_any from = tw_addr(family, 2), to = tw_addr(family, 1);
	struct mbuf *m;
	uint8_t *p;
	uint16_t sum;

	m = m_getjcl(w->a.v->v_mb, M_WAITOK, MT_DATA, M_PKTHDR, MJUM16BYTES);
	p = m->m_data;
	memset(p, 0x5a, hlen + 8 + len);
	memset(p, 0, hlen);
	m->m_len = m->m_pkthdr.len = (int32_t)(hlen + 8 + len);
	m->m_pkthdr.rcvif = &w->a.port[0].ifn;
	p[hlen] = type;
	p[hlen + 1] = p[hlen + 2] = p[hlen + 3] = 0;
	if (family == KAF_INET6) {
		p[0] = 0x60;
		be16enc(p + 4, (uint16_t)(8 + len));
		p[6] = KIPPROTO_ICMPV6;
		p[7] = 64;
		memcpy(p + 8, from.a, 16);
		memcpy(p + 24, to.a, 16);
		sum = in_sum_add(in_sum_pseudo(from.a, to.a, 16,
				     KIPPROTO_ICMPV6, 8 + len),
		    in_sum(p + hlen, 8 + len), 0);
	} else {
		p[0] = 0x45;
		be16enc(p + 2, (uint16_t)(hlen + 8 + len));
		p[8] = 64;
		p[9] = KIPPROTO_ICMP;
		memcpy(p + 12, from.a, 4);
		memcpy(p + 16, to.a, 4);
		be16enc(p + 10, (uint16_t)~in_sum(p, 20));
		sum = in_sum(p + hlen, 8 + len);
	}
	be16enc(p + hlen + 2, (uint16_t)(~sum + damage));
	return (m);
}

static void
echo(int family, uint32_t len)
{
	const struct ip_stats *a = ip_stats(w->a.v, family);
	const struct ip_stats *b = ip_stats(w->b.v, family);
	uint64_t answered = a->icmp_echo, got = b->delivered;

	(family == KAF_INET6 ? ip6_input : ip_input)(w->a.v,
	    message(family, family == KAF_INET6 ? 128 : 8, len, false));
	tw_run(w, SIM_SEC);
	assert_int_equal(a->icmp_echo, answered + 1);
	assert_true(b->delivered > got);
	assert_int_equal(b->icmp_bad, 0);
	assert_int_equal(b->bad_sum, 0);
}

static void
test_echo_is_answered_with_right_sums(void **state)
{
	static const uint32_t lens[] = { 0, 1, 56, 1400 };

	for (size_t i = 0; i < nitems(lens); i++) {
		echo(KAF_INET, lens[i]);
		echo(KAF_INET6, lens[i]);
	}
}

static void
test_damaged_and_short_messages_are_counted(void **state)
{
	struct mbuf *m;

	ip_input(w->a.v, message(KAF_INET, 8, 56, true));
	ip6_input(w->a.v, message(KAF_INET6, 128, 56, true));
	assert_int_equal(ip_stats(w->a.v, KAF_INET)->icmp_bad, 1);
	assert_int_equal(ip_stats(w->a.v, KAF_INET6)->icmp_bad, 1);
	m = message(KAF_INET6, 128, 56, false);
	be16enc(m->m_data + 4, 7);
	ip6_input(w->a.v, m);
	assert_int_equal(ip_stats(w->a.v, KAF_INET6)->icmp_bad, 2);
	assert_int_equal(ip_stats(w->a.v, KAF_INET)->icmp_echo, 0);
	assert_int_equal(ip_stats(w->a.v, KAF_INET6)->icmp_echo, 0);
}

static void
test_error_that_quotes_too_little_is_ignored(void **state)
{
	ip_input(w->a.v, message(KAF_INET, 3, 10, false));
	ip_input(w->a.v, message(KAF_INET, 3, 40, false)); /* quotes rubbish */
	ip6_input(w->a.v, message(KAF_INET6, 2, 10, false));
	assert_int_equal(ip_stats(w->a.v, KAF_INET)->icmp_unreach, 0);
	assert_int_equal(ip_stats(w->a.v, KAF_INET6)->icmp_unreach, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_echo_is_answered_with_right_sums),
		T(test_damaged_and_short_messages_are_counted),
		T(test_error_that_quotes_too_little_is_ignored),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
