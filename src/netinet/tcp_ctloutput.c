/*
 * TCP's socket options. Those of kernel TLS only pass through: which errno,
 * in which order, is decided in ktls.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/netinet/tcp_offload.h>
#include <ktsim/netinet/tcp_ratelimit.h>

#include "tcp_ctloutput.h"
#include "tcp_private.h"

static int
tcp_opt_int(const struct sockopt *sopt, int *val)
{
	if (sopt->sopt_valsize < sizeof(*val))
		return (EINVAL);
	memcpy(val, sopt->sopt_val, sizeof(*val));
	return (0);
}

static int
tcp_set_flag(struct socket *so, uint32_t flag, int val)
{
	struct tcpcb *tp = sototcpcb(so);
	bool was = (tp->t_flags & flag) != 0;

	if (val != 0)
		tp->t_flags |= flag;
	else
		tp->t_flags &= ~flag;
	/* What was held back may go now. */
	if ((flag == TF_NODELAY) == (val != 0) && was != (val != 0) &&
	    TCPS_HAVEESTABLISHED(tp->t_state))
		return (tcp_output(tp));
	return (0);
}

/* Of a connection that is over there is nothing to pace. */
static int
tcp_set_pacing(struct socket *so, const struct sockopt *sopt)
{
	int error, val;

	if ((error = tcp_opt_int(sopt, &val)) != 0 ||
	    inp_dropped(sotoinpcb(so)))
		return (error);
	return (tcp_pacing_socket(sototcpcb(so), (uint32_t)val));
}

/* What is longer than today's structure is from tomorrow: ignored. */
static int
tcp_set_tls(struct socket *so, const struct sockopt *sopt)
{
	bool tx = sopt->sopt_name == TCP_TXTLS_ENABLE;
	struct tls_enable en = { 0 };

	if (tx && sopt->sopt_valsize == sizeof(struct tls_enable_v0))
		memcpy(&en, sopt->sopt_val,
		    offsetof(struct tls_enable, rec_seq));
	else if (sopt->sopt_valsize < sizeof(en))
		return (EINVAL);
	else
		memcpy(&en, sopt->sopt_val, sizeof(en));
	return (tx ? ktls_enable_tx(so, &en) : ktls_enable_rx(so, &en));
}

/* Without options KERN_TLS these are not compiled in. */
static bool
tcp_opt_absent(struct socket *so, const struct sockopt *sopt)
{
	if (so->so_vnet->v_kern_tls || sopt->sopt_name < TCP_TXTLS_ENABLE ||
	    sopt->sopt_name > TCP_RXTLS_MODE)
		return (false);
	if (sopt->sopt_set && sopt->sopt_name != TCP_TXTLS_MODE)
		TRACE(&so->so_vnet->v_tracer, tls_enable,
		    TU(sototcpcb(so)->t_conn),
		    TS(sopt->sopt_name == TCP_TXTLS_ENABLE ? "tx" : "rx"),
		    TS(""), TI(ENOPROTOOPT),
		    TS("this kernel was built without options KERN_TLS"));
	return (true);
}

/* Name of a module, with or without its NUL. */
static int
tcp_set_cc(struct socket *so, const struct sockopt *sopt)
{
	char name[16] = { 0 };
	const struct cc_algo *cc;

	if (sopt->sopt_valsize == 0 || sopt->sopt_valsize > sizeof(name))
		return (EINVAL);
	memcpy(name, sopt->sopt_val, MIN(sopt->sopt_valsize, sizeof(name) - 1));
	if ((cc = cc_find(name)) == NULL)
		return (ESRCH);
	if (cc != sototcpcb(so)->t_cc)
		cc_choose(sototcpcb(so), cc);
	return (0);
}

static int
tcp_get_cc(struct socket *so, struct sockopt *sopt)
{
	const char *name = sototcpcb(so)->t_cc->name;

	sopt->sopt_valsize = MIN(sopt->sopt_valsize, strlen(name) + 1);
	memcpy(sopt->sopt_val, name, sopt->sopt_valsize);
	return (0);
}

#define TCP_KEEP_MAX 32767 /* seconds, or probes */

/* Seconds (probes for KTCP_KEEPCNT); 0: as the host has it. */
static int
tcp_set_keep(struct tcpcb *tp, int name, int val)
{
	if (val < 0 || val > TCP_KEEP_MAX)
		return (EINVAL);
	switch (name) {
	case KTCP_KEEPIDLE:
		tp->t_keepidle = (simtime_t)val * SIM_SEC;
		if (TCPS_HAVEESTABLISHED(tp->t_state))
			tcp_keep_start(tp);
		break;
	case KTCP_KEEPINTVL:
		tp->t_keepintvl = (simtime_t)val * SIM_SEC;
		break;
	default:
		tp->t_keepcnt = (uint32_t)val;
		break;
	}
	return (0);
}

/* A smaller one than was negotiated, at any time. */
static int
tcp_set_maxseg(struct tcpcb *tp, int val)
{
	if (val < (int)tcp_tune(tp)->minmss || val > tp->t_maxseg)
		return (EINVAL);
	tp->t_maxseg = (uint16_t)val;
	return (0);
}

static int
tcp_setopt(struct socket *so, const struct sockopt *sopt)
{
	struct tcpcb *tp = sototcpcb(so);
	int error, val;

	switch (sopt->sopt_name) {
	case KTCP_CONGESTION:
		return (tcp_set_cc(so, sopt));
	case TCP_TXTLS_ENABLE:
	case TCP_RXTLS_ENABLE:
		return (tcp_set_tls(so, sopt));
	case KTCP_NODELAY:
	case KTCP_NOPUSH:
	case KTCP_MAXSEG:
	case KTCP_KEEPIDLE:
	case KTCP_KEEPINTVL:
	case KTCP_KEEPCNT:
	case TCP_TXTLS_MODE:
		if ((error = tcp_opt_int(sopt, &val)) != 0)
			return (error);
		break;
	default:
		return (ENOPROTOOPT);
	}
	if (sopt->sopt_name == TCP_TXTLS_MODE)
		return (ktls_set_tx_mode(so, val));
	if (sopt->sopt_name == KTCP_MAXSEG)
		return (tcp_set_maxseg(tp, val));
	if (sopt->sopt_name >= KTCP_KEEPIDLE && sopt->sopt_name <= KTCP_KEEPCNT)
		return (tcp_set_keep(tp, sopt->sopt_name, val));
	return (tcp_set_flag(so,
	    sopt->sopt_name == KTCP_NODELAY ? TF_NODELAY : TF_NOPUSH, val));
}

static int
tcp_get_info(const struct tcpcb *tp, struct sockopt *sopt)
{
	struct ktcp_info ti;

	tcp_fill_info(tp, &ti);
	sopt->sopt_valsize = MIN(sopt->sopt_valsize, sizeof(ti));
	memcpy(sopt->sopt_val, &ti, sopt->sopt_valsize);
	return (0);
}

static int
tcp_getopt(struct socket *so, struct sockopt *sopt)
{
	const struct tcpcb *tp = sototcpcb(so);
	int error = 0, val = 0;

	switch (sopt->sopt_name) {
	case KTCP_CONGESTION:
		return (tcp_get_cc(so, sopt));
	case KTCP_INFO:
		return (tcp_get_info(tp, sopt));
	case KTCP_MAXSEG:
		val = tp->t_maxseg;
		break;
	case KTCP_KEEPIDLE:
		val = (int)(tp->t_keepidle / SIM_SEC);
		break;
	case KTCP_KEEPINTVL:
		val = (int)(tp->t_keepintvl / SIM_SEC);
		break;
	case KTCP_KEEPCNT:
		val = (int)tp->t_keepcnt;
		break;
	case TCP_TXTLS_MODE:
		error = ktls_get_tx_mode(so, &val);
		break;
	case TCP_RXTLS_MODE:
		error = ktls_get_rx_mode(so, &val);
		break;
	case KTCP_NODELAY:
		val = (tp->t_flags & TF_NODELAY) != 0;
		break;
	case KTCP_NOPUSH:
		val = (tp->t_flags & TF_NOPUSH) != 0;
		break;
	default:
		return (ENOPROTOOPT);
	}
	if (error != 0)
		return (error);
	sopt->sopt_valsize = MIN(sopt->sopt_valsize, sizeof(val));
	memcpy(sopt->sopt_val, &val, sopt->sopt_valsize);
	return (0);
}

/* Who has the connection's TCP must know; TLS has its own way. */
static void
tcp_tell_card(struct tcpcb *tp, const struct sockopt *sopt)
{
	bool tls = sopt->sopt_name >= TCP_TXTLS_ENABLE &&
	    sopt->sopt_name <= TCP_RXTLS_MODE;

	if (!tls && (tp->t_flags & TF_TOE) != 0)
		tp->tod->tod_ctloutput(tp->tod, tp, sopt->sopt_name,
		    sopt->sopt_val, sopt->sopt_valsize);
}

int
tcp_ctloutput(struct socket *so, struct sockopt *sopt)
{
	int error;

	/* Of the socket's own options this one alone is told here. */
	if (sopt->sopt_level == KSOL_SOCKET &&
	    sopt->sopt_name == KSO_MAX_PACING_RATE)
		return (tcp_set_pacing(so, sopt));
	if (sopt->sopt_level != KIPPROTO_TCP)
		return (ENOPROTOOPT);
	if (inp_dropped(sotoinpcb(so)))
		return (ECONNRESET);
	if (tcp_opt_absent(so, sopt))
		return (ENOPROTOOPT);
	if (!sopt->sopt_set)
		return (tcp_getopt(so, sopt));
	error = tcp_setopt(so, sopt);
	if (error == 0)
		tcp_tell_card(sototcpcb(so), sopt);
	return (error);
}
