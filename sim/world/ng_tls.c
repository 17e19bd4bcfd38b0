/*
 * A comparison, not FreeBSD's: the architecture that was the alternative when
 * kernel TLS was discussed. A node of a netgraph-style kernel stands between the
 * application and its TCP socket and puts the stream into TLS records. It is no
 * part of the socket layer:
 *
 * - what the application writes is copied into the node's queue, and encrypted
 *   from there into new buffers, which the socket gets as they are (as
 *   ng_ksocket(4) hands mbufs to sosend);
 * - a thread of its own does the work and is woken for it, for what comes, too;
 * - there is no sendfile, and no card that encrypts: the socket buffer has no
 *   session, and the pages are not the file's.
 *
 * Cryptography takes the time that a worker of kernel TLS takes. Records are
 * made by the connection's endpoint, so that the oracle judges them as all
 * others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world_priv.h"

#define QUEUE_MAX  65536u /* bytes, each way */
#define RECORD_MAX 16384u

enum ng_job { JOB_NONE, JOB_ENCRYPT, JOB_DECRYPT };

struct ng_tls {
	struct conn *n_conn;
	struct sim_event n_thread;
	bool n_awake;
	enum ng_job n_job;
	bool n_receives_next; /* the directions take turns */
	/* to the socket */
	uint8_t n_in[QUEUE_MAX];
	size_t n_in_len;
	uint8_t n_rec[RECORD_MAX];
	size_t n_rec_len, n_rec_off;
	bool n_encrypted; /* n_rec is */
	uint32_t n_from;  /* of the stream: where this record begins */
	bool n_writer_waits;
	int n_out_error;
	/* from the socket */
	uint8_t n_read[QUEUE_MAX];
	size_t n_read_len, n_read_off, n_read_new;
	bool n_read_eof;
	int n_read_error;
	struct ng_tls_stats n_stats;
};

static simtime_t
crypto_time(struct ng_tls *n, size_t len)
{
	const struct app *a = n->n_conn->c_app;
	const char *suite = sc_suite_names[a->a_sc->tls.suite];
	enum tls_cipher cipher = strstr(suite, "gcm") != NULL ? TLS_CIPHER_GCM
	    : strstr(suite, "cbc") != NULL		      ? TLS_CIPHER_CBC
					   : TLS_CIPHER_CHACHA20;
	simtime_t t = ktls_record_time(a->a_host->h_vnet, cipher, len);

	n->n_stats.ns_time += t;
	return (t);
}

static void
work(struct ng_tls *n, enum ng_job job, size_t len)
{
	n->n_job = job;
	timebase_post_in(n->n_conn->c_app->a_world->w_tb, &n->n_thread,
	    crypto_time(n, len));
}

static void
wake(struct ng_tls *n)
{
	const struct app *a = n->n_conn->c_app;

	if (n->n_awake)
		return;
	n->n_awake = true;
	n->n_stats.ns_wakeups++;
	timebase_post_in(a->a_world->w_tb, &n->n_thread,
	    ktls_wakeup_time(a->a_host->h_vnet));
}

/* --- to the socket --- */

/* A record's worth of the queue, into a buffer of its own. True: there is work
 * to do. */
static bool
encrypt_next(struct ng_tls *n)
{
	if (n->n_rec_len > 0 || n->n_in_len == 0 || n->n_out_error != 0)
		return (false);
	n->n_rec_len = MIN(n->n_in_len, (size_t)RECORD_MAX);
	n->n_rec_off = 0;
	memcpy(n->n_rec, n->n_in, n->n_rec_len);
	n->n_stats.ns_copied += n->n_rec_len;
	n->n_in_len -= n->n_rec_len;
	memmove(n->n_in, n->n_in + n->n_rec_len, n->n_in_len);
	n->n_from = conn_stream_end(n->n_conn);
	work(n, JOB_ENCRYPT, n->n_rec_len);
	return (true);
}

/* The record goes into the socket, if that has room: its upcall says so. */
static void
push(struct ng_tls *n)
{
	struct conn *c = n->n_conn;
	size_t done = 0;
	int error;

	if (!n->n_encrypted)
		return;
	error = tls_endpoint_write(c->c_ep, n->n_rec + n->n_rec_off,
	    n->n_rec_len - n->n_rec_off, &done);
	n->n_rec_off += done;
	if (error != 0 && error != EWOULDBLOCK)
		n->n_out_error = error;
	if (n->n_rec_off == n->n_rec_len) {
		conn_wrote(c, n->n_rec_len, n->n_from, "node");
		n->n_stats.ns_records++;
		n->n_rec_len = 0;
		n->n_encrypted = false;
	}
	if (n->n_writer_waits && (n->n_rec_len == 0 || n->n_out_error != 0)) {
		n->n_writer_waits = false;
		conn_post(c, 0);
	}
}

int
ng_tls_write(struct ng_tls *n, const void *buf, size_t len, size_t *done)
{
	*done = MIN(len, QUEUE_MAX - n->n_in_len);
	if (n->n_out_error != 0) {
		*done = 0;
		return (n->n_out_error);
	}
	memcpy(n->n_in + n->n_in_len, buf, *done);
	n->n_in_len += *done;
	n->n_stats.ns_copied += *done;
	if (*done > 0)
		wake(n);
	n->n_writer_waits = *done < len;
	return (*done < len ? EWOULDBLOCK : 0);
}

int
ng_tls_drained(struct ng_tls *n)
{
	if (n->n_out_error != 0)
		return (n->n_out_error);
	n->n_writer_waits = n->n_in_len + n->n_rec_len > 0;
	return (n->n_writer_waits ? EWOULDBLOCK : 0);
}

/* --- from the socket --- */

static bool
decrypt_next(struct ng_tls *n)
{
	size_t done = 0;
	int error;

	if (n->n_read_eof || n->n_read_error != 0 || n->n_read_len > 0)
		return (false);
	n->n_read_off = 0;
	error = tls_endpoint_read(n->n_conn->c_ep, n->n_read, QUEUE_MAX, &done);
	n->n_read_new = done;
	if (done > 0) {
		work(n, JOB_DECRYPT, done);
		return (true);
	}
	if (error == EWOULDBLOCK)
		return (false);
	n->n_read_error = error;
	n->n_read_eof = error == 0;
	conn_post(n->n_conn, 0);
	return (false);
}

int
ng_tls_read(struct ng_tls *n, void *buf, size_t len, size_t *done)
{
	*done = MIN(len, n->n_read_len);
	memcpy(buf, n->n_read + n->n_read_off, *done);
	n->n_read_off += *done;
	n->n_read_len -= *done;
	if (*done > 0) {
		if (n->n_read_len == 0)
			wake(n);
		return (0);
	}
	return (n->n_read_error != 0 ? n->n_read_error
		: n->n_read_eof	     ? 0
				     : EWOULDBLOCK);
}

/* --- the thread --- */

static void
thread(void *arg)
{
	struct ng_tls *n = arg;
	bool busy;

	if (n->n_job == JOB_ENCRYPT)
		n->n_encrypted = true;
	if (n->n_job == JOB_DECRYPT) {
		n->n_read_len += n->n_read_new;
		conn_post(n->n_conn, 0);
	}
	n->n_job = JOB_NONE;
	push(n);
	n->n_receives_next = !n->n_receives_next;
	busy = n->n_receives_next ? decrypt_next(n) || encrypt_next(n)
				  : encrypt_next(n) || decrypt_next(n);
	n->n_awake = busy;
}

void
ng_tls_upcall(struct ng_tls *n)
{
	wake(n);
}

/* --- */

struct ng_tls *
ng_tls_create(struct conn *c)
{
	struct ng_tls *n = xcalloc(1, sizeof(*n));

	n->n_conn = c;
	sim_event_init(&n->n_thread, EV_TASK, "ng_tls", thread, n);
	wake(n); /* what came behind the handshake */
	return (n);
}

void
ng_tls_stop(struct ng_tls *n)
{
	if (n == NULL)
		return;
	timebase_cancel(n->n_conn->c_app->a_world->w_tb, &n->n_thread);
	n->n_awake = true; /* for ever */
}

void
ng_tls_destroy(struct ng_tls *n)
{
	free(n);
}

void
ng_tls_stats(const struct ng_tls *n, struct ng_tls_stats *ns)
{
	*ns = n->n_stats;
}
