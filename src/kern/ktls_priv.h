/* What the ktls files share among themselves. */
#ifndef KTLS_PRIV_H
#define KTLS_PRIV_H

#include <ktsim/base/prng.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/opencrypto/crypto_accel.h>

/* One record on its way through the crypto of a worker. */
struct ktls_rec {
	struct ktls_rec *r_next;
	struct mbuf *r_m;
	struct tls_crypt *r_crypt;
	struct ktls_session *r_tls;
	uint8_t r_type;
	unsigned r_npieces;
	vm_paddr_t r_newpa[MBUF_PEXT_MAX_PGS]; /* separate output */
	bool r_separate;
	bool r_contig; /* into a buffer of the cache */
	int r_error;
	struct {
		const uint8_t *in;
		uint8_t *out;
		uint32_t len;
	} r_pieces[MBUF_PEXT_MAX_PGS];
};

/* What completes together: a batch, or (asynchronously) one record. */
struct ktls_unit {
	struct job u_job;
	struct sim_event u_event;
	struct ktls_wq *u_wq;
	struct socket *u_so; /* a reference */
	struct mbuf *u_top;
	int u_pages;
	struct ktls_rec *u_recs;
	bool u_sync;		       /* the worker waits for it */
	bool u_settled;		       /* its job was waited for already */
	TAILQ_ENTRY(ktls_unit) u_link; /* of those under way */
	struct crypto_op u_op; /* with an accelerator: one record at a time */
	struct ktls_rec *u_at; /* the one that is there now */
};

struct ktls_rx_job;

/* A NUMA domain: its CPUs, and the thread that makes room for buffers. */
struct ktls_domain {
	struct vnet *d_vnet;
	unsigned d_first, d_count; /* CPUs */
	uint64_t d_wakeups, d_reclaims, d_running;
	struct sim_event d_reclaim;
};

struct ktls_wq {
	struct vnet *wq_vnet;
	unsigned wq_cpu;
	struct mbufq wq_m;	     /* batches, newly queued */
	STAILQ_HEAD(, socket) wq_so; /* sockets to decrypt, newly queued */
	struct mbufq wq_cur_m;	     /* what the worker has taken */
	STAILQ_HEAD(, socket) wq_cur_so;
	bool wq_running; /* awake, or about to be */
	bool wq_held;
	bool wq_waiting;      /* for a completion */
	unsigned wq_queued;   /* batches and sockets in the four lists */
	unsigned wq_peak;     /* with those under way, since ktls_wq_peak */
	unsigned wq_inflight; /* units and records not complete */
	struct sim_event wq_wake;
	bool wq_alloc_failed; /* when: wq_lastallocfail */
	simtime_t wq_lastallocfail;
};

struct ktls_state {
	struct ktls_wq *ks_wq;		  /* NULL until the first session */
	TAILQ_HEAD(, ktls_unit) ks_units; /* at the host's threads */
	struct ktls_stats ks_stats;
	struct ktls_cost ks_cost;
	ktls_complete_fn *ks_complete;
	void *ks_complete_arg;
	struct prng ks_prng; /* explicit nonces and IVs */
	struct kzone ks_session_zone, ks_unit_zone, ks_rec_zone, ks_rx_zone;
	uint32_t ks_number;
	struct ktls_domain ks_domains[VM_MAXDOMAINS];
	vm_paddr_t *ks_buffers; /* the cache of output buffers, a stack */
	unsigned ks_nbuffers, ks_buffers_size;

	/* sysctls */
	uint64_t ks_enable, ks_rx_enable, ks_cbc_enable, ks_maxlen;
	uint64_t ks_permitted, ks_ext_pgs, ks_max_rexmit_pct;
	uint64_t ks_release_early;
	uint64_t ks_bind_threads, ks_sw_buffer_cache, ks_max_reclaim;
	uint64_t ks_tasks_active; /* FreeBSD declares it and never moves it */
};

static inline simtime_t
ktls_cost_of(const struct ktls_state *ks, const struct ktls_session *tls,
    uint32_t len)
{
	return (ks->ks_cost.per_record +
	    (simtime_t)len *
		ks->ks_cost.ps_per_byte[tls->params.suite->cipher]);
}

/* FreeBSD counts TLS 1.1 and 1.2 CBC together: index of ocf_enc, ocf_dec. */
static inline unsigned
ktls_ocf_row(const struct tls_suite *suite)
{
	return (suite->cipher == TLS_CIPHER_CBC
		? suite->vminor > TLS_MINOR_VER_ZERO
		: suite->vminor == TLS_MINOR_VER_THREE);
}

/* ktls_wq.c */
void ktls_wq_start(struct vnet *);   /* create the workers */
void ktls_wq_next(struct ktls_wq *); /* the worker's loop */
void ktls_wq_fini(struct vnet *);
void ktls_enqueue_rx(struct socket *);	/* takes a socket reference */
unsigned ktls_get_cpu(struct socket *); /* the session's queue */
/* ktls_buffer.c */
void ktls_buffer_attach(struct vnet *);
void ktls_buffer_detach(struct vnet *);
/* kern.ipc.tls.maxlen contiguous bytes; 0: do without. Never waits. */
vm_paddr_t ktls_buffer_alloc(struct ktls_wq *, int npgs);
void ktls_free_mext_contig(struct mbuf *); /* ext_arg1: the vnet */
/* ktls_sw.c */
void ktls_encrypt(struct ktls_wq *, struct mbuf *top);
/* ktls_rx.c: true when a completion will call ktls_wq_next */
bool ktls_decrypt(struct ktls_wq *, struct socket *);
/* ktls_rx_nic.c */
enum ktls_rx_how { /* what a card made of a record's mbufs */
	KTLS_RX_ENCRYPTED,
	KTLS_RX_DECRYPTED, /* all of them */
	KTLS_RX_MIXED
};
enum ktls_rx_how ktls_rx_how(const struct mbuf *);
/* This record was delivered: what its card should know of it. */
void ktls_rx_resync(struct socket *, enum ktls_rx_how, uint32_t reclen,
    uint64_t seqno);
/* An error in a record's place, for the reader. */
void ktls_rx_error(struct sockbuf *, int error);
/* ktls_toe.c */
/*
 * 0: the card that has the connection's TCP took the session, which has the
 * mode now. EOPNOTSUPP: it is no card's; others: the card refused (told).
 */
int ktls_try_toe(struct socket *, struct ktls_session *);
/* Software has nothing left to decrypt: what the card did comes next. */
void ktls_toe_flush(struct sockbuf *);
void ktls_toe_free(struct ktls_session *);
/* ktls_session.c */
void ktls_count(struct ktls_session *, int delta);
void ktls_mb_free_extpg(struct mbuf *);
/* ktls_mode.c */
void ktls_disable_ifnet_help(void *arg, int pending);
/* ktls_sysctl.c */
void ktls_sysctl_attach(struct vnet *);
/* ktls_tag.c: all that touches the connection block */
void ktls_inp_attach(struct ktls_session *, struct socket *);
void ktls_inp_detach(struct ktls_session *);
void ktls_inp_xmit(struct ktls_session *, bool on);
bool ktls_inp_xmit_on(struct socket *);
bool ktls_inp_xmit_disable(struct socket *); /* false: it was before */
bool ktls_inp_xmit_disabled(struct socket *);
bool ktls_inp_gone(struct socket *);
uint32_t ktls_inp_conn(struct socket *);
unsigned ktls_inp_flowid(struct socket *);
uint8_t ktls_inp_numa_domain(struct socket *);
/* 0: the session has a tag. EINPROGRESS: `then` is told later whether. */
int ktls_try_ifnet(struct socket *, struct ktls_session *, bool force,
    void (*then)(struct ktls_session *, int error));
/* The session's socket; NULL: the connection is over. */
struct socket *ktls_session_socket(const struct ktls_session *);
/* The same of a receive session. It has been decrypting in software until
 * then, and goes on so if the card refuses. */
int ktls_try_ifnet_rx(struct socket *, struct ktls_session *,
    void (*then)(struct ktls_session *, int error));
/* With the task that asks for a tag on another port. */
void ktls_inp_attach_rx(struct ktls_session *, struct socket *);
void ktls_drop(struct socket *, int error, const char *why);
void ktls_tag_release(struct ktls_session *);
/*
 * To the receive tag: the record that was taken last, of tls_len bytes (0: the
 * card is in step again). EINVAL: there is no tag. Else the driver's answer.
 */
int ktls_resync_ifnet(struct socket *, uint32_t tls_len, uint64_t tls_rcd_num);
const char *ktls_tag_reason(const struct socket *, int error);

#endif
