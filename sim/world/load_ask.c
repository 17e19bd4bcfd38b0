/* What a crowd asks for: which file by Zipf's law, all of it or a part. */
#include <string.h>

#include "load_priv.h"

#define EARLY_LEN 100 /* bytes of a record that comes too early */

/* From, to; from to the end; the last so many. */
static char *
range_field(struct load *ld, struct ask *as)
{
	uint64_t size = as->as_file->size, off, len;

	off = prng_below(&ld->ld_rng, size);
	len = 1 + prng_below(&ld->ld_rng, size - off);
	as->as_status = 206;
	switch (prng_below(&ld->ld_rng, 3)) {
	case 0:
		len = size - off;
		as->as_off = off;
		as->as_len = len;
		return (xasprintf("Range: bytes=%ju-\r\n", (uintmax_t)off));
	case 1:
		as->as_off = size - len;
		as->as_len = len;
		return (xasprintf("Range: bytes=-%ju\r\n", (uintmax_t)len));
	default:
		as->as_off = off;
		as->as_len = len;
		return (xasprintf("Range: bytes=%ju-%ju\r\n", (uintmax_t)off,
		    (uintmax_t)(off + len - 1)));
	}
}

/* A head that is too long for any server. */
static char *
padding_field(struct ask *as)
{
	char *text = xcalloc(1, HTTP_HEAD_MAX + 16);

	memcpy(text, "X-Padding: ", 11);
	memset(text + 11, 'x', HTTP_HEAD_MAX);
	memcpy(text + 11 + HTTP_HEAD_MAX, "\r\n", 3);
	as->as_status = 431;
	return (text);
}

static char *
more_fields(struct conn *c, struct ask *as, bool last)
{
	const struct sc_app *sc = c->c_app->a_sc;
	struct load *ld = c->c_data;

	if (last && ld->ld_kinds[LOAD_OVERSIZED])
		return (padding_field(as));
	if (prng_chance(&ld->ld_rng, (uint32_t)sc->ranges) &&
	    as->as_file->size > 0)
		return (range_field(ld, as));
	return (xstrdup(""));
}

void
load_ask(struct conn *c)
{
	struct crowd *cr = c->c_app->a_data;
	const struct sc_app *sc = c->c_app->a_sc;
	struct load *ld = c->c_data;
	struct ask *as = &ld->ld_asks[ld->ld_asked++ % LOAD_PIPELINE];
	char *fields, *text;

	c->c_requests++;
	c->c_more = ld->ld_asked < sc->requests;
	*as = (struct ask) {
		.as_file =
		    &cr->cr_files[law_zipf_draw(&cr->cr_zipf, &ld->ld_rng)],
		.as_status = 200
	};
	as->as_len = as->as_file->size;
	fields = more_fields(c, as, !c->c_more);
	text = xasprintf("GET %s HTTP/1.1\r\nHost: %s.sim\r\n"
			 "User-Agent: ktls-sim\r\n%sConnection: %s\r\n\r\n",
	    as->as_file->loc.name, sc->server, fields,
	    c->c_more ? "keep-alive" : "close");
	strbuf_clear(&ld->ld_out);
	strbuf_adds(&ld->ld_out, text);
	ld->ld_outoff = 0;
	ledger_origin_bytes(c->c_flow, LEDGER_C2S, text, strlen(text));
	free(fields);
	free(text);
}

/* A record of application data, as one in 0-RTT would be, of a session that
 * no server knows. */
void
load_early(struct conn *c)
{
	struct load *ld = c->c_data;
	uint8_t rec[5 + EARLY_LEN] = { 23, 3, 3, 0, EARLY_LEN };

	prng_bytes(&ld->ld_rng, rec + 5, EARLY_LEN);
	strbuf_add(&ld->ld_out, (const char *)rec, sizeof(rec));
}

bool
load_answers(const struct ask *as, const struct http_response *hp)
{
	if (hp->hp_status != as->as_status)
		return (false);
	if (as->as_status == 206)
		return (hp->hp_first == as->as_off &&
		    hp->hp_length == as->as_len &&
		    hp->hp_size == as->as_file->size);
	return (as->as_status != 200 || hp->hp_length == as->as_len);
}
