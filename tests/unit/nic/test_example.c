/* The example card does what a card must. */
#include "nicbench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/bytes.h>

#include "example.h"

static struct nicbench b;

static int
setup(void **state)
{
	nb_init_model(&b, &nic_example, 0);
	return (0);
}

static int
teardown(void **state)
{
	nb_fini(&b);
	return (0);
}

static void
assert_payload(uint32_t len)
{
	static uint8_t buf[65536];

	assert_int_equal(nb_payload(&b.port[0], buf, sizeof(buf)), len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(buf[i], i & 0xff);
}

/* Both checksums as a receiver verifies them. */
static void
assert_good_frames(void)
{
	struct frame *f;
	bool l3, l4;

	STAILQ_FOREACH(f, &b.port[0].got, f_link) {
		frame_csum_settle(f);
		frame_csum_check(f, &l3, &l4);
		assert_true(l3 && l4);
	}
}

static void
test_a_packet_leaves_as_it_came(void **state)
{
	assert_int_equal(nb_send(&b, 1000, 77, 0), 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 1);
	assert_int_equal(be32dec(nb_frame(&b.port[0], 0)->f_hdr + 38), 77);
	assert_payload(1000);
	assert_good_frames();
	assert_int_equal(nic_tx_pending(b.port[0].n), 0);
	assert_int_equal(b.port[0].n->n_stats.cqe_err, 0);
}

static void
test_a_burst_is_cut_and_numbered(void **state)
{
	assert_int_equal(nb_send(&b, 10000, 5000, 1448), 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(be32dec(nb_frame(&b.port[0], i)->f_hdr + 38),
		    5000 + i * 1448);
	assert_payload(10000);
	assert_good_frames();
	assert_int_equal(b.port[0].n->n_stats.tx_bursts, 1);
}

static void
test_work_requests_wrap_around_the_ring(void **state)
{
	/* Each takes 2 blocks of 1024; 900 are more than the ring has. */
	for (uint32_t i = 0; i < 900; i++) {
		assert_int_equal(nb_send(&b, 3000, i * 3000, 0), 0);
		nb_run(&b);
		assert_payload(3000);
		nb_clear(&b.port[0]);
	}
	assert_int_equal(b.port[0].n->n_stats.cqe_err, 0);
	assert_int_equal(b.port[0].n->n_stats.tx_frames, 900);
}

/* --- the setting --- */

static int
attach(uint64_t contexts)
{
	struct nic_params np = b.port[0].n->n_params;
	struct nic *n;
	int error;

	np.np_xname = "ex2";
	np.np_knobs[EX_KNOB_CONTEXTS] = contexts;
	np.np_knobs_set = 1u << EX_KNOB_CONTEXTS;
	error = nic_attach_model(b.v, &nic_example, &np, &n);
	if (error == 0) {
		assert_int_equal(nic_knob(n, EX_KNOB_CONTEXTS), contexts);
		nic_detach(n);
	}
	return (error);
}

static void
test_a_setting_out_of_bounds_is_refused(void **state)
{
	assert_int_equal(attach(1), 0);
	assert_int_equal(attach(256), 0);
	assert_int_equal(attach(0), EINVAL);
	assert_int_equal(attach(257), EINVAL);
}

static void
test_settings_are_found_by_name(void **state)
{
	assert_int_equal(nic_knob_find(&nic_example, "contexts"),
	    EX_KNOB_CONTEXTS);
	assert_int_equal(nic_knob_find(&nic_example, "context"), -1);
	assert_null(nic_model_find("example")); /* it is in no table */
}

static void
test_without_a_context_a_packet_is_refused_and_counted(void **state)
{
	uint64_t refused;

	for (int i = 0; i < 64; i++)
		assert_int_equal(nb_send(&b, 100, 0, 0), 0);
	assert_int_equal(nb_send(&b, 100, 0, 0), ENOBUFS);
	assert_int_equal(sysctl_read(b.v, "dev.mce0.no_context", &refused), 0);
	assert_int_equal(refused, 1);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 64);
	assert_int_equal(nb_send(&b, 100, 0, 0), 0);
	nb_run(&b);
}

/* --- orders --- */

static void
test_orders_of_its_own(void **state)
{
	struct nic *n = b.port[0].n;

	assert_true(nic_order_fits(&nic_example, NIC_ORDER_CONTEXTS));
	assert_int_equal(nic_order(n, NIC_ORDER_CONTEXTS, 2), 0);
	assert_int_equal(nic_order(n, NIC_ORDER_CONTEXTS, 0), EINVAL);
	assert_int_equal(nic_order(n, NIC_ORDER_KEYS, 1), EOPNOTSUPP);
	for (int i = 0; i < 2; i++)
		assert_int_equal(nb_send(&b, 100, 0, 0), 0);
	assert_int_equal(nb_send(&b, 100, 0, 0), ENOBUFS);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 2);
}

static void
test_an_order_that_it_cannot_follow(void **state)
{
	assert_false(nic_order_fits(&nic_example, NIC_ORDER_CORRUPT));
	assert_int_equal(nic_order(b.port[0].n, NIC_ORDER_CORRUPT, 1),
	    EOPNOTSUPP);
}

static void
test_a_command_that_fails_refuses_a_packet(void **state)
{
	struct nic *n = b.port[0].n;
	uint64_t refused;

	assert_int_equal(nic_order(n, NIC_ORDER_CMD_FAIL, 1), 0);
	assert_int_equal(nb_send(&b, 100, 1, 0), ENOBUFS);
	assert_int_equal(nb_send(&b, 100, 1, 0), 0);
	assert_int_equal(sysctl_read(b.v, "dev.mce0.no_context", &refused), 0);
	assert_int_equal(refused, 1);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 1);
}

static void
test_a_reset_forgets_what_was_posted(void **state)
{
	assert_int_equal(nic_order(b.port[0].n, NIC_ORDER_STALL, SIM_MS), 0);
	assert_int_equal(nb_send(&b, 100, 1, 0), 0);
	(void)engine_run(b.eng, 100 * SIM_US);
	assert_int_equal(nic_tx_pending(b.port[0].n), 1);
	assert_int_equal(nic_order(b.port[0].n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(nic_tx_pending(b.port[0].n), 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 0);
	assert_int_equal(nb_send(&b, 100, 2, 0), 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 1);
	assert_int_equal(b.port[0].n->n_stats.resets, 1);
}

static void
test_a_stall_ends_by_itself_or_with_the_faults(void **state)
{
	struct nic *n = b.port[0].n;

	assert_int_equal(nic_order(n, NIC_ORDER_STALL, SIM_MS), 0);
	assert_int_equal(nb_send(&b, 100, 1, 0), 0);
	(void)engine_run(b.eng, SIM_MS - 1);
	assert_int_equal(b.port[0].count, 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 1);
	assert_true(nb_frame(&b.port[0], 0)->f_when >= SIM_MS);
	assert_int_equal(nic_order(n, NIC_ORDER_STALL, 3600 * SIM_SEC), 0);
	assert_int_equal(nb_send(&b, 100, 2, 0), 0);
	nic_faults_off(n);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 2);
	assert_true(nb_frame(&b.port[0], 1)->f_when < 2 * SIM_MS);
}

static void
test_mappings_fail_as_often_as_ordered(void **state)
{
	struct nic *n = b.port[0].n;

	assert_int_equal(nic_order(n, NIC_ORDER_DMA_FAIL, 2), 0);
	assert_int_equal(nb_send(&b, 100, 1, 0), EIO);
	assert_int_equal(nb_send(&b, 100, 1, 0), EIO);
	assert_int_equal(nb_send(&b, 100, 1, 0), 0);
	assert_int_equal(n->n_stats.dma_map_failed, 2);
	assert_int_equal(nic_order(n, NIC_ORDER_DMA_FAIL, 100), 0);
	nic_faults_off(n);
	assert_int_equal(nb_send(&b, 100, 2, 0), 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 2);
}

/* --- what it reads and writes --- */

static struct {
	unsigned wr, cqe;
	uint32_t wrlen;
	char text[128];
	uint32_t ci;
} seen;

static void
look(void *arg, struct nic *n, unsigned queue, bool completion,
    const uint8_t *bytes, uint32_t len, const char *text)
{
	if (completion) {
		seen.cqe++;
		assert_int_equal(len, 64);
		assert_int_equal(be32dec(bytes), queue);
		assert_int_equal(bytes[8], 0);
		seen.ci = be32dec(bytes + 4);
	} else {
		seen.wr++;
		seen.wrlen = len;
		assert_int_equal(bytes[0], 0x51);
		snprintf(seen.text, sizeof(seen.text), "%s", text);
	}
}

static void
test_who_looks_sees_work_requests_and_completions(void **state)
{
	struct nic *n = b.port[0].n;
	struct nic_port_ops ops = *n->n_params.np_ops;

	memset(&seen, 0, sizeof(seen));
	ops.np_dma = look;
	n->n_params.np_ops = &ops;
	assert_int_equal(nb_send(&b, 3000, 0, 1448), 0);
	nb_run(&b);
	assert_int_equal(seen.wr, 1);
	assert_int_equal(seen.cqe, 1);
	/* 16, 54 rounded up to 64, two clusters with 16 each: 2 blocks. */
	assert_int_equal(seen.wrlen, 128);
	assert_int_equal(seen.ci, 2);
	assert_string_equal(seen.text,
	    "SEND, header 54, payload 3000 in 2 segments, mss 1448");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_packet_leaves_as_it_came),
		T(test_a_burst_is_cut_and_numbered),
		T(test_work_requests_wrap_around_the_ring),
		T(test_a_setting_out_of_bounds_is_refused),
		T(test_settings_are_found_by_name),
		T(test_without_a_context_a_packet_is_refused_and_counted),
		T(test_orders_of_its_own),
		T(test_an_order_that_it_cannot_follow),
		T(test_a_command_that_fails_refuses_a_packet),
		T(test_a_reset_forgets_what_was_posted),
		T(test_a_stall_ends_by_itself_or_with_the_faults),
		T(test_mappings_fail_as_often_as_ordered),
		T(test_who_looks_sees_work_requests_and_completions),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
