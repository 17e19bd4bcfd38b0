#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/netinet/tcp.h>

#include "seg.h"

static const struct {
	char c;
	uint8_t flag;
} flag_chars[] = { { 'S', KTH_SYN }, { 'F', KTH_FIN }, { 'R', KTH_RST },
	{ 'P', KTH_PUSH }, { 'E', KTH_ECE }, { 'W', KTH_CWR },
	{ '.', KTH_ACK } };

/* --- reading --- */

static bool
word(const char **s, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*s, w, n) != 0)
		return (false);
	*s += n;
	return (true);
}

static void
blanks(const char **s)
{
	while (**s == ' ')
		++*s;
}

static bool
term(const struct seg_host *h, const char **s, uint32_t *v)
{
	char *end;

	if (word(s, "$MSS"))
		*v = h->mss;
	else if (word(s, "$H"))
		*v = h->family == KAF_INET6 ? 60 : 40;
	else {
		*v = (uint32_t)strtoul(*s, &end, 10);
		if (end == *s)
			return (false);
		*s = end;
	}
	return (true);
}

/* Terms added and taken off: "1501-$H". */
static bool
number(const struct seg_host *h, const char **s, uint32_t *v)
{
	uint32_t t;
	char op;

	if (!term(h, s, v))
		return (false);
	while ((op = **s) == '-' || op == '+') {
		++*s;
		if (!term(h, s, &t))
			return (false);
		*v = op == '-' ? *v - t : *v + t;
	}
	return (true);
}

static bool
number_or_any(const struct seg_host *h, const char **s, uint32_t *v, bool *any)
{
	*any = word(s, "*");
	return (*any || number(h, s, v));
}

static bool
read_sack(const struct seg_host *h, const char **s, struct seg_opt *o)
{
	while (o->n < nitems(o->v)) {
		blanks(s);
		if (**s < '0' || **s > '9')
			break;
		if (!number(h, s, &o->v[o->n++]) || !word(s, ":") ||
		    !number(h, s, &o->v[o->n++]))
			return (false);
	}
	return (o->n > 0);
}

static bool
read_option(const struct seg_host *h, const char **s, struct seg_opt *o)
{
	memset(o, 0, sizeof(*o));
	blanks(s);
	if (word(s, "mss ")) {
		o->kind = SO_MSS;
		return (number_or_any(h, s, &o->v[0], &o->any[0]));
	}
	if (word(s, "nop")) {
		o->kind = SO_NOP;
		return (true);
	}
	if (word(s, "wscale ")) {
		o->kind = SO_WSCALE;
		return (number_or_any(h, s, &o->v[0], &o->any[0]));
	}
	if (word(s, "sackOK")) {
		o->kind = SO_SACKOK;
		return (true);
	}
	if (word(s, "TS val ")) {
		o->kind = SO_TS;
		return (number_or_any(h, s, &o->v[0], &o->any[0]) &&
		    word(s, " ecr ") &&
		    number_or_any(h, s, &o->v[1], &o->any[1]));
	}
	o->kind = SO_SACK;
	return (word(s, "sack") && read_sack(h, s, o));
}

static bool
read_options(const struct seg_host *h, const char **s, struct seg_pkt *p)
{
	p->has_opts = true;
	if (word(s, ">"))
		return (true);
	while (p->nopts < SEG_MAXOPTS) {
		if (!read_option(h, s, &p->opt[p->nopts++]))
			return (false);
		if (word(s, ">"))
			return (true);
		if (!word(s, ","))
			return (false);
	}
	return (false);
}

/* seq:end(len); the length counts bytes, SYN and FIN have none. */
static bool
read_range(const struct seg_host *h, const char **s, struct seg_pkt *p)
{
	uint32_t end;

	return (number(h, s, &p->seq) && word(s, ":") && number(h, s, &end) &&
	    word(s, "(") && number(h, s, &p->len) && word(s, ")") &&
	    end == p->seq + p->len);
}

static bool
read_why(const char **s, struct seg_pkt *p)
{
	const char *end = strchr(*s, '"');

	if (end == NULL || (size_t)(end - *s) >= sizeof(p->why))
		return (false);
	memcpy(p->why, *s, (size_t)(end - *s));
	p->has_why = true;
	*s = end + 1;
	return (true);
}

static bool
read_rest(const struct seg_host *h, const char **s, struct seg_pkt *p)
{
	for (blanks(s); **s != '\0'; blanks(s)) {
		if (word(s, "ack ")) {
			if (!(p->has_ack = number(h, s, &p->ack)))
				return (false);
		} else if (word(s, "win ")) {
			if (!(p->has_win = number(h, s, &p->win)))
				return (false);
		} else if (word(s, "ect0"))
			p->ecn = 2;
		else if (word(s, "ce"))
			p->ecn = 3;
		else if (word(s, "why \"")) {
			if (!read_why(s, p))
				return (false);
		} else if (!word(s, "<") || !read_options(h, s, p))
			return (false);
	}
	return (true);
}

bool
seg_parse(const struct seg_host *h, const char *s, struct seg_pkt *p,
    struct strbuf *err)
{
	const char *all = s;
	size_t i;

	memset(p, 0, sizeof(*p));
	for (blanks(&s); *s != ' ' && *s != '\0'; s++) {
		for (i = 0; i < nitems(flag_chars); i++)
			if (*s == flag_chars[i].c)
				break;
		if (i == nitems(flag_chars)) {
			strbuf_addf(err, "`%c` is no flag (SFRPEW.)", *s);
			return (false);
		}
		p->flags |= flag_chars[i].flag;
	}
	blanks(&s);
	if (read_range(h, &s, p) && read_rest(h, &s, p))
		return (true);
	strbuf_addf(err, "cannot read `%s` at `%s`", all, s);
	return (false);
}

/* --- printing --- */

static void
print_option(const struct seg_opt *o, struct strbuf *sb)
{
	switch (o->kind) {
	case SO_MSS:
		strbuf_addf(sb, "mss %u", o->v[0]);
		break;
	case SO_NOP:
		strbuf_adds(sb, "nop");
		break;
	case SO_WSCALE:
		strbuf_addf(sb, "wscale %u", o->v[0]);
		break;
	case SO_SACKOK:
		strbuf_adds(sb, "sackOK");
		break;
	case SO_TS:
		strbuf_addf(sb, "TS val %u ecr %u", o->v[0], o->v[1]);
		break;
	case SO_SACK:
		strbuf_adds(sb, "sack");
		for (unsigned i = 0; i < o->n; i += 2)
			strbuf_addf(sb, " %u:%u", o->v[i], o->v[i + 1]);
		break;
	}
}

void
seg_print(const struct seg_pkt *p, const struct seg_pkt *like,
    struct strbuf *sb)
{
	for (size_t i = 0; i < nitems(flag_chars); i++)
		if ((p->flags & flag_chars[i].flag) != 0)
			strbuf_addf(sb, "%c", flag_chars[i].c);
	strbuf_addf(sb, " %u:%u(%u)", p->seq, p->seq + p->len, p->len);
	if (p->has_ack)
		strbuf_addf(sb, " ack %u", p->ack);
	if (p->has_win && (like == NULL || like->has_win))
		strbuf_addf(sb, " win %u", p->win);
	if (p->ecn != 0)
		strbuf_adds(sb, p->ecn == 3 ? " ce" : " ect0");
	if (p->has_opts && (like == NULL || like->has_opts)) {
		strbuf_adds(sb, " <");
		for (unsigned i = 0; i < p->nopts; i++) {
			if (i > 0)
				strbuf_adds(sb, ",");
			print_option(&p->opt[i], sb);
		}
		strbuf_adds(sb, ">");
	}
	if (p->has_why && (like == NULL || like->has_why))
		strbuf_addf(sb, " why \"%s\"", p->why);
}

/* --- comparing --- */

static bool
match_option(const struct seg_opt *w, const struct seg_opt *g)
{
	if (w->kind != g->kind || w->n != g->n)
		return (false);
	for (unsigned i = 0; i < nitems(w->v); i++)
		if (w->v[i] != g->v[i] && !(i < 2 && w->any[i]))
			return (false);
	return (true);
}

static bool
match_options(const struct seg_pkt *w, const struct seg_pkt *g)
{
	if (w->nopts != g->nopts)
		return (false);
	for (unsigned i = 0; i < w->nopts; i++)
		if (!match_option(&w->opt[i], &g->opt[i]))
			return (false);
	return (true);
}

bool
seg_match(const struct seg_pkt *w, const struct seg_pkt *g)
{
	return (w->flags == g->flags && w->seq == g->seq && w->len == g->len &&
	    w->has_ack == g->has_ack && w->ack == g->ack &&
	    (!w->has_win || w->win == g->win) && w->ecn == g->ecn &&
	    (!w->has_opts || match_options(w, g)) &&
	    (!w->has_why || strcmp(w->why, g->why) == 0));
}
