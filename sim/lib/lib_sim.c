/*
 * The world of a program: opened from a scenario, closed with a verdict.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/sysctl.h>
#include <ktsim/sim/scenario.h>

#include "lib_priv.h"

static const char default_world[] = "ktls_sim: 1\n"
				    "name: libktlssim\n"
				    "hosts:\n"
				    "  localhost:\n"
				    "    cpus: 2\n"
				    "    sysctl:\n"
				    "      kern.ipc.tls.enable: 1\n"
				    "      kern.ipc.tls.ifnet.permitted: 1\n"
				    "capture:\n"
				    "  wire: false\n"
				    "checks:\n"
				    "  records: false\n";

/* --- opening --- */

static int
lib_load(const struct ktlssim_params *p, struct scenario **sc,
    struct strbuf *diag)
{
	const char *text = p->scenario_text;
	struct strbuf copy = { 0 };

	if (text != NULL && p->scenario_path != NULL) {
		strbuf_addf(diag, "a scenario is a file or a text, not both\n");
		return (EINVAL);
	}
	if (p->scenario_path != NULL)
		return (scenario_load(p->scenario_path, NULL, sc, diag));
	if (text == NULL)
		text = default_world;
	strbuf_add(&copy, text, strlen(text));
	return (scenario_parse("(text)", &copy, NULL, sc, diag));
}

static int
lib_build(struct ktlssim *sim, const struct ktlssim_params *p,
    struct strbuf *diag)
{
	struct world_opts wo = { .wo_threads = p->threads,
		.wo_out = p->outdir };
	int d = -1, error;

	if (p->threads > 64 || p->first_fd < 0 ||
	    p->first_fd > INT32_MAX - LIB_MAXFILES) {
		strbuf_addf(diag, "threads are 0 to 64, first_fd 0 or more\n");
		return (EINVAL);
	}
	if (p->defect != NULL && (d = defect_find(p->defect)) < 0) {
		strbuf_addf(diag,
		    "there is no defect `%s`: `ktls-sim list defects`\n",
		    p->defect);
		return (EINVAL);
	}
	if (d >= 0)
		defect_set(&wo.wo_defects, (enum defect)d);
	if ((error = lib_load(p, &sim->s_sc, diag)) != 0)
		return (error);
	wo.wo_seed = p->seed != 0 ? p->seed : sim->s_sc->seed;
	sim->s_sc->capture.html = false; /* nobody renders it */
	if (p->outdir == NULL)
		sim->s_sc->capture.wire = sim->s_sc->capture.pcap = false;
	return (world_create(sim->s_sc, &wo, &sim->s_world, diag));
}

static void
lib_start(struct ktlssim *sim)
{
	sim->s_tb = world_timebase(sim->s_world);
	TAILQ_INIT(&sim->s_closing);
	TAILQ_INIT(&sim->s_aios);
	sim->s_hosts = xcalloc(sim->s_sc->nhosts, sizeof(*sim->s_hosts));
	for (unsigned i = 0; i < sim->s_sc->nhosts; i++) {
		sim->s_hosts[i].h_sim = sim;
		sim->s_hosts[i].h_vnet =
		    world_vnet(sim->s_world, sim->s_sc->hosts[i].loc.name);
	}
	if (setjmp(*world_panic_env(sim->s_world)) != 0)
		sim->s_dead = true;
	else
		world_begin(sim->s_world);
}

int
ktlssim_open(const struct ktlssim_params *p, struct ktlssim **out, char **why)
{
	static const struct ktlssim_params none;
	struct strbuf diag = { 0 };
	struct ktlssim *sim;
	int error;

	if (p == NULL)
		p = &none;
	if (why != NULL)
		*why = NULL;
	if (out == NULL)
		return (-KTLSSIM_EFAULT);
	sim = xcalloc(1, sizeof(*sim));
	sim->s_first_fd = p->first_fd != 0 ? p->first_fd : 3;
	if ((error = lib_build(sim, p, &diag)) != 0) {
		scenario_free(sim->s_sc);
		free(sim);
		if (why != NULL)
			*why = strbuf_take(&diag);
		strbuf_fini(&diag);
		return ((int)lib_result(-error));
	}
	strbuf_fini(&diag);
	lib_start(sim);
	*out = sim;
	return (0);
}

/* --- closing --- */

static void
lib_end_files(struct ktlssim *sim)
{
	if (sim->s_dead) {
		lib_forget_all(sim);
		return;
	}
	if (setjmp(*world_panic_env(sim->s_world)) != 0)
		sim->s_dead = true;
	else
		lib_close_all(sim);
}

/* Broken invariants and claims that were not met, a line each. */
static int
lib_verdict(const struct result *r, struct strbuf *sb)
{
	int bad = 0;

	if (r->r_panic != NULL) {
		strbuf_addf(sb, "panic: %s\n", r->r_panic);
		bad++;
	}
	for (int i = 0; i < INVARIANTS; i++) {
		if (r->r_inv[i].i_broken == 0)
			continue;
		strbuf_addf(sb, "invariant %d (%s): %s\n", i + 1,
		    r->r_inv[i].i_name,
		    r->r_inv[i].i_first != NULL ? r->r_inv[i].i_first : "");
		bad++;
	}
	for (unsigned i = 0; i < r->r_nclaims; i++) {
		if (r->r_claims[i].cl_ok)
			continue;
		strbuf_addf(sb, "claim of line %d (%s): found %s\n",
		    r->r_claims[i].cl_line, r->r_claims[i].cl_claim,
		    r->r_claims[i].cl_found);
		bad++;
	}
	return (bad);
}

int
ktlssim_close_world(struct ktlssim *sim, char **report)
{
	struct strbuf sb = { 0 };
	int bad;

	if (report != NULL)
		*report = NULL;
	if (sim == NULL)
		return (0);
	lib_end_files(sim);
	world_end(sim->s_world);
	bad = lib_verdict(world_result(sim->s_world), &sb);
	if (report != NULL)
		*report = strbuf_take(&sb);
	strbuf_fini(&sb);
	world_destroy(sim->s_world);
	scenario_free(sim->s_sc);
	free(sim->s_hosts);
	free(sim->s_files);
	free(sim->s_iov);
	lib_aio_fini(sim);
	free(sim);
	return (bad);
}

/* --- hosts, time, sysctls --- */

struct ktlssim_host *
ktlssim_host(struct ktlssim *sim, const char *name)
{
	for (unsigned i = 0; i < sim->s_sc->nhosts; i++)
		if (name == NULL ||
		    strcmp(sim->s_sc->hosts[i].loc.name, name) == 0)
			return (&sim->s_hosts[i]);
	return (NULL);
}

const char *
ktlssim_host_name(const struct ktlssim_host *h)
{
	return (h->h_vnet->v_name);
}

uint64_t
ktlssim_now(const struct ktlssim *sim)
{
	return (timebase_now(sim->s_tb) / SIM_NS);
}

uint64_t
ktlssim_epoch(const struct ktlssim *sim)
{
	return (sim->s_sc->epoch);
}

const char *
ktlssim_panic(const struct ktlssim *sim)
{
	const struct result *r = world_result(sim->s_world);

	if (r->r_panic != NULL || !sim->s_dead)
		return (r->r_panic);
	/* An assertion that is an invariant's: the buffers' accounting. */
	for (int i = 0; i < INVARIANTS; i++)
		if (r->r_inv[i].i_first != NULL)
			return (r->r_inv[i].i_first);
	return ("?");
}

static int
lib_sysctl(struct ktlssim_host *h, const char *name, uint64_t *old,
    const uint64_t *newval)
{
	uint64_t val;
	int error;

	if (name == NULL)
		return (-EFAULT);
	error = sysctl_read(h->h_vnet, name, &val);
	if (error != 0 && (error != EPERM || newval == NULL || old != NULL))
		return (-error);
	if (newval != NULL &&
	    (error = sysctl_write(h->h_vnet, name, *newval)) != 0)
		return (-error);
	if (old != NULL)
		*old = val;
	return (0);
}

int
ktlssim_sysctlbyname(struct ktlssim_host *h, const char *name, uint64_t *old,
    const uint64_t *newval)
{
	LIB_CALL(h->h_sim, lib_sysctl(h, name, old, newval));
}
