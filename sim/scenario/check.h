#ifndef SCENARIO_CHECK_H
#define SCENARIO_CHECK_H

struct diag;
struct scenario;

/* Rules that span several keys; every broken one is told. */
void scenario_check(struct diag *, struct scenario *);

#endif
