/* The questions that can be asked of a recorded run. */
#ifndef KTSIM_SIM_EXPLAIN_H
#define KTSIM_SIM_EXPLAIN_H

#include <ktsim/sim/recording.h>
#include <ktsim/sim/tale.h>

/* Trace points that each needs. */
#define POINTS_MODE                                                    \
	"tls_enable,tls_mode,tls_disable_ifnet,tag_alloc,tag_refused," \
	"tag_reset,tls_error,tcp_drop"
#define POINTS_DROPPED                                                \
	"wire_drop,wire_impair,nic_drop,ip_drop,lagg_drop,vlan_drop," \
	"tcp_discard,tcp_rexmit"
#define POINTS_BYTE                                                          \
	"app_write,app_read,tls_frame,tls_record,tls_enqueue,tls_encrypted," \
	"tls_decrypted,tls_error,tcp_rexmit,so_sendfile,tls_mode,"           \
	"nic_tls_restart,nic_drop,ip_drop,tcp_discard"

/* Why a connection's TLS is where it is: each decision with its reason. */
void explain_mode(const struct recording *, const struct conn_result *,
    struct tale *);
/* What became of a frame. False: there is none of that number. */
bool explain_dropped(const struct recording *, uint64_t frame, struct tale *);
/*
 * The life of one byte of what a side's application sends (0 client, 1
 * server), counted from 0. False: it was never sent.
 */
bool explain_byte(const struct recording *, const struct conn_result *,
    int side, uint64_t off, struct tale *);

#endif
