/* Descriptors. */
#include <fcntl.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>

#include "lib_priv.h"

struct lib_file *
lib_file_new(struct ktlssim *sim, enum lib_type type)
{
	struct lib_file *f = xcalloc(1, sizeof(*f));

	f->f_sim = sim;
	f->f_type = type;
	TAILQ_INIT(&f->f_knotes);
	lib_aio_init(f);
	return (f);
}

bool
lib_full(struct ktlssim *sim)
{
	while (sim->s_lowest < sim->s_nfiles &&
	    sim->s_files[sim->s_lowest] != NULL)
		sim->s_lowest++;
	return (sim->s_lowest == LIB_MAXFILES);
}

int
lib_install(struct ktlssim *sim, struct lib_file *f)
{
	unsigned i;

	if (lib_full(sim))
		return (-EMFILE);
	i = sim->s_lowest;
	if (i == sim->s_nfiles) {
		sim->s_nfiles++;
		sim->s_files = xrealloc(sim->s_files,
		    sim->s_nfiles * sizeof(*sim->s_files));
	}
	sim->s_files[i] = f;
	sim->s_lowest = i + 1;
	return (sim->s_first_fd + (int)i);
}

struct lib_file *
lib_lookup(struct ktlssim *sim, int fd)
{
	if (fd < sim->s_first_fd || fd - sim->s_first_fd >= (int)sim->s_nfiles)
		return (NULL);
	return (sim->s_files[fd - sim->s_first_fd]);
}

int
lib_socket_of(struct ktlssim *sim, int fd, struct lib_file **fp)
{
	if ((*fp = lib_lookup(sim, fd)) == NULL)
		return (EBADF);
	return ((*fp)->f_type == LIB_SOCKET ? 0 : ENOTSOCK);
}

void
lib_file_free(struct lib_file *f)
{
	if (f->f_closing)
		TAILQ_REMOVE(&f->f_sim->s_closing, f, f_link);
	lib_aio_abort(f);
	lib_kqueue_forget(f);
	if (f->f_so != NULL)
		soclose(f->f_so);
	if (f->f_vp != NULL)
		vnode_rele(f->f_vp);
	free(f);
}

static int
lib_close(struct ktlssim *sim, int fd)
{
	struct lib_file *f = lib_lookup(sim, fd);

	if (f == NULL)
		return (-EBADF);
	sim->s_files[fd - sim->s_first_fd] = NULL;
	sim->s_lowest = MIN(sim->s_lowest, (unsigned)(fd - sim->s_first_fd));
	/* Writes that are under way keep the file, not the descriptor. */
	if (!STAILQ_EMPTY(&f->f_aio)) {
		lib_kqueue_forget(f);
		f->f_closing = true;
		TAILQ_INSERT_TAIL(&sim->s_closing, f, f_link);
	} else
		lib_file_free(f);
	return (0);
}

int
ktlssim_close(struct ktlssim *sim, int fd)
{
	LIB_CALL(sim, lib_close(sim, fd));
}

void
lib_close_all(struct ktlssim *sim)
{
	struct lib_file *f;

	while ((f = TAILQ_FIRST(&sim->s_closing)) != NULL)
		lib_file_free(f);
	for (unsigned i = 0; i < sim->s_nfiles; i++) {
		if (sim->s_files[i] != NULL)
			lib_file_free(sim->s_files[i]);
		sim->s_files[i] = NULL;
	}
}

/* Of a world that broke: its sockets are not touched any more. */
void
lib_forget_all(struct ktlssim *sim)
{
	struct lib_file *f;

	for (unsigned i = 0; i < sim->s_nfiles; i++)
		if ((f = sim->s_files[i]) != NULL)
			TAILQ_INSERT_TAIL(&sim->s_closing, f, f_link);
	while ((f = TAILQ_FIRST(&sim->s_closing)) != NULL) {
		TAILQ_REMOVE(&sim->s_closing, f, f_link);
		lib_kqueue_forget(f);
		free(f);
	}
}

static int
lib_fcntl(struct ktlssim *sim, int fd, int cmd, int arg)
{
	struct lib_file *f = lib_lookup(sim, fd);

	if (f == NULL)
		return (-EBADF);
	switch (cmd) {
	case F_GETFL:
		return ((f->f_type == LIB_VNODE ? O_RDONLY : O_RDWR) |
		    (f->f_nonblock ? O_NONBLOCK : 0));
	case F_SETFL:
		f->f_nonblock = (arg & O_NONBLOCK) != 0;
		return (0);
	case F_GETFD: /* there is no exec */
	case F_SETFD:
		return (0);
	default:
		return (-EINVAL);
	}
}

int
ktlssim_fcntl(struct ktlssim *sim, int fd, int cmd, int arg)
{
	LIB_CALL(sim, lib_fcntl(sim, fd, cmd, arg));
}

/* --- files of the scenario --- */

static int
lib_open_file(struct ktlssim_host *h, const char *path)
{
	struct lib_file *f;
	struct vnode *vp;
	int fd;

	if (path == NULL)
		return (-EFAULT);
	if ((vp = vnode_lookup(h->h_vnet, path)) == NULL)
		return (-ENOENT);
	f = lib_file_new(h->h_sim, LIB_VNODE);
	f->f_host = h;
	vnode_ref(vp);
	f->f_vp = vp;
	if ((fd = lib_install(h->h_sim, f)) < 0)
		lib_file_free(f);
	return (fd);
}

int
ktlssim_open_file(struct ktlssim_host *h, const char *path)
{
	LIB_CALL(h->h_sim, lib_open_file(h, path));
}

static int64_t
lib_file_size(struct ktlssim *sim, int fd)
{
	struct lib_file *f = lib_lookup(sim, fd);

	if (f == NULL || f->f_type != LIB_VNODE)
		return (f == NULL ? -EBADF : -EINVAL);
	return ((int64_t)vnode_size(f->f_vp));
}

int64_t
ktlssim_file_size(struct ktlssim *sim, int fd)
{
	LIB_CALL(sim, lib_file_size(sim, fd));
}

static int
lib_file_read(struct ktlssim *sim, int fd, uint64_t off, void *buf, size_t len)
{
	struct lib_file *f = lib_lookup(sim, fd);

	if (f == NULL || f->f_type != LIB_VNODE)
		return (f == NULL ? -EBADF : -EINVAL);
	if (len > vnode_size(f->f_vp) || off > vnode_size(f->f_vp) - len)
		return (-EINVAL);
	for (uint8_t *p = buf; len > 0;) {
		uint32_t n = (uint32_t)MIN(len, (size_t)1 << 20);

		vnode_peek(f->f_vp, off, p, n);
		p += n;
		off += n;
		len -= n;
	}
	return (0);
}

int
ktlssim_file_read(struct ktlssim *sim, int fd, uint64_t off, void *buf,
    size_t len)
{
	LIB_CALL(sim, lib_file_read(sim, fd, off, buf, len));
}

static int
lib_file_write(struct ktlssim *sim, int fd, uint64_t off, const void *buf,
    size_t len)
{
	struct lib_file *f = lib_lookup(sim, fd);

	if (f == NULL || f->f_type != LIB_VNODE)
		return (f == NULL ? -EBADF : -EINVAL);
	if (len > UINT32_MAX)
		return (-EINVAL);
	return (-vnode_write(f->f_vp, off, buf, (uint32_t)len));
}

int
ktlssim_file_write(struct ktlssim *sim, int fd, uint64_t off, const void *buf,
    size_t len)
{
	LIB_CALL(sim, lib_file_write(sim, fd, off, buf, len));
}
