/*
 * The ideal card against whole records: whatever piece of a record it is
 * asked for, on whatever tag, its bytes are those of one encryption of the
 * whole, and it says exactly what it had to read again.
 */
#include "nicstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "support/reftls.h"

static struct nicbench b;
static uint8_t want[REFTLS_MAX], got[4 * REFTLS_MAX];

static int
setup(void **state)
{
	nb_init(&b, "ideal", 0);
	return (0);
}

static int
teardown(void **state)
{
	nb_fini(&b);
	return (0);
}

/* The record's bytes by tls_record_encrypt; compared with libcrypto's. */
static uint32_t
whole_record(struct nb_tls *t, struct mbuf *rec, uint8_t *out)
{
	const struct tls_suite *s = t->tls.params.suite;
	uint32_t len = (uint32_t)rec->m_len, pay = len - s->hlen - s->tlen;
	uint8_t *plain = malloc(len), *ref = malloc(len);
	struct tls_crypt *tc;
	struct tls_iov iov;
	uint64_t nonce = 0;

	m_copydata(rec, 0, (int)len, plain);
	memcpy(out, plain, s->hlen);
	iov = (struct tls_iov) { plain + s->hlen, out + s->hlen, pay };
	tc = tls_crypt_create(&crypto_openssl, s,
	    &(struct tls_keys) { .key = t->key, .iv = t->iv }, 1);
	assert_int_equal(tls_record_encrypt(tc, 0, out, rec->m_epg.seqno,
			     TLS_RLTYPE_APP, &iov, 1, out + s->hlen + pay),
	    0);
	tls_crypt_destroy(tc);
	for (int i = 5; i < s->hlen; i++)
		nonce = nonce << 8 | plain[i];
	assert_int_equal(reftls_seal(s, t->key, t->iv, nonce, rec->m_epg.seqno,
			     TLS_RLTYPE_APP, plain + s->hlen, pay, 0, ref),
	    len);
	assert_memory_equal(ref, out, len);
	free(plain);
	free(ref);
	return (len);
}

static int
hand_over(struct nb_port *p, struct m_snd_tag *mst, struct mbuf *chain,
    uint32_t mss)
{
	struct nb_hdr h = { .seq = 1000, .mss = mss };
	struct mbuf *m = nb_packet(&b, &h, chain);

	if (mst != NULL)
		nb_settag(m, mst);
	return (p->n->n_if.if_transmit(&p->n->n_if, m));
}

/* Send a chain of record pieces with a tag; the wire's bytes go to got. */
static size_t
wire(struct nb_port *p, struct m_snd_tag *mst, struct mbuf *chain, uint32_t mss)
{
	size_t n;

	assert_int_equal(hand_over(p, mst, chain, mss), 0);
	nb_run(&b);
	n = nb_payload(p, got, sizeof(got));
	nb_clear(p);
	return (n);
}

/* --- every cut of one record --- */

struct cutter {
	struct nb_tls t;
	struct mbuf *rec, *other;
	uint32_t len;
	struct m_snd_tag *moved;
	unsigned cuts;
};

static void
cutter_init(struct cutter *c, const struct tls_suite *s, uint32_t paylen)
{
	nb_tls_init(&b, &c->t, s);
	c->rec = nb_record(&b, &c->t, 5, paylen);
	c->other = nb_record(&b, &c->t, 6, 40);
	c->len = whole_record(&c->t, c->rec, want);
	c->moved = nb_tag(&b.port[0], &c->t);
	c->cuts = 0;
}

static void
cutter_fini(struct cutter *c)
{
	m_snd_tag_rele(c->moved);
	m_freem(c->rec);
	m_freem(c->other);
	nb_tls_fini(&c->t);
}

static void
cut_on(struct cutter *c, struct m_snd_tag *mst, uint32_t from, uint32_t to,
    bool expect_restart)
{
	struct nic_stats before = b.port[0].n->n_stats, *st;

	assert_int_equal(wire(&b.port[0], mst, nb_slice(c->rec, from, to), 0),
	    to - from);
	if (memcmp(got, want + from, to - from) != 0)
		fail_msg("%s record %u: bytes [%u, %u) differ",
		    c->t.tls.params.suite->name, c->len, from, to);
	st = &b.port[0].n->n_stats;
	assert_int_equal(st->tls_restarts - before.tls_restarts,
	    expect_restart);
	assert_int_equal(st->dma_reread - before.dma_reread,
	    expect_restart ? from : 0);
	assert_int_equal(st->dma_payload - before.dma_payload,
	    to - from + (expect_restart ? from : 0));
	assert_int_equal(st->tls_bytes - before.tls_bytes, to - from);
	c->cuts++;
}

/* On a tag that has seen nothing, and on one that stands in another record. */
static void
cut(struct cutter *c, uint32_t from, uint32_t to)
{
	struct m_snd_tag *fresh = nb_tag(&b.port[0], &c->t);

	cut_on(c, fresh, from, to, from > 0);
	m_snd_tag_rele(fresh);
	(void)wire(&b.port[0], c->moved, nb_slice(c->other, 3, 7 + from % 30),
	    0);
	cut_on(c, c->moved, from, to, from > 0);
}

static void
all_cuts(uint32_t paylen)
{
	struct cutter c;

	for (unsigned i = 0; i < NB_NSUITES; i++) {
		cutter_init(&c, &tls_suites[i], paylen);
		for (uint32_t from = 0; from < c.len; from++)
			for (uint32_t to = from + 1; to <= c.len; to++)
				cut(&c, from, to);
		assert_int_equal(c.cuts, c.len * (c.len + 1));
		cutter_fini(&c);
	}
}

static void
test_every_cut_of_a_record_of_one_byte_is_exact(void **state)
{
	all_cuts(1);
}

static void
test_every_cut_of_a_record_of_sixteen_bytes_is_exact(void **state)
{
	all_cuts(16);
}

static void
test_every_cut_of_a_record_of_a_hundred_bytes_is_exact(void **state)
{
	all_cuts(100);
}

static void
test_every_start_and_every_end_of_a_segment_sized_record_is_exact(void **state)
{
	struct cutter c;

	for (unsigned i = 0; i < NB_NSUITES; i++) {
		cutter_init(&c, &tls_suites[i], 1448);
		for (uint32_t at = 0; at < c.len; at++) {
			cut(&c, at, c.len);
			cut(&c, at, at + 1);
			cut(&c, at * 7 % (at + 1), at + 1);
		}
		cutter_fini(&c);
	}
}

static void
test_a_full_record_is_exact_around_every_segment_boundary(void **state)
{
	struct cutter c;
	uint32_t from, to;

	for (unsigned i = 0; i < NB_NSUITES; i++) {
		cutter_init(&c, &tls_suites[i], 16384);
		for (uint32_t at = 0; at + 1448 <= c.len; at += 1448)
			for (int d = -1; d <= 1; d++) {
				if ((int)at + d < 0)
					continue;
				from = (uint32_t)((int)at + d);
				cut(&c, from, MIN(from + 1448, c.len));
				cut(&c, from, c.len);
			}
		for (from = 17; from < c.len; from += 1237) {
			to = from + (from * 11) % (c.len - from) + 1;
			cut(&c, from, MIN(to, c.len));
		}
		/* The last bytes: type, tag, one by one. */
		for (from = c.len - 20; from < c.len; from++)
			cut(&c, from, c.len);
		cutter_fini(&c);
	}
}

/* --- streaming --- */

#define NREC 5
static const uint32_t sizes[NREC] = { 100, 1, 1448, 16, 3000 };

static void
stream_init(struct nb_stream *st, const struct tls_suite *s)
{
	nb_stream_init(&b, st, s, sizes, NREC);
}

static void
stream_all(struct nb_stream *st, uint32_t burst, uint32_t mss)
{
	struct nic_stats before = b.port[0].n->n_stats, *now;
	struct m_snd_tag *mst = nb_tag(&b.port[0], &st->t);
	uint32_t end = st->at[NREC], n;

	for (uint32_t off = 0; off < end; off += n) {
		n = MIN(burst, end - off);
		assert_int_equal(wire(&b.port[0], mst,
				     nb_stream_chain(st, off, off + n), mss),
		    n);
		if (memcmp(got, st->bytes + off, n) != 0)
			fail_msg("burst %u mss %u differs at %u", burst, mss,
			    off);
	}
	m_snd_tag_rele(mst);
	now = &b.port[0].n->n_stats;
	assert_int_equal(now->tls_restarts, before.tls_restarts);
	assert_int_equal(now->dma_reread, before.dma_reread);
	assert_int_equal(now->dma_payload - before.dma_payload, end);
	assert_int_equal(now->tls_packets - before.tls_packets,
	    howmany(end, burst));
}

static void
test_records_in_order_are_never_read_twice_whatever_the_mss(void **state)
{
	struct nb_stream st;

	for (unsigned i = 0; i < NB_NSUITES; i++) {
		stream_init(&st, &tls_suites[i]);
		for (uint32_t mss = 1; mss <= 1448; mss += mss < 40 ? 1 : 61)
			stream_all(&st, st.at[NREC], mss);
		for (uint32_t burst = 1; burst <= 3000;
		     burst += burst < 8 ? 3 : 311)
			stream_all(&st, burst, 536);
		nb_stream_fini(&st);
	}
}

static void
test_a_retransmission_over_three_records_rereads_only_the_first(void **state)
{
	struct m_snd_tag *mst;
	struct nic_stats before;
	struct nb_stream st;
	uint32_t from;

	stream_init(&st, tls_suite_byname("aes128-gcm-1.3"));
	mst = nb_tag(&b.port[0], &st.t);
	(void)wire(&b.port[0], mst, nb_stream_chain(&st, 0, st.at[NREC]), 1448);
	before = b.port[0].n->n_stats;
	from = st.at[0] + 50;
	assert_int_equal(wire(&b.port[0], mst,
			     nb_stream_chain(&st, from, st.at[2] + 700), 536),
	    st.at[2] + 700 - from);
	assert_memory_equal(got, st.bytes + from, st.at[2] + 700 - from);
	assert_int_equal(b.port[0].n->n_stats.tls_restarts -
		before.tls_restarts,
	    1);
	assert_int_equal(b.port[0].n->n_stats.dma_reread - before.dma_reread,
	    50);
	/* And goes straight on from where it now stands. */
	before = b.port[0].n->n_stats;
	from = st.at[2] + 700;
	assert_int_equal(wire(&b.port[0], mst,
			     nb_stream_chain(&st, from, st.at[NREC]), 536),
	    st.at[NREC] - from);
	assert_memory_equal(got, st.bytes + from, st.at[NREC] - from);
	assert_int_equal(b.port[0].n->n_stats.tls_restarts,
	    before.tls_restarts);
	m_snd_tag_rele(mst);
	nb_stream_fini(&st);
}

static void
test_the_first_frame_of_a_burst_tells_what_was_read_again(void **state)
{
	struct nb_hdr h = { .mss = 500 };
	struct nb_port *p = &b.port[0];
	struct m_snd_tag *mst;
	struct nb_stream st;
	struct mbuf *m;

	stream_init(&st, tls_suite_byname("aes256-gcm-1.2"));
	mst = nb_tag(p, &st.t);
	m = nb_packet(&b, &h,
	    nb_stream_chain(&st, st.at[2] + 300, st.at[3] + 9));
	nb_settag(m, mst);
	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if, m), 0);
	nb_run(&b);
	assert_int_equal(p->count, 3);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_reread, 300);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_rec_seqno, 102);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_rec_off, 300);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_mode, PKT_KTLS_IFNET);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_tag, mst->number);
	assert_int_equal(nb_frame(p, 1)->f_note.pn_reread, 0);
	assert_int_equal(nb_frame(p, 1)->f_note.pn_rec_off, 800);
	assert_int_equal(nb_frame(p, 2)->f_note.pn_rec_seqno, 102);
	nb_clear(p);
	m_snd_tag_rele(mst);
	nb_stream_fini(&st);
}

static void
test_a_new_port_continues_a_record_with_the_old_ports_bytes(void **state)
{
	struct m_snd_tag *t0, *t1;
	struct nb_stream st;
	uint32_t from, to;

	for (unsigned i = 0; i < NB_NSUITES; i++) {
		stream_init(&st, &tls_suites[i]);
		t0 = nb_tag(&b.port[0], &st.t);
		t1 = nb_tag(&b.port[1], &st.t);
		(void)wire(&b.port[0], t0, nb_stream_chain(&st, 0, st.at[NREC]),
		    1448);
		for (from = 1; from + 1448 < st.at[NREC]; from += 509) {
			to = from + 1448;
			assert_int_equal(wire(&b.port[1], t1,
					     nb_stream_chain(&st, from, to), 0),
			    1448);
			assert_memory_equal(got, st.bytes + from, 1448);
		}
		assert_true(b.port[1].n->n_stats.tls_restarts > 0);
		m_snd_tag_rele(t0);
		m_snd_tag_rele(t1);
		nb_stream_fini(&st);
	}
}

/* --- refusals --- */

static void
expect_refused(struct nb_port *p, struct m_snd_tag *mst, struct nb_stream *st)
{
	uint64_t refused = p->n->n_stats.tls_plain_refused;
	uint64_t oerrors = p->n->n_if.if_ctr.oerrors;

	assert_int_equal(hand_over(p, mst, nb_stream_chain(st, 0, 200), 0),
	    EINVAL);
	nb_run(&b);
	assert_int_equal(p->count, 0);
	assert_int_equal(p->n->n_stats.tls_plain_refused, refused + 1);
	assert_int_equal(p->n->n_if.if_ctr.oerrors, oerrors + 1);
	assert_int_equal(p->n->n_stats.tls_bytes, 0);
	assert_int_equal(nic_tx_pending(p->n), 0);
}

static void
test_a_plaintext_record_without_a_tag_of_this_port_never_leaves(void **state)
{
	struct m_snd_tag *mst;
	struct nb_stream st;

	stream_init(&st, tls_suite_byname("aes128-gcm-1.2"));
	expect_refused(&b.port[0], NULL, &st);
	mst = nb_tag(&b.port[1], &st.t);
	expect_refused(&b.port[0], mst, &st);
	m_snd_tag_rele(mst);
	nb_stream_fini(&st);
}

static void
test_bytes_that_belong_to_no_session_pass_a_tagged_packet_unchanged(
    void **state)
{
	struct m_snd_tag *mst;
	struct nb_stream st;

	stream_init(&st, tls_suite_byname("aes128-gcm-1.2"));
	mst = nb_tag(&b.port[0], &st.t);
	assert_int_equal(wire(&b.port[0], mst, nb_bytes(&b, 300, 9), 0), 300);
	for (int i = 0; i < 300; i++)
		assert_int_equal(got[i], (uint8_t)(9 + i));
	assert_int_equal(b.port[0].n->n_stats.tls_bytes, 0);
	m_snd_tag_rele(mst);
	nb_stream_fini(&st);
}

static void
test_tags_of_other_types_and_ciphers_are_refused(void **state)
{
	static const enum if_snd_tag_type types[] = {
		IF_SND_TAG_TYPE_RATE_LIMIT, IF_SND_TAG_TYPE_UNLIMITED,
		IF_SND_TAG_TYPE_TLS_RATE_LIMIT, IF_SND_TAG_TYPE_TLS_RX
	};
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS };
	struct m_snd_tag *mst;
	struct nb_tls t;

	nb_tls_init(&b, &t, &tls_suites[0]);
	par.tls = &t.tls;
	for (unsigned i = 0; i < nitems(types); i++) {
		par.type = types[i];
		assert_int_equal(m_snd_tag_alloc(&b.port[0].n->n_if, &par,
				     &mst),
		    EOPNOTSUPP);
		assert_null(mst);
	}
	par.type = IF_SND_TAG_TYPE_TLS;
	for (unsigned i = NB_NSUITES; i < tls_nsuites; i++) {
		t.tls.params.suite = &tls_suites[i];
		assert_int_equal(m_snd_tag_alloc(&b.port[0].n->n_if, &par,
				     &mst),
		    EPROTONOSUPPORT);
	}
	t.tls.params.suite = &tls_suites[0];
	b.v->v_kmem.km_fail_at = b.v->v_kmem.km_nowait + 1;
	assert_int_equal(m_snd_tag_alloc(&b.port[0].n->n_if, &par, &mst),
	    ENOMEM);
	assert_int_equal(b.port[0].n->n_stats.tls_tags_taken, 0);
	assert_int_equal(b.port[0].n->n_if.if_tags, 0);
}

static void
test_tags_are_counted_and_live_as_long_as_their_packets(void **state)
{
	struct nic_stats *st = &b.port[0].n->n_stats;
	struct m_snd_tag *a, *c;
	struct nb_hdr h = { .seq = 1 };
	struct nb_tls t;
	struct mbuf *m;

	nb_tls_init(&b, &t, &tls_suites[3]);
	a = nb_tag(&b.port[0], &t);
	c = nb_tag(&b.port[0], &t);
	assert_true(a->number != c->number);
	assert_int_equal(st->tls_tags, 2);
	m_snd_tag_rele(a);
	assert_int_equal(st->tls_tags, 1);
	assert_int_equal(st->tls_tags_max, 2);
	m = nb_packet(&b, &h, nb_bytes(&b, 10, 0));
	nb_settag(m, c);
	m_snd_tag_rele(c);
	assert_int_equal(b.port[0].n->n_if.if_transmit(&b.port[0].n->n_if, m),
	    0);
	assert_int_equal(st->tls_tags, 1); /* the ring has it */
	nb_run(&b);
	assert_int_equal(st->tls_tags, 0);
	assert_int_equal(st->tls_tags_taken, 2);
	assert_int_equal(st->tls_tags_released, 2);
	assert_int_equal(b.port[0].n->n_if.if_tags, 0);
}

static void
test_a_tag_keeps_its_own_copy_of_the_keys(void **state)
{
	struct m_snd_tag *mst;
	struct nb_stream st;
	uint8_t key[32];

	stream_init(&st, tls_suite_byname("chacha20-poly1305-1.3"));
	mst = nb_tag(&b.port[0], &st.t);
	memcpy(key, st.t.key, sizeof(key));
	memset(st.t.key, 0, sizeof(st.t.key));
	assert_int_equal(wire(&b.port[0], mst, nb_stream_chain(&st, 60, 1000),
			     0),
	    940);
	assert_memory_equal(got, st.bytes + 60, 940);
	memcpy(st.t.key, key, sizeof(key));
	m_snd_tag_rele(mst);
	nb_stream_fini(&st);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_every_cut_of_a_record_of_one_byte_is_exact),
		T(test_every_cut_of_a_record_of_sixteen_bytes_is_exact),
		T(test_every_cut_of_a_record_of_a_hundred_bytes_is_exact),
		T(test_every_start_and_every_end_of_a_segment_sized_record_is_exact),
		T(test_a_full_record_is_exact_around_every_segment_boundary),
		T(test_records_in_order_are_never_read_twice_whatever_the_mss),
		T(test_a_retransmission_over_three_records_rereads_only_the_first),
		T(test_the_first_frame_of_a_burst_tells_what_was_read_again),
		T(test_a_new_port_continues_a_record_with_the_old_ports_bytes),
		T(test_a_plaintext_record_without_a_tag_of_this_port_never_leaves),
		T(test_bytes_that_belong_to_no_session_pass_a_tagged_packet_unchanged),
		T(test_tags_of_other_types_and_ciphers_are_refused),
		T(test_tags_are_counted_and_live_as_long_as_their_packets),
		T(test_a_tag_keeps_its_own_copy_of_the_keys),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
