/*
 * Host threads that run jobs. One queue under one mutex: jobs are whole TLS
 * batches, so the lock is not what costs. Waiters help: whoever waits for a
 * job that nobody has begun runs it (or another) instead of sleeping.
 */
#include <pthread.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/engine.h>

enum { JOB_IDLE, JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct hostpool {
	struct jobpool hp_pool;
	pthread_mutex_t hp_lock;
	pthread_cond_t hp_work, hp_done;
	struct job *hp_head, **hp_tail;
	bool hp_exit;
	unsigned hp_nthreads;
	struct hostthread {
		struct hostpool *ht_pool;
		unsigned ht_slot;
		pthread_t ht_thread;
	} * hp_threads;
};

/* Slot 0 is the engine's thread. */

static struct job *
pool_take(struct hostpool *hp)
{
	struct job *job = hp->hp_head;

	if (job == NULL)
		return (NULL);
	if ((hp->hp_head = job->job_next) == NULL)
		hp->hp_tail = &hp->hp_head;
	job->job_state = JOB_RUNNING;
	return (job);
}

static void
pool_run(struct hostpool *hp, struct job *job, unsigned slot)
{
	pthread_mutex_unlock(&hp->hp_lock);
	job->job_run(job, slot);
	pthread_mutex_lock(&hp->hp_lock);
	job->job_state = JOB_DONE;
	pthread_cond_broadcast(&hp->hp_done);
}

static void *
pool_thread(void *arg)
{
	struct hostthread *ht = arg;
	struct hostpool *hp = ht->ht_pool;
	struct job *job;

	pthread_mutex_lock(&hp->hp_lock);
	while (!hp->hp_exit) {
		if ((job = pool_take(hp)) != NULL)
			pool_run(hp, job, ht->ht_slot);
		else
			pthread_cond_wait(&hp->hp_work, &hp->hp_lock);
	}
	pthread_mutex_unlock(&hp->hp_lock);
	return (NULL);
}

static void
pool_submit(struct jobpool *jp, struct job *job)
{
	struct hostpool *hp = containerof(jp, struct hostpool, hp_pool);

	KASSERT(job->job_state == JOB_IDLE, ("job submitted twice"));
	job->job_next = NULL;
	if (hp->hp_nthreads == 0) {
		job->job_state = JOB_QUEUED; /* wait does the work */
		return;
	}
	pthread_mutex_lock(&hp->hp_lock);
	job->job_state = JOB_QUEUED;
	*hp->hp_tail = job;
	hp->hp_tail = &job->job_next;
	pthread_cond_signal(&hp->hp_work);
	pthread_mutex_unlock(&hp->hp_lock);
}

static void
pool_wait(struct jobpool *jp, struct job *job)
{
	struct hostpool *hp = containerof(jp, struct hostpool, hp_pool);
	struct job *other;

	if (hp->hp_nthreads == 0) {
		KASSERT(job->job_state == JOB_QUEUED, ("wait for an idle job"));
		job->job_run(job, 0);
		job->job_state = JOB_IDLE;
		return;
	}
	pthread_mutex_lock(&hp->hp_lock);
	KASSERT(job->job_state != JOB_IDLE, ("wait for an idle job"));
	while (job->job_state != JOB_DONE) {
		if ((other = pool_take(hp)) != NULL)
			pool_run(hp, other, 0);
		else
			pthread_cond_wait(&hp->hp_done, &hp->hp_lock);
	}
	job->job_state = JOB_IDLE;
	pthread_mutex_unlock(&hp->hp_lock);
}

static const struct jobpool_ops hostpool_ops = { pool_submit, pool_wait };

struct jobpool *
hostpool_create(unsigned threads)
{
	struct hostpool *hp;

	KASSERT(threads <= 64, ("hostpool of %u threads", threads));
	hp = xcalloc(1, sizeof(*hp));
	hp->hp_pool.jp_ops = &hostpool_ops;
	hp->hp_tail = &hp->hp_head;
	pthread_mutex_init(&hp->hp_lock, NULL);
	pthread_cond_init(&hp->hp_work, NULL);
	pthread_cond_init(&hp->hp_done, NULL);
	hp->hp_threads = xcalloc(threads, sizeof(*hp->hp_threads));
	for (unsigned i = 0; i < threads; i++) {
		hp->hp_threads[i].ht_pool = hp;
		hp->hp_threads[i].ht_slot = i + 1;
		/* Fewer threads than asked for only make the run slower. */
		if (pthread_create(&hp->hp_threads[i].ht_thread, NULL,
			pool_thread, &hp->hp_threads[i]) != 0)
			break;
		hp->hp_nthreads++;
	}
	hp->hp_pool.jp_slots = hp->hp_nthreads + 1;
	return (&hp->hp_pool);
}

void
hostpool_destroy(struct jobpool *jp)
{
	struct hostpool *hp;

	if (jp == NULL)
		return;
	hp = containerof(jp, struct hostpool, hp_pool);
	pthread_mutex_lock(&hp->hp_lock);
	hp->hp_exit = true;
	pthread_cond_broadcast(&hp->hp_work);
	pthread_mutex_unlock(&hp->hp_lock);
	for (unsigned i = 0; i < hp->hp_nthreads; i++)
		pthread_join(hp->hp_threads[i].ht_thread, NULL);
	pthread_mutex_destroy(&hp->hp_lock);
	pthread_cond_destroy(&hp->hp_work);
	pthread_cond_destroy(&hp->hp_done);
	free(hp->hp_threads);
	free(hp);
}
