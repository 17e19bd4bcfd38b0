#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kmem.h>

#include "fakewire.h"

#define F_FIN 0x01
#define F_SYN 0x02
#define F_PSH 0x08
#define F_ACK 0x10

void
fakewire_init(struct fakewire *fw, bool v6, uint16_t client_port,
    fakewire_emit_fn *emit, void *arg)
{
	memset(fw, 0, sizeof(*fw));
	fw->emit = emit;
	fw->arg = arg;
	fw->mss = 1448;
	fw->v6 = v6;
	for (int i = 0; i < 2; i++) {
		struct fakewire_end *e = &fw->end[i];

		memcpy(e->mac, "\x02\x00\x00\x00\x00", 5);
		e->mac[5] = (uint8_t)(i + 1);
		if (v6) {
			memcpy(e->ip, "\xfd\x00", 2);
			e->ip[15] = (uint8_t)(i + 1);
		} else {
			memcpy(e->ip, "\x0a\x00\x00", 3);
			e->ip[3] = (uint8_t)(i + 1);
		}
		e->port = i == 0 ? client_port : 443;
		e->iss = 0xfffff000u + (uint32_t)i * 777;
	}
}

void
fakewire_fini(struct fakewire *fw)
{
	free(fw->end[0].sent);
	free(fw->end[1].sent);
}

static uint32_t
sum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += be16dec(p + i);
	if ((len & 1) != 0)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (sum);
}

static uint8_t *
put_eth(struct fakewire *fw, int from, struct frame *f)
{
	uint8_t *p = f->f_hdr;

	memcpy(p, fw->end[!from].mac, 6);
	memcpy(p + 6, fw->end[from].mac, 6);
	p += 12;
	if (fw->vlan) {
		be16enc(p, 0x8100);
		be16enc(p + 2, 100);
		p += 4;
	}
	be16enc(p, fw->v6 ? 0x86dd : 0x0800);
	return (p + 2);
}

static uint8_t *
put_ip(struct fakewire *fw, int from, uint8_t *ip, uint32_t tcplen)
{
	if (fw->v6) {
		memset(ip, 0, 40);
		ip[0] = 0x60;
		be16enc(ip + 4, (uint16_t)tcplen);
		ip[6] = 6;
		ip[7] = 64;
		memcpy(ip + 8, fw->end[from].ip, 16);
		memcpy(ip + 24, fw->end[!from].ip, 16);
		return (ip + 40);
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	be16enc(ip + 2, (uint16_t)(20 + tcplen));
	be16enc(ip + 4, (uint16_t)fw->frames);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, fw->end[from].ip, 4);
	memcpy(ip + 16, fw->end[!from].ip, 4);
	be16enc(ip + 10, (uint16_t)~sum_add(0, ip, 20));
	return (ip + 20);
}

static void
put_tcp(struct fakewire *fw, int from, uint8_t *th, uint32_t seq, uint8_t flags,
    const uint8_t *pay, uint32_t len)
{
	unsigned alen = fw->v6 ? 16 : 4;
	uint32_t sum;

	memset(th, 0, 20);
	be16enc(th, fw->end[from].port);
	be16enc(th + 2, fw->end[!from].port);
	be32enc(th + 4, seq);
	if ((flags & F_ACK) != 0)
		be32enc(th + 8,
		    fw->end[!from].iss + 1 + (uint32_t)fw->end[from].acked);
	th[12] = 5 << 4;
	th[13] = flags;
	be16enc(th + 14, 65535);
	sum = sum_add(6 + 20 + len, fw->end[from].ip, alen);
	sum = sum_add(sum, fw->end[!from].ip, alen);
	sum = sum_add(sum, th, 20);
	sum = sum_add(sum, pay, len);
	be16enc(th + 16, (uint16_t)~sum);
}

static void
emit(struct fakewire *fw, int from, uint32_t seq, uint8_t flags,
    const uint8_t *pay, uint32_t len, const char *why)
{
	struct frame f;
	uint8_t *ip, *th;

	memset(&f, 0, sizeof(f));
	f.f_id = ++fw->frames;
	fw->now += 10 * SIM_US;
	ip = put_eth(fw, from, &f);
	th = put_ip(fw, from, ip, 20 + len);
	put_tcp(fw, from, th, seq, flags, pay, len);
	f.f_refs = 1;
	f.f_l2len = (uint16_t)(ip - f.f_hdr);
	f.f_l3len = (uint16_t)(th - ip);
	f.f_l4len = 20;
	f.f_hdrlen = (uint16_t)(th + 20 - f.f_hdr);
	f.f_paylen = len;
	f.f_payload = pay;
	f.f_when = fw->now;
	f.f_note.pn_tcp = true;
	f.f_note.pn_rexmit = why != NULL;
	f.f_note.pn_why = why;
	fw->emit(fw->arg, &f, fw->now, from);
}

void
fakewire_open(struct fakewire *fw)
{
	struct fakewire_end *c = &fw->end[0], *s = &fw->end[1];

	emit(fw, 0, c->iss, F_SYN, NULL, 0, NULL);
	emit(fw, 1, s->iss, F_SYN | F_ACK, NULL, 0, NULL);
	emit(fw, 0, c->iss + 1, F_ACK, NULL, 0, NULL);
}

void
fakewire_stash(struct fakewire *fw, int from, const void *p, size_t len)
{
	struct fakewire_end *e = &fw->end[from];

	if (e->sent_len + len > e->sent_size) {
		e->sent_size = 2 * (e->sent_len + len);
		e->sent = xrealloc(e->sent, e->sent_size);
	}
	if (len > 0)
		memcpy(e->sent + e->sent_len, p, len);
	e->sent_len += len;
}

void
fakewire_ack(struct fakewire *fw, int from)
{
	fw->end[from].acked = fw->end[!from].sent_len;
	emit(fw, from, fw->end[from].iss + 1 + (uint32_t)fw->end[from].sent_len,
	    F_ACK, NULL, 0, NULL);
}

static void
segments(struct fakewire *fw, int from, size_t off, size_t len, const char *why)
{
	struct fakewire_end *e = &fw->end[from];
	size_t n;

	for (unsigned k = 1; len > 0; k++, off += n, len -= n) {
		n = len < fw->mss ? len : fw->mss;
		emit(fw, from, e->iss + 1 + (uint32_t)off,
		    n == len ? F_ACK | F_PSH : F_ACK, e->sent + off,
		    (uint32_t)n, why);
		if (why != NULL || fw->no_acks || (k % 2 != 0 && n != len))
			continue;
		fw->end[!from].acked = off + n;
		emit(fw, !from,
		    fw->end[!from].iss + 1 + (uint32_t)fw->end[!from].sent_len,
		    F_ACK, NULL, 0, NULL);
	}
}

void
fakewire_send(struct fakewire *fw, int from, const void *p, size_t len)
{
	size_t off = fw->end[from].sent_len;

	fakewire_stash(fw, from, p, len);
	segments(fw, from, off, len, NULL);
}

void
fakewire_resend(struct fakewire *fw, int from, size_t off, size_t len,
    const char *why)
{
	segments(fw, from, off, len, why);
}

void
fakewire_close(struct fakewire *fw)
{
	struct fakewire_end *c = &fw->end[0], *s = &fw->end[1];

	s->acked = c->sent_len;
	c->acked = s->sent_len;
	emit(fw, 1, s->iss + 1 + (uint32_t)s->sent_len, F_FIN | F_ACK, NULL, 0,
	    NULL);
	c->acked++;
	emit(fw, 0, c->iss + 1 + (uint32_t)c->sent_len, F_FIN | F_ACK, NULL, 0,
	    NULL);
	s->acked++;
	emit(fw, 1, s->iss + 2 + (uint32_t)s->sent_len, F_ACK, NULL, 0, NULL);
}
