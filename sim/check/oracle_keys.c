/*
 * From key log lines to record keys: RFC 2246, 4346 and 5246 sections 5 and
 * 6.3, RFC 8446 section 7. The key log gives the master secret (to 1.2) or the traffic secrets
 * (1.3), each under the client's random number.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

#include "oracle_int.h"

static const struct osuite osuites[] = {
	{ 0x1301, 13, OA_GCM, 16, false, 0, "TLS_AES_128_GCM_SHA256" },
	{ 0x1302, 13, OA_GCM, 32, true, 0, "TLS_AES_256_GCM_SHA384" },
	{ 0x1303, 13, OA_CHACHA, 32, false, 0, "TLS_CHACHA20_POLY1305_SHA256" },
	{ 0xc02b, 12, OA_GCM, 16, false, 0,
	    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02c, 12, OA_GCM, 32, true, 0,
	    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 0xcca9, 12, OA_CHACHA, 32, false, 0,
	    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xc02f, 12, OA_GCM, 16, false, 0,
	    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc030, 12, OA_GCM, 32, true, 0,
	    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xcca8, 12, OA_CHACHA, 32, false, 0,
	    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0x009c, 12, OA_GCM, 16, false, 0, "TLS_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009d, 12, OA_GCM, 32, true, 0, "TLS_RSA_WITH_AES_256_GCM_SHA384" },
#define CBC_SHA(id, keylen, name)                        \
	{ id, 10, OA_CBC, keylen, false, 20, name },     \
	    { id, 11, OA_CBC, keylen, false, 20, name }, \
	{                                                \
		id, 12, OA_CBC, keylen, false, 20, name  \
	}
	CBC_SHA(0xc009, 16, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
	CBC_SHA(0xc00a, 32, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
	CBC_SHA(0xc013, 16, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
	CBC_SHA(0xc014, 32, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
	CBC_SHA(0x002f, 16, "TLS_RSA_WITH_AES_128_CBC_SHA"),
	CBC_SHA(0x0035, 32, "TLS_RSA_WITH_AES_256_CBC_SHA"),
	{ 0xc023, 12, OA_CBC, 16, false, 32,
	    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
	{ 0xc024, 12, OA_CBC, 32, true, 48,
	    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384" },
	{ 0xc027, 12, OA_CBC, 16, false, 32,
	    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
	{ 0xc028, 12, OA_CBC, 32, true, 48,
	    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" },
	{ 0x003c, 12, OA_CBC, 16, false, 32,
	    "TLS_RSA_WITH_AES_128_CBC_SHA256" },
	{ 0x003d, 12, OA_CBC, 32, false, 32,
	    "TLS_RSA_WITH_AES_256_CBC_SHA256" },
};

const struct osuite *
osuite_find(unsigned id, int version)
{
	for (size_t i = 0; i < sizeof(osuites) / sizeof(osuites[0]); i++)
		if (osuites[i].os_id == id && osuites[i].os_version == version)
			return (&osuites[i]);
	return (NULL);
}

const EVP_MD *
osuite_md(const struct osuite *os)
{
	return (os->os_sha384 ? EVP_sha384() : EVP_sha256());
}

/* --- key log --- */

struct secret {
	struct secret *next;
	char label[36];
	uint8_t random[32];
	uint8_t value[48];
	size_t len;
};

struct okeylog {
	struct secret **hash;
	size_t size, n;
};

struct okeylog *
okeylog_create(void)
{
	struct okeylog *kl;

	kl = oracle_alloc(sizeof(*kl));
	kl->size = 64;
	kl->hash = oracle_alloc(kl->size * sizeof(*kl->hash));
	return (kl);
}

void
okeylog_destroy(struct okeylog *kl)
{
	struct secret *s, *next;

	for (size_t i = 0; i < kl->size; i++)
		for (s = kl->hash[i]; s != NULL; s = next) {
			next = s->next;
			free(s);
		}
	free(kl->hash);
	free(kl);
}

/* A client random is random: its first bytes are hash enough. */
static size_t
slot(const struct okeylog *kl, const uint8_t random[32])
{
	return (rd32(random) & (kl->size - 1));
}

static void
okeylog_grow(struct okeylog *kl)
{
	struct secret **old = kl->hash, *s, *next;
	size_t n = kl->size;

	kl->size *= 4;
	kl->hash = oracle_alloc(kl->size * sizeof(*kl->hash));
	for (size_t i = 0; i < n; i++)
		for (s = old[i]; s != NULL; s = next) {
			next = s->next;
			s->next = kl->hash[slot(kl, s->random)];
			kl->hash[slot(kl, s->random)] = s;
		}
	free(old);
}

static int
hexval(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

/* Bytes read; *sp behind them. */
static size_t
hex(const char **sp, uint8_t *out, size_t max)
{
	const char *s = *sp;
	size_t n = 0;

	while (*s == ' ')
		s++;
	for (; n < max && hexval(s[0]) >= 0 && hexval(s[1]) >= 0; s += 2)
		out[n++] = (uint8_t)(hexval(s[0]) << 4 | hexval(s[1]));
	*sp = s;
	return (n);
}

void
okeylog_line(struct okeylog *kl, const char *line)
{
	struct secret *s;
	size_t len = strcspn(line, " ");

	if (line[len] == '\0' || len >= sizeof(s->label))
		return;
	s = oracle_alloc(sizeof(*s));
	memcpy(s->label, line, len);
	line += len;
	if (hex(&line, s->random, 32) != 32 ||
	    (s->len = hex(&line, s->value, sizeof(s->value))) == 0) {
		free(s);
		return;
	}
	if (++kl->n > kl->size)
		okeylog_grow(kl);
	s->next = kl->hash[slot(kl, s->random)];
	kl->hash[slot(kl, s->random)] = s;
}

size_t
okeylog_find(const struct okeylog *kl, const char *label,
    const uint8_t random[32], uint8_t *out)
{
	const struct secret *s;

	for (s = kl->hash[slot(kl, random)]; s != NULL; s = s->next)
		if (memcmp(s->random, random, 32) == 0 &&
		    strcmp(s->label, label) == 0) {
			memcpy(out, s->value, s->len);
			return (s->len);
		}
	return (0);
}

/* --- key schedules --- */

/* HKDF-Expand-Label with an empty context, RFC 8446 7.1; one block is enough. */
static void
expand_label(const EVP_MD *md, const uint8_t *secret, const char *label,
    uint8_t *out, size_t len)
{
	uint8_t info[64], block[EVP_MAX_MD_SIZE];
	size_t n = 0, lablen = strlen(label);

	info[n++] = (uint8_t)(len >> 8);
	info[n++] = (uint8_t)len;
	info[n++] = (uint8_t)(6 + lablen);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, lablen);
	n += 6 + lablen;
	info[n++] = 0; /* context */
	info[n++] = 1; /* HKDF's block counter */
	HMAC(md, secret, EVP_MD_get_size(md), info, n, block, NULL);
	memcpy(out, block, len);
}

/* P_hash of RFC 5246 section 5, which is its PRF; xored into out. */
static void
p_hash(const EVP_MD *md, const uint8_t *secret, int secretlen,
    const uint8_t *seed, size_t seedlen, uint8_t *out, size_t len)
{
	uint8_t a[EVP_MAX_MD_SIZE + 128], block[EVP_MAX_MD_SIZE];
	size_t mdlen = (size_t)EVP_MD_get_size(md), n;

	HMAC(md, secret, secretlen, seed, seedlen, a, NULL);
	while (len > 0) {
		memcpy(a + mdlen, seed, seedlen);
		HMAC(md, secret, secretlen, a, mdlen + seedlen, block, NULL);
		n = len < mdlen ? len : mdlen;
		for (size_t i = 0; i < n; i++)
			out[i] ^= block[i];
		out += n;
		len -= n;
		HMAC(md, secret, secretlen, a, mdlen, block, NULL);
		memcpy(a, block, mdlen);
	}
}

/* Before 1.2: RFC 2246 section 5, MD5 over one half, SHA-1 over the other. */
static void
key_block(const struct osuite *os, const uint8_t master[48],
    const uint8_t cr[32], const uint8_t sr[32], uint8_t *out, size_t len)
{
	uint8_t seed[13 + 64];

	memcpy(seed, "key expansion", 13);
	memcpy(seed + 13, sr, 32);
	memcpy(seed + 45, cr, 32);
	memset(out, 0, len);
	if (os->os_version == 12) {
		p_hash(osuite_md(os), master, 48, seed, sizeof(seed), out, len);
		return;
	}
	p_hash(EVP_md5(), master, 24, seed, sizeof(seed), out, len);
	p_hash(EVP_sha1(), master + 24, 24, seed, sizeof(seed), out, len);
}

static const EVP_CIPHER *
suite_cipher(const struct osuite *os)
{
	if (os->os_aead == OA_CHACHA)
		return (EVP_chacha20_poly1305());
	if (os->os_aead == OA_CBC)
		return (os->os_keylen == 16 ? EVP_aes_128_cbc()
					    : EVP_aes_256_cbc());
	return (os->os_keylen == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm());
}

static bool
okey_set(struct okey *k, const struct osuite *os, const uint8_t *key)
{
	k->ok_suite = os;
	k->ok_seq = 0;
	if (k->ok_ctx == NULL)
		k->ok_ctx = EVP_CIPHER_CTX_new();
	return (k->ok_ctx != NULL &&
	    EVP_DecryptInit_ex(k->ok_ctx, suite_cipher(os), NULL, key, NULL) ==
		1);
}

bool
okey_from_secret13(struct okey *k, const struct osuite *os,
    const uint8_t *secret)
{
	const EVP_MD *md = osuite_md(os);
	uint8_t key[32];

	memmove(k->ok_secret, secret, (size_t)EVP_MD_get_size(md));
	expand_label(md, k->ok_secret, "key", key, os->os_keylen);
	expand_label(md, k->ok_secret, "iv", k->ok_iv, 12);
	return (okey_set(k, os, key));
}

bool
okey_next13(struct okey *k)
{
	const EVP_MD *md = osuite_md(k->ok_suite);
	uint8_t next[48];

	expand_label(md, k->ok_secret, "traffic upd", next,
	    (size_t)EVP_MD_get_size(md));
	return (okey_from_secret13(k, k->ok_suite, next));
}

/* How much IV the key block has: none where records carry all of theirs. */
static size_t
master_ivlen(const struct osuite *os)
{
	if (os->os_aead == OA_CBC)
		return (os->os_version == 10 ? 16 : 0);
	return (os->os_aead == OA_GCM ? 4 : 12);
}

bool
okey_from_master12(struct okey *k, const struct osuite *os,
    const uint8_t master[48], const uint8_t cr[32], const uint8_t sr[32],
    bool client)
{
	size_t ivlen = master_ivlen(os), klen = os->os_keylen;
	size_t mlen = os->os_maclen, mine = client ? 0 : 1;
	uint8_t block[2 * (48 + 32 + 16)];
	const uint8_t *keys = block + 2 * mlen, *ivs = keys + 2 * klen;

	key_block(os, master, cr, sr, block, 2 * (mlen + klen + ivlen));
	memcpy(k->ok_iv, ivs + mine * ivlen, ivlen);
	return (okey_set(k, os, keys + mine * klen) &&
	    (mlen == 0 || ocbc_set(k, block + mine * mlen)));
}

void
okey_reset(struct okey *k)
{
	EVP_CIPHER_CTX_free(k->ok_ctx);
	oset_fini(&k->ok_nonces);
	ocbc_reset(k);
	memset(k, 0, sizeof(*k));
}
