/*
 * Does this libssl hand its keys to a BIO? The controls it uses have numbers
 * that no public header promises, and a build may leave them out; so one
 * handshake of each version is made in memory before the run, and we look
 * whether the keys were offered. They are refused: nothing else is needed.
 */
#include <errno.h>

#include "mem_io.h"
#include "tls_int.h"

static bool
shake(struct tls_endpoint *ep[2])
{
	int error = 0;

	for (int round = 0; round < 12; round++) {
		error = tls_endpoint_handshake(ep[round & 1]);
		if (error != 0 && error != EWOULDBLOCK)
			return (false);
	}
	return (ep[0]->ep_hs_done && ep[1]->ep_hs_done);
}

static const char *
try_version(struct tls_userland *tu, int version)
{
	struct tls_endpoint *ep[2] = { NULL, NULL };
	struct tls_params tp = { .tp_version = version,
		.tp_suite = "aes128-gcm",
		.tp_tx = TLS_PLACE_KERNEL,
		.tp_rx = TLS_PLACE_KERNEL,
		.tp_seed = tu->tu_seed };
	const char *why = NULL;
	struct mem_pipe mp;
	int error = 0;

	mem_pipe_init(&mp);
	for (int i = 0; i < 2 && error == 0; i++) {
		tp.tp_server = i == 1;
		tp.tp_name = i == 1 ? "selftest server" : "selftest client";
		error = tls_endpoint_create_io(tu, &mem_io, &mp.mp_end[i], &tp,
		    &ep[i]);
	}
	if (error != 0 || !shake(ep))
		why = "libssl fails its own handshake with the simulator's "
		      "settings";
	else
		for (int i = 0; i < 2; i++)
			if (!ep[i]->ep_offered_tx ||
			    (version == 12 && !ep[i]->ep_offered_rx) ||
			    (version == 13 && ep[i]->ep_rx_secret_len != 32))
				why = "this libssl does not hand its keys to "
				      "a kernel (built without KTLS?)";
	tls_endpoint_destroy(ep[0]);
	tls_endpoint_destroy(ep[1]);
	mem_pipe_fini(&mp);
	return (why);
}

const char *
ssl_selftest(struct tls_userland *tu)
{
	const char *why;

	why = try_version(tu, 13);
	return (why != NULL ? why : try_version(tu, 12));
}
