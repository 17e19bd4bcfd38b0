/*
 * A number of the report by its path: what a program that reads report.json
 * would find there.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report_priv.h"

struct finder {
	struct report_number sum;
	unsigned found;
	const char *why;
};

static void find(struct finder *, const json_t *, const char *path);

/* "[3]" or "[*]" stands here. */
static void
find_item(struct finder *fi, const json_t *v, const char *path)
{
	char *end;
	unsigned long i;
	json_t *item;
	size_t n;

	if (!json_is_array(v)) {
		fi->why = "there is no list at `[`";
		return;
	}
	if (strncmp(path, "[*]", 3) == 0) {
		json_array_foreach(v, n, item) find(fi, item, path + 3);
		if (json_array_size(v) == 0)
			fi->found++; /* nothing adds up to 0 */
		return;
	}
	i = strtoul(path + 1, &end, 10);
	if (i >= json_array_size(v))
		fi->why = "the list is shorter";
	else
		find(fi, json_array_get(v, i), end + 1);
}

static void
find_member(struct finder *fi, const json_t *v, const char *path)
{
	size_t len = strcspn(path, ".[");
	char word[128];
	const json_t *m;

	if (len >= sizeof(word)) {
		fi->why = "the report has no such member";
		return;
	}
	memcpy(word, path, len);
	word[len] = '\0';
	m = json_object_get(v, word);
	if (m == NULL)
		fi->why = "the report has no such member";
	else
		find(fi, m, path + len);
}

/* Reals in two parts: bounds are integers, some of more than 53 bits. */
static void
add_number(struct finder *fi, const json_t *v)
{
	double real = json_is_real(v) ? json_real_value(v) : 0;

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		fi->sum.whole += (uint64_t)json_integer_value(v);
	else if (json_is_boolean(v))
		fi->sum.whole += json_is_true(v);
	else if (json_is_real(v) && real >= 0 && real < 0x1p63) {
		fi->sum.whole += (uint64_t)real;
		fi->sum.rest += real - (double)(uint64_t)real;
		if (fi->sum.rest >= 1) {
			fi->sum.whole++;
			fi->sum.rest -= 1;
		}
	} else {
		fi->why = "it is not a number";
		return;
	}
	fi->found++;
}

static void
find(struct finder *fi, const json_t *v, const char *path)
{
	if (fi->why != NULL)
		return;
	if (*path == '[')
		find_item(fi, v, path);
	else if (*path == '.')
		find_member(fi, v, path + 1);
	else if (*path != '\0')
		find_member(fi, v, path);
	else
		add_number(fi, v);
}

const char *
report_number(const struct result *r, const char *path, struct report_number *v)
{
	struct finder fi = { 0 };
	json_t *o = report_tree(r);

	find(&fi, o, path);
	json_decref(o);
	*v = fi.sum;
	return (fi.why != NULL	? fi.why
		: fi.found == 0 ? "the report has no such member"
				: NULL);
}
