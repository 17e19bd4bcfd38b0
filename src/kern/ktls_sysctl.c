/* kern.ipc.tls.* and kern.ipc.mb_use_ext_pgs: names and defaults. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <ktsim/base/kassert.h>

#include "ktls_priv.h"

static int
ktls_check_maxlen(struct vnet *vnet, uint64_t v)
{
	return (
	    v >= PAGE_SIZE && v <= TLS_MAX_MSG_SIZE_V10_2 && v % PAGE_SIZE == 0
		? 0
		: EINVAL);
}

/* Pages that cannot be reached without mapping them cannot be sent so. */
static int
ktls_check_ext_pgs(struct vnet *vnet, uint64_t v)
{
	return (v == 0 || vnet->v_direct_map ? 0 : EOPNOTSUPP);
}

static void
ktls_oid(struct vnet *vnet, const char *name, uint64_t *val,
    enum sysctl_kind kind, sysctl_check_fn *check, const char *descr)
{
	char full[128];

	snprintf(full, sizeof(full), "kern.ipc.tls.%s", name);
	sysctl_add(vnet, full, val, kind, check, descr);
}

static void
ktls_ctr(struct vnet *vnet, const char *name, uint64_t *val, const char *descr)
{
	ktls_oid(vnet, name, val, CTL_CTR, NULL, descr);
}

static void
ktls_sysctl_defaults(struct ktls_state *ks)
{
	ks->ks_rx_enable = ks->ks_cbc_enable = ks->ks_sw_buffer_cache = 1;
	ks->ks_maxlen = TLS_MAX_MSG_SIZE_V10_2;
	ks->ks_max_rexmit_pct = 2;
	ks->ks_max_reclaim = 1024;
}

static void
ktls_sysctl_config(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;

	ktls_oid(vnet, "enable", &ks->ks_enable, CTL_RW, NULL,
	    "allow new kernel TLS sessions");
	ktls_oid(vnet, "rx_enable", &ks->ks_rx_enable, CTL_RW, NULL,
	    "allow new receive sessions");
	ktls_oid(vnet, "cbc_enable", &ks->ks_cbc_enable, CTL_RW, NULL,
	    "allow AES-CBC suites");
	ktls_oid(vnet, "maxlen", &ks->ks_maxlen, CTL_TUN, ktls_check_maxlen,
	    "maximum TLS record payload, page aligned");
	ktls_oid(vnet, "bind_threads", &ks->ks_bind_threads, CTL_TUN, NULL,
	    "bind workers to CPUs (1) or to NUMA domains (2)");
	ktls_oid(vnet, "sw_buffer_cache", &ks->ks_sw_buffer_cache, CTL_TUN,
	    NULL, "keep contiguous output buffers for software encryption");
	ktls_oid(vnet, "max_reclaim", &ks->ks_max_reclaim, CTL_RW, NULL,
	    "contiguous runs to reclaim per wake-up");
	ktls_oid(vnet, "tasks_active", &ks->ks_tasks_active, CTL_RD, NULL,
	    "active tasks; FreeBSD never moves it either");
	ktls_oid(vnet, "ifnet_max_rexmit_pct", &ks->ks_max_rexmit_pct, CTL_RW,
	    NULL, "percent of bytes resent above which card TLS is given up");
	ktls_oid(vnet, "ifnet.permitted", &ks->ks_permitted, CTL_RW, NULL,
	    "allow the NIC mode without being forced");
	ktls_oid(vnet, "ifnet.release_early", &ks->ks_release_early, CTL_RW,
	    NULL,
	    "send tags go when all is acknowledged, in FIN_WAIT_2 or TIME_WAIT (a name of the simulator)");
}

/* What the software crypto counts: records of one kind, by version. */
static void
ktls_sysctl_ocf(struct vnet *vnet)
{
	static const char *const ciphers[] = { "cbc", "gcm", "chacha20" };
	static const char *const vers[2][3] = { { "tls10", "tls12", "tls12" },
		{ "tls11", "tls13", "tls13" } };
	struct ktls_stats *st = &vnet->v_ktls->ks_stats;
	char name[64];

	for (int v = 0; v < 2; v++) {
		for (int c = 0; c < 3; c++) {
			snprintf(name, sizeof(name), "stats.ocf.%s_%s_encrypts",
			    vers[v][c], ciphers[c]);
			ktls_ctr(vnet, name, &st->ocf_enc[v][c],
			    "records encrypted in software");
			if (v == 0 && c == TLS_CIPHER_CBC)
				continue; /* TLS 1.0 is not received */
			snprintf(name, sizeof(name), "stats.ocf.%s_%s_decrypts",
			    vers[v][c], ciphers[c]);
			ktls_ctr(vnet, name, &st->ocf_dec[v][c],
			    "records decrypted in software");
		}
		snprintf(name, sizeof(name), "stats.ocf.%s_gcm_recrypts",
		    vers[v][TLS_CIPHER_GCM]);
		ktls_ctr(vnet, name, &st->ocf_recrypts[v],
		    "records that a card had decrypted in part");
	}
	ktls_ctr(vnet, "stats.ocf.inplace", &st->ocf_inplace,
	    "records encrypted in place");
	ktls_ctr(vnet, "stats.ocf.separate_output", &st->ocf_separate,
	    "records encrypted into new pages");
	ktls_ctr(vnet, "stats.ocf.retries", &st->ocf_retries,
	    "operations asked for again because of EAGAIN");
}

static void
ktls_sysctl_sessions(struct vnet *vnet)
{
	static const char *const modes[] = { NULL, "sw", "ifnet", "toe" };
	static const char *const ciphers[] = { "cbc", "gcm", "chacha20" };
	char name[64];

	for (int m = TCP_TLS_MODE_SW; m <= TCP_TLS_MODE_TOE; m++)
		for (int c = 0; c < 3; c++) {
			snprintf(name, sizeof(name), "%s.%s", modes[m],
			    ciphers[c]);
			ktls_ctr(vnet, name,
			    &vnet->v_ktls->ks_stats.mode_cipher[m][c],
			    "sessions now");
		}
}

#define S(name, field, descr)                                   \
	{                                                       \
		name, offsetof(struct ktls_stats, field), descr \
	}
static const struct {
	const char *name;
	size_t off;
	const char *descr;
} ktls_counters[] = {
	S("stats.enable_calls", enable_calls, "attempts to enable TLS"),
	S("stats.offload_total", offload_total, "successes"),
	S("stats.active", active, "live session objects"),
	S("stats.threads", threads, "worker threads"),
	S("stats.sw_tx_pending", sw_tx_pending,
	    "TLS 1.0 batches that wait for earlier records"),
	S("stats.sw_tx_inqueue", sw_tx_inqueue, "batches waiting"),
	S("stats.sw_rx_inqueue", sw_rx_inqueue, "sockets waiting"),
	S("stats.corrupted_records", corrupted_records, "bad record headers"),
	S("stats.failed_crypto", failed_crypto, "crypto errors"),
	S("stats.switch_to_ifnet", switch_to_ifnet, "mode changes to NIC"),
	S("stats.switch_to_sw", switch_to_sw, "mode changes to software"),
	S("stats.switch_failed", switch_failed, "mode changes refused"),
	S("stats.ifnet_disable_ok", ifnet_disable_ok,
	    "connections taken off the card for their retransmissions"),
	S("stats.ifnet_disable_failed", ifnet_disable_failed,
	    "connections that could not be taken off the card"),
	S("stats.destroy_task", destroy_task,
	    "sessions destroyed by a task; no lock is ever missed here"),
	S("ifnet.reset", ifnet_reset, "send tags replaced"),
	S("ifnet.reset_dropped", ifnet_reset_dropped,
	    "connections dropped for want of a send tag"),
	S("ifnet.reset_failed", ifnet_reset_failed,
	    "send tags that could not be replaced"),
	S("ifnet.released_early", ifnet_released_early,
	    "send tags released because of ifnet.release_early"),
};
#undef S

void
ktls_sysctl_attach(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;

	ktls_sysctl_defaults(ks);
	ks->ks_ext_pgs = vnet->v_direct_map;
	sysctl_add(vnet, "kern.ipc.mb_use_ext_pgs", &ks->ks_ext_pgs, CTL_RW,
	    ktls_check_ext_pgs, "use unmapped mbufs for sendfile and TLS");
	if (!vnet->v_kern_tls)
		return;
	ktls_sysctl_config(vnet);
	ktls_sysctl_sessions(vnet);
	ktls_sysctl_ocf(vnet);
	for (size_t i = 0; i < nitems(ktls_counters); i++)
		ktls_ctr(vnet, ktls_counters[i].name,
		    (uint64_t *)(void *)((char *)&ks->ks_stats +
			ktls_counters[i].off),
		    ktls_counters[i].descr);
	/* Not FreeBSD's. */
	sysctl_add(vnet, "sim.tls.sw_tx_bytes", &ks->ks_stats.sw_bytes_tx,
	    CTL_CTR, NULL, "payload that workers encrypted");
	sysctl_add(vnet, "sim.tls.sw_rx_bytes", &ks->ks_stats.sw_bytes_rx,
	    CTL_CTR, NULL, "payload that workers decrypted");
	sysctl_add(vnet, "sim.tls.worker_ns", &ks->ks_stats.worker_ns, CTL_CTR,
	    NULL, "ns of CPU that the workers' cryptography took");
}
