#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "tls_mte.h"

#define BLOCK	TLS_CBC_BLOCK_LEN
#define MAXMAC	48
#define MAXTAIL (MAXMAC + BLOCK) /* MAC and padding */

struct tls_mte {
	const struct tls_suite *tm_suite;
	EVP_CIPHER_CTX *tm_evp;
	EVP_MAC_CTX *tm_mac; /* holds the key; begun anew for each record */
};

static const char *
mte_digest(const struct tls_suite *suite)
{
	switch (suite->auth_algorithm) {
	case CRYPTO_SHA2_256_HMAC:
		return ("SHA256");
	case CRYPTO_SHA2_384_HMAC:
		return ("SHA384");
	default:
		return ("SHA1");
	}
}

static EVP_MAC_CTX *
mte_newmac(const struct tls_suite *suite, const struct tls_keys *k)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest",
				    (char *)(uintptr_t)mte_digest(suite), 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);

	EVP_MAC_free(hmac); /* the context holds it */
	if (ctx != NULL &&
	    EVP_MAC_init(ctx, k->auth, k->auth_len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

struct tls_mte *
tls_mte_new(const struct tls_suite *suite, const struct tls_keys *k,
    bool encrypt)
{
	struct tls_mte *tm = xcalloc(1, sizeof(*tm));

	tm->tm_suite = suite;
	tm->tm_mac = mte_newmac(suite, k);
	tm->tm_evp = EVP_CIPHER_CTX_new();
	if (tm->tm_mac == NULL || tm->tm_evp == NULL ||
	    EVP_CipherInit_ex(tm->tm_evp,
		suite->key_len == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc(),
		NULL, k->key, NULL, encrypt) != 1 ||
	    EVP_CIPHER_CTX_set_padding(tm->tm_evp, 0) != 1) {
		tls_mte_free(tm);
		return (NULL);
	}
	return (tm);
}

void
tls_mte_free(struct tls_mte *tm)
{
	if (tm == NULL)
		return;
	EVP_MAC_CTX_free(tm->tm_mac);
	EVP_CIPHER_CTX_free(tm->tm_evp);
	free(tm);
}

/* RFC 5246 6.2.3.1: number, type, version, length, payload. */
static bool
mte_mac(struct tls_mte *tm, const uint8_t *hdr, uint64_t seqno,
    const struct tls_iov *pieces, unsigned n, uint32_t paylen,
    uint8_t mac[MAXMAC])
{
	uint8_t head[13];
	size_t len;

	be64enc(head, seqno);
	memcpy(head + 8, hdr, 3);
	be16enc(head + 11, (uint16_t)paylen);
	if (EVP_MAC_init(tm->tm_mac, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(tm->tm_mac, head, sizeof(head)) != 1)
		return (false);
	for (unsigned i = 0; i < n; i++)
		if (EVP_MAC_update(tm->tm_mac, pieces[i].in, pieces[i].len) !=
		    1)
			return (false);
	return (EVP_MAC_final(tm->tm_mac, mac, &len, MAXMAC) == 1 &&
	    len == tm->tm_suite->tag_len);
}

/* The block that lies over a border of pieces. */
struct straddle {
	uint8_t st_block[BLOCK];
	uint8_t *st_to[BLOCK]; /* where its bytes go */
	uint32_t st_have;
};

static bool
mte_update(struct tls_mte *tm, const uint8_t *in, uint8_t *out, uint32_t len)
{
	int n;

	return (len == 0 ||
	    EVP_CipherUpdate(tm->tm_evp, out, &n, in, (int)len) == 1);
}

/* Bytes of a straddling block: gathered, and scattered when it is whole. */
static bool
mte_straddle(struct tls_mte *tm, struct straddle *st, const uint8_t *in,
    uint8_t *out, uint32_t len)
{
	for (; len > 0; len--) {
		st->st_block[st->st_have] = *in++;
		st->st_to[st->st_have++] = out++;
		if (st->st_have < BLOCK)
			continue;
		if (!mte_update(tm, st->st_block, st->st_block, BLOCK))
			return (false);
		for (; st->st_have > 0; st->st_have--)
			*st->st_to[st->st_have - 1] =
			    st->st_block[st->st_have - 1];
	}
	return (true);
}

/* The pieces are one string to the cipher, whole blocks in all. */
static bool
mte_cbc(struct tls_mte *tm, const uint8_t iv[BLOCK],
    const struct tls_iov *pieces, unsigned npieces)
{
	struct straddle st = { .st_have = 0 };
	uint32_t head, whole, len;
	const uint8_t *in;
	uint8_t *out;

	if (EVP_CipherInit_ex(tm->tm_evp, NULL, NULL, NULL, iv, -1) != 1)
		return (false);
	for (unsigned i = 0; i < npieces; i++) {
		in = pieces[i].in;
		out = pieces[i].out;
		len = pieces[i].len;
		head = st.st_have > 0 ? MIN(BLOCK - st.st_have, len) : 0;
		whole = (len - head) / BLOCK * BLOCK;
		if (!mte_straddle(tm, &st, in, out, head) ||
		    !mte_update(tm, in + head, out + head, whole) ||
		    !mte_straddle(tm, &st, in + head + whole,
			out + head + whole, len - head - whole))
			return (false);
	}
	KASSERT(st.st_have == 0, ("tls_mte: %u bytes over", st.st_have));
	return (true);
}

int
tls_mte_encrypt(struct tls_mte *tm, const uint8_t *hdr, uint64_t seqno,
    uint8_t iv[BLOCK], const struct tls_iov *pieces, unsigned npieces,
    uint8_t *trailer)
{
	const struct tls_suite *s = tm->tm_suite;
	struct tls_iov all[TLS_CRYPT_PIECES + 1];
	uint32_t paylen = 0, taillen;
	uint8_t tail[MAXTAIL];

	KASSERT(npieces <= TLS_CRYPT_PIECES, ("tls_mte: %u pieces", npieces));
	for (unsigned i = 0; i < npieces; i++) {
		all[i] = pieces[i];
		paylen += pieces[i].len;
	}
	taillen = tls_suite_trailer(s, paylen);
	KASSERT(be16dec(hdr + 3) == s->hlen - 5u + paylen + taillen,
	    ("tls_mte: header says %u", be16dec(hdr + 3)));
	if (!mte_mac(tm, hdr, seqno, pieces, npieces, paylen, tail))
		return (EIO);
	memset(tail + s->tag_len, (int)(taillen - s->tag_len - 1),
	    taillen - s->tag_len);
	all[npieces] = (struct tls_iov) { tail, trailer, taillen };
	if (!mte_cbc(tm, iv, all, npieces + 1))
		return (EIO);
	memcpy(iv, trailer + taillen - BLOCK, BLOCK);
	return (0);
}

int
tls_mte_blocks(struct tls_mte *tm, const uint8_t iv[BLOCK], const uint8_t *in,
    uint8_t *out, uint32_t len)
{
	struct tls_iov piece = { in, out, len };

	return (mte_cbc(tm, iv, &piece, 1) ? 0 : EIO);
}

int
tls_mte_decrypt(struct tls_mte *tm, const uint8_t *hdr, uint64_t seqno,
    const struct tls_iov *pieces, unsigned npieces, const uint8_t *plain,
    uint32_t *paylen)
{
	const struct tls_suite *s = tm->tm_suite;
	uint8_t mac[MAXMAC];
	struct tls_iov pay;
	uint32_t n = 0, pad;

	for (unsigned i = 0; i < npieces; i++)
		n += pieces[i].len;
	KASSERT(n % BLOCK == 0 && n > s->tag_len, ("tls_mte: %u bytes", n));
	if (!mte_cbc(tm, hdr + 5, pieces, npieces))
		return (EIO);
	pad = plain[n - 1] + 1u; /* 1 to 256, all of one value */
	if (pad + s->tag_len > n)
		return (EBADMSG);
	for (uint32_t i = 2; i <= pad; i++)
		if (plain[n - i] != pad - 1)
			return (EBADMSG);
	n -= pad + s->tag_len;
	pay = (struct tls_iov) { .in = plain, .len = n };
	if (!mte_mac(tm, hdr, seqno, &pay, 1, n, mac))
		return (EIO);
	if (CRYPTO_memcmp(mac, plain + n, s->tag_len) != 0)
		return (EBADMSG);
	*paylen = n;
	return (0);
}
