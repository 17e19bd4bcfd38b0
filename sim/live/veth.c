/*
 * One end of a veth pair (or any Ethernet interface), through libpcap: what
 * arrives there is read, what is injected leaves there. The interface should
 * have no address of its own.
 *
 * The other end believes in hardware that computes checksums and cuts
 * segments; there is none, so it must be told: do_offloads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include <ktsim/base/kmem.h>

#include "device.h"

#define FRAME_MAX  65536
#define RING_BYTES (8 * 1024 * 1024)

struct veth {
	struct live_dev v_dev;
	pcap_t *v_pcap;
	uint8_t v_out[FRAME_MAX];
};

static int
veth_errno(int rc)
{
	switch (rc) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return (ENODEV);
	case PCAP_ERROR_PERM_DENIED:
		return (EPERM);
	case PCAP_ERROR_IFACE_NOT_UP:
		return (ENETDOWN);
	default:
		return (EIO);
	}
}

static int
veth_refused(const char *name, int error, const char *why, struct strbuf *err)
{
	strbuf_addf(err, "veth:%s: %s", name,
	    error == EIO ? why : strerror(error));
	if (error == ENODEV)
		strbuf_addf(err,
		    ": make the pair: ip link add %s type veth peer name PEER",
		    name);
	else if (error == EPERM)
		strbuf_adds(err, ": run as root, or with CAP_NET_RAW");
	else if (error == ENETDOWN)
		strbuf_addf(err, ": ip link set dev %s up", name);
	return (error);
}

static int
veth_activate(pcap_t *p, const char *name, struct strbuf *err)
{
	char text[PCAP_ERRBUF_SIZE];
	int rc;

	(void)pcap_set_snaplen(p, FRAME_MAX);
	(void)pcap_set_promisc(p, 1);
	(void)pcap_set_immediate_mode(p, 1);
	(void)pcap_set_buffer_size(p, RING_BYTES);
	if ((rc = pcap_activate(p)) < 0)
		return (
		    veth_refused(name, veth_errno(rc), pcap_geterr(p), err));
	if (pcap_datalink(p) != DLT_EN10MB)
		return (
		    veth_refused(name, EIO, "not an Ethernet interface", err));
	if (pcap_setdirection(p, PCAP_D_IN) != 0 ||
	    pcap_setnonblock(p, 1, text) != 0)
		return (veth_refused(name, EIO, pcap_geterr(p), err));
	return (0);
}

static int
veth_settings(const char *name, uint32_t mtu, struct strbuf *err)
{
	uint32_t has = 0;
	int error;

	if ((error = netif_mtu(name, &has)) != 0)
		return (veth_refused(name, error, "", err));
	if (has >= mtu)
		return (0);
	strbuf_addf(err,
	    "veth:%s: its MTU is %u, the card's %u: ip link set dev %s mtu %u, "
	    "and the other end's too",
	    name, has, mtu, name, mtu);
	return (EMSGSIZE);
}

static int
veth_open(const char *name, uint32_t mtu, struct live_dev **dp,
    struct strbuf *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct veth *v;
	pcap_t *p;
	int error;

	if ((error = veth_settings(name, mtu, err)) != 0)
		return (error);
	if ((p = pcap_create(name, text)) == NULL)
		return (veth_refused(name, EIO, text, err));
	if ((error = veth_activate(p, name, err)) != 0) {
		pcap_close(p);
		return (error);
	}
	v = xcalloc(1, sizeof(*v));
	v->v_dev = (struct live_dev) { .d_ops = &veth_ops, .d_mtu = mtu };
	snprintf(v->v_dev.d_name, sizeof(v->v_dev.d_name), "%s", name);
	v->v_pcap = p;
	*dp = &v->v_dev;
	return (0);
}

static struct veth *
veth_of(const struct live_dev *d)
{
	return ((struct veth *)(uintptr_t)d);
}

static int
veth_fd(const struct live_dev *d)
{
	return (pcap_get_selectable_fd(veth_of(d)->v_pcap));
}

static ssize_t
veth_read(struct live_dev *d, void *buf, size_t size)
{
	struct pcap_pkthdr *ph;
	const u_char *bytes;
	size_t len;
	int rc;

	rc = pcap_next_ex(veth_of(d)->v_pcap, &ph, &bytes);
	if (rc == 0)
		return (0);
	if (rc != 1) {
		errno = ENODEV;
		return (-1);
	}
	len = ph->caplen < size ? ph->caplen : size;
	memcpy(buf, bytes, len);
	return ((ssize_t)ph->len);
}

static int
veth_write(struct live_dev *d, const struct iovec *iov, int n)
{
	struct veth *v = veth_of(d);
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		if (len + iov[i].iov_len > sizeof(v->v_out))
			return (EMSGSIZE);
		if (iov[i].iov_len > 0)
			memcpy(v->v_out + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	errno = 0;
	if (pcap_inject(v->v_pcap, v->v_out, len) >= 0)
		return (0);
	return (errno != 0 ? errno : EIO);
}

static void
veth_close(struct live_dev *d)
{
	pcap_close(veth_of(d)->v_pcap);
	free(d);
}

const struct live_dev_ops veth_ops = { .do_prefix = "veth:",
	.do_open = veth_open,
	.do_fd = veth_fd,
	.do_read = veth_read,
	.do_write = veth_write,
	.do_close = veth_close,
	.do_offloads = true };
