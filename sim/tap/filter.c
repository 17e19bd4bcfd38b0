/* Filters of frames in the language of tcpdump, by libpcap. */
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/tap.h>

/* Filters look at headers; what lies behind this they may count, not read. */
#define FILTER_SNAP 65535

struct tap_filter {
	struct bpf_program tf_prog;
	uint8_t *tf_bytes; /* a frame's beginning in one piece */
};

/* pcap-filter(7)'s, and the beginnings of names of fields and flags. */
static const char *const words[] = { "host", "net", "mask", "port", "portrange",
	"src", "dst", "gateway", "ether", "ip", "ip6", "arp", "rarp", "tcp",
	"udp", "icmp", "icmp6", "igmp", "pim", "vrrp", "carp", "ah", "esp",
	"sctp", "stp", "proto", "protochain", "broadcast", "multicast", "less",
	"greater", "len", "and", "or", "not", "inbound", "outbound", "vlan",
	"mpls", "tcpflags", "icmptype", "icmpcode", "icmp6type", "icmp6code",
	"tcp-", "icmp-", "icmp6-" };

static bool
is_word(const char *p, size_t n)
{
	for (size_t i = 0; i < nitems(words); i++) {
		size_t len = strlen(words[i]);

		if (n >= len && memcmp(p, words[i], len) == 0 &&
		    (n == len || words[i][len - 1] == '-'))
			return (true);
	}
	return (false);
}

/* Digits, 0x10, 10.0.0.1, 100-200; with colons also letters: fd00::1. */
static bool
is_number(const char *p, size_t n)
{
	bool colon = memchr(p, ':', n) != NULL;

	return (strspn(p,
		    colon ? "0123456789abcdefABCDEF:." : "0123456789.-") >= n ||
	    (n > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')));
}

/*
 * A name that libpcap would look up in this machine's files, or ask somebody
 * for; what it matches would be the machine's affair. NULL: there is none.
 */
static const char *
find_name(const char *expr, size_t *len)
{
	static const char set[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
	    "TUVWXYZ0123456789._:-";

	for (const char *p = expr + strcspn(expr, set); *p != '\0';
	     p += *len, p += strcspn(p, set)) {
		*len = strspn(p, set);
		if (!is_word(p, *len) && !is_number(p, *len) &&
		    strspn(p, "-:.") < *len)
			return (p);
	}
	return (NULL);
}

struct tap_filter *
tap_filter_create(const char *expr, struct strbuf *err)
{
	struct tap_filter *tf;
	const char *name;
	size_t len = 0;
	pcap_t *p;

	if ((name = find_name(expr, &len)) != NULL) {
		strbuf_addf(err,
		    "`%.*s` is no word of pcap-filter(7); as a name it would "
		    "be looked up on this machine: write numbers",
		    (int)len, name);
		return (NULL);
	}
	p = pcap_open_dead(DLT_EN10MB, FILTER_SNAP);
	tf = xcalloc(1, sizeof(*tf));
	if (p == NULL ||
	    pcap_compile(p, &tf->tf_prog, expr, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		strbuf_adds(err, p != NULL ? pcap_geterr(p) : "no memory");
		free(tf);
		tf = NULL;
	} else
		tf->tf_bytes = xrealloc(NULL, FILTER_SNAP);
	if (p != NULL)
		pcap_close(p);
	return (tf);
}

void
tap_filter_destroy(struct tap_filter *tf)
{
	if (tf == NULL)
		return;
	pcap_freecode(&tf->tf_prog);
	free(tf->tf_bytes);
	free(tf);
}

bool
tap_filter_match(const struct tap_filter *tf, const struct frame *f)
{
	struct pcap_pkthdr ph = { .len = frame_len(f) };
	uint32_t pay;

	ph.caplen = MIN(ph.len, (bpf_u_int32)FILTER_SNAP);
	pay = MIN(f->f_paylen, ph.caplen - f->f_hdrlen);
	memcpy(tf->tf_bytes, f->f_hdr, f->f_hdrlen);
	if (pay > 0)
		memcpy(tf->tf_bytes + f->f_hdrlen, f->f_payload, pay);
	return (pcap_offline_filter(&tf->tf_prog, &ph, tf->tf_bytes) != 0);
}
