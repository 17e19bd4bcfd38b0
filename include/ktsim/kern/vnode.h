/*
 * Files and the page cache, as far as sendfile sees them.
 *
 * A vnode's bytes come from a generator (a pure function of offset), read
 * into page-cache pages on demand. A page that is not resident costs a disk
 * read: a completion event after the disk's latency, in any order the disk
 * likes. Resident pages are wired by the cache and by each mbuf that carries
 * them; only vnode_write writes them again (vnode_verify checks their hash).
 */
#ifndef KTSIM_KERN_VNODE_H
#define KTSIM_KERN_VNODE_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/vm.h>

struct vnet;
struct vnode;

/* Fill buf with the file's bytes [off, off+len). Must be pure. */
typedef void vnode_fill_fn(void *arg, uint64_t off, void *buf, uint32_t len);

/*
 * Asked for each disk read; returns its latency. May also order an error by
 * setting *error. NULL in vfs_params: constant latency.
 */
typedef simtime_t disk_latency_fn(void *arg, struct vnode *, uint64_t pageno,
    int *error);

void vfs_attach(struct vnet *);
void vfs_detach(struct vnet *);
void vfs_set_disk(struct vnet *, simtime_t latency, disk_latency_fn *,
    void *arg);

/*
 * At most so many pages in the cache; 0: no limit. One that is read in drives
 * out the one that was used longest ago; pages that are wired by others stay,
 * and may be too many for a while.
 */
void vfs_set_cache(struct vnet *, uint64_t pages);

/* The name is copied. One reference. */
struct vnode *vnode_create(struct vnet *, const char *name, uint64_t size,
    vnode_fill_fn *, void *arg);
void vnode_rele(struct vnode *); /* drops its pages from the cache */
void vnode_ref(struct vnode *);
uint64_t vnode_size(const struct vnode *);
/* By name; NULL when there is none. No reference is taken. */
struct vnode *vnode_lookup(struct vnet *, const char *name);
/* Read all pages in now, at no cost ("the file is in the cache"), as far as the
 * cache has room. */
void vnode_warm(struct vnode *);
/* Forget all resident pages that nobody else has wired. */
void vnode_chill(struct vnode *);

/*
 * write(2) to the file: resident pages change in place, also under those who
 * have them wired. What a TLS worker has taken is encrypted as it was; what
 * still waits for it, and what a card or TCP reads again for a retransmission,
 * is new (FreeBSD's hazard of sendfile, freebsd-ktls.md 3.8). The size does
 * not change. EINVAL: beyond the end.
 */
int vnode_write(struct vnode *, uint64_t off, const void *buf, uint32_t len);

/*
 * Start of a page wanted by sendfile: returns the wired page's address. If it
 * is not resident, *iop is true and done(arg, error) is called later from a
 * disk event, when the contents are there (error: they are not).
 * 0: out of memory. nodiskio: return 0 with *iop true instead of reading.
 */
typedef void vnode_io_fn(void *arg, int error);
vm_paddr_t vnode_getpage(struct vnode *, uint64_t pageno, bool nodiskio,
    bool *iop, vnode_io_fn *done, void *arg);

/* The true contents, for checkers: does not touch the cache. */
void vnode_peek(const struct vnode *, uint64_t off, void *buf, uint32_t len);
/* A resident page's bytes, or NULL. For checkers that want no copy. */
const uint8_t *vnode_resident(const struct vnode *, uint64_t pageno);
/* Number of resident pages whose bytes are not what was read; texts added. */
int vnode_verify(const struct vnode *, struct strbuf *);
int vfs_verify(struct vnet *, struct strbuf *); /* all vnodes */

/* Pages the cache holds, and wirings of them by others (sendfile's mbufs). */
uint64_t vfs_cached_pages(const struct vnet *);
uint64_t vfs_extra_wirings(const struct vnet *);

/* Every file, with its pages in short. base/dump.h. */
void vfs_dump(const struct vnet *, struct strbuf *, int indent);

struct vfs_stats {
	uint64_t hits;	 /* the page was there */
	uint64_t reads;	 /* it was not */
	uint64_t joined; /* it was being read already */
	uint64_t errors, evicted;
};
const struct vfs_stats *vfs_stats(const struct vnet *);

#endif
