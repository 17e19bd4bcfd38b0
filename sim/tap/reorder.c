/*
 * Secrets to the front. A file is copied block by block, without its secrets,
 * which go behind its head: whoever reads it once, from the start, has them
 * before the first frame.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <ktsim/base/kmem.h>

#include "reorder.h"

struct copying {
	FILE *in, *out;
	struct strbuf block; /* scratch */
};

static int
io_error(void)
{
	return (errno != 0 ? errno : EIO);
}

static uint32_t
le32(const uint8_t *p)
{
	return ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24);
}

/* True: there was a block. Not all of it: the file ends here, as a capture
 * that was cut off may. */
static bool
next_block(struct copying *c, uint32_t *type)
{
	uint8_t head[8], piece[8192];
	size_t left, n;

	if (fread(head, 1, sizeof(head), c->in) != sizeof(head) ||
	    le32(head + 4) < 12)
		return (false);
	*type = le32(head);
	strbuf_clear(&c->block);
	strbuf_add(&c->block, head, sizeof(head));
	for (left = le32(head + 4) - sizeof(head); left > 0; left -= n) {
		n = left < sizeof(piece) ? left : sizeof(piece);
		if (fread(piece, 1, n, c->in) != n)
			return (false);
		strbuf_add(&c->block, piece, n);
	}
	return (true);
}

static int
put(struct copying *c, const struct strbuf *sb)
{
	return (fwrite(strbuf_str(sb), 1, sb->sb_len, c->out) == sb->sb_len
		? 0
		: io_error());
}

static int
copy(struct copying *c, uint64_t head, uint32_t secret,
    const struct strbuf *secrets)
{
	uint64_t done = 0;
	uint32_t type;
	int error;

	while (next_block(c, &type)) {
		if (done == head && (error = put(c, secrets)) != 0)
			return (error);
		done += c->block.sb_len;
		if (type != secret && (error = put(c, &c->block)) != 0)
			return (error);
	}
	return (ferror(c->in) ? io_error() : 0);
}

static int
reorder_files(const char *from, const char *to, uint64_t head, uint32_t secret,
    const struct strbuf *secrets)
{
	struct copying c = { .in = fopen(from, "rb") };
	int error;

	if (c.in == NULL)
		return (io_error());
	if ((c.out = fopen(to, "wb")) == NULL) {
		error = io_error();
		fclose(c.in);
		return (error);
	}
	error = copy(&c, head, secret, secrets);
	fclose(c.in);
	if (fclose(c.out) != 0 && error == 0)
		error = io_error();
	strbuf_fini(&c.block);
	return (error);
}

int
reorder_secrets(const char *path, uint64_t head, uint32_t secret,
    const struct strbuf *secrets)
{
	char *tmp = xasprintf("%s.tmp", path);
	int error;

	error = reorder_files(path, tmp, head, secret, secrets);
	if (error == 0 && rename(tmp, path) != 0)
		error = io_error();
	if (error != 0)
		(void)remove(tmp);
	free(tmp);
	return (error);
}
