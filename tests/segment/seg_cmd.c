#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/sysctl.h>
#include <ktsim/kern/uio.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/netinet/tcp_var.h>

#include "seg.h"

#define LOCAL_PORT 443
#define PEER_PORT  40000

bool
seg_setup_line(struct seg_setup *su, const char *line)
{
	if (sscanf(line, "mtu %u", &su->mtu) == 1 ||
	    sscanf(line, "iss %u", &su->iss) == 1)
		return (true);
	return (strcmp(line, "tso") == 0 && (su->tso = true));
}

static bool
result(int error, int want, const char *call, struct strbuf *err)
{
	if (error == want)
		return (true);
	strbuf_addf(err, "%s answered %s", call,
	    error == 0 ? "success" : errno_name(error));
	return (false);
}

static struct ksockaddr
addr(const struct seg_host *h, uint8_t host, uint16_t port)
{
	struct ksockaddr sa = { .sa_family = (uint8_t)h->family,
		.sa_port = port };

	sa.sa_addr.a[0] = h->family == KAF_INET ? 10 : 0xfd;
	sa.sa_addr.a[h->family == KAF_INET ? 3 : 15] = host;
	return (sa);
}

/* --- the program's calls --- */

static bool
cmd_listen(struct seg_host *h, const char *arg, struct strbuf *err)
{
	struct ksockaddr sa = { .sa_family = (uint8_t)h->family,
		.sa_port = LOCAL_PORT };

	h->lport = LOCAL_PORT;
	h->fport = PEER_PORT;
	return (result(socreate(h->v, &tcp_protosw, h->family, &h->lso), 0,
		    "socket", err) &&
	    result(sobind(h->lso, &sa), 0, "bind", err) &&
	    result(solisten(h->lso, 8), 0, "listen", err));
}

static bool
cmd_socket(struct seg_host *h, const char *arg, struct strbuf *err)
{
	return (result(socreate(h->v, &tcp_protosw, h->family, &h->so), 0,
	    "socket", err));
}

static bool
cmd_connect(struct seg_host *h, const char *arg, struct strbuf *err)
{
	struct ksockaddr to = addr(h, 2, PEER_PORT), own = addr(h, 1, 0);

	if (h->so == NULL && !cmd_socket(h, arg, err))
		return (false);
	own.sa_port = h->lport = LOCAL_PORT + 1;
	h->fport = PEER_PORT;
	return (result(sobind(h->so, &own), 0, "bind", err) &&
	    result(soconnect(h->so, &to), EINPROGRESS, "connect", err));
}

static bool
cmd_accept(struct seg_host *h, const char *arg, struct strbuf *err)
{
	return (result(soaccept(h->lso, &h->so), 0, "accept", err));
}

static void
write_on(struct seg_host *h)
{
	static uint8_t buf[65536];
	struct kiovec iov;
	struct uio uio;
	size_t n;

	while (h->so != NULL && h->written < h->to_write) {
		n = MIN(h->to_write - h->written, sizeof(buf));
		iov = (struct kiovec) { buf, n };
		uio_init(&uio, &iov, 1);
		if (sosend(h->so, &uio, NULL, 0) != 0 && uio.uio_offset == 0)
			return;
		h->written += uio.uio_offset;
	}
}

static bool
cmd_write(struct seg_host *h, const char *arg, struct strbuf *err)
{
	h->to_write += strtoul(arg, NULL, 10);
	write_on(h);
	if (h->written == h->to_write)
		return (true);
	strbuf_addf(err, "only %ju of %ju bytes fit into the send buffer",
	    (uintmax_t)h->written, (uintmax_t)h->to_write);
	return (false);
}

static bool
cmd_read(struct seg_host *h, const char *arg, struct strbuf *err)
{
	static uint8_t buf[1 << 20];
	uint32_t want = (uint32_t)strtoul(arg, NULL, 10);
	struct kiovec iov = { buf, MIN(want, sizeof(buf)) };
	int flags = 0, error;
	struct uio uio;

	uio_init(&uio, &iov, 1);
	error = soreceive(h->so, &uio, NULL, &flags);
	if (error == 0 && uio.uio_offset == want)
		return (true);
	strbuf_addf(err, "read %ju of %u bytes: %s", (uintmax_t)uio.uio_offset,
	    want, error == 0 ? "no error" : errno_name(error));
	return (false);
}

static bool
cmd_close(struct seg_host *h, const char *arg, struct strbuf *err)
{
	soclose(h->so);
	h->so = NULL;
	return (true);
}

static bool
cmd_shutdown(struct seg_host *h, const char *arg, struct strbuf *err)
{
	return (result(soshutdown(h->so, 1), 0, "shutdown", err));
}

static int
set_int(struct seg_host *h, int level, int name, int val)
{
	struct sockopt so = { .sopt_level = level,
		.sopt_name = name,
		.sopt_val = &val,
		.sopt_valsize = sizeof(val) };

	return (sosetopt(h->so, &so));
}

/* setopt NAME VALUE [ERRNO] */
static bool
cmd_setopt(struct seg_host *h, const char *arg, struct strbuf *err)
{
	static const struct {
		const char *name;
		int level, opt;
	} opts[] = { { "SO_KEEPALIVE", KSOL_SOCKET, KSO_KEEPALIVE },
		{ "SO_SNDBUF", KSOL_SOCKET, KSO_SNDBUF },
		{ "SO_RCVBUF", KSOL_SOCKET, KSO_RCVBUF },
		{ "TCP_NODELAY", KIPPROTO_TCP, KTCP_NODELAY },
		{ "TCP_NOPUSH", KIPPROTO_TCP, KTCP_NOPUSH },
		{ "TCP_MAXSEG", KIPPROTO_TCP, KTCP_MAXSEG },
		{ "TCP_KEEPIDLE", KIPPROTO_TCP, KTCP_KEEPIDLE },
		{ "TCP_KEEPINTVL", KIPPROTO_TCP, KTCP_KEEPINTVL },
		{ "TCP_KEEPCNT", KIPPROTO_TCP, KTCP_KEEPCNT } };
	char name[32], want[32] = "";
	int val;

	if (sscanf(arg, "%31s %d %31s", name, &val, want) < 2)
		goto bad;
	for (size_t i = 0; i < nitems(opts); i++)
		if (strcmp(opts[i].name, name) == 0)
			return (
			    result(set_int(h, opts[i].level, opts[i].opt, val),
				want[0] != '\0' ? errno_value(want) : 0,
				"setsockopt", err));
bad:
	strbuf_addf(err, "cannot read `setopt %s`", arg);
	return (false);
}

static bool
cmd_cc(struct seg_host *h, const char *arg, struct strbuf *err)
{
	char name[16];
	struct sockopt so = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = KTCP_CONGESTION,
		.sopt_val = name,
		.sopt_valsize = strlen(arg) };

	snprintf(name, sizeof(name), "%s", arg);
	return (result(sosetopt(h->so, &so), 0, "TCP_CONGESTION", err));
}

/* --- bytes that are being encrypted --- */

static bool
cmd_notready(struct seg_host *h, const char *arg, struct strbuf *err)
{
	struct mbuf *m;

	m = m_getjcl(h->v->v_mb, M_WAITOK, MT_DATA, 0, MJUM16BYTES);
	m->m_len = (int32_t)strtol(arg, NULL, 10);
	m->m_flags |= M_NOTREADY;
	if (!result(h->so->so_proto->pr_send(h->so, PRUS_NOTREADY, m, NULL,
			NULL),
		0, "send", err))
		return (false);
	h->notready = m;
	return (true);
}

static bool
cmd_ready(struct seg_host *h, const char *arg, struct strbuf *err)
{
	return (result(h->so->so_proto->pr_ready(h->so, h->notready, 1), 0,
	    "ready", err));
}

/* --- the world around --- */

static bool
cmd_sysctl(struct seg_host *h, const char *arg, struct strbuf *err)
{
	const char *eq = strchr(arg, '=');
	char name[96];

	if (eq == NULL || (size_t)(eq - arg) >= sizeof(name)) {
		strbuf_addf(err, "cannot read `sysctl %s`", arg);
		return (false);
	}
	memcpy(name, arg, (size_t)(eq - arg));
	name[eq - arg] = '\0';
	return (result(sysctl_write(h->v, name, strtoul(eq + 1, NULL, 10)), 0,
	    name, err));
}

/* icmp toobig SEQ MTU; icmp port SEQ; icmp echo LEN */
static bool
cmd_icmp(struct seg_host *h, const char *arg, struct strbuf *err)
{
	unsigned a, b;

	if (sscanf(arg, "toobig %u %u", &a, &b) == 2)
		seg_icmp(h, a, b);
	else if (sscanf(arg, "port %u", &a) == 1)
		seg_icmp(h, a, 0);
	else if (sscanf(arg, "echo %u", &a) == 1)
		seg_echo(h, a);
	else {
		strbuf_addf(err, "cannot read `icmp %s`", arg);
		return (false);
	}
	return (true);
}

static bool
cmd_refuse(struct seg_host *h, const char *arg, struct strbuf *err)
{
	h->refuse = atoi(arg);
	return (true);
}

/* --- claims --- */

static bool
compare(const char *what, uint64_t got, const char *op, uint64_t want,
    struct strbuf *err)
{
	bool ok = strcmp(op, "==") == 0 ? got == want
	    : strcmp(op, ">=") == 0	? got >= want
	    : strcmp(op, "<=") == 0	? got <= want
					: false;

	if (!ok)
		strbuf_addf(err, "%s is %ju, wanted %s %ju", what,
		    (uintmax_t)got, op, (uintmax_t)want);
	return (ok);
}

/* info FIELD OP VALUE */
static bool
cmd_info(struct seg_host *h, const char *arg, struct strbuf *err)
{
	const struct tcp_info_field *f;
	struct ktcp_info ti;
	char name[32], op[3];
	unsigned long long v;

	if (h->so == NULL || sscanf(arg, "%31s %2s %llu", name, op, &v) != 3 ||
	    (f = tcp_info_find(name)) == NULL) {
		strbuf_addf(err, "cannot read `info %s`", arg);
		return (false);
	}
	tcp_fill_info(sototcpcb(h->so), &ti);
	return (compare(name, tcp_info_value(&ti, f), op, v, err));
}

/* counter NAME OP VALUE */
static bool
cmd_counter(struct seg_host *h, const char *arg, struct strbuf *err)
{
	char name[96], op[3];
	unsigned long long v;
	uint64_t got;

	if (sscanf(arg, "%95s %2s %llu", name, op, &v) != 3 ||
	    sysctl_read(h->v, name, &got) != 0) {
		strbuf_addf(err, "cannot read `counter %s`", arg);
		return (false);
	}
	return (compare(name, got, op, v, err));
}

static bool
cmd_state(struct seg_host *h, const char *arg, struct strbuf *err)
{
	const struct tcpcb *tp = seg_tcpcb(h);
	const char *s = tp != NULL ? tcp_state_name(tp->t_state) : "none";

	if (strcmp(s, arg) == 0)
		return (true);
	strbuf_addf(err, "the state is %s, wanted %s", s, arg);
	return (false);
}

static bool
cmd_error(struct seg_host *h, const char *arg, struct strbuf *err)
{
	int error = so_geterror(h->so);

	return (result(error, errno_value(arg), "the socket", err));
}

static bool
cmd_buffered(struct seg_host *h, const char *arg, struct strbuf *err)
{
	return (compare("received and not read", sbavail(&h->so->so_rcv),
	    "==", strtoul(arg, NULL, 10), err));
}

static bool
cmd_iplen(struct seg_host *h, const char *arg, struct strbuf *err)
{
	return (compare("length of the last packet", h->ip_id_len,
	    "==", strtoul(arg, NULL, 10), err));
}

static const struct {
	const char *name;
	bool (*fn)(struct seg_host *, const char *arg, struct strbuf *err);
	bool needs_socket;
} commands[] = {
	{ "listen", cmd_listen, false },
	{ "socket", cmd_socket, false },
	{ "connect", cmd_connect, false },
	{ "accept", cmd_accept, false },
	{ "write", cmd_write, true },
	{ "read", cmd_read, true },
	{ "close", cmd_close, true },
	{ "shutdown", cmd_shutdown, true },
	{ "setopt", cmd_setopt, true },
	{ "cc", cmd_cc, true },
	{ "notready", cmd_notready, true },
	{ "ready", cmd_ready, true },
	{ "sysctl", cmd_sysctl, false },
	{ "icmp", cmd_icmp, false },
	{ "refuse", cmd_refuse, false },
	{ "info", cmd_info, true },
	{ "counter", cmd_counter, false },
	{ "state", cmd_state, false },
	{ "error", cmd_error, true },
	{ "buffered", cmd_buffered, true },
	{ "iplen", cmd_iplen, false },
};

bool
seg_command(struct seg_host *h, char *line, struct strbuf *err)
{
	size_t n = strcspn(line, " ");
	char *arg = line + n;

	if (*arg == ' ')
		*arg++ = '\0';
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(commands[i].name, line) != 0)
			continue;
		if (!commands[i].needs_socket || h->so != NULL)
			return (commands[i].fn(h, arg, err));
		strbuf_addf(err, "`%s` wants a socket: connect or accept first",
		    line);
		return (false);
	}
	strbuf_addf(err, "there is no command `%s`", line);
	return (false);
}
