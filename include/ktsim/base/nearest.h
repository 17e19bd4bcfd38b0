/*
 * "did you mean": the known word nearest to a misspelt one, by insertions,
 * deletions and changes. Of words longer than 64 bytes only those 64 count.
 */
#ifndef KTSIM_BASE_NEAREST_H
#define KTSIM_BASE_NEAREST_H

/* Insertions, deletions and changes between two words; capitals count as small
 * letters. */
unsigned edit_distance(const char *, const char *);
/*
 * Nearest of the n names, the first of equals; NULL when none is near enough
 * to suggest. The result is the pointer in names.
 */
const char *nearest_name(const char *word, const char *const *names,
    unsigned n);

#endif
