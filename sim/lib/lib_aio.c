/*
 * aio_write(2) on sockets: one write of a socket at a time, each tried when
 * the socket may take more. On a blocking socket a write is done when all of
 * it was taken; on a non-blocking one when some of it was.
 *
 * Source: sys_socket.c soaio_process_job.
 */
#include <stdlib.h>

#include "lib_priv.h"

/* Try the first one. True: it is done and off the queue. */
static bool
lib_aio_try(struct lib_file *f)
{
	struct lib_aio *ai = STAILQ_FIRST(&f->f_aio);
	struct kiovec iov = { (void *)(uintptr_t)(ai->ai_buf + ai->ai_done),
		ai->ai_len - ai->ai_done };
	struct uio uio;
	int error;

	uio_init(&uio, &iov, 1);
	error = sosend(f->f_so, &uio, NULL, 0);
	ai->ai_done += uio.uio_offset;
	if (error == 0 && ai->ai_done < ai->ai_len &&
	    (!f->f_nonblock || ai->ai_done == 0))
		return (false);
	if (error == EWOULDBLOCK)
		return (false);
	STAILQ_REMOVE_HEAD(&f->f_aio, ai_link);
	ai->ai_error = error;
	return (true);
}

static void
lib_aio_run(void *arg)
{
	struct lib_file *f = arg;

	while (!STAILQ_EMPTY(&f->f_aio) && lib_aio_try(f))
		;
	if (f->f_closing && STAILQ_EMPTY(&f->f_aio))
		lib_file_free(f);
}

void
lib_aio_init(struct lib_file *f)
{
	STAILQ_INIT(&f->f_aio);
	sim_event_init(&f->f_aio_event, EV_APP, "aio", lib_aio_run, f);
}

void
lib_aio_stir(struct lib_file *f)
{
	if (!STAILQ_EMPTY(&f->f_aio) && !sim_event_pending(&f->f_aio_event))
		timebase_post_in(f->f_sim->s_tb, &f->f_aio_event, 0);
}

void
lib_aio_abort(struct lib_file *f)
{
	struct lib_aio *ai;

	timebase_cancel(f->f_sim->s_tb, &f->f_aio_event);
	while ((ai = STAILQ_FIRST(&f->f_aio)) != NULL) {
		STAILQ_REMOVE_HEAD(&f->f_aio, ai_link);
		ai->ai_error = ECONNABORTED;
	}
}

void
lib_aio_fini(struct ktlssim *sim)
{
	struct lib_aio *ai;

	while ((ai = TAILQ_FIRST(&sim->s_aios)) != NULL) {
		TAILQ_REMOVE(&sim->s_aios, ai, ai_all);
		free(ai);
	}
}

static int
lib_aio_write(struct ktlssim *sim, struct ktlssim_aiocb *cb)
{
	struct lib_file *f;
	struct lib_aio *ai;
	int error;

	if (cb == NULL || (cb->aio_buf == NULL && cb->aio_nbytes > 0))
		return (-EFAULT);
	if ((error = lib_socket_of(sim, cb->aio_fildes, &f)) != 0)
		return (-error);
	if (cb->aio_private != NULL)
		return (-EALREADY);
	ai = xcalloc(1, sizeof(*ai));
	ai->ai_buf = cb->aio_buf;
	ai->ai_len = cb->aio_nbytes;
	ai->ai_error = EINPROGRESS;
	cb->aio_private = ai;
	TAILQ_INSERT_TAIL(&sim->s_aios, ai, ai_all);
	STAILQ_INSERT_TAIL(&f->f_aio, ai, ai_link);
	lib_aio_stir(f);
	return (0);
}

int
ktlssim_aio_write(struct ktlssim *sim, struct ktlssim_aiocb *cb)
{
	LIB_CALL(sim, lib_aio_write(sim, cb));
}

static int
lib_aio_error(const struct ktlssim_aiocb *cb)
{
	const struct lib_aio *ai = cb->aio_private;

	return (ai == NULL ? -EINVAL : -ai->ai_error);
}

int
ktlssim_aio_error(struct ktlssim *sim, const struct ktlssim_aiocb *cb)
{
	LIB_CALL(sim, lib_aio_error(cb));
}

static ssize_t
lib_aio_return(struct ktlssim *sim, struct ktlssim_aiocb *cb)
{
	struct lib_aio *ai = cb->aio_private;
	ssize_t r;

	if (ai == NULL || ai->ai_error == EINPROGRESS)
		return (ai == NULL ? -EINVAL : -EINPROGRESS);
	r = ai->ai_error != 0 ? -ai->ai_error : (ssize_t)ai->ai_done;
	cb->aio_private = NULL;
	TAILQ_REMOVE(&sim->s_aios, ai, ai_all);
	free(ai);
	return (r);
}

ssize_t
ktlssim_aio_return(struct ktlssim *sim, struct ktlssim_aiocb *cb)
{
	LIB_CALL(sim, lib_aio_return(sim, cb));
}

static bool
lib_aio_any_done(struct ktlssim_aiocb *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (list[i] != NULL && lib_aio_error(list[i]) != -EINPROGRESS)
			return (true);
	return (false);
}

static int
lib_aio_suspend(struct ktlssim *sim, struct ktlssim_aiocb *const *list, int n,
    const struct timespec *timeout)
{
	int64_t ns = lib_timespec_ns(timeout);
	int error = 0;

	if (n <= 0 || ns == -2)
		return (-EINVAL);
	if (list == NULL)
		return (-EFAULT);
	lib_alarm_set(sim, lib_deadline(sim, ns));
	while (error == 0 && !lib_aio_any_done(list, n))
		error = sim->s_rang ? EAGAIN : lib_step(sim);
	lib_alarm_clear(sim);
	return (-error);
}

int
ktlssim_aio_suspend(struct ktlssim *sim, struct ktlssim_aiocb *const *list,
    int n, const struct timespec *timeout)
{
	LIB_CALL(sim, lib_aio_suspend(sim, list, n, timeout));
}
