/*
 * Sessions: parameters checked, keys copied, life and death, counters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "ktls_priv.h"
#include "ktls_session.h"

void
ktls_attach(struct vnet *vnet)
{
	struct ktls_state *ks;

	vnet->v_ktls = ks = xcalloc(1, sizeof(*ks));
	TAILQ_INIT(&ks->ks_units);
	kzone_init(&ks->ks_session_zone, &vnet->v_kmem, "ktls_session",
	    sizeof(struct ktls_session));
	kzone_init(&ks->ks_unit_zone, &vnet->v_kmem, "ktls_unit",
	    sizeof(struct ktls_unit));
	kzone_init(&ks->ks_rec_zone, &vnet->v_kmem, "ktls_rec",
	    sizeof(struct ktls_rec));
	ktls_rx_attach(vnet);
	ks->ks_cost.per_record = vnet->v_crypto->cb_per_record;
	memcpy(ks->ks_cost.ps_per_byte, vnet->v_crypto->cb_ps_per_byte,
	    sizeof(ks->ks_cost.ps_per_byte));
	ks->ks_cost.wakeup = 1 * SIM_US;
	vnet_prng(vnet, &ks->ks_prng, "ktls.nonce");
	vnet->v_mb->mb_free_extpg_tls = ktls_mb_free_extpg;
	ktls_sysctl_attach(vnet);
	ktls_buffer_attach(vnet);
}

void
ktls_detach(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;

	ktls_wq_fini(vnet);
	ktls_buffer_detach(vnet);
	kzone_fini(&ks->ks_session_zone);
	kzone_fini(&ks->ks_unit_zone);
	kzone_fini(&ks->ks_rec_zone);
	kzone_fini(&ks->ks_rx_zone);
	free(ks);
	vnet->v_ktls = NULL;
}

bool
ktls_use_ext_pgs(const struct vnet *vnet)
{
	return (vnet->v_ktls->ks_ext_pgs != 0);
}

struct ktls_stats *
ktls_stats(struct vnet *vnet)
{
	return (&vnet->v_ktls->ks_stats);
}

void
ktls_set_cost(struct vnet *vnet, const struct ktls_cost *cost)
{
	vnet->v_ktls->ks_cost = *cost;
}

simtime_t
ktls_record_time(const struct vnet *vnet, enum tls_cipher cipher, size_t len)
{
	const struct ktls_cost *kc = &vnet->v_ktls->ks_cost;

	return (kc->per_record + (simtime_t)len * kc->ps_per_byte[cipher]);
}

simtime_t
ktls_wakeup_time(const struct vnet *vnet)
{
	return (vnet->v_ktls->ks_cost.wakeup);
}

void
ktls_set_completion(struct vnet *vnet, ktls_complete_fn *fn, void *arg)
{
	vnet->v_ktls->ks_complete = fn;
	vnet->v_ktls->ks_complete_arg = arg;
}

/* What table 1.4 says of lengths and flags. */
static int
ktls_check_lengths(const struct tls_enable *en)
{
	if (en->auth_key_len < 0 || en->auth_key_len > TLS_MAX_PARAM_SIZE ||
	    en->cipher_key_len <= 0 ||
	    en->cipher_key_len > TLS_MAX_PARAM_SIZE || en->iv_len < 0 ||
	    en->iv_len > 16 || en->flags != 0)
		return (EINVAL);
	return (0);
}

/* Table 1.4, cipher by cipher; a suite of any key length. */
static int
ktls_check_cipher(const struct tls_enable *en, const char **why)
{
	bool cbc = en->cipher_algorithm == CRYPTO_AES_CBC;
	const struct tls_suite *s;

	if (!cbc && (en->auth_algorithm != 0 || en->auth_key_len != 0)) {
		*why = "an AEAD suite has no authentication key";
		return (EINVAL);
	}
	s = tls_suite_find(en->cipher_algorithm, en->auth_algorithm, 0,
	    en->tls_vminor);
	if (s == NULL) {
		*why = cbc ? "no AES-CBC suite of this MAC and version"
			   : "no such cipher and version";
		return (EINVAL);
	}
	/* Its length is not compared with the hash. */
	if (cbc && en->auth_key_len == 0) {
		*why = "an AES-CBC suite wants an authentication key";
		return (EINVAL);
	}
	/* CBC with explicit IVs (TLS 1.1, 1.2) takes and ignores any. */
	if (en->iv_len != s->iv_len && s->iv_len != 0) {
		*why = "IV length does not fit the suite";
		return (EINVAL);
	}
	if ((cbc && en->auth_key == NULL) || en->cipher_key == NULL ||
	    (s->iv_len != 0 && en->iv == NULL)) {
		*why = "key or IV pointer is NULL";
		return (EFAULT);
	}
	return (0);
}

/*
 * Table 1.4, then what the software backend says of the key's length; *why
 * for the trace.
 */
static int
ktls_check_params(const struct tls_enable *en, const struct tls_suite **suite,
    const char **why)
{
	int error;

	*why = "bad parameter";
	if (en->tls_vmajor != TLS_MAJOR_VER_ONE ||
	    en->tls_vminor < TLS_MINOR_VER_ZERO ||
	    en->tls_vminor > TLS_MINOR_VER_THREE) {
		*why = "unknown TLS version";
		return (EINVAL);
	}
	if ((error = ktls_check_lengths(en)) != 0 ||
	    (error = ktls_check_cipher(en, why)) != 0)
		return (error);
	*suite = tls_suite_find(en->cipher_algorithm, en->auth_algorithm,
	    en->cipher_key_len, en->tls_vminor);
	if (*suite == NULL) {
		*why = "no such key length for this cipher";
		return (EINVAL);
	}
	return (0);
}

static uint8_t *
ktls_copy_key(const uint8_t *key, size_t len)
{
	uint8_t *copy;

	if (len == 0)
		return (NULL);
	copy = xcalloc(1, len);
	memcpy(copy, key, len);
	return (copy);
}

static void
ktls_free_key(uint8_t *key, size_t len)
{
	if (key == NULL)
		return;
	explicit_bzero(key, len);
	free(key);
}

static void
ktls_copy_params(struct ktls_session *tls, const struct tls_enable *en,
    const struct tls_suite *suite)
{
	struct tls_session_params *tp = &tls->params;
	struct ktls_state *ks = tls->vnet->v_ktls;

	tp->suite = suite;
	tp->cipher_key =
	    ktls_copy_key(en->cipher_key, (size_t)en->cipher_key_len);
	tp->cipher_key_len = (uint16_t)en->cipher_key_len;
	tp->auth_key = ktls_copy_key(en->auth_key, (size_t)en->auth_key_len);
	tp->auth_key_len = (uint16_t)en->auth_key_len;
	if (suite->iv_len > 0)
		memcpy(tp->iv, en->iv, suite->iv_len);
	tp->iv_len = suite->iv_len;
	tp->max_frame_len =
	    (uint16_t)MIN((uint64_t)TLS_MAX_MSG_SIZE_V10_2, ks->ks_maxlen);
	tp->tls_vmajor = en->tls_vmajor;
	tp->tls_vminor = en->tls_vminor;
	if (tls->tx && tls_suite_chained(suite)) {
		tls->sequential_records = true;
		tls->next_seqno = be64dec(en->rec_seq);
	}
	tp->tls_hlen = suite->hlen;
	tp->tls_tlen = suite->tlen;
	/* The explicit nonce starts anywhere: it is not the record number. */
	if (suite->cipher == TLS_CIPHER_GCM &&
	    suite->vminor == TLS_MINOR_VER_TWO)
		be64enc(tp->iv + 8, prng_u64(&ks->ks_prng));
}

static struct ktls_session *
ktls_session_alloc(struct socket *so, int direction)
{
	struct vnet *vnet = so->so_vnet;
	struct ktls_state *ks = vnet->v_ktls;
	struct ktls_session *tls;

	tls = kzone_alloc(&ks->ks_session_zone, M_NOWAIT | M_ZERO);
	if (tls == NULL)
		return (NULL);
	tls->vnet = vnet;
	tls->refcount = 1;
	tls->number = ++ks->ks_number;
	tls->direction = direction;
	tls->tx = direction == KTLS_TX;
	tls->conn = ktls_inp_conn(so);
	tls->wq_index = ktls_get_cpu(so);
	STAILQ_INIT(&tls->pending_records);
	ks->ks_stats.active++;
	return (tls);
}

int
ktls_session_create(struct socket *so, const struct tls_enable *en,
    int direction, struct ktls_session **out, const char **why)
{
	const struct tls_suite *suite;
	struct ktls_session *tls;
	int error;

	if ((error = ktls_check_params(en, &suite, why)) != 0)
		return (error);
	ktls_wq_start(so->so_vnet);
	if ((tls = ktls_session_alloc(so, direction)) == NULL) {
		*why = "no memory for the session";
		return (ENOMEM);
	}
	ktls_copy_params(tls, en, suite);
	*out = tls;
	return (0);
}

struct ktls_session *
ktls_session_clone(struct socket *so, const struct ktls_session *old)
{
	struct ktls_session *tls;

	if ((tls = ktls_session_alloc(so, old->direction)) == NULL)
		return (NULL);
	tls->params = old->params;
	/* Planted: copied before a writer, who had the lock, went on. */
	if (V_DEFECT(so->so_vnet, KTLS_SWITCH_NONCE))
		be64enc(tls->params.iv + 8, be64dec(tls->params.iv + 8) - 1);
	tls->params.cipher_key =
	    ktls_copy_key(old->params.cipher_key, old->params.cipher_key_len);
	tls->params.auth_key =
	    ktls_copy_key(old->params.auth_key, old->params.auth_key_len);
	tls->wq_index = old->wq_index;
	return (tls);
}

void
ktls_session_catch_up(struct ktls_session *tls, const struct ktls_session *old)
{
	if (!V_DEFECT(tls->vnet, KTLS_SWITCH_NONCE))
		memcpy(tls->params.iv, old->params.iv, sizeof(old->params.iv));
}

int
ktls_sw_try(struct ktls_session *tls)
{
	const struct tls_session_params *tp = &tls->params;
	struct tls_keys k = { .key = tp->cipher_key,
		.iv = tp->iv,
		.auth = tp->auth_key,
		.auth_len = tp->auth_key_len };

	/* As when the backends were modules: nobody took the session. */
	if (tls->vnet->v_crypto->cb_new == NULL)
		return (EOPNOTSUPP);
	if (!tls->tx && tls_suite_chained(tp->suite))
		return (EPROTONOSUPPORT);
	tls->crypt = tls_crypt_create(tls->vnet->v_crypto, tp->suite, &k,
	    tls->vnet->v_jobs->jp_slots);
	return (tls->crypt != NULL ? 0 : ENOMEM);
}

void
ktls_count(struct ktls_session *tls, int delta)
{
	tls->vnet->v_ktls->ks_stats
	    .mode_cipher[tls->mode][tls->params.suite->cipher] +=
	    (uint64_t)(int64_t)delta;
}

void
ktls_destroy(struct ktls_session *tls)
{
	struct vnet *vnet = tls->vnet;
	struct ktls_state *ks = vnet->v_ktls;

	/* Each batch that waits holds a reference. */
	KASSERT(STAILQ_EMPTY(&tls->pending_records),
	    ("ktls_destroy: batches wait"));
	TRACE(&vnet->v_tracer, tls_destroy, TU(tls->conn),
	    TS(tls->tx ? "tx" : "rx"));
	ks->ks_stats.active--;
	if (tls->mode != TCP_TLS_MODE_NONE)
		ktls_count(tls, -1);
	ktls_tag_release(tls);
	if (tls->tx &&
	    (tls->mode == TCP_TLS_MODE_IFNET ||
		tls->mode == TCP_TLS_MODE_TOE) &&
	    !V_DEFECT(vnet, KTLS_DISABLE_AGAIN))
		ktls_inp_xmit(tls, false);
	ktls_inp_detach(tls);
	ktls_toe_free(tls);
	tls_crypt_destroy(tls->crypt);
	ktls_free_key(tls->params.cipher_key, tls->params.cipher_key_len);
	ktls_free_key(tls->params.auth_key, tls->params.auth_key_len);
	explicit_bzero(tls->params.iv, sizeof(tls->params.iv));
	kzone_free(&ks->ks_session_zone, tls);
}

const char *
ktls_mode_name(int mode)
{
	static const char *const names[] = { "none", "sw", "ifnet", "toe" };

	return (mode >= 0 && mode < (int)nitems(names) ? names[mode] : "?");
}
