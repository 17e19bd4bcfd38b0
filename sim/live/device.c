#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "device.h"

static const struct live_dev_ops *const devices[] = { &tap_ops, &veth_ops };

int
live_dev_open(const char *end, uint32_t mtu, struct live_dev **dp,
    struct strbuf *err)
{
	const struct live_dev_ops *ops;
	size_t len;

	for (size_t i = 0; i < nitems(devices); i++) {
		ops = devices[i];
		len = strlen(ops->do_prefix);
		if (strncmp(end, ops->do_prefix, len) == 0)
			return (ops->do_open(end + len, mtu, dp, err));
	}
	strbuf_addf(err, "`%s` is no kind of device: tap: and veth: are", end);
	return (EINVAL);
}
