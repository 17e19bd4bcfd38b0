/* aio_write: order, progress, waiting, and descriptors that go away. */
#include "libtest.h"

static uint8_t out[600000], in[600000];

static struct ktlssim_aiocb
aio(int fd, size_t off, size_t len)
{
	return ((struct ktlssim_aiocb) { .aio_fildes = fd,
	    .aio_buf = out + off,
	    .aio_nbytes = len });
}

static size_t
drain(int fd, size_t want)
{
	size_t got = 0;
	ssize_t n;

	while (got < want) {
		n = ktlssim_read(sim, fd, in + got, sizeof(in) - got);
		assert_true(n >= 0);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (got);
}

static void
test_writes_are_done_in_their_order(void **state)
{
	struct ktlssim_aiocb a, b, *list[2] = { &a, &b };
	int fd[2];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i ^ (i >> 8));
	new_tls_pair(fd);
	a = aio(fd[0], 0, 300000);
	b = aio(fd[0], 300000, 300000);
	assert_int_equal(ktlssim_aio_write(sim, &a), 0);
	assert_int_equal(ktlssim_aio_write(sim, &b), 0);
	assert_int_equal(ktlssim_aio_write(sim, &a), -KTLSSIM_EALREADY);
	assert_int_equal(ktlssim_aio_error(sim, &a), -KTLSSIM_EINPROGRESS);
	assert_int_equal(ktlssim_aio_return(sim, &a), -KTLSSIM_EINPROGRESS);
	assert_int_equal(drain(fd[1], 600000), 600000);
	assert_memory_equal(in, out, 600000);
	assert_int_equal(ktlssim_aio_suspend(sim, list, 2, NULL), 0);
	assert_int_equal(ktlssim_aio_error(sim, &a), 0);
	assert_int_equal(ktlssim_aio_return(sim, &a), 300000);
	assert_int_equal(ktlssim_aio_return(sim, &a), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_aio_return(sim, &b), 300000);
}

static void
test_a_nonblocking_socket_takes_a_part(void **state)
{
	struct ktlssim_aiocb a, *list[1] = { &a };
	int fd[2];
	ssize_t n;

	new_pair(fd);
	nonblock(fd[0]);
	a = aio(fd[0], 0, sizeof(out));
	assert_int_equal(ktlssim_aio_write(sim, &a), 0);
	assert_int_equal(ktlssim_aio_suspend(sim, list, 1, NULL), 0);
	n = ktlssim_aio_return(sim, &a);
	assert_true(n > 0 && n < (ssize_t)sizeof(out));
	assert_int_equal(drain(fd[1], (size_t)n), n);
}

static void
test_errors_and_timeouts_are_told(void **state)
{
	struct timespec ts = { 0, 1000000 };
	struct ktlssim_aiocb a, *list[1] = { &a };
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_shutdown(sim, fd[0], SHUT_WR), 0);
	a = aio(fd[0], 0, 10);
	assert_int_equal(ktlssim_aio_write(sim, &a), 0);
	assert_int_equal(ktlssim_aio_suspend(sim, list, 1, NULL), 0);
	assert_int_equal(ktlssim_aio_error(sim, &a), -KTLSSIM_EPIPE);
	assert_int_equal(ktlssim_aio_return(sim, &a), -KTLSSIM_EPIPE);
	a = aio(fd[1], 0, sizeof(out));
	assert_int_equal(ktlssim_aio_write(sim, &a), 0);
	assert_int_equal(ktlssim_aio_suspend(sim, list, 1, &ts),
	    -KTLSSIM_EAGAIN);
	assert_int_equal(drain(fd[0], sizeof(out)), sizeof(out));
	assert_int_equal(ktlssim_aio_suspend(sim, list, 1, &ts), 0);
	assert_int_equal(ktlssim_aio_return(sim, &a), sizeof(out));
	a = aio(99, 0, 1);
	assert_int_equal(ktlssim_aio_write(sim, &a), -KTLSSIM_EBADF);
}

/* The write keeps the file: closing the descriptor loses nothing. */
static void
test_close_with_a_write_under_way(void **state)
{
	struct ktlssim_aiocb a;
	int fd[2];

	new_pair(fd);
	a = aio(fd[0], 0, sizeof(out));
	assert_int_equal(ktlssim_aio_write(sim, &a), 0);
	assert_int_equal(ktlssim_close(sim, fd[0]), 0);
	assert_int_equal(drain(fd[1], sizeof(out) + 1), sizeof(out));
	assert_int_equal(ktlssim_aio_return(sim, &a), sizeof(out));
}

/* The world ends before it: it is told as aborted, and can be freed. */
static void
test_the_end_of_the_world_aborts_what_is_queued(void **state)
{
	struct ktlssim_aiocb a;
	int fd[2];

	new_pair(fd);
	a = aio(fd[0], 0, sizeof(out));
	assert_int_equal(ktlssim_aio_write(sim, &a), 0);
	assert_int_equal(ktlssim_close(sim, fd[1]), 0);
	assert_int_equal(ktlssim_sleep(sim, 1000000000), 0);
	assert_true(ktlssim_aio_return(sim, &a) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_writes_are_done_in_their_order),
		T(test_a_nonblocking_socket_takes_a_part),
		T(test_errors_and_timeouts_are_told),
		T(test_close_with_a_write_under_way),
		T(test_the_end_of_the_world_aborts_what_is_queued),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
