#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/uio.h>
#include <ktsim/net/if_var.h>
#include <ktsim/opencrypto/crypto_backend.h>

#include "toebench.h"

#define DELAY (50 * SIM_US)

static struct toeb *ob_current;

/* --- the wire --- */

static void
ob_arrive(void *arg)
{
	struct toeb *b = arg;
	struct frame *f;

	while ((f = STAILQ_FIRST(&b->wire)) != NULL &&
	    f->f_when <= timebase_now(b->h[0].v->v_tb)) {
		STAILQ_REMOVE_HEAD(&b->wire, f_link);
		if (b->h[f->f_id].n != NULL)
			nic_rx(b->h[f->f_id].n, f);
		else
			frame_rele(f);
	}
	if (f != NULL)
		timebase_post(b->h[0].v->v_tb, &b->arrive, f->f_when);
}

static bool
ob_loses(struct toeb *b, const struct frame *f, int from)
{
	if (b->cut)
		return (true);
	if (from != SRV || f->f_paylen == 0 || b->lose == 0)
		return (false);
	return (++b->data % b->lose == 0);
}

static void
ob_wire(struct toeb *b, struct frame *f)
{
	struct frame *g, *after = NULL;

	STAILQ_FOREACH(g, &b->wire, f_link)
		if (g->f_when <= f->f_when)
			after = g;
	if (after != NULL)
		STAILQ_INSERT_AFTER(&b->wire, after, f, f_link);
	else
		STAILQ_INSERT_HEAD(&b->wire, f, f_link);
	timebase_post(b->h[SRV].v->v_tb, &b->arrive,
	    STAILQ_FIRST(&b->wire)->f_when);
}

static void
ob_egress(void *arg, struct nic *n, struct frame *f)
{
	struct toeb *b = ob_current;
	int from = n == b->h[SRV].n ? SRV : CLI;
	struct frame *again;

	if ((f->f_flags & FRAME_LOST_RING) != 0 || ob_loses(b, f, from)) {
		b->lost++;
		frame_rele(f);
		return;
	}
	f->f_when += DELAY;
	f->f_id = (uint64_t)!from; /* where it goes */
	if (b->twice && from == CLI) {
		again = frame_copy(f);
		again->f_when += SIM_US;
		ob_wire(b, again);
	}
	ob_wire(b, f);
}

static const struct nic_port_ops ob_ops = { .np_egress = ob_egress };

/* --- hosts --- */

static void
ob_knob(struct nic_params *np, const char *word)
{
	const struct nic_model *model = nic_model_find(np->np_model);
	char name[64] = { 0 };
	int i;

	memcpy(name, word, strcspn(word, "="));
	i = nic_knob_find(model, name);
	assert_true(i >= 0);
	np->np_knobs[i] = strtoull(strchr(word, '=') + 1, NULL, 10);
	np->np_knobs_set |= 1u << i;
}

static void
ob_host(struct toeb *b, int i, const char *model, const char *knobs, bool v6)
{
	struct ob_host *h = &b->h[i];
	struct vnet_params vp = { .vp_name = i == SRV ? "server" : "client",
		.vp_ncpus = 1,
		.vp_seed = 1,
		.vp_tb = engine_timebase(b->eng),
		.vp_jobs = b->jobs };
	struct nic_params np = { .np_model = model,
		.np_xname = i == SRV ? "cc0" : "em0",
		.np_lladdr = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) },
		.np_rate_bps = 10000000000ULL,
		.np_mtu = 1500,
		.np_pool = &b->pool,
		.np_ops = &ob_ops };

	for (; *knobs != '\0'; knobs += strcspn(knobs, " ")) {
		knobs += strspn(knobs, " ");
		ob_knob(&np, knobs);
	}
	h->v = vnet_create(&vp);
	net_attach(h->v);
	inet_attach(h->v);
	assert_int_equal(nic_attach(h->v, &np, &h->n), 0);
	nic_link(h->n, true);
	assert_int_equal(if_setflags(&h->n->n_if, h->n->n_if.if_flags | IFF_UP),
	    0);
	h->addr.sa_family = v6 ? KAF_INET6 : KAF_INET;
	h->addr.sa_addr.a[0] = v6 ? 0xfd : 10;
	h->addr.sa_addr.a[v6 ? 15 : 3] = (uint8_t)(i + 1);
	h->addr.sa_port = OB_PORT;
	assert_int_equal(if_addr_add(&h->n->n_if, h->addr.sa_family,
			     &h->addr.sa_addr, v6 ? 64 : 24),
	    0);
	assert_int_equal(sysctl_write(h->v, "kern.ipc.tls.enable", 1), 0);
}

void
ob_init(struct toeb *b, const char *knobs, bool v6)
{
	char all[128];

	memset(b, 0, sizeof(*b));
	ob_current = b;
	b->eng = engine_create();
	b->jobs = hostpool_create(0);
	framepool_init(&b->pool);
	STAILQ_INIT(&b->wire);
	sim_event_init(&b->arrive, EV_WIRE, "wire", ob_arrive, b);
	snprintf(all, sizeof(all), "toe=1%s%s", *knobs != '\0' ? " " : "",
	    knobs);
	ob_host(b, SRV, "t6", all, v6);
	ob_host(b, CLI, "basic", "", v6);
}

void
ob_run(struct toeb *b, simtime_t time)
{
	engine_run(b->eng, timebase_now(b->h[0].v->v_tb) + time);
}

void
ob_fini(struct toeb *b)
{
	struct strbuf sb = { 0 };

	b->cut = false;
	ob_run(b, 400 * SIM_SEC);
	for (int i = 0; i < 2; i++) {
		inet_purge(b->h[i].v);
		ob_run(b, SIM_SEC);
		nic_detach(b->h[i].n);
	}
	for (int i = 0; i < 2; i++) {
		if (vnet_leaks(b->h[i].v, &sb) != 0)
			fail_msg("%s", strbuf_str(&sb));
		inet_detach(b->h[i].v);
		net_detach(b->h[i].v);
		vnet_destroy(b->h[i].v);
	}
	if (framepool_leaks(&b->pool, &sb) != 0)
		fail_msg("%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	framepool_fini(&b->pool);
	hostpool_destroy(b->jobs);
	engine_destroy(b->eng);
}

/* --- sockets --- */

void
ob_listen(struct toeb *b)
{
	struct ksockaddr any = { .sa_family = b->h[SRV].addr.sa_family,
		.sa_port = OB_PORT };

	assert_int_equal(socreate(b->h[SRV].v, &tcp_protosw, any.sa_family,
			     &b->lso),
	    0);
	assert_int_equal(sobind(b->lso, &any), 0);
	assert_int_equal(solisten(b->lso, 4), 0);
}

struct socket *
ob_connect(struct toeb *b, int from, int to)
{
	struct socket *so;

	assert_int_equal(socreate(b->h[from].v, &tcp_protosw,
			     b->h[from].addr.sa_family, &so),
	    0);
	assert_int_equal(soconnect(so, &b->h[to].addr), EINPROGRESS);
	return (so);
}

struct socket *
ob_accept(struct toeb *b)
{
	struct socket *so = NULL;

	for (int i = 0; i < 100 && soaccept(b->lso, &so) != 0; i++)
		ob_run(b, SIM_MS);
	assert_non_null(so);
	return (so);
}

void
ob_pair(struct toeb *b)
{
	ob_listen(b);
	b->so[CLI] = ob_connect(b, CLI, SRV);
	b->so[SRV] = ob_accept(b);
	assert_true((b->so[CLI]->so_state & SS_ISCONNECTED) != 0);
}

void
ob_close(struct toeb *b)
{
	for (int i = 0; i < 2; i++)
		if (b->so[i] != NULL) {
			soclose(b->so[i]);
			b->so[i] = NULL;
		}
	if (b->lso != NULL)
		soclose(b->lso);
	b->lso = NULL;
}

void
ob_write(struct socket *so, const void *p, size_t len)
{
	struct kiovec iov = { (void *)(uintptr_t)p, len };
	struct uio uio;

	uio_init(&uio, &iov, 1);
	assert_int_equal(sosend(so, &uio, NULL, 0), 0);
	assert_int_equal(uio.uio_resid, 0);
}

void
ob_read(struct toeb *b, struct socket *so, const void *want, size_t len)
{
	uint8_t *got = malloc(len);
	struct kiovec iov = { got, len };
	struct uio uio;
	int error;

	uio_init(&uio, &iov, 1);
	for (int i = 0; i < 20000 && uio.uio_resid > 0; i++) {
		error = soreceive(so, &uio, NULL, NULL);
		if (error == EWOULDBLOCK)
			ob_run(b, SIM_MS);
		else
			assert_int_equal(error, 0);
	}
	assert_int_equal(uio.uio_resid, 0);
	assert_memory_equal(got, want, len);
	free(got);
}

uint64_t
ob_sysctl(const struct toeb *b, int host, const char *name)
{
	uint64_t v = 0;

	assert_int_equal(sysctl_read(b->h[host].v, name, &v), 0);
	return (v);
}

/* --- TLS --- */

static const uint8_t ob_secret[65] =
    "sixty-four bytes of which all keys, IVs and salts are made .....";

struct tls_enable
ob_enable(const struct tls_suite *s, uint64_t seqno)
{
	struct tls_enable en = { .cipher_key = ob_secret,
		.cipher_key_len = s->key_len,
		.iv = ob_secret + 32,
		.iv_len = s->iv_len,
		.tls_vmajor = TLS_MAJOR_VER_ONE,
		.tls_vminor = s->vminor,
		.auth_algorithm = s->auth_algorithm,
		.cipher_algorithm = s->cipher == TLS_CIPHER_GCM
		    ? CRYPTO_AES_NIST_GCM_16
		    : s->cipher == TLS_CIPHER_CBC ? CRYPTO_AES_CBC
						  : CRYPTO_CHACHA20_POLY1305 };

	if (s->cipher == TLS_CIPHER_CBC) {
		en.auth_key = ob_secret + 8;
		en.auth_key_len = s->tag_len;
	}
	be64enc(en.rec_seq, seqno);
	return (en);
}

uint32_t
ob_record(const struct tls_suite *s, uint64_t seqno, uint8_t type,
    const void *pay, uint32_t len, uint8_t *out)
{
	struct tls_enable en = ob_enable(s, seqno);
	struct tls_keys k = { .key = en.cipher_key,
		.iv = en.iv,
		.auth = en.auth_key,
		.auth_len = (unsigned)en.auth_key_len };
	struct tls_crypt *tc = tls_crypt_create(&crypto_openssl, s, &k, 1);
	uint32_t tlen = tls_suite_trailer(s, len);
	struct tls_iov iov = { out + s->hlen, out + s->hlen, len };

	out[0] = type;
	out[1] = TLS_MAJOR_VER_ONE;
	out[2] = s->vminor;
	be16enc(out + 3, (uint16_t)(s->hlen - 5 + len + tlen));
	memset(out + 5, 0x5a, s->hlen - 5u);
	memcpy(out + s->hlen, pay, len);
	assert_int_equal(tls_record_encrypt(tc, 0, out, seqno, type, &iov, 1,
			     out + s->hlen + len),
	    0);
	tls_crypt_destroy(tc);
	return (s->hlen + len + tlen);
}
