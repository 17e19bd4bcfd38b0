/* What the files of the library share. */
#ifndef LIB_PRIV_H
#define LIB_PRIV_H

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>

#include <ktlssim.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/timebase.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/sim/world.h>

#define LIB_MAXFILES 65536
#define LIB_TICK     (1 * SIM_US) /* a call that found nothing takes so long */

enum lib_type { LIB_SOCKET, LIB_VNODE, LIB_KQUEUE };

struct lib_knote {
	TAILQ_ENTRY(lib_knote) kn_link; /* of the kqueue, in reporting order */
	struct lib_file *kn_file;
	TAILQ_ENTRY(lib_knote) kn_flink; /* of the file */
	struct lib_file *kn_kq;
	struct ktlssim_kevent kn_ev;
	bool kn_off;	 /* EV_DISABLE */
	bool kn_stirred; /* EV_CLEAR: something happened since the report */
};

/* An asynchronous write: begun, in the socket's queue or done. */
struct lib_aio {
	STAILQ_ENTRY(lib_aio) ai_link; /* of the socket, while queued */
	TAILQ_ENTRY(lib_aio) ai_all;   /* of the world, until asked for */
	const uint8_t *ai_buf;
	size_t ai_len, ai_done;
	int ai_error; /* EINPROGRESS until it is done */
};

struct lib_file {
	struct ktlssim *f_sim;
	struct ktlssim_host *f_host; /* NULL: a kqueue */
	enum lib_type f_type;
	bool f_nonblock;
	bool f_stirred; /* the socket called up since somebody looked */
	bool f_used;	/* the socket belongs to its host for good */
	bool f_closing; /* its descriptor is gone, its writes are not */
	struct socket *f_so;
	struct vnode *f_vp;
	TAILQ_HEAD(, lib_knote) f_knotes; /* a kqueue's, or on a socket */
	STAILQ_HEAD(, lib_aio) f_aio;
	struct sim_event f_aio_event;
	TAILQ_ENTRY(lib_file) f_link; /* those that are closing */
};

struct ktlssim_host {
	struct ktlssim *h_sim;
	struct vnet *h_vnet;
};

struct ktlssim {
	struct scenario *s_sc;
	struct world *s_world;
	struct timebase *s_tb;
	struct ktlssim_host *s_hosts;
	struct lib_file **s_files; /* by descriptor - s_first_fd */
	unsigned s_nfiles;
	unsigned s_lowest; /* none below it is free */
	int s_first_fd;
	TAILQ_HEAD(, lib_file) s_closing;
	TAILQ_HEAD(, lib_aio) s_aios;
	struct sim_event s_alarm; /* what a call waits for at most */
	struct kiovec *s_iov;	  /* of the call that is under way */
	bool s_rang;
	bool s_dead; /* a kernel panicked */
};

/*
 * Each call of the library: `call` is a function that may panic, its result
 * (host errno, negative) becomes FreeBSD's.
 */
#define LIB_CALL(sim, call)                                          \
	do {                                                         \
		if ((sim)->s_dead)                                   \
			return (-KTLSSIM_EDOOFUS);                   \
		if (setjmp(*world_panic_env((sim)->s_world)) != 0) { \
			(sim)->s_dead = true;                        \
			return (-KTLSSIM_EDOOFUS);                   \
		}                                                    \
		return (lib_result(call));                           \
	} while (0)

/* lib_errno.c */
ssize_t lib_result(ssize_t r); /* negative: -errno of this host */

/* lib_file.c */
/* A new descriptor for f, or -EMFILE (f is the caller's then). */
int lib_install(struct ktlssim *, struct lib_file *f);
/* There is no descriptor left. */
bool lib_full(struct ktlssim *);
struct lib_file *lib_file_new(struct ktlssim *, enum lib_type);
/* NULL: EBADF. */
struct lib_file *lib_lookup(struct ktlssim *, int fd);
/* 0, EBADF, ENOTSOCK. */
int lib_socket_of(struct ktlssim *, int fd, struct lib_file **);
void lib_file_free(struct lib_file *);
void lib_close_all(struct ktlssim *);
void lib_forget_all(struct ktlssim *);

/* lib_wait.c */
/* When a wait is over at the latest: SIM_NEVER, or an instant. */
void lib_alarm_set(struct ktlssim *, simtime_t when);
void lib_alarm_clear(struct ktlssim *);
/* One event. EDEADLK: nothing can happen any more. */
int lib_step(struct ktlssim *);
/* Until the socket calls up; EDEADLK. */
int lib_wait_socket(struct lib_file *);
/* A call found nothing: time passes, or loops that try again never end. */
void lib_tick(struct ktlssim *);
/* Absolute, from a timeout in ns; negative: SIM_NEVER. */
simtime_t lib_deadline(const struct ktlssim *, int64_t ns);
int64_t lib_timespec_ns(const struct timespec *); /* NULL: -1; -2: invalid */

/* lib_socket.c */
void lib_socket_adopt(struct lib_file *, struct socket *);
int lib_sa_in(const struct sockaddr *, socklen_t, struct ksockaddr *);

/* lib_io.c */
/*
 * Bytes from these vectors, as write(2); blocking unless nonblock. The message
 * (may be NULL) gives address and control messages.
 */
ssize_t lib_send(struct lib_file *, struct uio *, const struct msghdr *,
    int kflags, bool nonblock);

/* lib_kqueue.c */
void lib_kqueue_stir(struct lib_file *, enum so_event);
void lib_kqueue_forget(struct lib_file *); /* the file goes */

/* lib_aio.c */
void lib_aio_init(struct lib_file *);
void lib_aio_stir(struct lib_file *); /* the socket may take more */
void lib_aio_abort(struct lib_file *);
void lib_aio_fini(struct ktlssim *); /* those that nobody asked for */

#endif
