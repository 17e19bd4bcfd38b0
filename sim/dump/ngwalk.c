#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>

#include "ngwalk.h"

#define BT_SHB	    0x0a0d0d0au
#define BT_IDB	    1u
#define BT_PB	    2u /* obsolete, still read by libpcap */
#define BT_SPB	    3u
#define BT_EPB	    6u
#define MAGIC	    0x1a2b3c4du
#define OPT_END	    0
#define OPT_COMMENT 1
#define OPT_IF_NAME 2
#define BLOCK_MAX   (16u * 1024 * 1024) /* as libpcap */
#define IFS_MAX	    65536

struct ngwalk {
	FILE *nw_fp;
	bool nw_big; /* byte order of the section */
	char **nw_ifs;
	unsigned nw_nifs;
	uint8_t *nw_body; /* of the block at hand */
	uint32_t nw_size, nw_len;
	struct strbuf nw_comment;
};

static uint16_t
rd16(const struct ngwalk *nw, const uint8_t *p)
{
	return ((uint16_t)(nw->nw_big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]));
}

static uint32_t
rd32(const struct ngwalk *nw, const uint8_t *p)
{
	uint32_t a = rd16(nw, p), b = rd16(nw, p + 2);

	return (nw->nw_big ? a << 16 | b : b << 16 | a);
}

/* --- blocks --- */

/* A section's head is the one block whose byte order is inside. */
static bool
section_order(struct ngwalk *nw)
{
	uint8_t magic[4];

	if (fread(magic, 1, 4, nw->nw_fp) != 4 ||
	    fseek(nw->nw_fp, -4, SEEK_CUR) != 0)
		return (false);
	nw->nw_big = magic[0] == 0x1a;
	return (rd32(nw, magic) == MAGIC);
}

/* Body without type and the two lengths; *type 0 at the end. */
static bool
block_read(struct ngwalk *nw, uint32_t *type)
{
	uint8_t head[8];
	uint32_t len;

	if (fread(head, 1, 8, nw->nw_fp) != 8)
		return (false);
	*type = rd32(nw, head);
	if (*type == BT_SHB && !section_order(nw))
		return (false);
	len = rd32(nw, head + 4);
	if (len < 12 || len % 4 != 0 || len > BLOCK_MAX)
		return (false);
	if (len > nw->nw_size) {
		nw->nw_body = xrealloc(nw->nw_body, len);
		nw->nw_size = len;
	}
	nw->nw_len = len - 12;
	return (fread(nw->nw_body, 1, len - 8, nw->nw_fp) == len - 8);
}

/* The options from byte `off` of the body: next one's code, 0 at the end. */
static unsigned
option_next(const struct ngwalk *nw, uint32_t *off, const uint8_t **val,
    uint32_t *len)
{
	unsigned code;

	if (*off > nw->nw_len || nw->nw_len - *off < 4)
		return (OPT_END);
	code = rd16(nw, nw->nw_body + *off);
	*len = rd16(nw, nw->nw_body + *off + 2);
	*off += 4;
	if (*len > nw->nw_len - *off)
		return (OPT_END);
	*val = nw->nw_body + *off;
	*off += (*len + 3) & ~3u;
	return (code);
}

/* Bytes of the UTF-8 character at p; 0: none, or one that controls. */
static uint32_t
utf8_len(const uint8_t *p, uint32_t room)
{
	uint32_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] < 0x20 || p[0] == 0x7f || (p[0] >= 0x80 && p[0] < 0xc2) ||
	    p[0] > 0xf4 || n > room || (p[0] == 0xc2 && p[1] < 0xa0))
		return (0);
	for (uint32_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	return (n);
}

/* Text from a file: one line, nothing that moves a terminal's cursor. */
static void
add_clean(struct strbuf *sb, const uint8_t *p, uint32_t len)
{
	uint32_t n;

	for (uint32_t i = 0; i < len && p[i] != '\0'; i += n) {
		n = utf8_len(p + i, len - i);
		if (n > 0)
			strbuf_add(sb, p + i, n);
		else {
			strbuf_adds(sb, "?");
			n = 1;
		}
	}
}

static void
forget_ifs(struct ngwalk *nw)
{
	for (unsigned i = 0; i < nw->nw_nifs; i++)
		free(nw->nw_ifs[i]);
	nw->nw_nifs = 0;
}

static void
take_interface(struct ngwalk *nw)
{
	struct strbuf name = { 0 };
	const uint8_t *val;
	uint32_t off = 8, len;
	unsigned code;

	if (nw->nw_nifs == IFS_MAX)
		return;
	while ((code = option_next(nw, &off, &val, &len)) != OPT_END)
		if (code == OPT_IF_NAME && name.sb_len == 0)
			add_clean(&name, val, len);
	nw->nw_ifs =
	    xrealloc(nw->nw_ifs, (nw->nw_nifs + 1) * sizeof(*nw->nw_ifs));
	nw->nw_ifs[nw->nw_nifs++] = name.sb_len > 0 ? strbuf_take(&name) : NULL;
	strbuf_fini(&name);
}

static void
take_comments(struct ngwalk *nw)
{
	const uint8_t *val;
	uint32_t off = 20, len, caplen;
	unsigned code;

	strbuf_clear(&nw->nw_comment);
	if (nw->nw_len < 20)
		return;
	caplen = rd32(nw, nw->nw_body + 12);
	if (caplen > nw->nw_len - 20)
		return;
	off += (caplen + 3) & ~3u;
	while ((code = option_next(nw, &off, &val, &len)) != OPT_END) {
		if (code != OPT_COMMENT)
			continue;
		if (nw->nw_comment.sb_len > 0)
			strbuf_adds(&nw->nw_comment, "; ");
		add_clean(&nw->nw_comment, val, len);
	}
}

static const char *
packet_if(const struct ngwalk *nw, uint32_t type)
{
	uint32_t ifno = 0; /* a simple packet is of the first */

	if (type == BT_EPB && nw->nw_len >= 4)
		ifno = rd32(nw, nw->nw_body);
	else if (type == BT_PB && nw->nw_len >= 2)
		ifno = rd16(nw, nw->nw_body);
	return (ifno < nw->nw_nifs ? nw->nw_ifs[ifno] : NULL);
}

/* --- the walk --- */

struct ngwalk *
ngwalk_open(const char *path)
{
	struct ngwalk *nw = xcalloc(1, sizeof(*nw));
	uint8_t type[4];

	nw->nw_fp = fopen(path, "rb");
	if (nw->nw_fp == NULL || fread(type, 1, 4, nw->nw_fp) != 4 ||
	    rd32(nw, type) != BT_SHB || fseek(nw->nw_fp, 0, SEEK_SET) != 0) {
		ngwalk_close(nw);
		return (NULL);
	}
	return (nw);
}

bool
ngwalk_next(struct ngwalk *nw, const char **ifname, const char **comment)
{
	uint32_t type;

	while (block_read(nw, &type)) {
		if (type == BT_SHB)
			forget_ifs(nw);
		else if (type == BT_IDB)
			take_interface(nw);
		if (type != BT_EPB && type != BT_PB && type != BT_SPB)
			continue;
		*ifname = packet_if(nw, type);
		if (type == BT_SPB)
			strbuf_clear(&nw->nw_comment);
		else
			take_comments(nw);
		*comment = nw->nw_comment.sb_len > 0
		    ? strbuf_str(&nw->nw_comment)
		    : NULL;
		return (true);
	}
	return (false);
}

void
ngwalk_close(struct ngwalk *nw)
{
	if (nw == NULL)
		return;
	forget_ifs(nw);
	free(nw->nw_ifs);
	free(nw->nw_body);
	strbuf_fini(&nw->nw_comment);
	if (nw->nw_fp != NULL)
		fclose(nw->nw_fp);
	free(nw);
}
