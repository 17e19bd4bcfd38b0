/* XDR, and the heads of calls and replies: RFC 5531 section 9, with the
 * verifier that RFC 9289 section 4.1 has. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/sim/rpc.h>

enum { CALL, REPLY };
enum { MSG_ACCEPTED, MSG_DENIED };
enum { RPC_MISMATCH, AUTH_ERROR };

#define RPC_VERSION 2u

/* --- XDR --- */

static const uint8_t *
xdr_bytes(struct xdr_in *xi, size_t n)
{
	const uint8_t *p = xi->xi_p;

	if (xi->xi_bad || n > xi->xi_left) {
		xi->xi_bad = true;
		return (NULL);
	}
	xi->xi_p += n;
	xi->xi_left -= n;
	return (p);
}

uint32_t
xdr_get32(struct xdr_in *xi)
{
	const uint8_t *p = xdr_bytes(xi, 4);

	return (p != NULL ? be32dec(p) : 0);
}

uint64_t
xdr_get64(struct xdr_in *xi)
{
	const uint8_t *p = xdr_bytes(xi, 8);

	return (p != NULL ? be64dec(p) : 0);
}

const uint8_t *
xdr_get_opaque(struct xdr_in *xi, uint32_t max, uint32_t *len)
{
	const uint8_t *p;

	*len = xdr_get32(xi);
	if (*len > max)
		xi->xi_bad = true;
	p = xdr_bytes(xi, ((size_t)*len + 3) & ~(size_t)3);
	if (p == NULL)
		*len = 0;
	return (p);
}

void
xdr_put32(struct strbuf *sb, uint32_t v)
{
	uint8_t b[4];

	be32enc(b, v);
	strbuf_add(sb, b, sizeof(b));
}

void
xdr_put64(struct strbuf *sb, uint64_t v)
{
	xdr_put32(sb, (uint32_t)(v >> 32));
	xdr_put32(sb, (uint32_t)v);
}

void
xdr_put_opaque(struct strbuf *sb, const void *p, uint32_t len)
{
	static const uint8_t zero[3];

	xdr_put32(sb, len);
	strbuf_add(sb, p, len);
	strbuf_add(sb, zero, -len & 3);
}

/* --- reading heads --- */

static int
bad(const char **why, const char *text)
{
	*why = text;
	return (EBADMSG);
}

/* A credential or a verifier. */
static const uint8_t *
get_auth(struct xdr_in *xi, uint32_t *flavor, uint32_t *len)
{
	*flavor = xdr_get32(xi);
	return (xdr_get_opaque(xi, RPC_AUTH_BODY_MAX, len));
}

int
rpc_get_call(struct xdr_in *xi, struct rpc_call *rc, const char **why)
{
	uint32_t direction, version;

	rc->rc_xid = xdr_get32(xi);
	direction = xdr_get32(xi);
	version = xdr_get32(xi);
	rc->rc_prog = xdr_get32(xi);
	rc->rc_vers = xdr_get32(xi);
	rc->rc_proc = xdr_get32(xi);
	(void)get_auth(xi, &rc->rc_flavor, &rc->rc_cred_len);
	(void)get_auth(xi, &rc->rc_verf_flavor, &rc->rc_verf_len);
	if (xi->xi_bad)
		return (bad(why, "a call whose head is cut off"));
	if (direction != CALL)
		return (bad(why, "no call"));
	if (version != RPC_VERSION)
		return (bad(why, "a call of another RPC version than 2"));
	return (0);
}

static bool
get_accepted(struct xdr_in *xi, struct rpc_reply *rp)
{
	const uint8_t *body;
	uint32_t len;

	body = get_auth(xi, &rp->rp_verf_flavor, &len);
	rp->rp_starttls = body != NULL && rp->rp_verf_flavor == AUTH_NONE &&
	    len == strlen(RPC_STARTTLS) && memcmp(body, RPC_STARTTLS, len) == 0;
	rp->rp_stat = xdr_get32(xi);
	return (rp->rp_stat <= RPC_SYSTEM_ERR);
}

static bool
get_denied(struct xdr_in *xi, struct rpc_reply *rp)
{
	rp->rp_stat = xdr_get32(xi);
	if (rp->rp_stat == AUTH_ERROR)
		rp->rp_auth_stat = xdr_get32(xi);
	else
		(void)xdr_get64(xi); /* lowest and highest version */
	return (rp->rp_stat <= AUTH_ERROR);
}

int
rpc_get_reply(struct xdr_in *xi, struct rpc_reply *rp, const char **why)
{
	uint32_t direction, stat;
	bool known;

	*rp = (struct rpc_reply) { .rp_xid = xdr_get32(xi) };
	direction = xdr_get32(xi);
	if (direction != REPLY && !xi->xi_bad)
		return (bad(why, "no reply"));
	stat = xdr_get32(xi);
	rp->rp_denied = stat == MSG_DENIED;
	known = stat <= MSG_DENIED &&
	    (rp->rp_denied ? get_denied(xi, rp) : get_accepted(xi, rp));
	if (xi->xi_bad)
		return (bad(why, "a reply whose head is cut off"));
	return (known ? 0 : bad(why, "a reply of a status that is none"));
}

/* --- writing them --- */

static void
put_auth(struct strbuf *sb, uint32_t flavor, const char *body)
{
	xdr_put32(sb, flavor);
	xdr_put_opaque(sb, body, (uint32_t)strlen(body));
}

/* Of root on this machine, without other groups. */
static void
put_auth_sys(struct strbuf *sb, const char *machine)
{
	struct strbuf body = { 0 };

	xdr_put32(&body, 0); /* stamp */
	xdr_put_opaque(&body, machine, (uint32_t)strlen(machine));
	xdr_put32(&body, 0);
	xdr_put32(&body, 0);
	xdr_put32(&body, 0);
	xdr_put32(sb, AUTH_SYS);
	xdr_put_opaque(sb, body.sb_str, (uint32_t)body.sb_len);
	strbuf_fini(&body);
}

void
rpc_put_call(struct strbuf *sb, uint32_t xid, uint32_t prog, uint32_t vers,
    uint32_t proc, enum rpc_flavor flavor, const char *machine)
{
	xdr_put32(sb, 0); /* the mark */
	xdr_put32(sb, xid);
	xdr_put32(sb, CALL);
	xdr_put32(sb, RPC_VERSION);
	xdr_put32(sb, prog);
	xdr_put32(sb, vers);
	xdr_put32(sb, proc);
	if (flavor == AUTH_SYS)
		put_auth_sys(sb, machine);
	else
		put_auth(sb, flavor, "");
	put_auth(sb, AUTH_NONE, "");
}

void
rpc_put_accepted(struct strbuf *sb, uint32_t xid, enum rpc_accept_stat stat,
    bool starttls)
{
	xdr_put32(sb, 0); /* the mark */
	xdr_put32(sb, xid);
	xdr_put32(sb, REPLY);
	xdr_put32(sb, MSG_ACCEPTED);
	put_auth(sb, AUTH_NONE, starttls ? RPC_STARTTLS : "");
	xdr_put32(sb, stat);
	if (stat == RPC_PROG_MISMATCH) { /* lowest and highest */
		xdr_put32(sb, NFS_V3);
		xdr_put32(sb, NFS_V3);
	}
}

void
rpc_put_denied(struct strbuf *sb, uint32_t xid, enum rpc_auth_stat why)
{
	xdr_put32(sb, 0); /* the mark */
	xdr_put32(sb, xid);
	xdr_put32(sb, REPLY);
	xdr_put32(sb, MSG_DENIED);
	xdr_put32(sb, AUTH_ERROR);
	xdr_put32(sb, why);
}

const char *
rpc_auth_stat_name(uint32_t stat)
{
	static const char *const names[] = { "AUTH_OK", "AUTH_BADCRED",
		"AUTH_REJECTEDCRED", "AUTH_BADVERF", "AUTH_REJECTEDVERF",
		"AUTH_TOOWEAK", "AUTH_INVALIDRESP", "AUTH_FAILED" };

	return (stat < nitems(names) ? names[stat] : "AUTH_?");
}
