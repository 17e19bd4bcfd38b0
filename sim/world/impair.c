/* The stack of one direction: nodes in a row, each with its stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/flowkey.h>

#include "impair_priv.h"

#define PPB 1000000000ULL

struct impair {
	char *i_link;
	int i_end;
	uint64_t i_seed;
	struct node **i_nodes;
	unsigned i_n;
	bool i_asks_flows, i_faults_off;
};

struct impair *
impair_create(const char *link, int end, uint64_t seed)
{
	struct impair *im = xcalloc(1, sizeof(*im));

	im->i_link = xstrdup(link);
	im->i_end = end;
	im->i_seed = seed;
	return (im);
}

void
impair_destroy(struct impair *im)
{
	struct node *n;

	if (im == NULL)
		return;
	for (unsigned i = 0; i < im->i_n; i++) {
		n = im->i_nodes[i];
		free(n->n_lost);
		free(n->n_red);
		free(n->n_picker.pk_flows);
		free(n->n_queue.bn_out);
		free(n);
	}
	free(im->i_nodes);
	free(im->i_link);
	free(im);
}

/* Also a corruption by chance: it may be told others later. */
static bool
asks_flows(const struct sc_impair *p)
{
	return (p->kind == SC_IMPAIR_DROP || p->kind == SC_IMPAIR_CORRUPT);
}

void
impair_add(struct impair *im, const struct sc_impair *p)
{
	struct node *n = xcalloc(1, sizeof(*n));
	char *stream;

	n->n_p = *p;
	n->n_name = p->name != NULL ? p->name : sc_impair_names[p->kind];
	n->n_lost = xasprintf("link: %s%s", n->n_name,
	    p->kind == SC_IMPAIR_RATE	   ? ", queue full"
		: p->kind == SC_IMPAIR_MTU ? ", too large"
					   : "");
	n->n_red = xasprintf("link: %s, early", n->n_name);
	stream = xasprintf("wire %s %d %s", im->i_link, im->i_end, n->n_name);
	prng_init(&n->n_prng, im->i_seed, stream);
	free(stream);
	im->i_nodes =
	    xrealloc(im->i_nodes, (im->i_n + 1) * sizeof(*im->i_nodes));
	im->i_nodes[im->i_n++] = n;
	im->i_asks_flows |= asks_flows(p);
}

unsigned
impair_count(const struct impair *im)
{
	return (im->i_n);
}

bool
impair_asks_flows(const struct impair *im)
{
	return (im->i_asks_flows);
}

/* --- one node, one frame --- */

/* A value of chance as a decision, and as a number below a bound. */
static bool
chance(uint64_t u, uint64_t ppb)
{
	return ((uint64_t)(((unsigned __int128)u * PPB) >> 64) < ppb);
}

static uint64_t
below(uint64_t u, uint64_t bound)
{
	return ((uint64_t)(((unsigned __int128)u * bound) >> 64));
}

static void
lose(struct node *n, struct impair_fate *fate)
{
	fate->if_lost = n->n_lost;
}

static void
node_bursts(struct node *n, const uint64_t *u, struct impair_fate *fate)
{
	const struct sc_bursts *b = &n->n_p.bursts;

	if (chance(u[0], n->n_bad ? b->leave : b->enter))
		n->n_bad = !n->n_bad;
	if (chance(u[1], n->n_bad ? b->bad : b->good))
		lose(n, fate);
}

static void
node_reorder(struct node *n, uint64_t u, struct impair_fate *fate)
{
	const struct sc_reorder *r = &n->n_p.reorder;

	if (r->every != 0 ? ++n->n_since < r->every : !chance(u, r->chance))
		return;
	n->n_since = 0;
	n->n_stats.delayed++;
	fate->if_when += r->delay;
	fate->if_late = true;
}

static void
node_jitter(struct node *n, uint64_t u, struct impair_fate *fate)
{
	const struct sc_jitter *j = &n->n_p.jitter;
	simtime_t more = below(u, j->up_to + 1);

	fate->if_when += more;
	n->n_stats.delayed += more > 0;
	if (!j->keep_order)
		fate->if_late = true;
	else
		fate->if_when = MAX(fate->if_when, n->n_last);
	n->n_last = MAX(fate->if_when, n->n_last);
}

/* The bytes that may be struck: in the frame, from *off, so many. */
static uint32_t
corruptible(const struct sc_corrupt *k, const struct frame *f,
    const struct flow_seg *s, uint32_t *off)
{
	if (f->f_l4len == 0)
		return (0); /* no TCP: nothing would notice */
	if (k->where == 1) {
		*off = f->f_l2len + (uint32_t)f->f_l3len;
		return (f->f_l4len);
	}
	*off = f->f_hdrlen;
	if (k->checksum == 0)
		return (f->f_paylen);
	/* What TLS protects for certain: the inside of encrypted records. */
	for (unsigned i = 0; s != NULL && i < s->fs_nrecs; i++)
		if (s->fs_rec[i].fr_type == 23 && s->fs_rec[i].fr_len > 0) {
			*off += s->fs_rec[i].fr_off;
			return (s->fs_rec[i].fr_len);
		}
	return (0);
}

static void
node_corrupt(struct node *n, const uint64_t *u, const struct frame *f,
    const struct flow_seg *s, struct impair_fate *fate)
{
	const struct sc_corrupt *k = &n->n_p.corrupt;
	uint32_t off, len = corruptible(k, f, s, &off);

	if (len == 0 || fate->if_damaged ||
	    !(k->has_chance ? chance(u[0], k->chance)
			    : pick_frame(&n->n_picker, &k->pick, s)))
		return;
	n->n_stats.corrupted++;
	fate->if_damaged = true;
	fate->if_right = k->checksum == 1;
	fate->if_byte = off + (uint32_t)below(u[1], len);
	fate->if_bit = (uint8_t)(1u << (u[1] & 7));
}

/* Length of the IP packet; 0: it is none. */
static uint32_t
ip_length(const struct frame *f)
{
	uint16_t type, vlan;
	unsigned l3;

	type = segment_ethertype(f, &l3, &vlan);
	if (type == KETHERTYPE_IP && l3 + 20u <= f->f_hdrlen)
		return (be16dec(f->f_hdr + l3 + 2));
	if (type == KETHERTYPE_IPV6 && l3 + 40u <= f->f_hdrlen)
		return (be16dec(f->f_hdr + l3 + 4) + 40u);
	return (0);
}

static void
node_mtu(struct node *n, const struct frame *f, struct impair_fate *fate)
{
	const struct sc_mtu *m = &n->n_p.mtu;

	if (ip_length(f) <= m->size)
		return;
	lose(n, fate);
	if (m->icmp)
		fate->if_answer = m;
}

/* So many values for every frame, whatever comes of them. */
static const uint8_t draws[SC_IMPAIR_KINDS] = { [SC_IMPAIR_LOSS] = 1,
	[SC_IMPAIR_BURSTS] = 2,
	[SC_IMPAIR_DUPLICATE] = 1,
	[SC_IMPAIR_REORDER] = 1,
	[SC_IMPAIR_CORRUPT] = 2,
	[SC_IMPAIR_JITTER] = 1,
	[SC_IMPAIR_RATE] = 1 };

static void
node_strike(struct node *n, const uint64_t *u, const struct frame *f,
    const struct flow_seg *s, struct impair_fate *fate)
{
	switch (n->n_p.kind) {
	case SC_IMPAIR_LOSS:
		if (chance(u[0], n->n_p.loss))
			lose(n, fate);
		break;
	case SC_IMPAIR_BURSTS:
		node_bursts(n, u, fate);
		break;
	case SC_IMPAIR_DROP:
		if (pick_frame(&n->n_picker, &n->n_p.drop.pick, s))
			lose(n, fate);
		break;
	case SC_IMPAIR_DUPLICATE:
		if (chance(u[0], n->n_p.duplicate)) {
			n->n_stats.duplicated++;
			fate->if_copies++;
		}
		break;
	case SC_IMPAIR_REORDER:
		node_reorder(n, u[0], fate);
		break;
	case SC_IMPAIR_CORRUPT:
		node_corrupt(n, u, f, s, fate);
		break;
	case SC_IMPAIR_JITTER:
		node_jitter(n, u[0], fate);
		break;
	case SC_IMPAIR_RATE:
		bottleneck_apply(n, f, u[0], fate);
		break;
	case SC_IMPAIR_DELAY:
		n->n_stats.delayed++;
		fate->if_when += n->n_p.delay;
		break;
	default:
		node_mtu(n, f, fate);
		break;
	}
}

/* As node_apply, with nothing that a loss does not need: most wires have no
 * other node, and every frame of theirs comes here. */
const char *
impair_loss(struct impair *im)
{
	struct node *n = im->i_nodes[0];
	uint64_t u = prng_u64(&n->n_prng);

	if (!n->n_p.enabled)
		return (NULL);
	n->n_stats.seen++;
	if (n->n_p.loss == 0 || !chance(u, n->n_p.loss))
		return (NULL);
	n->n_stats.lost++;
	return (n->n_lost);
}

static void
node_apply(struct node *n, const struct frame *f, const struct flow_seg *s,
    struct impair_fate *fate)
{
	uint64_t u[2] = { 0, 0 };

	for (unsigned d = 0; d < draws[n->n_p.kind]; d++)
		u[d] = prng_u64(&n->n_prng);
	if (!n->n_p.enabled || fate->if_lost != NULL)
		return;
	n->n_stats.seen++;
	node_strike(n, u, f, s, fate);
	n->n_stats.lost += fate->if_lost != NULL;
}

void
impair_apply(struct impair *im, unsigned i, const struct frame *f,
    const struct flow_seg *s, struct impair_fate *fate)
{
	for (; i < im->i_n; i++)
		node_apply(im->i_nodes[i], f, s, fate);
}

/* --- changes --- */

static struct node *
find_node(struct impair *im, const char *name)
{
	for (unsigned i = 0; i < im->i_n; i++)
		if (strcmp(im->i_nodes[i]->n_name, name) == 0)
			return (im->i_nodes[i]);
	return (NULL);
}

int
impair_set(struct impair *im, const char *name, const struct sc_impair *p)
{
	struct node *n = find_node(im, name);
	bool enabled;

	if (n == NULL)
		return (ENOENT);
	if (n->n_p.kind != p->kind)
		return (EINVAL);
	enabled = n->n_p.enabled;
	n->n_p = *p;
	n->n_p.enabled = enabled;
	return (0);
}

int
impair_enable(struct impair *im, const char *name, bool on)
{
	struct node *n = find_node(im, name);

	if (n == NULL)
		return (ENOENT);
	n->n_p.enabled = on && !im->i_faults_off;
	return (0);
}

/* A path that is slow, or whose packets must be small, is no fault as long as
 * everything gets through; a black hole for large packets is one. */
void
impair_faults_off(struct impair *im)
{
	im->i_faults_off = true;
	for (unsigned i = 0; i < im->i_n; i++)
		if (im->i_nodes[i]->n_p.kind != SC_IMPAIR_DELAY)
			im->i_nodes[i]->n_p.enabled = false;
}

/* --- telling --- */

const char *
impair_name(const struct impair *im, unsigned i)
{
	return (im->i_nodes[i]->n_name);
}

const char *
impair_kind(const struct impair *im, unsigned i)
{
	return (sc_impair_names[im->i_nodes[i]->n_p.kind]);
}

const struct impair_stats *
impair_stats(const struct impair *im, unsigned i)
{
	return (&im->i_nodes[i]->n_stats);
}

void
impair_dump(const struct impair *im, struct strbuf *sb, int indent)
{
	const struct node *n;

	for (unsigned i = 0; i < im->i_n; i++) {
		n = im->i_nodes[i];
		strbuf_addf(sb,
		    "%*snode %s (%s)%s: seen %ju lost %ju duplicated %ju "
		    "delayed %ju corrupted %ju marked %ju%s\n",
		    indent, "", n->n_name, impair_kind(im, i),
		    n->n_p.enabled ? "" : " off", (uintmax_t)n->n_stats.seen,
		    (uintmax_t)n->n_stats.lost,
		    (uintmax_t)n->n_stats.duplicated,
		    (uintmax_t)n->n_stats.delayed,
		    (uintmax_t)n->n_stats.corrupted,
		    (uintmax_t)n->n_stats.marked,
		    n->n_bad ? ", in a bad time" : "");
	}
}
