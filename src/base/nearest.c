#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>

/* Capitals are no mistake to be counted. */
static bool
same_letter(char a, char b)
{
	return (tolower((unsigned char)a) == tolower((unsigned char)b));
}

unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[65], la, lb, diag, up;

	la = (unsigned)strnlen(a, 64);
	lb = (unsigned)strnlen(b, 64);
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			up = row[j];
			row[j] = MIN(MIN(row[j], row[j - 1]) + 1,
			    diag + !same_letter(a[i - 1], b[j - 1]));
			diag = up;
		}
	}
	return (row[lb]);
}

const char *
nearest_name(const char *word, const char *const *names, unsigned n)
{
	const char *best = NULL;
	unsigned dist, limit;

	limit = (unsigned)strnlen(word, 64) / 3 + 2;
	for (unsigned i = 0; i < n; i++) {
		dist = edit_distance(word, names[i]);
		if (dist < limit) {
			limit = dist;
			best = names[i];
		}
	}
	return (best);
}
