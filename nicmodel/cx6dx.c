/* NVIDIA (Mellanox) ConnectX-6 Dx: the description. */
#include "cx6dx_rx_drv.h"

static const char *const drivers[] = { "old", "new", NULL };

static const struct nic_knob knobs[] = {
	[CX_KNOB_DRIVER] = { "driver", 1, 0, 1, drivers, "",
	    "driver generation: old (2020 to 2024) makes a tag's objects in a worker and takes the session whatever came of it; new answers the firmware's errno",
	    "mlx5_en_hw_tls.c, both versions" },
	[CX_KNOB_LOG_MAX_DEK] = { "log_max_dek", 17, 0, 24, NULL, "",
	    "keys the card holds, as a power of two; half of them are for transmit. 0: no TLS",
	    "assumed: no value is in the driver" },
	[CX_KNOB_LOG_MAX_TIS] = { "log_max_tis", 18, 1, 24, NULL, "",
	    "TLS contexts (TIS) the card has, as a power of two; half of them are for tags (new driver)",
	    "assumed: no value is in the driver" },
	[CX_KNOB_MAX_TAGS] = { "tls_max_tags", 0, 0, 1 << 24, NULL, "tags",
	    "hw.mlx5.tls_max_tags: most tags at once (new driver); 0: the card's limit",
	    "mlx5_en_hw_tls.c" },
	[CX_KNOB_PREALLOC] = { "tls_prealloc_tags", 0, 0, 1, NULL, "",
	    "hw.mlx5.tls_prealloc_tags: all tags and their TIS are made at attach (new driver)",
	    "mlx5_en_hw_tls.c" },
	[CX_KNOB_CMD_TIME] = { "cmd_time", 20000, 0, 1000000000, NULL, "ns",
	    "a firmware command takes so long; they are carried out one after the other",
	    "assumed" },
	[CX_KNOB_MAX_INLINE] = { "max_inline", 160, 118, FRAME_HDR_MAX, NULL,
	    "bytes", "longest header that can be inlined in a work request",
	    "en.h: about 192 bytes less the fixed part" },
	[CX_KNOB_TLS] = { "tls", 1, 0, 1, NULL, "",
	    "0: the firmware has no TLS (a part that is not crypto-enabled)",
	    "NVIDIA's kTLS page" },
	[CX_KNOB_KEY_CACHE] = { "key_cache", 0, 0, 1 << 24, NULL, "keys",
	    "keys the card keeps at hand; 0: all. One that is not costs key_miss",
	    "libxlio's documentation says that many connections exhaust it; size assumed" },
	[CX_KNOB_KEY_MISS] = { "key_miss", 1000, 0, 1000000000, NULL, "ns",
	    "time to fetch a key that is not at hand", "assumed" },
	{ NULL },
};

extern const struct nic_model nic_cx6dx;
const struct nic_model nic_cx6dx = {
	.nm_name = "cx6dx",
	.nm_text =
	    "NVIDIA ConnectX-6 Dx: TLS 1.2 and 1.3, AES-GCM, one running context per connection",
	.nm_driver = "mlx5en(4)",
	.nm_unit = "mce",
	.nm_source = "sys/dev/mlx5/mlx5_en, mlx5_core/mlx5_tls.c",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG | IFCAP_TXRTLMT | IFCAP_TXTLS4 | IFCAP_TXTLS6 |
	    IFCAP_TXTLS_RTLMT | IFCAP_RXTLS4 | IFCAP_RXTLS6 | IFCAP_VLAN_MTU |
	    IFCAP_VLAN_HWTAGGING | IFCAP_VLAN_HWCSUM | IFCAP_VLAN_HWTSO,
	.nm_tsomax = 65518,
	.nm_tsomaxsegcount = 50,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_ring_min = 128,
	.nm_ring_max = 16384,
	.nm_queues = 4,
	.nm_extra_queues = CX_RL_QUEUES + 1,
	.nm_fetch = 600 * SIM_NS,
	/* PCIe 4.0 x16: 26.5 GB/s usable. */
	.nm_bus_bps = 212000000000,
	.nm_buffer = 262144,
	.nm_knobs = knobs,
	.nm_attach = cx_attach,
	.nm_detach = cx_detach,
	.nm_select = cx_select,
	.nm_transmit = cx_transmit,
	.nm_snd_tag_alloc = cx_snd_tag_alloc,
	.nm_ratelimit_query = cx_ratelimit_query,
	.nm_rx = cx_rx_packet,
	.nm_reset = cx_reset,
	.nm_dump = cx_dump,
	.nm_hw_attach = cx_hw_attach,
	.nm_hw_detach = cx_hw_detach,
	.nm_hw_reset = cx_hw_reset,
	.nm_hw_exec = cx_hw_exec,
	.nm_hw_cmd = cx_hw_cmd,
	.nm_hw_rx = cx_hw_rx,
	.nm_hw_order = cx_hw_order,
	.nm_hw_dump = cx_hw_dump,
	.nm_decode = cx_decode,
};
