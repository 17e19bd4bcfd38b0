/* poll(2). Source: uipc_socket.c sopoll_generic. */
#include "lib_priv.h"

static short
lib_poll_events(const struct lib_file *f, short want)
{
	const struct socket *so = f->f_so;
	short got = 0;

	if (f->f_type != LIB_SOCKET)
		return (f->f_type == LIB_VNODE ? want & (POLLIN | POLLOUT) : 0);
	if (soreadable(so))
		got |= want & (POLLIN | POLLRDNORM);
	if (!so->so_listening && sowriteable(so))
		got |= want & (POLLOUT | POLLWRNORM);
	if ((so->so_rcv.sb_state & SBS_CANTRCVMORE) != 0 &&
	    (so->so_snd.sb_state & SBS_CANTSENDMORE) != 0)
		got |= POLLHUP;
	return (got);
}

static int
lib_poll_look(struct ktlssim *sim, struct pollfd *fds, nfds_t n)
{
	struct lib_file *f;
	int ready = 0;

	for (nfds_t i = 0; i < n; i++) {
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		f = lib_lookup(sim, fds[i].fd);
		fds[i].revents =
		    f == NULL ? POLLNVAL : lib_poll_events(f, fds[i].events);
		ready += fds[i].revents != 0;
	}
	return (ready);
}

static int
lib_poll(struct ktlssim *sim, struct pollfd *fds, nfds_t n, int64_t ns)
{
	int error = 0, ready;

	if (ns == -2)
		return (-EINVAL);
	if (fds == NULL && n > 0)
		return (-EFAULT);
	lib_alarm_set(sim, lib_deadline(sim, ns));
	while ((ready = lib_poll_look(sim, fds, n)) == 0 && error == 0 &&
	    !sim->s_rang)
		error = lib_step(sim);
	lib_alarm_clear(sim);
	if (ready == 0 && ns == 0)
		lib_tick(sim);
	return (ready > 0 ? ready : -error);
}

int
ktlssim_poll(struct ktlssim *sim, struct pollfd *fds, nfds_t n, int timeout)
{
	int64_t ns = timeout < 0 ? -1 : (int64_t)timeout * 1000000;

	LIB_CALL(sim, lib_poll(sim, fds, n, ns));
}

int
ktlssim_ppoll(struct ktlssim *sim, struct pollfd *fds, nfds_t n,
    const struct timespec *timeout)
{
	LIB_CALL(sim, lib_poll(sim, fds, n, lib_timespec_ns(timeout)));
}
