/*
 * pcapng: the capture that explains itself. Interfaces first, then secrets as
 * they become known, then frames, each with the reason for its existence;
 * statistics at the end. A block is built in memory and written whole, and
 * every file prefix that ends at a block is a valid capture.
 *
 * Interface blocks come before any secrets block: editcap and mergecap refuse
 * the other order. The same snapshot length everywhere, nanoseconds
 * everywhere. Little-endian by construction, so files do not depend on the
 * machine.
 */
#include <arpa/inet.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/tap.h>

#include "capfile.h"
#include "reorder.h"

#define BT_SHB		  0x0a0d0d0au
#define BT_IDB		  1u
#define BT_NRB		  4u
#define BT_ISB		  5u
#define BT_EPB		  6u
#define BT_DSB		  0x0au
#define SNAPLEN		  262144u /* the most Wireshark accepts */
#define SECRETS_TLS	  0x544c534bu
#define LINKTYPE_ETHERNET 1

#define OPT_END		  0
#define OPT_COMMENT	  1
#define OPT_SHB_OS	  3
#define OPT_SHB_APPL	  4
#define OPT_IF_NAME	  2
#define OPT_IF_DESCR	  3
#define OPT_IF_MAC	  6
#define OPT_IF_SPEED	  8
#define OPT_IF_TSRESOL	  9
#define OPT_IF_HARDWARE	  15
#define OPT_EPB_FLAGS	  2
#define OPT_EPB_PACKETID  5
#define OPT_EPB_QUEUE	  6
#define OPT_ISB_RECV	  4
#define OPT_ISB_DROP	  5

#define EPB_INBOUND	  1u
#define EPB_OUTBOUND	  2u
#define EPB_CRC_ERROR	  (1u << 24)

struct capture_count {
	uint64_t cc_frames; /* written by us */
	uint64_t cc_recv, cc_drop;
	bool cc_set;
};

struct capture {
	struct capfile cp_file;
	char *cp_path;
	uint64_t cp_epoch_ns;
	uint64_t cp_frames, cp_bytes;
	uint64_t cp_last_ns;
	unsigned cp_nifs;
	struct capture_count *cp_counts;
	struct strbuf cp_block;	  /* scratch */
	bool cp_first;		  /* secrets go to the front at the end ... */
	uint64_t cp_head;	  /* ... behind so many bytes */
	struct strbuf cp_secrets; /* blocks */
};

/* --- bytes of a block --- */

static void
put16(struct strbuf *sb, uint16_t v)
{
	const uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	strbuf_add(sb, b, sizeof(b));
}

static void
put32(struct strbuf *sb, uint32_t v)
{
	const uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8),
		(uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	strbuf_add(sb, b, sizeof(b));
}

static void
put64(struct strbuf *sb, uint64_t v)
{
	put32(sb, (uint32_t)v);
	put32(sb, (uint32_t)(v >> 32));
}

static void
put_pad(struct strbuf *sb)
{
	static const uint8_t zero[4];

	strbuf_add(sb, zero, -sb->sb_len & 3);
}

static void
set32(struct strbuf *sb, size_t off, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		sb->sb_str[off + (size_t)i] = (char)(uint8_t)(v >> (8 * i));
}

static void
block_begin(struct capture *cp, uint32_t type)
{
	strbuf_clear(&cp->cp_block);
	put32(&cp->cp_block, type);
	put32(&cp->cp_block, 0); /* length, known at the end */
}

static void
block_end(struct capture *cp)
{
	struct strbuf *sb = &cp->cp_block;
	uint32_t len;

	put_pad(sb);
	len = (uint32_t)sb->sb_len + 4;
	put32(sb, len);
	set32(sb, 4, len);
	capfile_write(&cp->cp_file, sb->sb_str, sb->sb_len);
	cp->cp_bytes += sb->sb_len;
}

static void
opt_bytes(struct strbuf *sb, uint16_t code, const void *p, size_t len)
{
	if (len > UINT16_MAX)
		len = UINT16_MAX;
	put16(sb, code);
	put16(sb, (uint16_t)len);
	strbuf_add(sb, p, len);
	put_pad(sb);
}

static void
opt_str(struct strbuf *sb, uint16_t code, const char *s)
{
	if (s != NULL && *s != '\0')
		opt_bytes(sb, code, s, strlen(s));
}

static void
opt_u32(struct strbuf *sb, uint16_t code, uint32_t v)
{
	put16(sb, code);
	put16(sb, 4);
	put32(sb, v);
}

static void
opt_u64(struct strbuf *sb, uint16_t code, uint64_t v)
{
	put16(sb, code);
	put16(sb, 8);
	put64(sb, v);
}

static void
opt_end(struct strbuf *sb)
{
	put32(sb, OPT_END);
}

/* --- the head of the file --- */

static void
write_shb(struct capture *cp, const char *comment)
{
	struct strbuf *sb = &cp->cp_block;

	block_begin(cp, BT_SHB);
	put32(sb, 0x1a2b3c4d);
	put16(sb, 1);
	put16(sb, 0);
	put64(sb, UINT64_MAX); /* section length: not known */
	opt_str(sb, OPT_SHB_OS, "simulated FreeBSD");
	opt_str(sb, OPT_SHB_APPL, "ktls-sim");
	opt_str(sb, OPT_COMMENT, comment);
	opt_end(sb);
	block_end(cp);
}

static void
write_idb(struct capture *cp, const struct capture_if *ci)
{
	static const uint8_t tsresol_ns = 9;
	struct strbuf *sb = &cp->cp_block;

	block_begin(cp, BT_IDB);
	put16(sb, ci->ci_linktype != 0 ? ci->ci_linktype : LINKTYPE_ETHERNET);
	put16(sb, 0);
	put32(sb, SNAPLEN);
	opt_str(sb, OPT_IF_NAME, ci->ci_name);
	opt_str(sb, OPT_IF_DESCR, ci->ci_descr);
	if (ci->ci_linktype == 0)
		opt_bytes(sb, OPT_IF_MAC, ci->ci_lladdr, sizeof(ci->ci_lladdr));
	if (ci->ci_speed_bps != 0)
		opt_u64(sb, OPT_IF_SPEED, ci->ci_speed_bps);
	opt_bytes(sb, OPT_IF_TSRESOL, &tsresol_ns, 1);
	opt_str(sb, OPT_IF_HARDWARE, ci->ci_hardware);
	opt_end(sb);
	block_end(cp);
}

static void
put_name(struct strbuf *sb, const char *addr, const char *name)
{
	uint8_t bin[16];
	size_t len = strlen(name) + 1;
	bool v4;

	v4 = inet_pton(AF_INET, addr, bin) == 1;
	if (!v4 && inet_pton(AF_INET6, addr, bin) != 1)
		return;
	put16(sb, v4 ? 1 : 2);
	put16(sb, (uint16_t)((v4 ? 4 : 16) + len));
	strbuf_add(sb, bin, v4 ? 4 : 16);
	strbuf_add(sb, name, len);
	put_pad(sb);
}

static void
write_nrb(struct capture *cp, const char *const *names)
{
	struct strbuf *sb = &cp->cp_block;

	if (names == NULL || names[0] == NULL)
		return;
	block_begin(cp, BT_NRB);
	for (; names[0] != NULL && names[1] != NULL; names += 2)
		put_name(sb, names[0], names[1]);
	put32(sb, 0); /* nrb_record_end */
	block_end(cp);
}

/* A pcapng block says its length behind its type. */
static uint64_t
pcapng_step(uint64_t off, const uint8_t *p, size_t have)
{
	if (have < 12)
		return (0);
	return ((uint64_t)p[4] | (uint64_t)p[5] << 8 | (uint64_t)p[6] << 16 |
	    (uint64_t)p[7] << 24);
}

static void
capture_free(struct capture *cp)
{
	strbuf_fini(&cp->cp_block);
	strbuf_fini(&cp->cp_secrets);
	free(cp->cp_counts);
	free(cp->cp_path);
	free(cp);
}

int
capture_open(const char *path, uint64_t epoch_ns, const char *comment,
    const struct capture_if *ifs, unsigned nifs, const char *const *names,
    struct capture **out)
{
	struct capture *cp;
	int error;

	*out = NULL;
	cp = xcalloc(1, sizeof(*cp));
	cp->cp_path = xstrdup(path);
	cp->cp_epoch_ns = cp->cp_last_ns = epoch_ns;
	cp->cp_nifs = nifs;
	cp->cp_counts = xcalloc(nifs != 0 ? nifs : 1, sizeof(*cp->cp_counts));
	error = capfile_open(&cp->cp_file, path, pcapng_step);
	if (error != 0) {
		capture_free(cp);
		return (error);
	}
	write_shb(cp, comment);
	for (unsigned i = 0; i < nifs; i++)
		write_idb(cp, &ifs[i]);
	write_nrb(cp, names);
	cp->cp_head = cp->cp_bytes;
	*out = cp;
	return (0);
}

int
capture_secrets(struct capture *cp, const char *lines)
{
	struct strbuf *sb = &cp->cp_block;

	if (cp->cp_file.cf_error != 0)
		return (cp->cp_file.cf_error);
	block_begin(cp, BT_DSB);
	put32(sb, SECRETS_TLS);
	put32(sb, (uint32_t)strlen(lines));
	strbuf_adds(sb, lines);
	put_pad(sb);
	opt_end(sb);
	block_end(cp);
	if (cp->cp_first)
		strbuf_add(&cp->cp_secrets, sb->sb_str, sb->sb_len);
	return (cp->cp_file.cf_error);
}

void
capture_secrets_first(struct capture *cp)
{
	cp->cp_first = true;
}

static void
epb_options(struct strbuf *sb, const struct frame *f, bool inbound,
    const char *comment)
{
	uint32_t flags;

	flags = inbound ? EPB_INBOUND : EPB_OUTBOUND;
	if ((f->f_flags & FRAME_CORRUPTED) != 0)
		flags |= EPB_CRC_ERROR;
	opt_str(sb, OPT_COMMENT, comment);
	opt_u32(sb, OPT_EPB_FLAGS, flags);
	if (f->f_id != 0)
		opt_u64(sb, OPT_EPB_PACKETID, f->f_id);
	if (!inbound)
		opt_u32(sb, OPT_EPB_QUEUE, f->f_note.pn_queue);
	opt_end(sb);
}

/* A frame longer than the snapshot length is cut, as a real capture would. */
static void
epb_bytes(struct strbuf *sb, const struct frame *f, uint32_t caplen)
{
	strbuf_add(sb, f->f_hdr, f->f_hdrlen);
	if (caplen > f->f_hdrlen)
		strbuf_add(sb, f->f_payload, caplen - f->f_hdrlen);
	put_pad(sb);
}

/* 0: the block is open, its bytes follow. */
static int
epb_begin(struct capture *cp, unsigned ifno, simtime_t when, uint32_t caplen,
    uint32_t len)
{
	struct strbuf *sb = &cp->cp_block;
	uint64_t ns = cp->cp_epoch_ns + when / SIM_NS;

	if (cp->cp_file.cf_error != 0)
		return (cp->cp_file.cf_error);
	if (ifno >= cp->cp_nifs)
		return (EINVAL);
	block_begin(cp, BT_EPB);
	put32(sb, ifno);
	put32(sb, (uint32_t)(ns >> 32));
	put32(sb, (uint32_t)ns);
	put32(sb, caplen);
	put32(sb, len);
	return (0);
}

static int
epb_end(struct capture *cp, unsigned ifno, simtime_t when)
{
	block_end(cp);
	if (cp->cp_file.cf_error == 0) {
		cp->cp_frames++;
		cp->cp_counts[ifno].cc_frames++;
		cp->cp_last_ns = cp->cp_epoch_ns + when / SIM_NS;
	}
	return (cp->cp_file.cf_error);
}

int
capture_frame(struct capture *cp, unsigned ifno, const struct frame *f,
    simtime_t when, bool inbound, const char *comment)
{
	uint32_t len = frame_len(f), caplen = len < SNAPLEN ? len : SNAPLEN;
	int error;

	if ((error = epb_begin(cp, ifno, when, caplen, len)) != 0)
		return (error);
	epb_bytes(&cp->cp_block, f, caplen);
	epb_options(&cp->cp_block, f, inbound, comment);
	return (epb_end(cp, ifno, when));
}

int
capture_bytes(struct capture *cp, unsigned ifno, const void *bytes,
    uint32_t len, simtime_t when, bool inbound, const char *comment)
{
	uint32_t caplen = len < SNAPLEN ? len : SNAPLEN;
	struct strbuf *sb = &cp->cp_block;
	int error;

	if ((error = epb_begin(cp, ifno, when, caplen, len)) != 0)
		return (error);
	strbuf_add(sb, bytes, caplen);
	put_pad(sb);
	opt_str(sb, OPT_COMMENT, comment);
	opt_u32(sb, OPT_EPB_FLAGS, inbound ? EPB_INBOUND : EPB_OUTBOUND);
	opt_end(sb);
	return (epb_end(cp, ifno, when));
}

void
capture_counts(struct capture *cp, unsigned ifno, uint64_t recv, uint64_t drop)
{
	if (ifno >= cp->cp_nifs)
		return;
	cp->cp_counts[ifno].cc_recv = recv;
	cp->cp_counts[ifno].cc_drop = drop;
	cp->cp_counts[ifno].cc_set = true;
}

int
capture_flush(struct capture *cp)
{
	return (capfile_flush(&cp->cp_file));
}

static void
write_isb(struct capture *cp, unsigned ifno)
{
	const struct capture_count *cc = &cp->cp_counts[ifno];
	struct strbuf *sb = &cp->cp_block;

	block_begin(cp, BT_ISB);
	put32(sb, ifno);
	put32(sb, (uint32_t)(cp->cp_last_ns >> 32));
	put32(sb, (uint32_t)cp->cp_last_ns);
	opt_u64(sb, OPT_ISB_RECV, cc->cc_set ? cc->cc_recv : cc->cc_frames);
	opt_u64(sb, OPT_ISB_DROP, cc->cc_drop);
	opt_end(sb);
	block_end(cp);
}

int
capture_close(struct capture *cp)
{
	int error;

	if (cp == NULL)
		return (0);
	for (unsigned i = 0; i < cp->cp_nifs; i++)
		write_isb(cp, i);
	error = capfile_close(&cp->cp_file);
	if (error == 0 && cp->cp_secrets.sb_len > 0)
		error = reorder_secrets(cp->cp_path, cp->cp_head, BT_DSB,
		    &cp->cp_secrets);
	capture_free(cp);
	return (error);
}

const char *
capture_path(const struct capture *cp)
{
	return (cp->cp_path);
}

uint64_t
capture_frames(const struct capture *cp)
{
	return (cp->cp_frames);
}
