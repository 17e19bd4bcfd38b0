/* net.inet.tcp.*: tunables with FreeBSD's names and defaults, and counters. */
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
	T("mssdflt", mssdflt, 536, "default IPv4 maximum segment size"),
	T("v6mssdflt", v6mssdflt, 1220, "default IPv6 maximum segment size"),
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
	C(fastrexmit, "fast retransmits"),
};
#undef C

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
