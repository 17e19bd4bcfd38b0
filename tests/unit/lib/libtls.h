/* TLS 1.3 AES-128-GCM with one fixed key, as an application would set it. */
#ifndef LIBTLS_H
#define LIBTLS_H

#include "libtest.h"

static inline struct ktlssim_tls_enable
tls_enable(void)
{
	static const uint8_t key[16] = "sixteen byte key",
			     iv[12] = "twelve bytes";

	return ((struct ktlssim_tls_enable) { .cipher_key = key,
	    .iv = iv,
	    .cipher_algorithm = KTLSSIM_CRYPTO_AES_NIST_GCM_16,
	    .cipher_key_len = 16,
	    .iv_len = 12,
	    .tls_vmajor = 3,
	    .tls_vminor = 4 });
}

/* name: KTLSSIM_TCP_TXTLS_ENABLE or _RXTLS_ENABLE. */
static inline int
tls_on(int fd, int name)
{
	struct ktlssim_tls_enable en = tls_enable();

	return (
	    ktlssim_setsockopt(sim, fd, IPPROTO_TCP, name, &en, sizeof(en)));
}

#endif
