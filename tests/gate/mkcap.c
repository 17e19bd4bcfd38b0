/*
 * A small capture for the gate: two endpoints in memory, an HTTP exchange,
 * hand-made frames, through the real capture writer.
 *
 *   mkcap OUT VERSION SUITE openssl|synthetic SEED BODY-FILE [v6] [vlan]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/tap.h>
#include <ktsim/sim/tls_endpoint.h>

#include "fakewire.h"
#include "mem_io.h"

static simtime_t now;
static struct tls_endpoint *ep[2];
static struct mem_pipe mp;
static struct strbuf written[2]; /* not yet on the wire */
static struct capture *cp;
static struct rexmit_index *ri;
static struct fakewire fw;

static void
check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "mkcap: %s\n", what);
	exit(1);
}

static void
keylog(void *arg, const char *line)
{
	struct strbuf sb = { NULL };

	strbuf_addf(&sb, "%s\n", line);
	check(capture_secrets(cp, strbuf_str(&sb)) == 0, "secrets");
	strbuf_fini(&sb);
}

static void
to_capture(void *arg, struct frame *f, simtime_t when, int from)
{
	struct strbuf sb = { NULL };
	uint64_t of = rexmit_track(ri, f);

	capture_comment(f, NULL, NULL, of, &sb);
	check(capture_frame(cp, (unsigned)from, f, when, false,
		  strbuf_str(&sb)) == 0,
	    "frame");
	strbuf_fini(&sb);
}

/* What an end has written goes over the wire, and on to the other end. */
static void
wire(int from, bool rexmit)
{
	struct strbuf *sb = &written[from];
	size_t start = fw.end[from].sent_len;

	if (sb->sb_len == 0)
		return;
	fw.no_acks = rexmit;
	fakewire_send(&fw, from, sb->sb_str, sb->sb_len);
	strbuf_clear(sb);
	if (rexmit) {
		fw.now += 200 * SIM_MS;
		fakewire_resend(&fw, from, start, fw.mss, "RTO");
		fw.now += 50 * SIM_MS;
		fakewire_resend(&fw, from, start + 2000, 1000, "RTO");
		fakewire_ack(&fw, !from);
	}
	fw.no_acks = false;
}

static void
shake(void)
{
	int error[2] = { EWOULDBLOCK, EWOULDBLOCK };

	for (int i = 0; i < 20 && (error[0] != 0 || error[1] != 0); i++) {
		error[i & 1] = tls_endpoint_handshake(ep[i & 1]);
		wire(i & 1, false);
	}
	check(error[0] == 0 && error[1] == 0, "handshake");
}

static void
say(int from, const void *p, size_t len, bool rexmit)
{
	static uint8_t sink[65536];
	size_t n, r;

	while (len > 0) {
		int error = tls_endpoint_write(ep[from], p, len, &n);

		check(error == 0, "write");
		p = (const char *)p + n;
		len -= n;
		wire(from, rexmit);
		do
			error = tls_endpoint_read(ep[!from], sink, sizeof(sink),
			    &r);
		while (error == 0 && r > 0);
	}
}

static char *
read_file(const char *path, size_t *len)
{
	FILE *fp = fopen(path, "rb");
	char *p = xrealloc(NULL, 1 << 24);

	check(fp != NULL, path);
	*len = fread(p, 1, 1 << 24, fp);
	fclose(fp);
	return (p);
}

static void
open_endpoints(struct tls_userland *tu, char **argv)
{
	struct tls_params tp = { .tp_version = atoi(argv[2]),
		.tp_suite = argv[3],
		.tp_seed = strtoull(argv[5], NULL, 0),
		.tp_handshake = strcmp(argv[4], "synthetic") == 0
		    ? TLS_HS_SYNTHETIC
		    : TLS_HS_OPENSSL };

	mem_pipe_init(&mp);
	for (int i = 0; i < 2; i++) {
		mp.mp_end[i].me_copy = &written[i];
		tp.tp_server = i == 1;
		tp.tp_name = i == 1 ? "server#1" : "client#1";
		check(tls_endpoint_create_io(tu, &mem_io, &mp.mp_end[i], &tp,
			  &ep[i]) == 0,
		    "endpoint");
	}
}

static void
http(const char *body, size_t len)
{
	static const char get[] = "GET /body.bin HTTP/1.1\r\n"
				  "Host: server.sim\r\n\r\n";
	struct strbuf sb = { NULL };

	say(0, get, sizeof(get) - 1, false);
	strbuf_addf(&sb,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/"
	    "octet-stream\r\nContent-Length: %zu\r\n\r\n",
	    len);
	strbuf_add(&sb, body, len / 2);
	say(1, sb.sb_str, sb.sb_len, true);
	say(1, body + len / 2, len - len / 2, false);
	strbuf_fini(&sb);
	for (int i = 1; i >= 0; i--) {
		check(tls_endpoint_shutdown(ep[i]) == 0, "shutdown");
		wire(i, false);
	}
}

int
main(int argc, char **argv)
{
	static const struct capture_if ifs[2] = {
		{ "client:em0", "client", "hand-made", { 2, 0, 0, 0, 0, 1 },
		    10000000000 },
		{ "server:em0", "server", "hand-made", { 2, 0, 0, 0, 0, 2 },
		    10000000000 },
	};
	static const char *const names[] = { "10.0.0.1", "client.sim",
		"10.0.0.2", "server.sim", "fd00::1", "client.sim", "fd00::2",
		"server.sim", NULL };
	struct tls_userland *tu;
	const char *why;
	size_t len;
	char *body;

	check(argc >= 7, "usage");
	body = read_file(argv[6], &len);
	check(capture_open(argv[1], 1700000000000000000u, "gate sample", ifs, 2,
		  names, &cp) == 0,
	    "open");
	ri = rexmit_index_create();
	check(tls_userland_create(&now, 1700000000, 1, keylog, NULL, &tu,
		  &why) == 0,
	    why);
	open_endpoints(tu, argv);
	fakewire_init(&fw, argc > 7 && strcmp(argv[7], "v6") == 0, 50000,
	    to_capture, NULL);
	fw.vlan = strcmp(argv[argc - 1], "vlan") == 0;
	fakewire_open(&fw);
	shake();
	http(body, len);
	fakewire_close(&fw);
	check(capture_close(cp) == 0, "close");
	tls_endpoint_destroy(ep[0]);
	tls_endpoint_destroy(ep[1]);
	tls_userland_destroy(tu);
	mem_pipe_fini(&mp);
	strbuf_fini(&written[0]);
	strbuf_fini(&written[1]);
	fakewire_fini(&fw);
	rexmit_index_destroy(ri);
	free(body);
	return (0);
}
