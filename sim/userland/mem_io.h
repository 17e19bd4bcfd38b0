/*
 * A transport of two byte queues in memory: for the self-test, and for tests
 * that need no kernel. It refuses keys with mp_refuse.
 */
#ifndef SIM_USERLAND_MEM_IO_H
#define SIM_USERLAND_MEM_IO_H

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/tls_io.h>

struct mem_end {
	struct strbuf *me_in, *me_out;
	size_t me_taken;	/* of me_in */
	size_t me_room;		/* bytes me_out may hold; 0: any */
	int me_refuse;		/* errno of io_enable */
	bool me_closed;		/* the other side sends no more */
	struct strbuf *me_copy; /* of all it sent; NULL: none */
};

struct mem_pipe {
	struct strbuf mp_bytes[2]; /* [i]: from end i to the other */
	struct mem_end mp_end[2];
};

extern const struct tls_io mem_io; /* arg: struct mem_end */

void mem_pipe_init(struct mem_pipe *);
void mem_pipe_fini(struct mem_pipe *);

#endif
