/* Frames and their payload buffers: counted, pooled, last-in first-out. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/nic/frame.h>

void
framepool_init(struct framepool *fp)
{
	kmem_init(&fp->fp_kmem);
	kzone_init(&fp->fp_frames, &fp->fp_kmem, "frame", sizeof(struct frame));
	kzone_init(&fp->fp_bufs, &fp->fp_kmem, "framebuf",
	    sizeof(struct framebuf));
}

void
framepool_fini(struct framepool *fp)
{
	kzone_fini(&fp->fp_frames);
	kzone_fini(&fp->fp_bufs);
	kmem_fini(&fp->fp_kmem);
}

int
framepool_leaks(const struct framepool *fp, struct strbuf *sb)
{
	const struct kzone *z;
	int n = 0;

	SLIST_FOREACH(z, &fp->fp_kmem.km_zones, z_link) {
		if (z->z_inuse == 0)
			continue;
		strbuf_addf(sb, "wires: zone %s: %ju in use\n", z->z_name,
		    (uintmax_t)z->z_inuse);
		n++;
	}
	return (n);
}

struct frame *
frame_alloc(struct framepool *fp)
{
	struct frame *f;

	f = kzone_alloc(&fp->fp_frames, M_WAITOK);
	/* The header bytes are written before they are read. */
	memset(f, 0, offsetof(struct frame, f_hdr));
	f->f_pool = fp;
	f->f_refs = 1;
	return (f);
}

struct framebuf *
framebuf_alloc(struct framepool *fp)
{
	struct framebuf *fb;

	fb = kzone_alloc(&fp->fp_bufs, M_WAITOK);
	fb->fb_refs = 1;
	fb->fb_pool = fp;
	return (fb);
}

void
framebuf_ref(struct framebuf *fb)
{
	fb->fb_refs++;
}

void
framebuf_rele(struct framebuf *fb)
{
	KASSERT(fb->fb_refs > 0, ("framebuf_rele: free buffer"));
	if (--fb->fb_refs == 0)
		kzone_free(&fb->fb_pool->fp_bufs, fb);
}

void
frame_ref(struct frame *f)
{
	f->f_refs++;
}

void
frame_rele(struct frame *f)
{
	if (f == NULL)
		return;
	KASSERT(f->f_refs > 0, ("frame_rele: free frame"));
	if (--f->f_refs > 0)
		return;
	if (f->f_buf != NULL)
		framebuf_rele(f->f_buf);
	kzone_free(&f->f_pool->fp_frames, f);
}

struct frame *
frame_copy(const struct frame *f)
{
	struct frame *c;

	c = frame_alloc(f->f_pool);
	*c = *f;
	c->f_refs = 1;
	if (f->f_paylen > 0) {
		c->f_buf = framebuf_alloc(f->f_pool);
		memcpy(c->f_buf->fb_data, f->f_payload, f->f_paylen);
		c->f_payload = c->f_buf->fb_data;
	}
	return (c);
}
