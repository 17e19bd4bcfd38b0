/*
 * iperf: a client opens streams and tells the server in a line what is wanted;
 * then one side sends, or both do, blocks of a file in memory, for a time or so
 * many bytes. Each side counts what it sent and read in intervals of virtual
 * time. Who has sent everything says so (close_notify and FIN); who only reads
 * answers with its own when it has read all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

#define HELLO 160 /* bytes of the line, blanks at its end */

enum { ST_CONNECT, ST_HANDSHAKE, ST_HELLO, ST_RUN, ST_LINGER, ST_DONE };

static const char *const states[] = { "connects", "shakes hands", "hello",
	"runs", "lingers", "done" };

/* What the line says. */
struct plan {
	int direction;
	uint64_t bytes, block;
	simtime_t duration, every;
	bool zerocopy;
};

struct iperf {
	struct plan ip_plan;
	struct vnode *ip_file;
	bool ip_sends, ip_reads;
	bool ip_sent_all, ip_notified, ip_read_all;
	simtime_t ip_from, ip_until; /* until: of sending; by time */
	simtime_t ip_last;	     /* byte sent or read */
	uint64_t ip_sent, ip_declared, ip_got;
	char ip_hello[HELLO];
	size_t ip_hello_off;
	struct sim_event ip_stop;
	struct iperf_slice *ip_slices;
	unsigned ip_nslices, ip_size;
	uint64_t ip_rexmits; /* told so far */
};

/* --- counting --- */

static struct iperf_slice *
slice_at(struct iperf *ip, simtime_t now)
{
	uint64_t i = (now - ip->ip_from) / ip->ip_plan.every;

	i = MIN(i, (uint64_t)SC_IPERF_INTERVALS - 1);
	while (ip->ip_nslices <= i) {
		if (ip->ip_nslices == ip->ip_size) {
			ip->ip_size = MAX(2 * ip->ip_size, 16u);
			ip->ip_slices = xrealloc(ip->ip_slices,
			    ip->ip_size * sizeof(*ip->ip_slices));
		}
		ip->ip_slices[ip->ip_nslices++] = (struct iperf_slice) { 0 };
	}
	return (&ip->ip_slices[i]);
}

static void
count(struct conn *c, uint64_t sent, uint64_t got)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);
	struct iperf *ip = c->c_data;
	struct iperf_slice *sl =
	    slice_at(ip, timebase_now(c->c_app->a_world->w_tb));

	if (sent + got > 0)
		ip->ip_last = timebase_now(c->c_app->a_world->w_tb);
	sl->is_sent += sent;
	sl->is_got += got;
	ip->ip_sent += sent;
	ip->ip_got += got;
	if (tp == NULL)
		return;
	sl->is_rexmits += tp->t_stats.rexmit_packs - ip->ip_rexmits;
	ip->ip_rexmits = tp->t_stats.rexmit_packs;
	sl->is_cwnd = tp->snd_cwnd;
	sl->is_rtt_us = (uint32_t)(tp->t_srtt / SIM_US);
}

/* --- hello --- */

static void
hello_put(struct conn *c, struct iperf *ip)
{
	const struct sc_app *sc = c->c_app->a_sc;
	int n;

	ip->ip_plan = (struct plan) { sc->direction, sc->bytes, sc->block,
		sc->duration, sc->report_every, sc->zerocopy };
	memset(ip->ip_hello, ' ', HELLO);
	n = snprintf(ip->ip_hello, HELLO,
	    "ktls-sim iperf direction=%d bytes=%ju block=%ju duration=%ju "
	    "every=%ju zerocopy=%d",
	    sc->direction, (uintmax_t)sc->bytes, (uintmax_t)sc->block,
	    (uintmax_t)sc->duration, (uintmax_t)sc->report_every, sc->zerocopy);
	ip->ip_hello[n] = ' ';
	ip->ip_hello[HELLO - 1] = '\n';
	ledger_origin_bytes(c->c_flow, LEDGER_C2S, ip->ip_hello, HELLO);
}

static int
hello_parse(struct iperf *ip)
{
	uintmax_t bytes, block, duration, every;
	int direction, zerocopy;

	ip->ip_hello[HELLO - 1] = '\0';
	if (sscanf(ip->ip_hello,
		"ktls-sim iperf direction=%d bytes=%ju block=%ju "
		"duration=%ju every=%ju zerocopy=%d",
		&direction, &bytes, &block, &duration, &every,
		&zerocopy) != 6 ||
	    block == 0 || block > 1 << 20 || every == 0 || direction < 0 ||
	    direction > SC_BOTH)
		return (EPROTO);
	ip->ip_plan = (struct plan) { direction, bytes, block, duration, every,
		zerocopy != 0 };
	return (0);
}

static void
stop(void *arg)
{
	conn_post(arg, 0);
}

/* Both know now what is to be done. */
static void
begin(struct conn *c, struct iperf *ip)
{
	struct world *w = c->c_app->a_world;
	int other = c->c_server ? SC_SEND : SC_RECEIVE;

	ip->ip_from = timebase_now(w->w_tb);
	ip->ip_until = ip->ip_from + ip->ip_plan.duration;
	ip->ip_sends = ip->ip_plan.direction != other;
	ip->ip_reads = ip->ip_plan.direction == SC_BOTH || !ip->ip_sends;
	ip->ip_sent_all = !ip->ip_sends;
	ip->ip_file = vnode_lookup(c->c_app->a_host->h_vnet, IPERF_FILE);
	sim_event_init(&ip->ip_stop, EV_APP, "iperf stops", stop, c);
	if (ip->ip_sends && ip->ip_plan.duration != 0)
		timebase_post(w->w_tb, &ip->ip_stop, ip->ip_until);
}

static int
client_hello(struct conn *c, struct iperf *ip)
{
	size_t n;
	int error;

	if (ip->ip_plan.block == 0)
		hello_put(c, ip);
	while (ip->ip_hello_off < HELLO) {
		error = conn_write(c, ip->ip_hello + ip->ip_hello_off,
		    HELLO - ip->ip_hello_off, &n);
		ip->ip_hello_off += n;
		if (error != 0)
			return (error);
	}
	begin(c, ip);
	return (0);
}

static int
server_hello(struct conn *c, struct iperf *ip)
{
	size_t n;
	int error;

	while (ip->ip_hello_off < HELLO) {
		error = conn_read(c, ip->ip_hello + ip->ip_hello_off,
		    HELLO - ip->ip_hello_off, &n);
		if (error != 0)
			return (error);
		if (n == 0)
			return (ECONNRESET);
		conn_was_read(c, ip->ip_hello + ip->ip_hello_off, n);
		ip->ip_hello_off += n;
	}
	if ((error = hello_parse(ip)) == 0)
		begin(c, ip);
	return (error);
}

/* --- sending --- */

/* What is left of this block; a new one is declared. 0: everything is sent. */
static uint32_t
block_left(struct conn *c, struct iperf *ip)
{
	uint64_t at = ip->ip_declared % IPERF_FILE_SIZE, len;

	if (ip->ip_declared > ip->ip_sent)
		return ((uint32_t)(ip->ip_declared - ip->ip_sent));
	if (ip->ip_plan.duration != 0 &&
	    timebase_now(c->c_app->a_world->w_tb) >= ip->ip_until)
		return (0);
	len = MIN(ip->ip_plan.block, IPERF_FILE_SIZE - at);
	if (ip->ip_plan.bytes != 0)
		len = MIN(len, ip->ip_plan.bytes - ip->ip_sent);
	ledger_origin_file(c->c_flow, c->c_server ? LEDGER_S2C : LEDGER_C2S,
	    ip->ip_file, at, len);
	ip->ip_declared += len;
	return ((uint32_t)len);
}

static int
send_file(struct conn *c, struct iperf *ip, uint32_t left, uint64_t *sent)
{
	uint64_t at = ip->ip_sent % IPERF_FILE_SIZE;
	uint32_t from = conn_stream_end(c);
	int error;

	if (c->c_ep != NULL)
		error = tls_endpoint_sendfile(c->c_ep, ip->ip_file, at, left,
		    NULL, sent);
	else
		error =
		    sosendfile(c->c_so, ip->ip_file, at, left, NULL, 0, sent);
	if (error != EOPNOTSUPP)
		conn_wrote(c, *sent, from, "sendfile");
	return (error == EAGAIN ? EWOULDBLOCK : error);
}

static int
send_some(struct conn *c, struct iperf *ip)
{
	struct world *w = c->c_app->a_world;
	uint64_t sent;
	uint32_t left;
	size_t n;
	int error = 0;

	while (error == 0 && (left = block_left(c, ip)) > 0) {
		sent = 0;
		error = EOPNOTSUPP;
		if (ip->ip_plan.zerocopy)
			error = send_file(c, ip, left, &sent);
		if (error == EOPNOTSUPP) {
			/* A record at a time: what libssl could not write it
			 * looks for where it was. */
			left = MIN(left, 16384u);
			vnode_peek(ip->ip_file, ip->ip_sent % IPERF_FILE_SIZE,
			    w->w_scratch, left);
			error = conn_write(c, w->w_scratch, left, &n);
			sent = n;
			c->c_copied += ip->ip_plan.zerocopy ? n : 0;
		}
		count(c, sent, 0);
		c->c_off += c->c_server ? 0 : sent;
	}
	ip->ip_sent_all = error == 0;
	return (error);
}

/* --- reading --- */

static int
read_some(struct conn *c, struct iperf *ip)
{
	struct world *w = c->c_app->a_world;
	size_t n;
	int error;

	do {
		error = conn_read(c, w->w_scratch, WORLD_SCRATCH, &n);
		if (n == 0)
			break;
		conn_was_read(c, w->w_scratch, n);
		count(c, 0, n);
		story_read(w, c, n);
		if (c->c_server)
			c->c_received += n;
		else {
			c->c_app->a_delivered += n;
			c->c_off += n;
		}
	} while (error == 0);
	ip->ip_read_all = error == 0;
	return (error);
}

/* Who says first that it is at its end: the client that sends; the server only
 * when it has nothing to read. Its word tells the client that all was read. */
static bool
speaks_first(const struct conn *c, const struct iperf *ip)
{
	return (ip->ip_sends && !(c->c_server && ip->ip_reads));
}

/* EWOULDBLOCK only when neither way can go on. */
static int
run_both(struct conn *c, struct iperf *ip)
{
	int error = 0;

	if (!ip->ip_sent_all && (error = send_some(c, ip)) != 0 &&
	    error != EWOULDBLOCK)
		return (error);
	if (ip->ip_sent_all && !ip->ip_notified && speaks_first(c, ip)) {
		if ((error = conn_notify(c)) != 0)
			return (error);
		ip->ip_notified = true;
	}
	if (!ip->ip_read_all && (error = read_some(c, ip)) != 0)
		return (error);
	if (!ip->ip_sent_all)
		return (EWOULDBLOCK);
	return (ip->ip_notified ? 0 : conn_notify(c));
}

/* --- the machine --- */

static int
iperf_step(struct conn *c, const char **call)
{
	struct iperf *ip = c->c_data;

	*call = states[c->c_state];
	switch (c->c_state) {
	case ST_CONNECT:
		return (c->c_server ? 0 : conn_connect(c));
	case ST_HANDSHAKE:
		return (conn_handshake(c));
	case ST_HELLO:
		return (
		    c->c_server ? server_hello(c, ip) : client_hello(c, ip));
	case ST_RUN:
		return (run_both(c, ip));
	default:
		return (conn_linger(c));
	}
}

static int
iperf_next_state(struct conn *c)
{
	return (c->c_state + 1);
}

static void
iperf_run(struct conn *c)
{
	static const struct conn_machine m = { iperf_step, iperf_next_state,
		ST_DONE };

	if (c->c_data == NULL)
		c->c_data = xcalloc(1, sizeof(struct iperf));
	conn_machine(c, &m);
}

/* The numbers stay for the report. */
static void
iperf_end(struct conn *c)
{
	struct iperf *ip = c->c_data;

	if (ip != NULL && sim_event_pending(&ip->ip_stop))
		timebase_cancel(c->c_app->a_world->w_tb, &ip->ip_stop);
}

/* --- the report --- */

static void
side_result(const struct conn *c, struct iperf_side *is)
{
	const struct iperf *ip = c != NULL ? c->c_data : NULL;

	if (ip == NULL)
		return;
	*is = (struct iperf_side) { .is_from = ip->ip_from,
		.is_last = ip->ip_last,
		.is_sends = ip->ip_sends,
		.is_reads = ip->ip_reads,
		.is_sent = ip->ip_sent,
		.is_got = ip->ip_got,
		.is_rexmits = ip->ip_rexmits,
		.is_slices = ip->ip_slices,
		.is_nslices = ip->ip_nslices };
}

static void
iperf_collect(struct app *a)
{
	struct result *r = &a->a_world->w_res;
	struct iperf_result *ir;
	struct conn *c;

	if (!sc_app_is_client(a->a_sc->type))
		return;
	r->r_iperf =
	    xrealloc(r->r_iperf, (r->r_niperf + 1) * sizeof(*r->r_iperf));
	ir = &r->r_iperf[r->r_niperf++];
	*ir = (struct iperf_result) { .ir_name = a->a_sc->loc.name,
		.ir_every = a->a_sc->report_every,
		.ir_streams =
		    xcalloc(a->a_nconns + 1, sizeof(*ir->ir_streams)) };
	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		side_result(c, &ir->ir_streams[ir->ir_nstreams][0]);
		side_result(c->c_flow != NULL ? conn_peer(a->a_world, c) : NULL,
		    &ir->ir_streams[ir->ir_nstreams][1]);
		ir->ir_nstreams++;
	}
}

static void
iperf_free(struct conn *c)
{
	struct iperf *ip = c->c_data;

	free(ip->ip_slices);
	free(ip);
}

const struct app_ops iperf_ops = { .ao_run = iperf_run,
	.ao_end = iperf_end,
	.ao_collect = iperf_collect,
	.ao_free = iperf_free,
	.ao_states = states };
