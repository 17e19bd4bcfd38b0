/* TCP options: RFC 9293 3.1, 7323, 2018. */
#include <string.h>

#include <ktsim/base/bytes.h>

#include "dissect.h"

enum {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACKOK = 4,
	OPT_SACK = 5,
	OPT_TS = 8
};
#define WSCALE_MAX 14 /* RFC 7323 2.3: more is taken as 14 */

/*
 * The next option that is not padding at *i, which moves behind it. 0: the
 * list ends; -1: it is malformed. *len counts the option's two first bytes.
 */
static int
next_option(const uint8_t *p, unsigned size, unsigned *i, const uint8_t **opt,
    unsigned *len)
{
	while (*i < size && p[*i] == OPT_NOP)
		(*i)++;
	if (*i == size || p[*i] == OPT_EOL)
		return (0);
	if (size - *i < 2 || p[*i + 1] < 2 || p[*i + 1] > size - *i)
		return (-1);
	*opt = p + *i;
	*len = p[*i + 1];
	*i += *len;
	return (1);
}

static void
sack_text(const uint8_t *opt, unsigned len, uint32_t base, struct strbuf *sb)
{
	strbuf_adds(sb, "sack");
	for (unsigned i = 2; i + 8 <= len; i += 8)
		strbuf_addf(sb, " %u:%u", be32dec(opt + i) - base,
		    be32dec(opt + i + 4) - base);
}

static void
option_text(const uint8_t *opt, unsigned len, uint32_t base, struct strbuf *sb)
{
	if (opt[0] == OPT_MSS && len == 4)
		strbuf_addf(sb, "mss %u", be16dec(opt + 2));
	else if (opt[0] == OPT_WSCALE && len == 3)
		strbuf_addf(sb, "wscale %u", opt[2]);
	else if (opt[0] == OPT_SACKOK && len == 2)
		strbuf_adds(sb, "sackOK");
	else if (opt[0] == OPT_SACK && len % 8 == 2)
		sack_text(opt, len, base, sb);
	else if (opt[0] == OPT_TS && len == 10)
		strbuf_addf(sb, "TS val %u ecr %u", be32dec(opt + 2),
		    be32dec(opt + 6));
	else
		strbuf_addf(sb, "option %u (%u bytes)", opt[0], len);
}

void
tcp_options_text(const uint8_t *p, unsigned size, uint32_t sack_base,
    struct strbuf *sb)
{
	const char *comma = "";
	const uint8_t *opt;
	unsigned i = 0, len;
	int rc;

	while ((rc = next_option(p, size, &i, &opt, &len)) > 0) {
		strbuf_adds(sb, comma);
		option_text(opt, len, sack_base, sb);
		comma = ",";
	}
	if (rc < 0)
		strbuf_addf(sb, "%smalformed", comma);
}

int
tcp_options_wscale(const uint8_t *p, unsigned size)
{
	const uint8_t *opt;
	unsigned i = 0, len;

	while (next_option(p, size, &i, &opt, &len) > 0)
		if (opt[0] == OPT_WSCALE && len == 3)
			return (opt[2] < WSCALE_MAX ? opt[2] : WSCALE_MAX);
	return (-1);
}
