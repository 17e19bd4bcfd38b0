/*
 * What driver and card reach in common: the ring's bytes, and host memory
 * behind bus addresses. An address is the number of its mapping and an offset,
 * so the same run has the same addresses.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "nic_drv.h"

#define ADDR_SHIFT 20 /* a mapping has less than a MiB */

const char *const nic_dma_names[NIC_DMA_CAUSES] = {
	[NIC_DMA_DESC] = "descriptors",
	[NIC_DMA_PAYLOAD] = "payload",
	[NIC_DMA_REREAD] = "read again",
	[NIC_DMA_CQE] = "completions",
	[NIC_DMA_RX] = "received",
};

void
nic_ring_put(struct nic_queue *q, uint32_t at, const void *bytes, uint32_t len)
{
	uint32_t pos = (at & (q->q_blocks - 1)) * NIC_BLOCK;
	uint32_t first = MIN(len, q->q_blocks * NIC_BLOCK - pos);

	memcpy(q->q_ring + pos, bytes, first);
	memcpy(q->q_ring, (const uint8_t *)bytes + first, len - first);
}

const uint8_t *
nic_ring_get(const struct nic_queue *q, uint32_t at, uint32_t len, uint8_t *tmp)
{
	uint32_t pos = (at & (q->q_blocks - 1)) * NIC_BLOCK;
	uint32_t first = MIN(len, q->q_blocks * NIC_BLOCK - pos);

	if (first == len)
		return (q->q_ring + pos);
	memcpy(tmp, q->q_ring + pos, first);
	memcpy(tmp + first, q->q_ring, len - first);
	return (tmp);
}

static void
map_grow(struct nic_queue *q)
{
	uint32_t size = q->q_map_size * 2, i;
	struct nic_mapping *map = xcalloc(size, sizeof(*map));

	for (i = q->q_map_tail; i != q->q_map_head; i++)
		map[i & (size - 1)] = q->q_map[i & (q->q_map_size - 1)];
	free(q->q_map);
	q->q_map = map;
	q->q_map_size = size;
}

uint64_t
nic_dma_map(struct nic_queue *q, const uint8_t *p, uint32_t len)
{
	struct nic_mapping *nm;

	KASSERT(len < 1u << ADDR_SHIFT, ("mapping of %u bytes", len));
	if (q->q_map_head - q->q_map_tail == q->q_map_size)
		map_grow(q);
	nm = &q->q_map[q->q_map_head & (q->q_map_size - 1)];
	nm->nm_p = p;
	nm->nm_len = len;
	return ((uint64_t)q->q_map_head++ << ADDR_SHIFT);
}

void
nic_dma_unmap(struct nic_queue *q, uint32_t mappings)
{
	KASSERT(q->q_map_head - q->q_map_tail >= mappings,
	    ("%u mappings given back of %u", mappings,
		q->q_map_head - q->q_map_tail));
	q->q_map_tail += mappings;
}

const uint8_t *
nic_dma_read(struct nic_exec *x, uint64_t addr, uint32_t len,
    enum nic_dma cause)
{
	const struct nic_queue *q = x->x_q;
	uint32_t idx = (uint32_t)(addr >> ADDR_SHIFT);
	uint32_t off = (uint32_t)(addr & ((1u << ADDR_SHIFT) - 1));
	const struct nic_mapping *nm = &q->q_map[idx & (q->q_map_size - 1)];

	if (idx - q->q_map_tail >= q->q_map_head - q->q_map_tail ||
	    off > nm->nm_len || len > nm->nm_len - off)
		return (NULL);
	x->x_dma[cause] += len;
	return (nm->nm_p + off);
}
