/* Inside a synthetic endpoint: see synthetic.c. */
#ifndef SIM_USERLAND_SYNTH_H
#define SIM_USERLAND_SYNTH_H

#include "tls_int.h"

enum synth_state {
	SY_SEND_HELLO,	  /* client */
	SY_WAIT_HELLO,	  /* both */
	SY_WAIT_CCS,	  /* 1.2 */
	SY_WAIT_FINISHED, /* 1.3 */
	SY_FLUSH,	  /* the last flight is on its way out */
	SY_DONE
};

struct synth {
	enum synth_state sy_state;
	uint8_t sy_cr[32], sy_sr[32];
	bool sy_failed;
	bool sy_closing; /* close_notify is in sy_out, or gone */

	/* the flight or the record on its way out */
	uint8_t *sy_out;
	size_t sy_out_len, sy_out_off;
	size_t sy_pending;   /* plaintext bytes it stands for */
	uint64_t sy_records; /* of application data, sealed here */
	bool sy_cut;	     /* what is on its way is half a record */

	/* the record on its way in, and what is left of its plaintext */
	uint8_t sy_in[REC_MAX];
	size_t sy_in_len;
	uint8_t *sy_plain;
	size_t sy_plain_len;

	struct user_rec sy_tx, sy_rx;
	struct user_keys sy_txkeys, sy_rxkeys; /* application's */
};

#define SYNTH_OUT_MAX (REC_MAX + 64)

/* synth_msg.c: each appends records to sy_out. */
void synth_put_client_hello(struct tls_endpoint *);
void synth_put_server_hello(struct tls_endpoint *);
void synth_put_ccs(struct tls_endpoint *);
/* Encrypted handshake messages in one record, under sy_tx. */
bool synth_put_finished(struct tls_endpoint *);
/* A hello's body. False: text is set. */
bool synth_get_hello(struct tls_endpoint *, const uint8_t *rec, size_t len);
bool synth_get_finished(struct tls_endpoint *, const uint8_t *p, size_t len);
/*
 * Both randoms are known: secrets, key log, and the keys. 1.3: sy_tx and
 * sy_rx get the handshake keys.
 */
bool synth_secrets(struct tls_endpoint *);

#endif
