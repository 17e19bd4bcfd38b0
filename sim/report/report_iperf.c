/*
 * What iperf clients measured: in report.json with the members that iperf3's
 * JSON has, and a line each in the text.
 */
#include <inttypes.h>
#include <jansson.h>

#include <ktsim/sim/scenario.h>

#include "report_priv.h"

static json_t *
seconds(simtime_t t)
{
	return (json_real((double)(t / SIM_US) / 1e6));
}

static json_t *
rate(uint64_t bytes, simtime_t t)
{
	return (json_real(t == 0 ? 0 : (double)bytes * 8 * 1e12 / (double)t));
}

/* {"start", "end", "seconds", "bytes", "bits_per_second", "retransmits"?} */
static json_t *
part(simtime_t from, simtime_t to, uint64_t bytes)
{
	json_t *o = json_object();

	json_object_set_new(o, "start", seconds(from));
	json_object_set_new(o, "end", seconds(to));
	json_object_set_new(o, "seconds", seconds(to - from));
	json_object_set_new(o, "bytes", json_integer((json_int_t)bytes));
	json_object_set_new(o, "bits_per_second", rate(bytes, to - from));
	return (o);
}

/* The sender of a way, and its reader: 0 client to server, 1 back. */
static const struct iperf_side *
sender(const struct iperf_side *stream, int way)
{
	return (&stream[way]);
}

static const struct iperf_side *
reader(const struct iperf_side *stream, int way)
{
	return (&stream[1 - way]);
}

static void
stretch(const struct iperf_side *s, simtime_t *from, simtime_t *to)
{
	if (s->is_last <= s->is_from)
		return; /* nothing came */
	*from = s->is_from < *from ? s->is_from : *from;
	*to = s->is_last > *to ? s->is_last : *to;
}

/* How long a way was in use, from the first stream's line to the last byte of
 * any: streams that could not connect at once are later. */
static simtime_t
way_time(const struct iperf_result *ir, int way)
{
	simtime_t from = SIM_NEVER, to = 0;

	for (unsigned i = 0; i < ir->ir_nstreams; i++) {
		if (!sender(ir->ir_streams[i], way)->is_sends)
			continue;
		stretch(sender(ir->ir_streams[i], way), &from, &to);
		stretch(reader(ir->ir_streams[i], way), &from, &to);
	}
	return (to > from ? to - from : 0);
}

bool
iperf_way(const struct iperf_result *ir, int way, struct iperf_way *iw)
{
	bool used = false;

	*iw = (struct iperf_way) { .iw_time = way_time(ir, way) };
	for (unsigned k = 0; k < ir->ir_nstreams; k++) {
		if (!sender(ir->ir_streams[k], way)->is_sends)
			continue;
		used = true;
		iw->iw_sent += sender(ir->ir_streams[k], way)->is_sent;
		iw->iw_rexmits += sender(ir->ir_streams[k], way)->is_rexmits;
		iw->iw_got += reader(ir->ir_streams[k], way)->is_got;
	}
	return (used);
}

/* The intervals of a way, and what one of them has. */
struct grid {
	const struct iperf_result *gr_ir;
	int gr_way;
	simtime_t gr_from, gr_time; /* its first line; how long */
	unsigned gr_n;
};

static struct grid
grid_of(const struct iperf_result *ir, int way, simtime_t time)
{
	struct grid gr = { ir, way, SIM_NEVER, time, 0 };
	simtime_t n = (time + ir->ir_every - 1) / ir->ir_every;

	for (unsigned k = 0; k < ir->ir_nstreams; k++)
		if (sender(ir->ir_streams[k], way)->is_sends &&
		    sender(ir->ir_streams[k], way)->is_from < gr.gr_from)
			gr.gr_from = sender(ir->ir_streams[k], way)->is_from;
	gr.gr_n = (unsigned)(n < SC_IPERF_INTERVALS ? n : SC_IPERF_INTERVALS);
	return (gr);
}

/* The last one is shorter, or has all the rest. */
static simtime_t
interval_end(const struct grid *gr, unsigned i)
{
	return (i + 1 < gr->gr_n ? (i + 1) * gr->gr_ir->ir_every : gr->gr_time);
}

/* What a stream sent in interval i, whose own begin with its line; false: it
 * was not there, or no longer. */
static bool
slice_of(const struct grid *gr, const struct iperf_side *s, unsigned i,
    struct iperf_slice *sl)
{
	simtime_t late = (s->is_from - gr->gr_from) / gr->gr_ir->ir_every;
	unsigned j = (unsigned)(i >= late ? i - late : 0);

	if (!s->is_sends || (i < late && i + 1 < gr->gr_n) ||
	    j >= s->is_nslices)
		return (false);
	*sl = s->is_slices[j];
	while (i + 1 == gr->gr_n && ++j < s->is_nslices) {
		sl->is_sent += s->is_slices[j].is_sent;
		sl->is_rexmits += s->is_slices[j].is_rexmits;
	}
	return (true);
}

static json_t *
interval_stream(const struct iperf_slice *sl, unsigned socket, simtime_t from,
    simtime_t to)
{
	json_t *o = part(from, to, sl->is_sent);

	json_object_set_new(o, "socket", json_integer(socket));
	json_object_set_new(o, "retransmits",
	    json_integer((json_int_t)sl->is_rexmits));
	json_object_set_new(o, "snd_cwnd", json_integer(sl->is_cwnd));
	json_object_set_new(o, "rtt", json_integer(sl->is_rtt_us));
	json_object_set_new(o, "sender", json_true());
	return (o);
}

static json_t *
interval(const struct grid *gr, unsigned i)
{
	const struct iperf_result *ir = gr->gr_ir;
	simtime_t from = i * ir->ir_every, to = interval_end(gr, i);
	json_t *streams = json_array(), *sum;
	uint64_t bytes = 0, rexmits = 0;
	struct iperf_slice sl;

	for (unsigned k = 0; k < ir->ir_nstreams; k++) {
		if (!slice_of(gr, sender(ir->ir_streams[k], gr->gr_way), i,
			&sl))
			continue;
		bytes += sl.is_sent;
		rexmits += sl.is_rexmits;
		json_array_append_new(streams,
		    interval_stream(&sl, k, from, to));
	}
	sum = part(from, to, bytes);
	json_object_set_new(sum, "retransmits",
	    json_integer((json_int_t)rexmits));
	return (json_pack("{s:o, s:o}", "streams", streams, "sum", sum));
}

static json_t *
way_json(const struct iperf_result *ir, int way, const struct iperf_way *iw)
{
	struct grid gr = grid_of(ir, way, iw->iw_time);
	json_t *intervals = json_array();
	json_t *sent = part(0, iw->iw_time, iw->iw_sent);

	for (unsigned i = 0; i < gr.gr_n; i++)
		json_array_append_new(intervals, interval(&gr, i));
	json_object_set_new(sent, "retransmits",
	    json_integer((json_int_t)iw->iw_rexmits));
	return (json_pack("{s:o, s:{s:o, s:o}}", "intervals", intervals, "end",
	    "sum_sent", sent, "sum_received",
	    part(0, iw->iw_time, iw->iw_got)));
}

void
j_iperf(json_t *o, const struct result *r)
{
	static const char *const ways[] = { "client_to_server",
		"server_to_client" };
	const struct iperf_result *ir;
	json_t *all = json_object(), *one;
	struct iperf_way iw;

	for (ir = r->r_iperf; ir < r->r_iperf + r->r_niperf; ir++) {
		one = json_object();
		json_object_set_new(one, "streams",
		    json_integer(ir->ir_nstreams));
		for (int way = 0; way < 2; way++)
			if (iperf_way(ir, way, &iw))
				json_object_set_new(one, ways[way],
				    way_json(ir, way, &iw));
		json_object_set_new(all, ir->ir_name, one);
	}
	if (r->r_niperf > 0)
		json_object_set(o, "iperf", all);
	json_decref(all);
}

void
iperf_rate(const struct iperf_way *iw, struct strbuf *sb)
{
	uint64_t mbit = iw->iw_time == 0
	    ? 0
	    : (uint64_t)((unsigned __int128)iw->iw_got * 8 * SIM_SEC /
		  iw->iw_time / 1000000);

	strbuf_addf(sb, "%" PRIu64 ".%02" PRIu64 " Gbit/s", mbit / 1000,
	    mbit % 1000 / 10);
}

static void
text_way(const struct iperf_result *ir, int way, const struct iperf_way *iw,
    struct strbuf *sb)
{
	strbuf_addf(sb, "  %s %s: %u stream%s, ", ir->ir_name,
	    way == 0 ? "sends" : "receives", ir->ir_nstreams,
	    plural(ir->ir_nstreams));
	format_bytes(iw->iw_got, sb);
	strbuf_adds(sb, " in ");
	format_time(iw->iw_time, sb);
	strbuf_adds(sb, ", ");
	iperf_rate(iw, sb);
	strbuf_addf(sb, ", %" PRIu64 " retransmitted segment%s\n",
	    iw->iw_rexmits, plural(iw->iw_rexmits));
}

void
text_iperf(const struct result *r, struct strbuf *sb)
{
	struct iperf_way iw;

	if (r->r_niperf > 0)
		heading(sb, "iperf");
	for (unsigned i = 0; i < r->r_niperf; i++)
		for (int way = 0; way < 2; way++)
			if (iperf_way(&r->r_iperf[i], way, &iw))
				text_way(&r->r_iperf[i], way, &iw, sb);
}
