/*
 * Any bytes as a scenario: the loader takes them or refuses them, and keeps
 * what scenario.h promises of both. Leading lines "#set KEY=VALUE" (comments
 * for YAML) are also given as --set.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Not KASSERT, which a build may leave out. */
#define MUST(cond)                                                     \
	do {                                                           \
		if (!(cond)) {                                         \
			fprintf(stderr, "fuzz_scenario: %s\n", #cond); \
			abort();                                       \
		}                                                      \
	} while (0)

#define SETS_MAX 8

static unsigned
take_sets(const uint8_t *p, size_t len, char **sets)
{
	const uint8_t *nl;
	unsigned n = 0;
	size_t l;

	while (n < SETS_MAX && len > 5 && memcmp(p, "#set ", 5) == 0 &&
	    (nl = memchr(p, '\n', len)) != NULL) {
		l = (size_t)(nl - p) - 5;
		/* An argument ends at its NUL. */
		sets[n] = xcalloc(1, l + 1);
		memcpy(sets[n++], p + 5, l);
		len -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	sets[n] = NULL;
	return (n);
}

static void
must_be_sound(const struct scenario *sc)
{
	MUST(sc->format == 1);
	MUST(strlen(sc->name) >= 1 && strlen(sc->name) <= 64);
	MUST(strpbrk(sc->name, "/. \n") == NULL);
	MUST(sc->until >= 1 && sc->until <= 86400 * SIM_SEC);
	for (unsigned i = 0; i < sc->nhosts; i++) {
		MUST(sc->hosts[i].loc.name != NULL && sc->hosts[i].cpus >= 1);
		for (unsigned j = 0; j < sc->hosts[i].nnics; j++)
			MUST(sc->hosts[i].nics[j].model != NULL);
		for (unsigned j = 0; j < sc->hosts[i].nfiles; j++)
			MUST(sc->hosts[i].files[j].loc.name[0] == '/');
	}
	for (unsigned i = 0; i < sc->nlinks; i++)
		MUST(sc->links[i].ends.n == 2 && sc->links[i].rate >= 1000 &&
		    sc->links[i].loss <= 1000000000);
	for (unsigned i = 0; i < sc->napps; i++) {
		MUST(sc->apps[i].host != NULL && sc->apps[i].port >= 1 &&
		    sc->apps[i].port <= 65535);
		MUST(sc->apps[i].type != SC_APP_IPERF_CLIENT ||
		    (sc->apps[i].server != NULL &&
			(sc->apps[i].duration != 0) !=
			    (sc->apps[i].bytes != 0)));
		MUST((sc->apps[i].type != SC_APP_OPENSSL_CLIENT &&
			 sc->apps[i].type != SC_APP_OPENSSL_SERVER) ||
		    (sc->apps[i].ncalls > 0 && sc->apps[i].tls.present));
		MUST(sc->apps[i].type != SC_APP_HTTPS_LOAD ||
		    (sc->apps[i].arrivals >= 1 &&
			sc->apps[i].zipf_ppb <= 3000000000 &&
			sc->apps[i].pipeline <= 64));
		MUST(sc->apps[i].type != SC_APP_HTTPS_CLIENT ||
		    (sc->apps[i].server != NULL &&
			(sc->apps[i].path != NULL) !=
			    (sc->apps[i].upload != NULL) &&
			sc->apps[i].connections >= 1));
		MUST(sc->apps[i].type != SC_APP_NFS_CLIENT ||
		    (sc->apps[i].server != NULL && sc->apps[i].rsize >= 512 &&
			sc->apps[i].readahead < 64 &&
			(sc->apps[i].path != NULL) !=
			    (sc->apps[i].upload != NULL)));
		MUST((sc->apps[i].type != SC_APP_OWN_SERVER &&
			 sc->apps[i].type != SC_APP_OWN_CLIENT) ||
		    (sc->apps[i].program.n >= 1 &&
			sc->apps[i].connections <= SC_OWN_CONNS));
		MUST(sc->apps[i].daemon.timeout >= 1 ||
		    !sc->apps[i].daemon.present);
	}
	for (unsigned i = 0; i < sc->nsteps; i++)
		MUST(sc->timeline[i].on != NULL &&
		    (sc->timeline[i].action != SC_DO_SYSCTL ||
			sc->timeline[i].name != NULL));
	for (unsigned i = 0; i < sc->nexpect; i++)
		MUST(sc->expect[i].kind >= SC_EXP_DELIVERED &&
		    sc->expect[i].kind < SC_EXP_KINDS);
}

/* What is printed may not speak to the terminal. */
static void
must_be_printable(const char *text)
{
	for (; *text != '\0'; text++)
		MUST(((unsigned char)*text >= ' ' && *text != 127) ||
		    *text == '\n');
}

static int
load(const uint8_t *data, size_t size, const char *const *sets,
    struct strbuf *diag)
{
	struct strbuf file = { 0 };
	struct scenario *sc = NULL;
	int rc;

	strbuf_add(&file, data, size);
	rc = scenario_parse("fuzz.yaml", &file, sets, &sc, diag);
	MUST(rc == 0 || rc == EINVAL);
	MUST((rc == 0) == (sc != NULL));
	MUST((rc == 0) == (diag->sb_len == 0));
	if (rc == 0)
		must_be_sound(sc);
	else
		MUST(strstr(strbuf_str(diag), ": error: ") != NULL);
	must_be_printable(strbuf_str(diag));
	scenario_free(sc);
	return (rc);
}

/* What is left of a file with mistakes is a scenario, though a small one. */
static void
remains(const uint8_t *data, size_t size, const char *const *sets)
{
	struct scenario *sc = NULL;
	struct strbuf file = { 0 };
	int rc;

	for (unsigned which = 2; which <= 3; which++) {
		strbuf_add(&file, data, size);
		rc = scenario_remainder_parse("fuzz.yaml", &file, sets, which,
		    &sc);
		MUST(rc == 0 || rc == ENOENT);
		if (rc != 0)
			continue;
		for (unsigned i = 0; i < sc->nlinks; i++)
			MUST(sc->links[i].ends.n == 2);
		for (unsigned i = 0; i < sc->napps; i++)
			MUST(sc->apps[i].host != NULL);
		scenario_free(sc);
	}
}

/* What is YAML has a canonical form, which is its own. */
static void
format(const uint8_t *data, size_t size)
{
	struct strbuf file = { 0 }, once = { 0 }, twice = { 0 }, diag = { 0 };

	strbuf_add(&file, data, size);
	if (scenario_format("fuzz.yaml", &file, &once, &diag) == 0) {
		MUST(scenario_format("fuzz.yaml", &once, &twice, &diag) == 0);
		MUST(once.sb_len == twice.sb_len &&
		    memcmp(strbuf_str(&once), strbuf_str(&twice),
			once.sb_len) == 0);
	}
	MUST(strstr(strbuf_str(&diag), "cannot be formatted") == NULL);
	strbuf_fini(&file);
	strbuf_fini(&once);
	strbuf_fini(&twice);
	strbuf_fini(&diag);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf first = { 0 }, second = { 0 };
	char *sets[SETS_MAX + 1];
	const char *const *s = (const char *const *)sets;
	unsigned n = take_sets(data, size, sets);

	format(data, size);
	/* The same twice says the same. */
	MUST(load(data, size, s, &first) == load(data, size, s, &second));
	MUST(strcmp(strbuf_str(&first), strbuf_str(&second)) == 0);
	if (first.sb_len > 0)
		remains(data, size, s);
	strbuf_fini(&first);
	strbuf_fini(&second);
	while (n > 0)
		free(sets[--n]);
	return (0);
}
