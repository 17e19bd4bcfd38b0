/* Physical memory: pages, runs, references, the limit. */
#include "support/ktest.h"

#include <stdio.h>
#include <string.h>

#include <ktsim/base/prng.h>
#include <ktsim/kern/vm.h>

#include "support/kpanic.h"

static void
test_the_limit_holds_for_pages_of_every_kind(void **state)
{
	struct vm *vm = vm_create(600);
	uint64_t n = 0;

	/* Runs of 5 leave one page over in every chunk of 256. */
	while (vm_page_alloc_contig(vm, 5) != 0)
		n += 5;
	assert_int_equal(vm_stats(vm)->vs_contig_fails, 1);
	while (vm_page_alloc(vm) != 0)
		n++;
	assert_int_equal(vm_stats(vm)->vs_inuse, n);
	assert_true(n <= 600);
	vm_destroy(vm);
}

static void
test_exactly_the_limit_can_be_had_page_by_page(void **state)
{
	struct vm *vm = vm_create(3);
	vm_paddr_t pa[3];

	for (int i = 0; i < 3; i++) {
		pa[i] = vm_page_alloc(vm);
		assert_true(pa[i] != 0);
		assert_int_equal(pa[i] & PAGE_MASK, 0);
	}
	assert_true(vm_page_alloc(vm) == 0);
	vm_page_rele(vm, pa[1]);
	assert_true(vm_page_alloc(vm) == pa[1]); /* last in, first out */
	assert_int_equal(vm_stats(vm)->vs_max, 3);
	vm_destroy(vm);
}

static void
test_a_run_comes_back_whole_when_its_last_page_does(void **state)
{
	struct vm *vm = vm_create(1000);
	vm_paddr_t a = vm_page_alloc_contig(vm, 4), b;

	for (unsigned i = 0; i < 3; i++)
		vm_page_rele(vm, a + ((3 - i) << PAGE_SHIFT));
	b = vm_page_alloc_contig(vm, 4);
	assert_true(b != a);
	vm_page_rele(vm, a);
	assert_true(vm_page_alloc_contig(vm, 4) == a);
	/* A single page never breaks a free run. */
	for (unsigned i = 0; i < 4; i++)
		vm_page_rele(vm, b + (i << PAGE_SHIFT));
	for (int i = 0; i < 300; i++) {
		vm_paddr_t pa = vm_page_alloc(vm);

		assert_true(pa < b || pa >= b + 4 * PAGE_SIZE);
	}
	assert_true(vm_page_alloc_contig(vm, 4) == b);
	vm_destroy(vm);
}

static void
test_fragmented_memory_has_only_the_runs_that_were_reclaimed(void **state)
{
	struct vm *vm = vm_create(100);
	vm_paddr_t pa;

	vm_fragment(vm, true);
	assert_true(vm_page_alloc_contig(vm, 4) == 0);
	assert_true(vm_page_alloc_contig(vm, 1) != 0);
	assert_true(vm_page_alloc(vm) != 0);
	assert_int_equal(vm_stats(vm)->vs_contig_fails, 1);
	assert_false(vm_page_reclaim_contig(vm, 4, 25)); /* 98 are free */
	assert_true(vm_page_reclaim_contig(vm, 4, 2));
	assert_true((pa = vm_page_alloc_contig(vm, 4)) != 0);
	for (unsigned i = 0; i < 4; i++)
		vm_page_rele(vm, pa + (i << PAGE_SHIFT));
	assert_true(vm_page_alloc_contig(vm, 4) != 0);
	assert_true(vm_page_alloc_contig(vm, 4) == 0);
	/* Again: what was reclaimed and not used is gone. */
	assert_true(vm_page_reclaim_contig(vm, 4, 2));
	vm_fragment(vm, true);
	assert_true(vm_page_alloc_contig(vm, 4) == 0);
	vm_fragment(vm, false);
	assert_true(vm_page_alloc_contig(vm, 4) != 0);
	vm_destroy(vm);
}

static void
test_a_run_is_contiguous_in_the_direct_map(void **state)
{
	struct vm *vm = vm_create(10000);

	for (unsigned n = 1; n <= 16; n++)
		for (int k = 0; k < 20; k++) {
			vm_paddr_t pa = vm_page_alloc_contig(vm, n);

			assert_true(pa != 0);
			memset(PHYS_TO_DMAP(vm, pa), (int)n, n * PAGE_SIZE);
			for (unsigned i = 0; i < n; i++)
				assert_ptr_equal(PHYS_TO_DMAP(vm,
						     pa + i * PAGE_SIZE),
				    PHYS_TO_DMAP(vm, pa) + i * PAGE_SIZE);
		}
	vm_destroy(vm);
}

static void
test_references_keep_a_page(void **state)
{
	struct vm *vm = vm_create(10);
	vm_paddr_t pa = vm_page_alloc(vm);

	vm_page_ref(vm, pa);
	vm_page_rele(vm, pa);
	assert_int_equal(vm_stats(vm)->vs_inuse, 1);
	assert_int_equal(vm_page_of(vm, pa)->p_wire, 1);
	vm_page_rele(vm, pa);
	assert_int_equal(vm_stats(vm)->vs_inuse, 0);
	EXPECT_PANIC_VOID(vm_page_rele(vm, pa), "release of a free page");
	EXPECT_PANIC_VOID(vm_page_ref(vm, pa), "reference to a free page");
	EXPECT_PANIC(PHYS_TO_DMAP(vm, 0), "no page at physical address");
	EXPECT_PANIC(vm_page_alloc_contig(vm, 17), "contig of 17");
	vm_destroy(vm);
}

static void
test_random_pages_and_runs_never_overlap(void **state)
{
	struct {
		vm_paddr_t pa;
		unsigned n;
		uint8_t mark;
	} held[64];
	struct vm *vm = vm_create(100000);
	unsigned count = 0;
	struct prng r;

	prng_init(&r, 1, "test_vm");
	for (int i = 0; i < 5000; i++) {
		if (count < 64 && prng_below(&r, 2) == 0) {
			unsigned n = 1 + (unsigned)prng_below(&r, 16);

			held[count].n = n;
			held[count].pa = n == 1 ? vm_page_alloc(vm)
						: vm_page_alloc_contig(vm, n);
			held[count].mark = (uint8_t)i;
			memset(PHYS_TO_DMAP(vm, held[count].pa), (uint8_t)i,
			    n * PAGE_SIZE);
			count++;
		} else if (count > 0) {
			unsigned k = (unsigned)prng_below(&r, count);
			const uint8_t *p = PHYS_TO_DMAP(vm, held[k].pa);

			for (unsigned j = 0; j < held[k].n * PAGE_SIZE; j += 97)
				assert_int_equal(p[j], held[k].mark);
			for (unsigned j = 0; j < held[k].n; j++)
				vm_page_rele(vm, held[k].pa + j * PAGE_SIZE);
			held[k] = held[--count];
		}
	}
	vm_destroy(vm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_limit_holds_for_pages_of_every_kind),
		cmocka_unit_test(
		    test_exactly_the_limit_can_be_had_page_by_page),
		cmocka_unit_test(
		    test_a_run_comes_back_whole_when_its_last_page_does),
		cmocka_unit_test(
		    test_fragmented_memory_has_only_the_runs_that_were_reclaimed),
		cmocka_unit_test(test_a_run_is_contiguous_in_the_direct_map),
		cmocka_unit_test(test_references_keep_a_page),
		cmocka_unit_test(test_random_pages_and_runs_never_overlap),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
