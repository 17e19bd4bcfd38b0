/* net.inet.tcp.*, net.inet.ip.rl.*: tunables with FreeBSD's names and defaults, and counters. */
#include <errno.h>
#include <stdio.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define TCP_MS_MAX 3600000 /* an hour: 2^9 of them fit into 64 bits */

/* FreeBSD's are ints. */
static int
tcp_check_int(struct vnet *vnet, uint64_t v)
{
	return (v <= INT32_MAX ? 0 : EINVAL);
}

static int
tcp_check_positive(struct vnet *vnet, uint64_t v)
{
	return (v >= 1 && v <= UINT16_MAX ? 0 : EINVAL);
}

static int
tcp_check_ms(struct vnet *vnet, uint64_t v)
{
	return (v <= TCP_MS_MAX ? 0 : EINVAL);
}

/* A probe every 0 ms would be a probe for ever. */
static int
tcp_check_interval(struct vnet *vnet, uint64_t v)
{
	return (v >= 1 && v <= TCP_MS_MAX ? 0 : EINVAL);
}

/* Accurate ECN (3, 4) is not there. */
static int
tcp_check_ecn(struct vnet *vnet, uint64_t v)
{
	return (v <= 2 ? 0 : EINVAL);
}

/* Below the least that IPv4 must carry TCP would not get on. */
static int
tcp_check_mss(struct vnet *vnet, uint64_t v)
{
	return (v >= 64 && v <= UINT16_MAX ? 0 : EINVAL);
}

#define T(name, field, def, descr)                                      \
	{                                                               \
		name, offsetof(struct tcp_tunables, field), def, descr, \
		    tcp_check_int                                       \
	}
#define TC(check, name, field, def, descr)                              \
	{                                                               \
		name, offsetof(struct tcp_tunables, field), def, descr, \
		    tcp_check_##check                                   \
	}
static const struct {
	const char *name;
	size_t off;
	uint64_t def;
	const char *descr;
	sysctl_check_fn *check;
} tcp_knobs[] = {
	T("sendspace", sendspace, 65536, "initial send socket buffer size"),
	T("recvspace", recvspace, 65536, "initial receive socket buffer size"),
	T("sendbuf_auto", sendbuf_auto, 1, "automatic send buffer sizing"),
	T("sendbuf_max", sendbuf_max, 2 * 1024 * 1024,
	    "max size of automatic send buffer"),
	T("sendbuf_inc", sendbuf_inc, 8192,
	    "incrementor step size of automatic send buffer"),
	T("recvbuf_auto", recvbuf_auto, 1, "automatic receive buffer sizing"),
	T("recvbuf_max", recvbuf_max, 2 * 1024 * 1024,
	    "max size of automatic receive buffer"),
	TC(mss, "mssdflt", mssdflt, 536, "default IPv4 maximum segment size"),
	TC(mss, "v6mssdflt", v6mssdflt, 1220,
	    "default IPv6 maximum segment size"),
	T("delayed_ack", delayed_ack, 1, "delay ACK to try to piggyback it"),
	TC(ms, "delacktime", delacktime, 40, "delayed ACK timeout, ms"),
	TC(ms, "rexmit_min", rexmit_min, 30,
	    "minimum retransmission timeout, ms"),
	TC(ms, "rexmit_slop", rexmit_slop, 200,
	    "added to the retransmission timeout, ms"),
	TC(ms, "rexmit_initial", rexmit_initial, 1000,
	    "initial retransmission timeout, ms"),
	TC(interval, "persmin", persmin, 5000,
	    "minimum persistence interval, ms"),
	TC(interval, "persmax", persmax, 60000,
	    "maximum persistence interval, ms"),
	TC(ms, "keepinit", keepinit, 75000,
	    "time to establish a connection, ms"),
	TC(ms, "finwait2_timeout", finwait2_timeout, 60000,
	    "FIN_WAIT_2 timeout of a closed socket, ms"),
	TC(ms, "msl", msl, 30000, "maximum segment lifetime, ms"),
	TC(positive, "initcwnd_segments", initcwnd_segments, 10,
	    "initial congestion window, segments"),
	T("sack.enable", sack, 1, "SACK support"),
	TC(positive, "sack.maxholes", sack_maxholes, 128,
	    "holes of one connection's scoreboard"),
	TC(ecn, "ecn.enable", ecn_enable, 2,
	    "ECN: 0 never, 1 ask for it, 2 agree when asked"),
	T("ecn.maxretries", ecn_maxretries, 1,
	    "SYNs that ask for ECN before one does not"),
	TC(interval, "keepidle", keepidle, 7200000,
	    "silence before keepalive probes, ms"),
	TC(interval, "keepintvl", keepintvl, 75000,
	    "time between keepalive probes, ms"),
	TC(positive, "keepcnt", keepcnt, 8,
	    "keepalive probes before the connection is dropped"),
	T("always_keepalive", always_keepalive, 1,
	    "keepalive on all connections, not only with SO_KEEPALIVE"),
	TC(ms, "ack_war_timewindow", ack_war_timewindow, 1000,
	    "time over which challenge ACKs are counted, ms"),
	T("ack_war_cnt", ack_war_cnt, 5,
	    "challenge ACKs of a connection in that time; 0: any number"),
	TC(positive, "reass.maxqueuelen", reass_maxqueuelen, 100,
	    "segments in a connection's out-of-order queue"),
	TC(mss, "minmss", minmss, 216, "the least segment size believed"),
	T("path_mtu_discovery", path_mtu_discovery, 1,
	    "set DF, and believe ICMP about the path's MTU"),
	T("icmp_may_rst", icmp_may_rst, 1,
	    "ICMP unreachable may end a connection in SYN_SENT"),
	T("rfc1323", rfc1323, 1, "window scaling and timestamps"),
	T("rfc3042", rfc3042, 1, "limited transmit"),
	T("tso", tso, 1, "TCP segmentation offload"),
};
#undef T
#undef TC

#define C(field, descr)                                          \
	{                                                        \
#field, offsetof(struct tcp_stats, field), descr \
	}
static const struct {
	const char *name;
	size_t off;
	const char *descr;
} tcp_counters[] = {
	C(connattempt, "connections initiated"),
	C(accepts, "connections accepted"),
	C(connects, "connections established"),
	C(drops, "connections dropped"),
	C(closed, "connections closed"),
	C(sndtotal, "packets sent"),
	C(sndpack, "data packets sent"),
	C(sndbyte, "data bytes sent"),
	C(sndrexmitpack, "data packets retransmitted"),
	C(sndrexmitbyte, "data bytes retransmitted"),
	C(rexmttimeo, "retransmit timeouts"),
	C(persisttimeo, "persist timeouts"),
	C(delack, "delayed ACKs sent"),
	C(timeoutdrop, "connections dropped by retransmit timeout"),
	C(rcvtotal, "packets received"),
	C(rcvpack, "packets received in sequence"),
	C(rcvbyte, "bytes received in sequence"),
	C(rcvbadsum, "discarded for bad checksums"),
	C(rcvbadoff, "discarded for bad header offset fields"),
	C(rcvshort, "discarded because packet too short"),
	C(rcvduppack, "completely duplicate packets"),
	C(rcvoopack, "out-of-order packets"),
	C(rcvdupack, "duplicate ACKs"),
	C(rcvackpack, "ACKs of new data"),
	C(rcvafterwin, "packets of data after window"),
	C(listendrop, "listen queue overflows"),
	C(sndrst, "resets sent"),
	C(rcvrst, "resets received"),
	C(pawsdrop, "discarded by PAWS"),
	C(badrst, "resets ignored, not at the expected place"),
	C(fastrexmit, "recoveries begun by duplicate ACKs or SACK"),
	C(sndrexmitbad, "retransmit timeouts that were mistakes, undone"),
	C(sack_recovery_episode, "recoveries driven by SACK"),
	C(sack_rexmits, "segments sent again from the scoreboard"),
	C(sack_rexmit_bytes, "bytes sent again from the scoreboard"),
	C(sack_rcv_blocks, "SACK blocks received"),
	C(sack_send_blocks, "SACK blocks sent"),
	C(sack_sboverflow, "SACK scoreboard overflows"),
	C(sack_lostrexmt, "retransmissions found to be lost"),
	C(sack_rescue, "rescue retransmissions of a window's tail"),
	C(dsack_count, "duplicates that peers reported (D-SACK)"),
	C(dsack_bytes, "bytes of them"),
	C(rcvacktoomuch, "ACKs of what was not sent"),
	C(rcvwinupd, "window updates received"),
	C(rcvwinprobe, "window probes received"),
	C(sndprobe, "window probes sent"),
	C(keeptimeo, "keepalive timeouts"),
	C(keepprobe, "keepalive probes sent"),
	C(keepdrops, "connections dropped by keepalive"),
	C(persistdrop, "connections dropped by persist timeout"),
	C(challenge_acks, "challenge ACKs sent"),
	C(challenge_limited, "challenge ACKs not sent: too many"),
	C(badsyn, "SYNs in a synchronised connection"),
	C(ecn_shs, "connections that agreed on ECN"),
	C(ecn_rcvce, "packets received with a congestion mark"),
	C(ecn_rcvect0, "packets received as ECT(0)"),
	C(ecn_rcvect1, "packets received as ECT(1)"),
	C(ecn_sndect0, "packets sent as ECT(0)"),
	C(ecn_rcvece, "echoes of marks received"),
	C(ecn_rcwnd, "windows reduced by ECN"),
	C(mturesent, "segments made smaller by ICMP"),
	C(minmssdrops, "ICMP about the MTU not believed: below the least"),
	C(reassoverflow, "segments not queued: out-of-order queue full"),
};
#undef C

#define R(field, descr)                                         \
	{                                                       \
#field, offsetof(struct rl_stats, field), descr \
	}
static const struct {
	const char *name;
	size_t off;
	const char *descr;
} rl_counters[] = {
	R(active, "connections with a rate limited tag of their own now"),
	R(alloc_fail, "tags that a card which can pace refused"),
	R(set_ok, "tags taken"),
	R(newrl, "rates of a card's table, new"),
	R(chgrl, "rates of a card's table, changed"),
	R(refused, "rates refused to connections with card TLS"),
};
#undef R

void
tcp_sysctl_init(struct vnet *vnet)
{
	struct inet_state *is = vnet->v_inet;
	uint64_t *val;
	char name[64];

	for (size_t i = 0; i < nitems(tcp_knobs); i++) {
		snprintf(name, sizeof(name), "net.inet.tcp.%s",
		    tcp_knobs[i].name);
		val = (uint64_t *)(void *)((char *)&is->is_tune +
		    tcp_knobs[i].off);
		*val = tcp_knobs[i].def;
		sysctl_add(vnet, name, val, CTL_RW, tcp_knobs[i].check,
		    tcp_knobs[i].descr);
	}
	is->is_tune.cc_algorithm = CC_DEFAULT;
	sysctl_add_words(vnet, "net.inet.tcp.cc.algorithm",
	    &is->is_tune.cc_algorithm, cc_names,
	    "congestion control of new connections");
	for (size_t i = 0; i < nitems(rl_counters); i++) {
		snprintf(name, sizeof(name), "net.inet.ip.rl.%s",
		    rl_counters[i].name);
		sysctl_add(vnet, name,
		    (uint64_t *)(void *)((char *)&is->is_rl +
			rl_counters[i].off),
		    CTL_CTR, NULL, rl_counters[i].descr);
	}
	for (size_t i = 0; i < nitems(tcp_counters); i++) {
		snprintf(name, sizeof(name), "net.inet.tcp.stats.%s",
		    tcp_counters[i].name);
		sysctl_add(vnet, name,
		    (uint64_t *)(void *)((char *)&is->is_tcp +
			tcp_counters[i].off),
		    CTL_CTR, NULL, tcp_counters[i].descr);
	}
}

const struct tcp_stats *
tcp_stats(const struct vnet *vnet)
{
	return (&vnet->v_inet->is_tcp);
}
