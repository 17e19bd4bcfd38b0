/*
 * A test program as FreeBSD's tests/sys/kern has them: ATF, FreeBSD's headers
 * and calls only. It stands for the programs that users bring (and is run as
 * they are): what it includes and calls is what FreeBSD's own ktls_test needs.
 */
#include <sys/param.h>
#include <sys/endian.h>
#include <sys/event.h>
#include <sys/ktls.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <assert.h>
#include <atf-c.h>
#include <crypto/cryptodev.h>
#include <err.h>
#include <fcntl.h>
#include <libutil.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

static void __printflike(1, 2) debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

static void
open_pair(int s[2])
{
	struct sockaddr_in sin;
	struct pollfd pfd;
	socklen_t len = sizeof(sin);
	int l;

	memset(&sin, 0, sizeof(sin));
	sin.sin_len = sizeof(sin);
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((l = socket(PF_INET, SOCK_STREAM, 0)) != -1);
	ATF_REQUIRE(bind(l, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	ATF_REQUIRE(listen(l, 1) == 0);
	ATF_REQUIRE(getsockname(l, (struct sockaddr *)&sin, &len) == 0);
	ATF_REQUIRE_INTEQ(INADDR_LOOPBACK, ntohl(sin.sin_addr.s_addr));
	s[0] = socket(PF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ATF_REQUIRE_ERRNO(EINPROGRESS,
	    connect(s[0], (struct sockaddr *)&sin, sizeof(sin)) == -1);
	ATF_REQUIRE((s[1] = accept4(l, NULL, NULL, SOCK_NONBLOCK)) != -1);
	ATF_REQUIRE(close(l) == 0);
	pfd = (struct pollfd) { .fd = s[0], .events = POLLOUT };
	ATF_REQUIRE_INTEQ(1, poll(&pfd, 1, INFTIM));
	ATF_REQUIRE_INTEQ(POLLOUT, pfd.revents);
}

static void
build_enable(struct tls_enable *en, uint64_t seqno)
{
	memset(en, 0, sizeof(*en));
	en->cipher_key = __DECONST(uint8_t *, "sixteen key byte");
	en->iv = __DECONST(uint8_t *, "salt");
	en->cipher_algorithm = CRYPTO_AES_NIST_GCM_16;
	en->cipher_key_len = 128 / 8;
	en->iv_len = TLS_AEAD_GCM_LEN;
	en->tls_vmajor = TLS_MAJOR_VER_ONE;
	en->tls_vminor = TLS_MINOR_VER_TWO;
	be64enc(en->rec_seq, seqno);
}

ATF_TC_WITHOUT_HEAD(enabled);
ATF_TC_BODY(enabled, tc)
{
	bool enable = false;
	size_t len = sizeof(enable);

	ATF_REQUIRE(
	    sysctlbyname("kern.ipc.tls.enable", &enable, &len, NULL, 0) == 0);
	ATF_REQUIRE_INTEQ(1, len);
	ATF_REQUIRE(enable);
	ATF_REQUIRE_ERRNO(ENOENT,
	    sysctlbyname("kern.ipc.tls.nonsense", NULL, NULL, NULL, 0) == -1);
}

/* 64 kB through kqueue; on the wire are records of the chosen numbers. */
ATF_TC_WITHOUT_HEAD(kqueue_stream);
ATF_TC_BODY(kqueue_stream, tc)
{
	static char out[65536], in[65536];
	struct tls_enable en;
	struct kevent ev;
	size_t sent = 0, got = 0;
	ssize_t n;
	int kq, s[2];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)random();
	open_pair(s);
	build_enable(&en, 7);
	ATF_REQUIRE(setsockopt(s[0], IPPROTO_TCP, TCP_TXTLS_ENABLE, &en,
			sizeof(en)) == 0);
	ATF_REQUIRE(setsockopt(s[1], IPPROTO_TCP, TCP_RXTLS_ENABLE, &en,
			sizeof(en)) == 0);
	ATF_REQUIRE((kq = kqueue()) != -1);
	EV_SET(&ev, s[0], EVFILT_WRITE, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(kevent(kq, &ev, 1, NULL, 0, NULL) == 0);
	EV_SET(&ev, s[1], EVFILT_READ, EV_ADD, 0, 0, NULL);
	ATF_REQUIRE(kevent(kq, &ev, 1, NULL, 0, NULL) == 0);
	while (got < sizeof(in)) {
		ATF_REQUIRE_INTEQ(1, kevent(kq, NULL, 0, &ev, 1, NULL));
		if (ev.filter == EVFILT_READ) {
			n = read(s[1], in + got, sizeof(in) - got);
			ATF_REQUIRE(n > 0);
			got += (size_t)n;
			continue;
		}
		n = write(s[0], out + sent, sizeof(out) - sent);
		ATF_REQUIRE(n > 0);
		if ((sent += (size_t)n) < sizeof(out))
			continue;
		EV_SET(&ev, s[0], EVFILT_WRITE, EV_DISABLE, 0, 0, NULL);
		ATF_REQUIRE(kevent(kq, &ev, 1, NULL, 0, NULL) == 0);
	}
	ATF_REQUIRE(memcmp(in, out, sizeof(in)) == 0);
	ATF_REQUIRE(close(s[1]) == 0);
	ATF_REQUIRE(close(s[0]) == 0);
	ATF_REQUIRE(close(kq) == 0);
}

/* Function pointers and members that have a call's name are calls too. */
ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	struct {
		ssize_t (*read)(int, void *, size_t);
	} ops = { read };
	char c;
	int s[2];

	open_pair(s);
	ATF_REQUIRE_ERRNO(EAGAIN, ops.read(s[1], &c, 1) == -1);
	ATF_REQUIRE(write(s[0], "x", 1) == 1);
	while (ops.read(s[1], &c, 1) == -1)
		ATF_REQUIRE_INTEQ(EAGAIN, errno);
	ATF_REQUIRE_INTEQ('x', c);
	hexdump(&c, 1, NULL, 0);
	debug("%c\n", c);
}

/* What is not the simulation's is the host's. */
ATF_TC_WITHOUT_HEAD(host_files);
ATF_TC_BODY(host_files, tc)
{
	char buf[4];
	int p[2], fd;

	ATF_REQUIRE(pipe(p) == 0);
	ATF_REQUIRE(write(p[1], "pipe", 4) == 4);
	ATF_REQUIRE(read(p[0], buf, 4) == 4);
	ATF_REQUIRE(close(p[0]) == 0);
	ATF_REQUIRE((fd = open("/dev/null", O_RDONLY)) != -1);
	ATF_REQUIRE_INTEQ(0, read(fd, buf, 4));
	ATF_REQUIRE_INTEQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	ATF_REQUIRE_ERRNO(EBADF, close(4000) == -1);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, enabled);
	ATF_TP_ADD_TC(tp, kqueue_stream);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, host_files);
	return (atf_no_error());
}
