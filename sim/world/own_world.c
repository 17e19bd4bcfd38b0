/* Programs of the user's, of a whole world: which may be started, what they
 * came to, and that none is left. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own_priv.h"

/* --- before --- */

static int
refuse(const struct app *a, struct strbuf *err, int error, const char *what)
{
	scenario_error(a->a_world->w_sc, &a->a_sc->program.loc[0], err, what,
	    a->a_sc->program.v[0], strerror(error));
	return (error);
}

/* The scenario's, with its slash; NULL: it has none. */
static char *
scenario_folder(const struct scenario *sc)
{
	const char *slash = strrchr(sc->path, '/');
	char real[PATH_MAX], *folder;
	bool good;

	if (strcmp(sc->path, "-") == 0)
		return (NULL);
	folder = slash == NULL
	    ? xstrdup(".")
	    : xasprintf("%.*s", (int)(slash - sc->path) + 1, sc->path);
	good = realpath(folder, real) != NULL;
	free(folder);
	if (!good)
		return (NULL);
	return (xasprintf("%s%s", real, strcmp(real, "/") == 0 ? "" : "/"));
}

/* A scenario must not start what lies elsewhere, whatever links lead there. */
static int
find_program(struct app *a, struct strbuf *err)
{
	const char *word = a->a_sc->program.v[0];
	char real[PATH_MAX], *path;
	struct stat st;
	bool found;

	if ((a->a_folder = scenario_folder(a->a_world->w_sc)) == NULL)
		return (refuse(a, err, EINVAL,
		    "`%s`: a scenario that is not read from a file has no "
		    "programs beside it"));
	if (*word == '/')
		return (refuse(a, err, EINVAL,
		    "`%s`: a program is named by its path from the "
		    "scenario's folder"));
	path = xasprintf("%s%s", a->a_folder, word);
	found = realpath(path, real) != NULL && stat(real, &st) == 0;
	free(path);
	if (!found)
		return (refuse(a, err, errno,
		    "`%s` cannot be started: %s; programs lie beside the "
		    "scenario or below (an output folder has no copy of them: "
		    "name the scenario's file)"));
	if (strncmp(real, a->a_folder, strlen(a->a_folder)) != 0)
		return (refuse(a, err, EINVAL,
		    "`%s` is not below the scenario's folder: a program lies "
		    "beside the scenario or below"));
	if (!S_ISREG(st.st_mode) || access(real, X_OK) != 0)
		return (refuse(a, err, EACCES,
		    "`%s` cannot be started: %s; it is to be a file that may "
		    "be executed (chmod +x)"));
	a->a_program = xstrdup(real);
	return (0);
}

int
own_create(struct app *a, struct strbuf *err)
{
	const struct world_opts *wo = &a->a_world->w_opts;

	if (a->a_ops != &own_ops)
		return (0);
	if (!wo->wo_dry && !wo->wo_programs)
		return (refuse(a, err, EINVAL,
		    "the scenario wants to start the program `%s`, with your "
		    "rights: if you trust it, say --allow-programs"));
	return (find_program(a, err));
}

/* --- after --- */

static struct own *
own_of(const struct conn *c)
{
	return (c->c_app->a_ops == &own_ops ? c->c_data : NULL);
}

static const char *
end_state(const struct conn *c, const struct own *o)
{
	if (o == NULL || (c->c_so != NULL && o->o_reason == NULL))
		return ("unfinished");
	return (c->c_failed != NULL ? "failed" : "done");
}

static void
collect_end(const struct conn *c, struct own_end *oe)
{
	const struct own *o = own_of(c);

	*oe = (struct own_end) { .oe_name = xasprintf("%s#%u",
				     c->c_app->a_sc->loc.name, c->c_index),
		.oe_state = end_state(c, o),
		.oe_reason = c->c_failed };
	if (o == NULL)
		return;
	oe->oe_turns = o->o_turns;
	oe->oe_sent = o->o_sent;
	oe->oe_got = o->o_got;
	oe->oe_log = o->o_log;
	oe->oe_nlog = o->o_nlog;
	oe->oe_left_out = o->o_log_left_out;
	oe->oe_numbers = o->o_numbers;
	oe->oe_nnumbers = o->o_nnumbers;
	oe->oe_cannot_start = o->o_cannot_start;
}

void
own_collect(struct app *a)
{
	struct result *r = &a->a_world->w_res;
	struct own_result *ow;
	struct conn *c;

	r->r_own = xrealloc(r->r_own, (r->r_nown + 1) * sizeof(*r->r_own));
	ow = &r->r_own[r->r_nown++];
	*ow = (struct own_result) { .ow_name = a->a_sc->loc.name,
		.ow_program = a->a_sc->program.v[0],
		.ow_server = !sc_app_is_client(a->a_sc->type),
		.ow_ends = xcalloc(a->a_nconns + 1, sizeof(*ow->ow_ends)) };
	TAILQ_FOREACH(c, &a->a_conns, c_link)
		collect_end(c, &ow->ow_ends[ow->ow_nends++]);
}

void
own_kill(struct world *w)
{
	struct conn *c;
	struct own *o;

	for (unsigned i = 0; i < w->w_sc->napps && w->w_apps != NULL; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link) {
			if ((o = own_of(c)) == NULL)
				continue;
			own_proc_destroy(o->o_proc);
			o->o_proc = NULL;
		}
}

uint64_t
own_turns(const struct world *w)
{
	const struct conn *c;
	uint64_t n = 0;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
			n += own_of(c) != NULL ? own_of(c)->o_turns : 0;
	return (n);
}

void
own_free(struct conn *c)
{
	struct own *o = c->c_data;
	struct own_item *oi;

	while ((oi = STAILQ_FIRST(&o->o_out)) != NULL) {
		STAILQ_REMOVE_HEAD(&o->o_out, oi_link);
		free(oi);
	}
	for (unsigned i = 0; i < o->o_nlog; i++)
		free(o->o_log[i].ol_text);
	for (unsigned i = 0; i < o->o_nnumbers; i++)
		free(o->o_numbers[i].on_key);
	free(o->o_reason);
	own_proc_destroy(o->o_proc);
	free(o);
}
