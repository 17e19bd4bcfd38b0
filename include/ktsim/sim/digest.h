/* SHA-256 of what goes by in pieces. */
#ifndef KTSIM_SIM_DIGEST_H
#define KTSIM_SIM_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 65 /* with its NUL */

struct digest;

struct digest *digest_create(void);
void digest_add(struct digest *, const void *, size_t len);
/* The text of all bytes so far; the digest is gone. */
void digest_take(struct digest *, char hex[DIGEST_HEX]);
void digest_destroy(struct digest *); /* NULL allowed */

#endif
