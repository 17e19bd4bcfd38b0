/*
 * The acceptance list of kernel TLS: FreeBSD's ktls_test.c restated as one
 * table of cases (freebsd-ktls.md section 10) over libktlssim, judged by
 * libcrypto alone. The suites and their sizes are written down here a second
 * time: nothing is taken from the kernel under test.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>

#include <ktlssim.h>

#include "support/reftls.h"

/* Sets of suites, as section 10.1 names them. */
enum accept_set {
	SET_A = 1,    /* CBC of TLS 1.0 */
	SET_B = 2,    /* other CBC */
	SET_G12 = 4,  /* AES-GCM, TLS 1.2 */
	SET_G13 = 8,  /* AES-GCM, TLS 1.3 */
	SET_C12 = 16, /* ChaCha20-Poly1305, TLS 1.2 */
	SET_C13 = 32,
	SET_CBC = SET_A | SET_B,
	SET_C = SET_C12 | SET_C13,
	SET_T13 = SET_G13 | SET_C13,
	SET_RX = SET_B | SET_G12 | SET_G13 | SET_C,
	SET_ALL = SET_A | SET_RX
};

struct accept_suite {
	enum accept_set as_set;
	struct tls_suite as_suite; /* what reftls needs of it */
	unsigned as_minbody;	   /* least bytes behind the 5 of a header */
	unsigned as_mac;	   /* CBC */
};
extern const struct accept_suite accept_suites[];
extern const unsigned accept_nsuites;

struct accept_case;
typedef void accept_fn(const struct accept_case *);
struct accept_case {
	accept_fn *ac_run;
	const struct accept_suite *ac_suite; /* NULL: a bad combination */
	int ac_param;
	struct ktlssim_tls_enable ac_bad; /* with ac_suite NULL */
	char ac_name[64];
};

/* A group: one case for each suite of the set and each parameter. */
struct accept_group {
	const char *ag_name;
	unsigned ag_sets;
	int ag_first, ag_last;
	accept_fn *ag_run;
};
extern const struct accept_group accept_transmit[], accept_receive[];
extern const unsigned accept_ntransmit, accept_nreceive;

/* --- the bench --- */
extern struct ktlssim *sim;
extern int sv[2];	   /* connected; sv[0] does not block */
extern uint8_t pay[65536]; /* what is sent */
extern const uint8_t accept_key[32], accept_iv[16];
extern uint64_t seqno; /* of the next record */

/* Enable on sv[0] (transmit) or sv[1] (receive); the call's result. */
int accept_enable(const struct accept_suite *, bool tx);
/* A socket of its own, not connected. */
int accept_socket(void);
/* Of a suite: the biggest record there may be, in bytes. */
size_t accept_maxrec(const struct accept_suite *);

#endif
