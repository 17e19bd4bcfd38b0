/*
 * The BIO under libssl. It moves bytes to and from the endpoint's transport,
 * and it answers the controls by which libssl offers its keys to a kernel:
 * the blob of Linux's linux/tls.h becomes FreeBSD's struct tls_enable.
 *
 * Once the kernel decrypts, a read returns one whole record: five header
 * bytes, made up, and the plaintext. Once it encrypts, a write is application
 * data unless the control "next is a control record" came before.
 */
#include <errno.h>
#include <string.h>

#include <linux/tls.h>

#include "tls_int.h"

/* Internal to OpenSSL, unchanged since 3.0; ssl_selftest sees them arrive. */
#define CTRL_SET_KTLS		    72
#define CTRL_GET_KTLS_SEND	    73
#define CTRL_SET_KTLS_TX_CTRL_MSG   74
#define CTRL_CLEAR_KTLS_TX_CTRL_MSG 75
#define CTRL_GET_KTLS_RECV	    76

static int
bio_error(BIO *b, struct tls_endpoint *ep, int error, int retry_flag)
{
	if (error == EWOULDBLOCK)
		BIO_set_flags(b, BIO_FLAGS_SHOULD_RETRY | retry_flag);
	else
		ep->ep_io_error = error;
	errno = error; /* libssl looks at it after a KTLS read */
	return (-1);
}

static int
bio_write(BIO *b, const char *p, int len)
{
	struct tls_endpoint *ep = BIO_get_data(b);
	size_t done = 0;
	int error;

	BIO_clear_retry_flags(b);
	/* libssl's keys are no longer the stream's: its last alert is lost. */
	if (ep->ep_tx_direct)
		return (len);
	error = ep->ep_io->io_send(ep->ep_io_arg, p, (size_t)len,
	    ep->ep_ctrl_type, &done);
	if (done == 0 && error == 0 && len > 0)
		error = EWOULDBLOCK;
	if (done == 0 && error != 0)
		return (bio_error(b, ep, error, BIO_FLAGS_WRITE));
	ep->ep_ctrl_type = 0;
	ep_tail_note(ep, (const uint8_t *)p, done);
	return ((int)done);
}

/* The record that the kernel decrypted, as if it were a plaintext one. */
static int
bio_read_record(BIO *b, struct tls_endpoint *ep, char *p, int len)
{
	struct tls_io_record ir = { false };
	size_t done = 0;
	int error;

	if (len < REC_HDR)
		return (bio_error(b, ep, EINVAL, 0));
	error = ep_recv(ep, p + REC_HDR, (size_t)len - REC_HDR, &done, &ir);
	if (error != 0)
		return (bio_error(b, ep, error, BIO_FLAGS_READ));
	if (!ir.ir_begins && done == 0) {
		ep->ep_eof = true;
		return (0);
	}
	if (!ir.ir_begins || done != ir.ir_len)
		return (bio_error(b, ep, EMSGSIZE, 0));
	p[0] = (char)ir.ir_type;
	p[1] = 3;
	p[2] = 3;
	p[3] = (char)(done >> 8);
	p[4] = (char)done;
	return ((int)done + REC_HDR);
}

static int
bio_read(BIO *b, char *p, int len)
{
	struct tls_endpoint *ep = BIO_get_data(b);
	struct tls_io_record ir = { false };
	size_t done = 0;
	int error;

	BIO_clear_retry_flags(b);
	if (ep->ep_feeding) {
		error = ep_feed_read(ep, p, (size_t)len, &done);
		return (error != 0 ? bio_error(b, ep, error, BIO_FLAGS_READ)
				   : (int)done);
	}
	if (ep->ep_rx_kernel)
		return (bio_read_record(b, ep, p, len));
	error = ep->ep_io->io_recv(ep->ep_io_arg, p, (size_t)len, &done, &ir);
	if (error != 0)
		return (bio_error(b, ep, error, BIO_FLAGS_READ));
	if (done == 0)
		ep->ep_eof = true;
	return ((int)done);
}

/* From libssl's blob; false: nothing the kernel has a name for. */
static bool
blob_keys(const void *ptr, struct user_keys *uk, const uint8_t **seq,
    const char **name)
{
	const struct tls_crypto_info *ci = ptr;
	const struct tls12_crypto_info_aes_gcm_128 *g1 = ptr;
	const struct tls12_crypto_info_aes_gcm_256 *g2 = ptr;
	const struct tls12_crypto_info_chacha20_poly1305 *cc = ptr;

	switch (ci->cipher_type) {
	case TLS_CIPHER_AES_GCM_128:
		*name = "aes128-gcm";
		memcpy(uk->uk_key, g1->key, sizeof(g1->key));
		memcpy(uk->uk_iv, g1->salt, 4);
		memcpy(uk->uk_iv + 4, g1->iv, 8);
		*seq = g1->rec_seq;
		return (true);
	case TLS_CIPHER_AES_GCM_256:
		*name = "aes256-gcm";
		memcpy(uk->uk_key, g2->key, sizeof(g2->key));
		memcpy(uk->uk_iv, g2->salt, 4);
		memcpy(uk->uk_iv + 4, g2->iv, 8);
		*seq = g2->rec_seq;
		return (true);
	case TLS_CIPHER_CHACHA20_POLY1305:
		*name = "chacha20-poly1305";
		memcpy(uk->uk_key, cc->key, sizeof(cc->key));
		memcpy(uk->uk_iv, cc->iv, 12);
		*seq = cc->rec_seq;
		return (true);
	default:
		return (false);
	}
}

static long
bio_set_ktls(struct tls_endpoint *ep, bool tx, const void *ptr)
{
	const struct tls_crypto_info *ci = ptr;
	const struct user_suite *us;
	struct tls_enable en;
	struct user_keys uk;
	const uint8_t *seq;
	const char *name;
	bool ok;

	*(tx ? &ep->ep_offered_tx : &ep->ep_offered_rx) = true;
	if ((tx ? ep->ep_p.tp_tx : ep->ep_p.tp_rx) != TLS_PLACE_KERNEL)
		return (0);
	if (!blob_keys(ptr, &uk, &seq, &name) ||
	    (us = user_suite_find(name,
		 ci->version == TLS_1_3_VERSION ? 13 : 12)) == NULL) {
		ep_note(ep, tx, "libssl offered keys of an unknown kind",
		    EPROTONOSUPPORT);
		return (0);
	}
	user_enable(us, &uk, 0, &en);
	memcpy(en.rec_seq, seq, sizeof(en.rec_seq));
	ok = ep_enable(ep, tx, &en);
	OPENSSL_cleanse(&uk, sizeof(uk));
	return (ok);
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct tls_endpoint *ep = BIO_get_data(b);

	switch (cmd) {
	case CTRL_SET_KTLS:
		return (bio_set_ktls(ep, num != 0, ptr));
	case CTRL_GET_KTLS_SEND:
		return (ep->ep_tx_kernel);
	case CTRL_GET_KTLS_RECV:
		return (ep->ep_rx_kernel && !ep->ep_feeding);
	case CTRL_SET_KTLS_TX_CTRL_MSG:
		ep->ep_ctrl_type = (uint8_t)num;
		return (0);
	case CTRL_CLEAR_KTLS_TX_CTRL_MSG:
		ep->ep_ctrl_type = 0;
		return (0);
	case BIO_CTRL_EOF:
		return (ep->ep_eof);
	case BIO_CTRL_FLUSH:
		return (1);
	default:
		return (0);
	}
}

static int
bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return (1);
}

BIO_METHOD *
ktls_bio_method(void)
{
	BIO_METHOD *bm;

	bm = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK |
		BIO_TYPE_DESCRIPTOR,
	    "simulated socket");
	if (bm == NULL)
		return (NULL);
	BIO_meth_set_create(bm, bio_create);
	BIO_meth_set_write(bm, bio_write);
	BIO_meth_set_read(bm, bio_read);
	BIO_meth_set_ctrl(bm, bio_ctrl);
	return (bm);
}
