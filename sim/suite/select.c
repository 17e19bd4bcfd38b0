/* Names of cases, and which of them are meant. */
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#define PLANTED	      "+defect"
#define FILE_NAME_MAX 120

static size_t
without_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return (len > n && strcmp(text + len - n, suffix) == 0 ? len - n : len);
}

void
suite_name(const char *file, const char *cell, uint64_t seed, bool planted,
    struct strbuf *sb)
{
	while (strncmp(file, "./", 2) == 0)
		file += 2 + strspn(file + 2, "/");
	strbuf_add(sb, file, without_suffix(file, SUITE_SUFFIX));
	if (*cell != '\0')
		strbuf_addf(sb, "[%s]", cell);
	strbuf_addf(sb, "#%" PRIu64 "%s", seed, planted ? PLANTED : "");
}

/* Two names never share a file: what was changed is told apart by a hash. */
void
suite_file_name(const char *name, struct strbuf *sb)
{
	size_t len = strlen(name);
	bool changed = len > FILE_NAME_MAX || *name == '.';
	char c;

	for (size_t i = 0; i < len && i < FILE_NAME_MAX; i++) {
		c = name[i];
		if (!isalnum((unsigned char)c) && strchr("._-=+#,", c) == NULL)
			c = '_';
		changed = changed || c != name[i];
		strbuf_add(sb, &c, 1);
	}
	if (changed)
		strbuf_addf(sb, "-%08" PRIx64, hash64(name, len, 0) >> 32);
}

uint64_t
suite_shard_of(const char *name, uint64_t n)
{
	return (hash64(name, without_suffix(name, PLANTED), 0) % n + 1);
}

/* Brackets stand in names: they are letters here. */
static bool
glob_matches(const char *pattern, const char *name)
{
	struct strbuf sb = { 0 };
	bool is;

	if (strpbrk(pattern, "*?") == NULL)
		return (strstr(name, pattern) != NULL);
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '[' || *pattern == '\\')
			strbuf_adds(&sb, "\\");
		strbuf_add(&sb, pattern, 1);
	}
	is = fnmatch(strbuf_str(&sb), name, 0) == 0;
	strbuf_fini(&sb);
	return (is);
}

static bool
word_matches(const char *word, const char *name, const char *const *tags)
{
	if (strncmp(word, "tag:", 4) != 0)
		return (glob_matches(word, name));
	for (; *tags != NULL; tags++)
		if (strcmp(*tags, word + 4) == 0)
			return (true);
	return (false);
}

/* The length of a word: up to a comma outside of brackets. */
static size_t
word_len(const char *p)
{
	int depth = 0;
	size_t n = 0;

	for (; p[n] != '\0' && (p[n] != ',' || depth > 0); n++)
		depth += (p[n] == '[') - (p[n] == ']' && depth > 0);
	return (n);
}

bool
suite_selected(const char *filter, const char *name, const char *const *tags)
{
	bool wanted = false, any = false, refused = false, not ;
	char *word;
	size_t n;

	for (; *filter != '\0'; filter += n + (filter[n] == ',')) {
		n = word_len(filter);
		if (n == 0)
			continue;
		not = *filter == '!';
		word = xasprintf("%.*s", (int)(n - not ), filter + not );
		if (not )
			refused = refused || word_matches(word, name, tags);
		else {
			any = true;
			wanted = wanted || word_matches(word, name, tags);
		}
		free(word);
	}
	return (!refused && (wanted || !any));
}
