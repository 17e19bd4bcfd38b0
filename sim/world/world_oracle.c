/*
 * The record oracle works beside the run, on a host thread: frames are
 * collected in a batch, the batch is judged as one job while the next one
 * fills, and what it has to say is told when that one is full. Where batches
 * begin and end depends on nothing but the frames, so the words come at the
 * same instants whatever the threads do.
 *
 * The same job takes the payloads' fingerprint: who reads all bytes anyway.
 *
 * A frame is immutable once it was seen here, apart from its reference count,
 * which the job does not touch.
 *
 * A card that damages what it encrypts, by order of the scenario, breaks no
 * invariant: of that direction of a connection nothing is told any more.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/flowkey.h>

#include "world_priv.h"

#define BATCH_FRAMES 128
/* In the number by which the oracle knows a frame. */
#define ID_OUTSIDE (1ULL << 63)

struct verdict {
	struct verdict *v_next;
	int v_invariant;
	simtime_t v_when;
	char *v_text;
};

struct batch {
	struct job b_job;
	struct judge *b_judge;
	unsigned b_n;
	struct frame *b_frames[BATCH_FRAMES];
	simtime_t b_when[BATCH_FRAMES];
	bool b_outside[BATCH_FRAMES];
	struct strbuf b_keylog; /* lines that came while it filled */
	struct verdict *b_verdicts, **b_tail;
	simtime_t b_now;	     /* of the frame being judged ... */
	const struct frame *b_frame; /* ... which is this; NULL: none */
};

struct judge {
	struct world *j_world;
	struct record_oracle *j_ro;
	struct batch j_batch[2];
	struct flowkey *j_damaged; /* flows, by their cards; the job's */
	unsigned j_ndamaged;
	unsigned j_filling; /* index */
	bool j_running;	    /* the other one is submitted */
};

/* --- on a host thread --- */

/* Its card damaged something of this frame's flow. */
static bool
judge_damaged(const struct judge *j, const struct frame *f)
{
	struct segment sg;

	if (j->j_ndamaged == 0 || f == NULL || !segment_parse(f, &sg))
		return (false);
	for (unsigned i = 0; i < j->j_ndamaged; i++)
		if (memcmp(&j->j_damaged[i], &sg.sg_key, sizeof(sg.sg_key)) ==
		    0)
			return (true);
	return (false);
}

static void
judge_note_damage(struct judge *j, const struct frame *f)
{
	struct segment sg;

	if ((f->f_flags & FRAME_DAMAGED) == 0 || judge_damaged(j, f) ||
	    !segment_parse(f, &sg))
		return;
	j->j_damaged =
	    xrealloc(j->j_damaged, (j->j_ndamaged + 1) * sizeof(*j->j_damaged));
	j->j_damaged[j->j_ndamaged++] = sg.sg_key;
}

static void
judge_said(void *arg, int number, uint64_t frame, const char *text)
{
	struct judge *j = arg;
	struct batch *b = &j->j_batch[1 - j->j_filling];
	struct verdict *v;

	if ((frame & ID_OUTSIDE) != 0 || judge_damaged(j, b->b_frame))
		return;
	v = xcalloc(1, sizeof(*v));
	v->v_invariant = number;
	v->v_when = b->b_now;
	v->v_text = xasprintf("frame %ju: %s", (uintmax_t)frame, text);
	*b->b_tail = v;
	b->b_tail = &v->v_next;
}

/* Secrets may come earlier than they did, never later. */
static void
judge_keylog(struct judge *j, struct strbuf *lines)
{
	char *p = lines->sb_str, *end;

	for (; p != NULL && (end = strchr(p, '\n')) != NULL; p = end + 1) {
		*end = '\0';
		record_oracle_keylog(j->j_ro, p);
	}
	strbuf_clear(lines);
}

static void
judge_run(struct job *job, unsigned slot)
{
	struct batch *b = containerof(job, struct batch, b_job);
	const struct frame *f;

	judge_keylog(b->b_judge, &b->b_keylog);
	for (unsigned i = 0; i < b->b_n; i++) {
		f = b->b_frames[i];
		b->b_now = b->b_when[i];
		b->b_frame = f;
		prints_payload(b->b_judge->j_world->w_prints, f);
		judge_note_damage(b->b_judge, f);
		record_oracle_frame(b->b_judge->j_ro,
		    f->f_id | (b->b_outside[i] ? ID_OUTSIDE : 0), f->f_hdr,
		    f->f_hdrlen, f->f_payload, f->f_paylen);
	}
	b->b_frame = NULL;
}

/* --- on the engine's thread --- */

/* The submitted batch is judged: hear it, let its frames go. */
static void
judge_collect(struct judge *j)
{
	struct batch *b = &j->j_batch[1 - j->j_filling];
	struct verdict *v;

	if (!j->j_running)
		return;
	jobpool_wait(j->j_world->w_jobs, &b->b_job);
	j->j_running = false;
	while ((v = b->b_verdicts) != NULL) {
		b->b_verdicts = v->v_next;
		invariant_broken_at(j->j_world, v->v_invariant, v->v_text,
		    v->v_when);
		free(v->v_text);
		free(v);
	}
	b->b_tail = &b->b_verdicts;
	for (unsigned i = 0; i < b->b_n; i++)
		frame_rele(b->b_frames[i]);
	b->b_n = 0;
}

static void
judge_submit(struct judge *j)
{
	struct batch *b = &j->j_batch[j->j_filling];

	judge_collect(j);
	if (b->b_n == 0 && b->b_keylog.sb_len == 0)
		return;
	j->j_filling = 1 - j->j_filling;
	j->j_running = true;
	jobpool_submit(j->j_world->w_jobs, &b->b_job);
}

struct judge *
judge_create(struct world *w)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	j->j_world = w;
	j->j_ro = record_oracle_create(judge_said, j);
	record_oracle_no_digest(j->j_ro);
	for (int i = 0; i < 2; i++) {
		j->j_batch[i].b_judge = j;
		j->j_batch[i].b_job.job_run = judge_run;
		j->j_batch[i].b_job.job_ns = BATCH_FRAMES * 400;
		j->j_batch[i].b_tail = &j->j_batch[i].b_verdicts;
	}
	return (j);
}

void
judge_frame(struct judge *j, struct frame *f, bool outside)
{
	struct batch *b = &j->j_batch[j->j_filling];

	frame_ref(f);
	b->b_when[b->b_n] = timebase_now(j->j_world->w_tb);
	b->b_outside[b->b_n] = outside;
	b->b_frames[b->b_n++] = f;
	if (b->b_n == BATCH_FRAMES)
		judge_submit(j);
}

void
judge_secret(struct judge *j, const char *line)
{
	strbuf_addf(&j->j_batch[j->j_filling].b_keylog, "%s\n", line);
}

void
judge_settle(struct judge *j)
{
	judge_submit(j);
	judge_collect(j);
}

const struct record_oracle *
judge_finish(struct judge *j)
{
	judge_settle(j);
	record_oracle_finish(j->j_ro);
	return (j->j_ro);
}

void
judge_destroy(struct judge *j)
{
	if (j == NULL)
		return;
	judge_settle(j);
	record_oracle_destroy(j->j_ro);
	for (int i = 0; i < 2; i++)
		strbuf_fini(&j->j_batch[i].b_keylog);
	free(j->j_damaged);
	free(j);
}
