#ifndef SCENARIO_CHECK_H
#define SCENARIO_CHECK_H

struct diag;
struct scenario;
struct sc_app;
struct sc_link;

/* Rules that span several keys; every broken one is told. */
void scenario_check(struct diag *, struct scenario *);
/* Of these, what speaks of the timeline. */
void scenario_check_steps(struct diag *, struct scenario *);

void check_tls(struct diag *, const struct scenario *, const struct sc_app *);
/* A link's end that is a device: its name, and what it may not meet. */
void check_device(struct diag *, const struct scenario *,
    const struct sc_link *, unsigned end);

#endif
