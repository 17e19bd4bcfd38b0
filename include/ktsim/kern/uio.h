/* Where a system call's bytes come from or go to. Source: sys/uio.h. */
#ifndef KTSIM_KERN_UIO_H
#define KTSIM_KERN_UIO_H

#include <stddef.h>
#include <stdint.h>

struct kiovec {
	void *iov_base;
	size_t iov_len;
};

struct uio {
	struct kiovec *uio_iov; /* consumed as bytes move */
	int uio_iovcnt;
	size_t uio_resid;  /* bytes left */
	size_t uio_offset; /* bytes moved so far */
};

void uio_init(struct uio *, struct kiovec *, int cnt);
/* Move n (<= uio_resid) bytes from the uio to buf, or from buf to the uio. */
void uiomove_in(void *buf, size_t n, struct uio *);
void uiomove_out(const void *buf, size_t n, struct uio *);

#endif
