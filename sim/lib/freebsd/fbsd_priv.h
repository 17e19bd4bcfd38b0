/* What the files of the compatibility library share. */
#ifndef FBSD_PRIV_H
#define FBSD_PRIV_H

#include <errno.h>
#include <stdbool.h>

#include <ktlssim.h>

/* Above any descriptor that the host gives, below what select(2) can tell. */
#define FBSD_FIRST_FD 512

/* The world of this program; made at the first call. */
struct ktlssim *fbsd_sim(void);
bool fbsd_is(int fd); /* one of the simulation's */
/* -1 with the host's errno, or the result. */
ssize_t fbsd_result(ssize_t);

struct ktlssim_host *fbsd_client(void), *fbsd_server(void);
/* 127.0.0.1 and ::1 are the server's address on `out`, and back. */
const struct sockaddr *fbsd_addr_out(const struct sockaddr *, socklen_t,
    struct sockaddr_storage *copy);
void fbsd_addr_in(struct sockaddr *, const socklen_t *room);

#endif
