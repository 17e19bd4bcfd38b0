/*
 * Pacing of connections whose TLS the card does: the rate is one of the card's
 * table, and the session's send tag is exchanged for one that is rate limited.
 *
 * FreeBSD's callers are RACK and BBR. Here it is SO_MAX_PACING_RATE of a
 * connection that has a card session (docs/differences.md): a rate that is set
 * before TLS is enabled becomes one of the table's with the session's first
 * tag. Without such a session the option is in_pcb.h's.
 *
 * A connection with a rate has t_pacing_rate (bytes/s, of the table) and two
 * tags: inp_snd_tag, for packets without TLS records, and its session's.
 * Tables are the drivers', for good, so that unlike in FreeBSD nothing holds
 * an entry and the functions answer an errno in its place.
 *
 * Source: netinet/tcp_ratelimit.c; freebsd-ktls.md 5.9.
 */
#ifndef KTSIM_NETINET_TCP_RATELIMIT_H
#define KTSIM_NETINET_TCP_RATELIMIT_H

#include <stdint.h>

struct ifnet;
struct tcpcb;

/*
 * A connection's first rate: the lowest of the table that is not below
 * bytes_per_sec (RS_PACING_GEQ). With a card session a change of route is
 * faked, so that the reset task exchanges its tag; what is sent until then is
 * dropped, and a card that refuses the new tag ends the connection.
 * ENODEV: the interface has no TXRTLMT or no table; with a card session also
 * no TXTLS_RTLMT, or the session for new data is not the NIC's. EINVAL: there
 * is a rate, or its tag, already. ENOENT: the table ends below. Else what the
 * card says to a RATE_LIMIT tag.
 * Counted: net.inet.ip.rl.newrl, or refused.
 */
int tcp_set_pacing_rate(struct tcpcb *, struct ifnet *, uint64_t bytes_per_sec);
/*
 * Another rate. While the reset of a tag of the wrong type is pending, only the
 * ordinary tag is changed; the session's new one has the rate that stood when
 * it was asked for. Errors release the rate: EOPNOTSUPP: the session's tag is
 * not rate limited and none is on its way; EINVAL: there is no rate, or its
 * ordinary tag is gone; ENODEV, ENOENT: as above. Else what the card says.
 * Counted: net.inet.ip.rl.chgrl, or refused.
 */
int tcp_chg_pacing_rate(struct tcpcb *, struct ifnet *, uint64_t bytes_per_sec);
/* No rate any more. The session's tag keeps the one it has. */
void tcp_rel_pacing_rate(struct tcpcb *);

/*
 * SO_MAX_PACING_RATE is about to become this (0: none): the three above where
 * the connection has a card session or a rate of a table; else nothing, the
 * next packet sees to it. EHOSTUNREACH: no route. Of a refused rate nothing
 * remains, of a refused change the old one only if it was not released.
 */
int tcp_pacing_socket(struct tcpcb *, uint32_t rate);

#endif
