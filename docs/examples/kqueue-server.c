/*
 * An event-driven server: one kqueue, a listener and whoever comes, and (as
 * this is one program) the clients too. Each client sends a line and waits for
 * it to come back; the server never blocks on any of them.
 *
 *   cc kqueue-server.c $(pkg-config --cflags --libs ktlssim) -o kqueue-server
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktlssim.h>

#define CLIENTS 20

enum { LISTENER = 1, SERVER, CLIENT }; /* udata: what a descriptor is */

static struct ktlssim *sim;
static int kq, answered;

static int
check(const char *what, ssize_t result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, ktlssim_errname((int)result));
		exit(1);
	}
	return ((int)result);
}

static void
watch(int fd, short filter, intptr_t what)
{
	struct ktlssim_kevent ev = { .ident = (uintptr_t)fd,
		.filter = filter,
		.flags = KTLSSIM_EV_ADD,
		.udata = (void *)what };

	check("kevent", ktlssim_kevent(sim, kq, &ev, 1, NULL, 0, NULL));
}

static void
start_clients(const struct sockaddr_in *sin)
{
	char line[32];
	int fd, r;

	for (int i = 0; i < CLIENTS; i++) {
		fd = check("socket",
		    ktlssim_socket(ktlssim_host(sim, NULL), AF_INET,
			SOCK_STREAM | SOCK_NONBLOCK, 0));
		r = ktlssim_connect(sim, fd, (const struct sockaddr *)sin,
		    sizeof(*sin));
		if (r != -KTLSSIM_EINPROGRESS)
			check("connect", r);
		watch(fd, KTLSSIM_EVFILT_READ, CLIENT);
		/* Blocking for a moment is all right here: it connects. */
		check("poll",
		    ktlssim_poll(sim,
			&(struct pollfd) { .fd = fd, .events = POLLOUT }, 1,
			-1));
		r = snprintf(line, sizeof(line), "client %d says hello\n", i);
		check("write", ktlssim_write(sim, fd, line, (size_t)r));
	}
}

static void
serve(const struct ktlssim_kevent *ev)
{
	char buf[256];
	int fd = (int)ev->ident, n;

	switch ((intptr_t)ev->udata) {
	case LISTENER:
		fd = check("accept",
		    ktlssim_accept4(sim, fd, NULL, NULL, SOCK_NONBLOCK));
		watch(fd, KTLSSIM_EVFILT_READ, SERVER);
		break;
	case SERVER:
		n = check("read", ktlssim_read(sim, fd, buf, sizeof(buf)));
		if (n == 0)
			check("close", ktlssim_close(sim, fd));
		else
			check("write", ktlssim_write(sim, fd, buf, (size_t)n));
		break;
	default:
		n = check("read", ktlssim_read(sim, fd, buf, sizeof(buf)));
		fwrite(buf, 1, (size_t)n, stdout);
		check("close", ktlssim_close(sim, fd));
		answered++;
	}
}

int
main(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(8080),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ktlssim_kevent events[8];
	char *why, *report;
	int l, n, broken;

	if (ktlssim_open(NULL, &sim, &why) != 0) {
		fputs(why, stderr);
		return (1);
	}
	kq = check("kqueue", ktlssim_kqueue(sim));
	l = check("socket",
	    ktlssim_socket(ktlssim_host(sim, NULL), AF_INET,
		SOCK_STREAM | SOCK_NONBLOCK, 0));
	check("bind",
	    ktlssim_bind(sim, l, (struct sockaddr *)&sin, sizeof(sin)));
	check("listen", ktlssim_listen(sim, l, CLIENTS));
	watch(l, KTLSSIM_EVFILT_READ, LISTENER);
	start_clients(&sin);
	while (answered < CLIENTS) {
		n = check("kevent",
		    ktlssim_kevent(sim, kq, NULL, 0, events, 8, NULL));
		for (int i = 0; i < n; i++)
			serve(&events[i]);
	}
	broken = ktlssim_close_world(sim, &report);
	fputs(report, stderr);
	free(report);
	return (broken != 0);
}
