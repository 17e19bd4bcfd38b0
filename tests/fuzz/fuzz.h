/* What the fuzz targets share: taking an input apart, and insisting. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Not KASSERT, which a build may leave out. */
#define MUST(cond)                                                         \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #cond);                                        \
			abort();                                           \
		}                                                          \
	} while (0)

struct fuzz_in {
	const uint8_t *p;
	size_t left;
};

/* Behind the end everything is 0. */
static inline uint8_t
fuzz_u8(struct fuzz_in *in)
{
	if (in->left == 0)
		return (0);
	in->left--;
	return (*in->p++);
}

static inline uint32_t
fuzz_u32(struct fuzz_in *in)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | fuzz_u8(in);
	return (v);
}

/* 0 to max; small ones cost one byte. */
static inline uint32_t
fuzz_upto(struct fuzz_in *in, uint32_t max)
{
	uint32_t v = fuzz_u8(in);

	if (v >= 0xf0)
		v = fuzz_u32(in);
	return (v % (max + 1));
}

/* As many bytes as there are, at most len, to out; returns how many. */
static inline size_t
fuzz_bytes(struct fuzz_in *in, void *out, size_t len)
{
	len = len < in->left ? len : in->left;
	if (len > 0)
		memcpy(out, in->p, len);
	in->p += len;
	in->left -= len;
	return (len);
}

#endif
