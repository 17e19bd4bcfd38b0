#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>

static void
strbuf_room(struct strbuf *sb, size_t more)
{
	size_t want = sb->sb_len + more + 1;

	if (want <= sb->sb_size)
		return;
	if (want < 2 * sb->sb_size)
		want = 2 * sb->sb_size;
	if (want < 64)
		want = 64;
	sb->sb_str = xrealloc(sb->sb_str, want);
	sb->sb_size = want;
}

void
strbuf_add(struct strbuf *sb, const void *bytes, size_t len)
{
	strbuf_room(sb, len);
	memcpy(sb->sb_str + sb->sb_len, bytes, len);
	sb->sb_len += len;
	sb->sb_str[sb->sb_len] = '\0';
}

void
strbuf_adds(struct strbuf *sb, const char *str)
{
	strbuf_add(sb, str, strlen(str));
}

void
strbuf_addu(struct strbuf *sb, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	strbuf_add(sb, p, (size_t)(digits + sizeof(digits) - p));
}

void
strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list ap2;
	size_t room;
	int n;

	/* Nearly always what is there is enough. */
	strbuf_room(sb, 31);
	room = sb->sb_size - sb->sb_len;
	va_copy(ap2, ap);
	n = vsnprintf(sb->sb_str + sb->sb_len, room, fmt, ap2);
	va_end(ap2);
	if (n < 0) {
		sb->sb_str[sb->sb_len] = '\0';
		return;
	}
	if ((size_t)n >= room) {
		strbuf_room(sb, (size_t)n);
		vsnprintf(sb->sb_str + sb->sb_len, (size_t)n + 1, fmt, ap);
	}
	sb->sb_len += (size_t)n;
}

void
strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

const char *
strbuf_str(const struct strbuf *sb)
{
	return (sb->sb_str != NULL ? sb->sb_str : "");
}

char *
strbuf_take(struct strbuf *sb)
{
	char *s;

	strbuf_room(sb, 0);
	s = sb->sb_str;
	s[sb->sb_len] = '\0';
	*sb = (struct strbuf) { 0 };
	return (s);
}

void
strbuf_clear(struct strbuf *sb)
{
	sb->sb_len = 0;
	if (sb->sb_str != NULL)
		sb->sb_str[0] = '\0';
}

void
strbuf_fini(struct strbuf *sb)
{
	free(sb->sb_str);
	*sb = (struct strbuf) { 0 };
}

/* Names from a scenario may hold anything. */
void
strbuf_add_json(struct strbuf *sb, const char *s)
{
	size_t n;

	strbuf_adds(sb, "\"");
	for (; *s != '\0'; s += n) {
		for (n = 0; (unsigned char)s[n] >= 0x20 && s[n] != '"' &&
		     s[n] != '\\';)
			n++;
		if (n > 0)
			strbuf_add(sb, s, n);
		else {
			strbuf_addf(sb, "\\u%04x", (unsigned char)*s);
			n = 1;
		}
	}
	strbuf_adds(sb, "\"");
}
