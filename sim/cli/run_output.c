/* From a file to a world that can be created; from its result to the reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "run.h"

/* --- before --- */

/* The world tells its state: into the folder. */
static void
run_state(void *arg, const char *name, const struct strbuf *text)
{
	struct run_args *ra = arg;
	int rc;

	if (strncmp(name, "ifconfig-", 9) == 0)
		strbuf_addf(&ra->ra_shown, "\n%.*s\n%s",
		    (int)(strlen(name) - strlen(".txt")), name,
		    strbuf_str(text));
	rc = outdir_write(ra->ra_out, name, strbuf_str(text), text->sb_len);
	if (rc == 0)
		strbuf_addf(&ra->ra_states, "  %s/%s\n", ra->ra_out, name);
	else
		ra->ra_state_rc = rc;
}

/* Whether a link ends at a device says which command it is for. */
static int
run_fits(const struct run_args *ra, const struct scenario *sc)
{
	bool live = ra->ra_cmd == &cmd_live;
	struct strbuf diag = { 0 };
	const struct sc_strlist *ends;

	if (scenario_is_live(sc) == live)
		return (0);
	if (live)
		return (usage_error(ra->ra_cmd,
		    "no link of %s ends at a device of this machine "
		    "(tap:NAME, veth:NAME): `ktls-sim run` runs it",
		    ra->ra_file));
	for (unsigned i = 0; i < sc->nlinks; i++) {
		ends = &sc->links[i].ends;
		for (unsigned j = 0; j < ends->n; j++)
			if (scenario_device(ends->v[j]) != NULL)
				scenario_error(sc, &ends->loc[j], &diag,
				    "`%s` is a device of this machine: "
				    "`ktls-sim live` runs this scenario",
				    ends->v[j]);
	}
	color_diag(strbuf_str(&diag));
	strbuf_fini(&diag);
	return (EXIT_USAGE);
}

/* A live session still writes there. */
static int
run_folder_free(const char *dir)
{
	char *path = xasprintf("%s/control.sock", dir);
	bool busy = ctl_alive(path);

	free(path);
	if (!busy)
		return (0);
	fprintf(stderr,
	    "ktls-sim: %s: a live session writes there: end it "
	    "(ktls-sim ctl %s/control.sock stop), or choose another folder "
	    "with --out\n",
	    dir, dir);
	return (EXIT_MISSING);
}

static void
run_options(struct run_args *ra, const struct scenario *sc)
{
	struct world_opts *wo = &ra->ra_opts;

	wo->wo_out = ra->ra_out;
	wo->wo_prints = ra->ra_cmd != &cmd_live; /* a clock is in it */
	wo->wo_state = run_state;
	wo->wo_state_arg = ra;
	if (ra->ra_trace)
		wo->wo_trace = xasprintf("%s/trace.%s", ra->ra_out,
		    wo->wo_trace_text ? "txt" : "ndjson");
	if (ra->ra_perfetto)
		wo->wo_perfetto =
		    xasprintf("%s/trace.perfetto.json", ra->ra_out);
	if (ra->ra_verbose) {
		wo->wo_tell = verbose_tell;
		verbose_points(wo->wo_tell_mask);
	}
	if (!ra->ra_has_seed)
		wo->wo_seed = sc->seed;
}

/* What --show is to show must be there. */
static int
run_shows_fit(const struct run_args *ra, const struct scenario *sc)
{
	const char *of;

	for (unsigned i = 0; i < ra->ra_opts.wo_nshows; i++) {
		of = ra->ra_shows[i].ws_of;
		if (of != NULL && !scenario_has_interface(sc, of))
			return (usage_error(ra->ra_cmd,
			    "--show ifconfig:%s: the scenario has no such "
			    "host, or host.interface",
			    of));
	}
	return (0);
}

static const struct sc_axis *
axis_of(const struct sc_matrix *m, const char *word, size_t len)
{
	for (unsigned i = 0; i < m->naxes; i++)
		if (strlen(m->axes[i].loc.name) == len &&
		    strncmp(m->axes[i].loc.name, word, len) == 0)
			return (&m->axes[i]);
	return (NULL);
}

/* "card=t6" in a --case: a value of an axis, which no other word names. */
static int
run_case_word(const struct run_args *ra, const struct scenario *sc,
    const char *w, size_t len)
{
	size_t n = strcspn(w, "=,");
	const struct sc_axis *ax = axis_of(&sc->matrix, w, n);
	struct strbuf values = { 0 };
	const char *v = w + n + 1, *p;
	bool is = false;
	int rc = 0;

	if (ax == NULL || n >= len)
		return (usage_error(ra->ra_cmd,
		    "--case: `%.*s` is no value of an axis of the matrix; "
		    "`ktls-sim test --list %s` shows the cases",
		    (int)len, w, ra->ra_file));
	for (unsigned i = 0; i < ax->values.n; i++) {
		strbuf_addf(&values, "%s%s", i > 0 ? ", " : "",
		    ax->values.v[i]);
		is |= strlen(ax->values.v[i]) == len - n - 1 &&
		    strncmp(ax->values.v[i], v, len - n - 1) == 0;
	}
	if (!is)
		rc = usage_error(ra->ra_cmd,
		    "--case: `%.*s` is no value of the axis `%s`, which has %s",
		    (int)(len - n - 1), v, ax->loc.name, strbuf_str(&values));
	for (p = ra->ra_case; p < w && rc == 0; p += strcspn(p, ",") + 1)
		if (strncmp(p, w, n + 1) == 0)
			rc = usage_error(ra->ra_cmd,
			    "--case: the axis `%s` is there twice",
			    ax->loc.name);
	strbuf_fini(&values);
	return (rc);
}

static int
run_case_fits(const struct run_args *ra, const struct scenario *sc)
{
	const char *w = ra->ra_case;
	struct strbuf diag = { 0 };
	size_t len;
	int rc = 0;

	for (; w != NULL && *w != '\0' && rc == 0; w += len + (w[len] == ',')) {
		len = strcspn(w, ",");
		rc = run_case_word(ra, sc, w, len);
	}
	if (rc != 0 || sc->matrix.left_out == NULL)
		return (rc);
	scenario_error(sc, &sc->matrix.left_out->loc, &diag,
	    "the cell that is to be run is left out here; `ktls-sim test "
	    "--list %s` shows the others, --case takes one",
	    ra->ra_file);
	color_diag(strbuf_str(&diag));
	strbuf_fini(&diag);
	return (EXIT_USAGE);
}

static void
run_tell_matrix(const struct run_args *ra, const struct scenario *sc)
{
	if (sc->matrix.naxes == 0 || ra->ra_case != NULL || ra->ra_quiet)
		return;
	fprintf(stderr,
	    "ktls-sim: the scenario has a matrix, this is the cell of the "
	    "first values; `ktls-sim test %s` runs all of it\n",
	    ra->ra_file);
}

int
run_load(struct run_args *ra, struct scenario **out)
{
	struct strbuf diag = { 0 };
	struct scenario *sc;
	int rc;

	rc = scenario_load(ra->ra_file, ra->ra_sets, &sc, &diag);
	if (rc == EINVAL)
		world_refuses(ra->ra_file, ra->ra_sets, &diag);
	color_diag(strbuf_str(&diag));
	strbuf_fini(&diag);
	if (rc != 0)
		return (rc == EINVAL ? EXIT_USAGE : EXIT_MISSING);
	if (ra->ra_out == NULL)
		ra->ra_out = xasprintf("./ktls-out/%s", sc->name);
	if ((rc = run_case_fits(ra, sc)) == 0)
		run_tell_matrix(ra, sc);
	if (rc != 0 || (rc = run_fits(ra, sc)) != 0 ||
	    (rc = run_shows_fit(ra, sc)) != 0 ||
	    (rc = run_folder_free(ra->ra_out)) != 0 ||
	    (rc = outdir_prepare(ra->ra_out)) != 0) {
		scenario_free(sc);
		return (rc);
	}
	run_options(ra, sc);
	*out = sc;
	return (0);
}

int
run_refused(int error, const struct strbuf *err)
{
	color_diag(strbuf_str(err));
	return (error == EINVAL ? EXIT_USAGE : EXIT_MISSING);
}

/* --- after --- */

static int
run_write_timeline(const struct run_args *ra, const struct result *r)
{
	struct strbuf svg = { 0 };
	int rc;

	if (r->r_timeline == NULL)
		return (0);
	report_timeline(r, &svg);
	rc = outdir_write(ra->ra_out, "timeline.svg", strbuf_str(&svg),
	    svg.sb_len);
	strbuf_fini(&svg);
	return (rc);
}

/* The scenario as it was run: it needs no other file and no option. */
static int
run_scenario_text(const struct run_args *ra, const struct scenario *sc,
    struct strbuf *yaml)
{
	bool seed = ra->ra_opts.wo_seed != sc->seed;
	struct strbuf diag = { 0 };
	int error;

	if (sc->processed == sc->text && !seed) {
		strbuf_add(yaml, sc->text, sc->textlen);
		return (0);
	}
	strbuf_adds(yaml,
	    "# The scenario as it was run: includes, defaults and parameters "
	    "are written out.\n");
	for (unsigned i = 0; i < ra->ra_nsets; i++)
		strbuf_addf(yaml, "# %s with --set '%s'\n", ra->ra_cmd->c_name,
		    ra->ra_sets[i]);
	if (!seed) {
		strbuf_adds(yaml, sc->processed);
		return (0);
	}
	strbuf_addf(yaml, "# %s with --seed %ju\n", ra->ra_cmd->c_name,
	    (uintmax_t)ra->ra_opts.wo_seed);
	error = scenario_with_seed(sc, ra->ra_opts.wo_seed, yaml, &diag);
	color_diag(strbuf_str(&diag));
	strbuf_fini(&diag);
	return (error == 0 ? 0 : EXIT_MISSING);
}

static int
run_write_html(const struct run_args *ra, const struct result *r)
{
	struct strbuf html = { 0 };
	int rc;

	report_html(r, &html);
	rc = outdir_write(ra->ra_out, "report.html", strbuf_str(&html),
	    html.sb_len);
	strbuf_fini(&html);
	return (rc);
}

/* Reports go to the folder and to the terminal; the commands that open the
 * capture only to the terminal, because they contain paths. */
static int
run_write(const struct run_args *ra, const struct scenario *sc,
    const struct result *r)
{
	struct strbuf text = { 0 }, json = { 0 }, yaml = { 0 };
	int rc, code = result_exit_code(r);

	report_text(r, NULL, &text);
	report_json(r, &json);
	rc = outdir_write(ra->ra_out, "report.txt", strbuf_str(&text),
	    text.sb_len);
	if (rc == 0)
		rc = outdir_write(ra->ra_out, "report.json", strbuf_str(&json),
		    json.sb_len);
	if (rc == 0)
		rc = run_write_timeline(ra, r);
	if (rc == 0 && sc->capture.html)
		rc = run_write_html(ra, r);
	if (rc == 0)
		rc = run_scenario_text(ra, sc, &yaml);
	if (rc == 0)
		rc = outdir_write(ra->ra_out, "scenario.yaml",
		    strbuf_str(&yaml), yaml.sb_len);
	strbuf_fini(&yaml);
	if (ra->ra_json)
		fputs(strbuf_str(&json), stdout);
	else if (!ra->ra_quiet) {
		strbuf_clear(&text);
		report_text(r,
		    strcmp(ra->ra_file, "-") != 0 ? ra->ra_file : NULL, &text);
		color_report(strbuf_str(&text));
	}
	strbuf_fini(&text);
	strbuf_fini(&json);
	if (rc == 0)
		rc = ra->ra_state_rc;
	/* 130 stands above everything, a missing thing above a judgement. */
	return (code == EXIT_INTERRUPTED || rc == 0 ? code : rc);
}

/* Instants that the run did not come to. */
static void
run_states_missed(const struct run_args *ra, const struct world *w)
{
	struct strbuf at = { 0 };

	for (unsigned i = world_shown(w); i < ra->ra_opts.wo_nshows; i++) {
		strbuf_clear(&at);
		format_time(ra->ra_shows[i].ws_at, &at);
		fprintf(stderr,
		    "ktls-sim: %s%s: not written, the run was over before\n",
		    ra->ra_shows[i].ws_what == SHOW_STATE ? "--dump-at "
							  : "--show ifconfig@",
		    strbuf_str(&at));
	}
	strbuf_fini(&at);
}

static void
run_outro_dma(const struct run_args *ra, const struct result *r, FILE *f)
{
	fprintf(f, "\nWhat the cards read and wrote (docs/nics.md)\n");
	for (unsigned i = 0; i < r->r_ndma; i++)
		fprintf(f, "  %s/%s: %ju work requests and completions\n",
		    ra->ra_out, r->r_dma[i].d_file,
		    (uintmax_t)r->r_dma[i].d_packets);
}

static void
run_outro_ports(const struct run_args *ra, const struct result *r, FILE *f)
{
	fprintf(f, "\nWhat goes over each link\n");
	for (unsigned i = 0; i < r->r_nports; i++)
		fprintf(f, "  %s/%s: %ju frames, keys inside\n", ra->ra_out,
		    r->r_ports[i].d_file, (uintmax_t)r->r_ports[i].d_packets);
}

/* What one needs to know to read it. */
static void
run_outro_wire(const struct run_args *ra, const struct result *r, FILE *f)
{
	const char *option =
	    r->r_disorder ? "-o tcp.reassemble_out_of_order:TRUE " : "";

	fprintf(f,
	    "\nCapture\n  %s/wire.pcapng: %ju frames, keys inside\n"
	    "  open it: wireshark %s%s/wire.pcapng\n"
	    "  or:      tshark %s%s-r %s/wire.pcapng -Y %s\n",
	    ra->ra_out, (uintmax_t)r->r_frames, option, ra->ra_out, option,
	    r->r_nnfs > 0 ? "-X lua_script:contrib/ktls-sim-rpc-tls.lua "
			    "-d tcp.port==2049,tls "
			  : "",
	    ra->ra_out, r->r_nnfs > 0 ? "nfs" : "http");
	if (r->r_disorder)
		fprintf(f,
		    "  (segments overtook others, or have old bytes in front of "
		    "new ones: Wireshark puts them in order with that option "
		    "alone)\n");
}

static void
run_outro_pictures(const struct run_args *ra, const struct scenario *sc,
    const struct result *r, FILE *f)
{
	if (sc->capture.html)
		fprintf(f,
		    "\nReport\n  %s/report.html: verdict, connections, "
		    "buffers, queues, events; any browser shows it\n",
		    ra->ra_out);
	if (r->r_timeline != NULL)
		fprintf(f,
		    "\nPicture\n  %s/timeline.svg: ports, tags and "
		    "throughput over time; any browser shows it\n",
		    ra->ra_out);
}

static void
run_outro(const struct run_args *ra, const struct scenario *sc,
    const struct result *r, int code)
{
	FILE *f = ra->ra_json || ra->ra_quiet ? stderr : stdout;

	if (r->r_capture_error != 0)
		fprintf(stderr, "ktls-sim: %s: %s\n", r->r_capture_path,
		    strerror(r->r_capture_error));
	if (own_cannot_start(r) != NULL)
		fprintf(stderr, "ktls-sim: %s\n", own_cannot_start(r));
	if (!ra->ra_quiet && r->r_has_wire)
		run_outro_wire(ra, r, f);
	if (!ra->ra_quiet)
		run_outro_pictures(ra, sc, r, f);
	if (!ra->ra_quiet && ra->ra_perfetto)
		fprintf(f,
		    "\nTrace\n  %s/trace.perfetto.json: ui.perfetto.dev "
		    "opens it\n",
		    ra->ra_out);
	if (!ra->ra_quiet && r->r_nports > 0)
		run_outro_ports(ra, r, f);
	if (!ra->ra_quiet && r->r_ndma > 0)
		run_outro_dma(ra, r, f);
	if (!ra->ra_quiet && r->r_has_tcpinfo)
		fprintf(f,
		    "\nTCP_INFO over time\n  %s/tcpinfo.ndjson "
		    "(`ktls-sim list tcp-info` explains the fields)\n",
		    ra->ra_out);
	if (!ra->ra_json)
		fputs(strbuf_str(&ra->ra_shown), stdout);
	if (!ra->ra_quiet && ra->ra_states.sb_len > 0)
		fprintf(f, "\nState\n%s", strbuf_str(&ra->ra_states));
	(void)stdout_flush();
	if (r->r_interrupted)
		fprintf(stderr,
		    "ktls-sim: interrupted; what was captured so "
		    "far is complete\n");
	if (code != EXIT_OK) {
		color_word(stderr, STYLE_BAD,
		    code == EXIT_CLAIM		 ? "an expectation FAILED"
			: code == EXIT_INVARIANT ? "an invariant BROKE"
						 : "the run did not complete");
		fprintf(stderr, "\n%s: ktls-sim %s %s%s\n",
		    r->r_live ? "to try again" : "to reproduce",
		    ra->ra_cmd->c_name, ra->ra_file,
		    strbuf_str(&ra->ra_repeat));
	} else if (!ra->ra_quiet) {
		fputc('\n', f);
		color_word(f, STYLE_GOOD,
		    "all expectations met, all invariants held");
		fputc('\n', f);
	}
}

int
run_report(const struct run_args *ra, const struct scenario *sc,
    const struct world *w)
{
	int code = run_write(ra, sc, world_result(w));

	(void)stdout_flush(); /* the verdict may go to the same file */
	run_states_missed(ra, w);
	run_outro(ra, sc, world_result(w), code);
	return (stdout_code(code));
}

void
run_over(struct world *w, int code)
{
	world_destroy(w);
	/* A wreck cannot be taken apart: leave without looking back. */
	if (code == EXIT_INVARIANT || code == EXIT_INTERRUPTED ||
	    code == EXIT_MISSING)
		_exit(code);
}
