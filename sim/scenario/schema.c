/*
 * The key table as a JSON Schema (draft-07, which editors know), so that an
 * editor completes keys, shows what they mean and marks mistakes while one
 * writes. What the loader accepts is valid, as long as numbers and booleans
 * stand as YAML's (no quotes, no _); what only the checks know (names that must
 * exist, one claim in each) is theirs.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "keys.h"

struct schema {
	json_t *sm_defs;
	const struct key_map *sm_seen[64]; /* maps that have a definition */
	bool sm_partial[64];
	char *sm_names[64];
	unsigned sm_nseen;
};

/* `$name` in it: what that is stands elsewhere. */
#define PARAMETER "\\$[{A-Za-z_]"
/* parse_scaled's grammar; the unit follows. */
#define NUMBER "^_*[0-9][0-9_]*(\\.[0-9_]*)? *"


static json_t *
type_is(const char *type)
{
	return (json_pack("{s:s}", "type", type));
}

static json_t *
pattern(const char *regex)
{
	return (json_pack("{s:s, s:s}", "type", "string", "pattern", regex));
}

/* Plain text: YAML may have read it as something else. */
static json_t *
any_scalar(void)
{
	return (json_pack("{s:[s, s, s, s]}", "type", "string", "number",
	    "boolean", "null"));
}

static json_t *
ref(const char *name)
{
	return (
	    json_pack("{s:o}", "$ref", json_sprintf("#/definitions/%s", name)));
}

static json_t *
either(json_t *one, json_t *other)
{
	return (json_pack("{s:[o, o]}", "anyOf", one, other));
}

static json_t *
with_parameter(json_t *value)
{
	return (either(value, ref("parameter")));
}

static json_t *
map_of(json_t *value)
{
	return (json_pack("{s:s, s:o}", "type", "object",
	    "additionalProperties", value));
}

static json_t *
list_of(json_t *value)
{
	return (json_pack("{s:s, s:o}", "type", "array", "items", value));
}

static json_t *
number_schema(const struct key *k)
{
	json_t *o = type_is("integer");

	json_object_set_new(o, "minimum", json_integer((json_int_t)k->min));
	if (k->max != 0 && k->max <= INT64_MAX)
		json_object_set_new(o, "maximum",
		    json_integer((json_int_t)k->max));
	return (o);
}

/* A word that looks like a number (1.2) may be written without quotes. */
static json_t *
enum_schema(const struct key *k)
{
	json_t *all = json_array();
	char *end;
	double v;

	for (unsigned i = 0; k->names[i] != NULL; i++) {
		json_array_append_new(all, json_string(k->names[i]));
		v = strtod(k->names[i], &end);
		if (end != k->names[i] && *end == '\0')
			json_array_append_new(all, json_real(v));
	}
	return (json_pack("{s:o}", "enum", all));
}

static json_t *map_schema(struct schema *, const struct key_map *,
    bool partial);

static json_t *
key_type(struct schema *sm, const struct key *k)
{
	switch (k->kind) {
	case K_UINT:
		return (with_parameter(number_schema(k)));
	case K_BOOL:
		return (with_parameter(type_is("boolean")));
	case K_TIME:
		return (ref("time-with-unit"));
	case K_RATE:
		return (ref("rate-with-unit"));
	case K_SIZE:
		return (ref("size-with-unit"));
	case K_PERCENT:
		return (ref("percentage"));
	case K_ENUM:
		return (with_parameter(enum_schema(k)));
	case K_STRLIST:
		return (ref("words"));
	case K_MAP:
		return (map_schema(sm, k->map, k->scratch));
	case K_MAPOF: /* an included file may have the rest */
		return (map_of(k->map != NULL ? map_schema(sm, k->map, true)
					      : ref("words")));
	case K_LIST:
		return (list_of(map_schema(sm, k->map, false)));
	case K_SETTINGS:
		return (map_of(ref("value")));
	case K_VALUE:
		return (ref("value"));
	case K_KNOBS:
		return (map_of(any_scalar()));
	case K_CELLS:
		return (list_of(map_of(ref("words"))));
	default:
		return (any_scalar());
	}
}

/* As one would write it in YAML. */
static json_t *
default_value(const struct key *k)
{
	if (k->kind == K_BOOL)
		return (json_boolean(strcmp(k->def, "true") == 0));
	if (k->kind == K_UINT)
		return (json_integer(strtoll(k->def, NULL, 10)));
	return (json_string(k->def));
}

/* Beside a $ref draft-07 reads nothing else: it goes into an allOf. */
static json_t *
key_schema(struct schema *sm, const struct key *k)
{
	struct strbuf text = { 0 };
	json_t *o = key_type(sm, k);

	if (json_object_get(o, "$ref") != NULL)
		o = json_pack("{s:[o]}", "allOf", o);
	strbuf_adds(&text, k->text);
	if (k->max != 0 && k->kind != K_UINT) {
		strbuf_adds(&text, " (");
		key_bounds(k, &text);
		strbuf_adds(&text, ")");
	}
	json_object_set_new(o, "description", json_string(strbuf_str(&text)));
	strbuf_fini(&text);
	if (k->def != NULL)
		json_object_set_new(o, "default", default_value(k));
	return (o);
}

/* In one of its kind the keys of the others are not allowed. */
static json_t *
kind_rule(const struct key_map *km, unsigned kind)
{
	const struct key *first = &km->keys[0];
	json_t *forbidden = json_object();

	for (const struct key *k = km->keys; k < km->keys + km->n; k++)
		if (k->of != 0 && (k->of >> kind & 1) == 0)
			json_object_set_new(forbidden, k->name, json_false());
	return (json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:{s:o}}", "if",
	    "properties", first->name, "const", first->names[kind], "required",
	    first->name, "then", "properties", forbidden));
}

static void
add_kinds(const struct key_map *km, json_t *o)
{
	json_t *rules;
	bool any = false;

	for (const struct key *k = km->keys; k < km->keys + km->n; k++)
		any = any || k->of != 0;
	if (!any)
		return;
	rules = json_array();
	for (unsigned i = 0; km->keys[0].names[i] != NULL; i++)
		json_array_append_new(rules, kind_rule(km, i));
	json_object_set_new(o, "allOf", rules);
}

static json_t *
map_object(struct schema *sm, const struct key_map *km, bool partial)
{
	json_t *o = type_is("object"), *keys = json_object(),
	       *required = json_array();

	for (const struct key *k = km->keys; k < km->keys + km->n; k++) {
		json_object_set_new(keys, k->name, key_schema(sm, k));
		if (k->required && !partial)
			json_array_append_new(required, json_string(k->name));
	}
	json_object_set_new(o, "properties", keys);
	if (json_array_size(required) > 0)
		json_object_set_new(o, "required", required);
	else
		json_decref(required);
	json_object_set_new(o, "additionalProperties", json_false());
	add_kinds(km, o);
	return (o);
}

/* "network card" is `network-card`; of two with one name the later has a
 * number. */
static char *
map_name(const struct schema *sm, const struct key_map *km, bool partial)
{
	char *name = xasprintf("%s%s", km->what, partial ? "-in-part" : ""),
	     *numbered;
	unsigned same = 0;

	for (char *p = name; *p != '\0'; p++)
		if (*p == ' ')
			*p = '-';
	for (unsigned i = 0; i < sm->sm_nseen; i++)
		same += sm->sm_seen[i] != km &&
		    strcmp(sm->sm_seen[i]->what, km->what) == 0;
	if (same == 0)
		return (name);
	numbered = xasprintf("%s-%u", name, same + 1);
	free(name);
	return (numbered);
}

static bool
needs_keys(const struct key_map *km)
{
	for (const struct key *k = km->keys; k < km->keys + km->n; k++)
		if (k->required)
			return (true);
	return (false);
}

/* partial: none of its keys has to be there. */
static json_t *
map_schema(struct schema *sm, const struct key_map *km, bool partial)
{
	unsigned i;

	partial = partial && needs_keys(km);
	for (i = 0; i < sm->sm_nseen; i++)
		if (sm->sm_seen[i] == km && sm->sm_partial[i] == partial)
			return (ref(sm->sm_names[i]));
	KASSERT(i < nitems(sm->sm_seen), ("more maps than there is room for"));
	sm->sm_names[i] = map_name(sm, km, partial);
	sm->sm_seen[i] = km;
	sm->sm_partial[i] = partial;
	sm->sm_nseen++;
	json_object_set_new(sm->sm_defs, sm->sm_names[i],
	    map_object(sm, km, partial));
	return (ref(sm->sm_names[i]));
}

/* A number with such a unit; any part may be a parameter. */
static json_t *
unit(const char *units)
{
	char *regex = xasprintf(NUMBER "%s$|" PARAMETER, units);
	json_t *o = pattern(regex);

	free(regex);
	return (o);
}

static json_t *
unit_definitions(void)
{
	return (json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "time-with-unit", unit("(ps|ns|us|ms|s|min)"), "rate-with-unit",
	    unit("([kMGT]?bit/s)"), "size-with-unit",
	    unit("(B|kB|MB|GB|KiB|MiB|GiB)"), "percentage", unit("%"), "words",
	    either(any_scalar(), list_of(any_scalar())), "value",
	    either(json_pack("{s:s, s:i}", "type", "integer", "minimum", 0),
		pattern("^[a-z][a-z0-9-]*$|\\$")),
	    "parameter", pattern(PARAMETER)));
}

/* What an included file may have is asked of files that include none. */
static void
required_unless_included(json_t *root)
{
	json_t *required = json_incref(json_object_get(root, "required"));

	json_object_del(root, "required");
	json_object_set_new(root, "if",
	    json_pack("{s:{s:[s]}}", "not", "required", "include"));
	json_object_set_new(root, "then",
	    json_pack("{s:o}", "required", required));
}

void
keys_schema(struct strbuf *sb)
{
	struct schema sm = { .sm_defs = unit_definitions() };
	json_t *root = map_object(&sm, &scenario_keys, false);
	char *text;

	required_unless_included(root);
	json_object_set_new(root, "$schema",
	    json_string("http://json-schema.org/draft-07/schema#"));
	json_object_set_new(root, "title",
	    json_string("ktls-sim scenario (*.ktls.yaml)"));
	json_object_set_new(root, "patternProperties",
	    json_pack("{s:{}}", "^x-"));
	json_object_set_new(root, "definitions", sm.sm_defs);
	text = json_dumps(root, JSON_INDENT(1));
	strbuf_adds(sb, text);
	strbuf_adds(sb, "\n");
	free(text);
	json_decref(root);
	for (unsigned i = 0; i < sm.sm_nseen; i++)
		free(sm.sm_names[i]);
}
