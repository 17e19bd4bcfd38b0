/* A program's lines, and its process: what it says, how it may end. */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/own.h>

/* --- lines --- */

/* 0, or EAGAIN, or EBADMSG with the reason in `why`. */
static struct own_reader reader;
static struct own_cmd cmd;
static struct strbuf why;

static int
said(const char *text)
{
	own_reader_fini(&reader);
	strbuf_clear(&why);
	own_reader_put(&reader, text, strlen(text));
	return (own_reader_next(&reader, &cmd, &why));
}

static void
test_each_command_is_read(void **state)
{
	assert_int_equal(said("wait\n"), 0);
	assert_int_equal(cmd.oc_verb, OWN_WAIT);
	assert_int_equal(said("write 3\na\nbwait\n"), 0);
	assert_int_equal(cmd.oc_verb, OWN_WRITE);
	assert_int_equal(cmd.oc_n[0], 3);
	assert_memory_equal(cmd.oc_data, "a\nb", 3);
	assert_int_equal(own_reader_next(&reader, &cmd, &why), 0);
	assert_int_equal(cmd.oc_verb, OWN_WAIT);
	assert_false(own_reader_mid(&reader));
	assert_int_equal(said("write 0\n"), 0);
	assert_int_equal(said("sendfile /a\n"), 0);
	assert_string_equal(cmd.oc_text, "/a");
	assert_true(cmd.oc_n[0] == OWN_NO_NUMBER);
	assert_int_equal(said("sendfile /a 5 7\n"), 0);
	assert_int_equal(cmd.oc_n[0], 5);
	assert_int_equal(cmd.oc_n[1], 7);
	assert_int_equal(said("read 0\n"), 0);
	assert_int_equal(cmd.oc_verb, OWN_READ);
	assert_int_equal(said("timer 1000\n"), 0);
	assert_int_equal(cmd.oc_verb, OWN_TIMER);
	assert_int_equal(said("log  what it says, all of it\n"), 0);
	assert_string_equal(cmd.oc_text, " what it says, all of it");
	assert_int_equal(said("log\n"), 0);
	assert_string_equal(cmd.oc_text, "");
	assert_int_equal(said("report late_replies 12\n"), 0);
	assert_string_equal(cmd.oc_text, "late_replies");
	assert_int_equal(cmd.oc_n[0], 12);
	assert_int_equal(said("close\n"), 0);
	assert_int_equal(cmd.oc_verb, OWN_CLOSE);
}

static void
test_what_is_cut_is_read_when_the_rest_comes(void **state)
{
	static const char text[] = "write 5\nhello"
				   "report n 1\n";
	unsigned n = 0;

	own_reader_fini(&reader);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		own_reader_put(&reader, text + i, 1);
		if (own_reader_next(&reader, &cmd, &why) == 0) {
			n++;
			assert_int_equal(i, n == 1 ? 12 : sizeof(text) - 2);
		}
	}
	assert_int_equal(n, 2);
	assert_string_equal(cmd.oc_text, "n");
}

static void
test_nonsense_is_refused_with_its_words(void **state)
{
	static const char *const wrong[] = { "\n", "hello\n", "wait 1\n",
		" wait\n", "wait \n", "write\n", "write x\n", "write -1\n",
		"write 1 2\n", "write 1048577\n",
		"write 99999999999999999999\n", "sendfile\n", "sendfile /a b\n",
		"sendfile /a 1 2 3\n", "read\n", "timer 999\n",
		"timer 60000000001\n", "report\n", "report a\n",
		"report a-b 1\n", "report a 1 2\n",
		"report a 9223372036854775808\n", "close now\n", "WAIT\n",
		"log \x1b[31m\n", "log \xc3\xa4\n", "wait\r\n" };
	char line[OWN_LINE_MAX + 1];

	for (size_t i = 0; i < nitems(wrong); i++) {
		assert_int_equal(said(wrong[i]), EBADMSG);
		assert_non_null(strstr(strbuf_str(&why), "it said `"));
		for (const char *p = strbuf_str(&why); *p != '\0'; p++)
			assert_true(*p >= ' ' && *p < 127);
	}
	memset(line, 'x', sizeof(line));
	line[OWN_LINE_MAX] = '\0';
	assert_int_equal(said(line), EBADMSG);
	line[OWN_LINE_MAX - 1] = '\0';
	assert_int_equal(said(line), EAGAIN);
	memcpy(line, "log ", 4);
	line[OWN_LINE_MAX - 1] = '\n';
	assert_int_equal(said(line), 0);
	assert_int_equal(strlen(cmd.oc_text), OWN_LINE_MAX - 5);
	/* A key has 32 letters, and no more. */
	assert_int_equal(said("report abcdefghijklmnopqrstuvwxyz123456 1\n"),
	    0);
	assert_int_equal(said("report abcdefghijklmnopqrstuvwxyz1234567 1\n"),
	    EBADMSG);
}

/* --- processes --- */

static struct strbuf got;

static const char *
note(void *arg, const struct own_cmd *oc)
{
	if (oc->oc_verb == OWN_LOG && strcmp(oc->oc_text, "wrong") == 0)
		return ("that is wrong");
	if (oc->oc_verb == OWN_WRITE)
		strbuf_add(&got, oc->oc_data, oc->oc_n[0]);
	else
		strbuf_addf(&got, "[%s]",
		    oc->oc_text != NULL ? oc->oc_text : "");
	return (NULL);
}

static struct own_proc *
shell(const char *script)
{
	const char *words[] = { "sh", "-c", script, NULL };
	const struct own_start os = { .os_file = "/bin/sh",
		.os_folder = "/",
		.os_words = words,
		.os_patience_ms = 1000 };
	struct own_proc *op;

	assert_int_equal(own_proc_start(&os, &op), 0);
	strbuf_clear(&got);
	strbuf_clear(&why);
	return (op);
}

static int
ask(struct own_proc *op, const char *event)
{
	return (own_proc_ask(op, event, strlen(event), note, NULL, &why));
}

static void
test_it_answers_in_lock_step(void **state)
{
	struct own_proc *op =
	    shell("while read a; do printf 'write 2\\n%s' $a; echo wait; done");

	assert_int_equal(ask(op, "ab\n"), 0);
	assert_string_equal(strbuf_str(&got), "ab");
	assert_int_equal(ask(op, "cd\n"), 0);
	assert_string_equal(strbuf_str(&got), "abcd");
	assert_int_equal(own_proc_end(op, &why), 0);
	own_proc_destroy(op);
}

static void
test_more_than_a_pipe_holds_goes_both_ways(void **state)
{
	size_t len = 3 << 20;
	char *event = malloc(len + 1);
	struct own_proc *op = shell(
	    "read a; printf 'write 1048576\\n'; head -c 1048576 /dev/zero; "
	    "printf 'log %d\\n' ${#a}; echo wait; cat > /dev/null");

	memset(event, 'x', len);
	event[len - 1] = '\n';
	event[len] = '\0';
	/* A shell reads a byte at a time. */
	assert_int_equal(ask(op, "short\n"), 0);
	assert_int_equal(got.sb_len, (1 << 20) + 3);
	/* It reads on, and says no more. */
	assert_int_equal(ask(op, event), EPROTO);
	assert_non_null(strstr(strbuf_str(&why), "did not answer within 1 s"));
	free(event);
	own_proc_destroy(op);
}

static int
ask_once(const char *script)
{
	struct own_proc *op = shell(script);
	int error = ask(op, "connected 0\n");

	own_proc_destroy(op);
	return (error);
}

static void
test_every_end_has_its_words(void **state)
{
	assert_int_equal(ask_once("echo log bye"), ENOENT);
	assert_string_equal(strbuf_str(&got), "[bye]");
	assert_int_equal(ask_once("exit 3"), EPROTO);
	assert_string_equal(strbuf_str(&why), "it ended with status 3");
	assert_int_equal(ask_once("kill -SEGV $$"), EPROTO);
	assert_non_null(strstr(strbuf_str(&why), "it was ended by"));
	assert_int_equal(ask_once("printf 'write 9\\nabc'"), EPROTO);
	assert_string_equal(strbuf_str(&why),
	    "it ended in the middle of a command");
	assert_int_equal(ask_once("echo nonsense; cat"), EPROTO);
	assert_non_null(strstr(strbuf_str(&why), "it said `nonsense`"));
	assert_int_equal(ask_once("echo log wrong; cat"), EPROTO);
	assert_string_equal(strbuf_str(&why), "that is wrong");
	assert_int_equal(ask_once("sleep 60"), EPROTO);
	assert_non_null(strstr(strbuf_str(&why), "did not answer within 1 s"));
	/* The output is closed, the process lives. */
	assert_int_equal(ask_once("exec >&-; sleep 60"), EPROTO);
	assert_non_null(strstr(strbuf_str(&why), "did not end within 1 s"));
	assert_int_equal(ask_once("while :; do echo log x; done"), EPROTO);
	assert_true(strstr(strbuf_str(&why), "more than 64 MiB") != NULL ||
	    strstr(strbuf_str(&why), "did not answer") != NULL);
}

static void
test_the_end_is_waited_for(void **state)
{
	struct own_proc *op =
	    shell("read a; echo wait; while read a; do :; done; exit 4");

	assert_int_equal(ask(op, "x\n"), 0);
	assert_int_equal(own_proc_end(op, &why), EPROTO);
	assert_string_equal(strbuf_str(&why), "it ended with status 4");
	own_proc_destroy(op);
	op = shell("read a; echo wait; sleep 60");
	assert_int_equal(ask(op, "x\n"), 0);
	assert_int_equal(own_proc_end(op, &why), EPROTO);
	assert_string_equal(strbuf_str(&why),
	    "it did not end within 1 s of wall time");
	own_proc_destroy(op);
}

static void
test_its_world_is_small(void **state)
{
	int before = dup(0);
	struct own_proc *op = shell(
	    "read a; echo log $(env | cut -d= -f1 | sort | tr '\\n' ' '); "
	    "echo log $(ls /proc/self/fd | tr '\\n' ' '); echo wait; read a");

	setenv("KTLS_SECRET", "x", 1);
	assert_int_equal(ask(op, "x\n"), 0);
	assert_null(strstr(strbuf_str(&got), "SECRET"));
	assert_null(strstr(strbuf_str(&got), "HOME"));
	assert_non_null(strstr(strbuf_str(&got), "PYTHONHASHSEED"));
	/* The three, and the folder that ls reads. */
	assert_non_null(strstr(strbuf_str(&got), "[0 1 2 3]"));
	own_proc_destroy(op);
	close(before);
}

static void
test_nothing_is_left_behind(void **state)
{
	struct own_proc *op =
	    shell("read a; sleep 1000 & echo log $! $$; echo wait; read a");
	long child, self;
	char path[64], link[64];
	int first = dup(0), last;

	close(first);
	assert_int_equal(ask(op, "x\n"), 0);
	assert_int_equal(sscanf(strbuf_str(&got), "[%ld %ld]", &child, &self),
	    2);
	own_proc_destroy(op);
	snprintf(path, sizeof(path), "/proc/%ld", self);
	assert_int_equal(access(path, F_OK), -1);
	/* Its child has another parent by now, which may be slow. */
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/proc/%ld/exe", child);
		if (readlink(path, link, sizeof(link)) < 0)
			break;
		usleep(10000);
	}
	snprintf(path, sizeof(path), "/proc/%ld/exe", child);
	assert_int_equal(readlink(path, link, sizeof(link)), -1);
	/* Nor a descriptor: it had two when `first` was taken. */
	last = dup(0);
	close(last);
	assert_int_equal(last, first);
}

static void
test_who_cannot_be_started(void **state)
{
	const char *words[] = { "x", NULL };
	const struct own_start none = { .os_file = "/nonexistent",
		.os_folder = "/",
		.os_words = words };
	const struct own_start folder = { .os_file = "/bin/sh",
		.os_folder = "/nonexistent",
		.os_words = words };
	struct own_proc *op;

	assert_int_equal(own_proc_start(&none, &op), ENOENT);
	assert_null(op);
	assert_int_equal(own_proc_start(&folder, &op), ENOENT);
	assert_null(op);
}

static int
teardown(void **state)
{
	own_reader_fini(&reader);
	strbuf_fini(&why);
	strbuf_fini(&got);
	return (0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_command_is_read),
		cmocka_unit_test(test_what_is_cut_is_read_when_the_rest_comes),
		cmocka_unit_test(test_nonsense_is_refused_with_its_words),
		cmocka_unit_test(test_it_answers_in_lock_step),
		cmocka_unit_test(test_more_than_a_pipe_holds_goes_both_ways),
		cmocka_unit_test(test_every_end_has_its_words),
		cmocka_unit_test(test_the_end_is_waited_for),
		cmocka_unit_test(test_its_world_is_small),
		cmocka_unit_test(test_nothing_is_left_behind),
		cmocka_unit_test(test_who_cannot_be_started),
	};

	return (cmocka_run_group_tests(tests, NULL, teardown));
}
