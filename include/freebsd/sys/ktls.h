/* Kernel TLS, by FreeBSD's names and values. */
#ifndef KTLSSIM_FREEBSD_SYS_KTLS_H
#define KTLSSIM_FREEBSD_SYS_KTLS_H

#include <sys/types.h>

#include <stdint.h>

struct tls_record_layer {
	uint8_t tls_type;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint16_t tls_length;
	uint8_t tls_data[];
} __attribute__((packed));

#define TLS_MAX_MSG_SIZE_V10_2	16384
#define TLS_MAX_PARAM_SIZE	1024
#define TLS_AEAD_GCM_LEN	4
#define TLS_1_3_GCM_IV_LEN	12
#define TLS_CHACHA20_IV_LEN	12
#define TLS_CBC_IMPLICIT_IV_LEN 16

#define TLS_MAJOR_VER_ONE	3
#define TLS_MINOR_VER_ZERO	1
#define TLS_MINOR_VER_ONE	2
#define TLS_MINOR_VER_TWO	3
#define TLS_MINOR_VER_THREE	4

#define TLS_RLTYPE_ALERT	21
#define TLS_RLTYPE_HANDSHAKE	22
#define TLS_RLTYPE_APP		23

/* Control messages, level IPPROTO_TCP. */
#define TLS_SET_RECORD_TYPE 1
#define TLS_GET_RECORD	    2

#define KTLS_TX		    1
#define KTLS_RX		    2

/* What follows the header in a TLS 1.2 AES-GCM record. */
struct tls_nonce_data {
	uint8_t fixed[TLS_AEAD_GCM_LEN];
	uint64_t seq;
} __attribute__((packed));

struct tls_aead_data {
	uint64_t seq;
	uint8_t type;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint16_t tls_length;
} __attribute__((packed));

struct tls_aead_data_13 {
	uint8_t type;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint16_t tls_length;
} __attribute__((packed));

struct tls_mac_data {
	uint64_t seq;
	uint8_t type;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint16_t tls_length;
} __attribute__((packed));

struct tls_enable {
	const uint8_t *cipher_key;
	const uint8_t *iv;
	const uint8_t *auth_key;
	int cipher_algorithm;
	int cipher_key_len;
	int iv_len;
	int auth_algorithm;
	int auth_key_len;
	int flags;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint8_t rec_seq[8];
};

struct tls_get_record {
	uint8_t tls_type;
	uint8_t tls_vmajor;
	uint8_t tls_vminor;
	uint16_t tls_length;
};

#endif
