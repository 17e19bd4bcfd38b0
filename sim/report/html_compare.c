/* TLS in the socket layer and in a node outside it, in report.html. */
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

static void
row(struct html *h, const struct compare_result *cp)
{
	struct strbuf sb = { 0 };

	html_row(h, NULL);
	html_cell(h, cp->cp_name);
	html_cell(h, cp->cp_how);
	format_bytes(cp->cp_sent, &sb);
	html_cell(h, strbuf_str(&sb));
	html_time(h, cp->cp_time);
	strbuf_clear(&sb);
	compare_quotient(cp, &sb);
	html_cell(h, strbuf_str(&sb));
	html_num(h, cp->cp_records);
	html_num(h, cp->cp_thread_wakeups);
	html_num(h, cp->cp_app_wakeups);
	html_time(h, cp->cp_thread);
	strbuf_fini(&sb);
}

void
html_compare(struct html *h)
{
	static const char *const heads[] = { "application", "TLS by", "=sent",
		"=in", "=copies of a byte", "#records", "#TLS threads woken",
		"#application woken", "=threads' cryptography", NULL };
	const struct result *r = h->h_r;

	if (r->r_ncompare == 0)
		return;
	strbuf_adds(h->h_sb,
	    "<h3 id=\"compare\">Comparison: TLS in the socket layer, and in a "
	    "node outside it</h3>\n");
	html_table(h, "What becomes of the bytes until TCP has them", heads);
	for (unsigned i = 0; i < r->r_ncompare; i++)
		row(h, &r->r_compare[i]);
	html_table_end(h);
}
