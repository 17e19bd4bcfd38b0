/*
 * Decisions about TLS, as remarks of the capture: the first frame with data
 * that a connection sends after one says what was decided, and why, in the
 * words of the branch that decided.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>

#include "world_priv.h"

/* Decisions that no frame has told yet; more than these are not told. */
#define REASONS_MAX 256

struct reason {
	const char *ra_host;
	uint64_t ra_conn;
	char *ra_text;
};
struct reasons {
	struct reason rs_v[REASONS_MAX];
	unsigned rs_n;
};

static char *
reason_text(const struct trace_rec *rec)
{
	const struct trace_arg *error = trace_getarg(rec, "error");
	const char *what;
	struct strbuf sb = { 0 };

	if (rec->tr_id == TP_tls_mode)
		strbuf_addf(&sb, "TLS by %s: %s", trace_getarg(rec, "mode")->s,
		    trace_getarg(rec, "reason")->s);
	else if (rec->tr_id == TP_tls_disable_ifnet)
		strbuf_addf(&sb, "the card is given up: %s",
		    trace_getarg(rec, "reason")->s);
	else {
		what = trace_getarg(rec, "result")->s;
		strbuf_addf(&sb, "send tag reset: %s", what);
	}
	if (error->i != 0)
		strbuf_addf(&sb, " (%s)", errno_name((int)error->i));
	return (strbuf_take(&sb));
}

void
reasons_trace(struct world *w, const struct trace_rec *rec)
{
	struct reasons *rs = w->w_reasons;
	const struct trace_arg *dir;
	struct reason *ra;

	if (rec->tr_id != TP_tls_mode && rec->tr_id != TP_tls_disable_ifnet &&
	    rec->tr_id != TP_tag_reset)
		return;
	dir = trace_getarg(rec, "dir");
	if (dir != NULL && strcmp(dir->s, "tx") != 0)
		return;
	if (rs == NULL)
		rs = w->w_reasons = xcalloc(1, sizeof(*rs));
	if (rs->rs_n == REASONS_MAX)
		return;
	ra = &rs->rs_v[rs->rs_n++];
	ra->ra_host = rec->tr_who;
	ra->ra_conn = trace_getarg(rec, "conn")->u;
	ra->ra_text = reason_text(rec);
}

static const char *
port_host(const struct world *w, const struct wire_port *from)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		for (unsigned j = 0; j < w->w_sc->hosts[i].nnics; j++)
			if (&w->w_hosts[i].h_ports[j] == from)
				return (w->w_hosts[i].h_vnet->v_name);
	return ("");
}

void
reasons_frame(struct world *w, const struct wire_port *from,
    const struct frame *f, struct strbuf *comment)
{
	struct reasons *rs = w->w_reasons;
	const char *host;
	struct reason *ra;
	unsigned kept = 0;

	if (rs == NULL || rs->rs_n == 0 || !f->f_note.pn_tcp ||
	    f->f_note.pn_mode == PKT_PLAIN)
		return;
	host = port_host(w, from);
	for (unsigned i = 0; i < rs->rs_n; i++) {
		ra = &rs->rs_v[i];
		if (ra->ra_conn != f->f_note.pn_conn ||
		    strcmp(ra->ra_host, host) != 0) {
			rs->rs_v[kept++] = *ra;
			continue;
		}
		strbuf_addf(comment, ", %s", ra->ra_text);
		free(ra->ra_text);
	}
	rs->rs_n = kept;
}

void
reasons_fini(struct world *w)
{
	for (unsigned i = 0; w->w_reasons != NULL && i < w->w_reasons->rs_n;
	     i++)
		free(w->w_reasons->rs_v[i].ra_text);
	free(w->w_reasons);
	w->w_reasons = NULL;
}
