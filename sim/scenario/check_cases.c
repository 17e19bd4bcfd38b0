/* What a file says of its cases: tags, matrix, exhibit, names of claims. */
#include <ctype.h>
#include <string.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/cases.h>
#include <ktsim/sim/scenario.h>

#include "check.h"
#include "node.h"

#define MAX_AXES 15

/* A value goes into the case's name. */
static void
check_value(struct chk *c, const struct sc_loc *loc, const char *v)
{
	size_t i;

	for (i = 0; v[i] != '\0'; i++)
		if (!isalnum((unsigned char)v[i]) &&
		    strchr("_-.:/%", v[i]) == NULL)
			break;
	if (i == 0 || i > 64 || v[i] != '\0')
		ERR(c, loc,
		    "axis value `%s`: it names cases, use 1 to 64 letters, "
		    "digits and one of _-.:/ or a percent sign",
		    v);
}

static void
check_axis(struct chk *c, const struct sc_axis *ax)
{
	const struct sc_strlist *sl = &ax->values;

	if (sl->n == 0)
		ERR(c, &ax->loc, "axis `%s` has no values", ax->loc.name);
	for (unsigned i = 0; i < sl->n; i++) {
		check_value(c, &sl->loc[i], sl->v[i]);
		for (unsigned j = 0; j < i && i < 256; j++)
			if (strcmp(sl->v[i], sl->v[j]) == 0)
				ERR(c, &sl->loc[i],
				    "axis `%s` has the value `%s` twice",
				    ax->loc.name, sl->v[i]);
	}
}

static const struct sc_axis *
find_axis(const struct sc_matrix *m, const char *name)
{
	for (unsigned i = 0; i < m->naxes; i++)
		if (strcmp(m->axes[i].loc.name, name) == 0)
			return (&m->axes[i]);
	return (NULL);
}

static void
check_exclude_axis(struct chk *c, const struct sc_matrix *m,
    const struct sc_axis *ex)
{
	const struct sc_axis *ax = find_axis(m, ex->loc.name);

	if (ax == NULL) {
		ERR(c, &ex->loc, "the matrix has no axis `%s`%s", ex->loc.name,
		    HINT(c, ex->loc.name, m->axes, m->naxes));
		return;
	}
	for (unsigned i = 0; i < ex->values.n; i++) {
		unsigned j = 0;

		while (j < ax->values.n &&
		    strcmp(ax->values.v[j], ex->values.v[i]) != 0)
			j++;
		if (j == ax->values.n)
			ERR(c, &ex->values.loc[i],
			    "`%s` is no value of the axis `%s`",
			    ex->values.v[i], ax->loc.name);
	}
}

static void
check_matrix(struct chk *c)
{
	const struct sc_matrix *m = &c->sc->matrix;

	if (m->naxes > MAX_AXES)
		ERR(c, &m->loc, "a matrix has up to %d axes", MAX_AXES);
	for (unsigned i = 0; i < m->naxes; i++)
		check_axis(c, &m->axes[i]);
	if (m->strength > m->naxes)
		ERR(c, &m->loc, "`strength` is %ju, but there are only %u axes",
		    (uintmax_t)m->strength, m->naxes);
	for (unsigned i = 0; i < m->nexclude; i++)
		for (unsigned j = 0; j < m->exclude[i].naxes; j++)
			check_exclude_axis(c, m, &m->exclude[i].axes[j]);
}

/* --- exhibits --- */

static void
check_defect(struct chk *c, const struct sc_loc *loc, const char *name)
{
	const char *names[DEFECT_COUNT], *near;

	if (defect_find(name) >= 0)
		return;
	for (int i = 0; i < DEFECT_COUNT; i++)
		names[i] = defect_catalogue[i].di_name;
	near = nearest_name(name, names, DEFECT_COUNT);
	if (near != NULL)
		ERR(c, loc, "there is no defect `%s`; did you mean `%s`?", name,
		    near);
	else
		ERR(c, loc,
		    "there is no defect `%s`; `ktls-sim list defects` shows "
		    "them",
		    name);
}

static const struct sc_expect *
find_claim(const struct scenario *sc, const char *name)
{
	for (unsigned i = 0; i < sc->nexpect; i++)
		if (sc->expect[i].name != NULL &&
		    strcmp(sc->expect[i].name, name) == 0)
			return (&sc->expect[i]);
	return (NULL);
}

static void
check_caught_by(struct chk *c, const char *by)
{
	const struct sc_loc *loc = scenario_text_at(by);

	if (strncmp(by, "invariant ", 10) == 0 && by[10] >= '1' &&
	    by[10] <= '7' && by[11] == '\0')
		return;
	if (strncmp(by, "claim ", 6) != 0)
		ERR(c, loc,
		    "`%s` is neither `invariant N`, N from 1 to 7, nor `claim "
		    "NAME`",
		    by);
	else if (find_claim(c->sc, by + 6) == NULL)
		ERR(c, loc, "no item of `expect` has the name `%s`", by + 6);
}

static void
check_exhibit(struct chk *c)
{
	const struct sc_exhibit *x = &c->sc->exhibit;

	if (!x->present || x->caught_by == NULL || x->id == NULL)
		return;
	check_word(c, scenario_text_at(x->id), x->id, "exhibit", 16);
	for (unsigned i = 0; i < x->defects.n; i++)
		check_defect(c, &x->defects.loc[i], x->defects.v[i]);
	if (x->defects.n == 0)
		ERR(c, &x->loc, "an exhibit has `defects`: one at least");
	check_caught_by(c, x->caught_by);
}

void
check_cases(struct chk *c)
{
	const struct scenario *sc = c->sc;
	const struct sc_expect *e;

	for (unsigned i = 0; i < sc->tags.n; i++)
		check_word(c, &sc->tags.loc[i], sc->tags.v[i], "tag", 32);
	check_matrix(c);
	if (sc->seed > UINT64_MAX - (sc->repeat - 1))
		ERR(c, &sc->loc,
		    "there are no %ju seeds from %ju on: begin with a smaller one",
		    (uintmax_t)sc->repeat, (uintmax_t)sc->seed);
	for (unsigned i = 0; i < sc->nexpect; i++) {
		if ((e = &sc->expect[i])->name == NULL)
			continue;
		check_word(c, scenario_text_at(e->name), e->name, "claim", 64);
		if (find_claim(sc, e->name) != e)
			ERR(c, scenario_text_at(e->name),
			    "another claim has the name `%s` already", e->name);
	}
	check_exhibit(c);
}
