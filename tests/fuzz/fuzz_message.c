/*
 * sendmsg and recvmsg with any control data and flags, with and without TLS at
 * either end, through the library.
 */
#include <fcntl.h>
#include <ktlssim.h>
#include <netinet/in.h>

#include "fuzz.h"

static struct ktlssim *sim;

static void
make_pair(int fd[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(2000),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ktlssim_host *h = ktlssim_host(sim, NULL);
	int l = ktlssim_socket(h, AF_INET, SOCK_STREAM, 0);

	MUST(ktlssim_bind(sim, l, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	MUST(ktlssim_listen(sim, l, 1) == 0);
	fd[0] = ktlssim_socket(h, AF_INET, SOCK_STREAM, 0);
	MUST(ktlssim_connect(sim, fd[0], (struct sockaddr *)&sin,
		 sizeof(sin)) == 0);
	fd[1] = ktlssim_accept4(sim, l, NULL, NULL, 0);
	MUST(fd[1] >= 0);
	MUST(ktlssim_close(sim, l) == 0);
	for (int i = 0; i < 2; i++)
		MUST(ktlssim_fcntl(sim, fd[i], F_SETFL, O_NONBLOCK) == 0);
}

static void
tls(int fd, int name, uint8_t which)
{
	static const uint8_t key[32] = "thirty-two bytes or sixteen....",
			     iv[16];
	struct ktlssim_tls_enable en = { .cipher_key = key,
		.iv = iv,
		.cipher_algorithm = KTLSSIM_CRYPTO_AES_NIST_GCM_16,
		.cipher_key_len = 16,
		.iv_len = 12,
		.tls_vmajor = 3,
		.tls_vminor = 4 };

	if (which & 1) { /* the one suite with empty records; transmit only */
		en.cipher_algorithm = KTLSSIM_CRYPTO_AES_CBC;
		en.iv_len = 16;
		en.tls_vminor = 1;
		en.auth_algorithm = KTLSSIM_CRYPTO_SHA1_HMAC;
		en.auth_key = key;
		en.auth_key_len = 20;
	}
	(void)ktlssim_setsockopt(sim, fd, IPPROTO_TCP, name, &en, sizeof(en));
}

union ctl {
	struct cmsghdr cm;
	uint8_t b[3000];
};

/* Length and type of the first message near what is right, or anything. */
static size_t
control_in(struct fuzz_in *in, union ctl *ctl)
{
	uint8_t how = fuzz_u8(in);
	size_t len;

	memset(ctl, 0, sizeof(*ctl));
	if (how % 4 == 0)
		return (0);
	if (how % 4 == 1) { /* raw */
		len = fuzz_upto(in, sizeof(ctl->b));
		fuzz_bytes(in, ctl->b, len < 64 ? len : 64);
		return (len);
	}
	ctl->cm.cmsg_level = how & 8 ? IPPROTO_TCP : SOL_SOCKET;
	ctl->cm.cmsg_type = fuzz_u8(in) % 4;
	ctl->cm.cmsg_len = CMSG_LEN(fuzz_upto(in, 2100));
	ctl->b[CMSG_LEN(0)] = fuzz_u8(in);
	if (how & 16)
		return (CMSG_SPACE(1));
	len = CMSG_ALIGN(ctl->cm.cmsg_len);
	return (len < sizeof(ctl->b) ? len : sizeof(ctl->b));
}

static const int some_flags[] = { 0, MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL,
	MSG_EOR, MSG_OOB, MSG_NOSIGNAL, KTLSSIM_MSG_TLSAPPDATA,
	MSG_PEEK | MSG_WAITALL, MSG_TRUNC, MSG_CTRUNC, -1 };

static int
flags_in(struct fuzz_in *in)
{
	return (some_flags[fuzz_u8(in) %
	    (sizeof(some_flags) / sizeof(some_flags[0]))]);
}

static void
send_one(struct fuzz_in *in, int fd)
{
	static uint8_t data[70000];
	union ctl ctl;
	struct sockaddr_in sin = { .sin_family = fuzz_u8(in) % 12 };
	struct iovec iov[3] = { { data, fuzz_upto(in, 20000) },
		{ data, fuzz_upto(in, 20000) }, { data, 0 } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = fuzz_u8(in) % 4,
		.msg_control = &ctl };
	ssize_t n;

	msg.msg_controllen = control_in(in, &ctl);
	if (sin.sin_family == 11) {
		msg.msg_name = &sin;
		msg.msg_namelen = fuzz_u8(in) % sizeof(sin);
	}
	n = ktlssim_sendmsg(sim, fd, &msg, flags_in(in));
	MUST(n <= 40000 && n != -KTLSSIM_EDOOFUS);
}

static void
receive_one(struct fuzz_in *in, int fd)
{
	static uint8_t data[20000];
	uint32_t room = fuzz_upto(in, 200);
	/* Its own allocation: a byte too far is seen. */
	uint8_t *ctl = malloc(room + 1u);
	struct iovec iov = { data, fuzz_upto(in, sizeof(data)) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = fuzz_u8(in) % 4 != 0 ? ctl : NULL,
		.msg_controllen = room };
	ssize_t n;

	n = ktlssim_recvmsg(sim, fd, &msg, flags_in(in));
	MUST(n <= (ssize_t)iov.iov_len && n != -KTLSSIM_EDOOFUS);
	MUST(n < 0 || msg.msg_controllen <= room);
	free(ctl);
}

static void
step(struct fuzz_in *in, int fd[2])
{
	uint8_t op = fuzz_u8(in);
	int s = fd[op >> 7];

	switch (op % 8) {
	case 0:
	case 1:
	case 2:
		send_one(in, s);
		break;
	case 3:
	case 4:
		receive_one(in, s);
		break;
	case 5:
		tls(s,
		    op & 64 ? KTLSSIM_TCP_TXTLS_ENABLE
			    : KTLSSIM_TCP_RXTLS_ENABLE,
		    op >> 3);
		break;
	case 6:
		(void)ktlssim_sleep(sim, 100000);
		break;
	default:
		if ((op & 0x70) == 0x70)
			(void)ktlssim_shutdown(sim, s, op >> 3 & 1);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	char *report = NULL;
	int fd[2];

	MUST(ktlssim_open(NULL, &sim, &report) == 0);
	make_pair(fd);
	for (int i = 0; in.left > 0 && i < 100; i++)
		step(&in, fd);
	MUST(ktlssim_panic(sim) == NULL);
	if (ktlssim_close_world(sim, &report) != 0) {
		fputs(report, stderr);
		abort();
	}
	free(report);
	return (0);
}
