/*
 * What a user could run instead, on the same machine in the same minute:
 *   raw MIB       AES-128-GCM, encrypt and decrypt, 16 KiB records
 *   raw2 MIB      the same by two threads, half of it each
 *   biopair MIB   TLS 1.3 client and server joined by a BIO pair, one thread
 *   loopback MIB  TLS 1.3 over TCP through 127.0.0.1, a thread for each end
 * Prints wall seconds and CPU seconds of all threads, handshakes included.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define REC 16384

static _Thread_local unsigned char buf[REC], out[REC];

static double
seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static void
die(const char *what)
{
	fprintf(stderr, "bench_openssl: %s failed\n", what);
	exit(1);
}

static void
raw(long records)
{
	EVP_CIPHER_CTX *e = EVP_CIPHER_CTX_new(), *d = EVP_CIPHER_CTX_new();
	unsigned char key[16] = "benchmark key", iv[12] = { 0 }, tag[16];
	unsigned char aad[13] = { 0 };
	int n;

	EVP_EncryptInit_ex(e, EVP_aes_128_gcm(), NULL, key, NULL);
	EVP_DecryptInit_ex(d, EVP_aes_128_gcm(), NULL, key, NULL);
	for (long i = 0; i < records; i++) {
		memcpy(iv, &i, sizeof(i));
		EVP_EncryptInit_ex(e, NULL, NULL, NULL, iv);
		EVP_EncryptUpdate(e, NULL, &n, aad, sizeof(aad));
		EVP_EncryptUpdate(e, out, &n, buf, REC);
		EVP_EncryptFinal_ex(e, out + n, &n);
		EVP_CIPHER_CTX_ctrl(e, EVP_CTRL_AEAD_GET_TAG, 16, tag);
		EVP_DecryptInit_ex(d, NULL, NULL, NULL, iv);
		EVP_DecryptUpdate(d, NULL, &n, aad, sizeof(aad));
		EVP_DecryptUpdate(d, buf, &n, out, REC);
		EVP_CIPHER_CTX_ctrl(d, EVP_CTRL_AEAD_SET_TAG, 16, tag);
		if (EVP_DecryptFinal_ex(d, buf + n, &n) != 1)
			die("decryption");
	}
	EVP_CIPHER_CTX_free(e);
	EVP_CIPHER_CTX_free(d);
}

static void *
raw_thread(void *arg)
{
	raw(*(const long *)arg);
	return (NULL);
}

static void
raw2(long records)
{
	long half = records / 2;
	pthread_t t;

	if (pthread_create(&t, NULL, raw_thread, &half) != 0)
		die("thread");
	raw(records - half);
	pthread_join(t, NULL);
}

static SSL_CTX *
server_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	if (X509_sign(x, key, EVP_sha256()) == 0 ||
	    SSL_CTX_use_certificate(ctx, x) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		die("certificate");
	X509_free(x);
	EVP_PKEY_free(key);
	return (ctx);
}

static void
biopair(long records)
{
	SSL_CTX *sc = server_ctx(), *cc = SSL_CTX_new(TLS_client_method());
	SSL *s = SSL_new(sc), *c = SSL_new(cc);
	BIO *sb, *cb;
	int done = 0;

	SSL_CTX_set_ciphersuites(sc, "TLS_AES_128_GCM_SHA256");
	if (BIO_new_bio_pair(&sb, 128 * 1024, &cb, 128 * 1024) != 1)
		die("BIO pair");
	SSL_set_bio(s, sb, sb);
	SSL_set_bio(c, cb, cb);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	for (int i = 0; i < 20 && !done; i++) {
		done = SSL_do_handshake(c) == 1;
		done = SSL_do_handshake(s) == 1 && done;
	}
	if (!done)
		die("handshake");
	for (long i = 0; i < records; i++) {
		if (SSL_write(s, buf, REC) != REC)
			die("SSL_write");
		for (int got = 0, n; got < REC; got += n)
			if ((n = SSL_read(c, out, REC)) <= 0)
				die("SSL_read");
	}
	SSL_free(s);
	SSL_free(c);
	SSL_CTX_free(sc);
	SSL_CTX_free(cc);
}

struct sender {
	int listener;
	long records;
};

static void *
loopback_send(void *arg)
{
	struct sender *sd = arg;
	SSL_CTX *ctx = server_ctx();
	SSL *s = SSL_new(ctx);
	int fd = accept(sd->listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	SSL_set_fd(s, fd);
	if (SSL_accept(s) != 1)
		die("SSL_accept");
	for (long i = 0; i < sd->records; i++)
		if (SSL_write(s, buf, REC) != REC)
			die("SSL_write");
	SSL_shutdown(s);
	SSL_free(s);
	SSL_CTX_free(ctx);
	close(fd);
	return (NULL);
}

static void
loopback(long records)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *c = SSL_new(ctx);
	struct sender sd = { socket(AF_INET, SOCK_STREAM, 0), records };
	int fd = socket(AF_INET, SOCK_STREAM, 0), n;
	pthread_t t;
	long long got = 0;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(sd.listener, (struct sockaddr *)&sin, len) != 0 ||
	    listen(sd.listener, 1) != 0 ||
	    getsockname(sd.listener, (struct sockaddr *)&sin, &len) != 0 ||
	    pthread_create(&t, NULL, loopback_send, &sd) != 0 ||
	    connect(fd, (struct sockaddr *)&sin, len) != 0)
		die("loopback");
	SSL_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256");
	SSL_set_fd(c, fd);
	if (SSL_connect(c) != 1)
		die("SSL_connect");
	while ((n = SSL_read(c, out, REC)) > 0)
		got += n;
	if (got != (long long)records * REC)
		die("SSL_read");
	pthread_join(t, NULL);
	SSL_free(c);
	SSL_CTX_free(ctx);
	close(fd);
	close(sd.listener);
}

static const struct {
	const char *name;
	void (*run)(long records);
} kinds[] = {
	{ "raw", raw },
	{ "raw2", raw2 },
	{ "biopair", biopair },
	{ "loopback", loopback },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

int
main(int argc, char **argv)
{
	double wall, cpu;
	long records;
	size_t k = 0;

	while (argc == 3 && k < NKINDS && strcmp(argv[1], kinds[k].name) != 0)
		k++;
	if (argc != 3 || k == NKINDS || (records = atol(argv[2]) * 64) <= 0) {
		fprintf(stderr,
		    "usage: bench_openssl raw|raw2|biopair|loopback MIB\n");
		return (2);
	}
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	kinds[k].run(records);
	printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - wall,
	    seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	return (0);
}
