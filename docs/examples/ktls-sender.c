/*
 * A KTLS sender with control records: two hosts joined by cards, a file sent
 * by sendfile and encrypted by the card, a close_notify behind it. The receiver
 * decrypts in its kernel and counts what it gets.
 *
 *   cc ktls-sender.c $(pkg-config --cflags --libs ktlssim) -o ktls-sender
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktlssim.h>

static const char world[] =
    "ktls_sim: 1\n"
    "name: ktls-sender\n"
    "hosts:\n"
    "  sender:\n"
    "    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}\n"
    "    nics: {mce0: {model: ideal}}\n"
    "    addresses: {mce0: 10.0.0.1/24}\n"
    "    files: {/film: {size: 1MiB, cached: true}}\n"
    "  viewer:\n"
    "    sysctl: {kern.ipc.tls.enable: 1}\n"
    "    nics: {em0: {model: basic}}\n"
    "    addresses: {em0: 10.0.0.2/24}\n"
    "links:\n"
    "  - {ends: [sender.mce0, viewer.em0], rate: 10Gbit/s, delay: 1ms}\n"
    "checks: {records: false}\n";

static struct ktlssim *sim;

static int
check(const char *what, ssize_t result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, ktlssim_errname((int)result));
		exit(1);
	}
	return ((int)result);
}

static void
connect_pair(int *out, int *in)
{
	struct ktlssim_host *sender = ktlssim_host(sim, "sender");
	struct ktlssim_host *viewer = ktlssim_host(sim, "viewer");
	struct sockaddr_in sin = { 0 };
	int l;

	check("address",
	    ktlssim_host_addr(viewer, AF_INET, (struct sockaddr *)&sin,
		sizeof(sin)));
	sin.sin_port = htons(4433);
	l = check("socket", ktlssim_socket(viewer, AF_INET, SOCK_STREAM, 0));
	check("bind",
	    ktlssim_bind(sim, l, (struct sockaddr *)&sin, sizeof(sin)));
	check("listen", ktlssim_listen(sim, l, 1));
	*out = check("socket", ktlssim_socket(sender, AF_INET, SOCK_STREAM, 0));
	check("connect",
	    ktlssim_connect(sim, *out, (struct sockaddr *)&sin, sizeof(sin)));
	*in = check("accept", ktlssim_accept4(sim, l, NULL, NULL, 0));
	check("close", ktlssim_close(sim, l));
}

/* Both ends know the key: there was a handshake, elsewhere. */
static void
enable_tls(int out, int in)
{
	static const uint8_t key[32] = "a key that both of them agree on";
	static const uint8_t iv[12] = "and this iv";
	struct ktlssim_tls_enable en = { .cipher_key = key,
		.iv = iv,
		.cipher_algorithm = KTLSSIM_CRYPTO_AES_NIST_GCM_16,
		.cipher_key_len = sizeof(key),
		.iv_len = sizeof(iv),
		.tls_vmajor = 3,
		.tls_vminor = 4 };
	int mode = 0;
	socklen_t len = sizeof(mode);

	check("TCP_TXTLS_ENABLE",
	    ktlssim_setsockopt(sim, out, IPPROTO_TCP, KTLSSIM_TCP_TXTLS_ENABLE,
		&en, sizeof(en)));
	check("TCP_RXTLS_ENABLE",
	    ktlssim_setsockopt(sim, in, IPPROTO_TCP, KTLSSIM_TCP_RXTLS_ENABLE,
		&en, sizeof(en)));
	check("TCP_TXTLS_MODE",
	    ktlssim_getsockopt(sim, out, IPPROTO_TCP, KTLSSIM_TCP_TXTLS_MODE,
		&mode, &len));
	printf("encryption by the %s\n",
	    mode == KTLSSIM_TCP_TLS_MODE_IFNET ? "card" : "kernel");
}

static void
send_alert(int out)
{
	uint8_t close_notify[2] = { 1, 0 };
	char cbuf[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { close_notify, sizeof(close_notify) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_len = CMSG_LEN(1);
	cm->cmsg_level = IPPROTO_TCP;
	cm->cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	*CMSG_DATA(cm) = 21;
	check("sendmsg", ktlssim_sendmsg(sim, out, &msg, 0));
}

/* Records until the alert; how many bytes of data they had. */
static uint64_t
receive_all(int in, unsigned *records)
{
	static char buf[16384];
	char cbuf[CMSG_SPACE(sizeof(struct ktlssim_tls_get_record))];
	struct iovec iov = { buf, sizeof(buf) };
	struct ktlssim_tls_get_record tgr = { 0 };
	struct msghdr msg;
	uint64_t bytes = 0;
	ssize_t n;

	for (;;) {
		msg = (struct msghdr) { .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = cbuf,
			.msg_controllen = sizeof(cbuf) };
		n = check("recvmsg", ktlssim_recvmsg(sim, in, &msg, 0));
		if (CMSG_FIRSTHDR(&msg) == NULL)
			return (bytes);
		memcpy(&tgr, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(tgr));
		if (tgr.tls_type == 21)
			return (bytes);
		bytes += (uint64_t)n;
		(*records)++;
	}
}

int
main(void)
{
	unsigned records = 0;
	int out, in, film, broken;
	char *why, *report;
	uint64_t bytes;
	off_t sent;

	if (ktlssim_open(&(struct ktlssim_params) { .scenario_text = world },
		&sim, &why) != 0) {
		fputs(why, stderr);
		return (1);
	}
	connect_pair(&out, &in);
	enable_tls(out, in);
	film = check("open",
	    ktlssim_open_file(ktlssim_host(sim, "sender"), "/film"));
	/* The other end reads only afterwards: do not wait for it. */
	check("SO_SNDBUF",
	    ktlssim_setsockopt(sim, out, SOL_SOCKET, SO_SNDBUF,
		&(int) { 2 << 20 }, sizeof(int)));
	check("sendfile",
	    ktlssim_sendfile(sim, film, out, 0, 0, NULL, &sent, 0));
	send_alert(out);
	bytes = receive_all(in, &records);
	printf("%lld bytes sent, %llu received in %u records, %llu us\n",
	    (long long)sent, (unsigned long long)bytes, records,
	    (unsigned long long)ktlssim_now(sim) / 1000);
	broken = ktlssim_close_world(sim, &report);
	fputs(report, stderr);
	free(report);
	return (broken != 0 || bytes != (uint64_t)sent);
}
