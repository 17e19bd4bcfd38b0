#include <stdlib.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vm.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/opencrypto/crypto_accel.h>
#include <ktsim/opencrypto/crypto_backend.h>

#define VM_LIMIT_PAGES (16u * 1024 * 1024) /* 64 GiB of simulated memory */

struct vnet *
vnet_create(const struct vnet_params *vp)
{
	struct vnet *vnet;

	KASSERT(vp->vp_ncpus >= 1 && vp->vp_ncpus <= 256,
	    ("vnet of %d cpus", vp->vp_ncpus));
	vnet = xcalloc(1, sizeof(*vnet));
	vnet->v_name = xstrdup(vp->vp_name);
	vnet->v_ncpus = vp->vp_ncpus;
	vnet->v_ndomains = MAX(vp->vp_ndomains, 1);
	KASSERT(vnet->v_ndomains <= VM_MAXDOMAINS,
	    ("vnet of %d domains", vnet->v_ndomains));
	vnet->v_seed = vp->vp_seed;
	vnet->v_tb = vp->vp_tb;
	vnet->v_jobs = vp->vp_jobs;
	vnet->v_crypto =
	    vp->vp_crypto != NULL ? vp->vp_crypto : &crypto_openssl;
	if (vnet->v_crypto->cb_accel)
		vnet->v_accel = crypto_accel_create(vp->vp_tb, vp->vp_accel);
	vnet->v_kern_tls = !vp->vp_no_kern_tls;
	vnet->v_direct_map = !vp->vp_no_direct_map;
	vnet->v_tracer = (struct tracer) { .t_sink = vp->vp_sink,
		.t_now = &vp->vp_tb->tb_now,
		.t_who = vnet->v_name };
	if (vp->vp_defects != NULL)
		vnet->v_defects = *vp->vp_defects;
	kmem_init(&vnet->v_kmem);
	taskqueue_init(&vnet->v_taskq, vnet->v_tb);
	vnet->v_vm = vm_create(VM_LIMIT_PAGES);
	mb_attach(vnet);
	kzone_init(&vnet->v_socket_zone, &vnet->v_kmem, "socket",
	    sizeof(struct socket));
	so_splice_attach(vnet);
	vfs_attach(vnet);
	ktls_attach(vnet);
	return (vnet);
}

void
vnet_destroy(struct vnet *vnet)
{
	if (vnet == NULL)
		return;
	KASSERT(vnet->v_net == NULL && vnet->v_inet == NULL,
	    ("vnet_destroy: network layers still attached"));
	taskqueue_fini(&vnet->v_taskq);
	ktls_detach(vnet);
	vfs_detach(vnet);
	kzone_fini(&vnet->v_splice_zone);
	kzone_fini(&vnet->v_socket_zone);
	mb_detach(vnet);
	vm_destroy(vnet->v_vm);
	crypto_accel_destroy(vnet->v_accel);
	sysctl_fini(vnet);
	kmem_fini(&vnet->v_kmem);
	free((char *)(uintptr_t)vnet->v_name);
	free(vnet);
}

int
vnet_leaks(const struct vnet *vnet, struct strbuf *sb)
{
	const struct kzone *z;
	uint64_t cached;
	int n = 0;

	SLIST_FOREACH(z, &vnet->v_kmem.km_zones, z_link) {
		if (z->z_inuse == 0)
			continue;
		strbuf_addf(sb, "%s: zone %s: %ju in use\n", vnet->v_name,
		    z->z_name, (uintmax_t)z->z_inuse);
		n++;
	}
	if (vnet->v_kmem.km_lost != 0) {
		strbuf_addf(sb, "%s: zone %s: gone with %ju in use\n",
		    vnet->v_name, vnet->v_kmem.km_lost_zone,
		    (uintmax_t)vnet->v_kmem.km_lost);
		n++;
	}
	/* The page cache and ktls may keep pages; nobody else may. */
	cached = vfs_cached_pages(vnet) + ktls_cached_pages(vnet);
	if (vm_stats(vnet->v_vm)->vs_inuse != cached) {
		strbuf_addf(sb, "%s: pages: %ju wired outside the page cache\n",
		    vnet->v_name,
		    (uintmax_t)(vm_stats(vnet->v_vm)->vs_inuse - cached));
		n++;
	}
	if (vfs_extra_wirings(vnet) != 0) {
		strbuf_addf(sb, "%s: page cache: %ju wirings left\n",
		    vnet->v_name, (uintmax_t)vfs_extra_wirings(vnet));
		n++;
	}
	return (n);
}

void
vnet_prng(const struct vnet *vnet, struct prng *r, const char *name)
{
	uint64_t seed;

	seed = hash64(vnet->v_name, strlen(vnet->v_name), vnet->v_seed);
	prng_init(r, seed, name);
}
