/*
 * Network interfaces and send tags.
 *
 * An interface is embedded in its driver's structure (a card's port, a lagg).
 * if_output is the entry from IP; if_transmit is the entry of a whole frame;
 * if_input takes a received frame to the stack. Errors of if_transmit:
 * ENOBUFS ring full, ENETDOWN not up or no active port, EAGAIN the packet's
 * send tag is not of the port that would send it. The mbuf is consumed always.
 *
 * A send tag stands for state in the layer below: the TLS context of one
 * session on one port. Layers nest: the lagg's tag wraps the port's. Tags are
 * reference counted, by session and by each packet that carries one.
 *
 * Source: net/if_var.h, net/if.c, freebsd-ktls.md sections 5 and 6.
 */
#ifndef KTSIM_NET_IF_VAR_H
#define KTSIM_NET_IF_VAR_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/queue.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/sockaddr.h>

struct inpcb;
struct ktls_session;
struct llentry;
struct vnet;

/* if_capabilities and if_capenable */
#define IFCAP_RXCSUM	     (1ULL << 0)
#define IFCAP_TXCSUM	     (1ULL << 1)
#define IFCAP_VLAN_MTU	     (1ULL << 3)
#define IFCAP_VLAN_HWTAGGING (1ULL << 4)
#define IFCAP_VLAN_HWCSUM    (1ULL << 7)
#define IFCAP_TSO4	     (1ULL << 8)
#define IFCAP_TSO6	     (1ULL << 9)
#define IFCAP_LRO	     (1ULL << 10)
#define IFCAP_TOE4	     (1ULL << 14)
#define IFCAP_TOE6	     (1ULL << 15)
#define IFCAP_VLAN_HWTSO     (1ULL << 18)
#define IFCAP_RXCSUM_IPV6    (1ULL << 21)
#define IFCAP_TXCSUM_IPV6    (1ULL << 22)
#define IFCAP_TXRTLMT	     (1ULL << 24)
#define IFCAP_MEXTPG	     (1ULL << 26)
#define IFCAP_TXTLS4	     (1ULL << 27)
#define IFCAP_TXTLS6	     (1ULL << 28)
#define IFCAP_TXTLS_RTLMT    (1ULL << 31)
#define IFCAP_RXTLS4	     (1ULL << 32)
#define IFCAP_RXTLS6	     (1ULL << 33)

/* if_flags */
#define IFF_UP		0x1
#define IFF_BROADCAST	0x2
#define IFF_LOOPBACK	0x8
#define IFF_DRV_RUNNING 0x40
#define IFF_MULTICAST	0x8000

enum if_link_state { LINK_STATE_UNKNOWN, LINK_STATE_DOWN, LINK_STATE_UP };

/* --- send tags --- */
enum if_snd_tag_type {
	IF_SND_TAG_TYPE_RATE_LIMIT,
	IF_SND_TAG_TYPE_UNLIMITED,
	IF_SND_TAG_TYPE_TLS,
	IF_SND_TAG_TYPE_TLS_RATE_LIMIT,
	IF_SND_TAG_TYPE_TLS_RX
};

/*
 * What a driver may know of the connection when it is asked for a tag: a
 * snapshot, so that no card ever sees a control block.
 */
struct if_snd_tag_conn {
	uint32_t conn; /* number, for traces */
	bool dropped;
	bool ipv6;
	uint32_t ts_offset; /* of TCP timestamps */
	uint32_t snd_una, snd_nxt, rcv_nxt;
	bool timestamps; /* are used */
	uint16_t maxseg;
	struct ksockaddr local, foreign;
};

struct if_snd_tag_alloc_params {
	enum if_snd_tag_type type;
	uint32_t flowid;
	uint8_t flowtype;
	uint8_t numa_domain;
	struct if_snd_tag_conn conn;
	struct ktls_session *tls; /* TLS types; not referenced by the tag
					   beyond what the driver copies */
	uint64_t max_rate;	  /* bytes/s, rate limited types */
	/*
	 * TLS_RX: the VLAN on the way to the card, 0 none: whoever asks a
	 * vlan(4) gives 0, and is told by it what it was.
	 */
	uint16_t vlan_id;
	uint16_t *vlan_told;
	/*
	 * TLS_RX: where the next record's header that is not yet decrypted
	 * stands in the stream, and the number of that record. To be asked when
	 * it is needed. EINVAL, ECONNRESET: the connection is gone.
	 */
	int (*rx_sequence)(const struct ktls_session *, uint32_t *tcpseq,
	    uint64_t *recno);
	/* TLS types: set. Others: NULL, their drivers do not sleep. */
	struct if_snd_tag_wait *wait;
};

/*
 * What snd_tag_modify of a receive tag gets: software took a record that the
 * card had not decrypted as a whole. The card, which looks for records by
 * itself, has its guess confirmed or not.
 */
struct if_snd_tag_modify_tls_rx {
	uint32_t tcp_sn;	 /* of the record's header */
	uint32_t tls_rec_length; /* whole record; 0: the card is in step */
	uint64_t tls_seq_number; /* of the record */
};

struct if_snd_tag_sw {
	int (*snd_tag_modify)(struct m_snd_tag *, const void *params);
	int (*snd_tag_query)(struct m_snd_tag *, void *params);
	void (*snd_tag_free)(struct m_snd_tag *); /* last reference */
	struct m_snd_tag *(*next_snd_tag)(struct m_snd_tag *); /* inner, NULL */
	enum if_snd_tag_type type;
};

/*
 * What if_ratelimit_query answers: the rates that the interface's cards have.
 * RT_IS_INDIRECT: it has none itself, a tag's innermost interface is to be
 * asked. RT_IS_FIXED_TABLE: rate_table is the driver's, bytes/s, ascending.
 */
#define RT_NOSUPPORT	  0x0
#define RT_IS_INDIRECT	  0x1
#define RT_IS_FIXED_TABLE 0x4
struct if_ratelimit_query_results {
	const uint64_t *rate_table;
	uint32_t flags;
	unsigned number_of_rates;
};

typedef int if_snd_tag_alloc_fn(struct ifnet *,
    const struct if_snd_tag_alloc_params *, struct m_snd_tag **);

/* --- the interface --- */
struct ifaddr {
	struct ifaddr *ifa_next;
	uint8_t ifa_family; /* KAF_INET, KAF_INET6 */
	struct in_any ifa_addr;
	uint8_t ifa_plen; /* prefix length */
};

struct if_counters {
	uint64_t ipackets, ibytes, ierrors, iqdrops;
	uint64_t opackets, obytes, oerrors, oqdrops;
	uint64_t noproto; /* for a VLAN or a protocol that is not here */
};

struct ifnet {
	char if_xname[16]; /* "mce0", "lagg0" */
	uint32_t if_index; /* of this host, from 1 */
	struct vnet *if_vnet;
	void *if_softc;
	uint32_t if_flags;
	uint32_t if_mtu;
	uint8_t if_lladdr[6];
	enum if_link_state if_link_state;
	uint64_t if_baudrate;	/* bits/s */
	uint8_t if_numa_domain; /* where the card is plugged in; M_NODOM */
	uint64_t if_capabilities, if_capenable;
	uint32_t if_hwassist; /* CSUM_* the card does */
	uint32_t if_hw_tsomax, if_hw_tsomaxsegcount, if_hw_tsomaxsegsize;
	struct ifaddr *if_addrs;
	struct if_counters if_ctr;
	uint32_t if_tags; /* send tags alive */

	/* IP's way down: resolves dst (the next hop) and transmits. */
	int (*if_output)(struct ifnet *, struct mbuf *,
	    const struct ksockaddr *dst);
	int (*if_transmit)(struct ifnet *, struct mbuf *);
	void (*if_input)(struct ifnet *, struct mbuf *);
	if_snd_tag_alloc_fn *if_snd_tag_alloc; /* NULL: EOPNOTSUPP */
	/* NULL: RT_NOSUPPORT. The results are zero when it is called. */
	void (*if_ratelimit_query)(struct ifnet *,
	    struct if_ratelimit_query_results *);
	/* The driver's part of a capability or flag change; it may enable
	 * less. May be NULL. */
	int (*if_ioctl)(struct ifnet *, uint64_t *capenable, uint32_t flags);
	/* Before if_mtu changes. EINVAL: it cannot be that. NULL: never. */
	int (*if_set_mtu)(struct ifnet *, uint32_t mtu);

	/* when this is a lagg port */
	struct lagg_port *if_lagg;
	/* the vlan(4) interfaces that stand on this one */
	LIST_HEAD(, ifvlan) if_vlans;

	TAILQ_ENTRY(ifnet) if_link;
};

TAILQ_HEAD(ifnethead, ifnet);

/* --- net/if.c --- */
/* Layer state of a host; after kern, before netinet. */
void net_attach(struct vnet *);
void net_detach(struct vnet *);

/* Sets defaults, if_index, if_xname; hardware limits as FreeBSD's if.c. */
void if_attach(struct vnet *, struct ifnet *, const char *xname);
void if_detach(struct ifnet *);
struct ifnet *if_lookup(struct vnet *, const char *xname); /* NULL */
struct ifnet *if_first(struct vnet *); /* if_link leads to the next */
/* Add an address with its connected route. EINVAL family, EEXIST. */
int if_addr_add(struct ifnet *, int family, const struct in_any *, int plen);
/* Take it away, with its routes, if no other address has the same prefix.
 * EADDRNOTAVAIL: the interface does not have it. */
int if_addr_remove(struct ifnet *, int family, const struct in_any *);
/* The first address of the family on the interface; NULL. */
const struct ifaddr *if_addr_first(const struct ifnet *, int family);
/* An address by which others may know the host: the first that is not the
 * loopback's, else the loopback's; NULL: none of the family. */
const struct ifaddr *if_addr_host(struct vnet *, int family);
/* Some interface of the host has this address. */
struct ifnet *if_addr_owner(struct vnet *, int family, const struct in_any *);
void if_link_state_change(struct ifnet *, enum if_link_state);
/* An errno of the driver's. */
int if_setflags(struct ifnet *, uint32_t flags);
/*
 * EINVAL: not within 72 (IPv4's least) and what the layer below takes; a lagg
 * port has its lagg's, alone.
 */
int if_setmtu(struct ifnet *, uint32_t mtu);
/* EINVAL: a bit that is not in if_capabilities. Recomputes if_hwassist. */
int if_setcap(struct ifnet *, uint64_t capenable);
/* "txtls4" and the like, as ifconfig spells them; 0 unknown. */
uint64_t if_capbyname(const char *name);
/* Text of all bits set, "RXCSUM,TXCSUM,TSO4". */
struct strbuf;
void if_capnames(uint64_t caps, struct strbuf *);

/* --- net/if_snd_tag.c --- */
/* Fills a tag embedded in the driver's: refcount 1, counted. */
void m_snd_tag_init(struct m_snd_tag *, struct ifnet *,
    const struct if_snd_tag_sw *);
/* EOPNOTSUPP without a driver method; otherwise the driver's answer. */
int m_snd_tag_alloc(struct ifnet *, const struct if_snd_tag_alloc_params *,
    struct m_snd_tag **);

/* --- net/net_dump.c; base/dump.h --- */

void ifnet_dump(const struct ifnet *, struct strbuf *, int indent);
/* The tag and those inside of it, outermost first. */
void m_snd_tag_dump(struct m_snd_tag *, struct strbuf *, int indent);
void route_dump(const struct vnet *, struct strbuf *, int indent);
/* Interfaces with their laggs, routes, neighbours. */
void net_dump(const struct vnet *, struct strbuf *, int indent);

/* --- net/ifconfig.c --- */
/* As `ifconfig -v` prints it; media in bits/s, not by type. */
void ifconfig_show(struct ifnet *, struct strbuf *);

/* --- net/if_ethersubr.c --- */
/* if_output and if_input of Ethernet-like interfaces. */
void ether_ifattach(struct ifnet *, const uint8_t lladdr[6]);
int ether_output(struct ifnet *, struct mbuf *, const struct ksockaddr *dst);
/* A frame whose link header is complete. */
int ether_output_frame(struct ifnet *, struct mbuf *);
void ether_input(struct ifnet *, struct mbuf *);

/* --- net/netisr.c: ether_input reaches the protocols --- */
enum netisr { NETISR_IP, NETISR_ARP, NETISR_IPV6, NETISR_COUNT };
void netisr_register(struct vnet *, enum netisr,
    void (*fn)(struct vnet *, struct mbuf *));
void netisr_dispatch(struct vnet *, enum netisr, struct mbuf *);

/* --- net/route.c --- */
struct nhop { /* a resolved route */
	struct ifnet *nh_ifp;
	struct ksockaddr
	    nh_gw;	      /* next hop: the destination itself if on link */
	struct in_any nh_src; /* address to send from */
	uint32_t nh_mtu;
	uint32_t nh_gen; /* compare with route_generation */
};
/* plen 0: default route. gw zero: on link. EEXIST. */
int route_add(struct vnet *, int family, const struct in_any *dst, int plen,
    const struct in_any *gw, struct ifnet *);
int route_delete(struct vnet *, int family, const struct in_any *dst, int plen);
/* Longest prefix. EHOSTUNREACH. */
int route_lookup(struct vnet *, int family, const struct in_any *dst,
    struct nhop *);
/* Moves with each change that could make a cached nhop stale. */
uint32_t route_generation(const struct vnet *);
void route_changed(struct vnet *);

#endif
