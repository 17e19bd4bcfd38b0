/*
 * sendfile(2): file pages become mbufs without being copied. Pages that are
 * not resident are read in the background; the chain is appended at once, not
 * ready, and the last of {system call, page reads} hands it on: to the worker
 * in software TLS, to the protocol (pr_ready) otherwise.
 *
 * With TLS each mbuf is one record, cut at page boundaries: the first of a
 * call is short by the offset in its page.
 */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>

/* Pages under way for one chain. */
struct sf_io {
	struct socket *sf_so; /* a reference */
	struct mbuf *sf_top;  /* what iodone hands on */
	int sf_pages;	      /* units from sf_top */
	int sf_pending;	      /* reads, and one for the call itself */
	int sf_error;
	bool sf_encrypt;
};

/* What one call carries along. */
struct sf_call {
	struct socket *so;
	struct vnode *vp;
	struct ktls_session *tls;
	bool ext_pgs; /* M_EXTPG mbufs; else a mapped page each */
	int flags;
};

static void
sendfile_iodone(void *arg, int error)
{
	struct sf_io *io = arg;
	struct socket *so = io->sf_so;

	if (error != 0)
		io->sf_error = error;
	if (--io->sf_pending > 0)
		return;
	if (io->sf_top == NULL) {
		/* The call gave up before anything was appended. */
	} else if (io->sf_error != 0) {
		so->so_proto->pr_abort(so);
		soerror_set(so, EIO);
		if (io->sf_encrypt)
			ktls_abandon(io->sf_top);
		mb_free_notready(io->sf_top, io->sf_pages);
	} else if (io->sf_encrypt)
		ktls_enqueue(io->sf_top, so, io->sf_pages);
	else
		(void)so->so_proto->pr_ready(so, io->sf_top, io->sf_pages);
	free(io);
	sorele(so);
}

/* The page goes back to the page cache. */
static void
sendfile_free_mapped(struct mbuf *m)
{
	vm_page_rele(m->m_mb->mb_vm, (vm_paddr_t)(uintptr_t)m->m_ext.ext_arg1);
}

/* Without M_EXTPG: each page is mapped, and an mbuf of its own. */
static struct mbuf *
sendfile_mapped(struct mb_state *mb, vm_paddr_t pa, uint32_t pgoff, uint32_t n)
{
	struct mbuf *m = m_get(mb, M_WAITOK, MT_DATA);

	m_extadd(m, PHYS_TO_DMAP(mb->mb_vm, pa), PAGE_SIZE,
	    sendfile_free_mapped, (void *)(uintptr_t)pa, NULL, M_RDONLY,
	    EXT_SFBUF);
	m->m_data += pgoff;
	m->m_len = (int32_t)n;
	return (m);
}

/* One page more of a chain whose last mbuf is m; returns the last one now. */
static struct mbuf *
sendfile_add(struct sf_call *c, struct mbuf *m, vm_paddr_t pa, uint32_t pgoff,
    uint32_t n)
{
	struct mb_state *mb = c->so->so_vnet->v_mb;
	int maxpgs = MBUF_PEXT_MAX_PGS;

	if (!c->ext_pgs)
		return (sendfile_mapped(mb, pa, pgoff, n));
	if (c->tls != NULL)
		maxpgs = (int)howmany(c->tls->params.max_frame_len, PAGE_SIZE);
	if (m == NULL || m->m_epg.npgs == maxpgs) {
		m = mb_alloc_ext_pgs(mb, M_WAITOK, mb_free_mext_pgs);
		m->m_epg.first_off = (uint16_t)pgoff;
	}
	m->m_epg.pa[m->m_epg.npgs++] = pa;
	m->m_epg.last_len = (uint16_t)n;
	m->m_ext.ext_size += PAGE_SIZE;
	m->m_len += (int32_t)n;
	return (m);
}

/*
 * mbufs of [off, off+len) of the file. Stops early at a page that may not be
 * read (EBUSY) or had; *lenp is what the chain holds.
 */
static int
sendfile_pages(struct sf_call *c, struct sf_io *io, uint64_t off,
    uint64_t *lenp, int *coldp, struct mbuf **topp)
{
	struct mbuf *top = NULL, *last = NULL, *m;
	uint64_t done = 0, len = *lenp;
	uint32_t pgoff, n;
	vm_paddr_t pa;
	int error = 0;
	bool cold;

	while (done < len) {
		pgoff = (uint32_t)((off + done) & PAGE_MASK);
		n = (uint32_t)MIN((uint64_t)(PAGE_SIZE - pgoff), len - done);
		pa = vnode_getpage(c->vp, (off + done) >> PAGE_SHIFT,
		    (c->flags & SF_NODISKIO) != 0, &cold, sendfile_iodone, io);
		if (pa == 0) {
			error = cold ? EBUSY : ENOBUFS;
			break;
		}
		if (cold) {
			io->sf_pending++;
			++*coldp;
		}
		m = sendfile_add(c, last, pa, pgoff, n);
		if (last == NULL)
			top = m;
		else if (m != last)
			last->m_next = m;
		last = m;
		done += n;
	}
	if (V_DEFECT(c->so->so_vnet, SENDFILE_PAGE_ORDER) && top != NULL &&
	    c->ext_pgs && top->m_epg.npgs > 3) {
		pa = top->m_epg.pa[1];
		top->m_epg.pa[1] = top->m_epg.pa[2];
		top->m_epg.pa[2] = pa;
	}
	*lenp = done;
	*topp = top;
	return (error);
}

/* Header bytes, at most so many, as records (or plain mbufs) in front of the
 * file's. */
static struct mbuf *
sendfile_header(struct sf_call *c, struct uio *hdr, uint64_t most)
{
	return (m_uiotombuf(c->so->so_vnet->v_mb, hdr, M_WAITOK, (int)most,
	    c->tls != NULL ? c->tls->params.max_frame_len : 0,
	    c->tls != NULL ? M_EXTPG : 0));
}

static struct mbuf *
m_cat(struct mbuf *a, struct mbuf *b)
{
	struct mbuf *last;

	if (a == NULL)
		return (b);
	(void)m_length(a, &last);
	last->m_next = b;
	return (a);
}

static int
sendfile_units(const struct mbuf *m)
{
	int pages = 0;

	for (; m != NULL; m = m->m_next)
		pages += (m->m_flags & M_EXTPG) != 0 ? m->m_epg.npgs : 1;
	return (pages);
}

/* Not encrypted by us, but the pages are still coming: count them as units. */
static int
sendfile_mark_cold(struct mbuf *m)
{
	for (struct mbuf *n = m; n != NULL; n = n->m_next) {
		n->m_flags |= M_NOTREADY;
		if ((n->m_flags & M_EXTPG) != 0)
			n->m_epg.nrdy = n->m_epg.npgs;
	}
	return (sendfile_units(m));
}

/*
 * Append header + file mbufs. All that ktls_frame counted must be encrypted,
 * the header records too: forgetting them is how a socket once hung for ever
 * (FreeBSD review D57134).
 */
static int
sendfile_push(struct sf_call *c, struct sf_io *io, struct mbuf *mh,
    struct mbuf *m, bool more)
{
	struct socket *so = c->so;
	bool sw = c->tls != NULL && c->tls->mode == TCP_TLS_MODE_SW;
	bool cold = io->sf_pending > 1;
	int enq_cnt = 0, flags = more ? PRUS_MORETOCOME : 0, error;
	struct mbuf *top;

	if (cold && !sw) {
		io->sf_pages = sendfile_mark_cold(m);
		io->sf_top = m;
	}
	top = m_cat(mh, m);
	if (c->tls != NULL)
		ktls_frame(top, c->tls, &enq_cnt, TLS_RLTYPE_APP);
	if (sw && cold) {
		io->sf_pages = enq_cnt;
		io->sf_top = top;
		io->sf_encrypt = true;
	}
	if (sw && cold && V_DEFECT(so->so_vnet, SENDFILE_HEADER_LOST)) {
		io->sf_pages = sendfile_units(m);
		io->sf_top = m;
	}
	if (sw || cold)
		flags |= PRUS_NOTREADY;
	error = so->so_proto->pr_send(so, flags, top, NULL, NULL);
	if (error == 0) {
		if (sw && !cold)
			ktls_enqueue(top, so, enq_cnt);
		return (0);
	}
	if (flags & PRUS_NOTREADY)
		m_freem(top);
	io->sf_top = NULL;
	return (error);
}

/* One round: as much as fits into *lenp bytes, of the header first. */
static int
sendfile_round(struct sf_call *c, uint64_t off, uint64_t rem, uint64_t *lenp,
    struct uio *hdr)
{
	struct mbuf *m, *mh = NULL;
	struct sf_io *io;
	uint64_t room = *lenp, hdrlen = 0;
	int cold = 0, error, error2;
	bool more;

	if (hdr != NULL)
		hdrlen = MIN(room, (uint64_t)hdr->uio_resid);
	*lenp = MIN(room - hdrlen, rem);
	more = *lenp < rem;

	io = xcalloc(1, sizeof(*io));
	*io = (struct sf_io) { .sf_so = c->so, .sf_pending = 1 };
	soref(c->so);
	error = sendfile_pages(c, io, off, lenp, &cold, &m);
	if (error != 0 && m == NULL)
		hdrlen = 0;
	if (hdrlen > 0)
		mh = sendfile_header(c, hdr, hdrlen);
	if (m != NULL || mh != NULL) {
		TRACE(&c->so->so_vnet->v_tracer, so_sendfile,
		    TU(c->so->so_number), TU(off), TU(*lenp), TU(cold));
		error2 = sendfile_push(c, io, mh, m, more);
		if (error2 != 0) {
			*lenp = 0;
			hdrlen = 0;
			error = error2;
		}
	}
	*lenp += hdrlen;
	sendfile_iodone(io, 0);
	return (error);
}

/*
 * Room for at least something worth it; *space is what may be taken. A header
 * takes of it, but is not asked for in advance: a large one in front of a
 * small buffer would never go.
 */
static int
sendfile_room(struct socket *so, uint64_t rem, uint64_t *spacep)
{
	struct sockbuf *sb = &so->so_snd;
	long space;

	if (sb->sb_lowat < (int32_t)(sb->sb_hiwat / 2))
		sb->sb_lowat = (int32_t)(sb->sb_hiwat / 2);
	space = sbspace(sb);
	if (space <= 0 || (space < (long)rem && space < sb->sb_lowat))
		return (EAGAIN);
	*spacep = (uint64_t)space;
	return (0);
}

int
sosendfile(struct socket *so, struct vnode *vp, uint64_t off, uint64_t nbytes,
    struct uio *hdr, int flags, uint64_t *sent)
{
	struct sf_call c = { .so = so, .vp = vp, .flags = flags };
	uint64_t size = vnode_size(vp), rem, len, hdrlen;
	int error = 0;

	*sent = 0;
	rem = off >= size ? 0 : size - off;
	if (nbytes != 0)
		rem = MIN(rem, nbytes);
	c.tls = ktls_hold(so->so_snd.sb_tls_info);
	/* A session has them although the sysctl may be off by now. */
	c.ext_pgs = c.tls != NULL || ktls_use_ext_pgs(so->so_vnet);
	while (error == 0 && (rem > 0 || (hdr != NULL && hdr->uio_resid > 0))) {
		if ((error = so_cansend(so, false)) != 0)
			break;
		hdrlen = hdr != NULL ? hdr->uio_resid : 0;
		if ((error = sendfile_room(so, rem, &len)) != 0)
			break;
		error = sendfile_round(&c, off, rem, &len, hdr);
		*sent += len;
		if (hdr != NULL)
			hdrlen -= hdr->uio_resid;
		off += len - MIN(len, hdrlen);
		rem -= len - MIN(len, hdrlen);
	}
	if (error == EAGAIN && c.tls != NULL &&
	    V_DEFECT(so->so_vnet, SENDFILE_UNDERCOUNT))
		*sent -= MIN(*sent, (uint64_t)c.tls->params.max_frame_len);
	if (c.tls != NULL)
		ktls_free(c.tls);
	return (error);
}
