/* Layers of a fingerprint: alone, for who reads results and makes none. */
#include <ktsim/sim/result.h>

const char *const print_names[PRINTS] = {
	[PRINT_EVENTS] = "events",
	[PRINT_WIRE] = "wire",
	[PRINT_COUNTERS] = "counters",
	[PRINT_DECISIONS] = "decisions",
};
