/* The page cache: who waits for a read, what a failed one leaves, what it
 * notices. */
#include "ktest.h"

#include <errno.h>
#include <string.h>

#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/sim/engine.h>

static struct engine *en;
static struct jobpool *jp;
static struct vnet *v;
static struct vnode *vn;
static int done, errors, disk_error;

static void
fill(void *arg, uint64_t off, void *buf, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)((off + i) * 31 + 5);
}

static void
io_done(void *arg, int error)
{
	done++;
	errors += error != 0;
}

static simtime_t
disk(void *arg, struct vnode *vp, uint64_t pageno, int *error)
{
	*error = disk_error;
	return (SIM_MS);
}

static int
setup(void **state)
{
	struct vnet_params vp = { .vp_name = "h", .vp_ncpus = 1 };

	en = engine_create();
	jp = hostpool_create(0);
	vp.vp_tb = engine_timebase(en);
	vp.vp_jobs = jp;
	v = vnet_create(&vp);
	vfs_set_disk(v, 0, disk, NULL);
	vn = vnode_create(v, "/f", 3 * PAGE_SIZE + 100, fill, NULL);
	done = errors = disk_error = 0;
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	(void)engine_run(en, SIM_NEVER);
	assert_int_equal(vnet_leaks(v, &sb), 0);
	strbuf_fini(&sb);
	vnet_destroy(v);
	hostpool_destroy(jp);
	engine_destroy(en);
	return (0);
}

static vm_paddr_t
get(uint64_t pageno, bool *cold)
{
	return (vnode_getpage(vn, pageno, false, cold, io_done, NULL));
}

static void
test_two_readers_of_a_cold_page_wait_for_one_read(void **state)
{
	uint8_t want[PAGE_SIZE];
	vm_paddr_t a, b, c;
	bool cold;

	a = get(1, &cold);
	assert_true(cold);
	b = get(1, &cold);
	assert_true(cold);
	assert_true(a != 0 && a == b);
	assert_null(vnode_resident(vn, 1));
	assert_int_equal(vfs_stats(v)->reads, 1);
	(void)engine_run(en, SIM_MS);
	assert_int_equal(done, 2);
	fill(NULL, PAGE_SIZE, want, PAGE_SIZE);
	assert_memory_equal(vnode_resident(vn, 1), want, PAGE_SIZE);
	c = get(1, &cold);
	assert_false(cold);
	assert_true(c == a);
	assert_int_equal(vfs_extra_wirings(v), 3);
	for (int i = 0; i < 3; i++)
		vm_page_rele(v->v_vm, a);
	assert_int_equal(vfs_extra_wirings(v), 0);
}

static void
test_a_failed_read_tells_all_and_leaves_the_page_absent(void **state)
{
	vm_paddr_t a;
	bool cold;

	disk_error = EIO;
	a = get(0, &cold);
	(void)get(0, &cold);
	(void)engine_run(en, SIM_MS);
	assert_int_equal(done, 2);
	assert_int_equal(errors, 2);
	assert_null(vnode_resident(vn, 0));
	vm_page_rele(v->v_vm, a);
	vm_page_rele(v->v_vm, a);
	disk_error = 0;
	a = get(0, &cold);
	assert_true(cold); /* tried again */
	(void)engine_run(en, 2 * SIM_MS);
	assert_non_null(vnode_resident(vn, 0));
	vm_page_rele(v->v_vm, a);
}

static void
test_nodiskio_starts_nothing(void **state)
{
	bool cold;

	assert_true(vnode_getpage(vn, 2, true, &cold, io_done, NULL) == 0);
	assert_true(cold);
	assert_int_equal(vfs_stats(v)->reads, 0);
}

static void
test_chill_keeps_what_somebody_holds(void **state)
{
	vm_paddr_t a;
	bool cold;

	vnode_warm(vn);
	assert_int_equal(vfs_cached_pages(v), 4);
	a = get(3, &cold);
	vnode_chill(vn);
	assert_int_equal(vfs_cached_pages(v), 1);
	assert_non_null(vnode_resident(vn, 3));
	vm_page_rele(v->v_vm, a);
}

static void
test_a_written_page_is_noticed_and_named(void **state)
{
	struct strbuf sb = { 0 };

	vnode_warm(vn);
	assert_int_equal(vfs_verify(v, &sb), 0);
	((uint8_t *)(uintptr_t)vnode_resident(vn, 2))[4095] ^= 1;
	assert_int_equal(vfs_verify(v, &sb), 1);
	assert_string_equal(strbuf_str(&sb),
	    "h: page 2 of file /f was written\n");
	strbuf_fini(&sb);
}

static void
read_page(struct vnode *vp, uint64_t pageno)
{
	vm_paddr_t pa;
	bool cold;

	pa = vnode_getpage(vp, pageno, false, &cold, io_done, NULL);
	assert_true(pa != 0);
	(void)engine_run(en, SIM_NEVER);
	vm_page_rele(v->v_vm, pa);
}

/* A list of page numbers, the one used longest ago in front. */
static bool
lru_hit(uint64_t *lru, unsigned *n, unsigned limit, uint64_t pageno)
{
	unsigned i;

	for (i = 0; i < *n && lru[i] != pageno; i++)
		;
	if (i == *n && *n == limit)
		i = 0;
	else if (i == *n)
		lru[(*n)++] = pageno;
	else
		limit = 0; /* it was there */
	memmove(lru + i, lru + i + 1, (*n - i - 1) * sizeof(*lru));
	lru[*n - 1] = pageno;
	return (limit == 0);
}

static void
test_what_was_used_longest_ago_makes_room(void **state)
{
	enum { PAGES = 20, LIMIT = 7 };
	struct vnode *vp = vnode_create(v, "/g", PAGES * PAGE_SIZE, fill, NULL);
	uint64_t lru[LIMIT], hits = 0, reads, x = 1, page;
	unsigned n = 0;

	vfs_set_cache(v, LIMIT);
	for (int i = 0; i < 500; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		page = (x >> 33) % PAGES;
		page = page * page / PAGES; /* some more often */
		hits += lru_hit(lru, &n, LIMIT, page);
		read_page(vp, page);
		assert_int_equal(vfs_stats(v)->hits, hits);
		assert_int_equal(vfs_cached_pages(v), n);
	}
	reads = vfs_stats(v)->reads;
	assert_int_equal(reads, 500 - hits);
	assert_true(hits > 50 && reads > 50);
	assert_int_equal(vfs_stats(v)->evicted, reads - LIMIT);
}

static void
test_pages_in_use_stay_although_there_is_no_room(void **state)
{
	vm_paddr_t a, b, c;
	bool cold;

	vfs_set_cache(v, 2);
	vnode_warm(vn);
	assert_int_equal(vfs_cached_pages(v), 2);
	a = get(0, &cold);
	assert_false(cold);
	b = get(1, &cold);
	c = get(2, &cold);
	assert_true(cold);
	assert_int_equal(vfs_cached_pages(v), 3);
	assert_int_equal(vfs_stats(v)->evicted, 0);
	(void)engine_run(en, SIM_NEVER);
	for (int i = 0; i < 3; i++)
		vm_page_rele(v->v_vm, (vm_paddr_t[]) { a, b, c }[i]);
	/* The two too many go as soon as somebody wants room. */
	read_page(vn, 3);
	assert_int_equal(vfs_cached_pages(v), 2);
	assert_non_null(vnode_resident(vn, 2));
	assert_non_null(vnode_resident(vn, 3));
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_two_readers_of_a_cold_page_wait_for_one_read),
		T(test_a_failed_read_tells_all_and_leaves_the_page_absent),
		T(test_nodiskio_starts_nothing),
		T(test_chill_keeps_what_somebody_holds),
		T(test_what_was_used_longest_ago_makes_room),
		T(test_pages_in_use_stay_although_there_is_no_room),
		T(test_a_written_page_is_noticed_and_named),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
