/*
 * Memory of a simulated kernel: zones of equal items, counted.
 *
 * A zone keeps a last-in first-out free list (warm cache) except under
 * AddressSanitizer, where every free goes to the real allocator so that a use
 * after free is seen. At the end of a run every zone must be at zero.
 *
 * Any M_NOWAIT allocation may fail; M_WAITOK never does. kmem_fail_at makes
 * the k-th M_NOWAIT allocation of the host fail, for tests of error paths.
 */
#ifndef KTSIM_BASE_KMEM_H
#define KTSIM_BASE_KMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/queue.h>

#define M_NOWAIT 0x0001
#define M_WAITOK 0x0002
#define M_ZERO	 0x0100

struct kmem;

struct kzone {
	const char *z_name;
	size_t z_size;	   /* bytes of one item */
	uint64_t z_inuse;  /* items handed out now */
	uint64_t z_allocs; /* handed out ever */
	uint64_t z_fails;  /* M_NOWAIT refused */
	uint64_t z_max;	   /* most in use at once */
	uint64_t z_limit;  /* 0: none; M_NOWAIT above it fails */
	/* The scenario's: so many M_NOWAIT more succeed, then so many fail. */
	uint64_t z_fail_after, z_fail_count;
	void *z_free;
	struct kmem *z_kmem;
	SLIST_ENTRY(kzone) z_link;
};

struct kmem {
	SLIST_HEAD(, kzone) km_zones;
	uint64_t km_nowait;	  /* M_NOWAIT allocations so far */
	uint64_t km_fail_at;	  /* the one that fails; 0: none */
	const char *km_failed;	  /* zone of that one; NULL: not reached */
	uint64_t km_lost;	  /* in use when their zone was destroyed ... */
	const char *km_lost_zone; /* ... the last of which was this */
};

void kmem_init(struct kmem *);
/* Every zone must have been destroyed. */
void kmem_fini(struct kmem *);
/* Sum of z_inuse over all zones. */
uint64_t kmem_inuse(const struct kmem *);

/* Never fails. */
void kzone_init(struct kzone *, struct kmem *, const char *name, size_t size);
/* Items still in use are left to the leak checker: km_lost counts them. */
void kzone_fini(struct kzone *);
/* The zone of this name; NULL. */
struct kzone *kmem_zone(struct kmem *, const char *name);
/* NULL only for M_NOWAIT. Contents undefined without M_ZERO. */
void *kzone_alloc(struct kzone *, int flags);
void kzone_free(struct kzone *, void *item);

/* Zones that were ever used, a line each. base/dump.h. */
struct strbuf;
void kmem_dump(const struct kmem *, struct strbuf *, int indent);

/* The laboratory's own memory: never NULL, the process ends when there is none. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t size);
char *xstrdup(const char *);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
