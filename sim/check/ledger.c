/*
 * Origins are intervals: copied bytes (small) or a file range (nothing is
 * copied; the comparison reads the page cache's page, or the file's generator
 * where the page is not resident).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/queue.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/sim/ledger.h>

struct origin {
	STAILQ_ENTRY(origin) o_link;
	uint8_t *o_bytes; /* or */
	const struct vnode *o_vp;
	uint64_t o_off;
	uint64_t o_len, o_done;
};

struct ldir {
	STAILQ_HEAD(, origin) d_origins;
	uint64_t d_declared, d_delivered;
	bool d_broken; /* told once */
};

struct ledger_flow {
	struct ledger *f_ledger;
	struct ledger_flow *f_next, *f_hash;
	struct ksockaddr f_client, f_server;
	char *f_name;
	const char *f_excuse;
	struct ldir f_dir[2];
};

#define LEDGER_BUCKETS 4096

struct ledger {
	ledger_report_fn *l_report;
	void *l_arg;
	struct ledger_flow *l_flows;
	struct ledger_flow *l_hash[LEDGER_BUCKETS];
};

static const char *const dir_text[] = { "client to server",
	"server to client" };

struct ledger *
ledger_create(ledger_report_fn *fn, void *arg)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->l_report = fn;
	l->l_arg = arg;
	return (l);
}

static void
origin_free(struct origin *o)
{
	free(o->o_bytes);
	free(o);
}

void
ledger_destroy(struct ledger *l)
{
	struct ledger_flow *f;
	struct origin *o;

	if (l == NULL)
		return;
	while ((f = l->l_flows) != NULL) {
		l->l_flows = f->f_next;
		for (int d = 0; d < 2; d++)
			while ((o = STAILQ_FIRST(&f->f_dir[d].d_origins)) !=
			    NULL) {
				STAILQ_REMOVE_HEAD(&f->f_dir[d].d_origins,
				    o_link);
				origin_free(o);
			}
		free(f->f_name);
		free(f);
	}
	free(l);
}

static unsigned
flow_bucket(const struct ksockaddr *c, const struct ksockaddr *s)
{
	unsigned h = 5381u + c->sa_port * 31u + s->sa_port;

	for (int i = 0; i < 16; i++)
		h = h * 33u ^ c->sa_addr.a[i] ^
		    (unsigned)(s->sa_addr.a[i] << 4);
	return (h % LEDGER_BUCKETS);
}

static bool
sa_eq(const struct ksockaddr *a, const struct ksockaddr *b)
{
	return (
	    a->sa_port == b->sa_port && in_any_eq(&a->sa_addr, &b->sa_addr));
}

struct ledger_flow *
ledger_open(struct ledger *l, const struct ksockaddr *client,
    const struct ksockaddr *server, const char *name)
{
	unsigned b = flow_bucket(client, server);
	struct ledger_flow *f;

	for (f = l->l_hash[b]; f != NULL; f = f->f_hash)
		if (sa_eq(&f->f_client, client) && sa_eq(&f->f_server, server))
			break;
	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->f_ledger = l;
		f->f_client = *client;
		f->f_server = *server;
		STAILQ_INIT(&f->f_dir[0].d_origins);
		STAILQ_INIT(&f->f_dir[1].d_origins);
		f->f_hash = l->l_hash[b];
		l->l_hash[b] = f;
		f->f_next = l->l_flows;
		l->l_flows = f;
	}
	if (f->f_name == NULL && name != NULL)
		f->f_name = xstrdup(name);
	return (f);
}

static void
origin_add(struct ledger_flow *f, enum ledger_dir dir, struct origin o)
{
	struct origin *no = xcalloc(1, sizeof(*no));

	*no = o;
	f->f_dir[dir].d_declared += o.o_len;
	STAILQ_INSERT_TAIL(&f->f_dir[dir].d_origins, no, o_link);
}

void
ledger_origin_bytes(struct ledger_flow *f, enum ledger_dir dir, const void *buf,
    size_t len)
{
	struct origin o = { .o_len = len };

	o.o_bytes = xrealloc(NULL, len);
	memcpy(o.o_bytes, buf, len);
	origin_add(f, dir, o);
}

void
ledger_origin_file(struct ledger_flow *f, enum ledger_dir dir,
    const struct vnode *vp, uint64_t off, uint64_t len)
{
	origin_add(f, dir,
	    (struct origin) { .o_vp = vp, .o_off = off, .o_len = len });
}

void
ledger_outside(struct ledger_flow *f, enum ledger_dir dir, uint64_t len)
{
	f->f_dir[dir].d_declared += len;
	ledger_excuse(f, "its reader is outside");
}

static void
ledger_broken(struct ledger_flow *f, enum ledger_dir dir, const char *what,
    uint64_t at)
{
	char text[256];

	if (f->f_dir[dir].d_broken)
		return;
	f->f_dir[dir].d_broken = true;
	snprintf(text, sizeof(text), "%s, %s: %s at byte %ju of the stream",
	    f->f_name != NULL ? f->f_name : "?", dir_text[dir], what,
	    (uintmax_t)at);
	f->f_ledger->l_report(f->f_ledger->l_arg, text);
}

/* Index of the first differing byte, or len. */
static size_t
first_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	if (memcmp(a, b, len) == 0)
		return (len);
	while (a[i] == b[i])
		i++;
	return (i);
}

/* Compare up to the end of the file's page; returns bytes compared equal. */
static size_t
compare_file(const struct origin *o, const uint8_t *buf, size_t len,
    size_t *compared)
{
	uint64_t at = o->o_off + o->o_done;
	uint32_t pgoff = (uint32_t)(at & PAGE_MASK);
	const uint8_t *page = vnode_resident(o->o_vp, at >> PAGE_SHIFT);
	uint8_t tmp[PAGE_SIZE];

	*compared = MIN(len, (size_t)(PAGE_SIZE - pgoff));
	if (page != NULL && memcmp(page + pgoff, buf, *compared) == 0)
		return (*compared);
	/* Not resident, or not what the cache has now: the file itself says. */
	vnode_peek(o->o_vp, at, tmp, (uint32_t)*compared);
	return (first_difference(tmp, buf, *compared));
}

void
ledger_read(struct ledger_flow *f, enum ledger_dir dir, const void *buf,
    size_t len)
{
	struct ldir *d = &f->f_dir[dir];
	const uint8_t *p = buf;
	size_t n, same;
	struct origin *o;

	while (len > 0 && !d->d_broken) {
		if ((o = STAILQ_FIRST(&d->d_origins)) == NULL) {
			ledger_broken(f, dir, "more bytes than were sent",
			    d->d_delivered);
			return;
		}
		n = MIN(len, (size_t)(o->o_len - o->o_done));
		if (o->o_bytes != NULL)
			same = first_difference(o->o_bytes + o->o_done, p, n);
		else
			same = compare_file(o, p, n, &n);
		if (same < n) {
			ledger_broken(f, dir, "another byte than was sent",
			    d->d_delivered + same);
			return;
		}
		o->o_done += n;
		d->d_delivered += n;
		p += n;
		len -= n;
		if (o->o_done == o->o_len) {
			STAILQ_REMOVE_HEAD(&d->d_origins, o_link);
			origin_free(o);
		}
	}
}

void
ledger_excuse(struct ledger_flow *f, const char *why)
{
	if (f->f_excuse == NULL)
		f->f_excuse = why;
}

void
ledger_finish(struct ledger *l)
{
	struct ledger_flow *f;

	for (f = l->l_flows; f != NULL; f = f->f_next)
		for (int d = 0; d < 2; d++)
			if (f->f_dir[d].d_delivered < f->f_dir[d].d_declared &&
			    f->f_excuse == NULL)
				ledger_broken(f, (enum ledger_dir)d,
				    "bytes never arrived, from there on",
				    f->f_dir[d].d_delivered);
}

void
ledger_totals(const struct ledger *l, struct ledger_totals *t)
{
	const struct ledger_flow *f;

	*t = (struct ledger_totals) { 0 };
	for (f = l->l_flows; f != NULL; f = f->f_next) {
		t->flows++;
		for (int d = 0; d < 2; d++) {
			t->origin += f->f_dir[d].d_declared;
			t->delivered += f->f_dir[d].d_delivered;
			if (f->f_excuse != NULL)
				t->excused += f->f_dir[d].d_declared -
				    f->f_dir[d].d_delivered;
		}
	}
}
