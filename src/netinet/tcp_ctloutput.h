/* TCP's socket options; tcp_ctloutput.c. */
#ifndef KTSIM_SRC_TCP_CTLOUTPUT_H
#define KTSIM_SRC_TCP_CTLOUTPUT_H

struct socket;
struct sockopt;

/* ENOPROTOOPT unknown, or not in this direction; EINVAL size; ECONNRESET. */
int tcp_ctloutput(struct socket *, struct sockopt *);

#endif
