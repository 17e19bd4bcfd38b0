/*
 * The certificate of all simulated servers: ECDSA P-256, self-signed, valid
 * from 2000 to 2099, made once for this file. The key protects nothing.
 */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tls_int.h"

static const char pem_cert[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBhDCCASmgAwIBAgIBATAKBggqhkjOPQQDAjA5MRMwEQYDVQQDDApzZXJ2ZXIu\n"
    "c2ltMSIwIAYDVQQKDBlrdGxzLXNpbSB0ZXN0IGNlcnRpZmljYXRlMCAXDTAwMDEw\n"
    "MTAwMDAwMFoYDzIwOTkxMjMxMjM1OTU5WjA5MRMwEQYDVQQDDApzZXJ2ZXIuc2lt\n"
    "MSIwIAYDVQQKDBlrdGxzLXNpbSB0ZXN0IGNlcnRpZmljYXRlMFkwEwYHKoZIzj0C\n"
    "AQYIKoZIzj0DAQcDQgAEI/0uHXL+5a5ZSs3oHS4DcVPkbBCNrLvJag4QPvY1n1FB\n"
    "CG7Mynmo2x5scS9QIpmpgLMHyrsyCRnIcY/uPvxpQqMgMB4wHAYDVR0RBBUwE4IK\n"
    "c2VydmVyLnNpbYIFKi5zaW0wCgYIKoZIzj0EAwIDSQAwRgIhAOay6EsJdih3uNUZ\n"
    "C/CebflfbeAbdlFyTZ+9RepJ5Zv5AiEAiPWpRTGu/Q0SdsppCPUbkELNyj/h5i0I\n"
    "JG79O9qrDYY=\n"
    "-----END CERTIFICATE-----\n";

static const char pem_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRzd6G00+Df6zBmEm\n"
    "WySIS2ajeA/kVasb4nkvJ9YYjjqhRANCAAQj/S4dcv7lrllKzegdLgNxU+RsEI2s\n"
    "u8lqDhA+9jWfUUEIbszKeajbHmxxL1AimamAswfKuzIJGchxj+4+/GlC\n"
    "-----END PRIVATE KEY-----\n";

const char *
tls_userland_cert(void)
{
	return (pem_cert);
}

static X509 *
load_cert(void)
{
	BIO *bio = BIO_new_mem_buf(pem_cert, -1);
	X509 *x;

	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return (x);
}

static EVP_PKEY *
load_key(void)
{
	BIO *bio = BIO_new_mem_buf(pem_key, -1);
	EVP_PKEY *key;

	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return (key);
}

bool
ssl_cert_use(SSL_CTX *ctx)
{
	EVP_PKEY *key = load_key();
	X509 *x = load_cert();
	bool ok;

	ok = key != NULL && x != NULL && SSL_CTX_use_certificate(ctx, x) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1;
	X509_free(x);
	EVP_PKEY_free(key);
	return (ok);
}
