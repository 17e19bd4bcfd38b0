/*
 * ip_input, ip6_input, tcp_input, ICMP: any bytes as packets, and segments that
 * nearly fit, to a host with a listener and a connection that sends and
 * receives. Nothing may panic, nothing may leak, and the connection's sums
 * stay what a recount says.
 */
#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/netinet/tcp_info.h>

#include "fuzz.h"
#include "segment/seg.h"
#include "tcp_private.h"

#define PACKET_MAX 4000

static void
segment(struct seg_host *h, const char *text)
{
	struct strbuf err = { 0 };
	struct seg_pkt p;

	MUST(seg_parse(h, text, &p, &err));
	seg_inject(h, &p);
}

static void
command(struct seg_host *h, const char *text)
{
	struct strbuf err = { 0 };
	char line[64];

	snprintf(line, sizeof(line), "%s", text);
	MUST(seg_command(h, line, &err));
}

/* An established connection with bytes in flight, as both families have. */
static void
begin(struct seg_host *h, struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);

	seg_host_init(h, how & 1 ? KAF_INET6 : KAF_INET, SEG_MTU,
	    (how & 2) != 0);
	h->iss = how & 4 ? UINT32_MAX - 500 : SEG_ISS;
	tcp_set_iss(h->v, h->iss);
	seg_run_until(h, SIM_MS);
	command(h, "listen");
	segment(h,
	    how & 8
		? "S 0:0(0) win 65535 <mss 1000,sackOK,TS val 100 ecr 0>"
		: "SEW 0:0(0) win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 7>");
	seg_run_until(h, 20 * SIM_MS);
	segment(h,
	    how & 8 ? ". 1:1(0) ack 1 win 60000 <TS val 120 ecr 1>"
		    : ". 1:1(0) ack 1 win 512");
	command(h, "accept");
	command(h, "write 20000");
}

/* Near what the connection expects, or anywhere. */
static uint32_t
near(struct fuzz_in *in, uint32_t seq)
{
	uint8_t how = fuzz_u8(in);

	if (how < 8)
		return (fuzz_u32(in));
	return (seq + (uint32_t)(how - 128) * (how & 1 ? 100 : 1));
}

static void
a_segment(struct seg_host *h, struct fuzz_in *in)
{
	const struct tcpcb *tp = seg_tcpcb(h);
	uint32_t una = tp != NULL ? tp->snd_una - h->iss : 1;
	uint32_t nxt = tp != NULL ? tp->rcv_nxt - SEG_IRS : 1;
	struct seg_pkt p = { .flags = fuzz_u8(in), .has_win = true };
	struct seg_opt *o;

	p.seq = near(in, nxt);
	p.len = fuzz_upto(in, 1400);
	p.has_ack = true;
	p.ack = near(in, una);
	p.win = fuzz_u8(in) * 4u;
	p.ecn = fuzz_u8(in) & 3;
	if (fuzz_u8(in) & 1) {
		o = &p.opt[p.nopts++];
		o->kind = SO_TS;
		o->v[0] = 100 + fuzz_u8(in);
		o->v[1] = fuzz_u8(in);
	}
	if (fuzz_u8(in) & 1) {
		o = &p.opt[p.nopts++];
		o->kind = SO_SACK;
		o->n = 2 + 2 * (fuzz_u8(in) % 3);
		for (unsigned i = 0; i < o->n; i += 2) {
			o->v[i] = near(in, una + 500);
			o->v[i + 1] = o->v[i] + fuzz_upto(in, 3000);
		}
		if (p.nopts == 2 && o->n > 6)
			o->n = 6;
	}
	seg_inject(h, &p);
}

/* Bytes as they come; mend: the sums are made right, so that it gets far. */
static void
a_packet(struct seg_host *h, struct fuzz_in *in)
{
	bool mend = fuzz_u8(in) & 1;
	uint32_t len = fuzz_upto(in, PACKET_MAX), got;
	struct mbuf *m;
	uint8_t *p;

	m = m_getjcl(h->v->v_mb, M_WAITOK, MT_DATA, M_PKTHDR, MJUM16BYTES);
	p = m->m_data;
	memset(p, 0, PACKET_MAX);
	got = (uint32_t)fuzz_bytes(in, p, len < 120 ? len : 120);
	(void)got;
	m->m_len = m->m_pkthdr.len = (int32_t)len;
	m->m_pkthdr.rcvif = &h->ifn;
	if (mend && h->family == KAF_INET && len >= 20) {
		be16enc(p + 10, 0);
		be16enc(p + 10, (uint16_t)~in_sum(p, 20));
	}
	if (mend)
		m->m_pkthdr.csum_flags = CSUM_L4_CALC | CSUM_L4_VALID;
	(h->family == KAF_INET6 ? ip6_input : ip_input)(h->v, m);
}

static void
read_some(struct seg_host *h)
{
	struct strbuf err = { 0 };
	char line[32];

	if (h->so == NULL || sbavail(&h->so->so_rcv) == 0)
		return;
	snprintf(line, sizeof(line), "read %u",
	    MIN(sbavail(&h->so->so_rcv), 5000));
	(void)seg_command(h, line, &err);
	strbuf_fini(&err);
}

static bool
tended(const struct tcpcb *tp)
{
	return (!TCPS_HAVEESTABLISHED(tp->t_state) ||
	    tp->t_state == TCPS_TIME_WAIT ||
	    (tp->snd_max == tp->snd_una &&
		sbavail(&tp->t_inpcb->inp_socket->so_snd) == 0) ||
	    callout_active(&tp->t_rexmt) || callout_active(&tp->t_persist));
}

/* What must hold whatever came. */
static void
recount(const struct seg_host *h)
{
	const struct tcpcb *tp = seg_tcpcb(h);
	const struct sackhole *p;
	struct strbuf sb = { 0 };
	uint32_t last, rexmit = 0, n = 0;

	if (tp == NULL || (tp->t_inpcb->inp_flags & INP_DROPPED) != 0)
		return;
	MUST(SEQ_LEQ(tp->snd_una, tp->snd_nxt));
	MUST(SEQ_LEQ(tp->snd_nxt, tp->snd_max));
	last = tp->snd_una;
	TAILQ_FOREACH(p, &tp->snd_holes, scblink) {
		MUST(SEQ_GEQ(p->start, last) && SEQ_LT(p->start, p->end));
		MUST(SEQ_GEQ(p->rxmit, p->start) && SEQ_LEQ(p->rxmit, p->end));
		MUST(SEQ_LEQ(p->end, tp->snd_max));
		last = p->end;
		rexmit += p->rxmit - p->start;
		n++;
	}
	MUST(n == tp->snd_numholes && rexmit == tp->t_sack_rexmit);
	/* Somebody comes back to what is out, or to what waits. */
	if (!tended(tp)) {
		tcp_dump(tp, &sb, 0);
		fprintf(stderr, "%s\nno timer runs\n%s", strbuf_str(&h->log),
		    strbuf_str(&sb));
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct strbuf err = { 0 };
	struct seg_host h;

	begin(&h, &in);
	while (in.left > 0) {
		switch (fuzz_u8(&in) % 8) {
		case 0:
			a_packet(&h, &in);
			break;
		case 1:
			seg_run_until(&h,
			    h.tb->tb_now + fuzz_u8(&in) * 10 * SIM_MS);
			break;
		case 2:
			read_some(&h);
			break;
		case 3:
			seg_icmp(&h, near(&in, 1), fuzz_u8(&in) * 8u);
			break;
		case 4:
			if (h.so != NULL && fuzz_u8(&in) < 4)
				command(&h, "close");
			break;
		default:
			a_segment(&h, &in);
			break;
		}
		recount(&h);
	}
	if (!seg_host_fini(&h, &err)) {
		fprintf(stderr, "%s\n", strbuf_str(&err));
		abort();
	}
	strbuf_fini(&err);
	return (0);
}
