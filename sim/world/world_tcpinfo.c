/*
 * TCP_INFO of every connection: so often, as lines of tcpinfo.ndjson, and where
 * a claim asks for it. Looking posts events of the last class of an instant
 * and changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/nearest.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

/* --- over time --- */

static void
tcpinfo_line(struct world *w, const struct conn *c)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);
	struct ktcp_info ti;

	tcp_fill_info(tp, &ti);
	fprintf(w->w_tcpinfo,
	    "{\"ps\":%ju,\"app\":\"%s\",\"connection\":%u,\"cc\":\"%s\"",
	    (uintmax_t)timebase_now(w->w_tb), c->c_app->a_sc->loc.name,
	    c->c_index, tp->t_cc->name);
	for (unsigned i = 0; i < tcp_info_nfields; i++)
		fprintf(w->w_tcpinfo, ",\"%s\":%ju", tcp_info_fields[i].name,
		    (uintmax_t)tcp_info_value(&ti, &tcp_info_fields[i]));
	fputs("}\n", w->w_tcpinfo);
}

static void
tcpinfo_event(void *arg)
{
	struct world *w = arg;
	struct conn *c;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
			if (c->c_so != NULL && c->c_established != 0)
				tcpinfo_line(w, c);
	timebase_post_in(w->w_tb, &w->w_tcpinfo_ev, w->w_sc->capture.tcp_info);
}

int
tcpinfo_open(struct world *w, struct strbuf *err)
{
	char *path;
	int error = 0;

	if (w->w_sc->capture.tcp_info == 0 || w->w_opts.wo_out == NULL)
		return (0);
	path = xasprintf("%s/tcpinfo.ndjson", w->w_opts.wo_out);
	if ((w->w_tcpinfo = fopen(path, "w")) == NULL) {
		error = errno;
		strbuf_addf(err, "cannot write %s: %s\n", path,
		    strerror(error));
	} else {
		sim_event_init(&w->w_tcpinfo_ev, EV_JUDGE, "tcp info",
		    tcpinfo_event, w);
		timebase_post(w->w_tb, &w->w_tcpinfo_ev, 0);
		w->w_res.r_has_tcpinfo = true;
	}
	free(path);
	return (error);
}

void
tcpinfo_close(struct world *w)
{
	if (w->w_tcpinfo == NULL)
		return;
	timebase_cancel(w->w_tb, &w->w_tcpinfo_ev);
	if ((ferror(w->w_tcpinfo) != 0 || fclose(w->w_tcpinfo) != 0) &&
	    w->w_res.r_capture_error == 0) {
		w->w_res.r_capture_error = errno != 0 ? errno : EIO;
		w->w_res.r_capture_path =
		    xasprintf("%s/tcpinfo.ndjson", w->w_opts.wo_out);
	}
	w->w_tcpinfo = NULL;
}

/* --- claims --- */

int
tcpinfo_check_claims(struct world *w, struct strbuf *err)
{
	const char *names[64], *near, *field;
	int bad = 0;

	for (unsigned i = 0; i < tcp_info_nfields; i++)
		names[i] = tcp_info_fields[i].name;
	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		field = w->w_sc->expect[i].tcp_info.field;
		if (w->w_sc->expect[i].kind != SC_EXP_TCP_INFO ||
		    tcp_info_find(field) != NULL)
			continue;
		near = nearest_name(field, names, tcp_info_nfields);
		scenario_error(w->w_sc, scenario_text_at(field), err,
		    "TCP_INFO has no field `%s`%s%s%s; `ktls-sim list "
		    "tcp-info` shows what it has",
		    field, near != NULL ? "; did you mean `" : "",
		    near != NULL ? near : "", near != NULL ? "`?" : "");
		bad = EINVAL;
	}
	return (bad);
}

/* False: this one is not asked about. */
static bool
claim_value(const struct conn *c, const struct sc_exp_tcp_info *e, uint64_t *v)
{
	const struct tcp_info_field *f = tcp_info_find(e->field);
	struct ktcp_info ti = c->c_side.tcp;

	if ((e->has_connection && c->c_index != e->connection) ||
	    (e->has_at && (c->c_so == NULL || c->c_established == 0)) ||
	    (c->c_so == NULL && !c->c_side.has_tcp))
		return (false);
	if (c->c_so != NULL)
		tcp_fill_info(sototcpcb(c->c_so), &ti);
	*v = tcp_info_value(&ti, f);
	return (true);
}

void
claim_tcp_info(struct world *w, const struct sc_exp_tcp_info *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	const struct conn *odd = NULL;
	uint64_t odd_is = 0;
	uint64_t v, low = UINT64_MAX, high = 0;
	unsigned looked = 0;
	struct conn *c;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		if (!claim_value(c, e, &v))
			continue;
		looked++;
		low = MIN(low, v);
		high = MAX(high, v);
		if (odd == NULL && !claim_within(&e->bounds, v)) {
			odd = c;
			odd_is = v;
		}
	}
	cl->cl_ok = odd == NULL && looked > 0;
	cl->cl_found = looked == 0 ? xstrdup("no connection to look at")
	    : low == high
	    ? xasprintf("%ju on %u connections", (uintmax_t)low, looked)
	    : xasprintf("%ju to %ju on %u connections", (uintmax_t)low,
		  (uintmax_t)high, looked);
	if (odd != NULL)
		claim_evidence(cl,
		    odd->c_so != NULL ? timebase_now(w->w_tb) : odd->c_end,
		    odd->c_so != NULL ? w->w_frames : odd->c_end_frame,
		    "%s#%u: %s is %ju", e->app, odd->c_index, e->field,
		    (uintmax_t)odd_is);
}
