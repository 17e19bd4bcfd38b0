/*
 * Any bytes as the head of a request: what http.h promises of the answer, and
 * the same again from a copy that ends where the bytes end.
 */
#include "fuzz.h"

#include <ktsim/sim/http.h>

static void
must_be_sound(const struct http_request *rq)
{
	MUST(rq->hr_path[0] == '/');
	MUST(strlen(rq->hr_path) < HTTP_PATH_MAX);
	MUST(strpbrk(rq->hr_path, " ?\r\n\t") == NULL);
	MUST(rq->hr_length <= HTTP_BODY_MAX);
	if (rq->hr_method == HTTP_GET || rq->hr_method == HTTP_HEAD)
		MUST(rq->hr_length == 0);
	MUST(!rq->hr_continue || rq->hr_length > 0);
	MUST(!rq->hr_range.has || rq->hr_method == HTTP_GET);
}

/* Whatever is asked for, it is of the file. */
static void
must_fit(const struct http_range *hr)
{
	static const uint64_t sizes[] = { 0, 1, 100, 1ULL << 32 };
	uint64_t off, len, size;
	int status;

	for (size_t i = 0; i < 4; i++) {
		size = sizes[i];
		status = http_range_fit(hr, size, &off, &len);
		MUST(status == 200 ||
		    (hr->has && (status == 206 || status == 416)));
		if (status == 206)
			MUST(len > 0 && off < size && len <= size - off);
		else
			MUST(off == 0 && len == size);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request rq, again;
	const char *why = "", *why2 = "";
	char *copy = malloc(size + 1);
	int status;

	memcpy(copy, data, size);
	status = http_request_parse(copy, size, &rq, &why);
	if (status == 0) {
		must_be_sound(&rq);
		must_fit(&rq.hr_range);
	} else {
		MUST(why != NULL && why[0] != '\0');
		MUST(strncmp(http_status(status), "500", 3) != 0);
	}
	/* What is behind the head is not looked at. */
	copy[size] = 'x';
	MUST(http_request_parse(copy, size, &again, &why2) == status);
	MUST(why == why2);
	MUST(status != 0 || memcmp(&rq, &again, sizeof(rq)) == 0);
	free(copy);
	return (0);
}
