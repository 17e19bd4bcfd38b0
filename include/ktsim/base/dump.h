/*
 * What the printers of structures share. Every X_dump(x, sb, indent) adds
 * lines that begin with `indent` blanks. They only read, print nothing that
 * differs between two runs (addresses, host threads' progress) and nothing
 * that is secret; things are called by their name, number or place.
 */
#ifndef KTSIM_BASE_DUMP_H
#define KTSIM_BASE_DUMP_H

#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/timebase.h>

struct dump_flag {
	uint64_t df_bit;
	const char *df_name;
};

/* " NAME NAME" of the bits that are set; what has no name as " 0x40". */
void dump_flags(struct strbuf *, uint64_t bits, const struct dump_flag *,
    size_t n);
/* Exact, in microseconds: "805us", "12.000001us". */
void dump_time(struct strbuf *, simtime_t);
/* " name@805us" when the event is pending. */
void dump_event(struct strbuf *, const char *name, const struct sim_event *);

#endif
