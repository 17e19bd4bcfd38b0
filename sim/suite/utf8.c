/* File names and what programs say may be any bytes; JSON and XML may not. */
#include <stdint.h>

#include "suite_priv.h"

size_t
utf8_len(const char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t n = *s < 0x80 ? 1
	    : *s >> 5 == 6   ? 2
	    : *s >> 4 == 14  ? 3
	    : *s >> 3 == 30  ? 4
			     : 0;
	uint32_t c;

	if (n <= 1)
		return (n);
	c = *s & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return (0);
		c = c << 6 | (s[i] & 0x3f);
	}
	/* Longer than it must be, too large, half of a surrogate pair. */
	return (c < least[n] || c > 0x10ffff || c >> 11 == 27 ? 0 : n);
}
