#include <stdbool.h>
#include <stdio.h>

#include <openssl/evp.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/digest.h>

static EVP_MD_CTX *
md(struct digest *d)
{
	return ((EVP_MD_CTX *)(void *)d);
}

struct digest *
digest_create(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	KASSERT(ok, ("libcrypto has no SHA-256"));
	return ((struct digest *)(void *)ctx);
}

void
digest_add(struct digest *d, const void *p, size_t len)
{
	(void)EVP_DigestUpdate(md(d), p, len);
}

void
digest_take(struct digest *d, char hex[DIGEST_HEX])
{
	unsigned char out[32] = { 0 };
	unsigned len = 0;

	(void)EVP_DigestFinal_ex(md(d), out, &len);
	for (unsigned i = 0; i < sizeof(out); i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	digest_destroy(d);
}

void
digest_destroy(struct digest *d)
{
	EVP_MD_CTX_free(md(d));
}
