/*
 * Runs the scripts named on the command line, each over IPv4 and IPv6. A line:
 *
 *   TIME < SEGMENT     comes in at TIME
 *   TIME > SEGMENT     must go out at exactly TIME, before anything else does
 *   TIME COMMAND       the program or the world does something (seg_cmd.c)
 *   TIME silence       nothing went out until TIME
 *   use NAME           the lines of NAME.inc stand here
 *
 * TIME is absolute ("1.5", seconds) or after the line before ("+0.04"). What a
 * script does not claim must not happen: a segment sent before the next line's
 * time, or after the last line at its time, is an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/netinet/tcp_var.h>

#include "seg.h"

struct script {
	const char *path;
	FILE *f, *inc; /* inc: what `use` named */
	int line;
	simtime_t now; /* of the line before */
	struct seg_host h;
	struct strbuf err;
};

static bool
read_time(struct script *sc, char **s, simtime_t *when)
{
	bool relative = **s == '+';
	unsigned __int128 ps = 0, unit = SIM_SEC;
	bool frac = false, digits = false;
	char *p = *s + relative;

	for (; (*p >= '0' && *p <= '9') || (*p == '.' && !frac); p++) {
		if (*p == '.') {
			frac = true;
			continue;
		}
		digits = true;
		if (frac) {
			unit /= 10;
			ps += (unsigned)(*p - '0') * unit;
		} else
			ps = ps * 10 + (unsigned)(*p - '0') * (uint64_t)SIM_SEC;
	}
	if (!digits || *p != ' ')
		return (false);
	*s = p + 1;
	*when = (simtime_t)ps + (relative ? sc->now : 0);
	return (*when >= sc->now);
}

/* Whatever went out before `until` has been claimed. */
static bool
nothing_sent(struct script *sc, simtime_t until)
{
	struct seg_sent *s = sc->h.sent;

	if (s == NULL || s->when >= until)
		return (true);
	strbuf_addf(&sc->err, "a segment that no line claims\n  %.6f > ",
	    (double)s->when / 1e12);
	seg_print(&s->p, NULL, &sc->err);
	return (false);
}

static bool
mismatch(struct script *sc, simtime_t when, const struct seg_pkt *want,
    const struct seg_sent *got)
{
	strbuf_addf(&sc->err, "%s\n  expected %.6f > ",
	    got == NULL		   ? "nothing was sent"
		: got->when > when ? "nothing was sent until later"
				   : "another segment was sent",
	    (double)when / 1e12);
	seg_print(want, want, &sc->err);
	if (got != NULL) {
		strbuf_addf(&sc->err, "\n  actual   %.6f > ",
		    (double)got->when / 1e12);
		seg_print(&got->p, want, &sc->err);
	}
	return (false);
}

static bool
line_out(struct script *sc, const char *text, simtime_t when)
{
	struct seg_host *h = &sc->h;
	struct seg_sent *s;
	struct seg_pkt want;

	if (!seg_parse(h, text, &want, &sc->err))
		return (false);
	seg_run_until(h, when);
	s = h->sent;
	if (s == NULL || s->when != when || !seg_match(&want, &s->p))
		return (mismatch(sc, when, &want, s));
	if ((h->sent = s->next) == NULL)
		h->sent_tail = &h->sent;
	free(s);
	return (true);
}

static bool
line_in(struct script *sc, const char *text, simtime_t when)
{
	struct seg_pkt p;

	if (!seg_parse(&sc->h, text, &p, &sc->err))
		return (false);
	seg_run_until(&sc->h, when);
	if (!nothing_sent(sc, when + 1))
		return (false);
	seg_inject(&sc->h, &p);
	return (true);
}

static bool
use(struct script *sc, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.inc", name);
	if ((sc->inc = fopen(path, "r")) != NULL)
		return (true);
	strbuf_addf(&sc->err, "there is no %s", path);
	return (false);
}

static bool
script_line(struct script *sc, char *s)
{
	simtime_t when;

	if (strncmp(s, "use ", 4) == 0)
		return (use(sc, s + 4));
	if (!read_time(sc, &s, &when)) {
		strbuf_adds(&sc->err,
		    "a line begins with its time, not before the last one's: "
		    "`+0.04 < . 1:1(0) ack 1`");
		return (false);
	}
	sc->now = when;
	if (strncmp(s, "> ", 2) == 0)
		return (line_out(sc, s + 2, when));
	if (strncmp(s, "< ", 2) == 0)
		return (line_in(sc, s + 2, when));
	seg_run_until(&sc->h, when);
	if (!nothing_sent(sc, when + (strcmp(s, "silence") == 0)))
		return (false);
	return (strcmp(s, "silence") == 0 || seg_command(&sc->h, s, &sc->err));
}

static bool
read_line(struct script *sc, char buf[512])
{
	if (sc->inc != NULL) {
		if (fgets(buf, 512, sc->inc) != NULL)
			return (true);
		fclose(sc->inc);
		sc->inc = NULL;
	}
	sc->line++;
	return (fgets(buf, 512, sc->f) != NULL);
}

/* The next line with something on it, without comment and blanks. */
static char *
next_line(struct script *sc, char buf[512])
{
	size_t n;

	while (read_line(sc, buf)) {
		buf[strcspn(buf, "#\n")] = '\0';
		for (n = strlen(buf); n > 0 && buf[n - 1] == ' '; n--)
			buf[n - 1] = '\0';
		if (n > 0)
			return (buf);
	}
	return (NULL);
}

static bool
script_body(struct script *sc, char *line, char buf[512])
{
	for (; line != NULL; line = next_line(sc, buf))
		if (!script_line(sc, line))
			return (false);
	return (nothing_sent(sc, SIM_NEVER));
}

/* The end of what came before, for a person. */
static void
print_log(const struct script *sc)
{
	const char *log = strbuf_str(&sc->h.log), *p = log + strlen(log);

	for (int n = 0; p > log && n <= 12; p--)
		n += p[-1] == '\n';
	if (*log != '\0')
		printf(" last segments:\n%s", p > log ? p + 1 : log);
}

static bool
run_script(const char *path, int family)
{
	struct seg_setup su = { SEG_MTU, SEG_ISS, false };
	struct script sc = { .path = path };
	struct strbuf leak = { 0 };
	char buf[512], *line;
	bool ok;

	if ((sc.f = fopen(path, "r")) == NULL) {
		printf("%s: cannot be opened\n", path);
		return (false);
	}
	while (
	    (line = next_line(&sc, buf)) != NULL && seg_setup_line(&su, line))
		;
	seg_host_init(&sc.h, family, su.mtu, su.tso);
	sc.h.iss = su.iss;
	tcp_set_iss(sc.h.v, su.iss);
	ok = script_body(&sc, line, buf);
	if (!ok) {
		printf("%s:%d (IPv%d): %s\n", path, sc.line,
		    family == KAF_INET ? 4 : 6, strbuf_str(&sc.err));
		print_log(&sc);
	}
	if (!seg_host_fini(&sc.h, &leak) && ok) {
		printf("%s (IPv%d): %s\n", path, family == KAF_INET ? 4 : 6,
		    strbuf_str(&leak));
		ok = false;
	}
	strbuf_fini(&leak);
	strbuf_fini(&sc.err);
	if (sc.inc != NULL)
		fclose(sc.inc);
	fclose(sc.f);
	return (ok);
}

int
main(int argc, char **argv)
{
	bool ok = argc > 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!ok)
		printf("usage: segtest SCRIPT.pkt ...\n");
	for (int i = 1; i < argc; i++)
		ok = run_script(argv[i], KAF_INET) &&
		    run_script(argv[i], KAF_INET6) && ok;
	return (ok ? 0 : 1);
}
