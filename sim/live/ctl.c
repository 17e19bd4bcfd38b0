#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/queue.h>

#include "ctl.h"

struct client {
	TAILQ_ENTRY(client) cl_link;
	struct bufferevent *cl_bev;
	bool cl_gone;	 /* it hung up, or broke */
	bool cl_eof;	 /* it says no more, and may still listen */
	bool cl_refused; /* its line was too long: let it hear that, no more */
};

struct ctl {
	struct event_base *ct_base;
	struct evconnlistener *ct_listener;
	char *ct_path;
	ctl_answer_fn *ct_answer;
	void *ct_arg;
	TAILQ_HEAD(, client) ct_clients;
};

/* --- what libevent says --- */

/* Lines wait in the buffer until ctl_serve; this is only to wake up. */
static void
client_read(struct bufferevent *bev, void *arg)
{
}

static void
client_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *cl = arg;

	if ((what & BEV_EVENT_EOF) != 0)
		cl->cl_eof = true;
	else
		cl->cl_gone = true;
}

static void
ctl_accept(struct evconnlistener *lev, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct ctl *ct = arg;
	struct client *cl = xcalloc(1, sizeof(*cl));

	cl->cl_bev =
	    bufferevent_socket_new(ct->ct_base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (cl->cl_bev == NULL) {
		close(fd);
		free(cl);
		return;
	}
	bufferevent_setcb(cl->cl_bev, client_read, NULL, client_event, cl);
	/* Who sends faster than lines are answered waits. */
	bufferevent_setwatermark(cl->cl_bev, EV_READ, 0, 4 * CTL_LINE_MAX);
	bufferevent_enable(cl->cl_bev, EV_READ | EV_WRITE);
	TAILQ_INSERT_TAIL(&ct->ct_clients, cl, cl_link);
}

/* --- serving --- */

static void
client_say(struct client *cl, const struct strbuf *sb)
{
	bufferevent_write(cl->cl_bev, strbuf_str(sb), sb->sb_len);
}

/* False: no whole line is there. */
static bool
client_line(struct ctl *ct, struct client *cl)
{
	struct evbuffer *in = bufferevent_get_input(cl->cl_bev);
	struct strbuf out = { 0 };
	size_t len;
	char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

	if (line != NULL && len < CTL_LINE_MAX && strlen(line) == len)
		ct->ct_answer(ct->ct_arg, line, &out);
	else if (line != NULL || evbuffer_get_length(in) >= CTL_LINE_MAX) {
		strbuf_addf(&out,
		    "error: a line has up to %d characters, and no NUL\n",
		    CTL_LINE_MAX - 1);
		cl->cl_refused = true;
	}
	free(line);
	client_say(cl, &out);
	strbuf_fini(&out);
	return (line != NULL && !cl->cl_refused);
}

static void
client_free(struct ctl *ct, struct client *cl)
{
	TAILQ_REMOVE(&ct->ct_clients, cl, cl_link);
	bufferevent_free(cl->cl_bev);
	free(cl);
}

static bool
client_done(const struct client *cl)
{
	return (cl->cl_gone ||
	    ((cl->cl_eof || cl->cl_refused) &&
		evbuffer_get_length(bufferevent_get_output(cl->cl_bev)) == 0));
}

void
ctl_serve(struct ctl *ct)
{
	struct client *cl, *next;

	TAILQ_FOREACH_SAFE(cl, &ct->ct_clients, cl_link, next) {
		while (!cl->cl_gone && !cl->cl_refused && client_line(ct, cl))
			;
		if (client_done(cl))
			client_free(ct, cl);
	}
}

/* --- life --- */

static int
ctl_listen(struct ctl *ct, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return (ENAMETOOLONG);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (errno);
	(void)unlink(path); /* of a session that was killed */
	old = umask(0177);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		umask(old);
		close(fd);
		return (errno);
	}
	umask(old);
	ct->ct_listener = evconnlistener_new(ct->ct_base, ctl_accept, ct,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 8, fd);
	if (ct->ct_listener != NULL)
		return (0);
	close(fd);
	return (ENOMEM);
}

int
ctl_create(struct event_base *base, const char *path, ctl_answer_fn *answer,
    void *arg, struct ctl **out, struct strbuf *err)
{
	struct ctl *ct = xcalloc(1, sizeof(*ct));
	int error;

	ct->ct_base = base;
	ct->ct_answer = answer;
	ct->ct_arg = arg;
	TAILQ_INIT(&ct->ct_clients);
	if ((error = ctl_listen(ct, path)) != 0) {
		strbuf_addf(err, "control socket %s: %s", path,
		    strerror(error));
		if (error == ENAMETOOLONG)
			strbuf_adds(err, ": choose a shorter --out");
		free(ct);
		return (error);
	}
	ct->ct_path = xstrdup(path);
	*out = ct;
	return (0);
}

void
ctl_destroy(struct ctl *ct)
{
	struct client *cl;

	if (ct == NULL)
		return;
	/* The last answers are on their way. */
	(void)event_base_loop(ct->ct_base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	while ((cl = TAILQ_FIRST(&ct->ct_clients)) != NULL)
		client_free(ct, cl);
	evconnlistener_free(ct->ct_listener);
	(void)unlink(ct->ct_path);
	free(ct->ct_path);
	free(ct);
}
