/*
 * Waiting: time goes on only here. An alarm bounds a wait; a call that finds
 * nothing and does not wait lets a tick pass, so that a program which tries
 * again and again gets where it would get on a real machine.
 */
#include "lib_priv.h"

static void
lib_alarm(void *arg)
{
	struct ktlssim *sim = arg;

	sim->s_rang = true;
}

void
lib_alarm_set(struct ktlssim *sim, simtime_t when)
{
	sim->s_rang = false;
	if (when == SIM_NEVER)
		return;
	sim_event_init(&sim->s_alarm, EV_APP, "program's timeout", lib_alarm,
	    sim);
	timebase_post(sim->s_tb, &sim->s_alarm, when);
}

void
lib_alarm_clear(struct ktlssim *sim)
{
	timebase_cancel(sim->s_tb, &sim->s_alarm);
	sim->s_rang = false;
}

int
lib_step(struct ktlssim *sim)
{
	if (!world_advance(sim->s_world))
		return (EDEADLK);
	/* Who set a limit may wait as long as that. */
	if (!sim->s_rang && !sim_event_pending(&sim->s_alarm) &&
	    world_stuck(sim->s_world))
		return (EDEADLK);
	return (0);
}

int
lib_wait_socket(struct lib_file *f)
{
	int error = 0;

	for (f->f_stirred = false; error == 0 && !f->f_stirred;)
		error = lib_step(f->f_sim);
	return (error);
}

static void
lib_pass(struct ktlssim *sim, simtime_t when)
{
	lib_alarm_set(sim, when);
	while (!sim->s_rang && world_advance(sim->s_world))
		;
	lib_alarm_clear(sim);
}

void
lib_tick(struct ktlssim *sim)
{
	lib_pass(sim, timebase_now(sim->s_tb) + LIB_TICK);
}

simtime_t
lib_deadline(const struct ktlssim *sim, int64_t ns)
{
	simtime_t now = timebase_now(sim->s_tb);

	if (ns < 0 || (uint64_t)ns > (SIM_NEVER - now) / SIM_NS - 1)
		return (SIM_NEVER);
	return (now + (simtime_t)ns * SIM_NS);
}

int64_t
lib_timespec_ns(const struct timespec *ts)
{
	if (ts == NULL)
		return (-1);
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= 1000000000)
		return (-2);
	if (ts->tv_sec > 9000000000LL)
		return (-1);
	return (ts->tv_sec * 1000000000LL + ts->tv_nsec);
}

static int
lib_sleep(struct ktlssim *sim, uint64_t ns)
{
	lib_pass(sim, lib_deadline(sim, (int64_t)MIN(ns, (uint64_t)INT64_MAX)));
	return (0);
}

int
ktlssim_sleep(struct ktlssim *sim, uint64_t ns)
{
	LIB_CALL(sim, lib_sleep(sim, ns));
}
