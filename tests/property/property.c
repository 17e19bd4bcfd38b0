/*
 * Random worlds, one after the other: in each of them every invariant holds,
 * no kernel panics, and everything arrives, unless TLS itself had to notice
 * damage. Now and then one is run again with other threads: the same report.
 *
 *   property FIRST COUNT [OPTIONS]
 *     --defect NAME   with a planted bug, to see that it is found
 *     --out DIR       where the scenario of a failure is written (.)
 *     --text          print the first world, run nothing
 *
 * One that fails is made smaller, as long as it still fails, and written as a
 * scenario. Exit 0; 1 failures; 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/ktls.h>

#include "lawful.h"

/* Everything that a world can show; a long run has to have shown all of it. */
enum seen {
	SEEN_DELIVERED,
	SEEN_REXMIT,
	SEEN_RTO,
	SEEN_FAST,
	SEEN_SW_TX,
	SEEN_CARD_TX,
	SEEN_KERNEL_RX,
	SEEN_PLAIN,
	SEEN_IPV6,
	SEEN_LAGG,
	SEEN_LOST,
	SEEN_DUPLICATED,
	SEEN_DELAYED,
	SEEN_CORRUPTED,
	SEEN_MARKED,
	SEEN_QUEUE_FULL,
	SEEN_LINK_DOWN,
	SEEN_SUSPENDED,
	SEEN_NOTICED,  /* damage, by TLS */
	SEEN_UNOPENED, /* no SYN was answered for so long */
	SEEN_GAVE_UP,  /* twelve retransmissions, and no answer */
	SEEN_TOE,      /* a card's TCP and TLS */
	SEEN_TOE_RESET,
	SEEN_LACP,
	SEEN_PAUSES,
	SEEN_SWITCH,
	SEEN_VLAN,
	SEEN_COMMANDS,
	SEEN_PACED,
	SEEN_EARLY,
	SEEN_TAG_REFUSED,
	SEEN_TAG_MOVED,
	SEEN_TAG_LOST, /* and the connection with it */
	SEEN_KINDS
};
static const char *const seen_names[SEEN_KINDS] = { "everything delivered",
	"retransmissions", "timeouts", "fast retransmissions", "software tx",
	"card tx", "kernel rx", "plain", "IPv6", "lagg", "lost by a node",
	"duplicated", "delayed", "corrupted", "marked", "queue full",
	"link down", "suspended", "damage noticed", "not opened for 75 s",
	"gave up", "card's TCP", "reset with the card", "LACP", "LACP pauses",
	"switch", "vlan", "ifconfig and route", "paced by a card",
	"tags released early", "tags refused", "tags exchanged",
	"ended without a tag" };
static uint64_t seen[SEEN_KINDS];
static uint64_t client_conns;

static struct defects defects;
static const char *outdir = ".";
static volatile uint64_t now_running;

/* --- when the process itself dies --- */

/* Sanitizers call it before they end the process; it may be absent. */
void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

static void
last_words(void)
{
	char line[80];
	int n = snprintf(line, sizeof(line),
	    "property: died in world %" PRIu64 "\n", now_running);

	(void)!write(STDERR_FILENO, line, (size_t)n);
}

static void
too_long(int sig)
{
	last_words();
	abort();
}

/* --- one world --- */

struct verdict {
	char *why;    /* NULL: nothing is wrong */
	char *report; /* as JSON */
};

static void wrong(struct verdict *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
wrong(struct verdict *v, const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list ap;

	if (v->why != NULL)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	v->why = strbuf_take(&sb);
}

/* The errnos with which an end tells that a record was damaged, and those with
 * which the other end hears of it. (A kernel that decrypts says EMSGSIZE of a
 * reset in mid-record: ktls_check_rx overwrites the socket's error.) */
static bool
tells_damage(int error)
{
	return (error == EBADMSG || error == EPROTO || error == ECONNRESET ||
	    error == EPIPE || error == ECONNABORTED);
}

/*
 * At 20 % loss both ways the six SYNs of 75 s (TCPTV_KEEP_INIT) are all lost
 * once in 500 times, and sooner where a node drops the first ones. Lawful, as
 * long as it is rare: see missing().
 */
static bool
never_opened(const struct conn *c)
{
	/* EHOSTUNREACH: its neighbour did not answer meanwhile. */
	return (!c->c_server &&
	    (c->c_error == ETIMEDOUT || c->c_error == EHOSTUNREACH) &&
	    c->c_established == 0 && c->c_end - c->c_start >= 75 * SIM_SEC);
}

static void
judge_conn(struct verdict *v, struct lawful *law, const struct conn *c)
{
	const struct rworld *rw = law->l_rw;
	const char *name = c->c_app->a_sc->loc.name;

	client_conns += !c->c_server;
	if (c->c_failed != NULL) {
		if (never_opened(c))
			seen[SEEN_UNOPENED]++;
		else if (lawful_gave_up(law, c))
			seen[SEEN_GAVE_UP]++;
		else if (rw->rw_damage && tells_damage(c->c_error))
			seen[SEEN_NOTICED]++;
		else if (rw->rw_toe_reset &&
		    (tells_damage(c->c_error) || c->c_error == EMSGSIZE))
			seen[SEEN_TOE_RESET]++;
		else if (lawful_conn(law, c))
			seen[SEEN_TAG_LOST]++;
		else
			wrong(v, "%s#%u ended with %s", name, c->c_index,
			    c->c_failed);
		return;
	}
	if (!c->c_server &&
	    c->c_before + c->c_off != rw->rw_size * rw->rw_requests)
		wrong(v, "%s#%u has %" PRIu64 " bytes", name, c->c_index,
		    c->c_before + c->c_off);
}

static void
judge(struct verdict *v, struct lawful *law, const struct world *w)
{
	const struct rworld *rw = law->l_rw;
	const struct result *r = world_result(w);
	const struct conn *c;

	if (r->r_panic != NULL)
		wrong(v, "panic: %s", r->r_panic);
	for (int i = 0; i < INVARIANTS; i++)
		if (r->r_inv[i].i_broken > 0)
			wrong(v, "invariant %d: %s", i + 1,
			    r->r_inv[i].i_first);
	if (v->why != NULL)
		return; /* the wreck is not to be looked at */
	v->why = lawful_refusals(law, w);
	for (unsigned i = 0; i < r->r_nconns; i++) {
		if (r->r_conns[i].c_done || r->r_conns[i].c_failed != NULL)
			continue;
		/* In FIN_WAIT_2 nobody asks whether the peer is still there. */
		if (rw->rw_toe_reset)
			seen[SEEN_TOE_RESET]++;
		else
			wrong(v, "%s is not done", r->r_conns[i].c_name);
	}
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
			judge_conn(v, law, c);
	if (lawful_too_many(law))
		wrong(v, "more connections ended than lost their tags");
	if (v->why == NULL)
		seen[SEEN_DELIVERED]++;
}

static void
see_conns(const struct result *r)
{
	const struct conn_side *s;

	for (unsigned i = 0; i < r->r_nconns; i++)
		for (unsigned k = 0; k < 2; k++) {
			s = &r->r_conns[i].c_side[k];
			seen[SEEN_REXMIT] += s->rexmit_packs;
			seen[SEEN_RTO] += s->rto;
			seen[SEEN_FAST] += s->fast_rexmit;
			seen[SEEN_SW_TX] += s->tx_mode == TCP_TLS_MODE_SW;
			seen[SEEN_CARD_TX] += s->tx_mode == TCP_TLS_MODE_IFNET;
			seen[SEEN_KERNEL_RX] += s->rx_mode == TCP_TLS_MODE_SW;
			seen[SEEN_TOE] += s->tx_mode == TCP_TLS_MODE_TOE;
		}
}

static uint64_t
counted(const struct result *r, const char *name)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->r_ncounters; i++)
		if (strcmp(r->r_counters[i].ct_name, name) == 0)
			n += r->r_counters[i].ct_after;
	return (n);
}

static void
see_net(const struct lawful *law, const struct result *r)
{
	const struct rworld *rw = law->l_rw;

	seen[SEEN_LACP] += rw->rw_lacp;
	seen[SEEN_PAUSES] += law->l_pauses;
	seen[SEEN_SWITCH] += rw->rw_switch;
	seen[SEEN_VLAN] += rw->rw_vlan;
	seen[SEEN_PACED] += counted(r, "net.inet.ip.rl.newrl");
	seen[SEEN_TAG_MOVED] += counted(r, "kern.ipc.tls.ifnet.reset");
	seen[SEEN_EARLY] += counted(r, "kern.ipc.tls.ifnet.released_early");
	for (unsigned i = 0; i < r->r_nfacts; i++) {
		if (r->r_facts[i].f_id == TP_tag_refused)
			seen[SEEN_TAG_REFUSED] += r->r_facts[i].f_count;
		if (r->r_facts[i].f_id == TP_timeline &&
		    (strcmp(r->r_facts[i].f_s[0], "ifconfig") == 0 ||
			strcmp(r->r_facts[i].f_s[0], "route") == 0))
			seen[SEEN_COMMANDS] += r->r_facts[i].f_count;
	}
}

static void
see(const struct lawful *law, const struct result *r)
{
	const struct rworld *rw = law->l_rw;

	see_conns(r);
	see_net(law, r);
	seen[SEEN_PLAIN] += !rw->rw_tls;
	seen[SEEN_IPV6] += rw->rw_ipv6;
	seen[SEEN_LAGG] += rw->rw_lagg;
	for (unsigned i = 0; i < r->r_nnodes; i++) {
		seen[SEEN_LOST] += r->r_nodes[i].lost;
		seen[SEEN_DUPLICATED] += r->r_nodes[i].duplicated;
		seen[SEEN_DELAYED] += r->r_nodes[i].delayed;
		seen[SEEN_CORRUPTED] += r->r_nodes[i].corrupted;
		seen[SEEN_MARKED] += r->r_nodes[i].marked;
	}
	for (unsigned i = 0; i < r->r_nlinks; i++)
		for (unsigned k = 0; k < 2; k++) {
			seen[SEEN_QUEUE_FULL] +=
			    r->r_links[i].l_dir[k].queue_drops;
			seen[SEEN_LINK_DOWN] +=
			    r->r_links[i].l_dir[k].down_drops;
			seen[SEEN_SUSPENDED] +=
			    r->r_links[i].l_dir[k].suspended_drops;
		}
}

static struct scenario *
load(const struct rworld *rw, char **why)
{
	struct strbuf text = { 0 }, diag = { 0 };
	struct scenario *sc = NULL;

	rworld_text(rw, &text);
	if (scenario_parse("random.ktls.yaml", &text, NULL, &sc, &diag) != 0)
		*why = strbuf_take(&diag);
	strbuf_fini(&diag);
	strbuf_fini(&text);
	return (sc);
}

/* False: it is no scenario at all (why says so). */
static bool
run(const struct rworld *rw, unsigned threads, struct verdict *v)
{
	struct world_opts wo = { .wo_seed = rw->rw_seed,
		.wo_threads = threads,
		.wo_defects = defects };
	struct scenario *sc = load(rw, &v->why);
	struct lawful law;
	struct strbuf sb = { 0 };
	struct world *w = NULL;
	bool ok = sc != NULL, wreck;

	lawful_init(&law, rw, &wo);
	if (ok && world_create(sc, &wo, &w, &sb) != 0) {
		v->why = strbuf_take(&sb);
		ok = false;
	}
	if (ok) {
		alarm(120);
		world_run(w);
		alarm(0);
		report_json(world_result(w), &sb);
		v->report = strbuf_take(&sb);
		judge(v, &law, w);
		see(&law, world_result(w));
	}
	strbuf_fini(&sb);
	wreck = w != NULL && w->w_wrecked;
	world_destroy(w);
	lawful_fini(&law);
	if (!wreck)
		scenario_free(sc);
	return (ok);
}

static void
verdict_fini(struct verdict *v)
{
	free(v->why);
	free(v->report);
	memset(v, 0, sizeof(*v));
}

static bool
still_fails(const struct rworld *rw)
{
	struct verdict v = { 0 };
	bool fails = run(rw, 0, &v) && v.why != NULL;

	verdict_fini(&v);
	return (fails);
}

/* --- smaller --- */

static bool
without_part(struct rworld *rw, struct part *p)
{
	if (p->p_out)
		return (false);
	p->p_out = true;
	if (still_fails(rw))
		return (true);
	p->p_out = false;
	return (false);
}

static bool
less_of(struct rworld *rw, unsigned *n)
{
	unsigned was = *n;

	if (was == 1)
		return (false);
	*n = was - 1;
	if (still_fails(rw))
		return (true);
	*n = was;
	return (false);
}

static bool
less_data(struct rworld *rw)
{
	uint64_t was = rw->rw_size;

	rw->rw_size = was / 2;
	if (was >= 2 && still_fails(rw))
		return (true);
	rw->rw_size = was;
	return (false);
}

/* Whatever is not needed for the failure goes, until nothing more goes. */
static void
shrink(struct rworld *rw)
{
	bool again;

	do {
		again = false;
		for (unsigned i = 0; i < rw->rw_nparts; i++)
			again |= without_part(rw, &rw->rw_part[i]);
		again |= less_of(rw, &rw->rw_conns);
		again |= less_of(rw, &rw->rw_requests);
		again |= less_data(rw);
	} while (again);
}

static void
tell(struct rworld *rw, const char *why)
{
	struct strbuf text = { 0 };
	struct verdict v = { 0 };
	char *path =
	    xasprintf("%s/property-%" PRIu64 ".ktls.yaml", outdir, rw->rw_seed);
	FILE *f;

	printf("FAIL: world %" PRIu64 ": %s\n", rw->rw_seed, why);
	shrink(rw);
	(void)run(rw, 0, &v);
	rworld_text(rw, &text);
	if ((f = fopen(path, "w")) != NULL) {
		fputs(strbuf_str(&text), f);
		fclose(f);
	}
	printf("  as small as it gets: %s\n%s  ktls-sim run %s --seed %" PRIu64
	       "\n",
	    v.why != NULL ? v.why : "it does not fail twice", strbuf_str(&text),
	    path, rw->rw_seed);
	fflush(stdout);
	verdict_fini(&v);
	strbuf_fini(&text);
	free(path);
}

/* --- many --- */

/* Every so many worlds one is run again. */
#define AGAIN_EVERY 16

static const char *
same_again(const struct rworld *rw, const struct verdict *v)
{
	static const unsigned threads[] = { 0, 1, 2, 4 };
	struct verdict again = { 0 };
	bool same;

	(void)run(rw, threads[rw->rw_seed / AGAIN_EVERY % nitems(threads)],
	    &again);
	same = again.report != NULL && strcmp(again.report, v->report) == 0;
	verdict_fini(&again);
	return (same ? NULL : "another report with other threads");
}

/* True: nothing is wrong. */
static bool
one(uint64_t seed)
{
	struct verdict v = { 0 };
	const char *why = NULL;
	struct rworld rw;
	bool ran, ok;

	now_running = seed;
	rworld_make(&rw, seed);
	ran = run(&rw, 0, &v);
	if (v.why == NULL && seed % AGAIN_EVERY == 0)
		why = same_again(&rw, &v);
	if (!ran)
		printf("FAIL: world %" PRIu64 " is none:\n%s", seed, v.why);
	else if (v.why != NULL)
		tell(&rw, v.why);
	else if (why != NULL)
		printf("FAIL: world %" PRIu64 ": %s\n", seed, why);
	ok = ran && v.why == NULL && why == NULL;
	verdict_fini(&v);
	rworld_fini(&rw);
	return (ok);
}

/* What never happened in many worlds was not tested. */
static unsigned
missing(uint64_t count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SEEN_KINDS; i++) {
		printf("  %-22s %" PRIu64 "\n", seen_names[i], seen[i]);
		if (i != SEEN_UNOPENED && i != SEEN_GAVE_UP &&
		    i != SEEN_TOE_RESET && i != SEEN_TAG_LOST && seen[i] == 0 &&
		    count >= 500) {
			printf("FAIL: %s: never\n", seen_names[i]);
			n++;
		}
	}
	if (count >= 500 && seen[SEEN_UNOPENED] > 1 + client_conns / 500) {
		printf("FAIL: too many connections are not opened\n");
		n++;
	}
	/* Both ends of one count. */
	if (seen[SEEN_GAVE_UP] > 2 + count / 1000) {
		printf("FAIL: too many connections gave up\n");
		n++;
	}
	return (n);
}

static int
many(uint64_t first, uint64_t count)
{
	unsigned failed = 0;

	for (uint64_t seed = first; seed < first + count; seed++)
		failed += !one(seed);
	printf("%" PRIu64 " worlds from %" PRIu64 ": %u failed\n", count, first,
	    failed);
	failed += missing(count);
	return (failed > 0);
}

static int
print(uint64_t seed)
{
	struct strbuf text = { 0 };
	struct rworld rw;

	rworld_make(&rw, seed);
	rworld_text(&rw, &text);
	fputs(strbuf_str(&text), stdout);
	strbuf_fini(&text);
	rworld_fini(&rw);
	return (0);
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: property FIRST COUNT [--defect NAME] [--out DIR] "
	    "[--text]\n");
	return (2);
}

int
main(int argc, char **argv)
{
	uint64_t first, count;
	bool text = false;
	int d;

	if (argc < 3 || parse_uint(argv[1], &first) != 0 ||
	    parse_uint(argv[2], &count) != 0)
		return (usage());
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--text") == 0)
			text = true;
		else if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
			outdir = argv[++i];
		else if (strcmp(argv[i], "--defect") == 0 && i + 1 < argc &&
		    (d = defect_find(argv[++i])) >= 0)
			defect_set(&defects, (enum defect)d);
		else
			return (usage());
	}
	if (text)
		return (print(first));
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(last_words);
	signal(SIGALRM, too_long);
	return (many(first, count));
}
