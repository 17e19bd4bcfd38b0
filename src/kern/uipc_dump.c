/* Sockets and their buffers as text. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>

static const struct dump_flag sb_flag_names[] = { { SB_TLS_RX, "TLS_RX" },
	{ SB_TLS_RX_RUNNING, "TLS_RX_RUNNING" }, { SB_AUTOSIZE, "AUTOSIZE" },
	{ SB_STOP, "STOP" }, { SB_NOCOALESCE, "NOCOALESCE" },
	{ SB_TLS_RX_RESYNC, "TLS_RX_RESYNC" } };

static const struct dump_flag sb_state_names[] = { { SBS_CANTSENDMORE,
						       "CANTSENDMORE" },
	{ SBS_CANTRCVMORE, "CANTRCVMORE" }, { SBS_RCVATMARK, "RCVATMARK" } };

static const struct dump_flag so_state_names[] = { { SS_NOFDREF, "NOFDREF" },
	{ SS_ISCONNECTED, "ISCONNECTED" }, { SS_ISCONNECTING, "ISCONNECTING" },
	{ SS_ISDISCONNECTING, "ISDISCONNECTING" },
	{ SS_ISDISCONNECTED, "ISDISCONNECTED" } };

void
ksockaddr_dump(const struct ksockaddr *sa, struct strbuf *sb)
{
	bool six = sa->sa_family == KAF_INET6;

	strbuf_adds(sb, six ? "[" : "");
	in_any_dump(sa->sa_family, &sa->sa_addr, sb);
	strbuf_addf(sb, "%s:%u", six ? "]" : "", sa->sa_port);
}

/* The first of the longest runs of zero groups, from two on; its length. */
static int
in6_zero_run(const uint8_t *a, int *at)
{
	int best = 1, run = 0;

	for (int i = 0; i < 8; i++) {
		run = a[2 * i] == 0 && a[2 * i + 1] == 0 ? run + 1 : 0;
		if (run > best) {
			best = run;
			*at = i + 1 - run;
		}
	}
	return (best > 1 ? best : 0);
}

/* RFC 5952. */
static void
in6_dump(const uint8_t *a, struct strbuf *sb)
{
	int at = 8, run = in6_zero_run(a, &at);

	for (int i = 0; i < 8; i++) {
		if (run > 0 && i == at) {
			strbuf_adds(sb, "::");
			i += run - 1;
			continue;
		}
		strbuf_addf(sb, "%s%x", i == 0 || i == at + run ? "" : ":",
		    (unsigned)(a[2 * i] << 8 | a[2 * i + 1]));
	}
}

void
in_any_dump(int family, const struct in_any *in, struct strbuf *sb)
{
	const uint8_t *a = in->a;

	if (family == KAF_INET6)
		in6_dump(a, sb);
	else
		strbuf_addf(sb, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

void
sockbuf_dump(const struct sockbuf *sb, struct strbuf *out, int indent)
{
	strbuf_addf(out,
	    "%*sacc %u ccc %u mbcnt %u of %u ctl %u hiwat %u "
	    "lowat %d",
	    indent, "", sb->sb_acc, sb->sb_ccc, sb->sb_mbcnt, sb->sb_mbmax,
	    sb->sb_ctl, sb->sb_hiwat, sb->sb_lowat);
	dump_flags(out, sb->sb_flags, sb_flag_names, nitems(sb_flag_names));
	dump_flags(out, sb->sb_state, sb_state_names, nitems(sb_state_names));
	strbuf_adds(out, "\n");
	if (sb->sb_tls_info != NULL)
		strbuf_addf(out,
		    "%*stls %u next record %" PRIu64
		    " undecrypted %u being decrypted %u\n",
		    indent, "", sb->sb_tls_info->number, sb->sb_tls_seqno,
		    sb->sb_tlscc, sb->sb_tlsdcc);
}

/* "sndptr mbuf 3 of record 0": where in the buffer m is. */
static void
sockbuf_dump_place(const struct sockbuf *sb, const char *what,
    const struct mbuf *m, struct strbuf *out)
{
	unsigned record = 0, i;

	if (m == NULL)
		return;
	for (const struct mbuf *r = sb->sb_mb; r != NULL; r = r->m_nextpkt) {
		i = 0;
		for (const struct mbuf *n = r; n != NULL; n = n->m_next, i++)
			if (n == m) {
				strbuf_addf(out, " %s is mbuf %u of chain %u",
				    what, i, record);
				return;
			}
		record++;
	}
	strbuf_addf(out, " %s is not in the buffer", what);
}

void
sockbuf_dump_mbufs(const struct sockbuf *sb, struct strbuf *out, int indent)
{
	unsigned record = 0;

	if (sb->sb_fnrdy != NULL || sb->sb_sndptr != NULL) {
		strbuf_addf(out, "%*s", indent - 1, "");
		sockbuf_dump_place(sb, "fnrdy", sb->sb_fnrdy, out);
		sockbuf_dump_place(sb, "sndptr", sb->sb_sndptr, out);
		if (sb->sb_sndptr != NULL)
			strbuf_addf(out, " at byte %u", sb->sb_sndptroff);
		strbuf_adds(out, "\n");
	}
	for (const struct mbuf *r = sb->sb_mb; r != NULL; r = r->m_nextpkt) {
		strbuf_addf(out, "%*schain %u:\n", indent, "", record++);
		m_dump(r, out, indent + 2);
	}
	if (sb->sb_mtls != NULL) {
		strbuf_addf(out, "%*sundecrypted:\n", indent, "");
		m_dump(sb->sb_mtls, out, indent + 2);
	}
}

void
socket_dump(const struct socket *so, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*ssocket %u refs %d error %d", indent, "",
	    so->so_number, so->so_refs, so->so_error);
	dump_flags(sb, so->so_state, so_state_names, nitems(so_state_names));
	if (so->so_listening)
		strbuf_addf(sb, " listening, %d of %d wait, refused %u",
		    so->so_qlen, so->so_qlimit, so->so_overflow);
	if (so->so_listen != NULL)
		strbuf_addf(sb, " in the %s queue of socket %u",
		    so->so_oncomp ? "accept" : "handshake",
		    so->so_listen->so_number);
	strbuf_adds(sb, "\n");
}
