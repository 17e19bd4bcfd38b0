#include "nicbench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/tcp.h>

#include "support/reftls.h"

const uint8_t nb_mac[6] = { 2, 0, 0, 0, 0, 1 };

static void
nb_egress(void *arg, struct nic *n, struct frame *f)
{
	struct nb_port *p = arg;

	assert_ptr_equal(p->n, n);
	STAILQ_INSERT_TAIL(&p->got, f, f_link);
	p->count++;
}

static void
nb_wqe_flush(struct nb_port *p)
{
	if (p->repeats == 0)
		return;
	strbuf_addf(&p->wqes, "%s%s", p->wqes.sb_len > 0 ? " " : "", p->last);
	if (p->repeats > 1)
		strbuf_addf(&p->wqes, "x%u", p->repeats);
	p->repeats = 0;
}

static void
nb_dma(void *arg, struct nic *n, unsigned queue, bool completion,
    const uint8_t *bytes, uint32_t len, const char *text)
{
	struct nb_port *p = arg;
	size_t word = strcspn(text, " ");

	if (completion)
		return;
	if (p->log)
		strbuf_addf(&p->lines, "%s\n", text);
	if (word >= sizeof(p->last))
		word = sizeof(p->last) - 1;
	if (strlen(p->last) != word || strncmp(p->last, text, word) != 0)
		nb_wqe_flush(p);
	memcpy(p->last, text, word);
	p->last[word] = '\0';
	p->repeats++;
}

const char *
nb_wqes(struct nb_port *p)
{
	static char out[4096];

	nb_wqe_flush(p);
	snprintf(out, sizeof(out), "%s", strbuf_str(&p->wqes));
	strbuf_clear(&p->wqes);
	return (out);
}

static const struct nic_port_ops nb_ops = { .np_egress = nb_egress,
	.np_dma = nb_dma };
static struct nicbench *nb_current;

static void
nb_input(struct ifnet *ifp, struct mbuf *m)
{
	struct mbuf **mp;

	for (mp = &nb_current->rx; *mp != NULL; mp = &(*mp)->m_nextpkt)
		;
	*mp = m;
}

static void
nb_knobs(struct nic_params *np, const struct nic_model *model, const char *text)
{
	char name[32];
	unsigned long long val;
	int n, i;

	for (; sscanf(text, " %31[^= ]=%llu%n", name, &val, &n) == 2;
	     text += n) {
		i = nic_knob_find(model, name);
		assert_true(i >= 0);
		np->np_knobs[i] = val;
		np->np_knobs_set |= 1u << i;
	}
}

static void
nb_create(struct nicbench *b, const struct nic_model *model, uint32_t ring,
    const char *knobs)
{
	struct vnet_params vp = { .vp_name = "host",
		.vp_ncpus = 1,
		.vp_seed = 1 };
	struct nic_params np = { .np_model = model->nm_name,
		.np_rate_bps = NB_RATE,
		.np_mtu = 1500,
		.np_ring = ring,
		.np_pool = &b->pool,
		.np_ops = &nb_ops };

	nb_knobs(&np, model, knobs);
	memset(b, 0, sizeof(*b));
	nb_current = b;
	b->eng = engine_create();
	b->jobs = hostpool_create(0);
	vp.vp_tb = engine_timebase(b->eng);
	vp.vp_jobs = b->jobs;
	b->v = vnet_create(&vp);
	net_attach(b->v);
	framepool_init(&b->pool);
	memcpy(np.np_lladdr, nb_mac, 6);
	for (int i = 0; i < 2; i++) {
		STAILQ_INIT(&b->port[i].got);
		np.np_xname = i == 0 ? "mce0" : "mce1";
		np.np_arg = &b->port[i];
		assert_int_equal(nic_attach_model(b->v, model, &np,
				     &b->port[i].n),
		    0);
		nic_link(b->port[i].n, true);
		assert_int_equal(if_setflags(&b->port[i].n->n_if,
				     b->port[i].n->n_if.if_flags | IFF_UP),
		    0);
		b->port[i].n->n_if.if_input = nb_input;
	}
}

void
nb_init(struct nicbench *b, const char *model, uint32_t ring)
{
	nb_init_knobs(b, model, ring, "");
}

void
nb_init_model(struct nicbench *b, const struct nic_model *model, uint32_t ring)
{
	nb_create(b, model, ring, "");
}

void
nb_init_knobs(struct nicbench *b, const char *model, uint32_t ring,
    const char *knobs)
{
	nb_create(b, nic_model_find(model), ring, knobs);
}

void
nb_fini(struct nicbench *b)
{
	struct strbuf sb = { 0 };
	struct mbuf *m;

	while ((m = b->rx) != NULL) {
		b->rx = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
	for (int i = 0; i < 2; i++) {
		nb_clear(&b->port[i]);
		assert_int_equal(b->port[i].n->n_stats.tls_tags, 0);
		nic_detach(b->port[i].n);
		strbuf_fini(&b->port[i].wqes);
		strbuf_fini(&b->port[i].lines);
	}
	if (vnet_leaks(b->v, &sb) != 0 || framepool_leaks(&b->pool, &sb) != 0)
		fail_msg("%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	framepool_fini(&b->pool);
	net_detach(b->v);
	vnet_destroy(b->v);
	hostpool_destroy(b->jobs);
	engine_destroy(b->eng);
}

void
nb_run(struct nicbench *b)
{
	assert_int_equal(engine_run(b->eng, SIM_NEVER - 1), ENGINE_QUIET);
}

void
nb_clear(struct nb_port *p)
{
	struct frame *f;

	while ((f = STAILQ_FIRST(&p->got)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->got, f_link);
		frame_rele(f);
	}
	p->count = 0;
}

size_t
nb_payload(const struct nb_port *p, uint8_t *buf, size_t max)
{
	const struct frame *f;
	size_t n = 0;

	STAILQ_FOREACH(f, &p->got, f_link) {
		assert_true(n + f->f_paylen <= max);
		memcpy(buf + n, f->f_payload, f->f_paylen);
		n += f->f_paylen;
	}
	return (n);
}

struct frame *
nb_frame(const struct nb_port *p, unsigned i)
{
	struct frame *f;

	STAILQ_FOREACH(f, &p->got, f_link)
		if (i-- == 0)
			return (f);
	fail_msg("no such frame");
	return (NULL);
}

static uint32_t
nb_put_ip(const struct nb_hdr *h, uint8_t *ip, uint32_t l4len)
{
	uint8_t proto = h->udp ? 17 : 6;

	if (h->v6) {
		memset(ip, 0, 40);
		ip[0] = 0x60;
		ip[1] = 0x21; /* traffic class, flow label */
		be16enc(ip + 4, (uint16_t)l4len);
		ip[6] = proto;
		ip[7] = 63;
		memset(ip + 8, 0xfd, 16);
		memset(ip + 24, 0xfe, 16);
		return (40);
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = 0x02; /* ECT(0) */
	be16enc(ip + 2, (uint16_t)(20 + l4len));
	be16enc(ip + 4, h->id);
	be16enc(ip + 6, 0x4000);
	ip[8] = 61;
	ip[9] = proto;
	memcpy(ip + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	return (20);
}

static uint32_t
nb_put_l2(const struct nb_hdr *h, uint8_t *p)
{
	uint16_t type = h->v6 ? KETHERTYPE_IPV6 : KETHERTYPE_IP;

	memcpy(p, "\x02\x00\x00\x00\x00\x02", 6);
	memcpy(p + 6, nb_mac, 6);
	if (!h->vlan) {
		be16enc(p + 12, type);
		return (14);
	}
	be16enc(p + 12, KETHERTYPE_VLAN);
	be16enc(p + 14, 0x2064);
	be16enc(p + 16, type);
	return (18);
}

struct mbuf *
nb_packet(struct nicbench *b, const struct nb_hdr *h, struct mbuf *chain)
{
	uint32_t paylen = chain != NULL ? m_length(chain, NULL) : 0;
	uint32_t thlen = h->udp ? 20 : 20u + h->optlen, n;
	struct mbuf *m;
	uint8_t *p, *th;

	m = m_gethdr(b->v->v_mb, M_WAITOK, MT_DATA);
	p = m->m_data;
	n = nb_put_l2(h, p);
	n += nb_put_ip(h, p + n, thlen + paylen);
	th = p + n;
	memset(th, 0, 20);
	be16enc(th, 443);
	be16enc(th + 2, 50000);
	be32enc(th + 4, h->seq);
	be32enc(th + 8, 0x01020304);
	th[12] = (uint8_t)((thlen / 4) << 4);
	th[13] = h->flags != 0 ? h->flags : KTH_ACK;
	be16enc(th + 14, 1234);
	be16enc(th + 18, 77);
	for (uint32_t i = 20; i < thlen; i++)
		th[i] = (uint8_t)(0xa0 + i);
	m->m_len = (int32_t)(n + thlen);
	m->m_pkthdr.len = m->m_len + (int32_t)paylen;
	m->m_next = chain;
	if (!h->nocsum)
		m->m_pkthdr.csum_flags =
		    h->v6 ? CSUM_IP6_TCP : CSUM_IP | CSUM_IP_TCP;
	if (h->mss != 0) {
		m->m_pkthdr.csum_flags |= h->v6 ? CSUM_IP6_TSO : CSUM_IP_TSO;
		m->m_pkthdr.tso_segsz = (uint16_t)h->mss;
	}
	return (m);
}

int
nb_send(struct nicbench *b, uint32_t paylen, uint32_t seq, uint32_t mss)
{
	struct ifnet *ifp = &b->port[0].n->n_if;
	struct nb_hdr h = { .seq = seq, .mss = mss };

	return (
	    ifp->if_transmit(ifp, nb_packet(b, &h, nb_bytes(b, paylen, 0))));
}

struct mbuf *
nb_bytes(struct nicbench *b, uint32_t len, uint8_t first)
{
	struct mbuf *top = NULL, **mp = &top, *m;
	uint32_t n, at = 0;

	for (; len > 0; len -= n, mp = &m->m_next) {
		m = m_getjcl(b->v->v_mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
		n = MIN(len, (uint32_t)MCLBYTES);
		for (uint32_t i = 0; i < n; i++)
			m->m_data[i] = (uint8_t)(first + at++);
		m->m_len = (int32_t)n;
		*mp = m;
	}
	return (top);
}

/* --- TLS --- */

void
nb_tls_init(struct nicbench *b, struct nb_tls *t, const struct tls_suite *s)
{
	struct tls_session_params *tp = &t->tls.params;

	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < sizeof(t->key); i++)
		t->key[i] = (uint8_t)(i * 7 + 1);
	for (unsigned i = 0; i < sizeof(t->iv); i++)
		t->iv[i] = (uint8_t)(0xc0 + i);
	t->tls.vnet = b->v;
	t->tls.refcount = 1;
	t->tls.tx = true;
	t->tls.direction = KTLS_TX;
	t->tls.mode = TCP_TLS_MODE_IFNET;
	tp->suite = s;
	tp->cipher_key = t->key;
	tp->cipher_key_len = s->key_len;
	memcpy(tp->iv, t->iv, s->iv_len);
	tp->iv_len = s->iv_len;
	tp->max_frame_len = TLS_MAX_MSG_SIZE_V10_2;
	tp->tls_vmajor = TLS_MAJOR_VER_ONE;
	tp->tls_vminor = s->vminor;
	tp->tls_hlen = s->hlen;
	tp->tls_tlen = s->tlen;
	if (s->cipher == TLS_CIPHER_CBC) {
		tp->auth_key = (uint8_t *)(uintptr_t)REFTLS_AUTH_KEY;
		tp->auth_key_len = REFTLS_AUTH_KEY_LEN;
	}
	t->conn = (struct if_snd_tag_conn) { .conn = 1,
		.local = { KAF_INET, 443, { { 10, 0, 0, 1 } } },
		.foreign = { KAF_INET, 50000, { { 10, 0, 0, 2 } } } };
	if (s->vminor == TLS_MINOR_VER_TWO && s->cipher == TLS_CIPHER_GCM)
		be64enc(tp->iv + 8, 0xfedcba9876543210ULL);
}

void
nb_tls_fini(struct nb_tls *t)
{
	assert_int_equal(t->tls.refcount, 1);
}

struct mbuf *
nb_record(struct nicbench *b, struct nb_tls *t, uint64_t seqno, uint32_t paylen)
{
	struct mbuf *m;
	uint32_t n, at = 0;
	vm_paddr_t pa;
	uint8_t *p;
	int enq = 0;

	m = mb_alloc_ext_pgs(b->v->v_mb, M_WAITOK, mb_free_mext_pgs);
	/* Begins in mid-page, so that pages and records do not agree. */
	m->m_epg.first_off = paylen < 16384 ? (uint16_t)(paylen % 97) : 0;
	while (at < paylen) {
		pa = vm_page_alloc(b->v->v_vm);
		p = PHYS_TO_DMAP(b->v->v_vm, pa);
		if (m->m_epg.npgs == 0)
			p += m->m_epg.first_off;
		n = PAGE_SIZE - (m->m_epg.npgs == 0 ? m->m_epg.first_off : 0u);
		n = MIN(n, paylen - at);
		for (uint32_t i = 0; i < n; i++, at++)
			p[i] = (uint8_t)(at * 31 + (at >> 8) + seqno);
		m->m_epg.pa[m->m_epg.npgs++] = pa;
		m->m_epg.last_len = (uint16_t)n;
		m->m_ext.ext_size += PAGE_SIZE;
	}
	m->m_len = (int32_t)paylen;
	ktls_frame(m, &t->tls, &enq, TLS_RLTYPE_APP);
	assert_int_equal(enq, 0);
	m->m_epg.seqno = seqno;
	return (m);
}

struct mbuf *
nb_slice(struct mbuf *rec, uint32_t off, uint32_t end)
{
	struct mbuf *n = m_get(rec->m_mb, M_WAITOK, MT_DATA);

	assert_true(end <= (uint32_t)rec->m_len);
	mb_dupcl(n, rec);
	n->m_epg_off += off;
	n->m_len = (int32_t)(end - off);
	return (n);
}

struct nb_wait {
	struct if_snd_tag_wait iw;
	bool done;
	int error;
	struct m_snd_tag *mst;
};

static void
nb_answered(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *mst)
{
	struct nb_wait *w = containerof(iw, struct nb_wait, iw);

	assert_false(w->done);
	w->done = true;
	w->error = error;
	w->mst = mst;
}

int
nb_tag_try(struct nb_port *p, const struct if_snd_tag_alloc_params *ask,
    struct m_snd_tag **out)
{
	struct if_snd_tag_alloc_params par = *ask;
	struct nb_wait w = { .iw.iw_done = nb_answered };
	int error;

	par.wait = &w.iw;
	error = m_snd_tag_alloc(&p->n->n_if, &par, out);
	if (error != EINPROGRESS)
		return (error);
	while (!w.done)
		assert_true(engine_step(nb_current->eng, SIM_NEVER - 1));
	*out = w.mst;
	return (w.error);
}

struct m_snd_tag *
nb_tag(struct nb_port *p, struct nb_tls *t)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS,
		.flowid = 1,
		.flowtype = M_HASHTYPE_OPAQUE,
		.tls = &t->tls,
		.conn = t->conn };
	struct m_snd_tag *mst;

	assert_int_equal(nb_tag_try(p, &par, &mst), 0);
	return (mst);
}

void
nb_settag(struct mbuf *m, struct m_snd_tag *mst)
{
	m->m_pkthdr.snd_tag = m_snd_tag_ref(mst);
	m->m_pkthdr.csum_flags |= CSUM_SND_TAG;
}
