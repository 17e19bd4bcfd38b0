/* A catalogue of files, and the crowd of clients that asks for them. */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/laws.h>
#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "check.h"
#include "node.h"

#define CATALOGUE_MAX ((uint64_t)8 << 30) /* bytes of all its files */

/* From its path, FNV-1a: which file has which size does not hang on the seed. */
static uint64_t
file_size(const struct sc_catalogue *cat, const char *path)
{
	uint64_t h = 0xcbf29ce484222325ULL, low, high, size;

	for (; *path != '\0'; path++)
		h = (h ^ (uint8_t)*path) * 0x100000001b3ULL;
	h ^= h >> 32;
	low = fx_log2(cat->min);
	high = fx_log2(cat->max);
	size = fx_exp2(low +
	    (uint64_t)((unsigned __int128)(high - low) * (uint32_t)h >> 32));
	return (MAX(cat->min, MIN(size, cat->max)));
}

static bool
catalogue_is_sound(struct chk *c, const struct sc_host *h)
{
	const struct sc_catalogue *cat = &h->catalogue;
	size_t len = strlen(cat->path), i;

	for (i = 0; cat->path[i] > ' ' && cat->path[i] < 127; i++)
		;
	if (cat->path[0] != '/' || i < len || len > 900) {
		ERR(c, scenario_text_at(cat->path),
		    "catalogue: a path begins with / and has up to 900 "
		    "printable characters, no blanks");
		return (false);
	}
	if (cat->min > cat->max) {
		ERR(c, &cat->loc,
		    "catalogue of host `%s`: `min` is more than `max`",
		    h->loc.name);
		return (false);
	}
	for (i = 0; i < h->nfiles; i++)
		if (strncmp(h->files[i].loc.name, cat->path, len) == 0) {
			ERR(c, &h->files[i].loc,
			    "file `%s`: the catalogue has paths that begin "
			    "with %s; give it another",
			    h->files[i].loc.name, cat->path);
			return (false);
		}
	return (true);
}

void
check_catalogue(struct chk *c, struct sc_host *h)
{
	struct sc_catalogue *cat = &h->catalogue;
	uint64_t all = 0, n = h->nfiles;
	struct sc_file *files, *f;
	char path[1000];

	if (!cat->present || !catalogue_is_sound(c, h))
		return;
	files = arena_alloc(c->sc->arena, (n + cat->files) * sizeof(*files));
	if (n > 0)
		memcpy(files, h->files, n * sizeof(*files));
	for (uint64_t i = 0; i < cat->files; i++) {
		f = &files[n + i];
		snprintf(path, sizeof(path), "%s%ju", cat->path,
		    (uintmax_t)i + 1);
		*f = (struct sc_file) { .loc = cat->loc,
			.size = file_size(cat, path),
			.cached = cat->cached };
		f->loc.name = arena_strdup(c->sc->arena, path);
		all += f->size;
	}
	if (all > CATALOGUE_MAX) {
		ERR(c, &cat->loc,
		    "catalogue of host `%s`: its files have %ju MiB together, "
		    "8192 MiB are the most",
		    h->loc.name, (uintmax_t)(all >> 20));
		return;
	}
	h->files = files;
	h->nfiles += (unsigned)cat->files;
}

/* A share and the number that it speaks of: both or neither. */
static void
check_pair(struct chk *c, const struct sc_app *a, uint64_t share,
    const char *name, uint64_t value, const char *of)
{
	if (share > 0 && value == 0)
		ERR(c, &a->loc, "client `%s`: `%s` want `%s`", a->loc.name,
		    name, of);
	if (share == 0 && value > 0)
		ERR(c, &a->loc,
		    "client `%s`: `%s` is of its `%s`, and there are none",
		    a->loc.name, of, name);
}

/* A number without a unit: with % behind it the parser of those reads it. */
static bool
zipf_parse(struct sc_app *a)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%s%%", a->zipf);

	if (n >= (int)sizeof(text) || parse_percent(text, &a->zipf_ppb) != 0)
		return (false);
	a->zipf_ppb *= 100;
	return (a->zipf_ppb <= 3000000000);
}

bool
check_load(struct chk *c, struct sc_app *a)
{
	if (!zipf_parse(a))
		ERR(c, scenario_text_at(a->zipf),
		    "`%s` is no exponent of Zipf's law: 0 to 3, such as 0.8",
		    a->zipf);
	check_pair(c, a, a->slow_readers, "slow_readers", a->read_rate,
	    "read_rate");
	check_pair(c, a, a->aborts, "aborts", a->abort_after, "abort_after");
	if (a->interval > 0)
		ERR(c, &a->loc,
		    "client `%s`: connections arrive by chance, `arrivals` in "
		    "a second; `interval` is of other clients",
		    a->loc.name);
	if (a->early_data > 0 && !a->tls.present)
		ERR(c, &a->loc,
		    "client `%s`: `early_data` comes before a TLS handshake: "
		    "give it `tls`",
		    a->loc.name);
	return (true);
}

void
check_load_server(struct chk *c, const struct sc_app *a, const struct sc_app *s,
    const struct sc_host *h)
{
	if (h->nfiles == 0)
		ERR(c, &a->loc,
		    "client `%s` asks for the files of host `%s`, which has "
		    "none: give it `files` or a `catalogue`",
		    a->loc.name, h->loc.name);
	if (a->tls12 > 0 &&
	    (!a->tls.present || a->tls.version <= SC_TLS_12 ||
		s->tls.least > SC_TLS_12))
		ERR(c, &a->loc,
		    "client `%s`: `tls12` is a share beside TLS 1.3: its "
		    "server `%s` wants `tls: {version: \"1.3\", min_version: "
		    "\"1.2\"}`",
		    a->loc.name, s->loc.name);
}
