/*
 * The ideal TLS card: no limits, no cost besides the bytes it must read. It
 * keeps one running cipher state per context. Bytes that follow on go straight
 * through; anything else (a retransmission, the first bytes after failover)
 * makes it read the record again from its beginning up to the place asked
 * for, throwing the output away, and go on from there.
 *
 * Exact for every cut: a record may begin, break and end anywhere, its tag
 * may be split over frames and bursts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "gen_wr.h"
#include "ideal.h"

struct ideal_context {
	struct tls_crypt *ic_crypt; /* NULL: free */
	struct tls_stream *ic_stream;
	bool ic_running;   /* the two below are valid */
	uint64_t ic_seqno; /* record the cipher is in */
	uint32_t ic_off;   /* next byte of that record */
	bool ic_have_tag;
	uint8_t ic_auth[16]; /* the record's tag, once computed */
};

struct ideal_hw {
	struct ideal_context *ih_contexts; /* from 1 */
	uint32_t ih_size, ih_free;	   /* the lowest that may be free */
};

/* A record as the work request gives it. */
struct ideal_rec {
	struct nic_exec *ir_x;
	const struct gen_part *ir_p;
	const struct gen_seg *ir_seg;
	const uint8_t *ir_hdr;
	uint32_t ir_cipher_end; /* all but the tag's 16 bytes; TLS 1.3: with
				   the type byte in front of the tag */
};

/* Bytes [from, to) of the record, piece by piece: through the cipher, or
 * (context NULL) as they are. */
static int
rec_read(const struct ideal_rec *r, struct ideal_context *ic, uint32_t from,
    uint32_t to, uint8_t *out, enum nic_dma cause)
{
	uint32_t at = 0, skip, len;
	const uint8_t *p;

	for (unsigned i = 0; i < r->ir_p->p_nsegs && from < to; i++) {
		len = r->ir_seg[i].s_len;
		if (from >= at + len) {
			at += len;
			continue;
		}
		skip = from - at;
		len = MIN(len - skip, to - from);
		p = nic_dma_read(r->ir_x, r->ir_seg[i].s_addr + skip, len,
		    cause);
		if (p == NULL)
			return (NIC_EXEC_BAD);
		if (ic != NULL)
			tls_stream_update(ic->ic_stream, p, out, len);
		else if (out != NULL)
			memcpy(out, p, len);
		out = out != NULL ? out + len : NULL;
		from += len;
		at += r->ir_seg[i].s_len;
	}
	return (from == to ? 0 : NIC_EXEC_BAD);
}

static void
ideal_begin(struct ideal_context *ic, const struct ideal_rec *r)
{
	tls_stream_start(ic->ic_stream, r->ir_hdr, r->ir_p->r_seqno);
	ic->ic_running = true;
	ic->ic_seqno = r->ir_p->r_seqno;
	ic->ic_off = 0;
	ic->ic_have_tag = false;
}

/* The place asked for is not where the cipher stands: read up to it again. */
static int
ideal_restart(struct ideal_context *ic, const struct ideal_rec *r)
{
	struct nic_card *c = r->ir_x->x_card;
	uint32_t off = r->ir_p->r_off, hlen = r->ir_p->p_hlen;
	uint32_t upto = MIN(off, r->ir_cipher_end);
	int error = 0;

	ideal_begin(ic, r);
	if (off == 0)
		return (0);
	if (V_DEFECT(c->c_vnet, NIC_RESTART_COUNTER))
		upto -= MIN(upto, 16u);
	if (upto > hlen)
		error = rec_read(r, ic, hlen, upto, NULL, NIC_DMA_REREAD);
	/* All of it crosses the bus, header and tag's room included. */
	r->ir_x->x_dma[NIC_DMA_REREAD] += off - (upto > hlen ? upto - hlen : 0);
	ic->ic_off = off;
	nic_card_restart(r->ir_x, ic->ic_seqno, off, off);
	return (error);
}

/* Wire bytes from r_off on; the cipher stands there. */
static int
ideal_produce(struct ideal_context *ic, const struct ideal_rec *r, uint8_t *dst)
{
	const struct gen_part *p = r->ir_p;
	uint32_t off = p->r_off, end = off + p->p_len, n;

	if (off < p->p_hlen) {
		n = MIN(end, (uint32_t)p->p_hlen) - off;
		if (rec_read(r, NULL, off, off + n, dst, NIC_DMA_PAYLOAD) != 0)
			return (NIC_EXEC_BAD);
		dst += n;
		off += n;
	}
	if (off < end && off < r->ir_cipher_end) {
		n = MIN(end, r->ir_cipher_end) - off;
		if (rec_read(r, ic, off, off + n, dst, NIC_DMA_PAYLOAD) != 0)
			return (NIC_EXEC_BAD);
		dst += n;
		off += n;
	}
	if (off < end) {
		if (!ic->ic_have_tag)
			tls_stream_tag(ic->ic_stream, ic->ic_auth);
		ic->ic_have_tag = true;
		memcpy(dst, ic->ic_auth + (off - r->ir_cipher_end), end - off);
		r->ir_x->x_dma[NIC_DMA_PAYLOAD] += end - off;
	}
	ic->ic_off = end;
	return (0);
}

/* The planted defect: DMA in the wrong direction. */
static void
ideal_write_back(const struct ideal_rec *r, const uint8_t *from)
{
	uint32_t off = r->ir_p->r_off, end = off + r->ir_p->p_len, at = 0, len;
	uint8_t *to;

	for (unsigned i = 0; i < r->ir_p->p_nsegs && off < end; i++) {
		len = r->ir_seg[i].s_len;
		if (off < at + len) {
			len = MIN(at + len, end) - off;
			to = (uint8_t *)(uintptr_t)nic_dma_read(r->ir_x,
			    r->ir_seg[i].s_addr + (off - at), len, NIC_DMA_CQE);
			memcpy(to, from, len);
			from += len;
			off += len;
		}
		at += r->ir_seg[i].s_len;
	}
}

static struct ideal_context *
ideal_context(struct nic_card *c, uint64_t id)
{
	struct ideal_hw *ih = c->c_softc;

	if (id == 0 || id > ih->ih_size ||
	    ih->ih_contexts[id - 1].ic_crypt == NULL)
		return (NULL);
	return (&ih->ih_contexts[id - 1]);
}

static int
ideal_record(struct nic_exec *x, const struct gen_wr *wr,
    const struct gen_part *p, const struct gen_seg *seg, uint8_t *dst)
{
	struct ideal_context *ic = ideal_context(x->x_card, wr->w_context);
	struct ideal_rec r = { .ir_x = x,
		.ir_p = p,
		.ir_seg = seg,
		.ir_cipher_end = p->r_len - 16 };
	int error = 0;

	if (ic == NULL || p->p_nsegs == 0 || seg->s_len < p->p_hlen ||
	    p->r_len < p->p_hlen + 16u ||
	    (uint64_t)p->r_off + p->p_len > p->r_len)
		return (NIC_EXEC_BAD);
	x->x_card->c_stats->tls_bytes += p->p_len;
	if (V_DEFECT(x->x_card->c_vnet, NIC_NO_ENCRYPT))
		return (rec_read(&r, NULL, p->r_off, p->r_off + p->p_len, dst,
		    NIC_DMA_PAYLOAD));
	r.ir_hdr = nic_dma_read(x, seg->s_addr, p->p_hlen, NIC_DMA_PAYLOAD);
	x->x_dma[NIC_DMA_PAYLOAD] -= p->p_hlen; /* counted where it is sent */
	if (r.ir_hdr == NULL)
		return (NIC_EXEC_BAD);
	if (!ic->ic_running || ic->ic_seqno != p->r_seqno ||
	    ic->ic_off != p->r_off)
		error = ideal_restart(ic, &r);
	if (error == 0)
		error = ideal_produce(ic, &r, dst);
	if (error == 0 && V_DEFECT(x->x_card->c_vnet, NIC_WRITE_BACK))
		ideal_write_back(&r, dst);
	return (error);
}

int
ideal_hw_exec(struct nic_exec *x)
{
	return (gen_exec(x, ideal_record));
}

/* --- contexts --- */

static void
context_create(struct ideal_hw *ih, struct nic_cmd *cmd)
{
	const struct tls_session_params *tp = cmd->c_data;
	uint32_t i = ih->ih_free, size = ih->ih_size;
	struct ideal_context *ic;

	while (i < size && ih->ih_contexts[i].ic_crypt != NULL)
		i++;
	if (i == size) {
		ih->ih_size = MAX(16u, size * 2);
		ic = xcalloc(ih->ih_size, sizeof(*ic));
		if (size > 0)
			memcpy(ic, ih->ih_contexts, size * sizeof(*ic));
		free(ih->ih_contexts);
		ih->ih_contexts = ic;
	}
	ic = &ih->ih_contexts[i];
	memset(ic, 0, sizeof(*ic));
	ic->ic_crypt = tls_crypt_create(&crypto_openssl, tp->suite,
	    &(struct tls_keys) { .key = tp->cipher_key, .iv = tp->iv }, 1);
	if (ic->ic_crypt != NULL)
		ic->ic_stream = tls_stream_create(ic->ic_crypt);
	if (ic->ic_stream == NULL) {
		tls_crypt_destroy(ic->ic_crypt);
		ic->ic_crypt = NULL;
		cmd->c_status = ENOMEM;
		return;
	}
	ih->ih_free = i + 1;
	cmd->c_out[0] = i + 1;
}

static void
context_destroy(struct ideal_hw *ih, struct ideal_context *ic)
{
	tls_stream_destroy(ic->ic_stream);
	tls_crypt_destroy(ic->ic_crypt);
	explicit_bzero(ic, sizeof(*ic));
	ih->ih_free = MIN(ih->ih_free, (uint32_t)(ic - ih->ih_contexts));
}

void
ideal_hw_cmd(struct nic_card *c, struct nic_cmd *cmd)
{
	struct ideal_hw *ih = c->c_softc;
	struct ideal_context *ic;

	if (cmd->c_op == GEN_CONTEXT_CREATE) {
		context_create(ih, cmd);
		return;
	}
	if ((ic = ideal_context(c, cmd->c_in[0])) == NULL)
		cmd->c_status = EINVAL;
	else
		context_destroy(ih, ic);
}

int
ideal_hw_attach(struct nic_card *c)
{
	c->c_softc = xcalloc(1, sizeof(struct ideal_hw));
	return (0);
}

/* Contexts are gone with the power. */
void
ideal_hw_reset(struct nic_card *c)
{
	struct ideal_hw *ih = c->c_softc;

	for (uint32_t i = 0; i < ih->ih_size; i++)
		ih->ih_contexts[i].ic_running = false;
}

void
ideal_hw_detach(struct nic_card *c)
{
	struct ideal_hw *ih = c->c_softc;

	for (uint32_t i = 0; i < ih->ih_size; i++)
		if (ih->ih_contexts[i].ic_crypt != NULL)
			context_destroy(ih, &ih->ih_contexts[i]);
	free(ih->ih_contexts);
	free(ih);
}
