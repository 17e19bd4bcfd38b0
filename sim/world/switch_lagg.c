/*
 * A switch's laggs: ports that are one to everybody behind other ports. Static,
 * or together with a partner by LACP, by the engine that hosts have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>

#include "switch_priv.h"

#define PROTO_TCP 6
#define PROTO_UDP 17

/* --- which port --- */

/* a[i] ^ b[i]: the same for both directions of a flow. */
static uint8_t *
mix(uint8_t *out, const uint8_t *a, const uint8_t *b, unsigned len)
{
	while (len-- > 0)
		*out++ = *a++ ^ *b++;
	return (out);
}

static uint8_t *
mix_ip(uint8_t *out, const uint8_t *ip, uint32_t len, uint16_t type)
{
	uint32_t hlen;
	uint8_t proto;
	bool whole = true;

	if (type == KETHERTYPE_IP && len >= 20) {
		out = mix(out, ip + 12, ip + 16, 4);
		hlen = (ip[0] & 15) * 4u;
		proto = ip[9];
		whole = (be16dec(ip + 6) & 0x3fff) == 0; /* has the ports */
	} else if (type == KETHERTYPE_IPV6 && len >= 40) {
		out = mix(out, ip + 8, ip + 24, 16);
		hlen = 40;
		proto = ip[6];
	} else
		return (out);
	if (whole && (proto == PROTO_TCP || proto == PROTO_UDP) &&
	    len >= hlen + 4)
		out = mix(out, ip + hlen, ip + hlen + 2, 2);
	return (out);
}

static uint64_t
flow_hash(const struct frame *f)
{
	uint8_t key[6 + 16 + 2], *end;
	const uint8_t *p = f->f_hdr;
	uint32_t off = KETHER_HDR_LEN;
	uint16_t type;

	end = mix(key, p, p + KETHER_ADDR_LEN, KETHER_ADDR_LEN);
	type = be16dec(p + 12);
	if (type == KETHERTYPE_VLAN && f->f_hdrlen >= off + KETHER_VLAN_LEN) {
		type = be16dec(p + off + 2);
		off += KETHER_VLAN_LEN;
	}
	end = mix_ip(end, p + off, f->f_hdrlen - off, type);
	return (hash64(key, (size_t)(end - key), 0));
}

static bool
sport_usable(const struct sport *p)
{
	return (p->p_up && p->p_end != NULL);
}

static struct sport *
static_port(const struct slagg *g, uint64_t hash)
{
	struct sport *up[LACP_MAX_PORTS];
	unsigned n = 0;

	for (unsigned i = 0; i < g->g_nports; i++)
		if (sport_usable(g->g_ports[i]))
			up[n++] = g->g_ports[i];
	return (n > 0 ? up[hash % n] : NULL);
}

struct sport *
slagg_port(struct slagg *g, const struct frame *f, const char **why)
{
	uint64_t hash = flow_hash(f);
	struct sport *p = NULL;
	unsigned n;

	if (g->g_lacp == NULL)
		p = static_port(g, hash);
	else if (lacp_suppressed(g->g_lacp)) {
		*why = "switch: LACP, waiting for markers after a change of "
		       "ports";
		return (NULL);
	} else if ((n = lacp_active_count(g->g_lacp)) > 0)
		p = lacp_active_port(g->g_lacp, (unsigned)(hash % n));
	if (p == NULL)
		*why = "switch: the lagg has no port";
	return (p);
}

bool
slagg_hears(const struct sport *p)
{
	return (p->p_lacp == NULL ||
	    (lacp_port_collecting(p->p_lacp) && lacp_port_active(p->p_lacp)));
}

/* --- LACP --- */

/* The link header and what else the engine may look at. */
bool
slagg_control(struct sport *p, const struct frame *f)
{
	uint8_t bytes[LACP_FRAME_LEN];
	uint32_t head = MIN((uint32_t)f->f_hdrlen, sizeof(bytes));
	uint32_t rest = MIN(f->f_paylen, (uint32_t)sizeof(bytes) - head);

	if (p->p_lacp == NULL)
		return (false);
	memcpy(bytes, f->f_hdr, head);
	if (rest > 0)
		memcpy(bytes + head, f->f_payload, rest);
	if (head + rest < sizeof(bytes))
		memset(bytes + head + rest, 0, sizeof(bytes) - head - rest);
	return (lacp_input(p->p_lacp, bytes, frame_len(f)));
}

static int
slagg_transmit(void *owner, const uint8_t *bytes)
{
	struct sport *p = owner;
	struct frame *f;

	if (!sport_usable(p))
		return (ENETDOWN); /* no answer is waited for */
	f = frame_alloc(p->p_switch->s_p.sp_pool);
	frame_fill(f, NULL, 0, bytes, LACP_FRAME_LEN);
	sport_send(p, f);
	return (0);
}

static void
slagg_changed(void *arg, const char *reason)
{
	struct slagg *g = arg;

	if (lacp_active_count(g->g_lacp) == 0)
		switch_forget(g->g_switch, g->g_ports[0]);
}

static const struct lacp_ops slagg_ops = { .lo_transmit = slagg_transmit,
	.lo_changed = slagg_changed };

void
slagg_link(struct sport *p)
{
	const struct slagg *g = p->p_lagg;

	if (p->p_lacp != NULL)
		lacp_port_link(p->p_lacp, p->p_up, true, p->p_port.pt_rate_bps);
	else if (static_port(g, 0) == NULL)
		switch_forget(p->p_switch, g->g_ports[0]);
}

/* --- life --- */

/* A locally administered address of the switch; of a port, from 1. */
static void
switch_lladdr(const struct lanswitch *s, unsigned port, uint8_t addr[6])
{
	uint8_t h[8];

	be64enc(h, hash64(s->s_name, strlen(s->s_name), 0));
	addr[0] = 0x02;
	memcpy(addr + 1, h, 4);
	addr[5] = (uint8_t)port;
}

static void
slagg_join(struct slagg *g, struct sport *p)
{
	struct lanswitch *s = g->g_switch;
	struct lacp_port_params pp = { .lpp_owner = p,
		.lpp_name = p->p_name,
		.lpp_portno = (uint16_t)(p - s->s_ports + 1) };

	p->p_lagg = g;
	p->p_home = g->g_ports[0];
	if (g->g_lacp == NULL)
		return;
	switch_lladdr(s, 0, pp.lpp_sysmac);
	switch_lladdr(s, pp.lpp_portno, pp.lpp_lladdr);
	p->p_lacp = lacp_port_create(g->g_lacp, &pp);
}

static void
slagg_create(struct slagg *g, const struct switch_lagg *sl)
{
	struct lanswitch *s = g->g_switch;
	struct lacp_params lp = { .lpa_tb = s->s_p.sp_tb,
		.lpa_tracer = &s->s_p.sp_tracer,
		.lpa_ops = &slagg_ops,
		.lpa_arg = g,
		.lpa_index = (uint16_t)(g - s->s_laggs + 1),
		.lpa_fast_timeout = sl->sl_fast_timeout };

	KASSERT(sl->sl_nports > 0 && sl->sl_nports <= LACP_MAX_PORTS,
	    ("switch %s: lagg of %u ports", s->s_name, sl->sl_nports));
	g->g_name = xasprintf("%s.%s", s->s_name, sl->sl_name);
	g->g_ports = xcalloc(sl->sl_nports, sizeof(*g->g_ports));
	g->g_nports = sl->sl_nports;
	for (unsigned i = 0; i < sl->sl_nports; i++)
		g->g_ports[i] = &s->s_ports[sl->sl_ports[i]];
	lp.lpa_name = g->g_name;
	if (sl->sl_lacp)
		g->g_lacp = lacp_create(&lp);
	for (unsigned i = 0; i < sl->sl_nports; i++)
		slagg_join(g, g->g_ports[i]);
	if (sl->sl_lacp)
		lacp_start(g->g_lacp);
}

void
slaggs_create(struct lanswitch *s)
{
	s->s_laggs = xcalloc(s->s_p.sp_nlaggs, sizeof(*s->s_laggs));
	for (unsigned i = 0; i < s->s_p.sp_nlaggs; i++) {
		s->s_laggs[i].g_switch = s;
		slagg_create(&s->s_laggs[i], &s->s_p.sp_laggs[i]);
	}
	s->s_p.sp_laggs = NULL; /* the caller's */
}

void
slaggs_destroy(struct lanswitch *s)
{
	for (unsigned i = 0; i < s->s_p.sp_nlaggs; i++) {
		lacp_destroy(s->s_laggs[i].g_lacp);
		free(s->s_laggs[i].g_ports);
		free(s->s_laggs[i].g_name);
	}
	free(s->s_laggs);
}

void
slagg_dump(const struct slagg *g, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*slagg %s %s", indent, "", g->g_name,
	    g->g_lacp != NULL ? "lacp" : "static");
	if (g->g_lacp != NULL)
		strbuf_addf(sb, ", distributing ports %u%s",
		    lacp_active_count(g->g_lacp),
		    lacp_suppressed(g->g_lacp) ? ", suppressed" : "");
	strbuf_adds(sb, "\n");
	for (unsigned i = 0; i < g->g_nports; i++) {
		strbuf_addf(sb, "%*sport %s\n", indent + 2, "",
		    g->g_ports[i]->p_name);
		if (g->g_ports[i]->p_lacp != NULL)
			lacp_port_dump(g->g_ports[i]->p_lacp, sb, indent + 4);
	}
}
