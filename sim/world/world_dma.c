/* `capture.dma`: what each card reads and writes, in a file of its own. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "world_priv.h"

static int
dma_open_card(struct world *w, const struct whost *h, unsigned i,
    struct strbuf *err)
{
	const struct nic *n = h->h_nics[i];
	char *file =
	    xasprintf("dma-%s-%s.pcapng", h->h_sc->loc.name, n->n_if.if_xname);
	char *path = xasprintf("%s/%s", w->w_opts.wo_out, file);
	char *name = xasprintf("%s:%s", h->h_sc->loc.name, n->n_if.if_xname);
	char *comment = xasprintf("%s, seed %ju: DMA of %s", w->w_sc->name,
	    (uintmax_t)w->w_opts.wo_seed, name);
	const struct capture_if ci = { .ci_name = name,
		.ci_descr = n->n_model->nm_text,
		.ci_hardware = n->n_model->nm_name,
		.ci_linktype = LINKTYPE_KTLS_DMA };
	unsigned capif = h->h_ports[i].pt_capif;
	int error;

	error = capture_open(path, w->w_sc->epoch * 1000000000ULL, comment, &ci,
	    1, NULL, &w->w_dma[capif]);
	if (error != 0) {
		strbuf_addf(err, "cannot write %s: %s\n", path,
		    strerror(error));
		free(file);
	} else
		w->w_res.r_dma[w->w_res.r_ndma++].d_file = file;
	free(path);
	free(name);
	free(comment);
	return (error);
}

int
dma_open(struct world *w, struct strbuf *err)
{
	int error;

	if (!w->w_sc->capture.dma || w->w_opts.wo_out == NULL)
		return (0);
	w->w_dma = xcalloc(w->w_ncapif, sizeof(*w->w_dma));
	w->w_res.r_dma = xcalloc(w->w_ncapif, sizeof(*w->w_res.r_dma));
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		for (unsigned j = 0; j < w->w_sc->hosts[i].nnics; j++)
			if ((error = dma_open_card(w, &w->w_hosts[i], j,
				 err)) != 0)
				return (error);
	return (0);
}

void
dma_packet(void *arg, const struct wire_port *from, struct nic *n,
    unsigned queue, bool completion, const uint8_t *bytes, uint32_t len,
    const char *text)
{
	struct world *w = arg;
	const struct dma_hdr dh = { .dh_completion = completion,
		.dh_queue = (uint16_t)queue,
		.dh_model = dma_model_code(n->n_model->nm_name),
		.dh_len = len };
	struct strbuf *sb = &w->w_dma_packet;
	uint8_t hdr[DMA_HDR_LEN];
	struct capture *cp;

	if (w->w_dma == NULL || (cp = w->w_dma[from->pt_capif]) == NULL)
		return; /* not yet, or not any more */
	dma_hdr_put(&dh, hdr);
	strbuf_clear(sb);
	strbuf_add(sb, hdr, sizeof(hdr));
	strbuf_add(sb, bytes, len);
	tap_error(w,
	    capture_bytes(cp, 0, sb->sb_str, (uint32_t)sb->sb_len,
		timebase_now(w->w_tb), completion, text),
	    capture_path(cp));
}

void
dma_close(struct world *w)
{
	char *path;

	for (unsigned i = 0, file = 0; w->w_dma != NULL && i < w->w_ncapif;
	     i++) {
		if (w->w_dma[i] == NULL)
			continue;
		w->w_res.r_dma[file++].d_packets = capture_frames(w->w_dma[i]);
		path = xstrdup(capture_path(w->w_dma[i]));
		tap_error(w, capture_close(w->w_dma[i]), path);
		free(path);
	}
	free(w->w_dma);
	w->w_dma = NULL;
	strbuf_fini(&w->w_dma_packet);
}
