/* The header of what a card reads and writes, in captures. */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/sim/tap.h>

#define DMA_VERSION 1

/* contrib/ktls-sim-dma.lua has them too. */
static const struct {
	const char *model;
	uint16_t code;
} codes[] = {
	{ "basic", 1 },
	{ "ideal", 2 },
	{ "cx6dx", 3 },
	{ "t6", 4 },
};

uint16_t
dma_model_code(const char *model)
{
	for (size_t i = 0; i < nitems(codes); i++)
		if (strcmp(codes[i].model, model) == 0)
			return (codes[i].code);
	return (0);
}

void
dma_hdr_put(const struct dma_hdr *dh, uint8_t out[DMA_HDR_LEN])
{
	memset(out, 0, DMA_HDR_LEN);
	memcpy(out, "KDMA", 4);
	out[4] = DMA_VERSION;
	out[5] = dh->dh_completion ? 1 : 0;
	be16enc(out + 6, dh->dh_queue);
	be16enc(out + 8, dh->dh_model);
	be32enc(out + 12, dh->dh_len);
}
