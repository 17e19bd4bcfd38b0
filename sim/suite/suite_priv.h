#ifndef SUITE_PRIV_H
#define SUITE_PRIV_H

#include <stddef.h>

/* The length of the UTF-8 sequence here; 0: it is none. */
size_t utf8_len(const char *);
#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

#endif
