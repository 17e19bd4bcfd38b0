/* Parts of the state of a run at an instant, from what --dump-at writes. */
#ifndef KTSIM_SIM_SHOW_H
#define KTSIM_SIM_SHOW_H

#include <stdbool.h>

#include <ktsim/base/strbuf.h>

/* A connection by its ends, as inpcb lines have them: "10.0.0.1:443". */
struct show_conn {
	const char *client, *server;
};

/* The i-th thing that can be shown, with what it is; NULL: there are no more. */
const char *show_what(unsigned i, const char **text);
int show_find(const char *what); /* -1: none */
bool show_of_conn(int what);	 /* it wants a connection */
/*
 * The lines of this thing with all below them, appended to out as text or as a
 * JSON list; conn NULL: of any connection; name NULL: any, else "host",
 * "host.name" or "name". Returns how many there were.
 */
unsigned show_pick(const char *state, int what, const struct show_conn *,
    const char *name, bool json, struct strbuf *out);

#endif
