/* Text as a manual page: what roff would take for something else is not. */
#include "ktest.h"

#include <stdlib.h>

#include <ktsim/base/mdoc.h>

static void
expect(void (*fn)(const char *, struct strbuf *), const char *text,
    const char *wanted)
{
	struct strbuf sb = { 0 };

	fn(text, &sb);
	assert_string_equal(strbuf_str(&sb), wanted);
	strbuf_fini(&sb);
}

static void
words(void **state)
{
	expect(mdoc_word, "Ar", "\"\\&Ar\"");
	expect(mdoc_word, "a \"b\"", "\"\\&a \\(dqb\\(dq\"");
	expect(mdoc_word, "--x\\n", "\"\\&\\-\\-x\\en\"");
}

static void
lines(void **state)
{
	expect(mdoc_line, ".Sh is `no` request",
	    "\\&.Sh is \\(oqno\\(cq request");
	expect(mdoc_line, "One. Two", "One.\nTwo");
	expect(mdoc_line, "One. .Two", "One.\n\\&.Two");
	expect(mdoc_line, "`a. b` c", "\\(oqa. b\\(cq c");
	expect(mdoc_line, "end. ", "end. ");
	expect(mdoc_line, "it's", "it\\(aqs");
}

static void
paragraphs(void **state)
{
	expect(mdoc_text, "a\nb\n\nc\n", "a\nb\n.Pp\nc\n");
	expect(mdoc_text, "a\n\n  x y\n\n  .z\n\nb\n",
	    "a\n.Bd -literal -offset indent\nx y\n\n\\&.z\n.Ed\n.Pp\nb\n");
	expect(mdoc_text, " x\n", ".Bd -literal -offset indent\nx\n.Ed\n");
	expect(mdoc_text, "", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words),
		cmocka_unit_test(lines), cmocka_unit_test(paragraphs) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
