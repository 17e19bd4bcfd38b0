#include <ktsim/base/hdr.h>
#include <ktsim/base/kassert.h>

/* Values below 2^(HDR_SUB + 1) have a bucket each. */
static uint32_t
bucket_of(uint64_t v)
{
	int shift;

	if (v < (uint64_t)1 << (HDR_SUB + 1))
		return ((uint32_t)v);
	shift = 63 - __builtin_clzll(v) - HDR_SUB;
	return (((uint32_t)shift << HDR_SUB) + (uint32_t)(v >> shift));
}

/* The largest value of a bucket. */
static uint64_t
bucket_top(uint32_t b)
{
	uint32_t shift;

	if (b < 1u << (HDR_SUB + 1))
		return (b);
	shift = (b >> HDR_SUB) - 1;
	b -= shift << HDR_SUB;
	return ((((uint64_t)b + 1) << shift) - 1);
}

void
hdr_add(struct hdr *h, uint64_t v)
{
	uint32_t b = bucket_of(v);

	KASSERT(b < nitems(h->h_counts), ("bucket %u", b));
	h->h_counts[b]++;
	if (h->h_count++ == 0 || v < h->h_min)
		h->h_min = v;
	h->h_max = MAX(h->h_max, v);
	h->h_sum += v;
}

uint64_t
hdr_percentile(const struct hdr *h, uint32_t ppm)
{
	/* At least one, and as many as make the share full. */
	uint64_t want =
	    (uint64_t)(((unsigned __int128)h->h_count * ppm + 999999) /
		1000000);
	uint64_t seen = 0;

	want = MAX(want, (uint64_t)1);
	for (uint32_t b = 0; b < nitems(h->h_counts); b++) {
		seen += h->h_counts[b];
		if (seen >= want)
			return (MIN(bucket_top(b), h->h_max));
	}
	return (0);
}

uint64_t
hdr_mean(const struct hdr *h)
{
	return (h->h_count == 0 ? 0 : (uint64_t)(h->h_sum / h->h_count));
}
