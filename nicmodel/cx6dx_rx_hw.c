/*
 * ConnectX-6 Dx, card: receiving contexts (TIR) and the rules that lead to
 * them. A frame is decrypted as a whole or left as it came: one that holds
 * bytes of a record whose beginning was missed is left, though the cipher
 * follows what it can.
 *
 * Source: nic-models.md 4.3; what a packet of both kinds becomes is a model's
 * choice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/netinet/tcp.h>

#include "cx6dx_hw.h"

#define TLS_HDR	   5
#define TAG_LEN	   16
#define REC_MAXLEN (16384 + 256)

/* --- tables --- */

static bool
tir_used(const void *item)
{
	return (*(struct cx_tir *const *)item != NULL);
}

static struct cx_tir *
tir(const struct cx_hw *h, uint64_t tirn)
{
	if (tirn == 0 || tirn > h->h_tir_table.t_size)
		return (NULL);
	return (h->h_tir[tirn - 1]);
}

const struct cx_tir *
cx_tir(const struct cx_hw *h, uint32_t tirn)
{
	return (tir(h, tirn));
}

static void
crypt_drop(struct cx_tir *t)
{
	tls_stream_destroy(t->ct_stream);
	tls_crypt_destroy(t->ct_crypt);
	t->ct_stream = NULL;
	t->ct_crypt = NULL;
}

static void
tir_destroy(struct cx_hw *h, uint32_t tirn)
{
	struct cx_tir *t = h->h_tir[tirn - 1];

	if (t->ct_ruled)
		LIST_REMOVE(t, ct_link);
	crypt_drop(t);
	explicit_bzero(t, sizeof(*t));
	free(t);
	h->h_tir[tirn - 1] = NULL;
	cx_table_give(&h->h_tir_table, tirn);
}

static unsigned
rule_bucket(const struct cx_rule *r)
{
	uint8_t key[36];

	memcpy(key, r->r_src, 16);
	memcpy(key + 16, r->r_dst, 16);
	be16enc(key + 32, r->r_sport);
	be16enc(key + 34, r->r_dport);
	return ((unsigned)(hash64(key, sizeof(key), 0) % CX_RULE_BUCKETS));
}

static bool
rule_eq(const struct cx_rule *a, const struct cx_rule *b)
{
	return (a->r_ipv6 == b->r_ipv6 && a->r_vlan == b->r_vlan &&
	    a->r_sport == b->r_sport && a->r_dport == b->r_dport &&
	    memcmp(a->r_src, b->r_src, 16) == 0 &&
	    memcmp(a->r_dst, b->r_dst, 16) == 0);
}

static void
create_tir(struct cx_hw *h, struct nic_cmd *cmd)
{
	void *items = h->h_tir;
	uint32_t tirn;

	tirn = cx_table_take(&h->h_tir_table, &items, sizeof(struct cx_tir *),
	    tir_used);
	h->h_tir = items;
	if (tirn == 0) {
		cmd->c_status = ENOMEM;
		return;
	}
	h->h_tir[tirn - 1] = xcalloc(1, sizeof(struct cx_tir));
	cmd->c_out[0] = tirn;
}

void
cx_rx_cmd(struct cx_hw *h, struct nic_cmd *cmd)
{
	struct cx_tir *t;

	if (cmd->c_op == CX_CREATE_TIR) {
		create_tir(h, cmd);
		return;
	}
	if ((t = tir(h, cmd->c_in[0])) == NULL) {
		cmd->c_status = EINVAL;
		return;
	}
	switch (cmd->c_op) {
	case CX_DESTROY_TIR:
		tir_destroy(h, (uint32_t)cmd->c_in[0]);
		return;
	case CX_ADD_RULE:
		t->ct_rule = *(const struct cx_rule *)cmd->c_data;
		t->ct_ruled = true;
		LIST_INSERT_HEAD(&h->h_rules[rule_bucket(&t->ct_rule)], t,
		    ct_link);
		return;
	default:
		cmd->c_status = EINVAL;
	}
}

void
cx_rx_reset(struct cx_hw *h)
{
	for (uint32_t i = 0; i < h->h_tir_table.t_size; i++)
		if (h->h_tir[i] != NULL)
			tir_destroy(h, i + 1);
}

/* --- parameters --- */

/* The first time: where to begin. Later: the answer to what was asked. */
int
cx_rx_static(struct cx_hw *h, uint32_t tirn, const struct cx_static *ps)
{
	struct cx_key *k = cx_key_of(h, ps);
	struct cx_tir *t = tir(h, tirn);

	if (t == NULL || k == NULL)
		return (NIC_EXEC_BAD);
	t->ct_params = *ps;
	if (t->ct_loaded) {
		if (t->ct_tracker == CX_TRACKER_TRACKING &&
		    t->ct_auth == CX_AUTH_NO_OFFLOAD &&
		    be32dec(ps->ps_resync_seq) == t->ct_resync_seq) {
			t->ct_confirmed = true;
			t->ct_confirm_recno = be64dec(ps->ps_recno);
		}
		return (0);
	}
	crypt_drop(t);
	if ((t->ct_crypt = cx_crypt(k, ps)) != NULL)
		t->ct_stream = tls_stream_create_rx(t->ct_crypt);
	if (t->ct_stream == NULL)
		return (NIC_EXEC_BAD);
	t->ct_hlen = tls_crypt_suite(t->ct_crypt)->hlen;
	return (0);
}

int
cx_rx_progress(struct cx_hw *h, uint32_t tirn)
{
	struct cx_tir *t = tir(h, tirn);

	if (t == NULL || t->ct_stream == NULL)
		return (NIC_EXEC_BAD);
	t->ct_loaded = true;
	t->ct_tracker = CX_TRACKER_START;
	t->ct_auth = CX_AUTH_NO_OFFLOAD;
	t->ct_next = be32dec(t->ct_params.ps_resync_seq);
	t->ct_recno = be64dec(t->ct_params.ps_recno);
	return (0);
}

/* --- following the stream --- */

/* One frame's payload on its way through. */
struct rx_walk {
	const uint8_t *in;
	uint8_t *out; /* as many bytes */
	uint32_t at, len;
	bool clean; /* all of it belongs to records that are decrypted */
	bool bad;   /* a tag was wrong */
};

static bool
header_like(const uint8_t *p)
{
	uint32_t len = be16dec(p + 3);

	return (p[0] >= 20 && p[0] <= 23 && p[1] == 3 && p[2] == 3 &&
	    len > TAG_LEN && len <= REC_MAXLEN);
}

static void
search(struct cx_tir *t)
{
	t->ct_tracker = CX_TRACKER_SEARCHING;
	t->ct_auth = CX_AUTH_NO_OFFLOAD;
	t->ct_candidate = t->ct_confirmed = t->ct_decrypting = false;
	t->ct_off = 0;
}

/* Five bytes of a header are there. False: it is none, the way is lost. */
static bool
header_seen(struct cx_tir *t, uint32_t header_seq)
{
	if (!header_like(t->ct_hdr)) {
		search(t);
		return (false);
	}
	t->ct_len = TLS_HDR + be16dec(t->ct_hdr + 3);
	if (t->ct_tracker == CX_TRACKER_SEARCHING && t->ct_candidate) {
		/* The second one, where the first one's length said. */
		t->ct_tracker = CX_TRACKER_TRACKING;
		t->ct_candidate = false;
		t->ct_resync_seq = header_seq;
		t->ct_since = 0;
	} else if (t->ct_tracker == CX_TRACKER_SEARCHING)
		t->ct_candidate = true;
	return (true);
}

/* A record begins: is it decrypted? */
static void
record_begin(struct cx_tir *t)
{
	if (t->ct_confirmed) {
		t->ct_confirmed = false;
		t->ct_auth = CX_AUTH_OFFLOAD;
		t->ct_recno = t->ct_confirm_recno + t->ct_since;
	}
	t->ct_decrypting = t->ct_tracker == CX_TRACKER_TRACKING &&
	    t->ct_auth == CX_AUTH_OFFLOAD &&
	    t->ct_len >= (uint32_t)t->ct_hlen + TAG_LEN;
}

static void
record_end(struct cx_tir *t, struct rx_walk *w)
{
	if (t->ct_decrypting && tls_stream_verify(t->ct_stream, t->ct_tag) != 0)
		w->bad = true;
	t->ct_off = 0;
	t->ct_recno++;
	t->ct_since++;
}

/* Header bytes, up to what the nonce needs. False: lost. */
static bool
walk_header(struct cx_tir *t, struct rx_walk *w)
{
	uint32_t seq = t->ct_next - t->ct_off;

	t->ct_hdr[t->ct_off++] = w->out[w->at] = w->in[w->at];
	w->at++;
	t->ct_next++;
	if (t->ct_off == TLS_HDR) {
		if (!header_seen(t, seq))
			return (false);
		record_begin(t);
	}
	if (t->ct_off >= TLS_HDR && !t->ct_decrypting)
		w->clean = false;
	if (t->ct_off == t->ct_hlen && t->ct_decrypting)
		tls_stream_start(t->ct_stream, t->ct_hdr, t->ct_recno);
	return (true);
}

static void
walk_body(struct cx_tir *t, struct rx_walk *w)
{
	uint32_t end = t->ct_len - TAG_LEN, n;

	if (t->ct_off < end) {
		n = MIN(w->len - w->at, end - t->ct_off);
		if (t->ct_decrypting)
			tls_stream_update(t->ct_stream, w->in + w->at,
			    w->out + w->at, n);
	} else {
		n = MIN(w->len - w->at, t->ct_len - t->ct_off);
		memcpy(t->ct_tag + (t->ct_off - end), w->in + w->at, n);
		memcpy(w->out + w->at, w->in + w->at, n);
	}
	if (!t->ct_decrypting)
		w->clean = false;
	w->at += n;
	t->ct_off += n;
	t->ct_next += n;
	if (t->ct_off == t->ct_len)
		record_end(t, w);
}

/* Look for a header from here on. */
static void
walk_search(struct cx_tir *t, struct rx_walk *w)
{
	w->clean = false;
	while (w->len - w->at >= TLS_HDR && !header_like(w->in + w->at)) {
		w->at++;
		t->ct_next++;
	}
	if (w->len - w->at < TLS_HDR) {
		t->ct_next += w->len - w->at;
		w->at = w->len;
	}
}

static void
walk(struct cx_tir *t, struct rx_walk *w)
{
	while (w->at < w->len) {
		if (t->ct_tracker == CX_TRACKER_SEARCHING && !t->ct_candidate &&
		    t->ct_off == 0) {
			walk_search(t, w);
			if (w->at == w->len)
				return;
		}
		if (t->ct_off < TLS_HDR ||
		    (t->ct_off < t->ct_hlen && t->ct_off < t->ct_len))
			(void)walk_header(t, w);
		else
			walk_body(t, w);
	}
}

/* The frame does not begin where the last one ended. False: nothing of it is
 * new. */
static bool
realign(struct cx_tir *t, uint32_t seq, struct rx_walk *w)
{
	uint32_t gap = seq - t->ct_next;

	if (SEQ_LT(seq, t->ct_next)) {
		w->clean = false;
		w->at = t->ct_next - seq;
		return (w->at < w->len);
	}
	if (t->ct_tracker == CX_TRACKER_START) {
		search(t); /* the place to begin at is over */
	} else if (t->ct_tracker == CX_TRACKER_TRACKING &&
	    t->ct_off >= TLS_HDR && gap <= t->ct_len - t->ct_off) {
		/* Inside the record: the next header is still known. */
		t->ct_decrypting = false;
		t->ct_off += gap;
		if (t->ct_off == t->ct_len)
			record_end(t, w);
	} else
		search(t);
	t->ct_next = seq;
	return (true);
}

static void
follow(struct cx_tir *t, uint32_t seq, struct rx_walk *w)
{
	if (seq != t->ct_next && !realign(t, seq, w))
		return;
	if (t->ct_tracker == CX_TRACKER_START) {
		t->ct_tracker = CX_TRACKER_TRACKING;
		t->ct_auth = CX_AUTH_OFFLOAD;
		t->ct_off = 0;
	}
	walk(t, w);
}

/* --- frames --- */

static struct cx_tir *
steer(struct cx_hw *h, const struct frame *f)
{
	const uint8_t *ip = f->f_hdr + f->f_l2len, *th = ip + f->f_l3len;
	struct cx_rule r = { .r_ipv6 = (ip[0] >> 4) == 6 };
	struct cx_tir *t;

	if (f->f_l2len > 14)
		r.r_vlan = be16dec(f->f_hdr + 14) & 0xfff;
	memcpy(r.r_src, ip + (r.r_ipv6 ? 8 : 12), r.r_ipv6 ? 16 : 4);
	memcpy(r.r_dst, ip + (r.r_ipv6 ? 24 : 16), r.r_ipv6 ? 16 : 4);
	r.r_sport = be16dec(th);
	r.r_dport = be16dec(th + 2);
	LIST_FOREACH(t, &h->h_rules[rule_bucket(&r)], ct_link)
		if (rule_eq(&t->ct_rule, &r))
			return (t);
	return (NULL);
}

static uint8_t *
rx_room(struct nic_card *c, uint32_t len)
{
	struct cx_hw *h = c->c_softc;

	if (h->h_rxbuf == NULL || h->h_rxused + len > FRAMEBUF_SIZE) {
		if (h->h_rxbuf != NULL)
			framebuf_rele(h->h_rxbuf);
		h->h_rxbuf = framebuf_alloc(c->c_pool);
		h->h_rxused = 0;
	}
	return (h->h_rxbuf->fb_data + h->h_rxused);
}

/* The same headers, its checksums known to be right, with other payload. */
static void
rx_replace(struct nic_card *c, struct frame **fp)
{
	struct cx_hw *h = c->c_softc;
	struct frame *f = *fp, *n = frame_alloc(c->c_pool);
	uint32_t refs = n->f_refs;
	struct framepool *pool = n->f_pool;

	*n = *f;
	n->f_refs = refs;
	n->f_pool = pool;
	n->f_flags |= FRAME_CSUM_LAZY;
	n->f_rxtls = RXTLS_DECRYPTED;
	n->f_payload = h->h_rxbuf->fb_data + h->h_rxused;
	n->f_buf = h->h_rxbuf;
	framebuf_ref(n->f_buf);
	h->h_rxused += f->f_paylen;
	frame_rele(f);
	*fp = n;
}

static bool
csum_right(const struct frame *f)
{
	bool l3ok, l4ok;

	if (f->f_flags & FRAME_CSUM_LAZY)
		return (true);
	frame_csum_check(f, &l3ok, &l4ok);
	return (l3ok && l4ok);
}

void
cx_hw_rx(struct nic_card *c, struct frame **fp)
{
	struct cx_hw *h = c->c_softc;
	struct frame *f = *fp;
	struct rx_walk w;
	struct cx_tir *t;

	if (h->h_tir_table.t_used == 0 || f->f_l4len == 0 || f->f_paylen == 0 ||
	    (t = steer(h, f)) == NULL || !t->ct_loaded || !csum_right(f))
		return;
	w = (struct rx_walk) { .in = f->f_payload,
		.out = rx_room(c, f->f_paylen),
		.len = f->f_paylen,
		.clean = true };
	follow(t, be32dec(f->f_hdr + f->f_l2len + f->f_l3len + 4), &w);
	if (w.bad) {
		/* Frames are shared: the mark goes on a copy. */
		memcpy(w.out, w.in, w.len);
		rx_replace(c, fp);
		(*fp)->f_rxtls = RXTLS_ERROR;
	} else if (w.clean)
		rx_replace(c, fp);
}
