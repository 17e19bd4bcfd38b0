/* --verbose: the run told as it goes, in the words of the trace. */
#include <stdio.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>

#include "cli.h"

static const struct {
	enum trace_id point;
	enum style style;
} told[] = {
	{ TP_phase, STYLE_HEAD },
	{ TP_timeline, STYLE_NOTE },
	{ TP_if_link, STYLE_PLAIN },
	{ TP_lagg_active, STYLE_PLAIN },
	{ TP_tls_enable, STYLE_PLAIN },
	{ TP_tls_mode, STYLE_PLAIN },
	{ TP_tag_refused, STYLE_PLAIN },
	{ TP_app_event, STYLE_PLAIN },
	{ TP_app_error, STYLE_BAD },
	{ TP_tcp_drop, STYLE_BAD },
	{ TP_tls_error, STYLE_BAD },
	{ TP_invariant, STYLE_BAD },
};

void
verbose_points(uint64_t mask[TRACE_MASK_WORDS])
{
	for (size_t i = 0; i < nitems(told); i++)
		trace_mask_add(mask, told[i].point);
}

void
verbose_tell(void *arg, const struct trace_rec *rec)
{
	struct strbuf line = { 0 };
	enum style style = STYLE_PLAIN;

	for (size_t i = 0; i < nitems(told); i++)
		if (told[i].point == rec->tr_id)
			style = told[i].style;
	trace_text(rec, &line);
	color_text(stderr, style, line.sb_str, line.sb_len - 1);
	fputc('\n', stderr);
	strbuf_fini(&line);
}
