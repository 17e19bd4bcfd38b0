/*
 * A device of this machine that carries Ethernet frames: one file each, with
 * a constant table, a line in device.c.
 */
#ifndef LIVE_DEVICE_H
#define LIVE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <ktsim/base/strbuf.h>

struct live_dev;

struct live_dev_ops {
	const char *do_prefix; /* "tap:" */
	/*
	 * Open the device of that name for frames with packets up to mtu. An
	 * errno: in err one line, what is missing and the remedy.
	 */
	int (*do_open)(const char *name, uint32_t mtu, struct live_dev **,
	    struct strbuf *err);
	/* Readable when do_read has something. */
	int (*do_fd)(const struct live_dev *);
	/*
	 * One frame: its length, also where more than size were cut off; 0:
	 * none is there; -1 with errno: the device is of no use any more.
	 */
	ssize_t (*do_read)(struct live_dev *, void *buf, size_t size);
	/* One frame in pieces. An errno: it is lost. */
	int (*do_write)(struct live_dev *, const struct iovec *, int n);
	void (*do_close)(struct live_dev *);
	/* Who sends there may leave checksums to hardware that is not there,
	 * and segmentation too. */
	bool do_offloads;
};

/* First in each device's own structure. */
struct live_dev {
	const struct live_dev_ops *d_ops;
	char d_name[16];
	uint32_t d_mtu;
};

extern const struct live_dev_ops tap_ops, veth_ops;

/* By the scenario's word, "tap:ktls0". */
int live_dev_open(const char *end, uint32_t mtu, struct live_dev **,
    struct strbuf *err);

/* netif.c: what Linux knows of an interface. */
/* MTU, through SIOCGIFMTU; an errno. */
int netif_mtu(const char *name, uint32_t *mtu);
/* An errno; EPERM without the rights. */
int netif_set_mtu(const char *name, uint32_t mtu);
int netif_set_queue(const char *name, uint32_t frames);
int netif_set_up(const char *name);

#endif
