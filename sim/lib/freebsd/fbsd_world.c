/*
 * The world of a FreeBSD program: made at its first call, judged when it
 * exits. And whose socket is whose: with two hosts, those that bind live on
 * the server.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fbsd_priv.h"

static const char two_hosts[] =
    "ktls_sim: 1\n"
    "name: freebsd\n"
    "hosts:\n"
    "  client:\n"
    "    cpus: 2\n"
    "    sysctl: &on\n"
    "      kern.ipc.tls.enable: 1\n"
    "      kern.ipc.tls.ifnet.permitted: 1\n"
    "    nics: {mce0: {model: ideal}}\n"
    "    addresses: {mce0: [10.0.0.1/24, 'fd00::1/64']}\n"
    "  server:\n"
    "    cpus: 2\n"
    "    sysctl: *on\n"
    "    nics: {mce0: {model: ideal}}\n"
    "    addresses: {mce0: [10.0.0.2/24, 'fd00::2/64']}\n"
    "links:\n"
    "  - {ends: [client.mce0, server.mce0], delay: 20us}\n"
    "checks:\n"
    "  records: false\n";

static struct ktlssim *the_world;
static struct ktlssim_host *client, *server;
static struct sockaddr_storage server_addr[2]; /* IPv4, IPv6 */

/* 4, as `ktls-sim run`: an invariant was broken. */
static void
fbsd_finish(void)
{
	char *report;

	if (ktlssim_close_world(the_world, &report) == 0) {
		free(report);
		return;
	}
	fprintf(stderr, "ktlssim: %s", report);
	fflush(NULL);
	_exit(4);
}

static void
fbsd_params(struct ktlssim_params *p)
{
	const char *transport = getenv("KTLSSIM_TRANSPORT");
	const char *seed = getenv("KTLSSIM_SEED");
	char *end;

	p->first_fd = FBSD_FIRST_FD;
	p->outdir = getenv("KTLSSIM_OUT");
	p->scenario_path = getenv("KTLSSIM_SCENARIO");
	p->defect = getenv("KTLSSIM_DEFECT");
	if (seed != NULL)
		p->seed = strtoull(seed, &end, 0);
	if (seed != NULL && (*seed == '\0' || *end != '\0')) {
		fprintf(stderr, "ktlssim: KTLSSIM_SEED is a number, not `%s`\n",
		    seed);
		exit(2);
	}
	if (transport == NULL || strcmp(transport, "loopback") == 0)
		return;
	if (strcmp(transport, "nic") != 0) {
		fprintf(stderr,
		    "ktlssim: KTLSSIM_TRANSPORT is `loopback` or `nic`, not "
		    "`%s`\n",
		    transport);
		exit(2);
	}
	if (p->scenario_path == NULL)
		p->scenario_text = two_hosts;
}

/* The server's address: what a socket that goes there would be told. */
static void
fbsd_learn_address(int family)
{
	int i = family == AF_INET6;

	if (ktlssim_host_addr(server, family,
		(struct sockaddr *)&server_addr[i],
		sizeof(server_addr[i])) != 0)
		server_addr[i].ss_family = AF_UNSPEC;
}

struct ktlssim *
fbsd_sim(void)
{
	struct ktlssim_params p = { 0 };
	char *why;
	int error;

	if (the_world != NULL)
		return (the_world);
	fbsd_params(&p);
	if ((error = ktlssim_open(&p, &the_world, &why)) != 0) {
		fprintf(stderr, "ktlssim: %s", why);
		exit(2);
	}
	client = ktlssim_host(the_world, "client");
	server = ktlssim_host(the_world, "server");
	if (client == NULL || server == NULL)
		client = server = ktlssim_host(the_world, NULL);
	fbsd_learn_address(AF_INET);
	fbsd_learn_address(AF_INET6);
	atexit(fbsd_finish);
	return (the_world);
}

struct ktlssim_host *
fbsd_client(void)
{
	(void)fbsd_sim();
	return (client);
}

struct ktlssim_host *
fbsd_server(void)
{
	(void)fbsd_sim();
	return (server);
}

bool
fbsd_is(int fd)
{
	return (fd >= FBSD_FIRST_FD);
}

ssize_t
fbsd_result(ssize_t r)
{
	if (r >= 0)
		return (r);
	errno = ktlssim_host_errno((int)r);
	return (-1);
}

/* --- addresses --- */

static bool
fbsd_is_loopback(const struct sockaddr *sa, socklen_t len)
{
	if (sa == NULL || client == server)
		return (false);
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
		return (((const struct sockaddr_in *)sa)->sin_addr.s_addr ==
		    htonl(INADDR_LOOPBACK));
	if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
		return (IN6_IS_ADDR_LOOPBACK(
		    &((const struct sockaddr_in6 *)sa)->sin6_addr));
	return (false);
}

const struct sockaddr *
fbsd_addr_out(const struct sockaddr *sa, socklen_t len,
    struct sockaddr_storage *copy)
{
	const struct sockaddr_storage *to;

	if (!fbsd_is_loopback(sa, len))
		return (sa);
	to = &server_addr[sa->sa_family == AF_INET6];
	if (to->ss_family == AF_UNSPEC)
		return (sa);
	*copy = *to; /* the port is at the same place in both families */
	((struct sockaddr_in *)copy)->sin_port =
	    ((const struct sockaddr_in *)sa)->sin_port;
	return ((const struct sockaddr *)copy);
}

/* Any address of the two hosts is the loopback to the program. */
void
fbsd_addr_in(struct sockaddr *sa, const socklen_t *room)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;

	if (sa == NULL || room == NULL || client == server)
		return;
	if (sa->sa_family == AF_INET && *room >= sizeof(*sin) &&
	    sin->sin_addr.s_addr != htonl(INADDR_ANY))
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (sa->sa_family == AF_INET6 && *room >= sizeof(*sin6) &&
	    !IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr))
		sin6->sin6_addr = in6addr_loopback;
}
