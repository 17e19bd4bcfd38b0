/* Programs of the user's in report.html. */
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

static void
end_row(struct html *h, const struct own_result *ow, const struct own_end *oe)
{
	struct strbuf sb = { 0 };

	html_row(h, NULL);
	html_cell(h, oe->oe_name);
	html_cell(h, ow->ow_program);
	html_cell(h, oe->oe_state);
	html_cell(h, oe->oe_reason != NULL ? oe->oe_reason : "");
	html_num(h, oe->oe_turns);
	format_bytes(oe->oe_sent, &sb);
	html_cell(h, strbuf_str(&sb));
	strbuf_clear(&sb);
	format_bytes(oe->oe_got, &sb);
	html_cell(h, strbuf_str(&sb));
	strbuf_clear(&sb);
	own_numbers_words(oe, &sb);
	html_cell(h, strbuf_str(&sb));
	strbuf_fini(&sb);
}

void
html_own(struct html *h)
{
	static const char *const heads[] = { "end", "program", "state",
		"reason", "#asked", "=sent", "=received", "reported", NULL };
	const struct result *r = h->h_r;

	if (r->r_nown == 0)
		return;
	strbuf_adds(h->h_sb, "<h3 id=\"own\">Own programs</h3>\n");
	html_table(h, "What they came to; what they logged: report.json",
	    heads);
	for (unsigned i = 0; i < r->r_nown; i++)
		for (unsigned k = 0; k < r->r_own[i].ow_nends; k++)
			end_row(h, &r->r_own[i], &r->r_own[i].ow_ends[k]);
	html_table_end(h);
}
