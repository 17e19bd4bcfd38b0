/*
 * `capture.ports`: what goes over each link, both ways, in a file of its own,
 * as somebody with a tap on that cable sees it. wire.pcapng has each frame once,
 * where it began; here it is on every link that it goes over, switches' ports
 * included. A comment names the frame there.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "world_priv.h"

/* "server.mce0 - lan.1" is wire-server-mce0-lan-1.pcapng. */
static char *
ports_file(const struct sc_link *sl)
{
	char *file =
	    xasprintf("wire-%s-%s.pcapng", sl->ends.v[0], sl->ends.v[1]);
	char *end = strrchr(file, '.');

	for (char *p = file; p < end; p++)
		if (*p == '.' || *p == ':' || *p == '/')
			*p = '-';
	return (file);
}

static int
ports_open_link(struct world *w, struct wlink *l, unsigned i,
    struct strbuf *err)
{
	char *file = ports_file(l->l_sc);
	char *path = xasprintf("%s/%s", w->w_opts.wo_out, file);
	char *comment = xasprintf("%s, seed %ju: the link %s", w->w_sc->name,
	    (uintmax_t)w->w_opts.wo_seed, wire_name(l->l_wire));
	struct capture_if ifs[2];
	int error;

	memset(ifs, 0, sizeof(ifs));
	for (int end = 0; end < 2; end++) {
		ifs[end].ci_name = l->l_sc->ends.v[end];
		ifs[end].ci_descr = "sent by this end of the link";
		ifs[end].ci_hardware = "";
		ifs[end].ci_speed_bps = wire_way(l->l_wire, end)->ww_rate_bps;
	}
	error = capture_open(path, w->w_sc->epoch * 1000000000ULL, comment, ifs,
	    2, NULL, &w->w_ports[i]);
	if (error == 0 && scenario_is_live(w->w_sc))
		capture_secrets_first(w->w_ports[i]);
	if (error != 0) {
		strbuf_addf(err, "cannot write %s: %s\n", path,
		    strerror(error));
		free(file);
	} else
		w->w_res.r_ports[w->w_res.r_nports++].d_file = file;
	free(path);
	free(comment);
	return (error);
}

int
ports_open(struct world *w, struct strbuf *err)
{
	int error;

	if (!w->w_sc->capture.ports || w->w_opts.wo_out == NULL)
		return (0);
	w->w_ports = xcalloc(w->w_sc->nlinks, sizeof(*w->w_ports));
	w->w_res.r_ports = xcalloc(w->w_sc->nlinks, sizeof(*w->w_res.r_ports));
	for (unsigned i = 0; i < w->w_sc->nlinks; i++)
		if ((error = ports_open_link(w, &w->w_links[i], i, err)) != 0)
			return (error);
	return (0);
}

void
ports_frame(struct world *w, const struct frame *f,
    const struct wire_fate *fate)
{
	struct strbuf *sb = &w->w_comment;
	unsigned i = 0;

	if (w->w_ports == NULL)
		return;
	while (i < w->w_sc->nlinks && w->w_links[i].l_wire != fate->wf_wire)
		i++;
	if (i == w->w_sc->nlinks || w->w_ports[i] == NULL)
		return;
	strbuf_clear(sb);
	strbuf_addf(sb, "frame %ju of wire.pcapng", (uintmax_t)f->f_id);
	if (fate->wf_lost != NULL)
		strbuf_addf(sb, ", lost here: %s", fate->wf_lost);
	tap_error(w,
	    capture_frame(w->w_ports[i], fate->wf_end, f, timebase_now(w->w_tb),
		false, strbuf_str(sb)),
	    capture_path(w->w_ports[i]));
}

void
ports_secrets(struct world *w, const char *text)
{
	for (unsigned i = 0; w->w_ports != NULL && i < w->w_sc->nlinks; i++)
		if (w->w_ports[i] != NULL)
			tap_error(w, capture_secrets(w->w_ports[i], text),
			    capture_path(w->w_ports[i]));
}

void
ports_close(struct world *w)
{
	char *path;

	for (unsigned i = 0, file = 0;
	     w->w_ports != NULL && i < w->w_sc->nlinks; i++) {
		if (w->w_ports[i] == NULL)
			continue;
		w->w_res.r_ports[file++].d_packets =
		    capture_frames(w->w_ports[i]);
		path = xstrdup(capture_path(w->w_ports[i]));
		tap_error(w, capture_close(w->w_ports[i]), path);
		free(path);
	}
	free(w->w_ports);
	w->w_ports = NULL;
}
