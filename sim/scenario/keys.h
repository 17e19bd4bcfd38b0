/*
 * The key table: every key a scenario may have, with its type, default,
 * bounds and meaning. The loader, the defaults, the diagnostics and the
 * documentation are all made from it.
 */
#ifndef SCENARIO_KEYS_H
#define SCENARIO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/sim/scenario.h>

enum key_kind {
	K_STR,	/* const char * */
	K_UINT, /* uint64_t, bare number */
	K_BOOL, /* bool */
	K_TIME,
	K_RATE,
	K_SIZE,
	K_PERCENT,  /* uint64_t with a unit */
	K_ENUM,	    /* int, index in names */
	K_STRLIST,  /* struct sc_strlist; one word counts as a list */
	K_MAP,	    /* a structure in place */
	K_MAPOF,    /* pointer + count: named structures */
	K_LIST,	    /* pointer + count: structures in order */
	K_SETTINGS, /* pointer + count: struct sc_setting */
	K_VALUE,    /* struct sc_value */
	K_KNOBS,    /* pointer + count: struct sc_knob */
	K_CELLS	    /* pointer + count: struct sc_cell */
};

struct key_map;

struct key {
	const char *name;
	enum key_kind kind;
	size_t off;  /* in the structure */
	size_t noff; /* of the count, or of the bool that says
					   the key was given; 0: none */
	bool required;
	const char *def;	  /* as one would write it; NULL: zero */
	uint64_t min, max;	  /* max 0: no bounds */
	const char *const *names; /* K_ENUM, NULL-terminated */
	const struct key_map *map;
	const char *as;	   /* the map is described there, in the reference */
	unsigned of;	   /* only where the map's first key (an enum) has
			one of these values: bits; 0: everywhere */
	bool scratch;	   /* is looked at, and not kept: the passes
			over the tree (tree.h) have used it */
	const char *since; /* first version that has it; NULL: 0.1 */
	const char *text;
};

struct key_map {
	const char *what; /* "host", for messages */
	const struct key *keys;
	unsigned n;
	size_t size; /* of the structure */
};

extern const struct key_map scenario_keys;
/* Words that several tables have. */
extern const char *const completion_names[], *const misreads_names[];
/* Its parts that have files of their own. */
extern const struct key_map host_map, nic_map, app_map, matrix_map, exhibit_map,
    defaults_map, link_map, impair_map, switch_map, step_map, expect_map;

/* For the tables: a map named after its keys; name, kind, field, ... */
#define MAPDEF(sym, word, type)                                     \
	static const struct key_map sym##_map = { word, sym##_keys, \
		nitems(sym##_keys), sizeof(type) }
/* An item that is there in some cells only. */
#define KEY_ONLY                                                                            \
	{                                                                                   \
		"only", K_MAPOF,                                                            \
		    .scratch = true, .since = "0.2",                                        \
		    .text =                                                                 \
			"parameter: value or values; the item is there in those cells only" \
	}
#define F(type, field) offsetof(struct type, field)

struct strbuf;
/* "1 to 256", of a key that has bounds. */
void key_bounds(const struct key *, struct strbuf *);

#endif
