/*
 * A TAP device: what Linux sends into it is read here, what is written here
 * arrives there. It is created where it is absent, and then goes with us; one
 * that an administrator made for a user needs no rights.
 *
 * Without IFF_VNET_HDR Linux computes checksums and cuts segments itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <ktsim/base/kmem.h>

#include "device.h"

#define TUN "/dev/net/tun"
/* A receiver's whole window may stand in it; the default are 1000. */
#define QUEUE 10000

struct tap {
	struct live_dev t_dev;
	int t_fd;
};

static int
tap_no_tun(int error, struct strbuf *err)
{
	strbuf_addf(err, "%s: %s", TUN, strerror(error));
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		strbuf_adds(err,
		    ": this kernel has no TAP devices here "
		    "(modprobe tun; in a container: --device "
		    "/dev/net/tun)");
	else if (error == EACCES || error == EPERM)
		strbuf_adds(err,
		    ": run as root, or have " TUN
		    " made readable and writable for you");
	return (error);
}

static int
tap_refused(const char *name, int error, struct strbuf *err)
{
	strbuf_addf(err, "tap:%s: %s", name, strerror(error));
	if (error == EPERM)
		strbuf_addf(err,
		    ": run as root (or with CAP_NET_ADMIN), or make the "
		    "device before: sudo ip tuntap add dev %s mode tap user "
		    "$USER",
		    name);
	else if (error == EBUSY)
		strbuf_adds(err, ": another program has it open");
	else if (error == EINVAL)
		strbuf_adds(err,
		    ": there is a device of that name that is no "
		    "TAP device");
	return (error);
}

/* Frames as long as the card's, a long queue, up. */
static int
tap_settings(const char *name, uint32_t mtu, struct strbuf *err)
{
	uint32_t has = 0;
	int error;

	(void)netif_set_queue(name, QUEUE); /* it works without */
	(void)netif_set_up(name); /* or whoever made it brings it up */
	if ((error = netif_mtu(name, &has)) == 0 && has == mtu)
		return (0);
	if (error == 0)
		error = netif_set_mtu(name, mtu);
	if (error != 0)
		strbuf_addf(err,
		    "tap:%s: its MTU is %u, the card's %u: ip link set dev %s "
		    "mtu %u (%s)",
		    name, has, mtu, name, mtu, strerror(error));
	return (error);
}

static int
tap_attach(int fd, const char *name, uint32_t mtu, struct strbuf *err)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) != 0)
		return (tap_refused(name, errno, err));
	return (tap_settings(name, mtu, err));
}

static int
tap_open(const char *name, uint32_t mtu, struct live_dev **dp,
    struct strbuf *err)
{
	struct tap *t;
	int fd, error;

	fd = open(TUN, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return (tap_no_tun(errno, err));
	if ((error = tap_attach(fd, name, mtu, err)) != 0) {
		close(fd);
		return (error);
	}
	t = xcalloc(1, sizeof(*t));
	t->t_dev = (struct live_dev) { .d_ops = &tap_ops, .d_mtu = mtu };
	snprintf(t->t_dev.d_name, sizeof(t->t_dev.d_name), "%s", name);
	t->t_fd = fd;
	*dp = &t->t_dev;
	return (0);
}

static const struct tap *
tap_of(const struct live_dev *d)
{
	return ((const struct tap *)(const void *)d);
}

static int
tap_fd(const struct live_dev *d)
{
	return (tap_of(d)->t_fd);
}

static ssize_t
tap_read(struct live_dev *d, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(tap_of(d)->t_fd, buf, size);
	while (n < 0 && errno == EINTR);
	return (n < 0 && (errno == EAGAIN || errno == EIO) ? 0 : n);
}

static int
tap_write(struct live_dev *d, const struct iovec *iov, int n)
{
	return (writev(tap_of(d)->t_fd, iov, n) < 0 ? errno : 0);
}

static void
tap_close(struct live_dev *d)
{
	close(tap_of(d)->t_fd);
	free(d);
}

const struct live_dev_ops tap_ops = { .do_prefix = "tap:",
	.do_open = tap_open,
	.do_fd = tap_fd,
	.do_read = tap_read,
	.do_write = tap_write,
	.do_close = tap_close };
