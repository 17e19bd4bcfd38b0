/* From the scenario's structures to hosts, cards, wires and steps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/vm.h>
#include <ktsim/net/if_loop.h>
#include <ktsim/net/if_vlan.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

struct whost *
world_host(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		if (strcmp(w->w_sc->hosts[i].loc.name, name) == 0)
			return (&w->w_hosts[i]);
	return (NULL);
}

struct whost *
world_host_at(const struct world *w, const struct ksockaddr *sa)
{
	const struct sc_host *h;
	struct in_any a;
	int family, plen;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_sc->hosts[i];
		for (unsigned j = 0; j < h->naddrs; j++)
			for (unsigned k = 0; k < h->addrs[j].cidr.n; k++)
				if (parse_cidr(h->addrs[j].cidr.v[k], &family,
					&a, &plen) == 0 &&
				    family == sa->sa_family &&
				    in_any_eq(&a, &sa->sa_addr))
					return (&w->w_hosts[i]);
	}
	return (NULL);
}

int
build_error(struct world *w, struct strbuf *err, const struct sc_loc *loc,
    const char *what, int error)
{
	scenario_error(w->w_sc, loc, err, "%s: %s", what, errno_name(error));
	return (EINVAL);
}

/* --- files: lines of text that say where they are --- */

struct filegen {
	uint64_t key;
};

#define LINE 64

/*
 * Line n: its offset in hex, a space, 54 printable characters that depend on
 * seed and name, a newline. Eight characters come from one mixed word, six
 * bits of each byte counted up from '0'.
 */
static void
file_line(uint64_t key, uint64_t n, uint8_t *out)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t off = n * LINE, x;
	uint8_t text[56];

	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)hex[(off >> (28 - 4 * i)) & 15];
	out[8] = ' ';
	for (uint64_t w = 0; w < 7; w++) {
		x = (key ^ (n * 0x9e3779b97f4a7c15ULL)) +
		    (w + 1) * 0xbf58476d1ce4e5b9ULL;
		x = (x ^ (x >> 30)) * 0x94d049bb133111ebULL;
		x ^= x >> 31;
		x = (x & 0x3f3f3f3f3f3f3f3fULL) + 0x3030303030303030ULL;
		memcpy(text + 8 * w, &x, 8);
	}
	memcpy(out + 9, text, LINE - 10);
	out[LINE - 1] = '\n';
}

/* FNV-1a: who wants to check a download can compute it anywhere. */
static uint64_t
file_key(const char *path, uint64_t seed)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ seed;

	for (; *path != '\0'; path++)
		h = (h ^ (uint8_t)*path) * 0x100000001b3ULL;
	return (h);
}

static void
file_fill(void *arg, uint64_t off, void *buf, uint32_t len)
{
	const struct filegen *g = arg;
	uint8_t line[LINE], *p = buf;
	uint32_t skip, take;

	while (len > 0) {
		skip = (uint32_t)(off % LINE);
		take = MIN(len, LINE - skip);
		if (take == LINE)
			file_line(g->key, off / LINE, p);
		else {
			file_line(g->key, off / LINE, line);
			memcpy(p, line + skip, take);
		}
		p += take;
		off += take;
		len -= take;
	}
}

/* Is this a page that the scenario wants to be unreadable? */
static bool
disk_bad_page(const struct whost *h, struct vnode *vp, uint64_t pageno)
{
	const struct sc_file *f;

	for (unsigned i = 0; i < h->h_sc->nfiles; i++) {
		f = &h->h_sc->files[i];
		if (f->has_bad_page && f->bad_page == pageno &&
		    vnode_lookup(h->h_vnet, f->loc.name) == vp)
			return (true);
	}
	return (false);
}

static simtime_t
disk_read_time(void *arg, struct vnode *vp, uint64_t pageno, int *error)
{
	struct whost *h = arg;

	if (h->h_disk_error || disk_bad_page(h, vp, pageno))
		*error = EIO;
	return (h->h_disk_latency +
	    (simtime_t)prng_below(&h->h_disk, (uint64_t)h->h_disk_jitter + 1));
}

static bool
has_iperf(const struct world *w, const struct whost *h)
{
	const struct sc_app *a;

	for (a = w->w_sc->apps; a < w->w_sc->apps + w->w_sc->napps; a++)
		if ((a->type == SC_APP_IPERF_CLIENT ||
			a->type == SC_APP_IPERF_SERVER ||
			a->type == SC_APP_OPENSSL_CLIENT ||
			a->type == SC_APP_OPENSSL_SERVER) &&
		    strcmp(a->host, h->h_sc->loc.name) == 0)
			return (true);
	return (false);
}

static void
build_files(struct world *w, struct whost *h)
{
	const struct sc_file *f;
	struct filegen *g;
	struct vnode *vp;
	bool ask = h->h_sc->disk_jitter > 0 || steps_disk(w, h);

	vfs_set_cache(h->h_vnet, howmany(h->h_sc->page_cache, PAGE_SIZE));
	h->h_filegens = xcalloc(h->h_sc->nfiles + 1, sizeof(*h->h_filegens));
	for (unsigned i = 0; i < h->h_sc->nfiles; i++) {
		f = &h->h_sc->files[i];
		g = &h->h_filegens[i];
		g->key = file_key(f->loc.name, w->w_opts.wo_seed);
		vp =
		    vnode_create(h->h_vnet, f->loc.name, f->size, file_fill, g);
		if (f->cached && !w->w_opts.wo_dry)
			vnode_warm(vp);
		ask |= f->has_bad_page;
	}
	if (has_iperf(w, h)) {
		g = &h->h_filegens[h->h_sc->nfiles];
		g->key = file_key(IPERF_FILE, w->w_opts.wo_seed);
		vnode_warm(vnode_create(h->h_vnet, IPERF_FILE, IPERF_FILE_SIZE,
		    file_fill, g));
	}
	h->h_disk_latency = h->h_sc->disk_latency;
	h->h_disk_jitter = h->h_sc->disk_jitter;
	vnet_prng(h->h_vnet, &h->h_disk, "disk");
	vfs_set_disk(h->h_vnet, h->h_sc->disk_latency,
	    ask ? disk_read_time : NULL, h);
}

/* --- hosts --- */

static int
build_lagg_opts(struct lagg_softc *sc, const struct sc_lagg *sl)
{
	struct lagg_opts lo = { .use_flowid = sl->use_flowid,
		.flowid_shift = (uint32_t)sl->flowid_shift,
		.hash_layers = sl->hash.n == 0 ? LAGG_HASH_ALL : 0,
		.rr_limit = (uint32_t)sl->rr_limit,
		.use_numa = sl->use_numa,
		.lacp_strict = sl->lacp_strict,
		.lacp_fast_timeout = sl->lacp_fast_timeout };

	for (unsigned i = 0; i < sl->hash.n; i++)
		lo.hash_layers |= 1u << (sl->hash.v[i][1] - '2');
	return (lagg_setopts(sc, &lo));
}

static int
build_lagg(struct world *w, struct whost *h, unsigned i, struct strbuf *err)
{
	const struct sc_lagg *sl = &h->h_sc->laggs[i];
	struct ifnet *port;
	int error;

	error = lagg_create(h->h_vnet, sl->loc.name, sc_lagg_protos[sl->proto],
	    &h->h_laggs[i]);
	if (error == 0)
		error = build_lagg_opts(h->h_laggs[i], sl);
	if (error != 0)
		return (build_error(w, err, &sl->loc, "lagg", error));
	for (unsigned j = 0; j < sl->ports.n; j++) {
		port = if_lookup(h->h_vnet, sl->ports.v[j]);
		error = lagg_addport(h->h_laggs[i], port);
		if (error != 0)
			return (build_error(w, err, &sl->ports.loc[j],
			    "lagg port", error));
	}
	return (if_setflags(lagg_ifp(h->h_laggs[i]),
	    lagg_ifp(h->h_laggs[i])->if_flags | IFF_UP));
}

static int
build_vlan(struct world *w, struct whost *h, unsigned i, struct strbuf *err)
{
	const struct sc_vlan *sv = &h->h_sc->vlans[i];
	int error;

	vlan_create(h->h_vnet, sv->loc.name, &h->h_vlans[i]);
	vlan_set_rxtls(h->h_vlans[i], sv->rxtls);
	error = vlan_config(h->h_vlans[i], if_lookup(h->h_vnet, sv->vlandev),
	    (unsigned)sv->vlan);
	if (error != 0)
		return (build_error(w, err, &sv->loc, "vlan", error));
	return (if_setflags(vlan_ifp(h->h_vlans[i]),
	    vlan_ifp(h->h_vlans[i])->if_flags | IFF_UP));
}

static int
build_addrs(struct world *w, struct whost *h, struct strbuf *err)
{
	const struct sc_addrs *sa;
	struct in_any a;
	int family, plen, error;

	for (unsigned i = 0; i < h->h_sc->naddrs; i++) {
		sa = &h->h_sc->addrs[i];
		for (unsigned j = 0; j < sa->cidr.n; j++) {
			(void)parse_cidr(sa->cidr.v[j], &family, &a, &plen);
			error = if_addr_add(if_lookup(h->h_vnet, sa->loc.name),
			    family, &a, plen);
			if (error != 0)
				return (build_error(w, err, &sa->cidr.loc[j],
				    "address", error));
		}
	}
	return (0);
}

static int
build_host(struct world *w, unsigned idx, struct strbuf *err)
{
	struct whost *h = &w->w_hosts[idx];
	struct vnet_params vp = { .vp_name = w->w_sc->hosts[idx].loc.name,
		.vp_ncpus = (int)w->w_sc->hosts[idx].cpus,
		.vp_ndomains = (int)w->w_sc->hosts[idx].numa_domains,
		.vp_seed = w->w_opts.wo_seed,
		.vp_tb = w->w_tb,
		.vp_jobs = w->w_jobs,
		.vp_sink = &w->w_sink,
		.vp_defects = &w->w_opts.wo_defects,
		.vp_no_kern_tls = !w->w_sc->hosts[idx].kern_tls,
		.vp_no_direct_map = !w->w_sc->hosts[idx].direct_map };
	int error;

	h->h_sc = &w->w_sc->hosts[idx];
	if ((error = world_crypto(w, h, &vp, err)) != 0)
		return (error);
	h->h_vnet = vnet_create(&vp);
	world_completion(h, h->h_sc->completion);
	h->h_vnet->v_kmem.km_fail_at = h->h_sc->fail_alloc;
	if (h->h_sc->fragmented)
		vm_fragment(h->h_vnet->v_vm, true);
	net_attach(h->h_vnet);
	inet_attach(h->h_vnet);
	h->h_nics = xcalloc(h->h_sc->nnics, sizeof(*h->h_nics));
	h->h_ports = xcalloc(h->h_sc->nnics, sizeof(*h->h_ports));
	h->h_buses = xcalloc(h->h_sc->nnics, sizeof(*h->h_buses));
	h->h_laggs = xcalloc(h->h_sc->nlaggs, sizeof(*h->h_laggs));
	h->h_vlans = xcalloc(h->h_sc->nvlans, sizeof(*h->h_vlans));
	for (unsigned i = 0; i < h->h_sc->nnics; i++)
		if ((error = card_build(w, h, i, err)) != 0)
			return (error);
	for (unsigned i = 0; i < h->h_sc->nnics; i++)
		(void)if_setflags(&h->h_nics[i]->n_if,
		    h->h_nics[i]->n_if.if_flags | IFF_UP);
	for (unsigned i = 0; i < h->h_sc->nlaggs; i++)
		if ((error = build_lagg(w, h, i, err)) != 0)
			return (error);
	for (unsigned i = 0; i < h->h_sc->nvlans; i++)
		if ((error = build_vlan(w, h, i, err)) != 0)
			return (error);
	loif_attach(h->h_vnet);
	if ((error = build_addrs(w, h, err)) != 0)
		return (error);
	if (h->h_sc->has_initial_seq)
		tcp_set_iss(h->h_vnet, (uint32_t)h->h_sc->initial_seq);
	if (h->h_sc->coarse_timestamps)
		tcp_set_coarse_ts(h->h_vnet);
	error = world_sysctls(w, h, err);
	build_files(w, h);
	h->h_vnet->v_sysctl.st_booted = true;
	return (error);
}

/* --- all of it --- */

/* Goes on after a mistake of the scenario: all are told at once. */
int
world_build(struct world *w, struct strbuf *err)
{
	int error, bad = 0;

	w->w_hosts = xcalloc(w->w_sc->nhosts, sizeof(*w->w_hosts));
	links_build(w);
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		if ((error = build_host(w, i, err)) == EINVAL)
			bad = error;
		else if (error != 0)
			return (error);
	if ((error = steps_create(w, err)) != 0)
		bad = error;
	if ((error = world_sysctl_claims(w, err)) != 0)
		bad = error;
	if ((error = tcpinfo_check_claims(w, err)) != 0)
		bad = error;
	if ((error = counted_create(w, err)) != 0)
		bad = error;
	links_capture_switches(w);
	if ((error = outside_attach(w, err)) != 0)
		bad = bad != 0 ? bad : error;
	if (bad != 0)
		return (bad);
	for (unsigned i = 0; i < w->w_sc->nlinks; i++)
		wire_set_link(w->w_links[i].l_wire, true);
	return (0);
}

/* Wires and interfaces. The stacks stay, so that their zones can be counted. */
void
world_take_down(struct world *w)
{
	struct whost *h;

	links_take_down(w);
	for (unsigned i = 0; i < w->w_sc->nhosts && w->w_hosts != NULL; i++) {
		h = &w->w_hosts[i];
		if (h->h_vnet == NULL)
			continue; /* building stopped before it */
		for (unsigned j = 0; j < h->h_sc->nvlans; j++)
			if (h->h_vlans != NULL) {
				vlan_destroy(h->h_vlans[j]);
				h->h_vlans[j] = NULL;
			}
		for (unsigned j = 0; j < h->h_sc->nlaggs; j++)
			if (h->h_laggs != NULL && h->h_laggs[j] != NULL) {
				lagg_destroy(h->h_laggs[j]);
				h->h_laggs[j] = NULL;
			}
		for (unsigned j = 0; j < h->h_sc->nnics; j++)
			if (h->h_nics != NULL) {
				nic_detach(h->h_nics[j]);
				h->h_nics[j] = NULL;
			}
		cards_forget_buses(h);
	}
}

void
world_detach_stacks(struct world *w)
{
	struct vnet *vnet;

	for (unsigned i = 0; i < w->w_sc->nhosts && w->w_hosts != NULL; i++) {
		if ((vnet = w->w_hosts[i].h_vnet) == NULL)
			continue;
		inet_detach(vnet);
		loif_detach(vnet);
		net_detach(vnet);
	}
}
