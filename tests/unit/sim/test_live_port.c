/* A port over a device that is one end of a socket pair. */
#include "ktest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/engine.h>

#include "port.h"

struct fake {
	struct live_dev dev;
	int fd;
	int refuse; /* errno of a write */
};

static struct engine *en;
static struct framepool pool;
static struct wire *w;
static struct wire_port ends[2]; /* 0: the test's, 1: the device's */
static struct live_port *lp;
static struct fake *fake;
static int peer; /* the machine's side of the device */
static unsigned taps;

static ssize_t
fake_read(struct live_dev *d, void *buf, size_t size)
{
	ssize_t n = recv(((struct fake *)(void *)d)->fd, buf, size,
	    MSG_DONTWAIT | MSG_TRUNC);

	return (n < 0 && errno == EAGAIN ? 0 : n == 0 ? -1 : n);
}

static int
fake_write(struct live_dev *d, const struct iovec *iov, int n)
{
	struct fake *f = (struct fake *)(void *)d;

	if (f->refuse != 0)
		return (f->refuse);
	return (writev(f->fd, iov, n) < 0 ? errno : 0);
}

static void
fake_close(struct live_dev *d)
{
	close(((struct fake *)(void *)d)->fd);
	free(d);
}

static const struct live_dev_ops fake_ops = { .do_read = fake_read,
	.do_write = fake_write,
	.do_close = fake_close,
	.do_offloads = true };

static void
tap(void *arg, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	taps++;
}

static void
ignore_expect(void *arg, simtime_t when)
{
}

static void
ignore_link(void *arg, bool up)
{
}

static int
setup(void **state)
{
	static const struct wire_port_ops ops = { .expect = ignore_expect,
		.link = ignore_link };
	struct wire_params wp = { .wp_name = "a - b",
		.wp_rate_bps = 1000000000000ULL,
		.wp_delay = 10 * SIM_US,
		.wp_queue = 1 << 20,
		.wp_tap = tap };
	struct outside_params op = { .op_end = "fake:0", .op_pool = &pool };
	int fds[2];

	en = engine_create();
	framepool_init(&pool);
	wp.wp_tb = op.op_tb = engine_timebase(en);
	w = wire_create(&wp);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	fake = xcalloc(1, sizeof(*fake));
	fake->dev = (struct live_dev) { .d_ops = &fake_ops, .d_mtu = 1500 };
	fake->fd = fds[0];
	peer = fds[1];
	op.op_wire = wire_end(w, 1);
	ends[0] = (struct wire_port) { .pt_name = "a", .pt_ops = &ops };
	ends[1] = (struct wire_port) { .pt_name = "b" };
	lp = live_port_create(&fake->dev, &op, &ends[1]);
	wire_attach(w, 0, &ends[0]);
	wire_attach(w, 1, &ends[1]);
	wire_set_link(w, true);
	taps = 0;
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	live_port_detach(lp);
	wire_destroy(w);
	live_port_destroy(lp);
	if (peer >= 0)
		close(peer);
	/* Whatever came and went: nothing is kept. */
	assert_int_equal(framepool_leaks(&pool, &sb), 0);
	framepool_fini(&pool);
	engine_destroy(en);
	return (0);
}

/* What has arrived at the test's end. */
static struct frame *
arrived(void)
{
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	struct frame *f;

	(void)engine_run(en, timebase_now(engine_timebase(en)) + SIM_MS);
	(void)wire_pull(wire_end(w, 0), SIM_NEVER, &q);
	f = STAILQ_FIRST(&q);
	if (f != NULL)
		assert_null(STAILQ_NEXT(f, f_link));
	return (f);
}

static void
test_a_frame_comes_in_whole(void **state)
{
	uint8_t bytes[1000];
	struct frame *f;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(write(peer, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(live_port_read(lp, 10, 100000), 0);
	f = arrived();
	assert_non_null(f);
	assert_int_equal(frame_len(f), sizeof(bytes));
	assert_memory_equal(f->f_hdr, bytes, f->f_hdrlen);
	assert_memory_equal(f->f_payload, bytes + f->f_hdrlen, f->f_paylen);
	assert_int_equal(taps, 1);
	frame_rele(f);
}

/* Ethernet, IPv4 and TCP with so much payload, and padding behind. */
static size_t
segment(uint8_t *p, size_t payload, size_t padding)
{
	size_t ip = 40 + payload;

	memset(p, 0, 14 + ip + padding);
	p[12] = 8;
	p[14] = 0x45;
	p[16] = (uint8_t)(ip >> 8);
	p[17] = (uint8_t)ip;
	p[23] = 6;
	p[14 + 20 + 12] = 0x50;
	return (14 + ip + padding);
}

static void
test_padding_is_no_payload(void **state)
{
	uint8_t bytes[100];
	size_t len = segment(bytes, 3, 3);
	struct frame *f;

	assert_int_equal(len, 60);
	assert_int_equal(write(peer, bytes, len), len);
	assert_int_equal(live_port_read(lp, 10, 100000), 0);
	f = arrived();
	assert_int_equal(f->f_hdrlen, 54);
	assert_int_equal(f->f_paylen, 3);
	frame_rele(f);
}

static void
test_open_checksums_are_told_with_the_remedy(void **state)
{
	struct strbuf sb = { 0 };
	uint8_t bytes[100];
	size_t len = segment(bytes, 10, 0);

	assert_false(live_port_complaint(lp, &sb));
	assert_int_equal(write(peer, bytes, len), len);
	assert_int_equal(live_port_read(lp, 10, 100000), 0);
	frame_rele(arrived());
	assert_int_equal(lp->lp_stats.ps_bad_sums, 1);
	assert_true(live_port_complaint(lp, &sb));
	assert_non_null(strstr(strbuf_str(&sb), "ethtool -K PEER tx off"));
	strbuf_fini(&sb);
}

static void
test_oversize_frames_are_counted(void **state)
{
	uint8_t bytes[3000] = { 0 };

	assert_int_equal(write(peer, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(write(peer, bytes, 5), 5); /* no link header */
	assert_int_equal(live_port_read(lp, 10, 100000), 0);
	assert_int_equal(lp->lp_stats.ps_oversize, 1);
	assert_int_equal(lp->lp_stats.ps_cut, 1);
	frame_rele(arrived());
}

static void
test_reading_is_bounded(void **state)
{
	uint8_t bytes[100] = { 0 };

	for (int i = 0; i < 5; i++)
		assert_int_equal(write(peer, bytes, sizeof(bytes)), 100);
	assert_int_equal(live_port_read(lp, 2, 100000), EAGAIN);
	assert_int_equal(lp->lp_stats.ps_in, 2);
	assert_int_equal(live_port_read(lp, 100, 150), EAGAIN);
	assert_int_equal(lp->lp_stats.ps_in, 4);
	assert_int_equal(live_port_read(lp, 100, 100000), 0);
	assert_int_equal(lp->lp_stats.ps_in, 5);
}

static void
send_out(simtime_t when)
{
	struct frame *f = frame_alloc(&pool);

	f->f_hdrlen = 60;
	memset(f->f_hdr, 0x5a, 60);
	f->f_when = when;
	wire_send(wire_end(w, 0), f);
}

static void
test_a_frame_goes_out_at_its_instant(void **state)
{
	uint8_t buf[100];

	send_out(SIM_US);
	(void)engine_run(en, 10 * SIM_US);
	assert_int_equal(recv(peer, buf, sizeof(buf), MSG_DONTWAIT), -1);
	(void)engine_run(en, 12 * SIM_US);
	assert_int_equal(recv(peer, buf, sizeof(buf), MSG_DONTWAIT), 60);
	assert_int_equal(buf[59], 0x5a);
	assert_int_equal(lp->lp_stats.ps_out, 1);
}

static void
test_what_the_device_refuses_is_lost_and_told(void **state)
{
	struct strbuf sb = { 0 };

	fake->refuse = EIO;
	send_out(SIM_US);
	(void)engine_run(en, SIM_MS);
	assert_int_equal(lp->lp_stats.ps_refused, 1);
	assert_true(live_port_complaint(lp, &sb));
	assert_non_null(strstr(strbuf_str(&sb), "is it up?"));
	strbuf_fini(&sb);
}

static void
test_detached_it_takes_nothing(void **state)
{
	uint8_t buf[100];

	live_port_detach(lp);
	send_out(SIM_US);
	(void)engine_run(en, SIM_MS);
	assert_int_equal(recv(peer, buf, sizeof(buf), MSG_DONTWAIT), -1);
}

static void
test_a_device_that_is_gone(void **state)
{
	close(peer);
	peer = -1;
	errno = ENODEV;
	assert_int_equal(live_port_read(lp, 10, 100000), ENODEV);
}

static void
test_unknown_kinds_of_device(void **state)
{
	struct strbuf err = { 0 };
	struct live_dev *d;

	assert_int_equal(live_dev_open("usb:x", 1500, &d, &err), EINVAL);
	assert_non_null(strstr(strbuf_str(&err), "tap: and veth: are"));
	strbuf_fini(&err);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_frame_comes_in_whole),
		T(test_padding_is_no_payload),
		T(test_open_checksums_are_told_with_the_remedy),
		T(test_oversize_frames_are_counted),
		T(test_reading_is_bounded),
		T(test_a_frame_goes_out_at_its_instant),
		T(test_what_the_device_refuses_is_lost_and_told),
		T(test_detached_it_takes_nothing),
		T(test_a_device_that_is_gone),
		T(test_unknown_kinds_of_device),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
