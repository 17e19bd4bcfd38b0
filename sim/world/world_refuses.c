/* What kernels and libpcap say of a file that has mistakes besides. */
#include <string.h>

#include "world_priv.h"

void
world_refuses(const char *path, const char *const *sets, struct strbuf *diag)
{
	struct strbuf said[2] = { { 0 }, { 0 } };
	struct world_opts wo = { .wo_dry = true };
	struct scenario *sc;
	struct world *w;

	for (unsigned i = 0; i < nitems(said); i++) {
		if (strcmp(path, "-") == 0 ||
		    scenario_remainder(path, sets, i + 2, &sc) != 0)
			break;
		if (world_create(sc, &wo, &w, &said[i]) == 0)
			world_destroy(w);
		scenario_free(sc);
	}
	if (strcmp(strbuf_str(&said[0]), strbuf_str(&said[1])) == 0)
		strbuf_add(diag, strbuf_str(&said[0]), said[0].sb_len);
	for (unsigned i = 0; i < nitems(said); i++)
		strbuf_fini(&said[i]);
}
