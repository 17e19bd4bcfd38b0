/* What there is: printed from the tables that the simulator works with. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/trace.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_suite.h>
#include <ktsim/sim/engine.h>
#include <ktsim/sim/scenario.h>

#include "cli.h"

static void
list_suites(void)
{
	for (unsigned i = 0; i < tls_nsuites; i++)
		printf("%-24s header %2u, trailer %2u bytes\n",
		    tls_suites[i].name, tls_suites[i].hlen, tls_suites[i].tlen);
}

static void
list_backends(void)
{
	const struct crypto_backend *cb;
	const char *why;

	for (unsigned i = 0; (cb = crypto_backends[i]) != NULL; i++) {
		why = NULL;
		printf("%-10s %s\n", cb->cb_name, cb->cb_text);
		if (cb->cb_usable != NULL && !cb->cb_usable(&why))
			printf("%-10s not here: %s\n", "", why);
	}
}

static void
list_defects(void)
{
	const struct defect_info *di;
	char by[16];

	for (int i = 0; i < DEFECT_COUNT; i++) {
		di = &defect_catalogue[i];
		snprintf(by, sizeof(by), "invariant %d", di->di_invariant);
		printf("%-36s %s: %s\n", di->di_name,
		    di->di_invariant == DEFECT_BY_CLAIM ? "claim"
			: di->di_invariant != 0		? by
							: "unit test",
		    di->di_text);
	}
}

static void
list_traces(void)
{
	for (int i = 0; i < TP_COUNT; i++)
		printf("%-16s %s\n%-16s %s\n", trace_catalogue[i].ti_name,
		    trace_catalogue[i].ti_text, "", trace_catalogue[i].ti_args);
}

/* Those of a host as it comes up; cards add theirs under dev.<name>. */
static void
list_sysctls(void)
{
	static const char *const kinds[] = { "read-only", "read-write",
		"at boot", "counter", "write-only" };
	struct engine *en = engine_create();
	struct jobpool *jp = hostpool_create(0);
	struct vnet_params vp = { .vp_name = "host",
		.vp_ncpus = 1,
		.vp_tb = engine_timebase(en),
		.vp_jobs = jp };
	struct vnet *vnet = vnet_create(&vp);
	const struct sysctl_oid *o;

	net_attach(vnet);
	inet_attach(vnet);
	for (unsigned i = 0; i < vnet->v_sysctl.st_count; i++) {
		o = &vnet->v_sysctl.st_oids[i];
		printf("%-48s %-10s %10ju  %s\n", o->oid_name,
		    kinds[o->oid_kind],
		    o->oid_val != NULL ? (uintmax_t)*o->oid_val : 0,
		    o->oid_descr);
	}
	inet_detach(vnet);
	net_detach(vnet);
	vnet_destroy(vnet);
	hostpool_destroy(jp);
	engine_destroy(en);
}

static void
list_keys(void)
{
	struct strbuf sb = { 0 };

	keys_reference(&sb);
	fputs(strbuf_str(&sb), stdout);
	strbuf_fini(&sb);
}

/* From the tables that name errnos and exit codes everywhere else. */
static void
list_errors(void)
{
	const struct errno_cause *ec;

	puts("What the simulated kernel and its cards answer, where, and why:");
	for (unsigned i = 0; i < errno_ncauses; i++) {
		ec = &errno_causes[i];
		if (i == 0 || strcmp(ec[-1].ec_name, ec->ec_name) != 0)
			printf("\n%s  %s\n", ec->ec_name,
			    errno_text(ec->ec_error));
		printf("    %s: %s\n", ec->ec_where, ec->ec_text);
	}
	puts(
	    "\nWhat ktls-sim ends with; of several causes 130 goes before 3, 4, 1:\n");
	for (unsigned i = 0; i < nexit_codes; i++)
		printf("%-4d %s\n", exit_codes[i].ec_code,
		    exit_codes[i].ec_text);
	puts(
	    "\nWhat is said of a scenario, as FILE:LINE:COLUMN: CLASS: text:\n");
	puts("error  a mistake: what is wrong, and what would be right\n"
	     "note   belongs to the error above it, such as the other place");
}

static void
list_tcp_info(void)
{
	for (unsigned i = 0; i < tcp_info_nfields; i++)
		printf("%-16s %s\n", tcp_info_fields[i].name,
		    tcp_info_fields[i].text);
}

#define LIST_WHAT \
	"say what to list: models, suites, backends, defects, sysctls, traces, tcp-info, keys or errors"

static const struct {
	const char *what;
	void (*print)(void);
} lists[] = {
	{ "models", list_models },
	{ "suites", list_suites },
	{ "backends", list_backends },
	{ "defects", list_defects },
	{ "sysctls", list_sysctls },
	{ "traces", list_traces },
	{ "tcp-info", list_tcp_info },
	{ "keys", list_keys },
	{ "errors", list_errors },
};

static int
list_unknown(const char *what)
{
	const char *names[nitems(lists)], *near;

	for (size_t i = 0; i < nitems(lists); i++)
		names[i] = lists[i].what;
	near = nearest_name(what, names, nitems(lists));
	if (near == NULL)
		return (usage_error(&cmd_list, LIST_WHAT));
	return (usage_error(&cmd_list,
	    "there is no list of `%s`; did you mean `%s`?", what, near));
}

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "markdown", no_argument, NULL, 256 },
	{ NULL, 0, NULL, 0 },
};

static int
list_option(void *arg, int opt, const char *value)
{
	*(bool *)arg = true;
	return (0);
}

static int
list_main(int argc, char **argv)
{
	bool markdown = false;
	int rc;

	rc =
	    cli_options(&cmd_list, argc, argv, options, list_option, &markdown);
	if (rc != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	argv += optind;
	argc -= optind;
	if (markdown) {
		if (argc != 1 || strcmp(argv[0], "models") != 0)
			return (usage_error(&cmd_list,
			    "--markdown is for `list models`"));
		list_models_page();
		return (EXIT_OK);
	}
	if (argc == 2 && strcmp(argv[0], "models") == 0)
		return (list_model(argv[1]));
	if (argc != 1)
		return (usage_error(&cmd_list, LIST_WHAT));
	for (size_t i = 0; i < nitems(lists); i++)
		if (strcmp(argv[0], lists[i].what) == 0) {
			lists[i].print();
			return (EXIT_OK);
		}
	return (list_unknown(argv[0]));
}

const struct command cmd_list = {
	.c_name = "list",
	.c_run = list_main,
	.c_text =
	    "list models, suites, backends, defects, sysctls, traces, tcp-info, keys, errors",
	.c_help =
	    "usage: ktls-sim list models|suites|backends|defects|sysctls|traces|tcp-info|keys|\n"
	    "                     errors\n"
	    "       ktls-sim list models MODEL\n"
	    "       ktls-sim list models --markdown\n"
	    "\n"
	    "  models    network cards, their drivers and capabilities; one at length with its\n"
	    "            limits, orders and settings; or all as the tables of docs/nics.md\n"
	    "  suites    TLS suites of the simulated kernel\n"
	    "  backends  libraries that can do software TLS, for `crypto:` of a host\n"
	    "  defects   planted defects, for `ktls-sim run --defect NAME`\n"
	    "  sysctls   of a host, with kind and default\n"
	    "  traces    trace points with their arguments\n"
	    "  tcp-info  fields of a connection's TCP_INFO, for claims and tcpinfo.ndjson\n"
	    "  keys      every key of a scenario, as a Markdown table\n"
	    "  errors    errnos of the simulated kernel with their causes, exit codes\n",
};
