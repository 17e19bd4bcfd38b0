#include "pace.h"

void
pace_start(struct pace *pa, uint64_t clock_ns)
{
	*pa = (struct pace) { .pa_start = clock_ns };
}

static simtime_t
pace_now(const struct pace *pa, uint64_t clock_ns)
{
	simtime_t t = (clock_ns - pa->pa_start) * SIM_NS;

	return (t > pa->pa_lag ? t - pa->pa_lag : 0);
}

simtime_t
pace_target(struct pace *pa, uint64_t clock_ns, simtime_t next)
{
	simtime_t t = pace_now(pa, clock_ns);

	if (next >= t || t - next <= PACE_SLACK)
		return (t);
	pa->pa_lag += t - next - PACE_SLACK;
	return (next + PACE_SLACK);
}

uint64_t
pace_wait(const struct pace *pa, uint64_t clock_ns, simtime_t t)
{
	simtime_t now = pace_now(pa, clock_ns);

	return (t > now ? (t - now + SIM_NS - 1) / SIM_NS : 0);
}
