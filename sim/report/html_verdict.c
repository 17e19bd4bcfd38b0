/* report.html: what came of it, first of all. */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

static const char *
verdict(const struct result *r, bool *good)
{
	int code = result_exit_code(r);

	*good = code == 0;
	switch (code) {
	case 0:
		return ("All expectations met, all invariants held");
	case 1:
		return ("An expectation FAILED");
	case 3:
		return (r->r_capture_error != 0
			? "Not complete: a capture could not be written"
			: "Not complete: a program could not be started");
	case 4:
		return (r->r_panic != NULL ? "A simulated kernel PANICKED"
					   : "An invariant BROKE");
	default:
		return ("INTERRUPTED: this is what had happened until then");
	}
}

static void
link_to(struct html *h, const char *id, const char *text)
{
	strbuf_addf(h->h_sb, "<li><a href=\"#%s\">%s</a></li>\n", id, text);
}

/* Only what is there. */
static void
contents(struct html *h)
{
	const struct result *r = h->h_r;

	strbuf_adds(h->h_sb, "<nav aria-label=\"Contents\">\n<ul>\n");
	link_to(h, "expectations", "Expectations");
	link_to(h, "invariants", "Invariants");
	if (r->r_nconns > 0)
		link_to(h, "connections", "Connections");
	if (h->h_ch != NULL) {
		link_to(h, "queues", "Queues and buses");
		link_to(h, "events", "Events");
	}
	link_to(h, "modes", "Modes and why");
	link_to(h, "drops", "Drops");
	link_to(h, "counters", "Counters");
	strbuf_adds(h->h_sb, "</ul>\n</nav>\n");
}

void
html_head(struct html *h)
{
	struct strbuf *sb = h->h_sb;
	bool good;
	const char *text = verdict(h->h_r, &good);

	strbuf_adds(sb,
	    "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\"/>\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\"/>\n"
	    "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
	    "<title>");
	html_text(h, h->h_r->r_name);
	strbuf_addf(sb, ": %s</title>\n<style>\n", text);
	strbuf_adds(sb, timeline_css);
	strbuf_adds(sb, html_css);
	strbuf_adds(sb,
	    "</style>\n</head>\n<body>\n"
	    "<a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n"
	    "<header>\n<h1>");
	html_text(h, h->h_r->r_name);
	strbuf_adds(sb, "</h1>\n<p class=\"sub\">");
	html_text(h, h->h_r->r_description);
	strbuf_adds(sb, "</p>\n</header>\n");
	contents(h);
	strbuf_addf(sb,
	    "<main id=\"main\">\n<p class=\"verdict %s\">%s %s</p>\n",
	    good ? "ok" : "no", good ? "\u2714" : "\u2718", text);
}

/* --- the run --- */

static void
fact(struct html *h, const char *what, const char *value)
{
	strbuf_addf(h->h_sb, "<dt>%s</dt><dd>", what);
	html_text(h, value);
	strbuf_adds(h->h_sb, "</dd>\n");
}

static void
fact_num(struct html *h, const char *what, uint64_t n)
{
	strbuf_addf(h->h_sb, "<dt>%s</dt><dd>%ju</dd>\n", what, (uintmax_t)n);
}

/* The scenario.yaml beside the page stands on its own. */
static void
again(struct html *h)
{
	const struct result *r = h->h_r;
	const char *name = r->r_defects;
	size_t len;

	strbuf_addf(h->h_sb,
	    "<p>To make this run again, in the folder of this file:</p>\n"
	    "<pre>ktls-sim %s --seed %ju",
	    r->r_live ? "live" : "run", (uintmax_t)r->r_seed);
	for (; *name != '\0'; name += len + strspn(name + len, ", ")) {
		len = strcspn(name, ",");
		strbuf_addf(h->h_sb, " --defect %.*s", (int)len, name);
	}
	strbuf_adds(h->h_sb, " scenario.yaml</pre>\n");
}

static void
facts(struct html *h)
{
	const struct result *r = h->h_r;
	struct strbuf text = { 0 };

	strbuf_adds(h->h_sb, "<dl>\n");
	fact_num(h, "seed", r->r_seed);
	format_time(r->r_end, &text);
	fact(h, "virtual time", strbuf_str(&text));
	strbuf_clear(&text);
	fact_num(h, "events", r->r_events);
	fact_num(h, "frames", r->r_frames);
	if (r->r_defects[0] != '\0')
		fact(h, "planted defects", r->r_defects);
	if (r->r_live) {
		format_time(r->r_lag, &text);
		fact(h, "live, behind the wall clock by", strbuf_str(&text));
	}
	if (r->r_panic != NULL)
		fact(h, "panic", r->r_panic);
	strbuf_fini(&text);
	strbuf_adds(h->h_sb, "</dl>\n");
	again(h);
}

/* --- expectations --- */

/* Of a file that was included, or of the scenario. */
static void
claim_place(struct html *h, const struct claim_result *c)
{
	html_cell_begin(h);
	if (c->cl_file != NULL) {
		html_text(h, c->cl_file);
		strbuf_addf(h->h_sb, ":%d", c->cl_line);
	} else
		strbuf_addf(h->h_sb, "line %d", c->cl_line);
	html_cell_end(h);
}

/* With the scenario's word for it. */
static void
claim_what(struct html *h, const struct claim_result *c)
{
	html_cell_begin(h);
	if (c->cl_name != NULL) {
		html_text(h, c->cl_name);
		strbuf_adds(h->h_sb, ": ");
	}
	html_text(h, c->cl_claim);
	html_cell_end(h);
}

/* The first event that made it fail, and the frames that show it. */
static void
claim_evidence(struct html *h, const struct claim_result *c)
{
	html_cell_begin(h);
	if (c->cl_first != NULL) {
		html_text(h, c->cl_first);
		strbuf_adds(h->h_sb, " [at ");
		format_time(c->cl_when, h->h_sb);
		strbuf_adds(h->h_sb, "]");
	}
	for (unsigned i = 0; i < c->cl_nframes; i++)
		strbuf_addf(h->h_sb, "%s<code>frame.number == %ju</code>",
		    i > 0 || c->cl_first != NULL ? " " : "",
		    (uintmax_t)c->cl_frames[i]);
	html_cell_end(h);
}

static void
state_cell(struct html *h, bool good, const char *text)
{
	html_cell_begin(h);
	strbuf_addf(h->h_sb, "<span class=\"%s\">%s</span>", good ? "ok" : "no",
	    text);
	html_cell_end(h);
}

/* Those that failed first. */
static void
claims(struct html *h)
{
	static const char *const heads[] = { "=state", "expected", "found",
		"=at", "why: first event, frames", NULL };
	const struct result *r = h->h_r;

	html_h2(h, "expectations", "Expectations");
	if (r->r_nclaims == 0) {
		strbuf_adds(h->h_sb, "<p>The scenario expects nothing.</p>\n");
		return;
	}
	html_table(h, "What the scenario expects, and what was found", heads);
	for (unsigned i = 0; i < 2 * r->r_nclaims; i++) {
		const struct claim_result *c = &r->r_claims[i % r->r_nclaims];

		if (c->cl_ok != (i >= r->r_nclaims))
			continue;
		html_row(h, NULL);
		state_cell(h, c->cl_ok,
		    c->cl_ok		      ? "met"
			: c->cl_found != NULL ? "FAILED"
					      : "not judged");
		claim_what(h, c);
		html_cell(h,
		    c->cl_found != NULL ? c->cl_found : "the run broke off");
		claim_place(h, c);
		claim_evidence(h, c);
	}
	html_table_end(h);
}

/* --- invariants --- */

static void
invariant(struct html *h, const struct invariant_result *inv)
{
	struct strbuf text = { 0 };

	state_cell(h, inv->i_broken == 0,
	    inv->i_broken > 0	    ? "BROKEN"
		: inv->i_off	    ? "off"
		: inv->i_looked > 0 ? "held"
				    : "unseen");
	html_cell(h, inv->i_name);
	html_num(h, inv->i_looked);
	html_cell(h, inv->i_checked);
	if (inv->i_first != NULL) {
		strbuf_addf(&text, "%s [at ", inv->i_first);
		format_time(inv->i_when, &text);
		strbuf_adds(&text, "]");
	}
	html_cell(h, strbuf_str(&text));
	strbuf_fini(&text);
}

static void
invariants(struct html *h)
{
	static const char *const heads[] = { "#no.", "=state", "what holds",
		"#looked at", "of what", "first break", NULL };

	html_h2(h, "invariants", "Invariants");
	html_table(h, "What is checked in every run", heads);
	for (int i = 0; i < INVARIANTS; i++) {
		html_row(h, NULL);
		html_num(h, (uint64_t)i + 1);
		invariant(h, &h->h_r->r_inv[i]);
	}
	html_table_end(h);
}

void
html_verdict(struct html *h)
{
	facts(h);
	claims(h);
	invariants(h);
}
