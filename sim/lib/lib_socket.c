/* Sockets: making, naming, connecting, options. */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/tcp_var.h>

#include "lib_priv.h"

/* The library's constants are the kernel's. */
CTASSERT(KTLSSIM_TCP_NOPUSH == KTCP_NOPUSH);
CTASSERT(KTLSSIM_TCP_TXTLS_ENABLE == TCP_TXTLS_ENABLE);
CTASSERT(KTLSSIM_TCP_TXTLS_MODE == TCP_TXTLS_MODE);
CTASSERT(KTLSSIM_TCP_RXTLS_ENABLE == TCP_RXTLS_ENABLE);
CTASSERT(KTLSSIM_TCP_RXTLS_MODE == TCP_RXTLS_MODE);
CTASSERT(KTLSSIM_TCP_TLS_MODE_TOE == TCP_TLS_MODE_TOE);
CTASSERT(KTLSSIM_CRYPTO_AES_CBC == CRYPTO_AES_CBC);
CTASSERT(KTLSSIM_CRYPTO_SHA1_HMAC == CRYPTO_SHA1_HMAC);
CTASSERT(KTLSSIM_CRYPTO_SHA2_256_HMAC == CRYPTO_SHA2_256_HMAC);
CTASSERT(KTLSSIM_CRYPTO_SHA2_384_HMAC == CRYPTO_SHA2_384_HMAC);
CTASSERT(KTLSSIM_CRYPTO_AES_NIST_GCM_16 == CRYPTO_AES_NIST_GCM_16);
CTASSERT(KTLSSIM_CRYPTO_CHACHA20_POLY1305 == CRYPTO_CHACHA20_POLY1305);
CTASSERT(sizeof(struct ktlssim_tls_enable) == sizeof(struct tls_enable));

/* --- addresses --- */

int
lib_sa_in(const struct sockaddr *sa, socklen_t len, struct ksockaddr *out)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	memset(out, 0, sizeof(*out));
	if (sa == NULL)
		return (EFAULT);
	if (len < sizeof(sa->sa_family))
		return (EINVAL);
	if (sa->sa_family == AF_INET && len >= sizeof(sin)) {
		memcpy(&sin, sa, sizeof(sin));
		out->sa_family = KAF_INET;
		out->sa_port = ntohs(sin.sin_port);
		memcpy(out->sa_addr.a, &sin.sin_addr, 4);
		return (0);
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(sin6)) {
		memcpy(&sin6, sa, sizeof(sin6));
		out->sa_family = KAF_INET6;
		out->sa_port = ntohs(sin6.sin6_port);
		memcpy(out->sa_addr.a, &sin6.sin6_addr, 16);
		return (0);
	}
	return (sa->sa_family == AF_INET || sa->sa_family == AF_INET6
		? EINVAL
		: EAFNOSUPPORT);
}

static void
lib_sa_out(const struct ksockaddr *ka, struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(ka->sa_port) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(ka->sa_port) };

	if (sa == NULL || len == NULL)
		return;
	memcpy(&sin.sin_addr, ka->sa_addr.a, 4);
	memcpy(&sin6.sin6_addr, ka->sa_addr.a, 16);
	if (ka->sa_family == KAF_INET6) {
		memcpy(sa, &sin6, MIN(*len, sizeof(sin6)));
		*len = sizeof(sin6);
	} else {
		memcpy(sa, &sin, MIN(*len, sizeof(sin)));
		*len = sizeof(sin);
	}
}

static int
lib_host_addr(const struct ktlssim_host *h, int family, struct sockaddr *sa,
    socklen_t len)
{
	struct ksockaddr ka = { .sa_family = KAF_INET };
	const struct ifaddr *ifa;

	if (family != AF_INET && family != AF_INET6)
		return (-EAFNOSUPPORT);
	if (len < (family == AF_INET ? sizeof(struct sockaddr_in)
				     : sizeof(struct sockaddr_in6)))
		return (-EINVAL);
	if (family == AF_INET6)
		ka.sa_family = KAF_INET6;
	if ((ifa = if_addr_host(h->h_vnet, ka.sa_family)) == NULL)
		return (-EADDRNOTAVAIL);
	ka.sa_addr = ifa->ifa_addr;
	lib_sa_out(&ka, sa, &len);
	return (0);
}

int
ktlssim_host_addr(const struct ktlssim_host *h, int family, struct sockaddr *sa,
    socklen_t len)
{
	LIB_CALL(h->h_sim, lib_host_addr(h, family, sa, len));
}

/* --- making --- */

static void
lib_upcall(struct socket *so, void *arg, enum so_event ev)
{
	struct lib_file *f = arg;

	f->f_stirred = true;
	lib_kqueue_stir(f, ev);
	if (ev != SO_READABLE)
		lib_aio_stir(f);
}

void
lib_socket_adopt(struct lib_file *f, struct socket *so)
{
	f->f_so = so;
	soupcall_set(so, lib_upcall, f);
}

static int
lib_socket_install(struct ktlssim_host *h, struct socket *so, bool nonblock)
{
	struct lib_file *f = lib_file_new(h->h_sim, LIB_SOCKET);
	int fd;

	f->f_host = h;
	f->f_nonblock = nonblock;
	f->f_used = (so->so_state & SS_ISCONNECTED) != 0;
	lib_socket_adopt(f, so);
	if ((fd = lib_install(h->h_sim, f)) < 0)
		lib_file_free(f);
	return (fd);
}

static int
lib_socket(struct ktlssim_host *h, int domain, int type, int protocol)
{
	struct socket *so;
	int error;

	if (domain != AF_INET && domain != AF_INET6)
		return (-EAFNOSUPPORT);
	if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM ||
	    (protocol != 0 && protocol != IPPROTO_TCP))
		return (-EPROTONOSUPPORT);
	error = socreate(h->h_vnet, &tcp_protosw,
	    domain == AF_INET6 ? KAF_INET6 : KAF_INET, &so);
	if (error != 0)
		return (-error);
	return (lib_socket_install(h, so, (type & SOCK_NONBLOCK) != 0));
}

int
ktlssim_socket(struct ktlssim_host *h, int domain, int type, int protocol)
{
	LIB_CALL(h->h_sim, lib_socket(h, domain, type, protocol));
}

static int
lib_move(struct ktlssim *sim, int fd, struct ktlssim_host *h)
{
	struct lib_file *f;
	struct socket *so;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0 || f->f_host == h)
		return (-error);
	if (f->f_used)
		return (-EISCONN);
	error = socreate(h->h_vnet, &tcp_protosw, f->f_so->so_family, &so);
	if (error != 0)
		return (-error);
	soclose(f->f_so);
	f->f_host = h;
	lib_socket_adopt(f, so);
	return (0);
}

int
ktlssim_move(struct ktlssim *sim, int fd, struct ktlssim_host *h)
{
	LIB_CALL(sim, lib_move(sim, fd, h));
}

static int
lib_bind(struct ktlssim *sim, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct ksockaddr ka;
	struct lib_file *f;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0 ||
	    (error = lib_sa_in(sa, len, &ka)) != 0)
		return (-error);
	f->f_used = true;
	return (-sobind(f->f_so, &ka));
}

int
ktlssim_bind(struct ktlssim *sim, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	LIB_CALL(sim, lib_bind(sim, fd, sa, len));
}

static int
lib_listen(struct ktlssim *sim, int fd, int backlog)
{
	struct lib_file *f;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	f->f_used = true;
	return (-solisten(f->f_so, backlog));
}

int
ktlssim_listen(struct ktlssim *sim, int fd, int backlog)
{
	LIB_CALL(sim, lib_listen(sim, fd, backlog));
}

static int
lib_accept(struct ktlssim *sim, int fd, struct sockaddr *sa, socklen_t *len,
    int flags)
{
	struct ksockaddr peer;
	struct lib_file *f;
	struct socket *so;
	int error, nfd;

	if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0)
		return (-EINVAL);
	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if (lib_full(sim))
		return (-EMFILE); /* who knocks stays in the queue */
	while (
	    (error = soaccept(f->f_so, &so)) == EWOULDBLOCK && !f->f_nonblock)
		if ((error = lib_wait_socket(f)) != 0)
			break;
	if (error == EWOULDBLOCK)
		lib_tick(sim);
	if (error != 0)
		return (-error);
	nfd = lib_socket_install(f->f_host, so, (flags & SOCK_NONBLOCK) != 0);
	if (nfd >= 0 && so_peername(so, &peer) == 0)
		lib_sa_out(&peer, sa, len);
	return (nfd);
}

int
ktlssim_accept4(struct ktlssim *sim, int fd, struct sockaddr *sa,
    socklen_t *len, int flags)
{
	LIB_CALL(sim, lib_accept(sim, fd, sa, len, flags));
}

static int
lib_connect(struct ktlssim *sim, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	struct ksockaddr ka;
	struct lib_file *f;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0 ||
	    (error = lib_sa_in(sa, len, &ka)) != 0)
		return (-error);
	f->f_used = true;
	error = soconnect(f->f_so, &ka);
	if (error != EINPROGRESS || f->f_nonblock)
		return (-error);
	for (error = 0;
	     error == 0 && (f->f_so->so_state & SS_ISCONNECTING) != 0;)
		error = lib_wait_socket(f);
	if (error == 0)
		error = so_geterror(f->f_so);
	return (-error);
}

int
ktlssim_connect(struct ktlssim *sim, int fd, const struct sockaddr *sa,
    socklen_t len)
{
	LIB_CALL(sim, lib_connect(sim, fd, sa, len));
}

static int
lib_name(struct ktlssim *sim, int fd, struct sockaddr *sa, socklen_t *len,
    int (*name)(struct socket *, struct ksockaddr *))
{
	struct ksockaddr ka;
	struct lib_file *f;
	int error;

	if (sa == NULL || len == NULL)
		return (-EFAULT);
	if ((error = lib_socket_of(sim, fd, &f)) == 0 &&
	    (error = name(f->f_so, &ka)) == 0)
		lib_sa_out(&ka, sa, len);
	return (-error);
}

int
ktlssim_getsockname(struct ktlssim *sim, int fd, struct sockaddr *sa,
    socklen_t *len)
{
	LIB_CALL(sim, lib_name(sim, fd, sa, len, so_sockname));
}

int
ktlssim_getpeername(struct ktlssim *sim, int fd, struct sockaddr *sa,
    socklen_t *len)
{
	LIB_CALL(sim, lib_name(sim, fd, sa, len, so_peername));
}

static int
lib_shutdown(struct ktlssim *sim, int fd, int how)
{
	struct lib_file *f;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return (-EINVAL);
	return (-soshutdown(f->f_so, how));
}

int
ktlssim_shutdown(struct ktlssim *sim, int fd, int how)
{
	LIB_CALL(sim, lib_shutdown(sim, fd, how));
}

static int
lib_fionread(struct ktlssim *sim, int fd, int *bytes)
{
	struct lib_file *f;
	int error;

	if (bytes == NULL)
		return (-EFAULT);
	if ((error = lib_socket_of(sim, fd, &f)) == 0)
		*bytes =
		    (int)(sbavail(&f->f_so->so_rcv) - f->f_so->so_rcv.sb_ctl);
	return (-error);
}

int
ktlssim_fionread(struct ktlssim *sim, int fd, int *bytes)
{
	LIB_CALL(sim, lib_fionread(sim, fd, bytes));
}

/* --- options --- */

static const struct {
	int host, kernel;
} so_names[] = {
	{ SO_SNDBUF, KSO_SNDBUF },
	{ SO_RCVBUF, KSO_RCVBUF },
	{ SO_SNDLOWAT, KSO_SNDLOWAT },
	{ SO_ERROR, KSO_ERROR },
};

/* The kernel's level and name of an option; false: it has none such. */
static bool
lib_option(struct sockopt *sopt, int level, int name)
{
	sopt->sopt_level = level;
	sopt->sopt_name = name;
	if (level != SOL_SOCKET)
		return (true);
	sopt->sopt_level = KSOL_SOCKET;
	for (size_t i = 0; i < nitems(so_names); i++)
		if (so_names[i].host == name) {
			sopt->sopt_name = so_names[i].kernel;
			return (true);
		}
	return (false);
}

static int
lib_splice(struct ktlssim *sim, struct lib_file *f, const void *val,
    socklen_t len)
{
	struct ktlssim_splice sp;
	struct lib_file *to;
	int error;

	if (len < sizeof(sp))
		return (-EINVAL);
	memcpy(&sp, val, sizeof(sp));
	if (sp.sp_fd == -1)
		return (-so_unsplice(f->f_so));
	if ((error = lib_socket_of(sim, sp.sp_fd, &to)) != 0)
		return (-error);
	if (sp.sp_idle.tv_sec < 0 || sp.sp_idle.tv_sec > 86400 ||
	    sp.sp_idle.tv_usec < 0 || sp.sp_idle.tv_usec >= 1000000)
		return (-EINVAL);
	return (-so_splice(f->f_so, to->f_so, sp.sp_max,
	    (simtime_t)sp.sp_idle.tv_sec * SIM_SEC +
		(simtime_t)sp.sp_idle.tv_usec * SIM_US));
}

static int
lib_splice_get(const struct lib_file *f, void *val, socklen_t *len)
{
	int64_t sent = (int64_t)f->f_so->so_splice_sent;

	if (*len < sizeof(sent))
		return (-EINVAL);
	*len = sizeof(sent);
	memcpy(val, &sent, sizeof(sent));
	return (0);
}

/* Where FreeBSD's setsockopt sleeps until a card has answered. */
static int
lib_card_answers(struct lib_file *f, int answer)
{
	int result = 0, error;

	if ((answer != 0 && answer != EINPROGRESS) ||
	    (answer == 0 && !ktls_tx_pending(f->f_so, &result)))
		return (answer);
	while (ktls_tx_pending(f->f_so, &result))
		if ((error = lib_step(f->f_sim)) != 0)
			return (error);
	return (result);
}

static int
lib_setsockopt(struct ktlssim *sim, int fd, int level, int name,
    const void *val, socklen_t len)
{
	struct sockopt sopt = { .sopt_set = true,
		.sopt_val = (void *)(uintptr_t)val,
		.sopt_valsize = len };
	struct lib_file *f;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if (val == NULL)
		return (-EFAULT);
	if (level == SOL_SOCKET && name == SO_REUSEADDR)
		return (len < sizeof(int) ? -EINVAL : 0);
	if (level == SOL_SOCKET && name == KTLSSIM_SO_SPLICE)
		return (lib_splice(sim, f, val, len));
	if (!lib_option(&sopt, level, name))
		return (-ENOPROTOOPT);
	f->f_used = true;
	return (-lib_card_answers(f, sosetopt(f->f_so, &sopt)));
}

int
ktlssim_setsockopt(struct ktlssim *sim, int fd, int level, int name,
    const void *val, socklen_t len)
{
	LIB_CALL(sim, lib_setsockopt(sim, fd, level, name, val, len));
}

static int
lib_getsockopt(struct ktlssim *sim, int fd, int level, int name, void *val,
    socklen_t *len)
{
	struct sockopt sopt = { .sopt_val = val };
	struct lib_file *f;
	int error, own = -1;

	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if (val == NULL || len == NULL)
		return (-EFAULT);
	if (level == SOL_SOCKET && name == KTLSSIM_SO_SPLICE)
		return (lib_splice_get(f, val, len));
	if (level == SOL_SOCKET && name == SO_TYPE)
		own = SOCK_STREAM;
	else if (level == SOL_SOCKET && name == SO_ACCEPTCONN)
		own = f->f_so->so_listening;
	if (own >= 0) {
		*len = MIN(*len, (socklen_t)sizeof(own));
		memcpy(val, &own, *len);
		return (0);
	}
	sopt.sopt_valsize = *len;
	if (!lib_option(&sopt, level, name))
		return (-ENOPROTOOPT);
	if ((error = sogetopt(f->f_so, &sopt)) != 0)
		return (-error);
	*len = (socklen_t)sopt.sopt_valsize;
	/* The error as FreeBSD numbers it. */
	if (sopt.sopt_level == KSOL_SOCKET && sopt.sopt_name == KSO_ERROR &&
	    *len >= sizeof(int)) {
		memcpy(&error, val, sizeof(error));
		error = (int)-lib_result(-error);
		memcpy(val, &error, sizeof(error));
	}
	return (0);
}

int
ktlssim_getsockopt(struct ktlssim *sim, int fd, int level, int name, void *val,
    socklen_t *len)
{
	LIB_CALL(sim, lib_getsockopt(sim, fd, level, name, val, len));
}
