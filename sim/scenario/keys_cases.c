/* The keys of what a file has beside one run: cells, defaults, an exhibit. */
#include <ktsim/base/kassert.h>

#include "keys.h"

static const struct key matrix_keys[] = {
	{ "axes", K_MAPOF, F(sc_matrix, axes), F(sc_matrix, naxes),
	    .required = true, .since = "0.2",
	    .text =
		"parameter: list of its values; `run` takes each one's first" },
	{ "strength", K_UINT, F(sc_matrix, strength), .def = "0", .max = 6,
	    .since = "0.2",
	    .text =
		"not every combination, but so few cells that any `strength` axes meet in all their combinations; 0: every one" },
	{ "exclude", K_CELLS, F(sc_matrix, exclude), F(sc_matrix, nexclude),
	    .since = "0.2",
	    .text =
		"cells that are left out, each by values of some axes, such as {card: t6, version: [1.0, 1.1]}" },
};
const struct key_map matrix_map = { "matrix", matrix_keys, nitems(matrix_keys),
	sizeof(struct sc_matrix) };

static const struct key exhibit_keys[] = {
	{ "id", K_STR, F(sc_exhibit, id), .required = true, .since = "0.2",
	    .text = "its number in the museum: M and two digits, or a word" },
	{ "title", K_STR, F(sc_exhibit, title), .required = true,
	    .since = "0.2", .text = "the bug in a few words" },
	{ "links", K_STRLIST, F(sc_exhibit, links), .since = "0.2",
	    .text = "where one reads about it" },
	{ "defects", K_STRLIST, F(sc_exhibit, defects), .required = true,
	    .since = "0.2",
	    .text = "the bug as planted defects (`ktls-sim list defects`)" },
	{ "caught_by", K_STR, F(sc_exhibit, caught_by), .required = true,
	    .since = "0.2",
	    .text =
		"what turns red with them: `invariant 6`, or `claim NAME`, an item of `expect` with that `name`" },
};
const struct key_map exhibit_map = { "exhibit", exhibit_keys,
	nitems(exhibit_keys), sizeof(struct sc_exhibit) };

static const struct key defaults_keys[] = {
	{ "host", K_MAP, .scratch = true, .map = &host_map, .as = "hosts.NAME",
	    .since = "0.2", .text = "of hosts, as in hosts.NAME" },
	{ "nic", K_MAP, .scratch = true, .map = &nic_map,
	    .as = "hosts.NAME.nics.NAME", .since = "0.2",
	    .text = "of cards, as in hosts.NAME.nics.NAME" },
	{ "link", K_MAP, .scratch = true, .map = &link_map, .as = "links[]",
	    .since = "0.2", .text = "of links, as in links[]" },
	{ "app", K_MAP, .scratch = true, .map = &app_map, .as = "apps.NAME",
	    .since = "0.2",
	    .text =
		"of applications, as in apps.NAME; what belongs to another type is left out" },
};
struct sc_defaults {
	struct sc_loc loc;
};
const struct key_map defaults_map = { "defaults", defaults_keys,
	nitems(defaults_keys), sizeof(struct sc_defaults) };
