/* What a scenario expects, and what was found. */
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

/* What made it fail: the first event, and frames of wire.pcapng. */
static void
text_evidence(const struct claim_result *c, struct strbuf *sb)
{
	if (c->cl_first != NULL) {
		strbuf_adds(sb, "         first: ");
		format_time(c->cl_when, sb);
		strbuf_addf(sb, " %s\n", c->cl_first);
	}
	if (c->cl_nframes == 0)
		return;
	strbuf_adds(sb, "         frames:");
	for (unsigned i = 0; i < c->cl_nframes; i++)
		strbuf_addf(sb, "%s %ju", i > 0 ? "," : "",
		    (uintmax_t)c->cl_frames[i]);
	strbuf_adds(sb, " of wire.pcapng\n");
}

static void
text_claim(const struct claim_result *c, const char *scenario,
    struct strbuf *sb)
{
	const char *file = c->cl_file != NULL ? c->cl_file : scenario;

	strbuf_addf(sb, "  %s %s%s%s: ",
	    c->cl_ok		      ? "met   "
		: c->cl_found != NULL ? "FAILED"
				      : "not judged",
	    c->cl_name != NULL ? c->cl_name : "",
	    c->cl_name != NULL ? ": " : "", c->cl_claim);
	if (c->cl_found != NULL)
		strbuf_addf(sb, "found %s (", c->cl_found);
	else
		strbuf_adds(sb, "the run broke off (");
	if (file != NULL)
		strbuf_addf(sb, "%s:%d)\n", file, c->cl_line);
	else
		strbuf_addf(sb, "line %d)\n", c->cl_line);
	if (!c->cl_ok)
		text_evidence(c, sb);
}

void
text_claims(const struct result *r, const char *scenario, struct strbuf *sb)
{
	if (r->r_nclaims == 0)
		return;
	heading(sb, "Expectations");
	for (unsigned i = 0; i < r->r_nclaims; i++)
		text_claim(&r->r_claims[i], scenario, sb);
}
