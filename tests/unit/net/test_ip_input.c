/* What IP does not take: each reason has its counter, and nothing leaks. */
#include "netwire.h"

#include <ktsim/base/bytes.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

static struct tw *w;
static const struct ip_stats *st4, *st6;
static struct kip ip;
static struct kip6 ip6;

static int
setup(void **state)
{
	struct in_any from, to;

	w = tw_new(1, 0);
	st4 = ip_stats(w->a.v, KAF_INET);
	st6 = ip_stats(w->a.v, KAF_INET6);
	memset(&ip, 0, sizeof(ip));
	ip.ip_vhl = 0x45;
	be16enc(ip.ip_len, sizeof(ip) + 8);
	ip.ip_p = 17;
	from = tw_addr(KAF_INET, 2);
	to = tw_addr(KAF_INET, 1);
	memcpy(ip.ip_src, from.a, 4);
	memcpy(ip.ip_dst, to.a, 4);
	memset(&ip6, 0, sizeof(ip6));
	ip6.ip6_flow[0] = 0x60;
	be16enc(ip6.ip6_plen, 8);
	ip6.ip6_nxt = 17;
	from = tw_addr(KAF_INET6, 2);
	to = tw_addr(KAF_INET6, 1);
	memcpy(ip6.ip6_src, from.a, 16);
	memcpy(ip6.ip6_dst, to.a, 16);
	return (0);
}

static int
teardown(void **state)
{
	assert_int_equal(st4->delivered + st6->delivered, 0);
	tw_free(w);
	return (0);
}

static struct mbuf *
packet(const void *hdr, uint32_t hlen, uint32_t len)
{
	struct mbuf *m = m_gethdr(w->a.v->v_mb, M_WAITOK, MT_DATA);

	memset(m->m_data, 0, len);
	memcpy(m->m_data, hdr, MIN(hlen, len));
	m->m_len = m->m_pkthdr.len = (int32_t)len;
	return (m);
}

/* With a right checksum. */
static void
input4(uint32_t len)
{
	be16enc(ip.ip_sum, 0);
	be16enc(ip.ip_sum, (uint16_t)~in_sum(&ip, sizeof(ip)));
	ip_input(w->a.v, packet(&ip, sizeof(ip), len));
}

static void
test_bad_header_checksum_is_dropped(void **state)
{
	be16enc(ip.ip_sum, 0x1234);
	ip_input(w->a.v, packet(&ip, sizeof(ip), 28));
	assert_int_equal(st4->bad_sum, 1);
	/* With the right one it gets as far as its protocol. */
	input4(28);
	assert_int_equal(st4->bad_sum, 1);
	assert_int_equal(st4->no_proto, 1);
	assert_int_equal(st4->total_in, 2);
}

static void
test_short_packets_are_dropped(void **state)
{
	input4(19);
	assert_int_equal(st4->too_short, 1);
	input4(27);
	assert_int_equal(st4->too_short, 2);
	ip6_input(w->a.v, packet(&ip6, sizeof(ip6), 39));
	assert_int_equal(st6->too_short, 1);
	ip6_input(w->a.v, packet(&ip6, sizeof(ip6), 47));
	assert_int_equal(st6->too_short, 2);
}

static void
test_fragments_are_dropped_first_and_later_ones(void **state)
{
	be16enc(ip.ip_off, KIP_MF);
	input4(28);
	assert_int_equal(st4->fragments, 1);
	be16enc(ip.ip_off, 1);
	input4(28);
	assert_int_equal(st4->fragments, 2);
	be16enc(ip.ip_off, KIP_DF);
	input4(28);
	assert_int_equal(st4->fragments, 2);
}

static void
test_packets_for_others_are_dropped(void **state)
{
	ip.ip_dst[3] = 77;
	input4(28);
	assert_int_equal(st4->not_mine, 1);
	ip6.ip6_dst[15] = 77;
	ip6_input(w->a.v, packet(&ip6, sizeof(ip6), 48));
	assert_int_equal(st6->not_mine, 1);
}

static void
test_wrong_versions_and_header_lengths_are_dropped(void **state)
{
	ip.ip_vhl = 0x65;
	input4(28);
	assert_int_equal(st4->bad_version, 1);
	ip.ip_vhl = 0x46;
	input4(28);
	assert_int_equal(st4->bad_header, 1);
	ip6.ip6_flow[0] = 0x40;
	ip6_input(w->a.v, packet(&ip6, sizeof(ip6), 48));
	assert_int_equal(st6->bad_version, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bad_header_checksum_is_dropped),
		T(test_short_packets_are_dropped),
		T(test_fragments_are_dropped_first_and_later_ones),
		T(test_packets_for_others_are_dropped),
		T(test_wrong_versions_and_header_lengths_are_dropped),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
