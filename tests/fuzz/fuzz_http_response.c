/*
 * Any bytes as the head of an answer: what http.h promises a client, and the
 * same again from a copy that ends where the bytes end.
 */
#include "fuzz.h"

#include <errno.h>

#include <ktsim/sim/http.h>

static void
must_be_sound(const struct http_response *hp)
{
	MUST(hp->hp_status >= 200 && hp->hp_status <= 599);
	MUST(hp->hp_length <= HTTP_BODY_MAX);
	MUST(!hp->hp_unsatisfied || hp->hp_has_range);
	if (hp->hp_has_range && !hp->hp_unsatisfied)
		MUST(hp->hp_first <= hp->hp_last && hp->hp_last < hp->hp_size);
	if (hp->hp_status == 206)
		MUST(hp->hp_has_range && !hp->hp_unsatisfied &&
		    hp->hp_last - hp->hp_first + 1 == hp->hp_length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response hp, again;
	const char *why = "", *why2 = "";
	char *copy = malloc(size + 1);
	int error;

	memcpy(copy, data, size);
	error = http_response_parse(copy, size, &hp, &why);
	if (error == 0)
		must_be_sound(&hp);
	else
		MUST(error == EPROTO && why != NULL && why[0] != '\0');
	/* What is behind the head is not looked at. */
	copy[size] = 'x';
	MUST(http_response_parse(copy, size, &again, &why2) == error);
	MUST(why == why2);
	MUST(error != 0 || memcmp(&hp, &again, sizeof(hp)) == 0);
	free(copy);
	return (0);
}
