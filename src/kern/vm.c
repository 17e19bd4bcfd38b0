/*
 * Physical memory in chunks of 1 MiB: a page's address is chunk number and
 * offset, so the direct map is one table look-up. Chunks are allocated when
 * first needed. Single pages go through a last-in first-out list; contiguous
 * runs are cut from 16-page blocks that are kept apart by size of request, so
 * that single-page churn cannot fragment them.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/vm.h>

#define CHUNK_SHIFT 20
#define CHUNK_SIZE  (1u << CHUNK_SHIFT)
#define CHUNK_PAGES (CHUNK_SIZE / PAGE_SIZE)
#define RUN_PAGES   16 /* longest contiguous request */

struct vm_chunk {
	uint8_t *c_mem;
	struct vm_page c_pages[CHUNK_PAGES];
	uint8_t c_run[CHUNK_PAGES];   /* pages of the run, at its first */
	uint32_t c_next[CHUNK_PAGES]; /* free list, page numbers */
};

struct vm {
	struct vm_chunk **vm_chunks; /* [0] stays NULL: address 0 is no page */
	uint32_t vm_nchunks, vm_size;
	uint64_t vm_limit;
	uint64_t vm_made;		     /* pages ever created */
	uint32_t vm_free;		     /* page number; 0: none */
	uint32_t vm_free_run[RUN_PAGES + 1]; /* by length */
	uint32_t vm_cut; /* next never used page of the last chunk */
	struct vm_stats vm_stat;
	bool vm_fragmented;
	uint64_t vm_reclaimed; /* runs to be had while fragmented */
};

struct vm *
vm_create(uint64_t limit_pages)
{
	struct vm *vm;

	vm = xcalloc(1, sizeof(*vm));
	vm->vm_limit = limit_pages;
	vm->vm_nchunks = 1;
	vm->vm_size = 16;
	vm->vm_chunks = xcalloc(vm->vm_size, sizeof(*vm->vm_chunks));
	vm->vm_cut = CHUNK_PAGES;
	return (vm);
}

void
vm_destroy(struct vm *vm)
{
	if (vm == NULL)
		return;
	for (uint32_t i = 1; i < vm->vm_nchunks; i++) {
		free(vm->vm_chunks[i]->c_mem);
		free(vm->vm_chunks[i]);
	}
	free(vm->vm_chunks);
	free(vm);
}

const struct vm_stats *
vm_stats(const struct vm *vm)
{
	return (&vm->vm_stat);
}

static struct vm_chunk *
vm_chunk_of(const struct vm *vm, uint32_t pageno)
{
	uint32_t c = pageno / CHUNK_PAGES;

	KASSERT(c > 0 && c < vm->vm_nchunks,
	    ("no page at physical address "
	     "%#jx",
		(uintmax_t)pageno << PAGE_SHIFT));
	return (vm->vm_chunks[c]);
}

static void
vm_grow(struct vm *vm)
{
	struct vm_chunk *c;

	if (vm->vm_nchunks == vm->vm_size) {
		vm->vm_size *= 2;
		vm->vm_chunks = xrealloc(vm->vm_chunks,
		    vm->vm_size * sizeof(*vm->vm_chunks));
	}
	c = xcalloc(1, sizeof(*c));
	c->c_mem = aligned_alloc(PAGE_SIZE, CHUNK_SIZE);
	if (c->c_mem == NULL)
		xrealloc(NULL, SIZE_MAX); /* says so and ends */
	vm->vm_chunks[vm->vm_nchunks++] = c;
	vm->vm_cut = 0;
}

/* What is left of the last chunk becomes single pages, as the limit allows. */
static void
vm_cut_rest(struct vm *vm)
{
	uint32_t last = vm->vm_nchunks - 1;
	struct vm_chunk *c = vm->vm_chunks[last];

	for (; vm->vm_cut < CHUNK_PAGES && vm->vm_made < vm->vm_limit;
	     vm->vm_cut++) {
		c->c_next[vm->vm_cut] = vm->vm_free;
		vm->vm_free = last * CHUNK_PAGES + vm->vm_cut;
		vm->vm_made++;
	}
}

/* n fresh pages in one chunk. 0: limit. */
static uint32_t
vm_cut_pages(struct vm *vm, uint32_t n)
{
	uint32_t pageno;

	if (vm->vm_made + n > vm->vm_limit)
		return (0);
	if (vm->vm_cut + n > CHUNK_PAGES) {
		vm_cut_rest(vm);
		if (vm->vm_made + n > vm->vm_limit)
			return (0);
		vm_grow(vm);
	}
	pageno = (vm->vm_nchunks - 1) * CHUNK_PAGES + vm->vm_cut;
	vm->vm_cut += n;
	vm->vm_made += n;
	return (pageno);
}

static void
vm_page_take(struct vm *vm, uint32_t pageno)
{
	struct vm_page *p;

	p = &vm_chunk_of(vm, pageno)->c_pages[pageno % CHUNK_PAGES];
	KASSERT(p->p_wire == 0, ("free page is wired"));
	*p = (struct vm_page) { .p_wire = 1 };
	if (++vm->vm_stat.vs_inuse > vm->vm_stat.vs_max)
		vm->vm_stat.vs_max = vm->vm_stat.vs_inuse;
}

vm_paddr_t
vm_page_alloc(struct vm *vm)
{
	uint32_t pageno = vm->vm_free;
	struct vm_chunk *c;

	if (pageno != 0) {
		c = vm_chunk_of(vm, pageno);
		vm->vm_free = c->c_next[pageno % CHUNK_PAGES];
	} else if ((pageno = vm_cut_pages(vm, 1)) == 0)
		return (0);
	vm_page_take(vm, pageno);
	return ((vm_paddr_t)pageno << PAGE_SHIFT);
}

/*
 * Runs are remembered at their first page: when all pages of a run are free
 * again, the run as a whole is. c_run counts the wired pages down.
 */
vm_paddr_t
vm_page_alloc_contig(struct vm *vm, unsigned npages)
{
	uint32_t pageno;
	struct vm_chunk *c;

	KASSERT(npages >= 1 && npages <= RUN_PAGES, ("contig of %u", npages));
	if (npages > 1 && vm->vm_fragmented && vm->vm_reclaimed == 0) {
		vm->vm_stat.vs_contig_fails++;
		return (0);
	}
	pageno = vm->vm_free_run[npages];
	if (pageno != 0) {
		c = vm_chunk_of(vm, pageno);
		vm->vm_free_run[npages] = c->c_next[pageno % CHUNK_PAGES];
	} else if ((pageno = vm_cut_pages(vm, npages)) == 0) {
		vm->vm_stat.vs_contig_fails++;
		return (0);
	}
	for (unsigned i = 0; i < npages; i++) {
		vm_page_take(vm, pageno + i);
		c = vm_chunk_of(vm, pageno + i);
		c->c_pages[(pageno + i) % CHUNK_PAGES].p_run_first = pageno;
		c->c_pages[(pageno + i) % CHUNK_PAGES].p_run_len =
		    (uint8_t)npages;
	}
	vm_chunk_of(vm, pageno)->c_run[pageno % CHUNK_PAGES] = (uint8_t)npages;
	if (npages > 1 && vm->vm_fragmented)
		vm->vm_reclaimed--;
	return ((vm_paddr_t)pageno << PAGE_SHIFT);
}

void
vm_fragment(struct vm *vm, bool on)
{
	vm->vm_fragmented = on;
	vm->vm_reclaimed = 0;
}

bool
vm_page_reclaim_contig(struct vm *vm, unsigned npages, uint64_t runs)
{
	uint64_t room = vm->vm_limit - vm->vm_stat.vs_inuse;

	if (runs > room / npages)
		return (false);
	vm->vm_reclaimed += runs;
	return (true);
}

struct vm_page *
vm_page_of(const struct vm *vm, vm_paddr_t pa)
{
	uint32_t pageno = (uint32_t)(pa >> PAGE_SHIFT);

	return (&vm_chunk_of(vm, pageno)->c_pages[pageno % CHUNK_PAGES]);
}

void
vm_page_ref(struct vm *vm, vm_paddr_t pa)
{
	struct vm_page *p = vm_page_of(vm, pa);

	KASSERT(p->p_wire > 0,
	    ("reference to a free page %#jx", (uintmax_t)pa));
	p->p_wire++;
}

void
vm_page_rele(struct vm *vm, vm_paddr_t pa)
{
	struct vm_page *p = vm_page_of(vm, pa);
	uint32_t pageno = (uint32_t)(pa >> PAGE_SHIFT);
	struct vm_chunk *c;
	uint8_t *left;

	KASSERT(p->p_wire > 0, ("release of a free page %#jx", (uintmax_t)pa));
	if (--p->p_wire > 0)
		return;
	vm->vm_stat.vs_inuse--;
	if (p->p_run_len == 0) {
		c = vm_chunk_of(vm, pageno);
		c->c_next[pageno % CHUNK_PAGES] = vm->vm_free;
		vm->vm_free = pageno;
		return;
	}
	pageno = p->p_run_first;
	c = vm_chunk_of(vm, pageno);
	left = &c->c_run[pageno % CHUNK_PAGES];
	if (--*left == 0) {
		c->c_next[pageno % CHUNK_PAGES] = vm->vm_free_run[p->p_run_len];
		vm->vm_free_run[p->p_run_len] = pageno;
	}
}

uint8_t *
PHYS_TO_DMAP(const struct vm *vm, vm_paddr_t pa)
{
	uint32_t pageno = (uint32_t)(pa >> PAGE_SHIFT);

	return (vm_chunk_of(vm, pageno)->c_mem + (pa & (CHUNK_SIZE - 1)));
}

void
vm_dump(const struct vm *vm, struct strbuf *sb, int indent)
{
	strbuf_addf(sb,
	    "%*spages: in use %ju most %ju limit %ju, no contiguous run %ju "
	    "times\n",
	    indent, "", (uintmax_t)vm->vm_stat.vs_inuse,
	    (uintmax_t)vm->vm_stat.vs_max, (uintmax_t)vm->vm_limit,
	    (uintmax_t)vm->vm_stat.vs_contig_fails);
}
