/* The scenario's sysctls: settings, steps and claims against what is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>

#include "world_priv.h"

const char *
sysctl_nearest(const struct vnet *vnet, const char *name)
{
	const struct sysctl_tree *st = &vnet->v_sysctl;
	const char **names = xcalloc(st->st_count, sizeof(*names)), *near;

	for (unsigned i = 0; i < st->st_count; i++)
		names[i] = st->st_oids[i].oid_name;
	near = nearest_name(name, names, st->st_count);
	free(names);
	return (near);
}

static void
no_sysctl(struct world *w, struct strbuf *err, const struct sc_loc *loc,
    const struct vnet *vnet, const char *name)
{
	const char *near = sysctl_nearest(vnet, name);

	if (!vnet->v_kern_tls && strncmp(name, "kern.ipc.tls.", 13) == 0)
		scenario_error(w->w_sc, loc, err,
		    "there is no sysctl `%s`: host `%s` has `kern_tls: false`, "
		    "a kernel without it",
		    name, vnet->v_name);
	else if (near != NULL)
		scenario_error(w->w_sc, loc, err,
		    "there is no sysctl `%s`; did you mean `%s`?", name, near);
	else
		scenario_error(w->w_sc, loc, err,
		    "there is no sysctl `%s`; `ktls-sim list sysctls` shows "
		    "what there is",
		    name);
}

static void
no_number(struct world *w, const struct sc_loc *loc, const char *name,
    struct strbuf *err)
{
	scenario_error(w->w_sc, loc, err,
	    "sysctl `%s` takes the ends of a connection: write a timeline step "
	    "`do: switch_tls`",
	    name);
}

static void
no_word(struct world *w, const struct sc_setting *s,
    const struct sysctl_oid *oid, struct strbuf *err)
{
	struct strbuf words = { 0 };

	if (oid->oid_words == NULL) {
		scenario_error(w->w_sc, &s->loc, err,
		    "sysctl `%s` wants a whole number, 0 or more, not `%s`",
		    s->loc.name, s->word);
		return;
	}
	for (unsigned i = 0; oid->oid_words[i] != NULL; i++)
		strbuf_addf(&words, "%s`%s`", i > 0 ? ", " : "",
		    oid->oid_words[i]);
	scenario_error(w->w_sc, &s->loc, err,
	    "sysctl `%s` is one of %s, not `%s`", s->loc.name,
	    strbuf_str(&words), s->word);
	strbuf_fini(&words);
}

int
world_sysctls(struct world *w, struct whost *h, struct strbuf *err)
{
	const struct sc_setting *s;
	int error, bad = 0;

	for (unsigned i = 0; i < h->h_sc->nsysctl; i++) {
		s = &h->h_sc->sysctl[i];
		error = s->word != NULL
		    ? sysctl_write_word(h->h_vnet, s->loc.name, s->word)
		    : sysctl_write(h->h_vnet, s->loc.name, s->value);
		if (error == ENOENT)
			no_sysctl(w, err, &s->loc, h->h_vnet, s->loc.name);
		else if (error == EPERM)
			scenario_error(w->w_sc, &s->loc, err,
			    "sysctl `%s` is read-only: a claim `counter` can "
			    "look at it",
			    s->loc.name);
		else if (sysctl_find(h->h_vnet, s->loc.name)->oid_kind ==
		    CTL_WR)
			no_number(w, &s->loc, s->loc.name, err);
		else if (error != 0 && s->word != NULL)
			no_word(w, s, sysctl_find(h->h_vnet, s->loc.name), err);
		else if (error != 0)
			scenario_error(w->w_sc, &s->loc, err,
			    "sysctl `%s` refuses %ju (%s)", s->loc.name,
			    (uintmax_t)s->value, errno_name(error));
		if (error != 0)
			bad = EINVAL;
	}
	return (bad);
}

int
world_no_sysctl(struct world *w, struct strbuf *err, const struct sc_loc *loc,
    const struct vnet *vnet, const char *name)
{
	no_sysctl(w, err, loc, vnet, name);
	return (EINVAL);
}

/*
 * What a step can never do; whether the value is taken is known at the
 * instant only. A host that is not built to its end has not all of them.
 */
int
world_sysctl_step(struct world *w, const struct sc_step *st, struct strbuf *err)
{
	const struct sc_loc *loc = scenario_text_at(st->name);
	struct vnet *vnet = world_host(w, st->on)->h_vnet;
	const struct sysctl_oid *oid = sysctl_find(vnet, st->name);

	if (!vnet->v_sysctl.st_booted ||
	    (oid != NULL && oid->oid_kind == CTL_RW))
		return (0);
	if (oid == NULL)
		no_sysctl(w, err, loc, vnet, st->name);
	else if (oid->oid_kind == CTL_TUN)
		scenario_error(w->w_sc, loc, err,
		    "sysctl `%s` is read at boot: set it under "
		    "`hosts.%s.sysctl`",
		    st->name, st->on);
	else if (oid->oid_kind == CTL_WR)
		no_number(w, loc, st->name, err);
	else
		scenario_error(w->w_sc, loc, err,
		    "sysctl `%s` is read-only: a claim `counter` can look at "
		    "it",
		    st->name);
	return (EINVAL);
}

/*
 * A counter that the host does not have: the claim could only fail. A host
 * that is not built to its end has not all of them.
 */
int
world_sysctl_claims(struct world *w, struct strbuf *err)
{
	const struct sc_exp_counter *e;
	struct vnet *vnet;
	uint64_t val;
	int bad = 0;

	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		if (w->w_sc->expect[i].kind != SC_EXP_COUNTER)
			continue;
		e = &w->w_sc->expect[i].counter;
		vnet = world_host(w, e->host)->h_vnet;
		if (!vnet->v_sysctl.st_booted ||
		    sysctl_read(vnet, e->name, &val) == 0)
			continue;
		bad = EINVAL;
		if (sysctl_find(vnet, e->name) == NULL)
			no_sysctl(w, err, scenario_text_at(e->name), vnet,
			    e->name);
		else
			scenario_error(w->w_sc, scenario_text_at(e->name), err,
			    "sysctl `%s` has no value: it is written only",
			    e->name);
	}
	return (bad);
}
