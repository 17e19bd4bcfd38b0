/* report.html, its parts. */
#ifndef HTML_PRIV_H
#define HTML_PRIV_H

#include "chart.h"
#include "report_priv.h"

#define HTML_CONNS 8   /* pictures */
#define HTML_ROWS  200 /* of a table that may be long */

struct html {
	const struct result *h_r;
	const struct charts *h_ch; /* NULL: nothing was recorded */
	struct strbuf *h_sb;
	char h_kinds[16]; /* of the table's columns: '#', '=' or 0 */
	unsigned h_column;
	const struct conn_result *h_shown[HTML_CONNS];
	unsigned h_nshown;
};

/* --- html.c: elements --- */

/* "Text", escaped; a heading of the page with an anchor. */
void html_text(struct html *, const char *);
void html_h2(struct html *, const char *id, const char *text);
/* Heads, NULL ends; "#bytes" is a column of numbers, called "bytes"; "=host"
 * one whose words are not broken. */
void html_table(struct html *, const char *caption, const char *const *heads);
void html_row(struct html *, const char *id); /* NULL: without an anchor */
void html_cell(struct html *, const char *);  /* NULL: empty */
void html_num(struct html *, uint64_t);
void html_time(struct html *, simtime_t);
/* Contents come between; the first one of a row is its head. */
void html_cell_begin(struct html *);
void html_cell_end(struct html *);
void html_table_end(struct html *);
/* How many rows a table does without. */
void html_left_out(struct html *, uint64_t n, const char *what);
/* A figure that can be moved sideways where there is no room. */
void html_figure(struct html *, const char *label);
/* The caption: pairs of a class and what it means; NULL ends. */
void html_figure_end(struct html *, const char *const *key, const char *note);

/* --- the parts, in their order --- */

extern const char html_css[];
/* html_verdict.c */
void html_head(struct html *);
void html_verdict(struct html *);
/* html_conns.c */
void html_choose(struct html *); /* h_shown */
void html_https(struct html *);	 /* crowds; nothing without */
void html_conns(struct html *);
/* html_nfs.c */
void html_own(struct html *);
void html_compare(struct html *);
void html_nfs(struct html *);
/* html_seq.c: pictures of one; axis_ of its life */
void html_sequence(struct html *, const struct conn_result *, unsigned index);
/* html_hosts.c */
void html_hosts(struct html *);
/* html_events.c */
void html_events(struct html *);
/* Numbers of the events of this connection, over its picture at y. */
void html_event_marks(struct html *, const struct conn_result *,
    const struct axis *, int y, int bottom);
/* The same as links. */
void html_event_links(struct html *, const struct conn_result *,
    const struct axis *);
/* html_tables.c */
void html_tables(struct html *);

/* Index of a connection in h_shown; -1. */
int html_shown(const struct html *, const struct conn_result *);

#endif
