#include "netwire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp.h>

/* --- frames --- */

static void
frame_unlink(struct tw *w, struct tw_frame *f)
{
	struct tw_frame **pf;

	for (pf = &w->frames; *pf != f; pf = &(*pf)->next)
		;
	*pf = f->next;
}

static void
frame_arrive(void *arg)
{
	struct tw_frame *f = arg;
	struct tw_port *p = f->to;
	struct mbuf *m;

	frame_unlink(p->w, f);
	if (p->ifn.if_link_state == LINK_STATE_UP) {
		m = m_getjcl(p->ifn.if_vnet->v_mb, M_WAITOK, MT_DATA, M_PKTHDR,
		    MJUM16BYTES);
		memcpy(m->m_data, f->data, f->len);
		m->m_len = m->m_pkthdr.len = (int32_t)f->len;
		m->m_pkthdr.rcvif = &p->ifn;
		m->m_pkthdr.numa_domain = p->ifn.if_numa_domain;
		p->ifn.if_input(&p->ifn, m);
	}
	free(f);
}

static void
frame_post(struct tw_port *from, const uint8_t *data, uint32_t len,
    simtime_t extra)
{
	struct tw *w = from->w;
	struct timebase *tb = engine_timebase(w->eng);
	struct tw_frame *f;

	f = calloc(1, sizeof(*f) + len);
	f->to = from->peer;
	f->len = len;
	memcpy(f->data, data, len);
	f->next = w->frames;
	w->frames = f;
	sim_event_init(&f->ev, EV_WIRE, "frame", frame_arrive, f);
	from->free_at = MAX(from->free_at, tb->tb_now) +
	    simtime_bytes(len + KETHER_LINE_OVERHEAD, w->rate_bps);
	timebase_post(tb, &f->ev, from->free_at + w->delay + extra);
}

static void
frame_parse(const uint8_t *d, struct tw_pkt *p)
{
	uint16_t type = be16dec(d + 12);
	const uint8_t *ip = d + 14, *th;
	uint32_t tlen;

	memset(p, 0, sizeof(*p));
	if (type == KETHERTYPE_IP && ip[9] == KIPPROTO_TCP) {
		th = ip + 20;
		tlen = be16dec(ip + 2) - 20u;
	} else if (type == KETHERTYPE_IPV6 && ip[6] == KIPPROTO_TCP) {
		th = ip + 40;
		tlen = be16dec(ip + 4);
	} else
		return;
	p->tcp = true;
	p->seq = be32dec(th + 4);
	p->ack = be32dec(th + 8);
	p->win = be16dec(th + 14);
	p->flags = th[13];
	p->opt = th + 20;
	p->optlen = (th[12] >> 4) * 4u - 20;
	p->paylen = tlen - (th[12] >> 4) * 4u;
}

static void
frame_send(struct tw_port *from, uint8_t *d, uint32_t len, const struct mbuf *m)
{
	struct tw *w = from->w;
	enum tw_verdict v = TW_PASS;
	struct tw_pkt pkt;
	simtime_t extra = 0;

	from->frames++;
	w->count++;
	frame_parse(d, &pkt);
	pkt.why = m->m_pkthdr.note.pn_why;
	pkt.snd_max = m->m_pkthdr.note.pn_snd_max;
	pkt.tag = (m->m_pkthdr.csum_flags & CSUM_SND_TAG) != 0
	    ? m->m_pkthdr.snd_tag
	    : NULL;
	if (w->verbose && pkt.tcp)
		printf("%10.3f ms %s seq %u ack %u win %u len %u fl %02x %s\n",
		    (double)engine_timebase(w->eng)->tb_now / 1e9,
		    from->ifn.if_vnet->v_name, pkt.seq, pkt.ack, pkt.win,
		    pkt.paylen, pkt.flags, pkt.why ? pkt.why : "");
	if (w->hook != NULL)
		v = w->hook(w, from, &pkt);
	if (v == TW_PASS && prng_chance(&w->prng, w->drop_ppb))
		v = TW_DROP;
	if (v == TW_PASS && prng_chance(&w->prng, w->dup_ppb))
		v = TW_DUP;
	if (prng_chance(&w->prng, w->reorder_ppb))
		extra = prng_below(&w->prng, 20 * w->delay + SIM_MS);
	if (v == TW_DROP || from->peer == NULL) {
		w->dropped++;
		return;
	}
	frame_post(from, d, len, extra);
	if (v == TW_DUP)
		frame_post(from, d, len, extra + prng_below(&w->prng, SIM_MS));
}

/* --- the card --- */

/* Of the link's header, with a VLAN tag or without. */
static uint32_t
l2len(const uint8_t *d)
{
	return (be16dec(d + 12) == KETHERTYPE_VLAN ? 18 : 14);
}

static void
card_sums(struct mbuf *m, uint8_t *d, uint32_t len, bool v6)
{
	uint8_t *ip = d + l2len(d), *th = ip + (v6 ? 40 : 20);
	uint32_t tlen = len - l2len(d) - (v6 ? 40 : 20);
	uint16_t sum;

	if (!v6 && (m->m_pkthdr.csum_flags & CSUM_IP) != 0) {
		be16enc(ip + 10, 0);
		be16enc(ip + 10, (uint16_t)~in_sum(ip, 20));
	}
	if ((m->m_pkthdr.csum_flags & CSUM_TCP_ANY) == 0)
		return;
	be16enc(th + 16, 0);
	sum = in_sum_add(in_sum_pseudo(ip + (v6 ? 8 : 12), ip + (v6 ? 24 : 16),
			     v6 ? 16 : 4, KIPPROTO_TCP, tlen),
	    in_sum(th, tlen), 0);
	be16enc(th + 16, (uint16_t)~sum);
}

static void
card_tso(struct tw_port *p, struct mbuf *m, uint8_t *d, uint32_t len, bool v6)
{
	uint32_t iph = v6 ? 40 : 20, off, n, hdr, paylen, seq, l2 = l2len(d);
	uint8_t *f, *th = d + l2 + iph, flags = th[13];

	hdr = l2 + iph + (th[12] >> 4) * 4u;
	paylen = len - hdr;
	seq = be32dec(th + 4);
	assert_true(paylen > m->m_pkthdr.tso_segsz);
	assert_true(len <= p->ifn.if_hw_tsomax);
	p->bursts++;
	f = malloc(hdr + m->m_pkthdr.tso_segsz);
	for (off = 0; off < paylen; off += n) {
		n = MIN(m->m_pkthdr.tso_segsz, paylen - off);
		memcpy(f, d, hdr);
		memcpy(f + hdr, d + hdr + off, n);
		be32enc(f + l2 + iph + 4, seq + off);
		if (off + n < paylen)
			f[l2 + iph + 13] =
			    flags & (uint8_t) ~(KTH_FIN | KTH_PUSH);
		if (v6)
			be16enc(f + l2 + 4, (uint16_t)(hdr + n - l2 - 40));
		else
			be16enc(f + l2 + 2, (uint16_t)(hdr + n - l2));
		card_sums(m, f, hdr + n, v6);
		frame_send(p, f, hdr + n, m);
	}
	free(f);
}

static int
card_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct tw_port *p = (struct tw_port *)(void *)ifp;
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	bool v6, data;
	uint8_t *d;

	assert_int_equal(len, m_length(m, NULL));
	assert_true((m->m_pkthdr.csum_flags & CSUM_SND_TAG) == 0 ||
	    m->m_pkthdr.snd_tag->ifp == ifp);
	data = len > 14 + 40u + m->m_pkthdr.l4hlen;
	if (p->refuse > 0 || (data && p->refuse_data > 0)) {
		p->refuse > 0 ? p->refuse-- : p->refuse_data--;
		m_freem(m);
		return (ENOBUFS);
	}
	d = malloc(len);
	m_copydata(m, 0, (int)len, d);
	v6 = be16dec(d + l2len(d) - 2) == KETHERTYPE_IPV6;
	if ((m->m_pkthdr.csum_flags & CSUM_TSO) != 0)
		card_tso(p, m, d, len, v6);
	else {
		assert_true(len <= p->w->mtu + l2len(d));
		if (be16dec(d + l2len(d) - 2) != KETHERTYPE_ARP)
			card_sums(m, d, len, v6);
		frame_send(p, d, len, m);
	}
	free(d);
	m_freem(m);
	return (0);
}

struct card_tag {
	struct m_snd_tag com;
};

static void
card_tag_free(struct m_snd_tag *mst)
{
	((struct tw_port *)(void *)mst->ifp)->tags--;
	free(mst);
}

static const struct if_snd_tag_sw card_tag_sw = { .snd_tag_free = card_tag_free,
	.type = IF_SND_TAG_TYPE_TLS };

static int
card_tag_make(struct ifnet *ifp, struct m_snd_tag **mstp)
{
	struct card_tag *ct = calloc(1, sizeof(*ct));

	m_snd_tag_init(&ct->com, ifp, &card_tag_sw);
	((struct tw_port *)(void *)ifp)->tags++;
	*mstp = &ct->com;
	return (0);
}

struct card_wait {
	struct sim_event ev;
	struct ifnet *ifp;
	struct if_snd_tag_wait *wait;
};

static void
card_answers(void *arg)
{
	struct card_wait *cw = arg;
	struct tw_port *p = (void *)cw->ifp;
	struct m_snd_tag *mst = NULL;

	if (p->tag_error == 0)
		(void)card_tag_make(cw->ifp, &mst);
	cw->wait->iw_done(cw->wait, p->tag_error, mst);
	free(cw);
}

static int
card_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct tw_port *p = (void *)ifp;
	struct card_wait *cw;

	p->tag_type = params->type;
	p->tag_rate = params->max_rate;
	if (p->tag_time == 0)
		return (card_tag_make(ifp, mstp));
	cw = calloc(1, sizeof(*cw));
	cw->ifp = ifp;
	cw->wait = params->wait;
	sim_event_init(&cw->ev, EV_NIC, "tag", card_answers, cw);
	timebase_post_in(ifp->if_vnet->v_tb, &cw->ev, p->tag_time);
	return (EINPROGRESS);
}

/* --- hosts --- */

static void
sink_emit(struct trace_sink *ts, const struct trace_rec *r)
{
	struct tw *w = containerof(ts, struct tw, sink);

	if (!w->verbose)
		return;
	printf("%10.3f ms %s %s", (double)r->tr_when / 1e9, r->tr_who,
	    trace_catalogue[r->tr_id].ti_name);
	for (unsigned i = 0; i < r->tr_nargs; i++)
		if (r->tr_args[i].ta_type == 's')
			printf(" %s", r->tr_args[i].s);
		else
			printf(" %lld", (long long)r->tr_args[i].i);
	printf("\n");
}

static void
host_init(struct tw *w, struct tw_host *h, const char *name, uint64_t seed,
    uint64_t caps, unsigned links)
{
	struct vnet_params vp = { .vp_name = name,
		.vp_ncpus = 2,
		.vp_seed = seed,
		.vp_tb = engine_timebase(w->eng),
		.vp_jobs = w->jobs,
		.vp_sink = &w->sink };
	char xname[16];

	h->v = vnet_create(&vp);
	net_attach(h->v);
	inet_attach(h->v);
	h->ports = links;
	for (unsigned i = 0; i < links; i++) {
		struct tw_port *p = &h->port[i];
		uint8_t ll[6] = { 2, 0, 0, 0, (uint8_t)name[0], (uint8_t)i };

		p->w = w;
		p->ifn.if_transmit = card_transmit;
		p->ifn.if_snd_tag_alloc = card_tag_alloc;
		p->ifn.if_capabilities = p->ifn.if_capenable = caps;
		p->ifn.if_mtu = w->mtu;
		ether_ifattach(&p->ifn, ll);
		snprintf(xname, sizeof(xname), "tw%u", i);
		if_attach(h->v, &p->ifn, xname);
		if_setflags(&p->ifn,
		    p->ifn.if_flags | IFF_UP | IFF_DRV_RUNNING);
		if_link_state_change(&p->ifn, LINK_STATE_UP);
	}
}

struct tw *
tw_new_bare(uint64_t seed, uint64_t caps, unsigned links)
{
	struct tw *w = calloc(1, sizeof(*w));

	w->eng = engine_create();
	w->jobs = hostpool_create(0);
	w->rate_bps = 1000000000;
	w->delay = 100 * SIM_US;
	w->mtu = 1500;
	w->verbose = getenv("TW_VERBOSE") != NULL;
	w->sink.ts_emit = sink_emit;
	memset(w->sink.ts_mask, 0xff, sizeof(w->sink.ts_mask));
	prng_init(&w->prng, seed, "wire");
	host_init(w, &w->a, "a", seed, caps, links);
	host_init(w, &w->b, "b", seed, caps, links);
	for (unsigned i = 0; i < links; i++) {
		w->a.port[i].peer = &w->b.port[i];
		w->b.port[i].peer = &w->a.port[i];
	}
	return (w);
}

struct in_any
tw_addr(int family, unsigned host)
{
	struct in_any a = { { 0 } };

	if (family == KAF_INET) {
		a.a[0] = 10;
		a.a[3] = (uint8_t)host;
	} else {
		a.a[0] = 0xfd;
		a.a[15] = (uint8_t)host;
	}
	return (a);
}

struct ksockaddr
tw_sa(int family, unsigned host, uint16_t port)
{
	return ((struct ksockaddr) { .sa_family = (uint8_t)family,
	    .sa_port = port,
	    .sa_addr = tw_addr(family, host) });
}

void
tw_addrs(struct ifnet *ifp, unsigned host)
{
	struct in_any v4 = tw_addr(KAF_INET, host);
	struct in_any v6 = tw_addr(KAF_INET6, host);

	assert_int_equal(if_addr_add(ifp, KAF_INET, &v4, 24), 0);
	assert_int_equal(if_addr_add(ifp, KAF_INET6, &v6, 64), 0);
}

struct tw *
tw_new(uint64_t seed, uint64_t caps)
{
	struct tw *w = tw_new_bare(seed, caps, 1);

	tw_addrs(&w->a.port[0].ifn, 1);
	tw_addrs(&w->b.port[0].ifn, 2);
	return (w);
}

void
tw_link(struct tw *w, unsigned link, bool up)
{
	enum if_link_state ls = up ? LINK_STATE_UP : LINK_STATE_DOWN;

	if_link_state_change(&w->a.port[link].ifn, ls);
	if_link_state_change(&w->b.port[link].ifn, ls);
}

void
tw_run(struct tw *w, simtime_t delta)
{
	engine_run(w->eng, engine_timebase(w->eng)->tb_now + delta);
}

static void
host_fini(struct tw *w, struct tw_host *h)
{
	struct strbuf sb = { 0 };

	inet_purge(h->v);
	tw_run(w, SIM_SEC); /* tasks that drop orphans */
	for (unsigned i = 0; i < h->ports; i++)
		if_detach(&h->port[i].ifn);
	if (vnet_leaks(h->v, &sb) != 0)
		fail_msg("%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	for (unsigned i = 0; i < h->ports; i++)
		assert_int_equal(h->port[i].tags, 0);
	inet_detach(h->v);
	net_detach(h->v);
	vnet_destroy(h->v);
}

void
tw_free(struct tw *w)
{
	struct tw_frame *f;

	while ((f = w->frames) != NULL) {
		w->frames = f->next;
		timebase_cancel(engine_timebase(w->eng), &f->ev);
		free(f);
	}
	w->hook = NULL;
	host_fini(w, &w->a);
	w->b.port[0].peer = w->b.port[1].peer = NULL;
	host_fini(w, &w->b);
	while ((f = w->frames) != NULL) {
		w->frames = f->next;
		free(f);
	}
	hostpool_destroy(w->jobs);
	engine_destroy(w->eng);
	free(w);
}

/* --- applications --- */

static uint8_t
pattern(uint8_t salt, uint64_t off)
{
	uint64_t x = off / 7 * 0x9e3779b97f4a7c15ULL + salt;

	return ((uint8_t)(x >> 56) ^ (uint8_t)off);
}

static void
app_read(struct tw_app *a)
{
	static uint8_t buf[65536];
	struct kiovec iov;
	struct uio uio;
	int error, flags;

	for (;;) {
		iov = (struct kiovec) { buf, sizeof(buf) };
		uio_init(&uio, &iov, 1);
		flags = 0;
		error = soreceive(a->so, &uio, NULL, &flags);
		if (error == EWOULDBLOCK)
			return;
		if (error != 0) {
			a->error = error;
			return;
		}
		if (uio.uio_offset == 0) {
			a->eof = true;
			return;
		}
		for (size_t i = 0; i < uio.uio_offset && !a->raw; i++)
			if (buf[i] != pattern(a->salt ^ 1, a->rcvd + i))
				fail_msg("byte %llu is wrong",
				    (unsigned long long)(a->rcvd + i));
		a->rcvd += uio.uio_offset;
	}
}

static void
app_write(struct tw_app *a)
{
	static uint8_t buf[65536];
	struct kiovec iov;
	struct uio uio;
	size_t n;
	int error;

	while (a->sent < a->to_send) {
		n = MIN(a->to_send - a->sent,
		    a->chunk ? a->chunk : sizeof(buf));
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(a->salt, a->sent + i);
		iov = (struct kiovec) { buf, n };
		uio_init(&uio, &iov, 1);
		error = sosend(a->so, &uio, NULL, 0);
		a->sent += uio.uio_offset;
		if (error == EWOULDBLOCK)
			return;
		if (error != 0) {
			a->error = error;
			return;
		}
	}
	if (a->shut_after) {
		a->shut_after = false;
		soshutdown(a->so, 1);
	}
}

static void
app_run(void *arg)
{
	struct tw_app *a = arg;

	if (a->so == NULL)
		return;
	a->events++;
	if ((a->so->so_state & SS_ISCONNECTED) != 0)
		a->connected = true;
	if (a->so->so_error != 0) {
		a->error = so_geterror(a->so);
		return;
	}
	if (!a->connected)
		return;
	if (!a->stop_reading && !a->eof)
		app_read(a);
	if (a->so != NULL && a->error == 0)
		app_write(a);
	if (a->close_after && a->eof && a->sent == a->to_send)
		tw_app_close(a);
}

void
tw_app_kick(struct tw_app *a)
{
	timebase_post_in(engine_timebase(a->w->eng), &a->ev, 0);
}

static void
app_upcall(struct socket *so, void *arg, enum so_event ev)
{
	tw_app_kick(arg);
}

void
tw_app_attach(struct tw_app *a, struct tw *w, struct socket *so, uint8_t salt)
{
	a->w = w;
	a->so = so;
	a->salt = salt;
	sim_event_init(&a->ev, EV_APP, "app", app_run, a);
	soupcall_set(so, app_upcall, a);
	tw_app_kick(a);
}

void
tw_app_close(struct tw_app *a)
{
	if (a->so == NULL)
		return;
	timebase_cancel(engine_timebase(a->w->eng), &a->ev);
	soclose(a->so);
	a->so = NULL;
}

static void
accept_upcall(struct socket *so, void *arg, enum so_event ev)
{
	struct tw_pair *p = arg;
	struct tw_app *s = &p->s;

	/* In tests it is safe to note it and let the event do the rest. */
	if (s->so == NULL)
		timebase_post_in(engine_timebase(s->w->eng), &s->ev, 0);
}

static void
accept_run(void *arg)
{
	struct tw_pair *p = arg;
	struct socket *so;

	if (soaccept(p->lso, &so) == 0)
		tw_app_attach(&p->s, p->s.w, so, 3);
}

void
tw_listen(struct tw *w, struct tw_pair *p, int family, int backlog)
{
	struct ksockaddr any = { .sa_family = (uint8_t)family, .sa_port = 443 };

	assert_int_equal(socreate(w->b.v, &tcp_protosw, family, &p->lso), 0);
	assert_int_equal(sobind(p->lso, &any), 0);
	assert_int_equal(solisten(p->lso, backlog), 0);
	p->s.w = w;
	sim_event_init(&p->s.ev, EV_APP, "accept", accept_run, p);
	soupcall_set(p->lso, accept_upcall, p);
}

void
tw_connect_start(struct tw *w, struct tw_pair *p, int family)
{
	struct ksockaddr to = tw_sa(family, 2, 443);
	struct socket *so;

	assert_int_equal(socreate(w->a.v, &tcp_protosw, family, &so), 0);
	assert_int_equal(soconnect(so, &to), EINPROGRESS);
	tw_app_attach(&p->c, w, so, 2);
}

void
tw_connect(struct tw *w, struct tw_pair *p, int family)
{
	tw_listen(w, p, family, 8);
	tw_connect_start(w, p, family);
	for (int i = 0; i < 600 && (p->s.so == NULL || !p->c.connected); i++)
		tw_run(w, 100 * SIM_MS);
	assert_true(p->c.connected);
	assert_non_null(p->s.so);
}

int
tw_tls_tx(struct tw_app *a)
{
	static const uint8_t key[16] = "0123456789abcde", salt[4] = "abc";
	struct tls_enable en = { .cipher_key = key,
		.iv = salt,
		.cipher_algorithm = CRYPTO_AES_NIST_GCM_16,
		.cipher_key_len = 16,
		.iv_len = 4,
		.tls_vmajor = 3,
		.tls_vminor = 3 };
	struct sockopt sopt = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = TCP_TXTLS_ENABLE,
		.sopt_val = &en,
		.sopt_valsize = sizeof(en) };

	return (sosetopt(a->so, &sopt));
}

void
tw_pair_close(struct tw_pair *p)
{
	tw_app_close(&p->c);
	tw_app_close(&p->s);
	if (p->lso != NULL) {
		timebase_cancel(engine_timebase(p->s.w->eng), &p->s.ev);
		soclose(p->lso);
		p->lso = NULL;
	}
}
