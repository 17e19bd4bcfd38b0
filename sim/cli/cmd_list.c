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
	for (const struct exit_code *xc = exit_codes; xc->ec_text != NULL; xc++)
		printf("%-4d %s\n", xc->ec_code, xc->ec_text);
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

static void
list_commands(void)
{
	for (unsigned i = 0; i < ncommands; i++)
		printf("%-12s %s\n", commands[i]->c_name, commands[i]->c_text);
}

static const struct {
	const char *what, *text;
	void (*print)(void);
	void (*mdoc)(struct strbuf *);
} lists[] = {
	{ "models",
	    "network cards, their drivers and capabilities; one at length with its limits, orders and settings",
	    list_models, NULL },
	{ "suites", "TLS suites of the simulated kernel", list_suites, NULL },
	{ "backends",
	    "libraries that can do software TLS, for `crypto:` of a host",
	    list_backends, NULL },
	{ "defects", "planted defects, for `ktls-sim run --defect NAME`",
	    list_defects, NULL },
	{ "sysctls", "of a host, with kind and default", list_sysctls, NULL },
	{ "traces", "trace points with their arguments", list_traces, NULL },
	{ "tcp-info",
	    "fields of a connection's TCP_INFO, for claims and tcpinfo.ndjson",
	    list_tcp_info, NULL },
	{ "keys", "every key of a scenario, as a Markdown table", list_keys,
	    keys_mdoc },
	{ "errors",
	    "errnos of the simulated kernel with their causes, exit codes",
	    list_errors, codes_mdoc },
	{ "commands", "commands of ktls-sim", list_commands, commands_mdoc },
};

const char *
list_what(unsigned i, const char **text)
{
	if (i >= nitems(lists))
		return (NULL);
	*text = lists[i].text;
	return (lists[i].what);
}

static int
list_usage(void)
{
	struct strbuf sb = { 0 };
	int rc;

	for (size_t i = 0; i < nitems(lists); i++)
		strbuf_addf(&sb, "%s%s",
		    i == 0			? ""
			: i + 1 < nitems(lists) ? ", "
						: " or ",
		    lists[i].what);
	rc = usage_error(&cmd_list, "say what to list: %s", strbuf_str(&sb));
	strbuf_fini(&sb);
	return (rc);
}

static int
list_unknown(const char *what)
{
	const char *names[nitems(lists)], *near;

	for (size_t i = 0; i < nitems(lists); i++)
		names[i] = lists[i].what;
	near = nearest_name(what, names, nitems(lists));
	if (near == NULL)
		return (list_usage());
	return (usage_error(&cmd_list,
	    "there is no list of `%s`; did you mean `%s`?", what, near));
}

enum { OPT_MARKDOWN = 256, OPT_MDOC };

struct list_args {
	bool la_markdown, la_mdoc;
};

static const struct cli_option options[] = {
	{ "markdown", OPT_MARKDOWN, NULL,
	    "models: all of them at length, as the tables of docs/nics.md" },
	{ "mdoc", OPT_MDOC, NULL,
	    "keys, errors, commands: as a part of a manual page" },
	{ NULL },
};

static int
list_option(void *arg, int opt, const char *value)
{
	struct list_args *la = arg;

	if (opt == OPT_MARKDOWN)
		la->la_markdown = true;
	else
		la->la_mdoc = true;
	return (0);
}

static int
list_markdown(const char *what)
{
	if (strcmp(what, "models") != 0)
		return (
		    usage_error(&cmd_list, "--markdown is for `list models`"));
	list_models_page();
	return (EXIT_OK);
}

static int
list_one(const char *what, bool mdoc)
{
	struct strbuf sb = { 0 };

	for (size_t i = 0; i < nitems(lists); i++) {
		if (strcmp(what, lists[i].what) != 0)
			continue;
		if (!mdoc) {
			lists[i].print();
			return (EXIT_OK);
		}
		if (lists[i].mdoc == NULL)
			break;
		lists[i].mdoc(&sb);
		fputs(strbuf_str(&sb), stdout);
		strbuf_fini(&sb);
		return (EXIT_OK);
	}
	if (!mdoc)
		return (list_unknown(what));
	return (usage_error(&cmd_list,
	    "--mdoc is for `list keys`, `list errors` and `list commands`"));
}

static int
list_main(int argc, char **argv)
{
	struct list_args la = { 0 };
	int rc = cli_options(&cmd_list, argc, argv, list_option, &la);

	if (rc != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	argv += optind;
	argc -= optind;
	if (argc == 2 && strcmp(argv[0], "models") == 0 && !la.la_markdown &&
	    !la.la_mdoc)
		return (list_model(argv[1]));
	if (argc != 1)
		return (list_usage());
	if (la.la_markdown)
		return (list_markdown(argv[0]));
	return (list_one(argv[0], la.la_mdoc));
}

const struct command cmd_list = {
	.c_name = "list",
	.c_run = list_main,
	.c_text =
	    "what there is: models, suites, backends, defects, sysctls, traces ...",
	.c_usage = "WHAT\nmodels MODEL",
	.c_options = options,
	.c_operands = { WORDS_LIST, WORDS_MODEL },
};
