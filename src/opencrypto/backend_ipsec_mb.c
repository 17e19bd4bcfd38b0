/*
 * Intel's multi-buffer library: AES-GCM some three times as fast as libcrypto,
 * on x86-64. Its direct calls keep all state in key and context; the manager
 * is only a table of functions, made once and never written again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/opencrypto/crypto_backend.h>

#ifdef KTSIM_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>

struct crypto_ctx {
	struct gcm_key_data *cc_key; /* wants its own alignment */
	struct gcm_context_data cc_gcm;
	bool cc_encrypt, cc_256;
};

static IMB_MGR *imb;

static bool
imb_usable(const char **why)
{
	IMB_ARCH arch;

	if (imb != NULL)
		return (true);
	if ((imb = alloc_mb_mgr(0)) == NULL) {
		*why = "the library could not be set up";
		return (false);
	}
	init_mb_mgr_auto(imb, &arch);
	if (imb_get_errno(imb) == 0 && arch != IMB_ARCH_NONE)
		return (true);
	free_mb_mgr(imb);
	imb = NULL;
	*why = "this processor lacks the instructions for it";
	return (false);
}

static void
imb_free(struct crypto_ctx *cc)
{
	if (cc == NULL)
		return;
	explicit_bzero(cc->cc_key, sizeof(*cc->cc_key));
	explicit_bzero(&cc->cc_gcm, sizeof(cc->cc_gcm));
	free(cc->cc_key);
	free(cc);
}

static struct crypto_ctx *
imb_new(const struct tls_suite *suite, const uint8_t *key, bool encrypt)
{
	struct crypto_ctx *cc = xcalloc(1, sizeof(*cc));

	cc->cc_encrypt = encrypt;
	cc->cc_256 = suite->key_len == 32;
	cc->cc_key = aligned_alloc(64, roundup2(sizeof(*cc->cc_key), 64));
	if (cc->cc_key == NULL) {
		free(cc);
		return (NULL);
	}
	if (cc->cc_256)
		IMB_AES256_GCM_PRE(imb, key, cc->cc_key);
	else
		IMB_AES128_GCM_PRE(imb, key, cc->cc_key);
	return (cc);
}

static bool
imb_begin(struct crypto_ctx *cc, const uint8_t nonce[12], const uint8_t *aad,
    int aadlen)
{
	if (cc->cc_256)
		IMB_AES256_GCM_INIT(imb, cc->cc_key, &cc->cc_gcm, nonce, aad,
		    (uint64_t)aadlen);
	else
		IMB_AES128_GCM_INIT(imb, cc->cc_key, &cc->cc_gcm, nonce, aad,
		    (uint64_t)aadlen);
	return (true);
}

static bool
imb_update(struct crypto_ctx *cc, const uint8_t *in, uint8_t *out, uint32_t len)
{
	const struct gcm_key_data *k = cc->cc_key;

	if (cc->cc_256 && cc->cc_encrypt)
		IMB_AES256_GCM_ENC_UPDATE(imb, k, &cc->cc_gcm, out, in, len);
	else if (cc->cc_256)
		IMB_AES256_GCM_DEC_UPDATE(imb, k, &cc->cc_gcm, out, in, len);
	else if (cc->cc_encrypt)
		IMB_AES128_GCM_ENC_UPDATE(imb, k, &cc->cc_gcm, out, in, len);
	else
		IMB_AES128_GCM_DEC_UPDATE(imb, k, &cc->cc_gcm, out, in, len);
	return (true);
}

static int
imb_tag(struct crypto_ctx *cc, uint8_t tag[16])
{
	const struct gcm_key_data *k = cc->cc_key;
	uint8_t found[16], differ = 0;

	if (cc->cc_encrypt) {
		if (cc->cc_256)
			IMB_AES256_GCM_ENC_FINALIZE(imb, k, &cc->cc_gcm, tag,
			    16);
		else
			IMB_AES128_GCM_ENC_FINALIZE(imb, k, &cc->cc_gcm, tag,
			    16);
		return (0);
	}
	if (cc->cc_256)
		IMB_AES256_GCM_DEC_FINALIZE(imb, k, &cc->cc_gcm, found, 16);
	else
		IMB_AES128_GCM_DEC_FINALIZE(imb, k, &cc->cc_gcm, found, 16);
	for (int i = 0; i < 16; i++)
		differ |= found[i] ^ tag[i];
	return (differ == 0 ? 0 : EBADMSG);
}

#else /* !KTSIM_HAVE_IPSEC_MB */

static bool
imb_usable(const char **why)
{
	*why = "ktls-sim was built without libipsec-mb-dev";
	return (false);
}
#define imb_new	   NULL
#define imb_free   NULL
#define imb_begin  NULL
#define imb_update NULL
#define imb_tag	   NULL

#endif

static bool
imb_has(const struct tls_suite *suite)
{
	return (suite->cipher == TLS_CIPHER_GCM);
}

extern const struct crypto_backend crypto_ipsec_mb;
const struct crypto_backend crypto_ipsec_mb = {
	.cb_name = "ipsec-mb",
	.cb_text =
	    "Intel's multi-buffer library for AES-GCM, openssl for the rest",
	.cb_per_record = 30 * SIM_NS,
	.cb_ps_per_byte = { 1400, 66, 340 },
	.cb_usable = imb_usable,
	.cb_has = imb_has,
	.cb_new = imb_new,
	.cb_free = imb_free,
	.cb_begin = imb_begin,
	.cb_update = imb_update,
	.cb_tag = imb_tag,
};
