/* Which addresses a host can have, and which it reaches. */
#ifndef SCENARIO_ADDR_H
#define SCENARIO_ADDR_H

#include <stdbool.h>

struct in_any;
struct sc_host;
struct scenario;

/* Why no interface can have it ("is a multicast address"); NULL: it can. */
const char *addr_unusable(int family, const struct in_any *, int plen);
/* Of the hosts before `upto`, the one that has the address; NULL. */
const struct sc_host *addr_owner(const struct scenario *,
    const struct sc_host *upto, int family, const struct in_any *);
/* The host's first address of the family, as applications are found by. */
bool addr_first(const struct sc_host *, int family, struct in_any *);
/* It is in the prefix of one of the host's addresses: nothing is routed. */
bool addr_on_link(const struct sc_host *, int family, const struct in_any *);

#endif
