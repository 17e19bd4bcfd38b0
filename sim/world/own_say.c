/* What a program of the user's says, carried out. Texts that come back say what
 * is wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "own_priv.h"

static enum ledger_dir
out_dir(const struct conn *c)
{
	return (c->c_server ? LEDGER_S2C : LEDGER_C2S);
}

static void
enqueue(struct own *o, struct own_item *oi)
{
	STAILQ_INSERT_TAIL(&o->o_out, oi, oi_link);
	o->o_owes_sent = true;
}

static const char *
obey_write(struct own *o, const struct own_cmd *oc)
{
	struct own_item *oi;

	if (oc->oc_n[0] == 0)
		return (NULL);
	o->o_queued += oc->oc_n[0];
	if (o->o_queued > OWN_QUEUE)
		return ("it writes more than 64 MiB ahead: let it wait for "
			"`sent`");
	oi = xcalloc(1, sizeof(*oi) + oc->oc_n[0]);
	oi->oi_len = oc->oc_n[0];
	memcpy(oi->oi_bytes, oc->oc_data, oi->oi_len);
	ledger_origin_bytes(o->o_conn->c_flow, out_dir(o->o_conn), oi->oi_bytes,
	    oi->oi_len);
	enqueue(o, oi);
	return (NULL);
}

static const char *
obey_sendfile(struct own *o, const struct own_cmd *oc)
{
	struct conn *c = o->o_conn;
	struct vnode *vp = vnode_lookup(c->c_app->a_host->h_vnet, oc->oc_text);
	uint64_t at = oc->oc_n[0] != OWN_NO_NUMBER ? oc->oc_n[0] : 0, len, size;
	struct own_item *oi;

	if (vp == NULL)
		return ("it sends a file that its host does not have");
	size = vnode_size(vp);
	len = oc->oc_n[1] != OWN_NO_NUMBER ? oc->oc_n[1]
	    : at < size			   ? size - at
					   : 0;
	if (at > size || len > size - at)
		return ("it sends more of a file than there is");
	if (len == 0)
		return (NULL);
	oi = xcalloc(1, sizeof(*oi));
	oi->oi_vp = vp;
	oi->oi_at = at;
	oi->oi_len = len;
	ledger_origin_file(c->c_flow, out_dir(c), vp, at, len);
	enqueue(o, oi);
	return (NULL);
}

static void
obey_log(struct own *o, const struct own_cmd *oc)
{
	struct conn *c = o->o_conn;
	struct world *w = c->c_app->a_world;
	struct own_line *ol = &o->o_log[o->o_nlog];

	if (o->o_nlog == OWN_LINES) {
		o->o_log_left_out++;
		return;
	}
	ol->ol_at = timebase_now(w->w_tb);
	ol->ol_text = xstrdup(oc->oc_text);
	o->o_nlog++;
	TRACE(&w->w_tracer, app_event, TS(c->c_app->a_sc->loc.name),
	    TU(c->c_index), TS(ol->ol_text), TU(c->c_off));
}

static const char *
obey_report(struct own *o, const struct own_cmd *oc)
{
	struct own_number *on = o->o_numbers;

	while (on < o->o_numbers + o->o_nnumbers &&
	    strcmp(on->on_key, oc->oc_text) != 0)
		on++;
	if (on == o->o_numbers + OWN_NUMBERS)
		return ("it reports more than 64 numbers");
	if (on == o->o_numbers + o->o_nnumbers) {
		on->on_key = xstrdup(oc->oc_text);
		o->o_nnumbers++;
	}
	on->on_value = oc->oc_n[0];
	return (NULL);
}

const char *
own_obey(void *arg, const struct own_cmd *oc)
{
	struct own *o = arg;
	struct timebase *tb = o->o_conn->c_app->a_world->w_tb;

	switch (oc->oc_verb) {
	case OWN_WRITE:
		return (o->o_close ? "it writes behind its `close`"
				   : obey_write(o, oc));
	case OWN_SENDFILE:
		return (o->o_close ? "it sends a file behind its `close`"
				   : obey_sendfile(o, oc));
	case OWN_READ:
		o->o_may_read = oc->oc_n[0];
		return (NULL);
	case OWN_TIMER:
		timebase_cancel(tb, &o->o_timer);
		o->o_timer_due = false;
		timebase_post_in(tb, &o->o_timer, oc->oc_n[0] * SIM_NS);
		return (NULL);
	case OWN_LOG:
		obey_log(o, oc);
		return (NULL);
	case OWN_REPORT:
		return (obey_report(o, oc));
	case OWN_CLOSE:
		o->o_close = true;
		return (NULL);
	default:
		return (NULL); /* wait is the answer's end */
	}
}
