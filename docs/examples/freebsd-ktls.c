/*
 * A program written for FreeBSD: nothing in it knows of a simulator. Two TCP
 * sockets; what one writes the kernel encrypts, what the other reads the
 * kernel decrypts; an alert goes as a control record, and kqueue tells when
 * there is something to read.
 *
 * On FreeBSD:       cc freebsd-ktls.c && ./a.out
 * Here:             cc -include ktlssim/freebsd.h freebsd-ktls.c \
 *                       $(pkg-config --cflags --libs ktlssim-freebsd) && ./a.out
 * Over two cards:   KTLSSIM_TRANSPORT=nic ./a.out
 */
#include <sys/param.h>
#include <sys/event.h>
#include <sys/ktls.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <crypto/cryptodev.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
require_ktls(void)
{
	bool enable;
	size_t len = sizeof(enable);

	if (sysctlbyname("kern.ipc.tls.enable", &enable, &len, NULL, 0) == -1)
		err(1, "kern.ipc.tls.enable");
	if (!enable)
		errx(1, "kernel TLS is off: sysctl kern.ipc.tls.enable=1");
}

static void
tcp_pair(int sv[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int ls;

	sin.sin_len = sizeof(sin);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((ls = socket(PF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(ls, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(ls, 1) == -1 ||
	    getsockname(ls, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listening socket");
	if ((sv[0] = socket(PF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(sv[0], (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "connect");
	if ((sv[1] = accept(ls, NULL, NULL)) == -1)
		err(1, "accept");
	close(ls);
}

static void
enable_tls(int sv[2])
{
	struct tls_enable en = { .cipher_key =
				     (const uint8_t *)"0123456789abcdef",
		.iv = (const uint8_t *)"twelve bytes",
		.cipher_algorithm = CRYPTO_AES_NIST_GCM_16,
		.cipher_key_len = 16,
		.iv_len = TLS_1_3_GCM_IV_LEN,
		.tls_vmajor = TLS_MAJOR_VER_ONE,
		.tls_vminor = TLS_MINOR_VER_THREE };

	if (setsockopt(sv[0], IPPROTO_TCP, TCP_TXTLS_ENABLE, &en, sizeof(en)) ==
	    -1)
		err(1, "TCP_TXTLS_ENABLE");
	if (setsockopt(sv[1], IPPROTO_TCP, TCP_RXTLS_ENABLE, &en, sizeof(en)) ==
	    -1)
		err(1, "TCP_RXTLS_ENABLE");
}

static void
send_alert(int fd)
{
	static uint8_t close_notify[2] = { 1, 0 };
	char cbuf[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { close_notify, sizeof(close_notify) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_len = CMSG_LEN(1);
	cm->cmsg_level = IPPROTO_TCP;
	cm->cmsg_type = TLS_SET_RECORD_TYPE;
	*CMSG_DATA(cm) = TLS_RLTYPE_ALERT;
	if (sendmsg(fd, &msg, 0) == -1)
		err(1, "sendmsg");
}

/* One record; false at the end. */
static bool
read_record(int fd)
{
	char buf[256], cbuf[CMSG_SPACE(sizeof(struct tls_get_record))];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf) };
	struct tls_get_record tgr;
	struct cmsghdr *cm;
	ssize_t n;

	if ((n = recvmsg(fd, &msg, 0)) == -1)
		err(1, "recvmsg");
	if ((cm = CMSG_FIRSTHDR(&msg)) == NULL)
		return (n > 0);
	memcpy(&tgr, CMSG_DATA(cm), sizeof(tgr));
	printf("record of type %u, %u bytes", tgr.tls_type,
	    ntohs(tgr.tls_length));
	if (tgr.tls_type == TLS_RLTYPE_APP)
		printf(": %.*s", (int)n, buf);
	printf("%s\n", (msg.msg_flags & MSG_EOR) != 0 ? "" : " (goes on)");
	return (true);
}

int
main(void)
{
	struct kevent ev;
	int kq, mode, sv[2];
	socklen_t len = sizeof(mode);

	require_ktls();
	tcp_pair(sv);
	enable_tls(sv);
	if (getsockopt(sv[0], IPPROTO_TCP, TCP_TXTLS_MODE, &mode, &len) == -1)
		err(1, "TCP_TXTLS_MODE");
	printf("transmit mode: %s\n",
	    mode == TCP_TLS_MODE_IFNET	  ? "ifnet"
		: mode == TCP_TLS_MODE_SW ? "software"
					  : "?");
	if (write(sv[0], "secret on the wire", 18) != 18)
		err(1, "write");
	send_alert(sv[0]);
	close(sv[0]);
	if ((kq = kqueue()) == -1)
		err(1, "kqueue");
	EV_SET(&ev, sv[1], EVFILT_READ, EV_ADD, 0, 0, NULL);
	do {
		if (kevent(kq, &ev, 1, &ev, 1, NULL) == -1)
			err(1, "kevent");
		EV_SET(&ev, sv[1], EVFILT_READ, EV_ADD, 0, 0, NULL);
	} while (read_record(sv[1]));
	close(kq);
	close(sv[1]);
	return (0);
}
