/*
 * Files whose pages are cold until somebody reads them. A page is absent,
 * being read, or valid; readers of a page on its way wait for the same disk
 * event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>

struct page_waiter {
	struct page_waiter *pw_next;
	vnode_io_fn *pw_done;
	void *pw_arg;
};

struct page_io { /* one disk read */
	struct sim_event pi_event;
	struct vnode *pi_vnode;
	uint64_t pi_pageno;
	int pi_error;
	struct page_waiter *pi_waiters, **pi_tail;
};

struct vpage {
	vm_paddr_t vp_pa;	   /* 0: absent */
	struct page_io *vp_io;	   /* being read */
	uint8_t *vp_own;	   /* contents since a write; NULL: generated */
	TAILQ_ENTRY(vpage) vp_lru; /* while it is not absent */
};
TAILQ_HEAD(lru_head, vpage);

struct vnode {
	struct vnet *v_vnet;
	char *v_name;
	uint64_t v_size, v_npages;
	vnode_fill_fn *v_fill;
	void *v_arg;
	uint32_t v_refs;
	struct vpage *v_pages;
	SLIST_ENTRY(vnode) v_link;
};

struct vfs_state {
	SLIST_HEAD(, vnode) vs_vnodes;
	struct kzone vs_io_zone, vs_waiter_zone;
	simtime_t vs_latency;
	disk_latency_fn *vs_latency_fn;
	void *vs_latency_arg;
	struct lru_head vs_lru; /* pages; the one used longest ago first */
	uint64_t vs_npages, vs_limit; /* limit 0: none */
	struct vfs_stats vs_stats;
};

void
vfs_attach(struct vnet *vnet)
{
	struct vfs_state *vs;

	vnet->v_vfs = vs = xcalloc(1, sizeof(*vs));
	vs->vs_latency = 80 * SIM_US;
	kzone_init(&vs->vs_io_zone, &vnet->v_kmem, "page_io",
	    sizeof(struct page_io));
	kzone_init(&vs->vs_waiter_zone, &vnet->v_kmem, "page_waiter",
	    sizeof(struct page_waiter));
	sysctl_add(vnet, "sim.vfs.disk_pages", &vs->vs_stats.reads, CTL_CTR,
	    NULL, "pages read from disk");
	sysctl_add(vnet, "sim.vfs.evicted", &vs->vs_stats.evicted, CTL_CTR,
	    NULL, "pages that left the cache to make room");
	TAILQ_INIT(&vs->vs_lru);
}

/* --- which pages are there, and in which order they were used --- */

static void
page_enter(struct vfs_state *vs, struct vpage *pg, vm_paddr_t pa)
{
	pg->vp_pa = pa;
	TAILQ_INSERT_TAIL(&vs->vs_lru, pg, vp_lru);
	vs->vs_npages++;
}

static void
page_used(struct vfs_state *vs, struct vpage *pg)
{
	TAILQ_REMOVE(&vs->vs_lru, pg, vp_lru);
	TAILQ_INSERT_TAIL(&vs->vs_lru, pg, vp_lru);
}

static void
page_leave(struct vfs_state *vs, struct vm *vm, struct vpage *pg)
{
	TAILQ_REMOVE(&vs->vs_lru, pg, vp_lru);
	vs->vs_npages--;
	vm_page_rele(vm, pg->vp_pa);
	pg->vp_pa = 0;
}

/* Nobody waits for it, and no mbuf carries it. */
static bool
page_is_idle(struct vm *vm, const struct vpage *pg)
{
	return (pg->vp_io == NULL && vm_page_of(vm, pg->vp_pa)->p_wire == 1);
}

/* Room for one page more. What is in use stays: then there are more for a
 * while than there should be. */
static void
cache_make_room(struct vfs_state *vs, struct vm *vm)
{
	struct vpage *pg, *next;

	TAILQ_FOREACH_SAFE(pg, &vs->vs_lru, vp_lru, next) {
		if (vs->vs_limit == 0 || vs->vs_npages < vs->vs_limit)
			return;
		if (!page_is_idle(vm, pg))
			continue;
		page_leave(vs, vm, pg);
		vs->vs_stats.evicted++;
	}
}

void
vfs_set_cache(struct vnet *vnet, uint64_t pages)
{
	vnet->v_vfs->vs_limit = pages;
}

static void
page_io_free(struct vnode *vp, struct page_io *io)
{
	struct vfs_state *vs = vp->v_vnet->v_vfs;
	struct page_waiter *w;

	timebase_cancel(vp->v_vnet->v_tb, &io->pi_event);
	while ((w = io->pi_waiters) != NULL) {
		io->pi_waiters = w->pw_next;
		kzone_free(&vs->vs_waiter_zone, w);
	}
	kzone_free(&vs->vs_io_zone, io);
}

static void
vnode_destroy(struct vnode *vp)
{
	struct vfs_state *vs = vp->v_vnet->v_vfs;
	struct vnode **pv;

	for (uint64_t i = 0; i < vp->v_npages; i++) {
		if (vp->v_pages[i].vp_io != NULL)
			page_io_free(vp, vp->v_pages[i].vp_io);
		if (vp->v_pages[i].vp_pa != 0)
			page_leave(vs, vp->v_vnet->v_vm, &vp->v_pages[i]);
		free(vp->v_pages[i].vp_own);
	}
	for (pv = &vs->vs_vnodes.slh_first; *pv != vp;
	     pv = &(*pv)->v_link.sle_next)
		;
	*pv = vp->v_link.sle_next;
	free(vp->v_pages);
	free(vp->v_name);
	free(vp);
}

void
vfs_detach(struct vnet *vnet)
{
	struct vfs_state *vs = vnet->v_vfs;

	while (!SLIST_EMPTY(&vs->vs_vnodes))
		vnode_destroy(SLIST_FIRST(&vs->vs_vnodes));
	kzone_fini(&vs->vs_io_zone);
	kzone_fini(&vs->vs_waiter_zone);
	free(vs);
	vnet->v_vfs = NULL;
}

void
vfs_set_disk(struct vnet *vnet, simtime_t latency, disk_latency_fn *fn,
    void *arg)
{
	struct vfs_state *vs = vnet->v_vfs;

	vs->vs_latency = latency;
	vs->vs_latency_fn = fn;
	vs->vs_latency_arg = arg;
}

const struct vfs_stats *
vfs_stats(const struct vnet *vnet)
{
	return (&vnet->v_vfs->vs_stats);
}

struct vnode *
vnode_create(struct vnet *vnet, const char *name, uint64_t size,
    vnode_fill_fn *fill, void *arg)
{
	struct vnode *vp;

	vp = xcalloc(1, sizeof(*vp));
	*vp = (struct vnode) { .v_vnet = vnet,
		.v_name = xstrdup(name),
		.v_size = size,
		.v_npages = howmany(size, PAGE_SIZE),
		.v_fill = fill,
		.v_arg = arg,
		.v_refs = 1 };
	vp->v_pages = xcalloc(vp->v_npages, sizeof(*vp->v_pages));
	SLIST_INSERT_HEAD(&vnet->v_vfs->vs_vnodes, vp, v_link);
	return (vp);
}

void
vnode_ref(struct vnode *vp)
{
	vp->v_refs++;
}

void
vnode_rele(struct vnode *vp)
{
	if (--vp->v_refs == 0)
		vnode_destroy(vp);
}

uint64_t
vnode_size(const struct vnode *vp)
{
	return (vp->v_size);
}

struct vnode *
vnode_lookup(struct vnet *vnet, const char *name)
{
	struct vnode *vp;

	SLIST_FOREACH(vp, &vnet->v_vfs->vs_vnodes, v_link)
		if (strcmp(vp->v_name, name) == 0)
			return (vp);
	return (NULL);
}

static uint64_t
page_hash(const uint8_t *p)
{
	return (hash64(p, PAGE_SIZE, 0));
}

static uint32_t
vnode_pagelen(const struct vnode *vp, uint64_t pageno)
{
	return ((
	    uint32_t)MIN((uint64_t)PAGE_SIZE, vp->v_size - pageno * PAGE_SIZE));
}

/* The file's bytes of one page: the generator's, or what was written. */
static void
vnode_contents(const struct vnode *vp, uint64_t pageno, uint32_t off,
    uint8_t *p, uint32_t len)
{
	const uint8_t *own = vp->v_pages[pageno].vp_own;

	if (own != NULL)
		memcpy(p, own + off, len);
	else
		vp->v_fill(vp->v_arg, pageno * PAGE_SIZE + off, p, len);
}

/* Fill a page; only vnode_write changes it from now on. */
static void
vnode_fillpage(struct vnode *vp, uint64_t pageno, vm_paddr_t pa)
{
	uint8_t *p = PHYS_TO_DMAP(vp->v_vnet->v_vm, pa);
	uint32_t len = vnode_pagelen(vp, pageno);
	struct vm_page *pg;

	vnode_contents(vp, pageno, 0, p, len);
	memset(p + len, 0, PAGE_SIZE - len);
	pg = vm_page_of(vp->v_vnet->v_vm, pa);
	pg->p_file = true;
	pg->p_hash = page_hash(p);
}

void
vnode_warm(struct vnode *vp)
{
	struct vfs_state *vs = vp->v_vnet->v_vfs;
	vm_paddr_t pa;

	for (uint64_t i = 0; i < vp->v_npages; i++) {
		if (vp->v_pages[i].vp_pa != 0)
			continue;
		if ((vs->vs_limit != 0 && vs->vs_npages >= vs->vs_limit) ||
		    (pa = vm_page_alloc(vp->v_vnet->v_vm)) == 0)
			return;
		page_enter(vs, &vp->v_pages[i], pa);
		vnode_fillpage(vp, i, pa);
	}
}

void
vnode_chill(struct vnode *vp)
{
	struct vm *vm = vp->v_vnet->v_vm;

	for (uint64_t i = 0; i < vp->v_npages; i++) {
		if (vp->v_pages[i].vp_pa != 0 &&
		    page_is_idle(vm, &vp->v_pages[i]))
			page_leave(vp->v_vnet->v_vfs, vm, &vp->v_pages[i]);
	}
}

/*
 * The read is over. The page was allocated when it began, so that waiters
 * could put its address into mbufs; its contents appear now.
 */
static void
page_io_done(void *arg)
{
	struct page_io *io = arg;
	struct vnode *vp = io->pi_vnode;
	struct vfs_state *vs = vp->v_vnet->v_vfs;
	struct page_waiter *w;
	vm_paddr_t pa = vp->v_pages[io->pi_pageno].vp_pa;

	TRACE(&vp->v_vnet->v_tracer, disk_read, TS(vp->v_name),
	    TU(io->pi_pageno), TI(io->pi_error));
	vp->v_pages[io->pi_pageno].vp_io = NULL;
	if (io->pi_error == 0)
		vnode_fillpage(vp, io->pi_pageno, pa);
	else {
		vs->vs_stats.errors++;
		page_leave(vs, vp->v_vnet->v_vm, &vp->v_pages[io->pi_pageno]);
	}
	vnode_ref(vp);
	while ((w = io->pi_waiters) != NULL) {
		io->pi_waiters = w->pw_next;
		w->pw_done(w->pw_arg, io->pi_error);
		kzone_free(&vs->vs_waiter_zone, w);
	}
	kzone_free(&vs->vs_io_zone, io);
	vnode_rele(vp);
}

static bool
vnode_startio(struct vnode *vp, uint64_t pageno)
{
	struct vfs_state *vs = vp->v_vnet->v_vfs;
	simtime_t latency = vs->vs_latency;
	struct page_io *io;
	vm_paddr_t pa;

	cache_make_room(vs, vp->v_vnet->v_vm);
	if ((pa = vm_page_alloc(vp->v_vnet->v_vm)) == 0)
		return (false);
	io = kzone_alloc(&vs->vs_io_zone, M_WAITOK | M_ZERO);
	io->pi_vnode = vp;
	io->pi_pageno = pageno;
	io->pi_tail = &io->pi_waiters;
	sim_event_init(&io->pi_event, EV_DISK, "disk", page_io_done, io);
	if (vs->vs_latency_fn != NULL)
		latency = vs->vs_latency_fn(vs->vs_latency_arg, vp, pageno,
		    &io->pi_error);
	page_enter(vs, &vp->v_pages[pageno], pa);
	vp->v_pages[pageno].vp_io = io;
	vs->vs_stats.reads++;
	timebase_post_in(vp->v_vnet->v_tb, &io->pi_event, latency);
	return (true);
}

vm_paddr_t
vnode_getpage(struct vnode *vp, uint64_t pageno, bool nodiskio, bool *iop,
    vnode_io_fn *done, void *arg)
{
	struct vpage *pg = &vp->v_pages[pageno];
	struct page_waiter *w;

	KASSERT(pageno < vp->v_npages,
	    ("page %ju of %s", (uintmax_t)pageno, vp->v_name));
	*iop = pg->vp_pa == 0 || pg->vp_io != NULL;
	if (*iop && nodiskio)
		return (0);
	if (*iop) {
		if (pg->vp_io != NULL)
			vp->v_vnet->v_vfs->vs_stats.joined++;
		else if (!vnode_startio(vp, pageno))
			return (0);
		w = kzone_alloc(&vp->v_vnet->v_vfs->vs_waiter_zone, M_WAITOK);
		*w = (struct page_waiter) { .pw_done = done, .pw_arg = arg };
		*pg->vp_io->pi_tail = w;
		pg->vp_io->pi_tail = &w->pw_next;
	} else
		vp->v_vnet->v_vfs->vs_stats.hits++;
	page_used(vp->v_vnet->v_vfs, pg);
	vm_page_ref(vp->v_vnet->v_vm, pg->vp_pa);
	return (pg->vp_pa);
}

void
vnode_peek(const struct vnode *vp, uint64_t off, void *buf, uint32_t len)
{
	uint8_t *p = buf;
	uint32_t pgoff, n;

	for (; len > 0; p += n, off += n, len -= n) {
		pgoff = (uint32_t)(off & PAGE_MASK);
		n = MIN(len, PAGE_SIZE - pgoff);
		vnode_contents(vp, off >> PAGE_SHIFT, pgoff, p, n);
	}
}

static void
vnode_write_page(struct vnode *vp, uint64_t pageno, uint32_t off,
    const uint8_t *p, uint32_t len)
{
	struct vpage *pg = &vp->v_pages[pageno];
	struct vm *vm = vp->v_vnet->v_vm;
	uint8_t *own = pg->vp_own, *page;

	if (own == NULL) {
		own = xcalloc(1, PAGE_SIZE);
		vnode_contents(vp, pageno, 0, own, vnode_pagelen(vp, pageno));
		pg->vp_own = own;
	}
	memcpy(own + off, p, len);
	if (pg->vp_pa == 0 || pg->vp_io != NULL)
		return; /* it will be read so */
	page = PHYS_TO_DMAP(vm, pg->vp_pa);
	memcpy(page + off, p, len);
	vm_page_of(vm, pg->vp_pa)->p_hash = page_hash(page);
}

int
vnode_write(struct vnode *vp, uint64_t off, const void *buf, uint32_t len)
{
	const uint8_t *p = buf;
	uint32_t pgoff, n;

	if (len > vp->v_size || off > vp->v_size - len)
		return (EINVAL);
	ktls_settle(vp->v_vnet);
	for (; len > 0; p += n, off += n, len -= n) {
		pgoff = (uint32_t)(off & PAGE_MASK);
		n = MIN(len, PAGE_SIZE - pgoff);
		vnode_write_page(vp, off >> PAGE_SHIFT, pgoff, p, n);
	}
	return (0);
}

const uint8_t *
vnode_resident(const struct vnode *vp, uint64_t pageno)
{
	const struct vpage *pg = &vp->v_pages[pageno];

	if (pageno >= vp->v_npages || pg->vp_pa == 0 || pg->vp_io != NULL)
		return (NULL);
	return (PHYS_TO_DMAP(vp->v_vnet->v_vm, pg->vp_pa));
}

int
vnode_verify(const struct vnode *vp, struct strbuf *sb)
{
	const struct vpage *pg;
	struct vm *vm = vp->v_vnet->v_vm;
	int bad = 0;

	for (uint64_t i = 0; i < vp->v_npages; i++) {
		pg = &vp->v_pages[i];
		if (pg->vp_pa == 0 || pg->vp_io != NULL ||
		    page_hash(PHYS_TO_DMAP(vm, pg->vp_pa)) ==
			vm_page_of(vm, pg->vp_pa)->p_hash)
			continue;
		if (bad++ < 4)
			strbuf_addf(sb, "%s: page %ju of file %s was written\n",
			    vp->v_vnet->v_name, (uintmax_t)i, vp->v_name);
	}
	return (bad);
}

int
vfs_verify(struct vnet *vnet, struct strbuf *sb)
{
	const struct vnode *vp;
	int bad = 0;

	SLIST_FOREACH(vp, &vnet->v_vfs->vs_vnodes, v_link)
		bad += vnode_verify(vp, sb);
	return (bad);
}

/* Walk the cache: pages held, and references others have to them. */
static void
vfs_count(const struct vnet *vnet, uint64_t *pages, uint64_t *extra)
{
	const struct vnode *vp;
	vm_paddr_t pa;

	*pages = *extra = 0;
	SLIST_FOREACH(vp, &vnet->v_vfs->vs_vnodes, v_link)
		for (uint64_t i = 0; i < vp->v_npages; i++) {
			if ((pa = vp->v_pages[i].vp_pa) == 0)
				continue;
			++*pages;
			*extra += vm_page_of(vnet->v_vm, pa)->p_wire - 1;
		}
}

uint64_t
vfs_cached_pages(const struct vnet *vnet)
{
	uint64_t pages, extra;

	vfs_count(vnet, &pages, &extra);
	return (pages);
}

uint64_t
vfs_extra_wirings(const struct vnet *vnet)
{
	uint64_t pages, extra;

	vfs_count(vnet, &pages, &extra);
	return (extra);
}

static void
vnode_dump(const struct vnode *vp, struct strbuf *sb, int indent)
{
	uint64_t resident = 0, reading = 0, wirings = 0;
	const struct vpage *pg;

	for (uint64_t i = 0; i < vp->v_npages; i++) {
		pg = &vp->v_pages[i];
		if (pg->vp_pa == 0)
			continue;
		if (pg->vp_io != NULL)
			reading++;
		else
			resident++;
		wirings += vm_page_of(vp->v_vnet->v_vm, pg->vp_pa)->p_wire - 1;
	}
	strbuf_addf(sb,
	    "%*sfile %s: bytes %ju refs %u, pages %ju: resident %ju being "
	    "read %ju, wired by others %ju times\n",
	    indent, "", vp->v_name, (uintmax_t)vp->v_size, vp->v_refs,
	    (uintmax_t)vp->v_npages, (uintmax_t)resident, (uintmax_t)reading,
	    (uintmax_t)wirings);
}

void
vfs_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	const struct vnode *vp;

	SLIST_FOREACH(vp, &vnet->v_vfs->vs_vnodes, v_link)
		vnode_dump(vp, sb, indent);
}
