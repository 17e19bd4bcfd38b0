/* The host's err.h, with the forms that take an error number. */
#ifndef KTLSSIM_FREEBSD_ERR_H
#define KTLSSIM_FREEBSD_ERR_H

#include_next <err.h>
#include <errno.h>

#define warnc(code, ...)           \
	do {                       \
		errno = (code);    \
		warn(__VA_ARGS__); \
	} while (0)
#define errc(eval, code, ...)             \
	do {                              \
		errno = (code);           \
		err((eval), __VA_ARGS__); \
	} while (0)

#endif
