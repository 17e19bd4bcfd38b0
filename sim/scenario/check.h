/* Rules that span several keys, and what they share. */
#ifndef SCENARIO_CHECK_H
#define SCENARIO_CHECK_H

#include <ktsim/sim/scenario.h>

struct diag;

/* Presets, ways back, numbered ports: what follows from what is given. */
void scenario_complete(struct scenario *);
/* Every broken rule is told. */
void scenario_check(struct diag *, struct scenario *);
/* Of these, what speaks of the timeline. */
void scenario_check_steps(struct diag *, struct scenario *);

void check_tls(struct diag *, const struct scenario *, const struct sc_app *);
/* A link's end that is a device: its name, and what it may not meet. */
void check_device(struct diag *, const struct scenario *,
    const struct sc_link *, unsigned end);

/* --- between the files of the checks --- */

struct chk {
	struct diag *d;
	struct scenario *sc;
	bool links_ok;		 /* so who is joined to whom can be told */
	struct cabling *cabling; /* when it was asked; check_switches.c */
};

#define ERR(c, loc, ...) diag_error((c)->d, (loc), __VA_ARGS__)

/* "; did you mean `x`?" of n things that begin with their sc_loc; or "". */
const char *check_hint(struct chk *, const char *name, const void *things,
    size_t size, unsigned n);
#define HINT(c, name, array, n) \
	check_hint(c, name, array, sizeof((array)[0]), n)
/* Each tells what is wrong with the name; NULL then. */
struct sc_host *check_host_name(struct chk *, const struct sc_loc *,
    const char *name);
struct sc_nic *check_find_nic(struct sc_host *, const char *name);
struct sc_app *check_app_name(struct chk *, const struct sc_loc *,
    const char *name);
/* A connection by its number, which it has at this application. */
void check_connection(struct chk *, const struct sc_loc *,
    const struct sc_app *, uint64_t number);
/* Some interface of the host; a lagg; a vlan. */
bool check_is_ifname(const struct sc_host *, const char *name);
bool check_is_lagg(const struct sc_host *, const char *name);
bool check_is_vlan(const struct sc_host *, const char *name);
void check_word(struct chk *, const struct sc_loc *, const char *word,
    const char *what, size_t max);
/* The run may be over before, but it is never longer than `until`. */
void check_instant(struct chk *, const struct sc_loc *, simtime_t at);

void check_ifname(struct chk *, const struct sc_loc *);
/* check_nfs.c */
void check_nfs_server(struct chk *, const struct sc_app *);
void check_nfs_client(struct chk *, const struct sc_app *,
    const struct sc_host *server);
/* check_cards.c */
void check_cards(struct chk *, struct sc_host *);
/* A step `card`: which, and what. */
void check_card_step(struct chk *, const struct sc_step *);
/* check_calls.c: what OpenSSL programs call, and whether two of them come to
 * an end with each other */
void check_calls(struct chk *, const struct sc_app *);
void check_talk(struct chk *, const struct sc_app *client,
    const struct sc_app *server);
/* check_ifconfig.c: steps `ifconfig` and `route` */
void check_ifconfig(struct chk *, struct sc_step *);
void check_route(struct chk *, struct sc_step *);
/* check_links.c */
/* "host.nic" or "switch.port": what stands there, as an identity; NULL. */
const void *check_port(struct chk *, const struct sc_loc *, const char *name);
/* ", such as `host.nic`", for who wrote a card's name; or "". */
const char *check_port_hint(struct chk *, const char *nic);
void check_links(struct chk *);
void check_loose_cards(struct chk *);
/* The kind of a node, also of a step's `set`; false: it was told. */
bool check_impair(struct chk *, const struct sc_link *, struct sc_impair *);
/* check_switches.c */
void check_switches(struct chk *);
/* Frames of the two hosts can meet: one cable, or the same switches. Only
 * when all links have two ends that are there. */
bool check_cabled(struct chk *, const struct sc_host *, const struct sc_host *);
/* check_cases.c: tags, matrix, repeat, exhibit, names of claims */
void check_cases(struct chk *);
/* check_load.c: the files of a catalogue go to the host's; a client
 * `https-load`, alone and with its server */
void check_catalogue(struct chk *, struct sc_host *);
bool check_load(struct chk *, struct sc_app *);
void check_load_server(struct chk *, const struct sc_app *,
    const struct sc_app *server, const struct sc_host *);
/* check_claims.c */
void check_claim(struct chk *, struct sc_expect *);
/* check_steps.c */
void check_steps(struct chk *);
void check_pacing(struct chk *, const struct sc_loc *, uint64_t rate);

/* when.c: 0, or EINVAL: why, and the rest of the text where it went wrong. */
struct arena;
int when_parse(const char *text, struct arena *, struct sc_when *,
    const char **why, const char **rest);

#endif
