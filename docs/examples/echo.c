/*
 * An echo pair: a server and a client on one simulated FreeBSD, plain TCP over
 * its loopback. Shows how a world is opened, how blocking calls make time
 * pass, and how a world is closed with a verdict.
 *
 *   cc echo.c $(pkg-config --cflags --libs ktlssim) -o echo && ./echo
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktlssim.h>

/* Results of the library are negative when a call fails. */
static int
check(const char *what, int result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, ktlssim_errname(result));
		exit(1);
	}
	return (result);
}

int
main(void)
{
	static const char hello[] = "hello, virtual world\n";
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(7),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ktlssim_host *h;
	struct ktlssim *sim;
	int listener, client, server, broken;
	char buf[64], *why, *report;
	ssize_t n;

	if (ktlssim_open(NULL, &sim, &why) != 0) {
		fputs(why, stderr);
		return (1);
	}
	h = ktlssim_host(sim, NULL);
	listener = check("socket", ktlssim_socket(h, AF_INET, SOCK_STREAM, 0));
	check("bind",
	    ktlssim_bind(sim, listener, (struct sockaddr *)&sin, sizeof(sin)));
	check("listen", ktlssim_listen(sim, listener, 5));
	client = check("socket", ktlssim_socket(h, AF_INET, SOCK_STREAM, 0));
	check("connect",
	    ktlssim_connect(sim, client, (struct sockaddr *)&sin, sizeof(sin)));
	server = check("accept", ktlssim_accept4(sim, listener, NULL, NULL, 0));

	check("write", (int)ktlssim_write(sim, client, hello, strlen(hello)));
	check("shutdown", ktlssim_shutdown(sim, client, SHUT_WR));
	/* The server sends back what it reads, until the client is done. */
	while ((n = ktlssim_read(sim, server, buf, sizeof(buf))) > 0)
		check("echo", (int)ktlssim_write(sim, server, buf, (size_t)n));
	check("read", (int)n);
	check("close", ktlssim_close(sim, server));
	while ((n = ktlssim_read(sim, client, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	check("read", (int)n);
	printf("that took %llu us of virtual time\n",
	    (unsigned long long)ktlssim_now(sim) / 1000);

	broken = ktlssim_close_world(sim, &report);
	fputs(report, stderr);
	free(report);
	return (broken != 0);
}
