/*
 * Simulated physical memory: 4 KiB pages, named by physical address, reached
 * through a direct map. Pages are reference counted ("wired"); the last
 * release returns a page to a last-in first-out free list.
 *
 * Address 0 is never a page. Memory grows on demand up to vm_limit pages.
 */
#ifndef KTSIM_KERN_VM_H
#define KTSIM_KERN_VM_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096
#define PAGE_MASK  (PAGE_SIZE - 1)

typedef uint64_t vm_paddr_t;

struct kmem;
struct vm;

struct vm_page {
	uint32_t p_wire;      /* references; 0: free */
	bool p_file;	      /* belongs to a file: never written
					   after it became valid */
	uint8_t p_run_len;    /* contiguous run it was allocated in */
	uint32_t p_run_first; /* that run's first page number */
	uint64_t p_hash;      /* of a valid file page's contents */
};

struct vm_stats {
	uint64_t vs_inuse; /* pages with p_wire > 0 */
	uint64_t vs_max;
	uint64_t vs_contig_fails;
};

struct vm *vm_create(uint64_t limit_pages);
/* Pages still wired are the leak checker's affair. NULL is allowed. */
void vm_destroy(struct vm *);
const struct vm_stats *vm_stats(const struct vm *);

struct strbuf;
void vm_dump(const struct vm *, struct strbuf *, int indent);

/* One page, p_wire 1, contents undefined. 0 when the limit is reached. */
vm_paddr_t vm_page_alloc(struct vm *);
/*
 * npages (1 to 16) physically contiguous pages, each p_wire 1, each to be
 * released on its own. 0 when there is no such run.
 */
vm_paddr_t vm_page_alloc_contig(struct vm *, unsigned npages);
/*
 * Fragmented memory has no run of more than one page, until reclaiming made
 * some or it is healed (on false). What is allocated stays.
 */
void vm_fragment(struct vm *, bool on);
/*
 * Make runs runs of npages free by moving what is in the way. False: there is
 * not so much free memory; nothing was done.
 * Source: vm_page_reclaim_contig_domain_ext.
 */
bool vm_page_reclaim_contig(struct vm *, unsigned npages, uint64_t runs);
struct vm_page *vm_page_of(const struct vm *, vm_paddr_t pa);
void vm_page_ref(struct vm *, vm_paddr_t pa);
void vm_page_rele(struct vm *, vm_paddr_t pa);

/*
 * The direct map: where the byte at pa can be read and written. Valid to the
 * end of the page (of the contiguous run, if it was allocated as one).
 */
uint8_t *PHYS_TO_DMAP(const struct vm *, vm_paddr_t pa);

#endif
