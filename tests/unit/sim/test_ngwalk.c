/* The blocks of a pcapng file, of either byte order, honest or not. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktest.h"
#include "ngwalk.h"

static uint8_t file[4096];
static size_t len;
static bool big;

static void
put(uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		file[len++] = (uint8_t)(v >> 8 * (big ? bytes - 1 - i : i));
}

static size_t
begin(uint32_t type)
{
	size_t at = len;

	put(type, 4);
	put(0, 4);
	return (at);
}

static void
end(size_t at)
{
	size_t stop;

	put((uint32_t)(len - at + 4), 4);
	stop = len;
	len = at + 4;
	put((uint32_t)(stop - at), 4);
	len = stop;
}

static void
option(unsigned code, const char *text)
{
	size_t n = strlen(text);

	put(code, 2);
	put((uint32_t)n, 2);
	memcpy(file + len, text, n);
	len += (n + 3) & ~(size_t)3;
}

static void
section(bool is_big)
{
	size_t at;

	big = is_big;
	at = begin(0x0a0d0d0a);
	put(0x1a2b3c4d, 4);
	put(1, 2);
	put(0, 2);
	put(UINT32_MAX, 4);
	put(UINT32_MAX, 4);
	end(at);
}

static void
interface(const char *name)
{
	size_t at = begin(1);

	put(1, 2);
	put(0, 2);
	put(0, 4);
	if (name != NULL)
		option(2, name);
	put(0, 4);
	end(at);
}

static void
packet(unsigned ifno, const char *comment, const char *more)
{
	size_t at = begin(6);

	put(ifno, 4);
	put(0, 4);
	put(0, 4);
	put(3, 4);
	put(3, 4);
	put(0x41424344, 4);
	option(2, "\1\0\0\0");
	if (comment != NULL)
		option(1, comment);
	if (more != NULL)
		option(1, more);
	put(0, 4);
	end(at);
}

static struct ngwalk *
opened(void)
{
	char path[] = "/tmp/ktls-sim-ngwalk-XXXXXX";
	int fd = mkstemp(path);
	struct ngwalk *nw;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, len), len);
	close(fd);
	nw = ngwalk_open(path);
	unlink(path);
	return (nw);
}

static int
setup(void **state)
{
	memset(file, 0, sizeof(file));
	len = 0;
	return (0);
}

static void
check_next(struct ngwalk *nw, const char *want_if, const char *want)
{
	const char *ifname, *comment;

	assert_true(ngwalk_next(nw, &ifname, &comment));
	if (want_if != NULL)
		assert_string_equal(ifname, want_if);
	else
		assert_null(ifname);
	if (want != NULL)
		assert_string_equal(comment, want);
	else
		assert_null(comment);
}

static void
check_end(struct ngwalk *nw)
{
	const char *ifname, *comment;

	assert_false(ngwalk_next(nw, &ifname, &comment));
	ngwalk_close(nw);
}

static void
test_names_and_comments_in_sections_of_both_byte_orders(void **state)
{
	struct ngwalk *nw;

	section(false);
	interface("server:mce0");
	interface(NULL);
	packet(0, "syn", NULL);
	packet(1, NULL, NULL);
	packet(7, "one", "two");
	section(true);
	interface("other");
	packet(0, "big", NULL);
	nw = opened();
	check_next(nw, "server:mce0", "syn");
	check_next(nw, NULL, NULL);
	check_next(nw, NULL, "one; two");
	check_next(nw, "other", "big");
	check_end(nw);
}

static void
test_comments_cannot_move_the_cursor(void **state)
{
	struct ngwalk *nw;

	section(false);
	interface("a\033[2Jb");
	packet(0, "x\ny\x7f\xc2\x9bz \xc3\xa9 \xff\xe2\x82", NULL);
	nw = opened();
	check_next(nw, "a?[2Jb", "x?y???z \xc3\xa9 ???");
	check_end(nw);
}

static void
test_a_damaged_file_ends_the_walk(void **state)
{
	struct ngwalk *nw;
	size_t whole;

	section(false);
	interface("if");
	packet(0, "one", NULL);
	whole = len;
	packet(0, "two", NULL);
	len -= 5; /* cut off */
	nw = opened();
	check_next(nw, "if", "one");
	check_end(nw);
	/* Lengths of anything. */
	for (unsigned v = 0; v < 64; v++) {
		memset(file + whole + 4, (int)(v * 4), 4);
		nw = opened();
		check_next(nw, "if", "one");
		check_end(nw);
	}
}

static void
test_an_option_longer_than_its_block_is_left_out(void **state)
{
	struct ngwalk *nw;
	size_t at;

	section(false);
	interface("if");
	packet(0, NULL, NULL);
	at = len;
	packet(0, "abcd", NULL);
	/* head 8, fixed 20, bytes 4, first option 8: the comment's length. */
	assert_int_equal(file[at + 42], 4);
	file[at + 42] = 200;
	nw = opened();
	check_next(nw, "if", NULL);
	check_next(nw, "if", NULL);
	check_end(nw);
	/* And captured bytes that reach beyond it. */
	file[at + 42] = 4;
	file[at + 20] = 0xff;
	file[at + 23] = 0xff;
	nw = opened();
	check_next(nw, "if", NULL);
	check_next(nw, "if", NULL);
	check_end(nw);
}

static void
test_another_file_is_none(void **state)
{
	memcpy(file, "\xd4\xc3\xb2\xa1 classic", 12);
	len = 12;
	assert_null(opened());
	len = 2;
	assert_null(opened());
	assert_null(ngwalk_open("/nonexistent"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    test_names_and_comments_in_sections_of_both_byte_orders,
		    setup),
		cmocka_unit_test_setup(test_comments_cannot_move_the_cursor,
		    setup),
		cmocka_unit_test_setup(test_a_damaged_file_ends_the_walk,
		    setup),
		cmocka_unit_test_setup(
		    test_an_option_longer_than_its_block_is_left_out, setup),
		cmocka_unit_test_setup(test_another_file_is_none, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
