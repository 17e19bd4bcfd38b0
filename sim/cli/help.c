/* --help, from what the commands say of themselves. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define COLUMN 18 /* where the texts of options begin */
#define WIDTH  80

void
option_label(const struct cli_option *o, struct strbuf *sb)
{
	if (o->co_val < 128)
		strbuf_addf(sb, "-%c, ", o->co_val);
	strbuf_addf(sb, "--%s", o->co_name);
	if (o->co_arg != NULL)
		strbuf_addf(sb, "%s%s",
		    o->co_arg[0] == '[' || o->co_arg[0] == '=' ? "" : " ",
		    o->co_arg);
}

/* From this column on, in lines of the width. */
static void
print_wrapped(const char *s, unsigned column, unsigned at)
{
	unsigned len;
	bool begun = false;

	for (; *s != '\0'; s += len + strspn(s + len, " ")) {
		len = (unsigned)strcspn(s, " ");
		if (begun && at + 1 + len > WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		} else if (begun) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)len, s);
		at += len;
		begun = true;
	}
	putchar('\n');
}

static void
print_entry(const char *label, const char *text, unsigned column)
{
	unsigned at = (unsigned)strlen(label) + 2;

	printf("  %s", label);
	if (at + 1 > column) {
		putchar('\n');
		at = 0;
	}
	printf("%*s", column - at, "");
	print_wrapped(text, column, column);
}

static void
print_options(const struct cli_option *o)
{
	struct strbuf sb = { 0 };

	for (; o->co_name != NULL || o->co_text != NULL; o++) {
		if (o->co_name == NULL) {
			printf("%s:\n", o->co_text);
			continue;
		}
		option_label(o, &sb);
		if (o->co_text == NULL) {
			strbuf_adds(&sb, ", ");
			continue;
		}
		print_entry(strbuf_str(&sb), o->co_text, COLUMN);
		if (o[1].co_name == NULL && o[1].co_text != NULL)
			putchar('\n');
		strbuf_clear(&sb);
	}
	strbuf_fini(&sb);
}

static void
print_word(void *arg, const char *word, const char *text)
{
	print_entry(word, text != NULL ? text : "", 12);
}

static void
print_usage(const struct command *c)
{
	const char *head = "usage:", *s = c->c_usage;
	size_t len;

	for (; *s != '\0'; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		printf("%-6s ktls-sim %s%s%.*s\n", head, c->c_name,
		    len > 0 ? " " : "", (int)len, s);
		head = "";
	}
}

void
print_help(const struct command *c)
{
	print_usage(c);
	if (c->c_examples != NULL) {
		putchar('\n');
		for (const char *s = c->c_examples; *s != '\0';) {
			size_t len = strcspn(s, "\n");

			printf("  %.*s\n", (int)len, s);
			s += len + (s[len] == '\n');
		}
	}
	if (c->c_intro != NULL)
		printf("\n%s", c->c_intro);
	if (c == &cmd_list) {
		putchar('\n');
		words_each(WORDS_LIST, print_word, NULL);
	}
	putchar('\n');
	if (c->c_options != NULL)
		print_options(c->c_options);
	print_options(common_options);
	if (c->c_notes != NULL)
		printf("\n%s", c->c_notes);
	if (c->c_codes == NULL)
		return;
	puts("\nExit codes:");
	for (const struct exit_code *ec = c->c_codes; ec->ec_text != NULL; ec++)
		printf("  %-4d %s\n", ec->ec_code, ec->ec_text);
}
