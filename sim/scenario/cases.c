/*
 * From a file to its cases. The file is read once as it stands, for its axes,
 * and once more for every cell, so that mistakes of one cell alone are found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/cases.h>
#include <ktsim/sim/scenario.h>

#include "cover.h"
#include "node.h"
#include "source.h"

struct lister {
	const char *path, *folder;
	const struct strbuf *text;
	const char *const *sets;
	const struct scenario *sc; /* as it stands */
	struct arena *arena;
	struct sc_cases *cs;
	struct strbuf *diag;
	unsigned max;
};

static const char **
strings_copy(struct arena *a, const char *const *v, unsigned n)
{
	const char **to = arena_alloc(a, (n + 1) * sizeof(*to));

	for (unsigned i = 0; i < n; i++)
		to[i] = arena_strdup(a, v[i]);
	return (to);
}

static unsigned
count(const char *const *sets)
{
	unsigned n = 0;

	while (sets != NULL && sets[n] != NULL)
		n++;
	return (n);
}

/* --- one cell --- */

static char *
cell_name(struct lister *li, const struct sc_matrix *m, uint64_t cell)
{
	struct strbuf sb = { 0 };
	char *name;

	for (unsigned i = 0; i < m->naxes; i++)
		strbuf_addf(&sb, "%s%s=%s", i > 0 ? "," : "",
		    m->axes[i].loc.name,
		    m->axes[i].values.v[cover_value(m, cell, i)]);
	name = arena_strdup(li->arena, strbuf_str(&sb));
	strbuf_fini(&sb);
	return (name);
}

static const char **
cell_sets(struct lister *li, const struct sc_matrix *m, uint64_t cell)
{
	const char **sets =
	    arena_alloc(li->arena, (m->naxes + 1) * sizeof(*sets));

	for (unsigned i = 0; i < m->naxes; i++)
		sets[i] = arena_printf(li->arena, "parameters.%s=%s",
		    m->axes[i].loc.name,
		    m->axes[i].values.v[cover_value(m, cell, i)]);
	return (sets);
}

/* The caller's sets, and the cell's over them. */
static int
cell_load(struct lister *li, const char **cell, struct scenario **sc,
    struct strbuf *diag)
{
	unsigned n = count(li->sets), m = count(cell);
	struct strbuf text = { 0 };
	const char **all = arena_alloc(li->arena, (n + m + 1) * sizeof(*all));

	for (unsigned i = 0; i < n; i++)
		all[i] = li->sets[i];
	for (unsigned i = 0; i < m; i++)
		all[n + i] = cell[i];
	strbuf_add(&text, strbuf_str(li->text), li->text->sb_len);
	return (source_parse(li->path, li->folder, &text, all, sc, diag));
}

static struct sc_case *
case_add(struct lister *li)
{
	struct sc_cases *cs = li->cs;

	if (cs->cs_n == li->max) {
		li->max = MAX(2 * li->max, 16);
		cs->cs_v = xrealloc(cs->cs_v, li->max * sizeof(*cs->cs_v));
	}
	return (&cs->cs_v[cs->cs_n++]);
}

static void
cell_add(struct lister *li, const struct scenario *sc, char *name,
    const char **sets)
{
	const struct sc_exhibit *x = &sc->exhibit;
	struct sc_case *ca;

	for (uint64_t i = 0; i < sc->repeat; i++) {
		ca = case_add(li);
		*ca = (struct sc_case) { .ca_cell = name,
			.ca_sets = sets,
			.ca_seed = sc->seed + i };
		if (!x->present)
			continue;
		ca = case_add(li);
		*ca = ca[-1];
		ca->ca_defects =
		    strings_copy(li->arena, x->defects.v, x->defects.n);
		ca->ca_caught_by = arena_strdup(li->arena, x->caught_by);
	}
}

/* What another cell has told already is not told again. */
static void
cell_told(struct lister *li, const char *name, const struct strbuf *diag)
{
	if (strstr(strbuf_str(li->diag), strbuf_str(diag)) != NULL)
		return;
	strbuf_add(li->diag, strbuf_str(diag), diag->sb_len);
	strbuf_addf(li->diag, "%s: note: in the case [%s]\n", li->path, name);
}

static int
cell_take(struct lister *li, uint64_t cell)
{
	const struct sc_matrix *m = &li->sc->matrix;
	char *name = cell_name(li, m, cell);
	const char **sets = cell_sets(li, m, cell);
	struct strbuf diag = { 0 };
	struct scenario *sc;
	int error;

	if ((error = cell_load(li, sets, &sc, &diag)) != 0)
		cell_told(li, name, &diag);
	else {
		cell_add(li, sc, name, sets);
		scenario_free(sc);
	}
	strbuf_fini(&diag);
	return (error);
}

/* --- all of them --- */

static int
too_many(struct lister *li, const struct sc_loc *at, const char *remedy)
{
	scenario_error(li->sc, at, li->diag, "more than %d cases: %s",
	    SC_CASES_MAX, remedy);
	return (EINVAL);
}

static int
list_cells(struct lister *li)
{
	const struct sc_matrix *m = &li->sc->matrix;
	uint64_t *cells;
	unsigned n;
	int error = 0, one;

	if (cover_product(m) > COVER_MAX_PRODUCT) {
		scenario_error(li->sc, &m->loc, li->diag,
		    "the axes have more than %d combinations: take fewer "
		    "values, or two scenarios",
		    COVER_MAX_PRODUCT);
		return (EINVAL);
	}
	cells = cover_cells(m, &n);
	if (n == 0) {
		scenario_error(li->sc, &m->loc, li->diag,
		    "`exclude` leaves no cell");
		error = EINVAL;
	} else if ((uint64_t)n * li->sc->repeat > SC_CASES_MAX / 2)
		error = too_many(li, &m->loc,
		    "give the matrix a `strength`, or `repeat` less");
	else
		for (unsigned i = 0; i < n; i++)
			if ((one = cell_take(li, cells[i])) != 0)
				error = one;
	free(cells);
	return (error);
}

static void
describe(struct lister *li)
{
	const struct scenario *sc = li->sc;
	struct sc_cases *cs = li->cs;

	cs->cs_name = arena_strdup(li->arena, sc->name);
	if (sc->description != NULL && sc->description[0] != '\0')
		cs->cs_description = arena_strdup(li->arena, sc->description);
	cs->cs_tags = strings_copy(li->arena, sc->tags.v, sc->tags.n);
	if (sc->exhibit.present)
		cs->cs_exhibit = arena_strdup(li->arena, sc->exhibit.id);
	cs->cs_live = scenario_is_live(sc);
	for (unsigned i = 0; i < sc->napps; i++)
		cs->cs_programs = cs->cs_programs || sc->apps[i].program.n > 0;
}

static bool
set_names(const char *set, const char *axis)
{
	static const char map[] = "parameters.";
	size_t n = strlen(axis);

	if (strncmp(set, map, strlen(map)) == 0)
		set += strlen(map);
	return (strncmp(set, axis, n) == 0 && set[n] == '=');
}

/* The cells give the axes their values, whatever --set says. */
static int
sets_leave_axes(struct lister *li)
{
	const struct sc_matrix *m = &li->sc->matrix;
	const char *axis;
	int error = 0;

	for (unsigned i = 0; i < count(li->sets); i++)
		for (unsigned j = 0; j < m->naxes; j++) {
			axis = m->axes[j].loc.name;
			if (!set_names(li->sets[i], axis))
				continue;
			strbuf_addf(li->diag,
			    "--set %s: error: `%s` is an axis of the matrix of "
			    "%s, which has all its values; choose cells with "
			    "--filter '*%s=VALUE*'\n",
			    li->sets[i], axis, li->path, axis);
			error = EINVAL;
		}
	return (error);
}

/* The text is there. */
static int
list_all(struct lister *li)
{
	const char **none = arena_alloc(li->arena, sizeof(*none));
	struct scenario *sc;
	int error;

	if ((error = cell_load(li, none, &sc, li->diag)) != 0)
		return (error);
	li->sc = sc;
	describe(li);
	if (sc->matrix.naxes > 0 && (error = sets_leave_axes(li)) == 0)
		error = li->cs->cs_live ? 0 : list_cells(li);
	else if (sc->matrix.naxes == 0 && !li->cs->cs_live)
		cell_add(li, sc, arena_strdup(li->arena, ""), none);
	scenario_free(sc);
	return (error);
}

int
scenario_cases(const char *path, const char *const *sets, struct sc_cases **out,
    struct strbuf *diag)
{
	struct strbuf text = { 0 };
	struct lister li = { .path = path,
		.sets = sets,
		.diag = diag,
		.text = &text };
	char *folder;
	int error;

	if ((error = source_read(path, &text)) != 0) {
		strbuf_fini(&text);
		strbuf_addf(diag, "%s: error: %s\n", path, source_error(error));
		return (error == EFBIG ? EINVAL : error);
	}
	li.folder = folder = source_folder(path);
	li.cs = xcalloc(1, sizeof(*li.cs));
	li.cs->cs_arena = li.arena = xcalloc(1, sizeof(*li.arena));
	if ((error = list_all(&li)) != 0)
		scenario_cases_free(li.cs);
	else
		*out = li.cs;
	free(folder);
	strbuf_fini(&text);
	return (error);
}

void
scenario_cases_free(struct sc_cases *cs)
{
	if (cs == NULL)
		return;
	arena_free(cs->cs_arena);
	free(cs->cs_arena);
	free(cs->cs_v);
	free(cs);
}

const struct sc_case *
scenario_case(const struct sc_cases *cs, const char *cell)
{
	for (unsigned i = 0; i < cs->cs_n; i++)
		if (strcmp(cs->cs_v[i].ca_cell, cell) == 0 &&
		    cs->cs_v[i].ca_defects == NULL)
			return (&cs->cs_v[i]);
	return (NULL);
}
