/* The client's reading of answers, and what a range means for a file. */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/http.h>

static struct http_response hp;
static const char *why;

static int
parse(const char *text)
{
	why = NULL;
	return (http_response_parse(text, strlen(text), &hp, &why));
}

static void
test_whole_files_and_parts(void **state)
{
	assert_int_equal(parse("HTTP/1.1 200 OK\r\nServer: x\r\n"
			       "content-length: 12\r\n\r\n"),
	    0);
	assert_int_equal(hp.hp_status, 200);
	assert_int_equal(hp.hp_length, 12);
	assert_true(hp.hp_keep);
	assert_false(hp.hp_has_range);
	assert_int_equal(parse("HTTP/1.1 206 \r\nContent-Range: bytes "
			       "10-19/100\r\nContent-Length: 10\r\n"
			       "Connection: close\r\n\r\n"),
	    0);
	assert_int_equal(hp.hp_first, 10);
	assert_int_equal(hp.hp_last, 19);
	assert_int_equal(hp.hp_size, 100);
	assert_false(hp.hp_keep);
	assert_int_equal(parse("HTTP/1.0 416\r\nContent-Range: bytes */100\r\n"
			       "Content-Length: 0\r\n\r\n"),
	    0);
	assert_true(hp.hp_unsatisfied);
	assert_int_equal(hp.hp_size, 100);
	assert_false(hp.hp_keep);
}

static void
test_what_is_no_answer(void **state)
{
	static const char *const cases[] = {
		"",
		"\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
		"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 68719476737\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: "
		"99999999999999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Content-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 2\r\n"
		"Content-Range: bytes 0-0/9\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 0\r\n"
		"Content-Range: bytes */9\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n"
		"Content-Range: bytes 9-9/9\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n"
		"Content-Range: bytes 1-0/9\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n"
		"Content-Range: lines 0-0/9\r\n\r\n",
		"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n"
		"Content-Range: bytes 0-0\r\n\r\n",
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		if (parse(cases[i]) != EPROTO)
			fail_msg("case %zu was taken", i);
		assert_non_null(why);
	}
}

static void
test_what_a_range_means(void **state)
{
	static const struct {
		const char *range;
		uint64_t size;
		int status;
		uint64_t off, len;
	} cases[] = {
		{ "bytes=0-9", 100, 206, 0, 10 },
		{ "bytes=0-0", 1, 206, 0, 1 },
		{ "bytes=90-", 100, 206, 90, 10 },
		{ "bytes=90-1000", 100, 206, 90, 10 },
		{ "bytes=99-99", 100, 206, 99, 1 },
		{ "bytes=-1", 100, 206, 99, 1 },
		{ "bytes=-100", 100, 206, 0, 100 },
		{ "bytes=-1000", 100, 206, 0, 100 },
		{ "Bytes= 5-6 ", 100, 206, 5, 2 },
		{ "bytes=0-99999999999999999999999999", 100, 206, 0, 100 },
		{ "bytes=100-", 100, 416, 0, 100 },
		{ "bytes=100-200", 100, 416, 0, 100 },
		{ "bytes=99999999999999999999999-", 100, 416, 0, 100 },
		{ "bytes=-0", 100, 416, 0, 100 },
		{ "bytes=0-", 0, 416, 0, 0 },
		{ "bytes=-5", 0, 200, 0, 0 },
		/* As if they had not been said. */
		{ "bytes=9-5", 100, 200, 0, 100 },
		{ "bytes=-", 100, 200, 0, 100 },
		{ "bytes=", 100, 200, 0, 100 },
		{ "bytes", 100, 200, 0, 100 },
		{ "", 100, 200, 0, 100 },
		{ "bytes=5", 100, 200, 0, 100 },
		{ "bytes=a-b", 100, 200, 0, 100 },
		{ "bytes=0-1-2", 100, 200, 0, 100 },
		{ "bytes=0-1,5-6", 100, 200, 0, 100 },
		{ "bytes=--5", 100, 200, 0, 100 },
		{ "lines=0-9", 100, 200, 0, 100 },
	};
	struct http_request rq;
	char head[256];
	uint64_t off, len;

	for (size_t i = 0; i < nitems(cases); i++) {
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\nRange: %s\r\n\r\n",
		    cases[i].range);
		assert_int_equal(http_request_parse(head, strlen(head), &rq,
				     &why),
		    0);
		if (http_range_fit(&rq.hr_range, cases[i].size, &off, &len) !=
			cases[i].status ||
		    off != cases[i].off || len != cases[i].len)
			fail_msg("%s of %ju: %ju, %ju", cases[i].range,
			    (uintmax_t)cases[i].size, (uintmax_t)off,
			    (uintmax_t)len);
	}
}

static void
test_whose_range_is_not_heard(void **state)
{
	static const char *const cases[] = {
		"HEAD / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		"Range: bytes=0-1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n"
		"Range: bytes=0-2\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n"
		"If-Range: \"x\"\r\n\r\n",
	};
	struct http_request rq;

	for (size_t i = 0; i < nitems(cases); i++) {
		assert_int_equal(http_request_parse(cases[i], strlen(cases[i]),
				     &rq, &why),
		    0);
		assert_false(rq.hr_range.has);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_files_and_parts),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_what_a_range_means),
		cmocka_unit_test(test_whose_range_is_not_heard),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
