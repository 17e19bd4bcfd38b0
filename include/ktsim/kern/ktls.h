/*
 * Kernel TLS: sessions, framing, the work queues, and the three modes.
 *
 * A session belongs to one direction of one socket. On transmit, sosend cuts
 * the bytes into M_EXTPG mbufs, one record each; ktls_frame gives them header,
 * trailer and a session reference; in software mode they are M_NOTREADY and
 * go to the session's work queue, whose worker encrypts them and tells the
 * protocol (pr_ready). In ifnet mode they are ready at once and remain
 * plaintext until the card encrypts them: "a session on the mbuf" means
 * "these bytes are plaintext" everywhere in the stack.
 *
 * On receive, TCP's bytes are kept apart until a worker finds a whole record,
 * decrypts it and appends a TLS_GET_RECORD control message with the data.
 *
 * One work queue per simulated CPU. A worker takes both of its lists whole;
 * the cryptography of a batch is a job for the host's threads, and its
 * completion is an event at a modelled time, so results do not depend on how
 * many threads there are.
 *
 * Source: uipc_ktls.c, opencrypto/ktls_ocf.c; freebsd-ktls.md sections 1 to 5.
 */
#ifndef KTSIM_KERN_KTLS_H
#define KTSIM_KERN_KTLS_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/jobpool.h>
#include <ktsim/base/timebase.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/taskqueue.h>
#include <ktsim/opencrypto/tls_suite.h>

struct inpcb;
struct sockbuf;
struct socket;
struct sockopt;
struct tls_crypt;
struct vnet;

/* TCP-level options */
#define TCP_TXTLS_ENABLE   39
#define TCP_TXTLS_MODE	   40
#define TCP_RXTLS_ENABLE   41
#define TCP_RXTLS_MODE	   42
#define TCP_TLS_MODE_NONE  0
#define TCP_TLS_MODE_SW	   1
#define TCP_TLS_MODE_IFNET 2
#define TCP_TLS_MODE_TOE   3

/* control messages, level IPPROTO_TCP */
#define TLS_SET_RECORD_TYPE 1
#define TLS_GET_RECORD	    2
/* Inside the kernel: a record that could not be read, an errno in its place. */
#define TLS_RX_ERROR	       (-1)

#define TLS_RLTYPE_ALERT       21
#define TLS_RLTYPE_HANDSHAKE   22
#define TLS_RLTYPE_APP	       23
#define TLS_MAX_MSG_SIZE_V10_2 16384
#define TLS_MAX_PARAM_SIZE     1024

#define KTLS_TX		       1
#define KTLS_RX		       2

/* The option's argument: same fields and meaning as sys/ktls.h. */
struct tls_enable {
	const uint8_t *cipher_key;
	const uint8_t *iv;
	const uint8_t *auth_key;
	int cipher_algorithm; /* CRYPTO_* */
	int cipher_key_len;
	int iv_len;
	int auth_algorithm;
	int auth_key_len;
	int flags; /* 0 */
	uint8_t tls_vmajor, tls_vminor;
	uint8_t rec_seq[8]; /* big-endian */
};

/* The size it had before rec_seq: transmit takes it too, from record 0. */
struct tls_enable_v0 {
	const uint8_t *keys[3];
	int ints[6];
	uint8_t tls_vmajor, tls_vminor;
};
_Static_assert(sizeof(struct tls_enable_v0) == 56, "as sys/ktls.h");
_Static_assert(sizeof(struct tls_enable) == 64, "as sys/ktls.h");

/* Payload of TLS_GET_RECORD. */
struct tls_get_record {
	uint8_t tls_type;
	uint8_t tls_vmajor, tls_vminor;
	uint8_t tls_pad;
	uint8_t tls_length[2]; /* network order, plaintext */
};

/* Constant facts of a session; what a card may look at. */
struct tls_session_params {
	const struct tls_suite *suite;
	uint8_t *cipher_key;
	uint8_t *auth_key; /* CBC: the MAC's; NULL: AEAD */
	uint8_t iv[16];	   /* TLS 1.2 GCM: salt, then the next
					   explicit nonce in iv[8..15] */
	uint16_t cipher_key_len;
	uint16_t auth_key_len;
	uint16_t iv_len;
	uint16_t max_frame_len;
	uint8_t tls_vmajor, tls_vminor;
	uint8_t tls_hlen, tls_tlen;
};

struct ktls_session {
	struct vnet *vnet;
	uint32_t refcount;
	uint32_t number; /* of this host, from 1 */
	int direction;	 /* KTLS_TX, KTLS_RX */
	int mode;	 /* TCP_TLS_MODE_* */
	struct tls_session_params params;
	struct tls_crypt *crypt; /* software keys; NULL in ifnet TX mode */
	unsigned wq_index;
	uint32_t conn; /* connection's number, for traces */

	/* TLS 1.0: batches go to the worker in the order of their records. */
	bool sequential_records;
	bool order_lost;     /* some will never come: see ktls_abandon */
	uint64_t next_seqno; /* first record not given to the worker */
	struct mbufq pending_records; /* batches that wait, by number */

	struct inpcb *inp;	   /* TX: a reference */
	struct m_snd_tag *snd_tag; /* ifnet */
	struct ifnet *rx_ifp;	   /* RX, ifnet: the port whose tag it is */
	uint16_t rx_vlan_id;
	/* A tag was asked for and the card has not answered: */
	struct if_snd_tag_wait tag_wait;
	void (*tag_then)(struct ktls_session *, int error);
	struct ktls_session *switch_from; /* mode change: what it replaces */
	bool switching;	   /* a change of this session's mode is under way */
	int switch_result; /* of the last one that was */
	/* RX, toe: records of the card that came before software was done
	 * with what it had; by m_nextpkt */
	struct mbuf *toe_rx, *toe_rx_last;
	bool tx;
	bool reset_pending;
	bool tx_done; /* its tag was released early: it needs none */
	struct task reset_tag_task;
	struct task disable_ifnet_task; /* TX: back to software */
	struct socket *disable_so;	/* while that is queued: a reference */
};

/* How long a worker's work takes on the simulated CPU. */
struct ktls_cost {
	simtime_t per_record;	 /* fixed part */
	uint32_t ps_per_byte[3]; /* by enum tls_cipher */
	simtime_t wakeup;	 /* from enqueue to the worker running */
};

/*
 * Lets a scenario or a test decide when one record's crypto is complete:
 * returns the delay to use instead of `cost`. Each record then completes on
 * its own, as FreeBSD's asynchronous dispatch does, in any order. NULL (the
 * default): synchronous dispatch, batches complete as a whole.
 */
typedef simtime_t ktls_complete_fn(void *arg, const struct ktls_session *,
    uint64_t seqno, simtime_t cost);

/* Counters: names as in kern.ipc.tls; see sysctl descriptions. */
struct ktls_stats {
	uint64_t enable_calls, offload_total, active;
	uint64_t threads, sw_tx_pending, sw_tx_inqueue, sw_rx_inqueue;
	uint64_t corrupted_records, failed_crypto;
	uint64_t switch_to_ifnet, switch_to_sw, switch_failed;
	uint64_t ifnet_disable_ok, ifnet_disable_failed, destroy_task;
	uint64_t ifnet_reset, ifnet_reset_dropped, ifnet_reset_failed;
	uint64_t ifnet_released_early; /* simulator's own */
	uint64_t mode_cipher[4][3];    /* live sessions */
	uint64_t ocf_inplace, ocf_separate, ocf_retries;
	/* [version][cipher]; version: AEAD 1.2, 1.3; CBC 1.0, later */
	uint64_t ocf_enc[2][3], ocf_dec[2][3];
	uint64_t ocf_recrypts[2]; /* AES-GCM, half done by a card: 1.2, 1.3 */
	uint64_t records_tx, records_rx; /* simulator's own */
	uint64_t plaintext_refused;	 /* simulator's own: ip_output guard */
	uint64_t sw_bytes_tx, sw_bytes_rx; /* payload through the workers */
	uint64_t worker_ns;    /* modelled time of the workers' cryptography */
	uint64_t contig_fails; /* records encrypted into single pages */
	uint64_t wakeups;      /* of sleeping workers */
};

void ktls_attach(struct vnet *);
void ktls_detach(struct vnet *);
bool ktls_use_ext_pgs(const struct vnet *); /* kern.ipc.mb_use_ext_pgs */
struct ktls_stats *ktls_stats(struct vnet *);
void ktls_set_cost(struct vnet *, const struct ktls_cost *);
/* What a worker's time would be: a record of so many bytes; being woken. */
simtime_t ktls_record_time(const struct vnet *, enum tls_cipher, size_t len);
simtime_t ktls_wakeup_time(const struct vnet *);
void ktls_set_completion(struct vnet *, ktls_complete_fn *, void *arg);
/* Stop worker `cpu` before its next batch (running crypto completes), go on. */
void ktls_wq_hold(struct vnet *, unsigned cpu);
void ktls_wq_release(struct vnet *, unsigned cpu);
/* What worker `cpu` is at; all zero before the first session. */
struct ktls_worker_look {
	bool kw_held, kw_running;
	unsigned kw_queued;   /* batches, and sockets to decrypt */
	unsigned kw_inflight; /* records not complete */
};
void ktls_worker_look(const struct vnet *, unsigned cpu,
    struct ktls_worker_look *);
/* The most work that was there since this was asked last: for one who watches. */
unsigned ktls_wq_peak(struct vnet *, unsigned cpu);
/* Pages of output buffers that wait for their next use. */
uint64_t ktls_cached_pages(const struct vnet *);
/*
 * Encryption that workers have begun reads its pages now, not when the host's
 * threads come to it: for who is about to change a page. Nothing completes
 * earlier in virtual time by it.
 */
void ktls_settle(struct vnet *);
/* Nothing is queued and no crypto is under way. */
bool ktls_idle(const struct vnet *);
/* Work is queued although no worker is running, held or about to be woken. */
bool ktls_stuck(const struct vnet *);

/* --- options; checks, their order and errnos: freebsd-ktls.md 1.3 to 1.5 --- */
int ktls_enable_tx(struct socket *, const struct tls_enable *);
int ktls_enable_rx(struct socket *, const struct tls_enable *);
int ktls_get_tx_mode(struct socket *, int *modep); /* EINVAL: listener */
int ktls_get_rx_mode(struct socket *, int *modep);
/*
 * A card is making up its mind about this socket's transmit session (enable or
 * change of mode): who called is to be parked until it is over. Then *result
 * is what setsockopt answers.
 */
bool ktls_tx_pending(const struct socket *, int *result);
/*
 * SW or IFNET for what is written from now on. EINVAL: listener or another
 * mode; EALREADY: a card session lives; ENXIO: the card was given up for this
 * connection (ktls_account_rexmit), or there is no route; EPROTONOSUPPORT:
 * TLS 1.0; ENOMEM; EBUSY: the session changed meanwhile; the card's refusal. 0
 * without doing anything where there is no session. EINPROGRESS: the card
 * takes its time (ktls_tx_pending).
 */
int ktls_set_tx_mode(struct socket *, int mode);
/*
 * A connection with card TLS sent bytes again: of all its payload bytes so
 * far, `first` went out for the first time and `rexmit` again (together not
 * 0). Above kern.ipc.tls.ifnet_max_rexmit_pct (whole percents) the card is
 * given up for good and a task sets software mode.
 * Source: tcp_account_for_send, ktls_disable_ifnet.
 */
void ktls_account_rexmit(struct socket *, uint64_t first, uint64_t rexmit);

/* --- sessions --- */
static inline struct ktls_session *
ktls_hold(struct ktls_session *tls)
{
	if (tls != NULL)
		tls->refcount++;
	return (tls);
}
void ktls_destroy(struct ktls_session *);
static inline void
ktls_free(struct ktls_session *tls)
{
	if (--tls->refcount == 0)
		ktls_destroy(tls);
}

/* --- sosend --- */
/*
 * Make each M_EXTPG mbuf of the chain one record of type record_type. Adds to
 * *enq_cnt the pages that must be encrypted before the chain is ready (0: not
 * software mode).
 */
void ktls_frame(struct mbuf *, struct ktls_session *, int *enq_cnt,
    uint8_t record_type);
/* True for the one suite that sends empty records: TLS 1.0 CBC. */
bool ktls_permit_empty_frames(const struct ktls_session *);
/* Record numbers; called by sbappendstream. */
void ktls_seq(struct sockbuf *, struct mbuf *);
/* Hand page_count pages from m on to the worker; takes a socket reference. */
void ktls_enqueue(struct mbuf *, struct socket *, int page_count);
/*
 * The batch that begins with this record will never be enqueued: its pages
 * could not be read and the connection was dropped. Batches of a TLS 1.0
 * session that wait for it no longer do.
 */
void ktls_abandon(struct mbuf *);

/* --- receive --- */
/* The raw chain grew, or EOF came: is there a record to work on? */
void ktls_check_rx(struct sockbuf *);

/*
 * For drivers of cards that decrypt (freebsd-ktls.md 4.6). Where the first
 * record that was not taken yet begins in TCP's sequence, and its number.
 * EINVAL: no socket any more; ECONNRESET: the connection was dropped.
 */
int ktls_get_rx_sequence(struct inpcb *, uint32_t *tcpseq, uint64_t *tlsseq);
/*
 * Of what is not decrypted: the number that follows the last record begun, and
 * the bytes which that one lacks (0: it is whole). False: not even its header
 * is; nothing but *residp (0) is set then.
 */
bool ktls_pending_rx_info(const struct sockbuf *, uint64_t *seqnop,
    uint32_t *residp);

/* --- a card's TCP (ktls_toe.c) --- */
/*
 * The card has decrypted a record of the receive session, m its payload (NULL:
 * none; consumed); or could not: the error stands in its place. They are read
 * behind what software has still to decrypt. fatal: the record's header makes
 * no sense; the caller drops the connection.
 */
void ktls_toe_record(struct socket *, uint64_t seqno,
    const struct tls_get_record *, struct mbuf *m);
void ktls_toe_record_bad(struct socket *, uint64_t seqno, int error,
    bool fatal);
/* The card does not decrypt after all: the session's mode is software. */
void ktls_toe_rx_failed(struct socket *, int error);

/* --- output path (ktls_tag.c) --- */
/*
 * EAGAIN came back for a packet of this session: queue one reset task.
 * Always returns ENOBUFS. Source: ktls_output_eagain.
 */
int ktls_output_eagain(struct inpcb *, struct ktls_session *);
/*
 * Another rate, bytes/s, for the session's rate limited tag. 0 without doing
 * anything where it has none for now. EOPNOTSUPP, or the driver's errno.
 * Source: ktls_modify_txrtlmt.
 */
int ktls_modify_txrtlmt(struct ktls_session *, uint64_t max_pacing_rate);
/*
 * A TX tag for the session from the connection's cached route; errno.
 * EINPROGRESS: it comes later, into tls->snd_tag, and tag_then is told; the
 * session is held until then.
 */
int ktls_alloc_snd_tag(struct inpcb *, struct ktls_session *, bool force,
    struct m_snd_tag **);

/*
 * All that the socket sent is acknowledged, and nothing more can be: FIN_WAIT_2
 * or TIME_WAIT. With kern.ipc.tls.ifnet.release_early its transmit session's
 * tag goes now, not with the session; a reset that is pending takes none.
 * Counted: ifnet.released_early. Source: FreeBSD's D56610.
 */
void ktls_tx_done(struct socket *);

/* --- receive tags (ktls_tag_rx.c) --- */
/* Bytes for the session came by this port: if it is another than its tag's, a
 * task asks for a tag there. Source: ktls_input_ifp_mismatch. */
void ktls_input_ifp_mismatch(struct sockbuf *, struct ifnet *);

/* --- for people --- */

struct strbuf;
/* One session, without its keys; the workers and their queues. base/dump.h. */
void ktls_session_dump(const struct ktls_session *, struct strbuf *,
    int indent);
void ktls_dump(const struct vnet *, struct strbuf *, int indent);
const char *ktls_mode_name(int mode); /* "none", "sw", "ifnet", "toe" */

#endif
