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

int
world_sysctl_set(struct vnet *vnet, const char *name, const struct sc_value *v)
{
	return (v->word != NULL ? sysctl_write_word(vnet, name, v->word)
				: sysctl_write(vnet, name, v->number));
}

void
sysctl_refusal(const struct sysctl_oid *oid, const struct sc_value *v,
    int error, struct strbuf *sb)
{
	strbuf_addf(sb, "sysctl `%s` ", oid->oid_name);
	if (v->word == NULL) {
		strbuf_addf(sb, "refuses %ju (%s)", (uintmax_t)v->number,
		    errno_name(error));
		return;
	}
	if (oid->oid_words == NULL)
		strbuf_adds(sb, "wants a whole number, 0 or more");
	for (unsigned i = 0;
	     oid->oid_words != NULL && oid->oid_words[i] != NULL; i++)
		strbuf_addf(sb, "%s`%s`", i > 0 ? ", " : "is one of ",
		    oid->oid_words[i]);
	strbuf_addf(sb, ", not `%s`", v->word);
}

static void
refused(struct world *w, const struct sc_loc *loc, const struct sysctl_oid *oid,
    const struct sc_value *v, int error, struct strbuf *err)
{
	struct strbuf sb = { 0 };

	sysctl_refusal(oid, v, error, &sb);
	scenario_error(w->w_sc, loc, err, "%s", strbuf_str(&sb));
	strbuf_fini(&sb);
}

int
world_sysctls(struct world *w, struct whost *h, struct strbuf *err)
{
	const struct sysctl_oid *oid;
	const struct sc_setting *s;
	int error, bad = 0;

	for (unsigned i = 0; i < h->h_sc->nsysctl; i++) {
		s = &h->h_sc->sysctl[i];
		error = world_sysctl_set(h->h_vnet, s->loc.name, &s->value);
		if (error == 0)
			continue;
		bad = EINVAL;
		oid = sysctl_find(h->h_vnet, s->loc.name);
		if (oid == NULL)
			no_sysctl(w, err, &s->loc, h->h_vnet, s->loc.name);
		else if (error == EPERM)
			scenario_error(w->w_sc, &s->loc, err,
			    "sysctl `%s` is read-only: a claim `counter` can "
			    "look at it",
			    s->loc.name);
		else if (oid->oid_kind == CTL_WR)
			no_number(w, &s->loc, s->loc.name, err);
		else
			refused(w, &s->loc, oid, &s->value, error, err);
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

/* Numbers are looked at when they are written. */
static bool
sysctl_has_word(const struct sysctl_oid *oid, const char *word)
{
	if (word == NULL)
		return (true);
	for (unsigned i = 0;
	     oid->oid_words != NULL && oid->oid_words[i] != NULL; i++)
		if (strcmp(oid->oid_words[i], word) == 0)
			return (true);
	return (false);
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
	    (oid != NULL && oid->oid_kind == CTL_RW &&
		sysctl_has_word(oid, st->value.word)))
		return (0);
	if (oid != NULL && oid->oid_kind == CTL_RW)
		refused(w, loc, oid, &st->value, EINVAL, err);
	else if (oid == NULL)
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
