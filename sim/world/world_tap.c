/*
 * What is recorded: every frame as it leaves its sender, with the reason for
 * its existence, and the secrets as the library tells them. The oracle sees
 * exactly what the capture file sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world_priv.h"

void
tap_error(struct world *w, int error, const char *path)
{
	if (error == 0 || w->w_res.r_capture_error != 0)
		return;
	w->w_res.r_capture_error = error;
	w->w_res.r_capture_path = xstrdup(path);
	engine_stop(w->w_engine);
}

static void
tap_describe(struct world *w, struct capture_if *ifs)
{
	const struct nic *nic;
	struct whost *h;
	unsigned n;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_hosts[i];
		for (unsigned j = 0; j < h->h_sc->nnics; j++) {
			nic = h->h_nics[j];
			n = h->h_ports[j].pt_capif;
			ifs[n] =
			    (struct capture_if) { .ci_name = xasprintf("%s:%s",
						      h->h_sc->loc.name,
						      nic->n_if.if_xname),
				    .ci_descr = nic->n_model->nm_text,
				    .ci_hardware = nic->n_model->nm_name,
				    .ci_speed_bps = nic->n_params.np_rate_bps };
			memcpy(ifs[n].ci_lladdr, nic->n_params.np_lladdr, 6);
		}
	}
}

/* The ends of links that are devices of this machine. */
static void
tap_describe_outside(const struct world *w, struct capture_if *ifs)
{
	const struct wlink *l;

	for (l = w->w_links; l < w->w_links + w->w_sc->nlinks; l++)
		if (l->l_device >= 0)
			ifs[l->l_outside.pt_capif] = (struct capture_if) {
				.ci_name =
				    xstrdup(l->l_sc->ends.v[l->l_device]),
				.ci_descr = "a device of the machine outside",
				.ci_hardware = "outside",
				.ci_speed_bps = l->l_sc->rate
			};
}

/* Ports of switches at which frames begin. */
static void
tap_describe_switches(const struct world *w, struct capture_if *ifs)
{
	const struct wire_port *p;
	struct lanswitch *s;

	for (unsigned i = 0; i < w->w_sc->nswitches; i++) {
		s = w->w_switches[i];
		for (unsigned j = 0; j < w->w_sc->switches[i].ports.n; j++) {
			if (!switch_port_speaks(s, j))
				continue;
			p = switch_port(s, j);
			ifs[p->pt_capif] = (struct capture_if) {
				.ci_name = xstrdup(p->pt_name),
				.ci_descr = "what begins at a switch's port",
				.ci_hardware = "switch",
				.ci_speed_bps = p->pt_rate_bps
			};
		}
	}
}

/* Address and host name, in pairs. */
static char **
tap_names(const struct world *w)
{
	struct strbuf sb = { 0 };
	const struct sc_host *h;
	unsigned n = 0, size = 1;
	struct in_any a;
	int family, plen;
	char **names;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		for (unsigned j = 0; j < w->w_sc->hosts[i].naddrs; j++)
			size += 2 * w->w_sc->hosts[i].addrs[j].cidr.n;
	names = xcalloc(size, sizeof(*names));
	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_sc->hosts[i];
		for (unsigned j = 0; j < h->naddrs; j++)
			for (unsigned k = 0; k < h->addrs[j].cidr.n; k++) {
				(void)parse_cidr(h->addrs[j].cidr.v[k], &family,
				    &a, &plen);
				format_addr(family, &a, &sb);
				names[n++] = strbuf_take(&sb);
				names[n++] = xasprintf("%s.sim", h->loc.name);
			}
	}
	return (names);
}

static int
tap_open_wire(struct world *w, const char *path)
{
	unsigned nifs = w->w_ncapif;
	struct capture_if *ifs = xcalloc(nifs, sizeof(*ifs));
	char **names = tap_names(w), *comment;
	int error;

	tap_describe(w, ifs);
	tap_describe_outside(w, ifs);
	tap_describe_switches(w, ifs);
	comment = xasprintf("%s, seed %ju: %s", w->w_sc->name,
	    (uintmax_t)w->w_opts.wo_seed, w->w_sc->description);
	error = capture_open(path, w->w_sc->epoch * 1000000000ULL, comment, ifs,
	    nifs, (const char *const *)names, &w->w_capture);
	for (unsigned i = 0; i < nifs; i++)
		free((char *)(uintptr_t)ifs[i].ci_name);
	for (unsigned i = 0; names[i] != NULL; i++)
		free(names[i]);
	free(names);
	free(ifs);
	free(comment);
	return (error);
}

static int
tap_open_classic(struct world *w, const char *dir)
{
	char *path = xasprintf("%s/wire.pcap", dir);
	int error;

	error = pcapfile_open(path, w->w_sc->epoch * 1000000000ULL, &w->w_pcap);
	free(path);
	if (error != 0)
		return (error);
	w->w_keylog_path = xasprintf("%s/sslkeys.log", dir);
	w->w_keylog_fd =
	    open(w->w_keylog_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (w->w_keylog_fd < 0)
		return (errno);
	w->w_res.r_has_pcap = true;
	return (0);
}

int
tap_open(struct world *w, struct strbuf *err)
{
	const char *dir = w->w_opts.wo_out;
	char *path;
	int error = 0;

	w->w_keylog_fd = -1;
	w->w_rexmit = rexmit_index_create();
	if (dir == NULL)
		return (0);
	path = xasprintf("%s/wire.pcapng", dir);
	if (w->w_sc->capture.wire) {
		error = tap_open_wire(w, path);
		w->w_res.r_has_wire = error == 0;
		if (error == 0 && scenario_is_live(w->w_sc))
			capture_secrets_first(w->w_capture);
	}
	if (error == 0 && (w->w_sc->capture.pcap || w->w_opts.wo_pcap))
		error = tap_open_classic(w, dir);
	if (error != 0)
		strbuf_addf(err, "cannot write captures below %s: %s\n", dir,
		    strerror(error));
	free(path);
	return (error);
}

/* Into the files that have every frame once. */
static void
tap_record(struct world *w, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	uint64_t of;
	int error;

	of = rexmit_track(w->w_rexmit, f);
	strbuf_clear(&w->w_comment);
	if (w->w_capture != NULL || w->w_counts_comments)
		capture_comment(f, fate->wf_lost, fate->wf_remark, of,
		    &w->w_comment);
	reasons_frame(w, from, f, &w->w_comment);
	if (w->w_opts.wo_frame != NULL)
		w->w_opts.wo_frame(w->w_opts.wo_frame_arg,
		    &(struct world_frame) { f, from->pt_name,
			timebase_now(w->w_tb), fate->wf_lost, fate->wf_arrives,
			fate->wf_remark, of });
	if (w->w_counts_frames && !w->w_draining)
		counted_frame(w, f, strbuf_str(&w->w_comment));
	if (w->w_capture != NULL) {
		error = capture_frame(w->w_capture, from->pt_capif, f,
		    timebase_now(w->w_tb), false, strbuf_str(&w->w_comment));
		tap_error(w, error, capture_path(w->w_capture));
	}
	if (w->w_pcap != NULL)
		tap_error(w,
		    pcapfile_frame(w->w_pcap, f, timebase_now(w->w_tb)),
		    "wire.pcap");
}

/* Where it begins: it gets its number, and is judged. */
static void
tap_first(struct world *w, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	whens_frame(w, f, fate);
	f->f_id = ++w->w_frames;
	prints_frame(w, from, f);
	if (!w->w_draining)
		timeline_frame(w, from, f);
	if (w->w_capture != NULL || w->w_pcap != NULL || w->w_ports != NULL ||
	    w->w_counts_frames)
		frame_csum_settle(f); /* before the frame is shared */
	if (w->w_sc->checks.records)
		judge_frame(w->w_judge, f, from->pt_outside);
	else
		prints_payload(w->w_prints, f);
	if (w->w_capture != NULL || w->w_pcap != NULL || w->w_counts_frames ||
	    w->w_opts.wo_frame != NULL)
		tap_record(w, from, f, fate);
}

void
tap_frame(void *arg, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	struct world *w = arg;

	if (from->pt_capif != WIRE_NOT_RECORDED && f->f_id == 0)
		tap_first(w, from, f, fate);
	ports_frame(w, f, fate);
}

void
tap_keylog(void *arg, const char *line)
{
	struct world *w = arg;
	char *text;

	judge_secret(w->w_judge, line);
	text = xasprintf("%s\n", line);
	if (w->w_capture != NULL)
		tap_error(w, capture_secrets(w->w_capture, text),
		    capture_path(w->w_capture));
	ports_secrets(w, text);
	if (w->w_keylog_fd >= 0 &&
	    write(w->w_keylog_fd, text, strlen(text)) != (ssize_t)strlen(text))
		tap_error(w, errno != 0 ? errno : EIO, w->w_keylog_path);
	free(text);
}

/* What the wires know of the devices outside. */
static void
tap_count_outside(struct world *w)
{
	const struct wire_stats *ws;
	const struct wlink *l;

	for (l = w->w_links; l < w->w_links + w->w_sc->nlinks; l++)
		if (l->l_device >= 0 && l->l_wire != NULL) {
			ws = wire_stats(l->l_wire, l->l_device);
			capture_counts(w->w_capture, l->l_outside.pt_capif,
			    ws->frames, 0);
		}
}

void
tap_close(struct world *w)
{
	char *path;

	if (w->w_capture != NULL) {
		tap_count_outside(w);
		for (unsigned i = 0; i < w->w_sc->nhosts; i++)
			for (unsigned j = 0; j < w->w_sc->hosts[i].nnics; j++)
				capture_counts(w->w_capture,
				    w->w_hosts[i].h_ports[j].pt_capif,
				    w->w_hosts[i].h_nics[j]->n_stats.tx_frames,
				    w->w_hosts[i]
					.h_nics[j]
					->n_stats.tx_lost_ring);
		path = xstrdup(capture_path(w->w_capture));
		tap_error(w, capture_close(w->w_capture), path);
		free(path);
		w->w_capture = NULL;
	}
	dma_close(w);
	ports_close(w);
	if (w->w_pcap != NULL) {
		tap_error(w, pcapfile_close(w->w_pcap), "wire.pcap");
		w->w_pcap = NULL;
	}
	if (w->w_keylog_fd >= 0)
		close(w->w_keylog_fd);
	w->w_keylog_fd = -1;
	perfetto_close(w);
	if (w->w_trace != NULL) {
		if (ferror(w->w_trace) != 0 || fclose(w->w_trace) != 0)
			tap_error(w, errno != 0 ? errno : EIO,
			    w->w_opts.wo_trace);
		w->w_trace = NULL;
	}
	if (w->w_rexmit != NULL)
		w->w_res.r_disorder = rexmit_disorder(w->w_rexmit);
	rexmit_index_destroy(w->w_rexmit);
	w->w_rexmit = NULL;
	strbuf_fini(&w->w_comment);
}
