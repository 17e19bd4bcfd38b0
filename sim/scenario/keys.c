#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "keys.h"
#include "node.h"

const char *const sc_suite_names[] = { "aes128-gcm", "aes256-gcm",
	"chacha20-poly1305", "aes128-cbc-sha1", "aes256-cbc-sha1",
	"aes128-cbc-sha256", "aes256-cbc-sha384", NULL };
const struct sc_suite_range sc_suite_ranges[] = { { SC_TLS_12, SC_TLS_13 },
	{ SC_TLS_12, SC_TLS_13 }, { SC_TLS_12, SC_TLS_13 },
	{ SC_TLS_10, SC_TLS_12 }, { SC_TLS_10, SC_TLS_12 },
	{ SC_TLS_12, SC_TLS_12 }, { SC_TLS_12, SC_TLS_12 } };
_Static_assert(nitems(sc_suite_ranges) + 1 == nitems(sc_suite_names),
    "one range for each suite");
const char *const sc_lagg_protos[] = { "failover", "loadbalance", "roundrobin",
	"broadcast", "lacp", NULL };
const char *const sc_crypto_names[] = { "openssl", "ipsec-mb", "accel", "none",
	NULL };
const char *const completion_names[] = { "in-order", "reverse", "shuffle",
	NULL };
const char *const misreads_names[] = { "nothing", "partial", "eagain", NULL };
static const char *const version_names[] = { "1.0", "1.1", "1.2", "1.3", NULL };
static const char *const place_names[] = { "openssl", "kernel", NULL };
static const char *const stack_names[] = { "socket", "node", NULL };
static const char *const handshake_names[] = { "openssl", "synthetic", NULL };
static const char *const app_types[] = { "https-server", "https-client",
	"iperf-server", "iperf-client", "nfs-server", "nfs-client",
	"openssl-server", "openssl-client", "https-load", "own-server",
	"own-client", NULL };
#define OF_HTTPS_SERVER	  (1u << SC_APP_HTTPS_SERVER)
#define OF_HTTPS_CLIENT	  (1u << SC_APP_HTTPS_CLIENT)
#define OF_IPERF_CLIENT	  (1u << SC_APP_IPERF_CLIENT)
#define OF_NFS_SERVER	  (1u << SC_APP_NFS_SERVER)
#define OF_NFS_CLIENT	  (1u << SC_APP_NFS_CLIENT)
#define OF_NFS		  (OF_NFS_SERVER | OF_NFS_CLIENT)
#define OF_OPENSSL_SERVER (1u << SC_APP_OPENSSL_SERVER)
#define OF_OPENSSL_CLIENT (1u << SC_APP_OPENSSL_CLIENT)
#define OF_OPENSSL	  (OF_OPENSSL_SERVER | OF_OPENSSL_CLIENT)
#define OF_OWN_SERVER	  (1u << SC_APP_OWN_SERVER)
#define OF_OWN_CLIENT	  (1u << SC_APP_OWN_CLIENT)
#define OF_SERVER                                                      \
	(OF_HTTPS_SERVER | 1u << SC_APP_IPERF_SERVER | OF_NFS_SERVER | \
	    OF_OPENSSL_SERVER | OF_OWN_SERVER)
#define OF_HTTPS_LOAD (1u << SC_APP_HTTPS_LOAD)
#define OF_CLIENT                                            \
	(OF_HTTPS_CLIENT | OF_IPERF_CLIENT | OF_NFS_CLIENT | \
	    OF_OPENSSL_CLIENT | OF_HTTPS_LOAD | OF_OWN_CLIENT)
#define SHARE \
	.def = "0%", .max = 1000000000, .since = "0.2", .of = OF_HTTPS_LOAD
static const char *const direction_names[] = { "send", "receive", "both",
	NULL };
static const char *const key_update_names[] = { "handle", "refuse", NULL };
const char *const sc_call_names[] = { "write", "write_ex", "sendfile", "read",
	"key_update", "renegotiate", "take_back", "pause", "shutdown", NULL };
static const char *const family_names[] = { "ipv4", "ipv6", NULL };
static const char *const fallback_names[] = { "refuse", "daemon", "clear",
	NULL };
static const char *const dies_names[] = { "never", "handshake", "mounted",
	NULL };
static const char *const marks_names[] = { "right", "too-long",
	"empty-fragments", NULL };
static const char *const header_names[] = { "write", "sendfile", NULL };
static const char *const spoil_names[] = { "bad-mac", "bad-version", "truncate",
	"oversize", "zero-plaintext", NULL };

static const struct key nic_keys[] = {
	{ "model", K_STR, F(sc_nic, model), .def = "basic",
	    .text = "card model; `ktls-sim list models` shows them" },
	{ "mtu", K_UINT, F(sc_nic, mtu), .def = "1500", .min = 576, .max = 9216,
	    .text = "largest IP packet, bytes" },
	{ "rate", K_RATE, F(sc_nic, rate), .min = 1000,
	    .max = 10000000000000ULL,
	    .text =
		"rate of the port; if not given the link's, or what its `preset` says" },
	{ "ring", K_UINT, F(sc_nic, ring), .min = 0, .max = 65536,
	    .text = "transmit ring slots; 0: what the model has" },
	{ "queues", K_UINT, F(sc_nic, queues), .def = "0", .max = 128,
	    .since = "0.2",
	    .text = "send queues; 0: as many as the model has" },
	{ "rx_coalesce", K_TIME, F(sc_nic, rx_coalesce), .def = "3us",
	    .max = SIM_SEC, .since = "0.2",
	    .text = "from a frame's arrival to the interrupt that takes it" },
	{ "tx_coalesce", K_TIME, F(sc_nic, tx_coalesce), .def = "0s",
	    .max = SIM_SEC, .since = "0.2",
	    .text =
		"from a completion to the interrupt that tells the driver" },
	{ "pcie", K_RATE, F(sc_nic, pcie), .max = 10000000000000ULL,
	    .since = "0.2",
	    .text =
		"what its bus can carry, net of all headers; the model's if not given, or 0bit/s" },
	{ "bus", K_STR, F(sc_nic, bus), .since = "0.2",
	    .text =
		"a word: cards of this host with the same one share one bus, of the largest `pcie` among them" },
	{ "settings", K_KNOBS, F(sc_nic, settings), F(sc_nic, nsettings),
	    .since = "0.2",
	    .text =
		"of the model, by name: `ktls-sim list models MODEL` shows them with their bounds" },
	{ "lro", K_BOOL, F(sc_nic, lro), .def = "true", .since = "0.2",
	    .text = "LRO is enabled, where the model has it" },
	{ "numa_domain", K_UINT, F(sc_nic, numa_domain), F(sc_nic, has_domain),
	    .max = 7, .since = "0.2",
	    .text =
		"where the card is plugged in, from 0; unknown if not given" },
};
const struct key_map nic_map = { "network card", nic_keys, nitems(nic_keys),
	sizeof(struct sc_nic) };

static const struct key lagg_keys[] = {
	{ "proto", K_ENUM, F(sc_lagg, proto), .def = "failover",
	    .names = sc_lagg_protos,
	    .text =
		"aggregation protocol; roundrobin and broadcast take no send tags" },
	{ "ports", K_STRLIST, F(sc_lagg, ports), .required = true,
	    .text = "cards of this host; the first is the primary" },
	{ "use_flowid", K_BOOL, F(sc_lagg, use_flowid), .def = "false",
	    .since = "0.2",
	    .text =
		"loadbalance, lacp: a packet's port is that of its flow number, not of its headers; without it no card encrypts" },
	{ "flowid_shift", K_UINT, F(sc_lagg, flowid_shift), .def = "16",
	    .max = 31, .since = "0.2",
	    .text = "bits of the flow number that are left out" },
	{ "lagghash", K_STRLIST, F(sc_lagg, hash), .since = "0.2",
	    .text =
		"fields that the headers' hash takes in: l2, l3, l4; all of them if not given" },
	{ "rr_limit", K_UINT, F(sc_lagg, rr_limit), .def = "1", .min = 1,
	    .max = 1000000, .since = "0.2",
	    .text = "roundrobin: packets in a row to one port" },
	{ "use_numa", K_BOOL, F(sc_lagg, use_numa), .def = "true",
	    .since = "0.2",
	    .text =
		"lacp: a connection of a NUMA domain has ports of that domain, where ports of several are in use" },
	{ "lacp_strict", K_BOOL, F(sc_lagg, lacp_strict), .def = "true",
	    .since = "0.2",
	    .text =
		"lacp: a partner that knows our data is taken to be in sync; false: when it says so" },
	{ "lacp_fast_timeout", K_BOOL, F(sc_lagg, lacp_fast_timeout),
	    .def = "false", .since = "0.2",
	    .text =
		"lacp: ask the partner for a PDU every second, and miss it after 3 s instead of 90 s" },
};
MAPDEF(lagg, "lagg", struct sc_lagg);

static const struct key vlan_keys[] = {
	{ "vlan", K_UINT, F(sc_vlan, vlan), .required = true, .min = 1,
	    .max = 4094, .since = "0.2", .text = "number of the VLAN" },
	{ "vlandev", K_STR, F(sc_vlan, vlandev), .required = true,
	    .since = "0.2",
	    .text = "the card or lagg of this host that it stands on" },
	{ "rxtls", K_BOOL, F(sc_vlan, rxtls), .def = "false", .since = "0.2",
	    .text =
		"it hands on RXTLS4 and RXTLS6 of what it stands on; FreeBSD's (2025) does not" },
};
MAPDEF(vlan, "vlan", struct sc_vlan);

static const struct key file_keys[] = {
	{ "size", K_SIZE, F(sc_file, size), .required = true, .min = 0,
	    .max = 1ULL << 32,
	    .text = "bytes; the contents follow from seed and name" },
	{ "cached", K_BOOL, F(sc_file, cached), .def = "true",
	    .text = "all pages are in the page cache at the start" },
	{ "bad_page", K_UINT, F(sc_file, bad_page), F(sc_file, has_bad_page),
	    .max = 1ULL << 20, .since = "0.2",
	    .text =
		"this page of 4 KiB, counted from 0, cannot be read from the disk: EIO" },
};
MAPDEF(file, "file", struct sc_file);

static const struct key catalogue_keys[] = {
	{ "files", K_UINT, F(sc_catalogue, files), .required = true, .min = 1,
	    .max = 20000, .since = "0.2", .text = "how many" },
	{ "path", K_STR, F(sc_catalogue, path), .def = "/obj/", .since = "0.2",
	    .text = "what their paths begin with; behind it numbers from 1" },
	{ "min", K_SIZE, F(sc_catalogue, min), .def = "4KiB", .min = 1,
	    .max = 1ULL << 30, .since = "0.2",
	    .text =
		"smallest size; each power of two up to `max` has as many files" },
	{ "max", K_SIZE, F(sc_catalogue, max), .def = "1MiB", .min = 1,
	    .max = 1ULL << 30, .since = "0.2", .text = "largest size" },
	{ "cached", K_BOOL, F(sc_catalogue, cached), .def = "false",
	    .since = "0.2",
	    .text =
		"they are in the page cache at the start, the first ones first, as far as it has room" },
};
MAPDEF(catalogue, "catalogue", struct sc_catalogue);

static const struct key accel_keys[] = {
	{ "depth", K_UINT, F(sc_accel, depth), .def = "128", .min = 1,
	    .max = 65536, .since = "0.2",
	    .text = "operations that it holds; one more is EAGAIN" },
	{ "engines", K_UINT, F(sc_accel, engines), .def = "4", .min = 1,
	    .max = 64, .since = "0.2",
	    .text = "operations that it works on at a time" },
	{ "rate", K_RATE, F(sc_accel, rate), .def = "10Gbit/s", .min = 1000000,
	    .max = 1000000000000ULL, .since = "0.2", .text = "of each engine" },
	{ "latency", K_TIME, F(sc_accel, latency), .def = "20us", .min = SIM_NS,
	    .max = SIM_SEC, .since = "0.2",
	    .text =
		"from an engine's end, or from a refusal, to the host's notice" },
	{ "fail_op", K_UINT, F(sc_accel, fail_op), .def = "0", .since = "0.2",
	    .text = "which of its operations fails (EIO); 0: none" },
};
MAPDEF(accel, "accelerator", struct sc_accel);

static const struct key host_keys[] = {
	{ "cpus", K_UINT, F(sc_host, cpus), .def = "4", .min = 1, .max = 256,
	    .text = "simulated CPUs: one kernel TLS worker each" },
	{ "numa_domains", K_UINT, F(sc_host, numa_domains), .def = "1",
	    .min = 1, .max = 8, .since = "0.2",
	    .text = "NUMA domains; the CPUs are split evenly" },
	{ "fragmented_memory", K_BOOL, F(sc_host, fragmented), .def = "false",
	    .since = "0.2",
	    .text = "no physically contiguous pages are free at the start" },
	{ "sysctl", K_SETTINGS, F(sc_host, sysctl), F(sc_host, nsysctl),
	    .text =
		"name: number (or a value's name, as cubic), set before the run" },
	{ "nics", K_MAPOF, F(sc_host, nics), F(sc_host, nnics), .map = &nic_map,
	    .text = "network cards by interface name" },
	{ "laggs", K_MAPOF, F(sc_host, laggs), F(sc_host, nlaggs),
	    .map = &lagg_map, .text = "link aggregations by interface name" },
	{ "vlans", K_MAPOF, F(sc_host, vlans), F(sc_host, nvlans),
	    .map = &vlan_map, .since = "0.2",
	    .text = "VLAN interfaces by interface name" },
	{ "addresses", K_MAPOF, F(sc_host, addrs), F(sc_host, naddrs),
	    .text = "interface: one or more addresses with prefix length" },
	{ "files", K_MAPOF, F(sc_host, files), F(sc_host, nfiles),
	    .map = &file_map, .text = "files by path, for servers" },
	{ "catalogue", K_MAP, F(sc_host, catalogue),
	    .noff = F(sc_host, catalogue.present), .map = &catalogue_map,
	    .since = "0.2",
	    .text =
		"many files more, for `https-load`: their sizes follow from their paths" },
	{ "page_cache", K_SIZE, F(sc_host, page_cache), .def = "0B",
	    .max = 1ULL << 40, .since = "0.2",
	    .text =
		"memory for pages of files: one that is read in drives out the one used longest ago; 0B: no limit" },
	{ "disk_latency", K_TIME, F(sc_host, disk_latency), .def = "80us",
	    .min = 0, .max = 10 * SIM_SEC,
	    .text = "time to read a page that is not cached" },
	{ "disk_jitter", K_TIME, F(sc_host, disk_jitter), .def = "0us",
	    .min = 0, .max = 10 * SIM_SEC, .since = "0.2",
	    .text =
		"up to so much more, by chance for each page: pages come in any order" },
	{ "crypto", K_ENUM, F(sc_host, crypto), .def = "openssl",
	    .names = sc_crypto_names, .since = "0.2",
	    .text =
		"library of software TLS; `ktls-sim list backends` shows them" },
	{ "accel", K_MAP, F(sc_host, accel), .noff = F(sc_host, accel.present),
	    .map = &accel_map, .since = "0.2",
	    .text = "`crypto: accel`: what the accelerator is like" },
	{ "completion", K_ENUM, F(sc_host, completion), .def = "in-order",
	    .names = completion_names, .since = "0.2",
	    .text =
		"the order in which a library completes records (AEAD); in-order: a batch as a whole" },
	{ "completion_window", K_UINT, F(sc_host, completion_window),
	    .def = "4", .min = 2, .max = 64, .since = "0.2",
	    .text = "records among which the order is changed" },
	{ "kern_tls", K_BOOL, F(sc_host, kern_tls), .def = "true",
	    .since = "0.2",
	    .text =
		"false: a kernel without options KERN_TLS; there is no kern.ipc.tls" },
	{ "direct_map", K_BOOL, F(sc_host, direct_map), .def = "true",
	    .since = "0.2",
	    .text =
		"false: no direct map of physical memory, so no M_EXTPG mbufs and no transmit TLS" },
	{ "fail_alloc", K_UINT, F(sc_host, fail_alloc), .def = "0",
	    .since = "0.2",
	    .text =
		"which of the allocations that may fail (M_NOWAIT) does; 0: none" },
	{ "initial_seq", K_UINT, F(sc_host, initial_seq),
	    F(sc_host, has_initial_seq), .max = UINT32_MAX, .since = "0.2",
	    .text =
		"first TCP sequence number of its connections, such as 4294960000 to wrap soon; by chance if not given" },
	{ "coarse_timestamps", K_BOOL, F(sc_host, coarse_timestamps),
	    .def = "false", .since = "0.2",
	    .text =
		"TCP timestamp offsets have zeros in their low 28 bits: a Chelsio T6 can take no other connection that uses timestamps" },
};
const struct key_map host_map = { "host", host_keys, nitems(host_keys),
	sizeof(struct sc_host) };

static const struct key spoil_keys[] = {
	{ "record", K_UINT, F(sc_spoil, record), .def = "0", .max = 1000000,
	    .since = "0.2",
	    .text =
		"which of its records of application data, counted from 0" },
	{ "how", K_ENUM, F(sc_spoil, how), .required = true,
	    .names = spoil_names, .since = "0.2",
	    .text =
		"a wrong last byte, a wrong version, half of it and then the end, a length of 32768, or (1.3) nothing but zeros inside, not even a type" },
};
MAPDEF(spoil, "spoilt record", struct sc_spoil);

static const struct key tls_keys[] = {
	{ "version", K_ENUM, F(sc_tls, version), .def = "1.3",
	    .names = version_names, .text = "TLS version" },
	{ "min_version", K_ENUM, F(sc_tls, least), F(sc_tls, has_least),
	    .names = version_names, .since = "0.2",
	    .text =
		"server: the lowest version that it takes; if not given, `version` is the only one" },
	{ "suite", K_ENUM, F(sc_tls, suite), .def = "aes128-gcm",
	    .names = sc_suite_names,
	    .text =
		"cipher; GCM and ChaCha20: 1.2 and 1.3, CBC: to 1.2, with SHA-256 and SHA-384 in 1.2 only" },
	{ "tx", K_ENUM, F(sc_tls, tx), .def = "kernel", .names = place_names,
	    .text =
		"who encrypts: the kernel (KTLS) or OpenSSL in user space" },
	{ "rx", K_ENUM, F(sc_tls, rx), .def = "openssl", .names = place_names,
	    .text = "who decrypts" },
	{ "handshake", K_ENUM, F(sc_tls, handshake), .def = "openssl",
	    .names = handshake_names,
	    .text =
		"a real handshake by libssl, or a synthetic one (both ends)" },
	{ "spoil", K_MAP, F(sc_tls, spoil), .noff = F(sc_tls, spoil.present),
	    .map = &spoil_map, .since = "0.2",
	    .text =
		"send one record that is wrong; with tx openssl and handshake synthetic" },
	{ "stack", K_ENUM, F(sc_tls, stack), .def = "socket",
	    .names = stack_names, .since = "0.2",
	    .text =
		"a comparison (docs/apps.md): node puts a node of netgraph's kind between the application and its socket, which makes the records; with tx and rx openssl" },
};
MAPDEF(tls, "tls", struct sc_tls);

static const struct key daemon_keys[] = {
	{ "absent", K_BOOL, F(sc_daemon, absent), .def = "false",
	    .since = "0.2", .text = "nobody runs it: upcalls get no answer" },
	{ "delay", K_TIME, F(sc_daemon, delay), .def = "50us",
	    .max = 3600 * SIM_SEC, .since = "0.2",
	    .text = "from an upcall until it comes to it" },
	{ "dies", K_ENUM, F(sc_daemon, dies), .def = "never",
	    .names = dies_names, .since = "0.2",
	    .text =
		"it dies when it has sent its first flight, or when it has told the kernel of the first handshake; its sockets are closed" },
	{ "timeout", K_TIME, F(sc_daemon, timeout), .def = "15s", .min = 1,
	    .max = 3600 * SIM_SEC, .since = "0.2",
	    .text = "how long the kernel waits for it" },
};
MAPDEF(daemon, "daemon", struct sc_daemon);
#define OF_CALL(kind) (1u << SC_CALL_##kind)
#define OF_WRITES     (OF_CALL(WRITE) | OF_CALL(WRITE_EX))
static const struct key call_keys[] = {
	{ "call", K_ENUM, F(sc_call, call), .required = true,
	    .names = sc_call_names, .since = "0.2",
	    .text =
		"write: SSL_write until all is written; write_ex: SSL_write_ex with partial writes; sendfile: SSL_sendfile; read: SSL_read; key_update: SSL_key_update; renegotiate: SSL_renegotiate; take_back: getsockopt for the TLS state, as for Linux; pause; shutdown: SSL_shutdown" },
	{ "bytes", K_SIZE, F(sc_call, bytes), .max = 1ULL << 40, .since = "0.2",
	    .of = OF_WRITES | OF_CALL(SENDFILE) | OF_CALL(READ),
	    .text =
		"how much in all; read and sendfile: without it to the end" },
	{ "size", K_SIZE, F(sc_call, size), .def = "16KiB", .min = 1,
	    .max = 1 << 20, .since = "0.2", .of = OF_WRITES | OF_CALL(READ),
	    .text = "the buffer of each call" },
	{ "file", K_STR, F(sc_call, file), .since = "0.2",
	    .of = OF_CALL(SENDFILE),
	    .text = "sendfile: a file of the application's host" },
	{ "offset", K_SIZE, F(sc_call, offset), .def = "0B", .since = "0.2",
	    .of = OF_CALL(SENDFILE), .text = "sendfile: where it begins" },
	{ "for", K_TIME, F(sc_call, time), .def = "1ms", .max = 86400 * SIM_SEC,
	    .since = "0.2", .of = OF_CALL(PAUSE), .text = "pause: how long" },
	{ "request", K_BOOL, F(sc_call, request), .def = "false",
	    .since = "0.2", .of = OF_CALL(KEY_UPDATE),
	    .text = "key_update: the peer is asked to do the same" },
};
MAPDEF(call, "call", struct sc_call);
static const struct key kqueue_keys[] = {
	{ "batch", K_UINT, F(sc_kqueue, batch), .def = "64", .min = 1,
	    .max = 65536, .since = "0.2",
	    .text = "events that one call of kevent returns at most" },
	{ "cost", K_TIME, F(sc_kqueue, cost), .def = "2us", .max = SIM_SEC,
	    .since = "0.2",
	    .text = "time of the thread that serving an event takes" },
};
MAPDEF(kqueue, "kqueue", struct sc_kqueue);

static const struct key app_keys[] = {
	{ "type", K_ENUM, F(sc_app, type), .required = true, .names = app_types,
	    .text = "what the application does" },
	{ "host", K_STR, F(sc_app, host), .required = true,
	    .text = "the host it runs on" },
	{ "port", K_UINT, F(sc_app, port), .def = "443", .min = 1, .max = 65535,
	    .of = OF_SERVER, .text = "server: TCP port it listens on" },
	{ "backlog", K_UINT, F(sc_app, backlog), .def = "128", .min = 1,
	    .max = 1024, .of = OF_SERVER, .text = "server: listen queue" },
	{ "server", K_STR, F(sc_app, server), .of = OF_CLIENT,
	    .text = "client: name of the server application" },
	{ "family", K_ENUM, F(sc_app, family), .def = "ipv4",
	    .names = family_names, .of = OF_CLIENT,
	    .text = "client: address family to connect by" },
	{ "path", K_STR, F(sc_app, path), .of = OF_HTTPS_CLIENT | OF_NFS_CLIENT,
	    .text = "client: the server's file to fetch" },
	{ "upload", K_STR, F(sc_app, upload),
	    .of = OF_HTTPS_CLIENT | OF_NFS_CLIENT, .since = "0.2",
	    .text =
		"client, instead of `path`: a file of its own host, sent by PUT, or (NFS) by CREATE and WRITE" },
	{ "connections", K_UINT, F(sc_app, connections), .def = "1", .min = 1,
	    .max = 100000, .of = OF_CLIENT, .text = "client: how many" },
	{ "requests", K_UINT, F(sc_app, requests), .def = "1", .min = 1,
	    .max = 1000000, .since = "0.2",
	    .of = OF_HTTPS_CLIENT | OF_HTTPS_LOAD,
	    .text = "client: GETs on each connection, one after the other" },
	{ "start", K_TIME, F(sc_app, start), .def = "0s", .of = OF_CLIENT,
	    .text = "client: when the first connection is opened" },
	{ "interval", K_TIME, F(sc_app, interval), .def = "0s", .of = OF_CLIENT,
	    .text = "client: from one connection's start to the next's" },
	{ "sndbuf", K_SIZE, F(sc_app, sndbuf),
	    .text = "send buffer, fixed; automatic if not given" },
	{ "rcvbuf", K_SIZE, F(sc_app, rcvbuf),
	    .text = "receive buffer, fixed; automatic if not given" },
	{ "pacing_rate", K_RATE, F(sc_app, pacing_rate), .def = "0bit/s",
	    .max = SC_PACING_MAX, .since = "0.2",
	    .text =
		"SO_MAX_PACING_RATE of its sockets, in whole bytes per second: their cards send no faster, where they can; 0bit/s: none" },
	{ "read_rate", K_RATE, F(sc_app, read_rate), .def = "0bit/s",
	    .max = 10000000000000ULL, .since = "0.2",
	    .of = OF_HTTPS_CLIENT | OF_HTTPS_LOAD,
	    .text =
		"client: it reads bodies no faster than that; 0bit/s: as fast as it can; https-load: its `slow_readers`" },
	{ "abort_after", K_SIZE, F(sc_app, abort_after), .def = "0B",
	    .since = "0.2", .of = OF_HTTPS_CLIENT | OF_HTTPS_LOAD,
	    .text =
		"client: it resets each connection after so many body bytes; 0B: never; https-load: its `aborts`" },
	{ "misreads", K_ENUM, F(sc_app, misreads), .def = "nothing",
	    .names = misreads_names, .since = "0.2", .of = OF_HTTPS_SERVER,
	    .text =
		"how it takes a sendfile that stops with EAGAIN; partial: once, as if nothing had been sent; eagain: as the file's end" },
	{ "header", K_ENUM, F(sc_app, header), .def = "write",
	    .names = header_names, .since = "0.2", .of = OF_HTTPS_SERVER,
	    .text =
		"server: HTTP's header goes by write, or in front of the file by sendfile" },
	{ "direction", K_ENUM, F(sc_app, direction), .def = "send",
	    .names = direction_names, .since = "0.2", .of = OF_IPERF_CLIENT,
	    .text =
		"iperf client: whether it sends, receives (iperf -R), or both (--bidir)" },
	{ "duration", K_TIME, F(sc_app, duration), .def = "0s",
	    .max = 86400 * SIM_SEC, .since = "0.2",
	    .of = OF_IPERF_CLIENT | OF_HTTPS_LOAD,
	    .text =
		"iperf client: so long it sends (-t); or `bytes`; https-load: so long connections arrive; 0s: until there were `connections`" },
	{ "bytes", K_SIZE, F(sc_app, bytes), .def = "0B", .max = 1ULL << 50,
	    .since = "0.2", .of = OF_IPERF_CLIENT,
	    .text = "iperf client: so much in each stream and direction (-n)" },
	{ "block", K_SIZE, F(sc_app, block), .def = "128KiB", .min = 1,
	    .max = 1 << 20, .since = "0.2", .of = OF_IPERF_CLIENT,
	    .text = "iperf client: bytes of each write (-l), both ends" },
	{ "report_every", K_TIME, F(sc_app, report_every), .def = "100ms",
	    .min = SIM_US, .max = 86400 * SIM_SEC, .since = "0.2",
	    .of = OF_IPERF_CLIENT,
	    .text = "iperf client: length of an interval of the report (-i)" },
	{ "zerocopy", K_BOOL, F(sc_app, zerocopy), .def = "false",
	    .since = "0.2", .of = OF_IPERF_CLIENT,
	    .text = "iperf client: send by sendfile (-Z), both ends" },
	{ "empty_writes", K_UINT, F(sc_app, empty_writes), .def = "0",
	    .max = 1000, .since = "0.2", .of = OF_HTTPS_SERVER,
	    .text =
		"server: before each header it asks the kernel so often to send no bytes, which is an empty record in TLS 1.0 and EINVAL in other versions; with tx kernel" },
	{ "calls", K_LIST, F(sc_app, calls), F(sc_app, ncalls),
	    .map = &call_map, .since = "0.2", .of = OF_OPENSSL,
	    .text = "openssl: what it calls on each connection, in order" },
	{ "key_update", K_ENUM, F(sc_app, key_update), .def = "refuse",
	    .names = key_update_names, .since = "0.2", .of = OF_OPENSSL,
	    .text =
		"openssl: TLS 1.3's KeyUpdate; refuse: it sends none, and one of the peer ends the connection; handle: libssl does it, where the keys are not in the kernel" },
	{ "resume", K_BOOL, F(sc_app, resume), .def = "false", .since = "0.2",
	    .of = OF_OPENSSL_CLIENT,
	    .text =
		"openssl client: each connection resumes the session of the last ticket" },
	{ "kqueue", K_MAP, F(sc_app, kqueue), .noff = F(sc_app, kqueue.present),
	    .map = &kqueue_map, .since = "0.2", .of = OF_HTTPS_SERVER,
	    .text =
		"server: one thread around kevent(2), so that connections wait for each other; without it each is served at once" },
	{ "arrivals", K_UINT, F(sc_app, arrivals), .def = "1000", .min = 1,
	    .max = 100000000, .since = "0.2", .of = OF_HTTPS_LOAD,
	    .text =
		"https-load: connections that arrive in a second, by a Poisson process, from `start` on" },
	{ "zipf", K_STR, F(sc_app, zipf), .def = "0.8", .since = "0.2",
	    .of = OF_HTTPS_LOAD,
	    .text =
		"https-load: exponent of Zipf's law, 0 to 3: the server's k-th file is asked for k^-zipf times as often as its first" },
	{ "pipeline", K_UINT, F(sc_app, pipeline), .def = "1", .min = 1,
	    .max = 64, .since = "0.2", .of = OF_HTTPS_LOAD,
	    .text =
		"https-load: requests of a connection that may be without an answer" },
	{ "think", K_TIME, F(sc_app, think), .def = "0s", .max = 60 * SIM_SEC,
	    .since = "0.2", .of = OF_HTTPS_LOAD,
	    .text =
		"https-load: mean pause in front of each request but the first, exponential" },
	{ "ranges", K_PERCENT, F(sc_app, ranges), SHARE,
	    .text = "https-load: requests for a part of a file" },
	{ "slow_readers", K_PERCENT, F(sc_app, slow_readers), SHARE,
	    .text =
		"https-load: connections that read no faster than `read_rate`" },
	{ "aborts", K_PERCENT, F(sc_app, aborts), SHARE,
	    .text =
		"https-load: connections that are reset after `abort_after`" },
	{ "half_closes", K_PERCENT, F(sc_app, half_closes), SHARE,
	    .text =
		"https-load: connections that shut their sending side behind the last request" },
	{ "oversized", K_PERCENT, F(sc_app, oversized), SHARE,
	    .text =
		"https-load: connections whose last request has a head of more than 8 KiB: 431" },
	{ "early_data", K_PERCENT, F(sc_app, early_data), SHARE,
	    .text =
		"https-load: connections that send data before the TLS handshake, which no server takes" },
	{ "tls12", K_PERCENT, F(sc_app, tls12), SHARE,
	    .text =
		"https-load: connections that speak TLS 1.2 although `version` is higher; the server's `min_version` allows it" },
	{ "tls", K_MAP, F(sc_app, tls), .noff = F(sc_app, tls.present),
	    .map = &tls_map,
	    .text = "TLS settings; plain HTTP, or RPC in clear, without them" },
	{ "daemon", K_MAP, F(sc_app, daemon), .noff = F(sc_app, daemon.present),
	    .map = &daemon_map, .since = "0.2", .of = OF_NFS,
	    .text =
		"NFS over TLS: rpc.tlsclntd or rpc.tlsservd, who shakes hands for the kernel" },
	{ "fallback", K_ENUM, F(sc_app, fallback), .def = "refuse",
	    .names = fallback_names, .since = "0.2", .of = OF_NFS,
	    .text =
		"NFS over TLS: where the kernel cannot have both directions the mount is refused, as FreeBSD does; or (daemon) its bytes go through the daemon and libssl; clear, of a client: besides, a server that knows no TLS is spoken to in clear" },
	{ "require_tls", K_BOOL, F(sc_app, require_tls), .def = "false",
	    .since = "0.2", .of = OF_NFS_SERVER,
	    .text =
		"NFS server, as `-tls` in exports(5): calls in clear are denied with AUTH_TOOWEAK" },
	{ "rsize", K_SIZE, F(sc_app, rsize), .def = "64KiB", .min = 512,
	    .max = 1 << 20, .since = "0.2", .of = OF_NFS_CLIENT,
	    .text = "NFS client: bytes of each READ, and of each WRITE" },
	{ "readahead", K_UINT, F(sc_app, readahead), .def = "1", .max = 63,
	    .since = "0.2", .of = OF_NFS_CLIENT,
	    .text = "NFS client: READs or WRITEs under way besides the first" },
	{ "fragment", K_SIZE, F(sc_app, fragment), .def = "0B", .max = 1 << 20,
	    .since = "0.2", .of = OF_NFS,
	    .text =
		"bytes of each fragment of its RPC records; 0B: one fragment for all" },
	{ "alert_every", K_UINT, F(sc_app, alert_every), .def = "0",
	    .max = 1000000, .since = "0.2", .of = OF_NFS,
	    .text =
		"NFS over TLS: after so many RPC records it sends an alert (user_canceled, a warning) between two of them; 0: never; with tx kernel" },
	{ "marks", K_ENUM, F(sc_app, marks), .def = "right",
	    .names = marks_names, .since = "0.2", .of = OF_NFS_CLIENT,
	    .text =
		"NFS client: its record marks are right; or the mark of its first READ or WRITE says 2 GiB, or that call comes behind empty fragments" },
	{ "half_close", K_BOOL, F(sc_app, half_close), .def = "false",
	    .since = "0.2", .of = OF_NFS_CLIENT,
	    .text =
		"NFS client: it ends its direction with the last call, and waits for the replies" },
	{ "program", K_STRLIST, F(sc_app, program), .since = "0.2",
	    .of = OF_OWN_SERVER | OF_OWN_CLIENT,
	    .text =
		"own application: a file beside the scenario or below, and its arguments; started for each connection, with --allow-programs (docs/apps.md)" },
	KEY_ONLY,
};
const struct key_map app_map = { "application", app_keys, nitems(app_keys),
	sizeof(struct sc_app) };

static const struct key capture_keys[] = {
	{ "wire", K_BOOL, F(sc_capture, wire), .def = "true",
	    .text = "write wire.pcapng" },
	{ "pcap", K_BOOL, F(sc_capture, pcap), .def = "false",
	    .text = "also write wire.pcap and sslkeys.log" },
	{ "dma", K_BOOL, F(sc_capture, dma), .def = "false", .since = "0.2",
	    .text =
		"write dma-HOST-CARD.pcapng for each card: its work requests and completions (docs/nics.md)" },
	{ "timeline", K_BOOL, F(sc_capture, timeline), .def = "true",
	    .since = "0.2",
	    .text =
		"write timeline.svg, a picture of the run over time, where there is a lagg or a vlan, or a tag was reset, or a mode changed" },
	{ "html", K_BOOL, F(sc_capture, html), .def = "true", .since = "0.2",
	    .text =
		"write report.html: verdict, pictures of connections, buffers, queues and buses over time, events with their frames, counters (docs/report.md)" },
	{ "ports", K_BOOL, F(sc_capture, ports), .def = "false", .since = "0.2",
	    .text =
		"also write wire-A-B.pcapng for each link: what goes over it, both ways" },
	{ "tcp_info", K_TIME, F(sc_capture, tcp_info), .def = "0s",
	    .max = 60 * SIM_SEC, .since = "0.2",
	    .text =
		"write TCP_INFO of every connection so often, to tcpinfo.ndjson; 0s: not" },
};
MAPDEF(capture, "capture", struct sc_capture);

static const struct key checks_keys[] = {
	{ "records", K_BOOL, F(sc_checks, records), .def = "true",
	    .since = "0.2",
	    .text =
		"open every TLS record of every wire (invariants 2 and 3)" },
};
MAPDEF(checks, "checks", struct sc_checks);

static const struct key root_keys[] = {
	{ "ktls_sim", K_UINT, F(scenario, format), .required = true, .min = 1,
	    .max = 1, .text = "version of the scenario format" },
	{ "name", K_STR, F(scenario, name), .required = true,
	    .text = "names the output folder: letters, digits, - and _" },
	{ "description", K_STR, F(scenario, description), .def = "",
	    .text = "what the scenario shows" },
	{ "tags", K_STRLIST, F(scenario, tags), .since = "0.2",
	    .text = "words to choose scenarios by: test --filter tag:WORD" },
	{ "include", K_STRLIST, .scratch = true, .since = "0.2",
	    .text =
		"files, beside the scenario or below, whose keys count as if they stood here; what stands here wins, included lists come first" },
	{ "parameters", K_KNOBS, .scratch = true, .since = "0.2",
	    .text =
		"values by name: `$name` in a value stands for it, --set name=VALUE gives another" },
	{ "matrix", K_MAP, F(scenario, matrix), .map = &matrix_map,
	    .since = "0.2",
	    .text =
		"parameters of which `ktls-sim test` tries several values" },
	{ "repeat", K_UINT, F(scenario, repeat), .def = "1", .min = 1,
	    .max = 100000, .since = "0.2",
	    .text = "so many seeds, from `seed` on, in `ktls-sim test`" },
	{ "defaults", K_MAP, .scratch = true, .map = &defaults_map,
	    .since = "0.2",
	    .text =
		"what hosts, cards, links and applications have that do not say otherwise" },
	{ "seed", K_UINT, F(scenario, seed), .def = "1",
	    .text = "of all randomness" },
	{ "until", K_TIME, F(scenario, until), F(scenario, has_until),
	    .def = "60s", .min = 1, .max = 86400 * SIM_SEC,
	    .text =
		"expectations are judged here, or when all is done before; live, "
		"if not given: when it is told to stop" },
	{ "epoch", K_UINT, F(scenario, epoch), .def = "1700000000", .min = 0,
	    .max = 4102444800, .text = "UNIX time of virtual time 0" },
	{ "hosts", K_MAPOF, F(scenario, hosts), F(scenario, nhosts),
	    .required = true, .map = &host_map, .text = "machines by name" },
	{ "links", K_LIST, F(scenario, links), F(scenario, nlinks),
	    .map = &link_map, .text = "cables between ports" },
	{ "switches", K_MAPOF, F(scenario, switches), F(scenario, nswitches),
	    .map = &switch_map, .since = "0.2",
	    .text = "Ethernet switches by name: they learn addresses" },
	{ "apps", K_MAPOF, F(scenario, apps), F(scenario, napps),
	    .map = &app_map, .text = "applications by name" },
	{ "timeline", K_LIST, F(scenario, timeline), F(scenario, nsteps),
	    .map = &step_map, .text = "what happens when" },
	{ "expect", K_LIST, F(scenario, expect), F(scenario, nexpect),
	    .map = &expect_map, .text = "claims: each with exactly one kind" },
	{ "capture", K_MAP, F(scenario, capture), .map = &capture_map,
	    .text = "what is written" },
	{ "checks", K_MAP, F(scenario, checks), .map = &checks_map,
	    .since = "0.2",
	    .text = "what is judged unasked; the ledger always is" },
	{ "exhibit", K_MAP, F(scenario, exhibit),
	    .noff = F(scenario, exhibit.present), .map = &exhibit_map,
	    .since = "0.2",
	    .text =
		"the bug that it shows: `ktls-sim test` also runs it with the bug planted, and it has to be caught" },
};
const struct key_map scenario_keys = { "scenario", root_keys, nitems(root_keys),
	sizeof(struct scenario) };
