/*
 * The ledger: every payload byte from where it was decided to be sent to
 * where it was read. Invariant 1.
 *
 * A flow is one TCP connection; it has two directions. The sender declares
 * what it is going to send, once, in order (bytes, or a range of a file); the
 * receiver declares what it read. Reading is compared at once; at the end what
 * was declared and not read must have an excuse.
 */
#ifndef KTSIM_SIM_LEDGER_H
#define KTSIM_SIM_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include <ktsim/kern/sockaddr.h>

struct ledger;
struct ledger_flow;
struct vnode;

typedef void ledger_report_fn(void *arg, const char *text);

enum ledger_dir { LEDGER_C2S, LEDGER_S2C };

struct ledger *ledger_create(ledger_report_fn *, void *arg);
void ledger_destroy(struct ledger *);
/* Found by its addresses, or made. name is copied by the first who gives it. */
struct ledger_flow *ledger_open(struct ledger *, const struct ksockaddr *client,
    const struct ksockaddr *server, const char *name);
void ledger_origin_bytes(struct ledger_flow *, enum ledger_dir, const void *buf,
    size_t len);
/* The file must live as long as the ledger. */
void ledger_origin_file(struct ledger_flow *, enum ledger_dir,
    const struct vnode *, uint64_t off, uint64_t len);
/*
 * As much is sent to a reader whom the ledger does not hear: counted, and from
 * now on the flow has an excuse.
 */
void ledger_outside(struct ledger_flow *, enum ledger_dir, uint64_t len);
/* The receiver read these bytes. Reports the first difference of a direction. */
void ledger_read(struct ledger_flow *, enum ledger_dir, const void *buf,
    size_t len);
/* From now on missing bytes of both directions are lawful. why: static. */
void ledger_excuse(struct ledger_flow *, const char *why);
/* Report what is missing without excuse. */
void ledger_finish(struct ledger *);

struct ledger_totals {
	uint64_t flows, origin, delivered, excused;
};
void ledger_totals(const struct ledger *, struct ledger_totals *);

#endif
