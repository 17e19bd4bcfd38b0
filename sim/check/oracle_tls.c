/*
 * Records and handshake messages of one direction: who the client is, which
 * suite was agreed, when keys change, and whether every record opens. RFC
 * 5246 sections 6 and 7, RFC 8446 sections 4 and 5.
 *
 * A direction's state is small: not yet encrypted; encrypted under handshake
 * keys (1.3 only, until its Finished); encrypted under traffic keys.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_int.h"

#define RT_CCS		       20
#define RT_ALERT	       21
#define RT_HANDSHAKE	       22
#define RT_APP		       23

#define HT_CLIENT_HELLO	       1
#define HT_SERVER_HELLO	       2
#define HT_FINISHED	       20
#define HT_KEY_UPDATE	       24
#define EXT_SUPPORTED_VERSIONS 43

#define HS_MAX		       (1u << 20)
#define RPC_FRAGMENT_MAX       (1u << 24) /* of those in front of TLS */
#define NEIGHBOURS	       8

static struct odir *
other(struct odir *d)
{
	return (&d->conn->dir[d == &d->conn->dir[0]]);
}

/* --- handshake messages --- */

/* The version that a ServerHello's extensions (e, n bytes) select. */
static int
hello_version(const uint8_t *e, size_t n)
{
	size_t len;

	if (n < 2)
		return (12);
	n = n - 2 < rd16(e) ? n - 2 : rd16(e);
	for (e += 2; n >= 4; e += len, n -= len) {
		len = 4 + rd16(e + 2);
		if (len > n)
			break;
		if (rd16(e) == EXT_SUPPORTED_VERSIONS && len == 6)
			return (rd16(e + 4) == 0x0304 ? 13 : 0);
	}
	return (12);
}

static bool
is_retry_request(const uint8_t random[32])
{
	static const uint8_t magic[8] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a,
		0x61, 0x11 };

	return (memcmp(random, magic, sizeof(magic)) == 0);
}

static void
agree(struct oconn *oc)
{
	oc->suite = osuite_find(oc->suite_id, oc->version);
	for (int i = 0; i < 2; i++) {
		struct oracle_dir *od = &oc->dir[i].od;

		od->od_tls = oc->version;
		if (oc->suite != NULL)
			snprintf(od->od_suite, sizeof(od->od_suite), "%s",
			    oc->suite->os_name);
		else
			snprintf(od->od_suite, sizeof(od->od_suite), "0x%04x",
			    oc->suite_id);
		if (oc->version == 13)
			oc->dir[i].encrypted = true;
	}
}

static void
server_hello(struct odir *d, const uint8_t *m, size_t n)
{
	struct oconn *oc = d->conn;
	size_t sid;

	if (n < 35 || (sid = m[34], n < 38 + sid) || oc->have_sr ||
	    is_retry_request(m + 2))
		return;
	memcpy(oc->server_random, m + 2, 32);
	oc->have_sr = true;
	oc->suite_id = rd16(m + 35 + sid);
	oc->version = hello_version(m + 38 + sid, n - 38 - sid);
	if (oc->version == 12 && rd16(m) != 0x0303)
		oc->version = rd16(m) == 0x0302 ? 11 : 10;
	agree(oc);
}

static void
handshake_message(struct odir *d, unsigned type, const uint8_t *m, size_t n)
{
	struct oconn *oc = d->conn;

	if (type == HT_CLIENT_HELLO && d->client && n >= 34) {
		memcpy(oc->client_random, m + 2, 32);
		oc->have_cr = true;
	} else if (type == HT_SERVER_HELLO && !d->client && !d->encrypted)
		server_hello(d, m, n);
	else if (type == HT_FINISHED && oc->version == 13 && !d->finished) {
		d->finished = true;
		okey_reset(&d->key); /* the next record needs the new one */
	} else if (type == HT_KEY_UPDATE && oc->version == 13 && d->finished)
		(void)okey_next13(&d->key);
}

static void
handshake_bytes(struct odir *d, const uint8_t *p, size_t n)
{
	size_t off = 0, len;

	if (d->hs_len + n > HS_MAX)
		return;
	if (d->hs_len + n > d->hs_size) {
		d->hs_size = 2 * (d->hs_len + n);
		d->hs = oracle_realloc(d->hs, d->hs_size);
	}
	memcpy(d->hs + d->hs_len, p, n);
	d->hs_len += n;
	while (d->hs_len - off >= 4) {
		len = (rd32(d->hs + off) & 0xffffff) + 4;
		if (d->hs_len - off < len)
			break;
		handshake_message(d, d->hs[off], d->hs + off + 4, len - 4);
		off += len;
	}
	d->hs_len -= off;
	memmove(d->hs, d->hs + off, d->hs_len);
}

/* --- keys --- */

static bool
find_key13(struct odir *d)
{
	static const char *const label[2][2] = {
		{ "SERVER_HANDSHAKE_TRAFFIC_SECRET",
		    "SERVER_TRAFFIC_SECRET_0" },
		{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
		    "CLIENT_TRAFFIC_SECRET_0" },
	};
	struct oconn *oc = d->conn;
	uint8_t secret[48];

	return (okeylog_find(oc->ro->keylog, label[d->client][d->finished],
		    oc->client_random,
		    secret) == (size_t)EVP_MD_get_size(osuite_md(oc->suite)) &&
	    okey_from_secret13(&d->key, oc->suite, secret));
}

static bool
find_key12(struct odir *d)
{
	struct oconn *oc = d->conn;
	uint8_t master[48];

	return (okeylog_find(oc->ro->keylog, "CLIENT_RANDOM", oc->client_random,
		    master) == sizeof(master) &&
	    okey_from_master12(&d->key, oc->suite, master, oc->client_random,
		oc->server_random, d->client));
}

/* Looked up when the first record needs it: lines come as libssl learns. */
static bool
have_key(struct odir *d)
{
	struct oconn *oc = d->conn;

	if (d->key.ok_ctx != NULL)
		return (true);
	if (oc->suite == NULL || !oc->have_cr || !oc->have_sr)
		return (false);
	return (oc->version == 13 ? find_key13(d) : find_key12(d));
}

/* --- records --- */

static void
say_record(struct odir *d, int invariant, const uint8_t *rec, size_t len,
    const char *what)
{
	oracle_say(d, invariant == 3 ? SAID_NONCE : SAID_RECORD, invariant,
	    d->rec_frame,
	    "record %" PRIu64 " (type %u, %zu bytes, at stream "
	    "offset %" PRIu64 ") %s",
	    d->key.ok_seq, rec[0], len, d->pos, what);
}

/*
 * It did not open with its own number. With an earlier one: that nonce has
 * served twice. With a later one: numbers were left out.
 */
static int
open_neighbour(struct odir *d, const uint8_t *rec, size_t len, uint8_t *out)
{
	uint64_t seq = d->key.ok_seq;
	char what[96];
	int n;

	for (uint64_t i = 1; i <= NEIGHBOURS; i++) {
		if (i <= seq &&
		    (n = okey_open(&d->key, rec, len, seq - i, out)) >= 0) {
			snprintf(what, sizeof(what),
			    "was encrypted with "
			    "record number %" PRIu64 " again",
			    seq - i);
			say_record(d, 3, rec, len, what);
			d->key.ok_seq = seq - i;
			return (n);
		}
		if ((n = okey_open(&d->key, rec, len, seq + i, out)) >= 0) {
			snprintf(what, sizeof(what),
			    "was encrypted with "
			    "record number %" PRIu64,
			    seq + i);
			say_record(d, 2, rec, len, what);
			d->key.ok_seq = seq + i;
			return (n);
		}
	}
	return (-1);
}

static int
open_record(struct odir *d, const uint8_t *rec, size_t len)
{
	uint8_t *out = d->conn->ro->scratch;
	int n;

	if (!have_key(d)) {
		say_record(d, 2, rec, len,
		    d->conn->suite == NULL
			? "belongs to a suite the oracle cannot open"
			: "has no secret in the key log");
		return (-1);
	}
	n = okey_open(&d->key, rec, len, d->key.ok_seq, out);
	if (n < 0)
		n = open_neighbour(d, rec, len, out);
	if (n < 0)
		say_record(d, 2, rec, len, "does not open with its key");
	else if (d->conn->version == 12 && d->conn->suite->os_aead == OA_GCM &&
	    !oset_add(&d->key.ok_nonces, rd64(rec + 5)))
		say_record(d, 3, rec, len,
		    "carries an explicit nonce that "
		    "was used before");
	if (d->conn->suite->os_aead == OA_CBC &&
	    !ocbc_passed(&d->key, rec, len))
		say_record(d, 3, rec, len,
		    "carries an explicit IV that was used before");
	d->key.ok_seq++;
	return (n);
}

static void
content(struct odir *d, unsigned type, const uint8_t *p, size_t n)
{
	d->od.od_records++;
	if (type == RT_APP) {
		d->od.od_app_records++;
		d->od.od_app_bytes += n;
		if (!d->conn->ro->no_digest)
			EVP_DigestUpdate(d->sha, p, n);
	} else if (type == RT_HANDSHAKE && d->conn->version == 13)
		handshake_bytes(d, p, n);
}

static void
record13(struct odir *d, const uint8_t *rec, size_t len)
{
	const uint8_t *p = d->conn->ro->scratch;
	int n;

	if (rec[0] == RT_CCS && len == 6 && !d->finished)
		return; /* middlebox compatibility */
	if (rec[0] == RT_ALERT && len == 7 && !d->finished && d->client)
		return; /* it may have no keys yet */
	if (rec[0] != RT_APP) {
		say_record(d, 2, rec, len, "is not encrypted");
		return;
	}
	n = open_record(d, rec, len);
	if (n < 0)
		return;
	while (n > 0 && p[n - 1] == 0)
		n--;
	if (n == 0)
		say_record(d, 2, rec, len, "has no content type inside");
	else
		content(d, p[n - 1], p, (size_t)n - 1);
}

static void
record12(struct odir *d, const uint8_t *rec, size_t len)
{
	int n;

	n = open_record(d, rec, len);
	if (n >= 0)
		content(d, rec[0], d->conn->ro->scratch, (size_t)n);
}

static void
record_plain(struct odir *d, const uint8_t *rec, size_t len)
{
	if (rec[0] == RT_HANDSHAKE)
		handshake_bytes(d, rec + 5, len - 5);
	else if (rec[0] == RT_CCS && d->conn->version >= 10 &&
	    d->conn->version <= 12)
		d->encrypted = true;
	else if (rec[0] == RT_APP)
		say_record(d, 2, rec, len,
		    "is application data before any key");
}

/* TLS 1.0 says 3.1; 1.3 says what 1.2 does. */
static unsigned
wire_minor(int version)
{
	return (version >= 12 ? 3 : (unsigned)version - 9);
}

static bool
header_ok(const struct odir *d, const uint8_t *rec)
{
	if (rec[0] < RT_CCS || rec[0] > RT_APP || rec[1] != 3 || rec[2] > 3 ||
	    rd16(rec + 3) > 16384 + 2048)
		return (false);
	return (!d->encrypted || rec[2] == wire_minor(d->conn->version));
}

static void
one_record(struct odir *d, const uint8_t *rec, size_t len)
{
	if (!d->encrypted)
		record_plain(d, rec, len);
	else if (d->conn->version == 13)
		record13(d, rec, len);
	else
		record12(d, rec, len);
}

/*
 * RPC in clear may stand in front of TLS (RFC 9289): whole fragments (RFC 5531
 * section 11), whose mark begins with 0x80 or, for one that is not the last, 0.
 * No TLS record begins so. False: the rest of one is still to come.
 */
static bool
skip_rpc(struct odir *d)
{
	const uint8_t *p;
	uint64_t len;

	while (!d->begun && d->st.st_next - d->pos >= 4) {
		p = ostream_at(&d->st, d->pos);
		len = 4 + (uint64_t)(rd32(p) & 0x7fffffff);
		if ((p[0] != 0x80 && p[0] != 0) || len > RPC_FRAGMENT_MAX)
			return (true);
		if (d->st.st_next - d->pos < len)
			return (false);
		d->pos += len;
	}
	return (d->begun || d->st.st_next - d->pos >= 4);
}

static void
run_records(struct odir *d)
{
	const uint8_t *rec;
	size_t len;

	if (!skip_rpc(d))
		return;
	d->begun = true;
	while (!d->dead && d->st.st_next - d->pos >= 5) {
		rec = ostream_at(&d->st, d->pos);
		if (d->rec_frame == 0)
			d->rec_frame = d->conn->ro->frame;
		if (!header_ok(d, rec)) {
			oracle_say(d, SAID_RECORD, 2, d->rec_frame,
			    "bytes at stream offset %" PRIu64 " are no TLS "
			    "record: %02x %02x %02x %02x %02x",
			    d->pos, rec[0], rec[1], rec[2], rec[3], rec[4]);
			d->dead = true;
			return;
		}
		len = 5 + rd16(rec + 3);
		if (d->st.st_next - d->pos < len)
			return;
		one_record(d, rec, len);
		d->pos += len;
		d->rec_frame = 0;
	}
}

static void
decide(struct odir *d)
{
	const uint8_t *p;

	if (!skip_rpc(d) || d->st.st_next - d->pos < 6)
		return;
	p = ostream_at(&d->st, d->pos);
	d->conn->kind = OC_PLAIN;
	if (p[0] != RT_HANDSHAKE || p[1] != 3 || p[5] != HT_CLIENT_HELLO)
		return;
	d->conn->kind = OC_TLS;
	d->client = true;
	d->sha = EVP_MD_CTX_new();
	other(d)->sha = EVP_MD_CTX_new();
	EVP_DigestInit_ex(d->sha, EVP_sha256(), NULL);
	EVP_DigestInit_ex(other(d)->sha, EVP_sha256(), NULL);
}

void
otls_run(struct odir *d)
{
	if (d->conn->kind == OC_UNKNOWN)
		decide(d);
	if (d->conn->kind == OC_TLS)
		run_records(d);
	else if (d->conn->kind == OC_PLAIN)
		d->pos = d->st.st_next;
}

void
otls_fini(struct odir *d)
{
	okey_reset(&d->key);
	EVP_MD_CTX_free(d->sha);
	free(d->hs);
	d->sha = NULL;
	d->hs = NULL;
}
