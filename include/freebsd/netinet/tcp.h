/* The host's TCP, with what FreeBSD's has and it has not. */
#ifndef KTLSSIM_FREEBSD_NETINET_TCP_H
#define KTLSSIM_FREEBSD_NETINET_TCP_H

#include_next <netinet/tcp.h>

#define TCP_NOPUSH	   4
#define TCP_TXTLS_ENABLE   39
#define TCP_TXTLS_MODE	   40
#define TCP_RXTLS_ENABLE   41
#define TCP_RXTLS_MODE	   42
#define TCP_TLS_MODE_NONE  0
#define TCP_TLS_MODE_SW	   1
#define TCP_TLS_MODE_IFNET 2
#define TCP_TLS_MODE_TOE   3

/* FreeBSD defines these here. */
#ifndef TLS_SET_RECORD_TYPE
#define TLS_SET_RECORD_TYPE 1
#define TLS_GET_RECORD	    2
#endif

#endif
