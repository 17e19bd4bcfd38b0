#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/uio.h>

void
uio_init(struct uio *uio, struct kiovec *iov, int cnt)
{
	*uio = (struct uio) { .uio_iov = iov, .uio_iovcnt = cnt };
	for (int i = 0; i < cnt; i++)
		uio->uio_resid += iov[i].iov_len;
}

/* The next contiguous piece of at most n bytes; advances the uio. */
static uint8_t *
uio_piece(struct uio *uio, size_t n, size_t *piece)
{
	uint8_t *p;

	KASSERT(n <= uio->uio_resid, ("uiomove beyond the end"));
	while (uio->uio_iov->iov_len == 0) {
		uio->uio_iov++;
		uio->uio_iovcnt--;
	}
	*piece = MIN(n, uio->uio_iov->iov_len);
	p = uio->uio_iov->iov_base;
	uio->uio_iov->iov_base = p + *piece;
	uio->uio_iov->iov_len -= *piece;
	uio->uio_resid -= *piece;
	uio->uio_offset += *piece;
	return (p);
}

void
uiomove_in(void *buf, size_t n, struct uio *uio)
{
	uint8_t *dst = buf, *src;
	size_t piece;

	for (; n > 0; n -= piece, dst += piece) {
		src = uio_piece(uio, n, &piece);
		memcpy(dst, src, piece);
	}
}

void
uiomove_out(const void *buf, size_t n, struct uio *uio)
{
	const uint8_t *src = buf;
	uint8_t *dst;
	size_t piece;

	for (; n > 0; n -= piece, src += piece) {
		dst = uio_piece(uio, n, &piece);
		memcpy(dst, src, piece);
	}
}
