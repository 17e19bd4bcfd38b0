/* ConnectX-6 Dx, card: the running context of a connection. */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/opencrypto/crypto_backend.h>

#include "cx6dx_hw.h"

#define TAG_LEN 16

struct cx_context *
cx_context(struct cx_hw *h, uint32_t tisn)
{
	if (tisn == 0 || tisn > h->h_tis_table.t_size ||
	    !h->h_tis[tisn - 1].cc_used)
		return (NULL);
	return (&h->h_tis[tisn - 1]);
}

struct cx_key *
cx_key_of(struct cx_hw *h, const struct cx_static *ps)
{
	uint32_t dek = be32dec(ps->ps_dek) & 0xffffff;

	if (dek == 0 || dek > h->h_dek_table.t_size ||
	    h->h_dek[dek - 1].k_len == 0)
		return (NULL);
	return (&h->h_dek[dek - 1]);
}

static void
crypt_drop(struct cx_context *cc)
{
	tls_stream_destroy(cc->cc_stream);
	tls_crypt_destroy(cc->cc_crypt);
	cc->cc_stream = NULL;
	cc->cc_crypt = NULL;
}

void
cx_context_drop(struct cx_context *cc)
{
	crypt_drop(cc);
	explicit_bzero(cc, sizeof(*cc));
}

struct tls_crypt *
cx_crypt(const struct cx_key *k, const struct cx_static *ps)
{
	bool v13 = ((ps->ps_version >> 2) & 0xf) == CX_TLS_1_3;
	const struct tls_suite *suite;
	uint8_t iv[12];

	suite = tls_suite_find(CRYPTO_AES_NIST_GCM_16, 0, k->k_len,
	    v13 ? TLS_MINOR_VER_THREE : TLS_MINOR_VER_TWO);
	if (suite == NULL)
		return (NULL);
	memcpy(iv, ps->ps_gcm_iv, 4);
	memcpy(iv + 4, ps->ps_implicit_iv, 8);
	return (tls_crypt_create(&crypto_openssl, suite,
	    &(struct tls_keys) { .key = k->k_bytes, .iv = iv }, 1));
}

/* A cipher for these parameters; the one there is, if nothing changed. */
static int
crypt_make(struct cx_context *cc, const struct cx_key *k,
    const struct cx_static *ps)
{
	if (cc->cc_crypt != NULL && cc->cc_crypt_serial == k->k_serial &&
	    cc->cc_params.ps_version == ps->ps_version &&
	    memcmp(cc->cc_params.ps_gcm_iv, ps->ps_gcm_iv, 12) == 0)
		return (0);
	crypt_drop(cc);
	if ((cc->cc_crypt = cx_crypt(k, ps)) == NULL)
		return (NIC_EXEC_BAD);
	cc->cc_stream = tls_stream_create(cc->cc_crypt);
	cc->cc_crypt_serial = k->k_serial;
	cc->cc_hlen = tls_crypt_suite(cc->cc_crypt)->hlen;
	return (cc->cc_stream != NULL ? 0 : NIC_EXEC_BAD);
}

int
cx_load_static(struct cx_hw *h, uint32_t tisn, const struct cx_static *ps)
{
	struct cx_context *cc = cx_context(h, tisn);
	struct cx_key *k = cx_key_of(h, ps);

	if (cc == NULL || k == NULL || crypt_make(cc, k, ps) != 0)
		return (NIC_EXEC_BAD);
	cc->cc_params = *ps;
	cc->cc_recno = be64dec(ps->ps_recno);
	return (0);
}

int
cx_load_progress(struct cx_hw *h, uint32_t tisn)
{
	struct cx_context *cc = cx_context(h, tisn);

	if (cc == NULL || cc->cc_crypt == NULL)
		return (NIC_EXEC_BAD);
	cc->cc_valid = true;
	cc->cc_off = 0;
	cc->cc_have_tag = false;
	return (0);
}

/* A key that is not in the card's cache has to be fetched. */
static void
key_wanted(struct nic_exec *x, struct cx_hw *h, struct cx_context *cc)
{
	struct cx_key *k = cx_key_of(h, &cc->cc_params);
	uint64_t oldest = UINT64_MAX;
	uint32_t victim = 0;

	if (h->h_key_cache == 0 || k == NULL)
		return;
	if (k->k_used == 0) {
		h->h_key_misses++;
		x->x_delay += h->h_key_miss;
		if (h->h_cached < h->h_key_cache)
			h->h_cached++;
		else {
			for (uint32_t i = 0; i < h->h_dek_table.t_size; i++)
				if (h->h_dek[i].k_used != 0 &&
				    h->h_dek[i].k_used < oldest) {
					oldest = h->h_dek[i].k_used;
					victim = i;
				}
			h->h_dek[victim].k_used = 0;
		}
	}
	k->k_used = ++h->h_clock;
}

/* The header is complete: how long the record is, and its nonce. */
static void
record_begin(struct cx_context *cc)
{
	cc->cc_len = 5u + be16dec(cc->cc_hdr + 3);
	/* Whatever these bytes are, there is a tag behind them. */
	cc->cc_len = MAX(cc->cc_len, (uint32_t)cc->cc_hlen + TAG_LEN);
	cc->cc_have_tag = false;
	tls_stream_start(cc->cc_stream, cc->cc_hdr, cc->cc_recno);
}

static uint32_t
stream_header(struct cx_context *cc, const uint8_t *in, uint8_t *out,
    uint32_t len)
{
	uint32_t n = MIN(len, cc->cc_hlen - cc->cc_off);

	memcpy(cc->cc_hdr + cc->cc_off, in, n);
	if (out != NULL)
		memcpy(out, in, n);
	cc->cc_off += n;
	if (cc->cc_off == cc->cc_hlen)
		record_begin(cc);
	return (n);
}

static uint32_t
stream_tag(struct cx_context *cc, uint8_t *out, uint32_t len)
{
	uint32_t at = cc->cc_off - (cc->cc_len - TAG_LEN);
	uint32_t n = MIN(len, TAG_LEN - at);

	if (!cc->cc_have_tag)
		tls_stream_tag(cc->cc_stream, cc->cc_tag);
	cc->cc_have_tag = true;
	if (out != NULL)
		memcpy(out, cc->cc_tag + at, n);
	cc->cc_off += n;
	if (cc->cc_off == cc->cc_len) {
		cc->cc_off = 0;
		cc->cc_recno++;
	}
	return (n);
}

int
cx_stream(struct nic_exec *x, struct cx_context *cc, const uint8_t *in,
    uint8_t *out, uint32_t len)
{
	struct vnet *vnet = x->x_card->c_vnet;
	uint32_t n;

	if (!cc->cc_valid)
		return (NIC_EXEC_BAD);
	key_wanted(x, x->x_card->c_softc, cc);
	if (out != NULL && V_DEFECT(vnet, NIC_NO_ENCRYPT)) {
		memcpy(out, in, len);
		out = NULL;
	}
	for (; len > 0; len -= n, in += n) {
		if (cc->cc_off < cc->cc_hlen)
			n = stream_header(cc, in, out, len);
		else if (cc->cc_off < cc->cc_len - TAG_LEN) {
			n = MIN(len, cc->cc_len - TAG_LEN - cc->cc_off);
			tls_stream_update(cc->cc_stream, in, out, n);
			cc->cc_off += n;
		} else
			n = stream_tag(cc, out, len);
		if (out != NULL)
			out += n;
	}
	return (0);
}
