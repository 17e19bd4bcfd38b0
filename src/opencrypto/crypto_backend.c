/* The backends there are. A new one is a file with its table, and a line. */
#include <string.h>

#include <ktsim/opencrypto/crypto_backend.h>

extern const struct crypto_backend crypto_ipsec_mb, crypto_accel;

/* A kernel of before 2021 whose module (ktls_ocf.ko) nobody loaded. */
static const struct crypto_backend crypto_none = {
	.cb_name = "none",
	.cb_text = "nothing is loaded: software TLS is refused (EOPNOTSUPP)",
};

const struct crypto_backend *const crypto_backends[] = { &crypto_openssl,
	&crypto_ipsec_mb, &crypto_accel, &crypto_none, NULL };

const struct crypto_backend *
crypto_backend_find(const char *name)
{
	for (unsigned i = 0; crypto_backends[i] != NULL; i++)
		if (strcmp(crypto_backends[i]->cb_name, name) == 0)
			return (crypto_backends[i]);
	return (NULL);
}
