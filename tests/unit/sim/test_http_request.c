/* The server's reading of requests: what is taken, what is refused and how. */
#include "ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/http.h>

static struct http_request rq;
static const char *why;

static int
parse(const char *text)
{
	why = NULL;
	return (http_request_parse(text, strlen(text), &rq, &why));
}

static void
test_what_curl_sends(void **state)
{
	assert_int_equal(parse(
			     "GET /data.bin?x=1 HTTP/1.1\r\nHost: a\r\n"
			     "User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"),
	    0);
	assert_int_equal(rq.hr_method, HTTP_GET);
	assert_string_equal(rq.hr_path, "/data.bin");
	assert_true(rq.hr_keep);
	assert_int_equal(rq.hr_length, 0);
	assert_int_equal(parse("PUT /up HTTP/1.1\r\nHost: a\r\n"
			       "content-length:268435456 \r\n"
			       "EXPECT: 100-Continue\r\n\r\n"),
	    0);
	assert_int_equal(rq.hr_method, HTTP_PUT);
	assert_int_equal(rq.hr_length, 268435456);
	assert_true(rq.hr_continue);
}

static void
test_whether_another_request_follows(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
		{ "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		    false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n",
		    false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX: close\r\n\r\n", true },
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		assert_int_equal(parse(cases[i].text), 0);
		assert_int_equal(rq.hr_keep, cases[i].keep);
	}
}

static void
test_what_is_refused_and_how(void **state)
{
	static const struct {
		int status;
		const char *text;
	} cases[] = {
		{ 400, "" },
		{ 400, "\r\n\r\n" },
		{ 400, "GET /\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\nHost: a\n\n" },
		{ 400, "GET / HTTP/1.1\r\n\r\n" }, /* no Host */
		{ 400, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTX/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nno colon\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: \x01\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n" }, /* no empty line */
		{ 400,
		    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n" },
		{ 400,
		    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n" },
		{ 400,
		    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" },
		{ 400,
		    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		    "Content-Length: 2\r\n\r\n" },
		{ 405, "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 405, "get / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 411, "PUT / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 411,
		    "PUT / HTTP/1.1\r\nHost: a\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 413,
		    "PUT / HTTP/1.1\r\nHost: a\r\n"
		    "Content-Length: 68719476737\r\n\r\n" },
		{ 413,
		    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: "
		    "99999999999999999999999999999999999\r\n\r\n" },
		{ 417,
		    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		    "Expect: joy\r\n\r\n" },
		{ 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n" },
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		if (parse(cases[i].text) != cases[i].status)
			fail_msg("case %zu: not %d", i, cases[i].status);
		assert_non_null(why);
		assert_int_equal(atoi(http_status(cases[i].status)),
		    cases[i].status);
	}
}

static void
test_a_path_that_is_too_long(void **state)
{
	char text[1400], path[HTTP_PATH_MAX + 1] = "/";

	memset(path + 1, 'a', HTTP_PATH_MAX - 2);
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
	    path);
	assert_int_equal(parse(text), 0);
	assert_string_equal(rq.hr_path, path);
	path[HTTP_PATH_MAX - 1] = 'a';
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
	    path);
	assert_int_equal(parse(text), 414);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_curl_sends),
		cmocka_unit_test(test_whether_another_request_follows),
		cmocka_unit_test(test_what_is_refused_and_how),
		cmocka_unit_test(test_a_path_that_is_too_long),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
