/* Pictures: their elements, in tenths of a pixel, and what they look like. */
#include <string.h>

#include "timeline_priv.h"

const char timeline_css[] =
    "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;"
    "font-size:12px;fill:#1f2328}\n"
    ".page{fill:#ffffff}\n"
    ".title{font-size:17px;font-weight:600}\n"
    ".host{font-size:13px;font-weight:600}\n"
    ".note,.tick{font-size:11px;fill:#59636e}\n"
    ".label{fill:#59636e}\n"
    ".step-t,.gap-t{paint-order:stroke;stroke:#ffffff;stroke-width:4px;"
    "stroke-linejoin:round}\n"
    ".grid{stroke:#d1d9e0;stroke-width:1}\n"
    ".axis{stroke:#59636e;stroke-width:1}\n"
    ".up{fill:#eef6f0}.down{fill:#f9d6d2}\n"
    ".sends{fill:#1a7f37}\n"
    ".sent{fill:#4184e4;fill-opacity:.75}.sent-t{fill:#1f5fbf}\n"
    ".tags{fill:none;stroke:#9a5700;stroke-width:1.8}.tags-t{fill:#8a4e00}\n"
    ".reset{stroke:#7d3fc4;stroke-width:1.5}.reset-t{fill:#7d3fc4}\n"
    ".failed{stroke:#cf222e;stroke-width:2.5}.failed-t{fill:#cf222e}\n"
    ".got{fill:#1b9e8f;fill-opacity:.75}.got-t{fill:#0c7468}\n"
    ".gap{stroke:#cf222e;stroke-width:1.5}.gap-t{fill:#b3202b}\n"
    ".gap-b{fill:#cf222e;fill-opacity:.1}\n"
    ".step{stroke:#1f2328;stroke-width:1;stroke-dasharray:4 3}\n"
    ".quiet{fill:#f6f8fa;fill-opacity:.85}\n"
    ".cut{stroke:#818b98;stroke-width:1;stroke-dasharray:1 3}\n"
    ".hatch{stroke:#9a6700;stroke-width:2.5;stroke-opacity:.7}\n"
    ".paused{fill:url(#hatch)}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}\n"
    ".page{fill:#0d1117}.step-t,.gap-t{stroke:#0d1117}\n"
    ".note,.tick,.label{fill:#9198a1}\n"
    ".grid{stroke:#2d333b}.axis{stroke:#9198a1}\n"
    ".up{fill:#12211a}.down{fill:#4a1a1c}\n"
    ".sends{fill:#3fb950}\n"
    ".sent{fill:#4493f8}.sent-t{fill:#79b8ff}\n"
    ".tags{stroke:#e3a341}.tags-t{fill:#e3a341}\n"
    ".reset{stroke:#b083f0}.reset-t{fill:#b083f0}\n"
    ".failed{stroke:#f85149}.failed-t{fill:#f85149}\n"
    ".got{fill:#2ea899}.got-t{fill:#56d4c3}\n"
    ".gap{stroke:#f85149}.gap-t{fill:#ff8f88}.gap-b{fill:#f85149}\n"
    ".step{stroke:#e6edf3}\n"
    ".quiet{fill:#161b22}.cut{stroke:#656c76}\n"
    ".hatch{stroke:#d29922}\n"
    "}\n";

/* Pictures are made of these: no printf. */
void
add_px(struct strbuf *sb, int tenths)
{
	if (tenths < 0) {
		strbuf_add(sb, "-", 1);
		tenths = -tenths;
	}
	strbuf_addu(sb, (unsigned)tenths / 10);
	if (tenths % 10 == 0)
		return;
	strbuf_add(sb, ".", 1);
	strbuf_addu(sb, (unsigned)tenths % 10);
}

void
add_xml(struct strbuf *sb, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<':
			strbuf_adds(sb, "&lt;");
			break;
		case '>':
			strbuf_adds(sb, "&gt;");
			break;
		case '&':
			strbuf_adds(sb, "&amp;");
			break;
		case '"':
			strbuf_adds(sb, "&quot;");
			break;
		default:
			/* XML has no other control characters. */
			strbuf_add(sb, (unsigned char)*text < ' ' ? " " : text,
			    1);
			break;
		}
}

void
add_attr(struct strbuf *sb, const char *name, int tenths)
{
	strbuf_addf(sb, " %s=\"", name);
	add_px(sb, tenths);
	strbuf_adds(sb, "\"");
}

void
add_rect(struct strbuf *sb, const char *class, int x, int y, int w, int h)
{
	strbuf_addf(sb, "<rect class=\"%s\"", class);
	add_attr(sb, "x", x);
	add_attr(sb, "y", y);
	add_attr(sb, "width", w);
	add_attr(sb, "height", h);
	strbuf_adds(sb, "/>\n");
}

void
add_line(struct strbuf *sb, const char *class, int x1, int y1, int x2, int y2)
{
	strbuf_addf(sb, "<line class=\"%s\"", class);
	add_attr(sb, "x1", x1);
	add_attr(sb, "y1", y1);
	add_attr(sb, "x2", x2);
	add_attr(sb, "y2", y2);
	strbuf_adds(sb, "/>\n");
}

void
add_text(struct strbuf *sb, const char *class, int x, int y, const char *anchor,
    const char *text)
{
	strbuf_addf(sb, "<text class=\"%s\"", class);
	add_attr(sb, "x", x);
	add_attr(sb, "y", y);
	if (strcmp(anchor, "start") != 0)
		strbuf_addf(sb, " text-anchor=\"%s\"", anchor);
	strbuf_adds(sb, ">");
	add_xml(sb, text);
	strbuf_adds(sb, "</text>\n");
}
