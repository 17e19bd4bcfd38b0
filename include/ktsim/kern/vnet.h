/*
 * One simulated FreeBSD host: the kernel's state that FreeBSD keeps in global
 * variables. Everything in src/ reaches its world through this structure;
 * there is no other global state.
 *
 * Life: vnet_create, then the layers attach in the order kern, net, netinet
 * (each *_attach fills its pointer), interfaces are added, boot-time sysctls
 * are set, the run begins. vnet_destroy takes the layers down in reverse;
 * before it, vnet_leaks() tells what was not given back.
 */
#ifndef KTSIM_KERN_VNET_H
#define KTSIM_KERN_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/jobpool.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/prng.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/timebase.h>
#include <ktsim/base/trace.h>
#include <ktsim/kern/sysctl.h>
#include <ktsim/kern/taskqueue.h>

struct crypto_accel;
struct crypto_accel_params;
struct crypto_backend;
struct vm;
struct mb_state;
struct ktls_state;
struct vfs_state;
struct net_state;  /* net/: interfaces, routes, neighbours */
struct inet_state; /* netinet/: IP and TCP */

#define VM_MAXDOMAINS 8

struct vnet {
	const char *v_name;	/* "server" */
	int v_ncpus;		/* 1 to 256 */
	int v_ndomains;		/* NUMA domains; CPUs are split evenly */
	struct timebase *v_tb;	/* the laboratory's */
	struct jobpool *v_jobs; /* the laboratory's */
	const struct crypto_backend *v_crypto; /* of software TLS */
	struct crypto_accel *v_accel; /* the backend's, if it has one */
	bool v_kern_tls;	      /* built with options KERN_TLS */
	bool v_direct_map;	      /* all physical memory is mapped */
	struct tracer v_tracer;
	struct defects v_defects;
	struct kmem v_kmem;
	struct sysctl_tree v_sysctl;
	struct taskqueue v_taskq; /* taskqueue_thread */
	uint64_t v_seed;	  /* for prng_init of streams */

	struct vm *v_vm;       /* physical memory */
	struct mb_state *v_mb; /* mbuf zones */
	struct kzone v_socket_zone, v_splice_zone;
	struct ktls_state *v_ktls;
	struct vfs_state *v_vfs;
	struct net_state *v_net;
	struct inet_state *v_inet;
};

struct vnet_params {
	const char *vp_name; /* copied */
	int vp_ncpus;
	int vp_ndomains;  /* 1 to VM_MAXDOMAINS; 0: 1 */
	uint64_t vp_seed; /* of the run */
	struct timebase *vp_tb;
	struct jobpool *vp_jobs;
	const struct crypto_backend *vp_crypto; /* NULL: openssl */
	/* Of a backend with cb_accel, and only then; copied. */
	const struct crypto_accel_params *vp_accel;
	struct trace_sink *vp_sink;	  /* may be NULL */
	const struct defects *vp_defects; /* may be NULL; copied */
	/*
	 * A kernel without options KERN_TLS: the options of TLS are
	 * ENOPROTOOPT, there is no kern.ipc.tls.
	 */
	bool vp_no_kern_tls;
	/*
	 * A machine without a direct map: no M_EXTPG mbufs, so no transmit
	 * TLS (ENXIO).
	 */
	bool vp_no_direct_map;
};

/* Never fails. Attaches vm, mbuf, socket, vfs and ktls; not net, netinet. */
struct vnet *vnet_create(const struct vnet_params *);
/* The net layers must have been detached. NULL is allowed. */
void vnet_destroy(struct vnet *);

/*
 * Everything that should have gone home and did not: one line each,
 * "zone mbuf: 3 in use". Returns the number of lines added.
 */
int vnet_leaks(const struct vnet *, struct strbuf *);

/* A random stream of this host: seeded by (seed, host name, name). */
void vnet_prng(const struct vnet *, struct prng *, const char *name);

/* The NUMA domain of a CPU (0 to v_ncpus - 1). A domain may have none. */
static inline int
vnet_cpu_domain(const struct vnet *vnet, int cpu)
{
	return (cpu * vnet->v_ndomains / vnet->v_ncpus);
}

#define V_DEFECT(v, d) defect_on(&(v)->v_defects, DEFECT_##d)

#endif
