/* What the files of the HTTP applications share. */
#ifndef HTTP_PRIV_H
#define HTTP_PRIV_H

#include <stdlib.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/http.h>

#include "world_priv.h"

enum {
	ST_CONNECT,
	ST_HANDSHAKE,
	ST_REQUEST,
	ST_UPLOAD, /* only with a body of the client's */
	ST_HEADER,
	ST_BODY,
	ST_NOTIFY,
	ST_LINGER,
	ST_DONE
};

/* All of them: 0, EWOULDBLOCK (call again after the upcall), or the error. */

/* One step of the machine; *call names it for the report. */
int http_server_step(struct conn *, const char **call);
int http_client_step(struct conn *, const char **call);

/* Into c_buf, with the empty line. EMSGSIZE: longer than HTTP_HEAD_MAX. */
int http_read_header(struct conn *);
/*
 * The body of an answer, c_len bytes; 0: all. exactly: not a byte more is asked
 * for, the next answer may be behind it.
 */
int http_read_body(struct conn *, bool exactly);
/* c_buf becomes this text, which is freed. */
void http_set_buf(struct conn *, char *text);
int http_write_buf(struct conn *); /* what is left of it */
void http_set_file(struct conn *, struct vnode *, uint64_t off, uint64_t len);
int http_send_body(struct conn *); /* what is left of the file */

#endif
