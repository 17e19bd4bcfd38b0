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

struct tap_filter *
tap_filter_create(const char *expr, struct strbuf *err)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, FILTER_SNAP);
	struct tap_filter *tf = xcalloc(1, sizeof(*tf));

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
