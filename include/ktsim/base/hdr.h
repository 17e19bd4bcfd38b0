/*
 * A histogram of high dynamic range, as Gil Tene's: buckets that are linear
 * within each power of two, so that any value up to 2^63 is told to within
 * 1/128 of itself (0.8 %), in fixed memory, whatever the others are. Integers
 * only: it goes into reports that are compared byte by byte.
 */
#ifndef KTSIM_BASE_HDR_H
#define KTSIM_BASE_HDR_H

#include <stdint.h>

#define HDR_SUB 7 /* bits: 2^HDR_SUB buckets for each power of two */

struct hdr {
	uint32_t h_counts[(64 - HDR_SUB + 1) << HDR_SUB];
	uint64_t h_count, h_min, h_max;
	unsigned __int128 h_sum;
};

void hdr_add(struct hdr *, uint64_t value); /* begins as all zeros */
/*
 * The value that `ppm` millionths of those recorded do not exceed: the largest
 * one that its bucket may hold, but never more than the largest there was.
 * 0: nothing was recorded.
 */
uint64_t hdr_percentile(const struct hdr *, uint32_t ppm);
uint64_t hdr_mean(const struct hdr *);

#endif
