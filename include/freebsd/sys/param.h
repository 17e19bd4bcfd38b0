/* The host's, and what FreeBSD programs expect to come with it. */
#ifndef KTLSSIM_FREEBSD_SYS_PARAM_H
#define KTLSSIM_FREEBSD_SYS_PARAM_H

/* The host's roundup and howmany are FreeBSD's. */
#undef howmany
#undef nitems
#include_next <sys/param.h>

#ifndef nitems
#define nitems(x) (sizeof(x) / sizeof((x)[0]))
#endif

#endif
