/* From frames to lines. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/dump.h>

#include "capin.h"
#include "flows.h"

#define RECORDS_SHOWN 16 /* of one segment */
#define NS_PER_SEC    1000000000u

struct dump {
	const struct dump_opts *du_opts;
	struct flows du_flows;
	uint64_t du_first_ns;
	uint64_t du_lines;
	bool du_stop;
	struct strbuf du_line;
};

/* --- one line's parts --- */

static void
add_ends(const struct flow *fl, unsigned dir, struct strbuf *sb)
{
	endpoint_text(&fl->fl_dir[dir].fd_src, sb);
	strbuf_adds(sb, " > ");
	endpoint_text(&fl->fl_dir[1 - dir].fd_src, sb);
}

static void
add_flags(uint8_t flags, struct strbuf *sb)
{
	static const char letters[] = "FSRP.UEW";
	static const uint8_t order[] = { 1, 0, 2, 3, 5, 6, 7, 4 };

	strbuf_adds(sb, " ");
	for (size_t i = 0; i < nitems(order); i++)
		if ((flags >> order[i] & 1) != 0)
			strbuf_add(sb, &letters[order[i]], 1);
	if (flags == 0)
		strbuf_adds(sb, "none");
}

static void
add_numbers(const struct dump *du, const struct packet *pk,
    const struct flow *fl, unsigned dir, struct strbuf *sb)
{
	bool abs = du->du_opts->do_absolute;
	uint32_t base = abs ? 0 : fl->fl_dir[dir].fd_base;
	uint32_t back = abs ? 0 : fl->fl_dir[1 - dir].fd_base;
	unsigned scale = flow_window_scale(fl, dir);

	strbuf_addf(sb, " %" PRIu32 ":%" PRIu32 "(%" PRIu32 ")",
	    pk->pk_seq - base, pk->pk_seq - base + pk->pk_len, pk->pk_len);
	if ((pk->pk_flags & TH_ACK) != 0)
		strbuf_addf(sb, " ack %" PRIu32, pk->pk_ack - back);
	if ((pk->pk_flags & TH_SYN) != 0 || scale != 0)
		strbuf_addf(sb, " win %u",
		    (pk->pk_flags & TH_SYN) != 0 ? pk->pk_win
						 : pk->pk_win * scale);
	else
		strbuf_addf(sb, " win %u raw", pk->pk_win);
	if (pk->pk_optlen > 0) {
		strbuf_adds(sb, " <");
		tcp_options_text(pk->pk_opts, pk->pk_optlen, back, sb);
		strbuf_adds(sb, ">");
	}
}

static void
add_ecn(uint8_t ecn, struct strbuf *sb)
{
	static const char *const names[] = { "", " [ECT1]", " [ECT0]",
		" [CE]" };

	strbuf_adds(sb, names[ecn & 3]);
}

/* The part of one record that lies in [from, to). */
static void
add_record(const struct tls_record *r, uint64_t n, uint64_t from, uint64_t to,
    struct strbuf *sb)
{
	bool starts = from <= r->r_start, ends = to >= record_end(r);

	from = MAX(from, r->r_start);
	to = MIN(to, record_end(r));
	strbuf_addf(sb, "#%" PRIu64 " %s %u+%u: %" PRIu64 "..%" PRIu64 "%s", n,
	    record_type_name(r->r_type), RECORD_HDR, r->r_len,
	    from - r->r_start, to - 1 - r->r_start,
	    starts && ends ? " whole"
		: starts   ? " start"
		: ends	   ? " end"
			   : "");
}

static void
add_known_records(const struct records *rt, uint64_t off, uint64_t to,
    struct strbuf *sb)
{
	const struct tls_record *r = NULL;
	uint64_t n = 0, at = off;
	unsigned shown = 0;
	int64_t found;

	while (at < to && (found = records_find(rt, at)) >= 0) {
		n = (uint64_t)found;
		r = records_get(rt, n);
		if (shown++ < RECORDS_SHOWN) {
			if (shown > 1)
				strbuf_adds(sb, ", ");
			add_record(r, n, off, to, sb);
		}
		at = record_end(r);
	}
	if (shown > RECORDS_SHOWN)
		strbuf_addf(sb, ", and %u more to #%" PRIu64,
		    shown - RECORDS_SHOWN, n);
	if (at >= to)
		return;
	if (rt->rt_state == RS_TLS && at >= rt->rt_head &&
	    to <= rt->rt_head + RECORD_HDR)
		strbuf_addf(sb,
		    "%s#%" PRIu64 " header: %" PRIu64 "..%" PRIu64 "%s",
		    shown > 0 ? ", " : "", records_count(rt), at - rt->rt_head,
		    to - 1 - rt->rt_head, at == rt->rt_head ? " start" : "");
	else
		strbuf_addf(sb, "%s%" PRIu64 " byte%s %s",
		    shown > 0 ? ", " : "", to - at, to - at == 1 ? "" : "s",
		    rt->rt_state == RS_LOST ? "of no record" : "unknown");
}

static void
add_records(const struct flow_dir *fd, const struct packet *pk,
    struct strbuf *sb)
{
	uint32_t seq = pk->pk_seq + ((pk->pk_flags & TH_SYN) != 0);
	const struct records *rt = &fd->fd_records;
	uint64_t off;

	if (pk->pk_len == 0 || (pk->pk_flags & TH_RST) != 0)
		return;
	if (rt->rt_state == RS_PLAIN)
		strbuf_adds(sb, " plain");
	if (rt->rt_state == RS_PLAIN || rt->rt_state == RS_START ||
	    !flow_offset(fd, seq, &off))
		return;
	strbuf_adds(sb, " tls[");
	add_known_records(rt, off, off + pk->pk_len, sb);
	strbuf_adds(sb, "]");
}

/* --- lines --- */

static void
dump_give(struct dump *du)
{
	const struct dump_opts *o = du->du_opts;

	strbuf_adds(&du->du_line, "\n");
	du->du_lines++;
	if (!o->do_line(o->do_arg, &du->du_line) || du->du_lines == o->do_count)
		du->du_stop = true;
}

static void
dump_frame(struct dump *du, const struct capin_frame *cf)
{
	struct strbuf *sb = &du->du_line;
	struct flow *fl = NULL;
	struct packet pk;
	uint64_t ns;
	unsigned dir;

	dissect(cf->cf_bytes, cf->cf_caplen, cf->cf_len, &pk);
	if (pk.pk_kind == PK_TCP)
		fl = flows_packet(&du->du_flows, &pk, cf->cf_number, &dir);
	if (du->du_opts->do_records ||
	    (du->du_opts->do_flow_set &&
		(fl == NULL || fl->fl_number != du->du_opts->do_flow)))
		return;
	/* A merged capture may go back in time. */
	ns = cf->cf_ns - du->du_first_ns;
	strbuf_clear(sb);
	strbuf_addf(sb, "%" PRIu64 " ", cf->cf_number);
	if (cf->cf_ns < du->du_first_ns) {
		ns = du->du_first_ns - cf->cf_ns;
		strbuf_adds(sb, "-");
	}
	strbuf_addf(sb, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_SEC,
	    ns % NS_PER_SEC);
	if (fl != NULL)
		strbuf_addf(sb, " f%" PRIu64, fl->fl_number);
	if (cf->cf_ifname != NULL)
		strbuf_addf(sb, " %s", cf->cf_ifname);
	strbuf_adds(sb, " ");
	if (fl != NULL) {
		add_ends(fl, dir, sb);
		add_flags(pk.pk_flags, sb);
		add_numbers(du, &pk, fl, dir, sb);
		add_ecn(pk.pk_ecn, sb);
		add_records(&fl->fl_dir[dir], &pk, sb);
	} else
		strbuf_addf(sb, "%s%s",
		    pk.pk_kind == PK_MALFORMED ? "malformed: " : "",
		    pk.pk_text);
	if (cf->cf_comment != NULL)
		strbuf_addf(sb, " ; %s", cf->cf_comment);
	dump_give(du);
}

static void
dump_record(struct dump *du, const struct flow *fl, unsigned dir, uint64_t n)
{
	const struct flow_dir *fd = &fl->fl_dir[dir];
	const struct tls_record *r = records_get(&fd->fd_records, n);
	uint32_t base = du->du_opts->do_absolute ? 0 : fd->fd_base;
	struct strbuf *sb = &du->du_line;

	strbuf_clear(sb);
	strbuf_addf(sb, "f%" PRIu64 " ", fl->fl_number);
	add_ends(fl, dir, sb);
	strbuf_addf(sb, " #%" PRIu64 " %s seq %" PRIu32 " len %u+%u", n,
	    record_type_name(r->r_type), flow_seq(fd, r->r_start) - base,
	    RECORD_HDR, r->r_len);
	strbuf_addf(sb, " frames %" PRIu64 "..%" PRIu64 " in %" PRIu32,
	    r->r_first, r->r_last, r->r_frames);
	if (r->r_again > 0)
		strbuf_addf(sb,
		    ", %" PRIu32 " of them again with %" PRIu64 " bytes",
		    r->r_again, r->r_bytes_again);
	dump_give(du);
}

static void
dump_records(struct dump *du)
{
	const struct flows *fs = &du->du_flows;
	const struct records *rt;

	for (uint64_t i = 0; i < fs->fs_n; i++) {
		if (du->du_opts->do_flow_set && i != du->du_opts->do_flow)
			continue;
		for (unsigned dir = 0; dir < 2; dir++) {
			rt = &fs->fs_v[i]->fl_dir[dir].fd_records;
			for (uint64_t n = 0;
			     n < records_count(rt) && !du->du_stop; n++)
				dump_record(du, fs->fs_v[i], dir, n);
		}
	}
}

int
dump_file(const char *path, const struct dump_opts *o, struct strbuf *err)
{
	struct dump du = { .du_opts = o,
		.du_flows.fs_keep_all = o->do_records };
	struct capin_frame cf;
	struct capin *ci;
	int error, rc = 0;

	if ((error = capin_open(path, &ci, err)) != 0)
		return (error);
	while (!du.du_stop && (rc = capin_next(ci, &cf, err)) == 1) {
		if (cf.cf_number == 1)
			du.du_first_ns = cf.cf_ns;
		dump_frame(&du, &cf);
	}
	if (o->do_records)
		dump_records(&du);
	capin_close(ci);
	flows_fini(&du.du_flows);
	strbuf_fini(&du.du_line);
	return (rc < 0 ? EBADMSG : 0);
}
