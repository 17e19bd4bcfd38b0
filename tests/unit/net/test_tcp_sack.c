/*
 * The scoreboard against an array that knows each byte: whatever comes in,
 * also nonsense, the holes are exactly what was not SACKed below the highest
 * that was, and the sums are theirs.
 */
#include "netwire.h"

#include "tcp_private.h"

#define SPACE 4096
#define MSS   100

static struct tw *w;
static struct socket *so;
static struct tcpcb *tp;
static struct prng rnd;
static bool there[SPACE]; /* by offset from una0 */
static uint32_t una0;

static int
setup(void **state)
{
	w = tw_new(1, 0);
	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &so), 0);
	tp = sototcpcb(so);
	tp->t_flags &= ~TF_RCVD_TSTMP;
	tp->t_maxseg = MSS;
	tp->max_sndwnd = SPACE;
	una0 = UINT32_MAX - 1000; /* wraps on the way */
	tp->snd_una = tp->snd_fack = una0;
	tp->snd_nxt = tp->snd_max = tp->snd_recover = una0 + SPACE;
	memset(there, 0, sizeof(there));
	prng_init(&rnd, 7, "sack test");
	return (0);
}

static int
teardown(void **state)
{
	tcp_free_sackholes(tp);
	soclose(so);
	tw_free(w);
	return (0);
}

static enum sackstatus
ack(uint32_t seq, unsigned n, const struct tcp_range *blk)
{
	struct tcpopt to = { .to_flags = n > 0 ? TOF_SACK : 0, .to_nsacks = n };
	enum sackstatus st;

	memcpy(to.to_sacks, blk, n * sizeof(*blk));
	st = tcp_sack_doack(tp, &to, seq);
	if (SEQ_GT(seq, tp->snd_una))
		tp->snd_una = seq;
	return (st);
}

static void
compare_with_array(void)
{
	uint32_t from = tp->snd_una - una0, high = from, sacked = 0;
	const struct sackhole *p = TAILQ_FIRST(&tp->snd_holes);

	for (uint32_t i = from; i < SPACE; i++)
		if (there[i])
			high = i + 1;
	assert_int_equal(high > from ? una0 + high : tp->snd_una,
	    high > from ? tp->snd_fack : tp->snd_una);
	for (uint32_t i = from; i < high; i++) {
		if (there[i]) {
			sacked++;
			continue;
		}
		assert_non_null(p);
		assert_int_equal(p->start, una0 + i);
		for (; i < high && !there[i]; i++)
			;
		assert_int_equal(p->end, una0 + i);
		assert_true(
		    SEQ_GEQ(p->rxmit, p->start) && SEQ_LEQ(p->rxmit, p->end));
		i--;
		p = TAILQ_NEXT(p, scblink);
	}
	assert_null(p);
	assert_int_equal(tp->t_sacked, sacked);
}

/* What a receiver would say, and what it would not. */
static struct tcp_range
random_block(bool *sane)
{
	uint32_t una = tp->snd_una - una0;
	uint32_t a = una + (uint32_t)prng_below(&rnd, SPACE - una);
	uint32_t len = (uint32_t)prng_below(&rnd, 300);

	*sane = a > una && len > 0 && a + len <= SPACE;
	return ((struct tcp_range) { una0 + a, una0 + a + len });
}

static void
test_random_acks_agree_with_an_array(void **state)
{
	struct tcp_range blk[TCP_MAX_SACK];
	bool sane[TCP_MAX_SACK];
	struct sackhole *h;
	uint32_t seq, k;
	unsigned n;

	for (int round = 0; round < 3000; round++) {
		n = (unsigned)prng_below(&rnd, TCP_MAX_SACK + 1);
		for (unsigned i = 0; i < n; i++)
			blk[i] = random_block(&sane[i]);
		seq = tp->snd_una;
		/* The cumulative part is what is there, and a bit. */
		if (prng_below(&rnd, 40) == 0)
			seq += (uint32_t)prng_below(&rnd,
			    MIN(200, tp->snd_max - tp->snd_una));
		for (k = seq - una0; k < SPACE && there[k]; k++)
			seq++;
		(void)ack(seq, n, blk);
		for (unsigned i = 0; i < n; i++)
			for (k = blk[i].start - una0; sane[i] &&
			     SEQ_GT(blk[i].start, seq) && k < blk[i].end - una0;
			     k++)
				there[k] = true;
		/* The first block within the second is a duplicate of it, so
		 * the array has it too. */
		compare_with_array();
		if ((h = tcp_sack_output(tp)) != NULL &&
		    prng_below(&rnd, 2) == 0)
			tcp_sack_sent(tp, h, MIN(MSS, h->end - h->rxmit));
		if (tp->snd_max - tp->snd_una < 400)
			break;
	}
	assert_true(tp->snd_una != una0);
}

static void
test_pipe_counts_what_is_thought_to_be_on_the_path(void **state)
{
	struct tcp_range blk = { una0 + 1000, una0 + 2000 };
	struct sackhole *h;

	assert_int_equal(tcp_compute_pipe(tp), SPACE);
	assert_int_equal(ack(una0, 1, &blk), SACK_CHANGE);
	/* 1000 are there, and the 1000 before them are taken for lost. */
	assert_int_equal(tp->t_sacked, 1000);
	assert_int_equal(tp->t_lost, 1000);
	assert_int_equal(tp->t_delivered, 1000);
	assert_int_equal(tcp_compute_pipe(tp), SPACE - 2000);
	h = tcp_sack_output(tp);
	tcp_sack_sent(tp, h, 300);
	assert_int_equal(tcp_compute_pipe(tp), SPACE - 2000 + 300);
	tcp_sack_unsent(tp, h, 300);
	assert_int_equal(tcp_compute_pipe(tp), SPACE - 2000);
}

static void
test_hole_is_lost_with_more_than_two_segments_or_three_pieces_beyond(
    void **state)
{
	struct tcp_range two = { una0 + 100, una0 + 300 };
	struct tcp_range three[3] = { { una0 + 2000, una0 + 2010 },
		{ una0 + 2020, una0 + 2030 }, { una0 + 2040, una0 + 2050 } };

	(void)ack(una0, 1, &two);
	assert_int_equal(tp->t_lost, 0);
	two.end++;
	(void)ack(una0, 1, &two);
	assert_int_equal(tp->t_lost, 100);
	tcp_free_sackholes(tp);
	(void)ack(una0, 3, three);
	/* Behind the first: three pieces; behind the second and third fewer. */
	assert_int_equal(tp->t_lost, 2000);
}

static void
test_split_hole_keeps_what_was_sent_again(void **state)
{
	struct tcp_range high = { una0 + 1000, una0 + 1100 };
	struct tcp_range mid = { una0 + 400, una0 + 500 };
	struct sackhole *h;

	(void)ack(una0, 1, &high);
	h = tcp_sack_output(tp);
	tcp_sack_sent(tp, h, 700);
	assert_int_equal(ack(una0, 1, &mid), SACK_NEWLOSS);
	assert_int_equal(tp->snd_numholes, 2);
	assert_int_equal(tp->t_sack_rexmit, 600); /* 0..400 and 500..700 */
	h = tcp_sack_output(tp);
	assert_int_equal(h->rxmit, una0 + 700);
}

static void
test_holes_are_bounded(void **state)
{
	struct tcp_range b;

	assert_int_equal(sysctl_write(w->a.v, "net.inet.tcp.sack.maxholes", 3),
	    0);
	for (uint32_t i = 1; i < 10; i++) {
		b = (struct tcp_range) { una0 + 100 * i, una0 + 100 * i + 50 };
		(void)ack(una0, 1, &b);
	}
	assert_int_equal(tp->snd_numholes, 3);
	assert_int_equal(tcp_stats(w->a.v)->sack_sboverflow, 6);
	/* What did not fit counts as not said. */
	assert_int_equal(tp->t_sacked, 150);
}

static void
test_ack_without_blocks_is_no_news_but_fills(void **state)
{
	struct tcp_range b = { una0 + 100, una0 + 200 };

	(void)ack(una0, 1, &b);
	assert_int_equal(ack(una0 + 200, 0, NULL), SACK_NOCHANGE);
	assert_int_equal(tp->snd_numholes, 0);
	assert_int_equal(tp->t_sacked, 0);
	assert_int_equal(tp->t_delivered, 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_random_acks_agree_with_an_array),
		T(test_pipe_counts_what_is_thought_to_be_on_the_path),
		T(test_hole_is_lost_with_more_than_two_segments_or_three_pieces_beyond),
		T(test_split_hole_keeps_what_was_sent_again),
		T(test_holes_are_bounded),
		T(test_ack_without_blocks_is_no_news_but_fills),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
