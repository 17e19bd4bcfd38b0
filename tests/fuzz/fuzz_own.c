/*
 * Any bytes as what a program of the user's says, in pieces whose size the first
 * byte says. Commands come out the same however the bytes are cut; what they
 * point to lies within what came; reasons can be printed.
 */
#include "fuzz.h"

#include <errno.h>

#include <ktsim/sim/own.h>

static void
must_be_sound(const struct own_cmd *oc)
{
	switch (oc->oc_verb) {
	case OWN_WRITE:
		MUST(oc->oc_n[0] <= OWN_WRITE_MAX && oc->oc_data != NULL);
		break;
	case OWN_TIMER:
		MUST(oc->oc_n[0] >= OWN_TIMER_MIN &&
		    oc->oc_n[0] <= OWN_TIMER_MAX);
		break;
	case OWN_REPORT:
		MUST(strlen(oc->oc_text) >= 1 &&
		    strlen(oc->oc_text) <= OWN_KEY_MAX);
		MUST(oc->oc_n[0] <= INT64_MAX);
		break;
	case OWN_SENDFILE:
	case OWN_LOG:
		MUST(oc->oc_text != NULL && strlen(oc->oc_text) < OWN_LINE_MAX);
		break;
	default:
		break;
	}
	for (const char *p = oc->oc_text; p != NULL && *p != '\0'; p++)
		MUST((*p >= ' ' && *p < 127) || *p == '\t');
}

/* A command as text, to compare. */
static void
describe(const struct own_cmd *oc, struct strbuf *sb)
{
	strbuf_addf(sb, "%d %s %ju %ju ", (int)oc->oc_verb,
	    oc->oc_text != NULL ? oc->oc_text : "-", (uintmax_t)oc->oc_n[0],
	    (uintmax_t)oc->oc_n[1]);
	if (oc->oc_data != NULL)
		strbuf_add(sb, oc->oc_data, (size_t)oc->oc_n[0]);
}

static void
read_all(const uint8_t *data, size_t size, size_t step, struct strbuf *sb)
{
	struct own_reader or = { 0 };
	struct strbuf why = { 0 };
	struct own_cmd oc;
	int error = EAGAIN;
	size_t n;

	for (size_t off = 0; off < size && error == EAGAIN; off += n) {
		n = size - off < step ? size - off : step;
		own_reader_put(& or, data + off, n);
		while ((error = own_reader_next(& or, &oc, &why)) == 0) {
			must_be_sound(&oc);
			describe(&oc, sb);
		}
		MUST(error == EAGAIN || error == EBADMSG);
	}
	MUST((error == EBADMSG) == (why.sb_len > 0));
	for (const char *p = strbuf_str(&why); *p != '\0'; p++)
		MUST(*p >= ' ' && *p < 127);
	strbuf_addf(sb, "%d", error);
	strbuf_fini(&why);
	own_reader_fini(& or);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf whole = { 0 }, cut = { 0 };

	if (size == 0)
		return (0);
	read_all(data + 1, size - 1, size, &whole);
	read_all(data + 1, size - 1, data[0] + 1u, &cut);
	MUST(whole.sb_len == cut.sb_len &&
	    memcmp(strbuf_str(&whole), strbuf_str(&cut), whole.sb_len) == 0);
	strbuf_fini(&whole);
	strbuf_fini(&cut);
	return (0);
}
