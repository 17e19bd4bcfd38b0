#include <errno.h>
#include <string.h>

#include "mem_io.h"

static int
mem_send(void *arg, const void *buf, size_t len, uint8_t type, size_t *done)
{
	struct mem_end *me = arg;
	size_t used = me->me_out->sb_len, n = len;

	if (type != 0)
		return (EINVAL); /* no kernel, no record types */
	if (me->me_room != 0 && n > me->me_room - used)
		n = me->me_room - used;
	if (n == 0)
		return (EWOULDBLOCK);
	strbuf_add(me->me_out, buf, n);
	if (me->me_copy != NULL)
		strbuf_add(me->me_copy, buf, n);
	*done = n;
	return (0);
}

static int
mem_recv(void *arg, void *buf, size_t len, size_t *done,
    struct tls_io_record *ir)
{
	struct mem_end *me = arg;
	size_t have = me->me_in->sb_len - me->me_taken;

	if (have == 0)
		return (me->me_closed ? 0 : EWOULDBLOCK);
	if (len > have)
		len = have;
	memcpy(buf, me->me_in->sb_str + me->me_taken, len);
	me->me_taken += len;
	*done = len;
	if (me->me_taken == me->me_in->sb_len) {
		strbuf_clear(me->me_in);
		me->me_taken = 0;
	}
	return (0);
}

static int
mem_enable(void *arg, bool tx, const struct tls_enable *en)
{
	struct mem_end *me = arg;

	return (me->me_refuse != 0 ? me->me_refuse : EOPNOTSUPP);
}

static int
mem_sendfile(void *arg, struct vnode *vp, uint64_t off, uint64_t len,
    struct uio *hdr, uint64_t *sent)
{
	return (EOPNOTSUPP);
}

const struct tls_io mem_io = {
	.io_send = mem_send,
	.io_recv = mem_recv,
	.io_enable = mem_enable,
	.io_sendfile = mem_sendfile,
};

void
mem_pipe_init(struct mem_pipe *mp)
{
	memset(mp, 0, sizeof(*mp));
	for (int i = 0; i < 2; i++) {
		mp->mp_end[i].me_out = &mp->mp_bytes[i];
		mp->mp_end[i].me_in = &mp->mp_bytes[!i];
	}
}

void
mem_pipe_fini(struct mem_pipe *mp)
{
	strbuf_fini(&mp->mp_bytes[0]);
	strbuf_fini(&mp->mp_bytes[1]);
}
