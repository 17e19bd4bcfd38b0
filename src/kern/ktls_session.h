/* Session construction, between ktls_session.c and ktls_mode.c. */
#ifndef KTLS_SESSION_H
#define KTLS_SESSION_H

struct ktls_session;
struct socket;
struct tls_enable;
struct vnet;

/* No mode yet (NONE). *why: static text beside an error. */
int ktls_session_create(struct socket *, const struct tls_enable *,
    int direction, struct ktls_session **, const char **why);
struct ktls_session *ktls_session_clone(struct socket *,
    const struct ktls_session *);
/* The clone is installed later than it was made: what moved since. */
void ktls_session_catch_up(struct ktls_session *, const struct ktls_session *);
int ktls_sw_try(struct ktls_session *);
void ktls_rx_attach(struct vnet *);

#endif
