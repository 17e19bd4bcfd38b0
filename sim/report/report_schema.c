/*
 * The JSON Schema of report.json (draft-07), from the table below. What
 * report_json.c writes and this table does not have is a mistake that a test
 * finds: no object may have other members.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/sim/result.h>

/*
 * A member of an object. Its kind: integer, string, boolean, `string?` (or
 * null), `@conn` another object, `@story?` (or null), `[@conn]` and `[string]`
 * lists, `{@if}` and `{integer}` objects with names of the scenario's. A name
 * with `?` behind it may be missing.
 */
struct member {
	const char *object, *name, *kind, *text;
};

static const struct member members[] = {
	{ "result", "ktls_sim_result", "=1", "version of this format" },
	{ "result", "name", "string", "the scenario's name" },
	{ "result", "description", "string", "and what it says of itself" },
	{ "result", "seed", "integer", "of the run" },
	{ "result", "end_ps", "integer",
	    "virtual time when the expectations were judged, picoseconds" },
	{ "result", "events", "integer", "of the engine, until then" },
	{ "result", "frames", "integer", "in wire.pcapng, until then" },
	{ "result", "defects", "string", "planted ones; empty: none" },
	{ "result", "interrupted", "boolean", "the run was stopped" },
	{ "result", "panic", "string?", "a simulated kernel's last words" },
	{ "result", "exit_code", "integer", "of the command: 0, 1, 3, 4, 130" },
	{ "result", "connections", "[@connection]",
	    "as the clients made them" },
	{ "result", "facts", "[@fact]", "what trace points said, added up" },
	{ "result", "counters", "{{integer}}",
	    "by host and sysctl: how much those that moved have moved" },
	{ "result", "invariants", "[@invariant]", "the seven" },
	{ "result", "expectations", "[@expectation]",
	    "as the scenario has them" },
	{ "result", "fingerprints?", "@fingerprints",
	    "of the run, in layers (docs/testing.md)" },
	{ "result", "cards?", "[@card]", "those that know TLS" },
	{ "result", "iperf?", "{@iperf}", "by client: what it measured" },
	{ "result", "nfs?", "{@nfs}",
	    "by application: its mounts, or a server's ends of them" },
	{ "result", "openssl?", "{@openssl}",
	    "by connection, prog#0: what its program's calls came to" },
	{ "result", "https?", "@https", "crowds of clients, their servers" },
	{ "result", "own?", "{@own}",
	    "by application: what its programs came to" },
	{ "result", "compare?", "{@compare}",
	    "by application that sends: TLS by the socket, or by a node" },
	{ "result", "impairments?", "[@impairment]", "of links" },
	{ "result", "never_happened?", "[@step]",
	    "steps whose condition never came true" },
	{ "result", "live?", "boolean",
	    "virtual time followed the wall clock" },
	{ "result", "lag_ps?", "integer", "and fell so much behind" },

	{ "connection", "name", "string", "application and number: get#0" },
	{ "connection", "client", "string", "address and port" },
	{ "connection", "server", "string", "address and port" },
	{ "connection", "tls", "string?", "version; null: plain" },
	{ "connection", "suite", "string", "cipher suite" },
	{ "connection", "done", "boolean", "all of it was delivered" },
	{ "connection", "failed", "string?", "why it is not" },
	{ "connection", "start_ps", "integer", "connect was called" },
	{ "connection", "established_ps", "integer", "0: never" },
	{ "connection", "end_ps", "integer", "0: still open" },
	{ "connection", "body_bytes?", "integer",
	    "that the client read, or sent if it uploads" },
	{ "connection", "client_side?", "@side", "missing: it is outside" },
	{ "connection", "server_side", "@side", "the other end" },
	{ "connection", "story", "@story", "what happened on the way" },
	{ "connection", "requests?", "integer", "live: of a client outside" },
	{ "connection", "sent_bytes?", "integer", "live: of bodies to it" },
	{ "connection", "received_bytes?", "integer", "live: from it" },

	{ "side", "tx_mode", "string", "kernel TLS: none, sw, ifnet, toe" },
	{ "side", "rx_mode", "string", "the same, receiving" },
	{ "side", "tx_reason", "string?", "the TLS library's account" },
	{ "side", "rx_reason", "string?", "the same, receiving" },
	{ "side", "segments", "integer", "sent" },
	{ "side", "bursts", "integer", "packets that TCP handed down" },
	{ "side", "bytes", "integer", "sent, each once" },
	{ "side", "retransmitted_bytes", "integer", "sent again" },
	{ "side", "retransmitted_packets", "integer", "sent again" },
	{ "side", "timeouts", "integer", "of the retransmission timer" },
	{ "side", "fast_retransmits", "integer", "recoveries without it" },
	{ "side", "enobufs", "integer", "output refused from below" },
	{ "side", "records", "integer", "of kernel TLS" },
	{ "side", "offloaded", "boolean", "TCP was the card's" },
	{ "side", "card_retransmitted_packets", "integer", "by such a card" },
	{ "side", "tcp", "@tcp?", "TCP_INFO at its end" },

	{ "story", "receiver", "@receiver", "whoever the bodies went to" },
	{ "story", "client", "@told?", "null: nothing to tell" },
	{ "story", "server", "@told?", "null: nothing to tell" },

	{ "receiver", "reads", "integer", "that gave bytes of a body" },
	{ "receiver", "first_ps", "integer", "the first of them" },
	{ "receiver", "last_ps", "integer", "the last" },
	{ "receiver", "gap_ps", "integer", "longest time without" },
	{ "receiver", "gap_from_ps", "integer", "since when" },

	{ "told", "interfaces", "{@interface}", "that it used" },
	{ "told", "drops", "[@drop]", "by reason" },
	{ "told", "modes", "[@mode]", "in order of time" },
	{ "told", "resets", "integer", "times the tag reset task ran" },
	{ "told", "resets_failed", "integer", "of these in vain" },
	{ "told", "interfaces_left_out", "integer", "events without room" },
	{ "told", "drops_left_out", "integer", "packets without room" },
	{ "told", "modes_left_out", "integer", "changes without room" },

	{ "interface", "tags_taken", "integer", "send and receive tags" },
	{ "interface", "tags_released", "integer", "of these" },
	{ "interface", "tags_refused", "integer", "asked for in vain" },
	{ "interface", "inner_tags_taken", "integer", "inside TLS tags" },
	{ "interface", "inner_tags_released", "integer", "of these" },
	{ "interface", "reread_bytes", "integer", "payload read again" },
	{ "interface", "recoveries", "integer", "cipher states rebuilt" },

	{ "drop", "place", "string", "kernel, card, wire" },
	{ "drop", "at", "string", "interface or link" },
	{ "drop", "reason", "string", "said by the branch that was taken" },
	{ "drop", "error", "string", "errno's name; 0: nobody was told" },
	{ "drop", "packets", "integer", "so many" },
	{ "drop", "bytes", "integer", "in them" },
	{ "drop", "first_ps", "integer", "the first" },
	{ "drop", "last_ps", "integer", "the last" },

	{ "mode", "ps", "integer", "when it was decided" },
	{ "mode", "direction", "string", "tx, rx" },
	{ "mode", "mode", "string", "sw, ifnet, toe" },
	{ "mode", "reason", "string", "said by the branch that was taken" },
	{ "mode", "error", "string", "what the better mode answered" },

	{ "fact", "point", "string", "trace point" },
	{ "fact", "at", "string", "host; empty: the laboratory" },
	{ "fact", "texts", "[string]", "its text arguments" },
	{ "fact", "error", "string", "errno's name" },
	{ "fact", "count", "integer", "how often" },
	{ "fact", "bytes", "integer", "sum of its argument len" },
	{ "fact", "first_ps", "integer", "the first" },
	{ "fact", "last_ps", "integer", "the last" },

	{ "invariant", "number", "integer", "1 to 7" },
	{ "invariant", "name", "string", "what holds" },
	{ "invariant", "on", "boolean", "it was looked at" },
	{ "invariant", "looked", "integer", "at so much" },
	{ "invariant", "broken", "integer", "times" },
	{ "invariant", "first", "string?", "the first break" },
	{ "invariant", "first_ps", "integer", "and when" },

	{ "expectation", "claim", "string", "in words" },
	{ "expectation", "found", "string?", "null: the run broke off" },
	{ "expectation", "met", "boolean", "it was" },
	{ "expectation", "line", "integer", "of the scenario, or of file" },
	{ "expectation", "kind", "string", "its key" },
	{ "expectation", "name?", "string", "the scenario's word for it" },
	{ "expectation", "file?", "string", "an included one" },
	{ "expectation", "first?", "string", "event that made it fail" },
	{ "expectation", "first_ps?", "integer", "and when" },
	{ "expectation", "frames?", "[integer]", "of wire.pcapng" },

	{ "card", "host", "string", "whose it is" },
	{ "card", "name", "string", "its interface" },
	{ "card", "model", "string", "as in `ktls-sim list models`" },
	{ "card", "bus_bytes", "@bus", "over PCIe, by cause" },
	{ "card", "bus_bps", "integer", "the bus' rate; 0: without limit" },
	{ "card", "bus_busy_ps", "integer", "how long it read" },
	{ "card", "contexts", "integer", "TLS contexts taken" },
	{ "card", "contexts_most", "integer", "at once" },
	{ "card", "contexts_refused", "integer", "asked for in vain" },
	{ "card", "recoveries", "integer", "cipher states rebuilt" },
	{ "card", "tls_packets", "integer", "sent with TLS" },
	{ "card", "rx_decrypted", "integer", "packets that it decrypted" },
	{ "card", "resets", "integer", "of the card" },

	{ "bus", "payload", "integer", "of packets it sent, once" },
	{ "bus", "reread", "integer", "payload read again" },
	{ "bus", "descriptors", "integer", "work requests" },
	{ "bus", "completions", "integer", "written back" },
	{ "bus", "received", "integer", "frames written to memory" },

	{ "impairment", "from", "string", "whose frames" },
	{ "impairment", "name", "string", "of the node" },
	{ "impairment", "kind", "string", "loss, reorder ..." },
	{ "impairment", "seen", "integer", "frames that came to it" },
	{ "impairment", "lost", "integer", "of these" },
	{ "impairment", "duplicated", "integer", "of these" },
	{ "impairment", "delayed", "integer", "of these" },
	{ "impairment", "corrupted", "integer", "of these" },
	{ "impairment", "marked", "integer", "of these, by ECN" },

	{ "fingerprints", "events", "string", "trace points, with times" },
	{ "fingerprints", "wire", "string", "frames, with times" },
	{ "fingerprints", "counters", "string", "what the report shows" },
	{ "fingerprints", "decisions", "string", "modes, tags and why" },

	{ "nfs", "server", "boolean", "these are the server's ends" },
	{ "nfs", "done", "integer", "mounts that did all and were unmounted" },
	{ "nfs", "refused", "integer", "that came to nothing" },
	{ "nfs", "broken", "integer", "whose connection failed later" },
	{ "nfs", "unfinished", "integer", "that the end of the run met" },
	{ "nfs", "ends", "[@nfs_end]", "each of them" },
	{ "nfs_end", "name", "string", "application and number: mnt#0" },
	{ "nfs_end", "state", "string", "done, refused, broken, unfinished" },
	{ "nfs_end", "reason?", "string", "why it was refused, or broke" },
	{ "nfs_end", "probe?", "string",
	    "what was answered to it: STARTTLS, AUTH_REJECTEDCRED" },
	{ "nfs_end", "transport", "string",
	    "clear; kernel: TLS there; daemon: through it and libssl" },
	{ "nfs_end", "handshake_ps", "integer",
	    "from the upcall to the daemon's answer, or its timeout; 0: none" },
	{ "nfs_end", "upcalls", "integer", "to its daemon" },
	{ "nfs_end", "upcalls_failed", "integer", "of these" },
	{ "nfs_end", "upcalls_late", "integer",
	    "the daemon came when the kernel had given up" },
	{ "nfs_end", "rpc_sent", "integer", "RPC records" },
	{ "nfs_end", "rpc_received", "integer", "RPC records" },
	{ "nfs_end", "fragments_received", "integer", "of these" },
	{ "nfs_end", "bytes_sent", "integer", "of RPC, marks and all" },
	{ "nfs_end", "bytes_received", "integer", "of RPC" },
	{ "nfs_end", "file_bytes_read", "integer", "by READ" },
	{ "nfs_end", "file_bytes_written", "integer", "by WRITE" },
	{ "nfs_end", "tls_records_sent", "integer",
	    "that its kernel framed, alerts included" },
	{ "nfs_end", "alerts_handled", "integer",
	    "that met the reader, and went to the daemon" },
	{ "nfs_end", "records_discarded", "integer",
	    "that were neither data nor alerts: tickets" },
	{ "nfs_end", "alerts_sent", "integer", "between two RPC records" },
	{ "nfs_end", "bad_messages", "integer",
	    "record marks and messages that cannot be" },
	{ "nfs_end", "procedures", "{@nfs_procedure}",
	    "those that were called" },
	{ "nfs_procedure", "calls", "integer", "sent, or received" },
	{ "nfs_procedure", "replies", "integer", "received, or sent" },
	{ "nfs_procedure", "errors", "integer",
	    "of these, denied or with an NFS status" },
	{ "nfs_procedure", "p50_ps?", "integer",
	    "client: from call to reply, half of them took no longer" },
	{ "nfs_procedure", "p90_ps?", "integer", "nine in ten" },
	{ "nfs_procedure", "p99_ps?", "integer", "99 in a hundred" },
	{ "nfs_procedure", "max_ps?", "integer", "the longest" },
	{ "openssl", "server", "boolean", "it accepted it" },
	{ "openssl", "send", "@openssl_keys", "what BIO_get_ktls_send says" },
	{ "openssl", "recv", "@openssl_keys", "what BIO_get_ktls_recv says" },
	{ "openssl", "resumed", "boolean", "an earlier session's ticket" },
	{ "openssl", "tickets", "integer", "NewSessionTickets that came" },
	{ "openssl", "key_updates", "integer",
	    "KeyUpdates of the peer, followed" },
	{ "openssl", "calls", "[@openssl_call]", "in the order of the list" },
	{ "openssl", "connected_ps?", "integer", "step 1" },
	{ "openssl", "handshake_ps?", "integer", "steps 2 to 4" },
	{ "openssl", "failed?", "string", "how it ended, if not well" },
	{ "openssl", "library?", "string", "libssl's words for it" },
	{ "openssl_keys", "kernel", "boolean", "the kernel has them" },
	{ "openssl_keys", "why", "string?", "the reason" },
	{ "openssl_keys", "error?", "string", "errno of a refusal" },
	{ "openssl_call", "call", "string", "of the scenario" },
	{ "openssl_call", "done", "boolean", "it came to its end" },
	{ "openssl_call", "bytes", "integer", "that it moved" },
	{ "openssl_call", "calls", "integer", "of the library" },
	{ "openssl_call", "partial", "integer",
	    "that took less than they were given" },
	{ "openssl_call", "again", "integer", "that said: call again" },
	{ "openssl_call", "from_ps?", "integer", "when it was begun" },
	{ "openssl_call", "to_ps?", "integer", "when it was done" },
	{ "openssl_call", "refused?", "string",
	    "the errno with which it was; the program went on" },
	{ "openssl_call", "why?", "string", "and the reason" },
	{ "own", "program", "string", "as the scenario names it" },
	{ "own", "server", "boolean", "else a client" },
	{ "own", "done", "integer", "ends in that state" },
	{ "own", "failed", "integer", "the same" },
	{ "own", "unfinished", "integer", "the same" },
	{ "own", "numbers", "{integer}",
	    "that its programs reported, added up" },
	{ "own", "ends", "[@own_end]", "by connection" },
	{ "own_end", "name", "string", "application and number: ask#0" },
	{ "own_end", "state", "string", "done, failed, unfinished" },
	{ "own_end", "reason?", "string", "why it failed" },
	{ "own_end", "events", "integer", "that its program was asked about" },
	{ "own_end", "bytes_sent", "integer", "that the kernel took" },
	{ "own_end", "bytes_received", "integer", "that it read" },
	{ "own_end", "numbers", "{integer}", "that its program reported" },
	{ "own_end", "log", "[@own_line]", "what its program said" },
	{ "own_end", "log_left_out", "integer", "lines without room" },
	{ "own_line", "at_ps", "integer", "virtual time" },
	{ "own_line", "text", "string", "the line" },

	{ "compare", "how", "string", "socket and its mode, or node" },
	{ "compare", "host", "string", "where it runs" },
	{ "compare", "bytes_sent", "integer", "of the application" },
	{ "compare", "bytes_copied", "integer",
	    "of these, by a CPU: each time counts" },
	{ "compare", "copies_per_byte", "number", "the quotient" },
	{ "compare", "records", "integer", "that were made of them" },
	{ "compare", "thread_wakeups", "integer",
	    "of the node's thread, or of the host's TLS workers" },
	{ "compare", "app_wakeups", "integer", "of the application" },
	{ "compare", "thread_ps", "integer", "cryptography of the threads" },
	{ "compare", "time_ps", "integer",
	    "from its first connection to its last end" },

	{ "iperf", "streams", "integer", "connections" },
	{ "iperf", "client_to_server?", "@iperf_way", "if the client sends" },
	{ "iperf", "server_to_client?", "@iperf_way", "if the server sends" },
	{ "iperf_way", "intervals", "[@iperf_interval]", "report_every each" },
	{ "iperf_way", "end", "@iperf_end", "all of it" },
	{ "iperf_end", "sum_sent", "@iperf_sum",
	    "that the senders' kernels took" },
	{ "iperf_end", "sum_received", "@iperf_sum",
	    "that the other ends read" },
	{ "iperf_interval", "streams", "[@iperf_stream]", "those that sent" },
	{ "iperf_interval", "sum", "@iperf_sum", "of them" },
	{ "iperf_sum", "start", "number",
	    "seconds from the stream's beginning" },
	{ "iperf_sum", "end", "number", "seconds" },
	{ "iperf_sum", "seconds", "number", "of the interval" },
	{ "iperf_sum", "bytes", "integer", "payload" },
	{ "iperf_sum", "bits_per_second", "number", "of payload" },
	{ "iperf_sum", "retransmits?", "integer", "segments sent again" },
	{ "iperf_stream", "socket", "integer", "the connection's number" },
	{ "iperf_stream", "start", "number", "seconds" },
	{ "iperf_stream", "end", "number", "seconds" },
	{ "iperf_stream", "seconds", "number", "of the interval" },
	{ "iperf_stream", "bytes", "integer", "payload" },
	{ "iperf_stream", "bits_per_second", "number", "of payload" },
	{ "iperf_stream", "retransmits", "integer", "segments sent again" },
	{ "iperf_stream", "snd_cwnd", "integer", "bytes, at its end" },
	{ "iperf_stream", "rtt", "integer", "microseconds, smoothed" },
	{ "iperf_stream", "sender", "boolean",
	    "always true: the sender's count" },
	{ "https", "clients", "{@https_clients}", "by name" },
	{ "https", "servers", "{@https_server}", "those asked, by name" },
	{ "https_clients", "server", "string", "whom they ask" },
	{ "https_clients", "connections", "@https_connections",
	    "how they came out" },
	{ "https_clients", "errors", "{integer}",
	    "connections that failed, by cause; aborts are none" },
	{ "https_clients", "kinds", "{integer}",
	    "connections that misbehave on purpose" },
	{ "https_clients", "versions", "{integer}", "connections by TLS" },
	{ "https_clients", "requests", "integer", "written" },
	{ "https_clients", "answers", "integer", "read to their last byte" },
	{ "https_clients", "statuses", "{integer}", "of answers that began" },
	{ "https_clients", "bytes", "integer", "of bodies, read" },
	{ "https_clients", "seconds", "number",
	    "from the first arrival to the last answer" },
	{ "https_clients", "requests_per_second", "number",
	    "answers by these seconds" },
	{ "https_clients", "connect_ns", "@https_latency",
	    "from the SYN to the handshake's end" },
	{ "https_clients", "first_byte_ns", "@https_latency",
	    "from a request, written, to its answer's first byte" },
	{ "https_clients", "answer_ns", "@https_latency",
	    "and to its last byte" },
	{ "https_clients", "offload", "@https_offload",
	    "who encrypted, at the server's end" },
	{ "https_connections", "arrived", "integer", "all" },
	{ "https_connections", "established", "integer", "of these" },
	{ "https_connections", "done", "integer", "to their regular end" },
	{ "https_connections", "aborted", "integer", "by the client" },
	{ "https_connections", "unfinished", "integer",
	    "when the expectations were judged" },
	{ "https_latency", "count", "integer", "values" },
	{ "https_latency", "min", "integer", "nanoseconds" },
	{ "https_latency", "mean", "integer", "nanoseconds" },
	{ "https_latency", "p50", "integer",
	    "half are not above it; up to 0.8 % too large" },
	{ "https_latency", "p90", "integer", "the same of 90 %" },
	{ "https_latency", "p99", "integer", "of 99 %" },
	{ "https_latency", "p999", "integer", "of 99.9 %" },
	{ "https_latency", "max", "integer", "nanoseconds" },
	{ "https_offload", "share_of_bytes", "number",
	    "of bodies, by cards: 0 to 1" },
	{ "https_offload", "share_of_connections", "number", "0 to 1" },
	{ "https_offload", "user", "@https_part", "OpenSSL, or no TLS" },
	{ "https_offload", "software", "@https_part", "the kernel" },
	{ "https_offload", "card", "@https_part", "the card" },
	{ "https_offload", "toe", "@https_part", "the card, with TCP" },
	{ "https_part", "connections", "integer", "in that mode at the end" },
	{ "https_part", "bytes", "integer", "of bodies that these were sent" },
	{ "https_server", "host", "string", "it runs on" },
	{ "https_server", "connections", "integer", "accepted" },
	{ "https_server", "requests", "integer", "read" },
	{ "https_server", "bytes", "integer", "of bodies, sent" },
	{ "https_server", "event_loop?", "@https_loop", "if it has `kqueue`" },
	{ "https_server", "page_cache", "@https_cache", "of its host" },
	{ "https_server", "memory", "@https_memory",
	    "bytes that crossed its host's memory" },
	{ "https_loop", "turns", "integer", "calls of kevent" },
	{ "https_loop", "events", "integer", "that they returned" },
	{ "https_loop", "wakeups", "integer", "the thread had been asleep" },
	{ "https_loop", "batch_max", "integer", "events of one call" },
	{ "https_loop", "waiting_max", "integer", "events ready at a call" },
	{ "https_loop", "busy_ns", "integer", "time of the thread" },
	{ "https_cache", "size", "integer", "bytes; 0: no limit" },
	{ "https_cache", "hits", "integer", "pages that were there" },
	{ "https_cache", "misses", "integer", "pages read from disk" },
	{ "https_cache", "joined", "integer", "pages on their way already" },
	{ "https_cache", "evicted", "integer", "pages that made room" },
	{ "https_cache", "hit_ratio", "number", "hits of all three: 0 to 1" },
	{ "https_memory", "disk", "integer", "written by the disk" },
	{ "https_memory", "software_tls", "integer",
	    "read and written by kernel TLS" },
	{ "https_memory", "user_space", "integer",
	    "copied and encrypted there: six for each byte" },
	{ "https_memory", "card", "integer", "payload that cards read" },
	{ "https_memory", "body", "integer",
	    "of bodies, sent by all its servers" },
	{ "https_memory", "passes_per_byte", "number",
	    "the sum of the four by `body`" },

	{ "step", "step", "string", "what it would have done" },
	{ "step", "line", "integer", "of the scenario" },
};

static json_t *
type_is(const char *name)
{
	return (json_pack("{s:s}", "type", name));
}

/* Of the name, without marks around it. */
static json_t *
type_plain(const char *name)
{
	json_t *ref;
	char *path;

	if (*name != '@')
		return (type_is(name));
	path = xasprintf("#/definitions/%s", name + 1);
	ref = json_pack("{s:s}", "$ref", path);
	free(path);
	return (ref);
}

static json_t *type_of(const char *kind);

static json_t *
type_inside(const char *kind)
{
	char *inner = xasprintf("%.*s", (int)strlen(kind) - 2, kind + 1);
	json_t *of = type_of(inner);

	free(inner);
	return (of);
}

static json_t *
type_of(const char *kind)
{
	size_t len = strlen(kind);
	json_t *of;
	char *name;

	if (*kind == '=')
		return (json_pack("{s:i}", "const", atoi(kind + 1)));
	if (*kind == '[')
		return (json_pack("{s:s, s:o}", "type", "array", "items",
		    type_inside(kind)));
	if (*kind == '{')
		return (json_pack("{s:s, s:o}", "type", "object",
		    "additionalProperties", type_inside(kind)));
	if (kind[len - 1] != '?')
		return (type_plain(kind));
	name = xasprintf("%.*s", (int)len - 1, kind);
	of =
	    json_pack("{s:[o, o]}", "anyOf", type_plain(name), type_is("null"));
	free(name);
	return (of);
}

static json_t *
object_make(json_t *properties, json_t *required)
{
	return (json_pack("{s:s, s:b, s:o, s:o}", "type", "object",
	    "additionalProperties", false, "required", required, "properties",
	    properties));
}

static json_t *
member_type(const struct member *m)
{
	json_t *of = type_of(m->kind);

	/* Beside a $ref nothing counts. */
	if (json_object_get(of, "$ref") != NULL)
		of = json_pack("{s:[o]}", "allOf", of);
	json_object_set_new(of, "description", json_string(m->text));
	return (of);
}

/* The table's members of this object. */
static json_t *
object_of(const char *object)
{
	json_t *properties = json_object(), *required = json_array();
	const struct member *m;
	size_t len;
	char *name;

	for (m = members; m < members + nitems(members); m++) {
		if (strcmp(m->object, object) != 0)
			continue;
		len = strcspn(m->name, "?");
		name = xasprintf("%.*s", (int)len, m->name);
		json_object_set_new(properties, name, member_type(m));
		if (m->name[len] == '\0')
			json_array_append_new(required, json_string(name));
		free(name);
	}
	return (object_make(properties, required));
}

/* TCP_INFO has a table of its own. */
static json_t *
object_tcp(void)
{
	json_t *properties = json_object(), *required = json_array();

	json_object_set_new(properties, "congestion_control",
	    json_pack("{s:s, s:s}", "type", "string", "description",
		"the module's name"));
	json_array_append_new(required, json_string("congestion_control"));
	for (unsigned i = 0; i < tcp_info_nfields; i++) {
		json_object_set_new(properties, tcp_info_fields[i].name,
		    json_pack("{s:s, s:s}", "type", "integer", "description",
			tcp_info_fields[i].text));
		json_array_append_new(required,
		    json_string(tcp_info_fields[i].name));
	}
	return (object_make(properties, required));
}

void
report_schema(struct strbuf *sb)
{
	json_t *o = object_of("result"), *definitions = json_object();
	const struct member *m;
	char *text;

	for (m = members; m < members + nitems(members); m++)
		if (strcmp(m->object, "result") != 0 &&
		    json_object_get(definitions, m->object) == NULL)
			json_object_set_new(definitions, m->object,
			    object_of(m->object));
	json_object_set_new(definitions, "tcp", object_tcp());
	json_object_set_new(o, "$schema",
	    json_string("http://json-schema.org/draft-07/schema#"));
	json_object_set_new(o, "title",
	    json_string("report.json of ktls-sim, version 1"));
	json_object_set_new(o, "definitions", definitions);
	text = json_dumps(o, JSON_INDENT(1));
	strbuf_adds(sb, text);
	strbuf_adds(sb, "\n");
	free(text);
	json_decref(o);
}
