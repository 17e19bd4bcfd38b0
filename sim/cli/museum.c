/* The museum's folder: which exhibits are there, and what their files tell. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#include "museum.h"

#define HERE	  "scenarios/museum"
#define INSTALLED KTSIM_DATADIR "/museum"

static bool
is_folder(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static int
museum_folder(struct museum *mu)
{
	if (mu->m_dir != NULL)
		return (0);
	if (is_folder(HERE))
		mu->m_dir = xstrdup(HERE);
	else if (is_folder(INSTALLED))
		mu->m_dir = xstrdup(INSTALLED);
	else {
		fputs("ktls-sim museum: there is no folder " HERE
		      " here, nor " INSTALLED ": --dir DIR names one\n",
		    stderr);
		return (EXIT_MISSING);
	}
	return (0);
}

/* --- files --- */

static int
is_scenario(const struct dirent *de)
{
	size_t len = strlen(de->d_name), n = strlen(SUITE_SUFFIX);

	return (de->d_name[0] != '.' && len > n &&
	    strcmp(de->d_name + len - n, SUITE_SUFFIX) == 0);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return (strcmp((*a)->d_name, (*b)->d_name));
}

/* The comment at the top, without its signs. */
static char *
story_of(const char *text)
{
	struct strbuf sb = { 0 };
	size_t n;

	for (; *text == '#'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (strncmp(text, "# yaml-language-server", 22) == 0)
			continue;
		strbuf_add(&sb, text + 1 + (text[1] == ' '),
		    n - 1 - (text[1] == ' '));
		strbuf_adds(&sb, "\n");
	}
	return (strbuf_take(&sb));
}

static int
museum_add(struct museum *mu, const char *name)
{
	char *path = xasprintf("%s/%s", mu->m_dir, name);
	struct strbuf diag = { 0 };
	struct scenario *sc = NULL;
	const struct exhibit *other;
	struct exhibit *e;
	int error;

	error = scenario_load(path, NULL, &sc, &diag);
	if (error != 0 || !sc->exhibit.present) {
		if (error != 0)
			color_diag(strbuf_str(&diag));
		strbuf_fini(&diag);
		scenario_free(sc);
		free(path);
		return (error == 0	  ? 0
			: error == EINVAL ? EXIT_USAGE
					  : EXIT_MISSING);
	}
	strbuf_fini(&diag);
	if ((other = museum_find(mu, sc->exhibit.id)) != NULL) {
		fprintf(stderr, "%s: error: exhibit %s is in %s already\n",
		    path, sc->exhibit.id, other->e_path);
		scenario_free(sc);
		free(path);
		return (EXIT_USAGE);
	}
	mu->m_v = xrealloc(mu->m_v, (mu->m_n + 1) * sizeof(*mu->m_v));
	e = &mu->m_v[mu->m_n++];
	*e = (struct exhibit) { path, sc, story_of(sc->text) };
	return (0);
}

int
museum_open(struct museum *mu)
{
	struct dirent **names;
	int n, rc;

	if ((rc = museum_folder(mu)) != 0)
		return (rc);
	if ((n = scandir(mu->m_dir, &names, is_scenario, by_bytes)) < 0) {
		fprintf(stderr, "ktls-sim museum: %s: %s\n", mu->m_dir,
		    strerror(errno));
		return (EXIT_MISSING);
	}
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = museum_add(mu, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (rc == 0 && mu->m_n == 0) {
		fprintf(stderr,
		    "ktls-sim museum: %s: none of its scenarios (*" SUITE_SUFFIX
		    ") has `exhibit`\n",
		    mu->m_dir);
		return (EXIT_MISSING);
	}
	return (rc);
}

void
museum_fini(struct museum *mu)
{
	for (unsigned i = 0; i < mu->m_n; i++) {
		free(mu->m_v[i].e_path);
		free(mu->m_v[i].e_story);
		scenario_free(mu->m_v[i].e_sc);
	}
	free(mu->m_v);
	free(mu->m_dir);
}

/* --- */

/* A number alone is one of the M's. */
static bool
is_id(const char *have, const char *want)
{
	if (strcasecmp(have, want) == 0)
		return (true);
	if (toupper((unsigned char)have[0]) != 'M' || *want == '\0' ||
	    want[strspn(want, "0123456789")] != '\0')
		return (false);
	have += 1 + strspn(have + 1, "0");
	return (strcmp(have, want + strspn(want, "0")) == 0);
}

const struct exhibit *
museum_find(const struct museum *mu, const char *id)
{
	for (unsigned i = 0; i < mu->m_n; i++)
		if (is_id(mu->m_v[i].e_sc->exhibit.id, id))
			return (&mu->m_v[i]);
	return (NULL);
}

char *
exhibit_expect(const struct exhibit *e)
{
	const char *at = e->e_sc->text, *nl;
	struct strbuf sb = { 0 };
	bool in = false;

	for (; *at != '\0'; at = nl + (*nl == '\n')) {
		nl = at + strcspn(at, "\n");
		if (nl > at && (isalpha((unsigned char)*at) || *at == '_'))
			in = strncmp(at, "expect:", 7) == 0;
		else if (in && nl > at) {
			strbuf_add(&sb, at, (size_t)(nl - at));
			strbuf_adds(&sb, "\n");
		}
	}
	return (strbuf_take(&sb));
}
