/*
 * Host threads that run jobs. One queue under one mutex: jobs are whole TLS
 * records and more, so the lock is not what costs; going to sleep and being
 * woken is, a round trip takes as long as twenty records. So threads look for
 * work a while before they sleep, where there is a core for each of them, and
 * waiters help: whoever waits for a job that nobody has begun runs it, or
 * else another one, before it sleeps. Small jobs wake nobody: the waiter does
 * them, or a thread that looks for work just then.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/engine.h>

enum { JOB_IDLE, JOB_KEPT, JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct hostpool {
	struct jobpool hp_pool;
	pthread_mutex_t hp_lock;
	pthread_cond_t hp_work, hp_done;
	struct job *hp_head, **hp_tail;
	unsigned hp_queued;   /* in the list; read without the lock */
	unsigned hp_sleepers; /* threads that must be woken for work */
	unsigned hp_lookers;  /* threads that look for it; read likewise */
	int hp_score;	      /* of small jobs; above 0: lend them */
	unsigned hp_kept;     /* small jobs since hp_score fell to 0 */
	unsigned hp_waiters;  /* sleeping in wait */
	unsigned hp_spin;     /* looks before sleep */
	bool hp_exit;
	unsigned hp_nthreads;
	struct hostthread {
		struct hostpool *ht_pool;
		unsigned ht_slot;
		pthread_t ht_thread;
	} * hp_threads;
};

/* Slot 0 is the engine's thread. */

#define SPIN_LOOKS 4000 /* some 50 us */
/* Below, waking a thread costs more; one that looks for work may have it. */
#define WORTH_A_WAKEUP 8000
#define TRY_EVERY      32
#define SCORE_MAX      16

static int
job_state(const struct job *job)
{
	return (__atomic_load_n(&job->job_state, __ATOMIC_ACQUIRE));
}

static void
job_set_state(struct job *job, int state)
{
	__atomic_store_n(&job->job_state, state, __ATOMIC_RELEASE);
}

/* With the lock: a counter that is read without it. */
static void
pool_count(unsigned *counter, int by)
{
	__atomic_store_n(counter, *counter + (unsigned)by, __ATOMIC_RELAXED);
}

static void
cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* Out of the queue: this one, or the oldest; NULL: there is none. */
static struct job *
pool_take(struct hostpool *hp, struct job *want)
{
	struct job **pj = &hp->hp_head, *job;

	while (want != NULL && *pj != want)
		pj = &(*pj)->job_next;
	if ((job = *pj) == NULL)
		return (NULL);
	if ((*pj = job->job_next) == NULL)
		hp->hp_tail = pj;
	pool_count(&hp->hp_queued, -1);
	job_set_state(job, JOB_RUNNING);
	return (job);
}

static void
pool_run(struct hostpool *hp, struct job *job, unsigned slot)
{
	pthread_mutex_unlock(&hp->hp_lock);
	job->job_run(job, slot);
	pthread_mutex_lock(&hp->hp_lock);
	job_set_state(job, JOB_DONE);
	if (hp->hp_waiters > 0)
		pthread_cond_broadcast(&hp->hp_done);
}

/* Without the lock: has something been queued meanwhile? */
static bool
pool_look(const struct hostpool *hp)
{
	for (unsigned i = 0; i < hp->hp_spin; i++) {
		if (__atomic_load_n(&hp->hp_queued, __ATOMIC_RELAXED) > 0)
			return (true);
		cpu_relax();
	}
	return (false);
}

static void
pool_rest(struct hostpool *hp)
{
	bool found;

	pool_count(&hp->hp_lookers, 1);
	pthread_mutex_unlock(&hp->hp_lock);
	found = pool_look(hp);
	pthread_mutex_lock(&hp->hp_lock);
	pool_count(&hp->hp_lookers, -1);
	if (found || hp->hp_queued > 0 || hp->hp_exit)
		return;
	hp->hp_sleepers++;
	pthread_cond_wait(&hp->hp_work, &hp->hp_lock);
	hp->hp_sleepers--;
}

static void *
pool_thread(void *arg)
{
	struct hostthread *ht = arg;
	struct hostpool *hp = ht->ht_pool;
	struct job *job;

	pthread_mutex_lock(&hp->hp_lock);
	while (!hp->hp_exit) {
		if ((job = pool_take(hp, NULL)) != NULL)
			pool_run(hp, job, ht->ht_slot);
		else
			pool_rest(hp);
	}
	pthread_mutex_unlock(&hp->hp_lock);
	return (NULL);
}

static bool
job_small(const struct job *job)
{
	return (job->job_ns < WORTH_A_WAKEUP);
}

/*
 * Is there a thread for this job? A small one pays only if there is other work
 * to do until it is waited for, which the ones before it tell: with one
 * connection there is none, with many there is. Now and then one is tried.
 */
static bool
pool_lends(struct hostpool *hp, const struct job *job)
{
	if (hp->hp_nthreads == 0 || !job_small(job))
		return (hp->hp_nthreads > 0);
	if (hp->hp_score <= 0 && ++hp->hp_kept % TRY_EVERY != 0)
		return (false);
	return (__atomic_load_n(&hp->hp_lookers, __ATOMIC_RELAXED) >
	    __atomic_load_n(&hp->hp_queued, __ATOMIC_RELAXED));
}

/* A small job came back in time, or had to be waited for. */
static void
pool_learn(struct hostpool *hp, bool in_time)
{
	if (in_time)
		hp->hp_score = MIN(hp->hp_score + 1, SCORE_MAX);
	else
		hp->hp_score = MAX(hp->hp_score - 2, 0);
}

static void
pool_submit(struct jobpool *jp, struct job *job)
{
	struct hostpool *hp = containerof(jp, struct hostpool, hp_pool);

	KASSERT(job_state(job) == JOB_IDLE, ("job submitted twice"));
	job->job_next = NULL;
	if (!pool_lends(hp, job)) {
		job_set_state(job, JOB_KEPT);
		return; /* wait does the work */
	}
	job_set_state(job, JOB_QUEUED);
	pthread_mutex_lock(&hp->hp_lock);
	*hp->hp_tail = job;
	hp->hp_tail = &job->job_next;
	pool_count(&hp->hp_queued, 1);
	if (hp->hp_sleepers > 0)
		pthread_cond_signal(&hp->hp_work);
	pthread_mutex_unlock(&hp->hp_lock);
}

/* With the lock: run it, or another, or look a while, or sleep. */
static void
pool_await(struct hostpool *hp, struct job *job)
{
	struct job *mine;

	mine = pool_take(hp, job_state(job) == JOB_QUEUED ? job : NULL);
	if (mine != NULL) {
		pool_run(hp, mine, 0);
		return;
	}
	pthread_mutex_unlock(&hp->hp_lock);
	for (unsigned i = 0; i < hp->hp_spin && job_state(job) != JOB_DONE; i++)
		cpu_relax();
	pthread_mutex_lock(&hp->hp_lock);
	if (job_state(job) == JOB_DONE)
		return;
	hp->hp_waiters++;
	pthread_cond_wait(&hp->hp_done, &hp->hp_lock);
	hp->hp_waiters--;
}

static void
pool_wait(struct jobpool *jp, struct job *job)
{
	struct hostpool *hp = containerof(jp, struct hostpool, hp_pool);
	int state = job_state(job);

	KASSERT(state != JOB_IDLE, ("wait for an idle job"));
	if (state == JOB_KEPT)
		job->job_run(job, 0);
	else if (job_small(job))
		pool_learn(hp, state == JOB_DONE);
	if (state == JOB_QUEUED || state == JOB_RUNNING) {
		pthread_mutex_lock(&hp->hp_lock);
		while (job_state(job) != JOB_DONE)
			pool_await(hp, job);
		pthread_mutex_unlock(&hp->hp_lock);
	}
	job_set_state(job, JOB_IDLE);
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
	if ((long)threads < sysconf(_SC_NPROCESSORS_ONLN))
		hp->hp_spin = SPIN_LOOKS;
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
