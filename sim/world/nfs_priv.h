/*
 * What the files of NFS share. Both ends are kernels: they hold the socket and
 * read and write it as sys/rpc does, with mbufs and MSG_TLSAPPDATA; for all
 * that needs libssl they ask a daemon of their host by an upcall.
 *
 *   nfs_xprt.c    records of RPC to and from the socket
 *   nfs_daemon.c  upcalls, and the daemon that answers them
 *   nfs_client.c  a mount: probe, handshake, calls
 *   nfs_server.c  a server's end: calls come in, replies go out
 *   app_nfs.c     the application, and what is told of it
 */
#ifndef NFS_PRIV_H
#define NFS_PRIV_H

#include <ktsim/base/kmem.h>
#include <ktsim/sim/rpc.h>

#include "world_priv.h"

enum {
	ST_CONNECT,
	ST_PROBE,
	ST_HANDSHAKE,
	ST_SERVE,
	ST_UNMOUNT,
	ST_LINGER,
	ST_DONE
};

enum nfs_transport { NFS_CLEAR, NFS_KERNEL, NFS_DAEMON };
enum nfs_upcall {
	UP_NONE,
	UP_CONNECT, /* shake hands */
	UP_RECORD,  /* the next record is no data */
	UP_DISCONNECT
};

struct nfs_msg { /* a record on its way to the socket */
	STAILQ_ENTRY(nfs_msg) nm_link;
	size_t nm_len, nm_off;
	uint8_t nm_bytes[];
};

#define NFS_SLOTS 64
struct nfs_slot { /* a call that waits for its reply */
	bool ns_used;
	uint32_t ns_xid;
	unsigned ns_proc;
	simtime_t ns_at;
	uint64_t ns_offset;
	uint32_t ns_count;
};

struct nfs_counts {
	uint64_t nc_calls, nc_replies, nc_errors;
	simtime_t *nc_times; /* client: of each reply */
	size_t nc_ntimes, nc_size;
};

struct nfs {
	struct conn *n_conn;
	int n_transport; /* enum nfs_transport */
	char *n_reason;	 /* why it failed */
	const char *n_probe;
	bool n_mounted; /* the first call had a right reply */
	bool n_eof;

	/* records */
	struct rpc_reader n_reader;
	STAILQ_HEAD(, nfs_msg) n_out;
	unsigned n_nout;
	uint64_t n_sent, n_sent_bytes, n_got_bytes;
	uint64_t n_until_alert; /* records */
	bool n_alert_due;
	uint64_t n_alerts_sent, n_alerts, n_discarded, n_bad;

	/* upcalls */
	int n_upcall;		/* enum nfs_upcall; in progress */
	bool n_answered;	/* it is over: */
	int n_answer;		/* 0, or an errno */
	bool n_taken;		/* the daemon works at it */
	bool n_tells_eof;	/* the record was close_notify */
	struct socket *n_entry; /* offered to the daemon: a reference */
	struct socket *n_fd;	/* the daemon's: a reference */
	struct sim_event n_comes, n_timer;
	simtime_t n_upcall_at, n_handshake;
	uint64_t n_upcalls, n_upcalls_failed, n_late;

	/* client */
	struct nfs_slot n_slots[NFS_SLOTS];
	unsigned n_nslots; /* used */
	uint32_t n_xid;
	unsigned n_phase;
	struct nfs_fh n_fh;
	struct vnode *n_vp; /* that is written from */
	uint64_t n_size, n_next, n_moved;
	bool n_spoilt; /* the wrong mark was sent */
	bool n_half_closed;
	struct nfs_counts n_counts[NFS_NPROCS];
	uint64_t n_read, n_written;

	/* server */
	char *n_created; /* name of the file that was made, and its size */
	uint64_t n_created_size;
	bool n_starttls; /* the probe was answered so */
};

/* It goes no further: error, whose text is the first that was given. */
int nfs_failed(struct conn *, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* nfs_xprt.c. A whole record, which is taken away. */
void nfs_send(struct conn *, struct strbuf *);
/* What waits goes, as far as there is room. 0: all of it. */
int nfs_output(struct conn *);
/*
 * What has come, each record by the function (in n_reader.rr_buf; it says 0, or
 * why it stops). 0: end of file, n_eof; EWOULDBLOCK: there is no more, or an
 * upcall is on its way.
 */
int nfs_input(struct conn *, int (*record)(struct conn *));

/* nfs_daemon.c */
void nfs_upcall(struct conn *, enum nfs_upcall);
/* EWOULDBLOCK while one is on its way; else its answer, once. */
int nfs_upcall_answer(struct conn *);
void nfs_daemon_run(struct conn *); /* the socket may be ready */
void nfs_mounted(struct conn *);    /* a call was answered */
void nfs_timer(struct conn *, simtime_t);
/* The connection ends: nobody keeps its socket. */
void nfs_daemon_end(struct nfs *);

/* One step of each machine; *call names it. */
int nfs_client_step(struct conn *, const char **call);
int nfs_server_step(struct conn *, const char **call);

#endif
