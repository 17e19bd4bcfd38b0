/*
 * Virtual time: unsigned picoseconds since the start of the run.
 * 2^64 ps are 213 days. Never a double.
 */
#ifndef KTSIM_BASE_SIMTIME_H
#define KTSIM_BASE_SIMTIME_H

#include <stdint.h>

typedef uint64_t simtime_t;

#define SIM_NS	  ((simtime_t)1000)
#define SIM_US	  (1000 * SIM_NS)
#define SIM_MS	  (1000 * SIM_US)
#define SIM_SEC	  (1000 * SIM_MS)
#define SIM_NEVER UINT64_MAX

/* Picoseconds that len bytes take at rate_bps bits per second, rounded up. */
static inline simtime_t
simtime_bytes(uint64_t len, uint64_t rate_bps)
{
	unsigned __int128 ps;

	if (rate_bps == 0)
		return (0);
	ps = (unsigned __int128)len * 8 * SIM_SEC + rate_bps - 1;
	return ((simtime_t)(ps / rate_bps));
}

#endif
