/*
 * Allocation and freeing of mbufs and their external storage.
 *
 * The count of external storage lives in the mbuf it was attached to first
 * (the original). That structure therefore outlives its own m_free until the
 * last copy is gone; mb_free_ext is where both ends meet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/vnet.h>

void
mb_attach(struct vnet *vnet)
{
	struct mb_state *mb;

	vnet->v_mb = mb = xcalloc(1, sizeof(*mb));
	kzone_init(&mb->mb_zone, &vnet->v_kmem, "mbuf", sizeof(struct mbuf));
	kzone_init(&mb->mb_cl, &vnet->v_kmem, "mbuf_cluster", MCLBYTES);
	kzone_init(&mb->mb_jumbop, &vnet->v_kmem, "mbuf_jumbo_page",
	    MJUMPAGESIZE);
	kzone_init(&mb->mb_jumbo16, &vnet->v_kmem, "mbuf_jumbo_16k",
	    MJUM16BYTES);
	mb->mb_vm = vnet->v_vm;
	mb->mb_direct_map = vnet->v_direct_map;
}

void
mb_detach(struct vnet *vnet)
{
	struct mb_state *mb = vnet->v_mb;

	kzone_fini(&mb->mb_zone);
	kzone_fini(&mb->mb_cl);
	kzone_fini(&mb->mb_jumbop);
	kzone_fini(&mb->mb_jumbo16);
	vnet->v_mb = NULL;
	free(mb);
}

struct mbuf *
m_get(struct mb_state *mb, int how, int type)
{
	struct mbuf *m;

	if ((m = kzone_alloc(&mb->mb_zone, how)) == NULL)
		return (NULL);
	m->m_next = m->m_nextpkt = NULL;
	m->m_data = m->m_dat;
	m->m_len = 0;
	m->m_flags = 0;
	m->m_type = (uint8_t)type;
	m->m_epg_off = 0;
	m->m_mb = mb;
	return (m);
}

struct mbuf *
m_gethdr(struct mb_state *mb, int how, int type)
{
	struct mbuf *m;

	if ((m = m_get(mb, how, type)) == NULL)
		return (NULL);
	m->m_flags = M_PKTHDR;
	memset(&m->m_pkthdr, 0, sizeof(m->m_pkthdr));
	m->m_pkthdr.numa_domain = M_NODOM;
	return (m);
}

void
m_extadd(struct mbuf *m, uint8_t *buf, uint32_t size, m_ext_free_t *freefn,
    void *arg1, void *arg2, int flags, enum ext_type type)
{
	m->m_flags |= M_EXT | (uint32_t)flags;
	m->m_data = buf;
	m->m_ext = (struct m_ext) { .ext_count = 1,
		.ext_size = size,
		.ext_type = (uint8_t)type,
		.ext_embref = true,
		.ext_orig = m,
		.ext_buf = buf,
		.ext_free = freefn,
		.ext_arg1 = arg1,
		.ext_arg2 = arg2 };
	m->m_ext.ext_cnt = &m->m_ext.ext_count;
}

static struct kzone *
mb_zone_of(struct mb_state *mb, enum ext_type type)
{
	switch (type) {
	case EXT_CLUSTER:
		return (&mb->mb_cl);
	case EXT_JUMBOP:
		return (&mb->mb_jumbop);
	case EXT_JUMBO16:
		return (&mb->mb_jumbo16);
	default:
		kpanic("mb_zone_of: type %d has no zone", type);
	}
}

struct mbuf *
m_getjcl(struct mb_state *mb, int how, int type, int flags, int size)
{
	enum ext_type et;
	struct mbuf *m;
	uint8_t *buf;

	et = size == MCLBYTES	   ? EXT_CLUSTER
	    : size == MJUMPAGESIZE ? EXT_JUMBOP
				   : EXT_JUMBO16;
	m = (flags & M_PKTHDR) ? m_gethdr(mb, how, type) : m_get(mb, how, type);
	if (m == NULL)
		return (NULL);
	if ((buf = kzone_alloc(mb_zone_of(mb, et), how)) == NULL) {
		m_free(m);
		return (NULL);
	}
	m_extadd(m, buf, (uint32_t)size, NULL, NULL, NULL, 0, et);
	return (m);
}

struct mbuf *
mb_alloc_ext_pgs(struct mb_state *mb, int how, m_ext_free_t *freefn)
{
	struct mbuf *m;

	if (!mb->mb_direct_map || (m = m_get(mb, how, MT_DATA)) == NULL)
		return (NULL);
	m_extadd(m, NULL, 0, freefn, NULL, NULL, M_EXTPG | M_RDONLY, EXT_PGS);
	memset(&m->m_epg, 0, sizeof(m->m_epg));
	return (m);
}

void
mb_free_mext_pgs(struct mbuf *m)
{
	KASSERT(m->m_flags & M_EXTPG, ("mb_free_mext_pgs: not M_EXTPG"));
	for (int i = 0; i < m->m_epg.npgs; i++)
		vm_page_rele(m->m_mb->mb_vm, m->m_epg.pa[i]);
}

void
mb_free_raw(struct mbuf *m)
{
	kzone_free(&m->m_mb->mb_zone, m);
}

/* The last reference to orig's storage is gone, and with it orig itself. */
static void
mb_free_orig(struct mbuf *orig)
{
	struct mb_state *mb = orig->m_mb;

	if (orig->m_ext.ext_free != NULL)
		orig->m_ext.ext_free(orig);
	else
		kzone_free(mb_zone_of(mb, orig->m_ext.ext_type),
		    orig->m_ext.ext_buf);
	if ((orig->m_flags & M_EXTPG) != 0 && orig->m_epg.tls != NULL)
		mb->mb_free_extpg_tls(orig); /* frees or keeps orig */
	else
		mb_free_raw(orig);
}

static void
mb_free_ext(struct mbuf *m)
{
	struct mbuf *orig = m->m_ext.ext_orig;

	KASSERT(orig->m_ext.ext_count > 0, ("mb_free_ext: count is zero"));
	orig->m_ext.ext_count--;
	if (m != orig)
		mb_free_raw(m);
	if (orig->m_ext.ext_count == 0)
		mb_free_orig(orig);
}

struct mbuf *
m_free(struct mbuf *m)
{
	struct mbuf *n = m->m_next;

	if ((m->m_flags & M_PKTHDR) != 0 &&
	    (m->m_pkthdr.csum_flags & CSUM_SND_TAG) != 0) {
		m_snd_tag_rele(m->m_pkthdr.snd_tag);
		m->m_pkthdr.csum_flags &= ~CSUM_SND_TAG;
	}
	if (m->m_flags & M_EXT)
		mb_free_ext(m);
	else
		mb_free_raw(m);
	return (n);
}

void
m_freem(struct mbuf *m)
{
	while (m != NULL)
		m = m_free(m);
}

void
mb_dupcl(struct mbuf *n, struct mbuf *m)
{
	struct mbuf *orig = m->m_ext.ext_orig;

	KASSERT(m->m_flags & M_EXT, ("mb_dupcl: no external storage"));
	KASSERT((n->m_flags & M_EXT) == 0, ("mb_dupcl: target has some"));
	orig->m_ext.ext_count++;
	n->m_ext = m->m_ext;
	n->m_ext.ext_embref = false;
	n->m_ext.ext_cnt = &orig->m_ext.ext_count;
	n->m_ext.ext_orig = orig;
	n->m_flags |= m->m_flags & (M_EXT | M_EXTPG | M_RDONLY);
	n->m_data = m->m_data;
	n->m_epg_off = m->m_epg_off;
	if (m->m_flags & M_EXTPG)
		n->m_epg = m->m_epg;
}

bool
m_writable(const struct mbuf *m)
{
	if (m->m_flags & M_RDONLY)
		return (false);
	return ((m->m_flags & M_EXT) == 0 || *m->m_ext.ext_cnt == 1);
}

int
mb_free_notready(struct mbuf *m, int count)
{
	for (int i = 0; m != NULL && i < count;) {
		if ((m->m_flags & M_EXTPG) != 0 && m->m_epg.npgs != 0) {
			if (m->m_epg.nrdy > count - i) {
				m->m_epg.nrdy -= (uint8_t)(count - i);
				break;
			}
			i += m->m_epg.nrdy;
		} else
			i++;
		m = m_free(m);
	}
	return (EINPROGRESS);
}

int
mb_unmapped_compress(struct mbuf *m)
{
	uint8_t buf[MLEN];
	struct mbuf *orig = m->m_ext.ext_orig;

	KASSERT(m->m_flags & M_EXTPG, ("mb_unmapped_compress: not M_EXTPG"));
	KASSERT(m->m_epg.tls == NULL, ("mb_unmapped_compress: TLS record"));
	if (m->m_len > MLEN)
		return (EFBIG);
	if (orig->m_ext.ext_count != 1 || orig != m)
		return (EBUSY);
	m_copydata(m, 0, m->m_len, buf);
	if (m->m_ext.ext_free != NULL)
		m->m_ext.ext_free(m);
	m->m_flags &= ~(uint32_t)(M_EXT | M_EXTPG | M_RDONLY);
	m->m_data = m->m_dat;
	m->m_epg_off = 0;
	memcpy(m->m_dat, buf, (size_t)m->m_len);
	return (0);
}
