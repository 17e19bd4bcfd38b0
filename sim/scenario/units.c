/* Numbers with units, both ways. Strict: a number that wants a unit has one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

struct unit {
	const char *name;
	uint64_t mult;
};

/*
 * digits[.digits]<unit>, exactly: the fraction must come out whole. Returns
 * false on anything else, and on overflow.
 */
static bool
parse_scaled(const char *s, const struct unit *units, unsigned n, uint64_t *out)
{
	unsigned __int128 v = 0, scale = 1;
	bool digits = false, frac = false;
	const struct unit *u;

	for (; (*s >= '0' && *s <= '9') || *s == '.' || *s == '_'; s++) {
		if (*s == '_')
			continue;
		if (*s == '.') {
			if (frac || !digits)
				return (false);
			frac = true;
			continue;
		}
		digits = true;
		v = v * 10 + (unsigned)(*s - '0');
		if (frac)
			scale *= 10;
		if (v > UINT64_MAX || scale > 1000000000000ULL)
			return (false);
	}
	while (*s == ' ')
		s++;
	for (u = units; digits && u < units + n; u++) {
		if (strcmp(s, u->name) != 0)
			continue;
		v *= u->mult;
		if (v % scale != 0 || v / scale > UINT64_MAX)
			return (false);
		*out = (uint64_t)(v / scale);
		return (true);
	}
	return (false);
}

static const struct unit time_units[] = {
	{ "ps", 1 },
	{ "ns", SIM_NS },
	{ "us", SIM_US },
	{ "ms", SIM_MS },
	{ "s", SIM_SEC },
	{ "min", 60 * SIM_SEC },
};
static const struct unit rate_units[] = {
	{ "bit/s", 1 },
	{ "kbit/s", 1000 },
	{ "Mbit/s", 1000000 },
	{ "Gbit/s", 1000000000 },
	{ "Tbit/s", 1000000000000 },
};
static const struct unit size_units[] = {
	{ "B", 1 },
	{ "kB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ "KiB", 1024 },
	{ "MiB", 1024 * 1024 },
	{ "GiB", 1024 * 1024 * 1024 },
};
static const struct unit percent_units[] = { { "%", 10000000 } };
static const struct unit no_units[] = { { "", 1 } };

#define PARSER(fn, table, type)                                 \
	int fn(const char *s, type *out)                        \
	{                                                       \
		uint64_t v;                                     \
                                                                \
		if (!parse_scaled(s, table, nitems(table), &v)) \
			return (EINVAL);                        \
		*out = v;                                       \
		return (0);                                     \
	}
PARSER(parse_time, time_units, simtime_t)
PARSER(parse_rate, rate_units, uint64_t)
PARSER(parse_size, size_units, uint64_t)
PARSER(parse_percent, percent_units, uint64_t)
PARSER(parse_uint, no_units, uint64_t)
#undef PARSER

static bool
parse_v4(const char *s, struct in_any *a)
{
	unsigned b[4];
	char extra;

	if (sscanf(s, "%3u.%3u.%3u.%3u%c", &b[0], &b[1], &b[2], &b[3],
		&extra) != 4)
		return (false);
	for (int i = 0; i < 4; i++) {
		if (b[i] > 255)
			return (false);
		a->a[i] = (uint8_t)b[i];
	}
	return (true);
}

static bool
parse_v6(const char *s, struct in_any *a)
{
	uint16_t w[8] = { 0 };
	int n = 0, gap = -1, used;
	unsigned v;

	if (s[0] == ':' && s[1] != ':')
		return (false);
	while (*s != '\0') {
		if (s[0] == ':' && s[1] == ':') {
			if (gap >= 0)
				return (false);
			gap = n;
			s += 2;
			continue;
		}
		if (*s == ':' && n > 0 && gap != n)
			s++;
		if (n == 8 || sscanf(s, "%4x%n", &v, &used) != 1 || *s == ' ')
			return (false);
		w[n++] = (uint16_t)v;
		s += used;
		if (*s != '\0' && *s != ':')
			return (false);
		if (*s == ':' && s[1] == '\0')
			return (false);
	}
	if (gap < 0 ? n != 8 : n > 7)
		return (false);
	for (int i = 0; gap >= 0 && i < n - gap; i++) {
		w[7 - i] = w[n - 1 - i];
		if (7 - i != n - 1 - i)
			w[n - 1 - i] = 0;
	}
	for (int i = 0; i < 8; i++) {
		a->a[2 * i] = (uint8_t)(w[i] >> 8);
		a->a[2 * i + 1] = (uint8_t)w[i];
	}
	return (true);
}

/* scanf would let blanks, signs and "0x" pass. */
static bool
parse_addr(const char *addr, int *family, struct in_any *a)
{
	memset(a, 0, sizeof(*a));
	*family = strchr(addr, ':') != NULL ? KAF_INET6 : KAF_INET;
	return (strspn(addr,
		    *family == KAF_INET6 ? "0123456789abcdefABCDEF:"
					 : "0123456789.") == strlen(addr) &&
	    (*family == KAF_INET6 ? parse_v6(addr, a) : parse_v4(addr, a)));
}

int
parse_endpoint(const char *s, struct ksockaddr *sa)
{
	const char *colon = strrchr(s, ':'), *end = s + strlen(s);
	bool bracket = s[0] == '[';
	char addr[64];
	uint64_t port = 0;
	int family;

	memset(sa, 0, sizeof(*sa));
	/* A colon of an address without brackets is not the port's. */
	if (colon != NULL && (bracket || strchr(s, ':') == colon)) {
		end = colon;
		if (parse_uint(colon + 1, &port) != 0 || port == 0 ||
		    port > 65535)
			return (EINVAL);
	}
	if (bracket && (end == s + strlen(s) || end[-1] != ']'))
		return (EINVAL);
	s += bracket;
	end -= bracket;
	if (end <= s || (size_t)(end - s) >= sizeof(addr))
		return (EINVAL);
	memcpy(addr, s, (size_t)(end - s));
	addr[end - s] = '\0';
	if (!parse_addr(addr, &family, &sa->sa_addr) ||
	    (bracket && family != KAF_INET6))
		return (EINVAL);
	sa->sa_family = (uint8_t)family;
	sa->sa_port = (uint16_t)port;
	return (0);
}

int
parse_cidr(const char *s, int *family, struct in_any *a, int *plen)
{
	const char *slash = strchr(s, '/');
	char addr[64];
	uint64_t bits;

	if (slash == NULL || (size_t)(slash - s) >= sizeof(addr) ||
	    parse_uint(slash + 1, &bits) != 0)
		return (EINVAL);
	memcpy(addr, s, (size_t)(slash - s));
	addr[slash - s] = '\0';
	if (!parse_addr(addr, family, a) ||
	    bits > (*family == KAF_INET6 ? 128u : 32u))
		return (EINVAL);
	*plen = (int)bits;
	return (0);
}

/* RFC 5952 in its main rule: the longest run of zero words is "::". */
static void
format_v6(const struct in_any *a, struct strbuf *sb)
{
	int best = -1, bestlen = 1, run;
	uint16_t w[8];

	for (int i = 0; i < 8; i++)
		w[i] = (uint16_t)((a->a[2 * i] << 8) | a->a[2 * i + 1]);
	for (int i = 0; i < 8; i++) {
		for (run = 0; i + run < 8 && w[i + run] == 0; run++)
			;
		if (run > bestlen) {
			best = i;
			bestlen = run;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			strbuf_adds(sb, "::");
			i += bestlen - 1;
			continue;
		}
		strbuf_addf(sb, "%s%x", i > 0 && i != best + bestlen ? ":" : "",
		    w[i]);
	}
}

void
format_addr(int family, const struct in_any *a, struct strbuf *sb)
{
	if (family == KAF_INET6)
		format_v6(a, sb);
	else
		strbuf_addf(sb, "%u.%u.%u.%u", a->a[0], a->a[1], a->a[2],
		    a->a[3]);
}

static void
format_scaled(uint64_t v, const struct unit *u, struct strbuf *sb)
{
	uint64_t whole = v / u->mult, frac;

	/* Three decimals, without trailing zeros. */
	frac = (uint64_t)((unsigned __int128)(v % u->mult) * 1000 / u->mult);
	if (frac == 0)
		strbuf_addf(sb, "%ju %s", (uintmax_t)whole, u->name);
	else if (frac % 100 == 0)
		strbuf_addf(sb, "%ju.%ju %s", (uintmax_t)whole,
		    (uintmax_t)frac / 100, u->name);
	else if (frac % 10 == 0)
		strbuf_addf(sb, "%ju.%02ju %s", (uintmax_t)whole,
		    (uintmax_t)frac / 10, u->name);
	else
		strbuf_addf(sb, "%ju.%03ju %s", (uintmax_t)whole,
		    (uintmax_t)frac, u->name);
}

void
format_time(simtime_t t, struct strbuf *sb)
{
	int i = 4;

	while (t > 0 && i > 0 && t < time_units[i].mult)
		i--;
	format_scaled(t, &time_units[i], sb);
}

void
format_time_exact(simtime_t t, struct strbuf *sb)
{
	const struct unit *u = &time_units[4];
	char frac[32];
	int n;

	while (t > 0 && u > time_units && t < u->mult)
		u--;
	/* mult + the rest: as many digits as the unit has, behind a 1. */
	n = snprintf(frac, sizeof(frac), "%ju",
	    (uintmax_t)(u->mult + t % u->mult));
	while (n > 1 && frac[n - 1] == '0')
		n--;
	strbuf_addf(sb, "%ju%s%.*s %s", (uintmax_t)(t / u->mult),
	    n > 1 ? "." : "", n - 1, frac + 1, u->name);
}

void
format_bytes(uint64_t n, struct strbuf *sb)
{
	static const struct unit binary[] = { { "B", 1 }, { "KiB", 1024 },
		{ "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 } };
	int i = 3;

	while (i > 0 && n < binary[i].mult)
		i--;
	format_scaled(n, &binary[i], sb);
}
