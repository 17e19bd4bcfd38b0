/* TAP version 13, with a YAML block under each case that failed. */
#include <inttypes.h>
#include <string.h>

#include <ktsim/sim/suite.h>

/* " #" would begin a directive. */
static void
tap_name(const char *name, struct strbuf *sb)
{
	for (; *name != '\0'; name++)
		if (*name == '#' && name[1] == ' ')
			strbuf_adds(sb, "\\#");
		else
			strbuf_add(sb, name, 1);
}

/* YAML's double quoted form. */
static void
tap_string(const char *key, const char *s, struct strbuf *sb)
{
	if (s == NULL)
		return;
	strbuf_addf(sb, "%s: \"", key);
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			strbuf_addf(sb, "\\%c", *s);
		else if (*s == '\n')
			strbuf_adds(sb, "\\n");
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			strbuf_addf(sb, "\\x%02x", (unsigned char)*s);
		else
			strbuf_add(sb, s, 1);
	strbuf_adds(sb, "\"\n");
}

static void
tap_fault(const struct suite_fault *f, struct strbuf *sb)
{
	if (f->sf_number != 0)
		strbuf_addf(sb, "    - invariant: %d\n", f->sf_number);
	else
		tap_string("    - where", f->sf_where, sb);
	tap_string("      name", f->sf_name, sb);
	tap_string("      what", f->sf_what, sb);
	tap_string("      found", f->sf_found, sb);
	tap_string("      first", f->sf_first, sb);
	tap_string("      frames", f->sf_frames, sb);
}

static void
tap_block(const struct suite_case *c, struct strbuf *sb)
{
	strbuf_addf(sb, "  ---\n  verdict: %s\n",
	    suite_verdict_names[c->sc_verdict]);
	tap_string("  why", c->sc_why, sb);
	if (c->sc_nfaults > 0)
		strbuf_adds(sb, "  faults:\n");
	for (unsigned i = 0; i < c->sc_nfaults; i++)
		tap_fault(&c->sc_faults[i], sb);
	tap_string("  golden", c->sc_golden, sb);
	tap_string("  reproduce", c->sc_again, sb);
	strbuf_adds(sb, "  ...\n");
}

void
suite_tap(const struct suite *s, struct strbuf *sb)
{
	const struct suite_case *c;

	strbuf_addf(sb, "TAP version 13\n1..%zu\n", s->s_n);
	for (size_t i = 0; i < s->s_n; i++) {
		c = &s->s_v[i];
		strbuf_addf(sb, "%sok %zu - ", suite_bad(c) ? "not " : "",
		    i + 1);
		tap_name(c->sc_name, sb);
		if (c->sc_verdict == SV_SKIPPED)
			strbuf_addf(sb, " # SKIP %s",
			    c->sc_why != NULL ? c->sc_why : "");
		strbuf_adds(sb, "\n");
		if (suite_bad(c))
			tap_block(c, sb);
	}
}
