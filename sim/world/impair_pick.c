/* Exactly these frames: by flow, number, record, flags. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/flowkey.h>

#include "impair_priv.h"

static bool
pick_side(const struct sc_pick *p, const struct flow_seg *s)
{
	return (p->side == SC_SIDE_ANY ||
	    s->fs_from_server == (p->side == SC_SIDE_SERVER));
}

static bool
pick_record(const struct sc_pick *p, const struct flow_seg *s)
{
	const struct flow_rec *r;

	for (r = s->fs_rec; r < s->fs_rec + s->fs_nrecs; r++) {
		if (p->has_record && r->fr_number != p->record)
			continue;
		if (p->has_app_record &&
		    (r->fr_type != 23 || r->fr_app != p->app_record))
			continue;
		if (p->segment == 0 || r->fr_segment == p->segment)
			return (true);
	}
	return (false);
}

static bool
pick_mask(const char *mask, uint64_t data)
{
	mask += strncmp(mask, "0b", 2) == 0 ? 2 : 0;
	return (data > 0 && data <= strlen(mask) && mask[data - 1] == '1');
}

static bool
has_flags(int want, const struct flow_seg *s)
{
	uint8_t f = s->fs_flags & (SEG_SYN | SEG_FIN | SEG_RST);

	switch (want) {
	case SC_PICK_SYN:
		return (f == SEG_SYN && (s->fs_flags & SEG_ACK) == 0);
	case SC_PICK_SYN_ACK:
		return (f == SEG_SYN && (s->fs_flags & SEG_ACK) != 0);
	case SC_PICK_FIN:
		return ((f & SEG_FIN) != 0);
	case SC_PICK_RST:
		return ((f & SEG_RST) != 0);
	default:
		return (
		    f == 0 && s->fs_len == 0 && (s->fs_flags & SEG_ACK) != 0);
	}
}

/* The first so many of each flow. */
static bool
pick_flags(struct picker *k, const struct sc_pick *p, const struct flow_seg *s)
{
	unsigned n;

	if (!has_flags(p->flags, s))
		return (false);
	if (s->fs_flow > k->pk_nflows) {
		n = MAX(s->fs_flow, 2 * k->pk_nflows);
		k->pk_flows = xrealloc(k->pk_flows, n * sizeof(*k->pk_flows));
		memset(k->pk_flows + k->pk_nflows, 0,
		    (n - k->pk_nflows) * sizeof(*k->pk_flows));
		k->pk_nflows = n;
	}
	return (p->first == 0 || k->pk_flows[s->fs_flow - 1]++ < p->first);
}

static bool
pick_kind(struct picker *k, const struct sc_pick *p, const struct flow_seg *s)
{
	if (p->has_flags)
		return (pick_flags(k, p, s));
	if (!pick_side(p, s))
		return (false);
	if (p->has_data)
		return (s->fs_data == p->data);
	if (p->mask != NULL)
		return (pick_mask(p->mask, s->fs_data));
	return (pick_record(p, s));
}

bool
pick_frame(struct picker *k, const struct sc_pick *p, const struct flow_seg *s)
{
	if (s == NULL || s->fs_flow == 0 ||
	    (p->flow != 0 && s->fs_flow != p->flow) ||
	    (p->count != 0 && k->pk_struck >= p->count) || !pick_kind(k, p, s))
		return (false);
	k->pk_struck++;
	return (true);
}
