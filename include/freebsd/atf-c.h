/* The host's atf, with the macros that newer FreeBSD tests use. */
#ifndef KTLSSIM_FREEBSD_ATF_C_H
#define KTLSSIM_FREEBSD_ATF_C_H

#include_next <atf-c.h>

#ifndef ATF_REQUIRE_INTEQ
#define ATF_REQUIRE_INTEQ(expected, actual)                                 \
	do {                                                                \
		intmax_t ktlssim_e = (intmax_t)(expected);                  \
		intmax_t ktlssim_a = (intmax_t)(actual);                    \
                                                                            \
		ATF_REQUIRE_MSG(ktlssim_e == ktlssim_a,                     \
		    "%s != %s (%jd != %jd)", #expected, #actual, ktlssim_e, \
		    ktlssim_a);                                             \
	} while (0)
#endif

#endif
