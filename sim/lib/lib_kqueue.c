/*
 * kqueue and kevent over sockets.
 *
 * A kqueue is a list of registrations. kevent walks it and reports those whose
 * condition holds; what was reported goes to the end of the list, so that a
 * busy socket does not starve the others.
 *
 * Source: kern_event.c, uipc_socket.c filt_soread, filt_sowrite.
 */
#include <stdlib.h>

#include <ktsim/base/kassert.h>

#include "lib_priv.h"

/* --- conditions --- */

/* One direction has shut: EV_EOF, and how the connection ended if it did. */
static void
lib_filter_eof(const struct socket *so, struct ktlssim_kevent *ev)
{
	ev->flags |= KTLSSIM_EV_EOF;
	ev->fflags = (unsigned)-lib_result(-so->so_error);
}

static bool
lib_filter_read(const struct lib_knote *kn, struct ktlssim_kevent *ev)
{
	const struct socket *so = kn->kn_file->f_so;
	const struct sockbuf *sb = &so->so_rcv;

	if (so->so_listening) {
		ev->data = so->so_qlen;
		return (!TAILQ_EMPTY(&so->so_comp) || so->so_error != 0);
	}
	if (sb->sb_flags & SB_SPLICED)
		return (false);
	ev->data = (int64_t)sbavail(sb) - (int64_t)sb->sb_ctl;
	if ((sb->sb_state & SBS_CANTRCVMORE) != 0) {
		lib_filter_eof(so, ev);
		return (true);
	}
	if (so->so_error != 0)
		return (true);
	if ((kn->kn_ev.fflags & KTLSSIM_NOTE_LOWAT) != 0)
		return (ev->data >= kn->kn_ev.data);
	return (soreadable(so)); /* an empty record is something to read */
}

static bool
lib_filter_write(const struct lib_knote *kn, struct ktlssim_kevent *ev)
{
	const struct socket *so = kn->kn_file->f_so;

	if (so->so_listening || (so->so_snd.sb_flags & SB_SPLICED) != 0)
		return (false);
	ev->data = sbspace(&so->so_snd);
	if ((so->so_snd.sb_state & SBS_CANTSENDMORE) != 0) {
		lib_filter_eof(so, ev);
		return (true);
	}
	if (so->so_error != 0)
		return (true);
	if ((so->so_state & SS_ISCONNECTED) == 0)
		return (false);
	if ((kn->kn_ev.fflags & KTLSSIM_NOTE_LOWAT) != 0)
		return (ev->data >= kn->kn_ev.data);
	return (ev->data >= so->so_snd.sb_lowat);
}

static bool
lib_knote_active(const struct lib_knote *kn, struct ktlssim_kevent *ev)
{
	bool clear = (kn->kn_ev.flags & KTLSSIM_EV_CLEAR) != 0;

	if (kn->kn_off || (clear && !kn->kn_stirred))
		return (false);
	*ev = kn->kn_ev;
	ev->fflags = 0;
	return (kn->kn_ev.filter == KTLSSIM_EVFILT_READ
		? lib_filter_read(kn, ev)
		: lib_filter_write(kn, ev));
}

/* --- registrations --- */

static void
lib_knote_drop(struct lib_knote *kn)
{
	TAILQ_REMOVE(&kn->kn_kq->f_knotes, kn, kn_link);
	TAILQ_REMOVE(&kn->kn_file->f_knotes, kn, kn_flink);
	free(kn);
}

void
lib_kqueue_forget(struct lib_file *f)
{
	struct lib_knote *kn;

	while ((kn = TAILQ_FIRST(&f->f_knotes)) != NULL)
		lib_knote_drop(kn);
}

void
lib_kqueue_stir(struct lib_file *f, enum so_event ev)
{
	struct lib_knote *kn;
	bool in;

	TAILQ_FOREACH(kn, &f->f_knotes, kn_flink) {
		in = kn->kn_ev.filter == KTLSSIM_EVFILT_READ;
		if (ev == SO_ERROR_EVENT || in == (ev == SO_READABLE))
			kn->kn_stirred = true;
	}
}

static struct lib_knote *
lib_knote_find(struct lib_file *kq, const struct ktlssim_kevent *ch)
{
	struct lib_knote *kn;

	TAILQ_FOREACH(kn, &kq->f_knotes, kn_link)
		if (kn->kn_ev.ident == ch->ident &&
		    kn->kn_ev.filter == ch->filter)
			break;
	return (kn);
}

static int
lib_knote_add(struct lib_file *kq, const struct ktlssim_kevent *ch,
    struct lib_knote **knp)
{
	struct lib_file *f = NULL;
	struct lib_knote *kn;

	if (ch->ident <= INT32_MAX)
		f = lib_lookup(kq->f_sim, (int)ch->ident);
	if (f == NULL)
		return (EBADF);
	if (f->f_type != LIB_SOCKET)
		return (EINVAL);
	kn = xcalloc(1, sizeof(*kn));
	kn->kn_file = f;
	kn->kn_kq = kq;
	kn->kn_ev = *ch;
	TAILQ_INSERT_TAIL(&kq->f_knotes, kn, kn_link);
	TAILQ_INSERT_TAIL(&f->f_knotes, kn, kn_flink);
	*knp = kn;
	return (0);
}

static int
lib_change(struct lib_file *kq, const struct ktlssim_kevent *ch)
{
	struct lib_knote *kn;
	int error;

	if (ch->filter != KTLSSIM_EVFILT_READ &&
	    ch->filter != KTLSSIM_EVFILT_WRITE)
		return (EINVAL);
	kn = lib_knote_find(kq, ch);
	if ((ch->flags & KTLSSIM_EV_DELETE) != 0) {
		if (kn == NULL)
			return (ENOENT);
		lib_knote_drop(kn);
		return (0);
	}
	if (kn == NULL) {
		if ((ch->flags & KTLSSIM_EV_ADD) == 0)
			return (ENOENT);
		if ((error = lib_knote_add(kq, ch, &kn)) != 0)
			return (error);
	}
	if ((ch->flags & KTLSSIM_EV_ADD) != 0) {
		kn->kn_ev = *ch;
		kn->kn_ev.flags &=
		    (unsigned short)~(KTLSSIM_EV_ADD | KTLSSIM_EV_ENABLE |
			KTLSSIM_EV_DISABLE | KTLSSIM_EV_RECEIPT);
		kn->kn_stirred = true;
	}
	if ((ch->flags & KTLSSIM_EV_DISABLE) != 0)
		kn->kn_off = true;
	if ((ch->flags & KTLSSIM_EV_ENABLE) != 0)
		kn->kn_off = false;
	return (0);
}

/* --- reporting --- */

static void
lib_knote_reported(struct lib_file *kq, struct lib_knote *kn)
{
	kn->kn_stirred = false;
	if ((kn->kn_ev.flags & KTLSSIM_EV_ONESHOT) != 0) {
		lib_knote_drop(kn);
		return;
	}
	if ((kn->kn_ev.flags & KTLSSIM_EV_DISPATCH) != 0)
		kn->kn_off = true;
	TAILQ_REMOVE(&kq->f_knotes, kn, kn_link);
	TAILQ_INSERT_TAIL(&kq->f_knotes, kn, kn_link);
}

static int
lib_collect(struct lib_file *kq, struct ktlssim_kevent *events, int n)
{
	struct lib_knote *kn, *next;
	unsigned left = 0;
	int got = 0;

	TAILQ_FOREACH(kn, &kq->f_knotes, kn_link)
		left++;
	/* Those reported go to the end: not again in this walk. */
	for (kn = TAILQ_FIRST(&kq->f_knotes); left > 0 && got < n;
	     kn = next, left--) {
		next = TAILQ_NEXT(kn, kn_link);
		if (lib_knote_active(kn, &events[got])) {
			got++;
			lib_knote_reported(kq, kn);
		}
	}
	return (got);
}

/* Errors of changes are events while there is room. */
static int
lib_changes(struct lib_file *kq, const struct ktlssim_kevent *ch, int nch,
    struct ktlssim_kevent *events, int nevents)
{
	int got = 0, error;

	for (int i = 0; i < nch; i++) {
		error = lib_change(kq, &ch[i]);
		if (error == 0 && (ch[i].flags & KTLSSIM_EV_RECEIPT) == 0)
			continue;
		if (got == nevents)
			return (error != 0 ? -error : got);
		events[got] = ch[i];
		events[got].flags = KTLSSIM_EV_ERROR;
		events[got].data = -lib_result(-error);
		got++;
	}
	return (got);
}

static int
lib_kevent(struct ktlssim *sim, int kqfd, const struct ktlssim_kevent *ch,
    int nch, struct ktlssim_kevent *events, int nevents,
    const struct timespec *timeout)
{
	struct lib_file *kq = lib_lookup(sim, kqfd);
	int64_t ns = lib_timespec_ns(timeout);
	int got, error = 0;

	if (kq == NULL || kq->f_type != LIB_KQUEUE)
		return (-EBADF);
	if (ns == -2 || nch < 0 || nevents < 0)
		return (-EINVAL);
	if ((ch == NULL && nch > 0) || (events == NULL && nevents > 0))
		return (-EFAULT);
	got = lib_changes(kq, ch, nch, events, nevents);
	if (got != 0 || nevents == 0)
		return (got);
	lib_alarm_set(sim, lib_deadline(sim, ns));
	while ((got = lib_collect(kq, events, nevents)) == 0 && error == 0 &&
	    !sim->s_rang)
		error = lib_step(sim);
	lib_alarm_clear(sim);
	if (got == 0 && ns == 0)
		lib_tick(sim);
	return (got > 0 ? got : -error);
}

int
ktlssim_kevent(struct ktlssim *sim, int kq, const struct ktlssim_kevent *ch,
    int nch, struct ktlssim_kevent *events, int nevents,
    const struct timespec *timeout)
{
	LIB_CALL(sim, lib_kevent(sim, kq, ch, nch, events, nevents, timeout));
}

static int
lib_kqueue(struct ktlssim *sim)
{
	struct lib_file *f = lib_file_new(sim, LIB_KQUEUE);
	int fd = lib_install(sim, f);

	if (fd < 0)
		lib_file_free(f);
	return (fd);
}

int
ktlssim_kqueue(struct ktlssim *sim)
{
	LIB_CALL(sim, lib_kqueue(sim));
}
