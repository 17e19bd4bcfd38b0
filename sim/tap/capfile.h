/*
 * A capture file being written: buffered, and left valid whatever happens.
 *
 * When the disk is full in the middle of a block, the file is closed at once
 * and cut back to the last whole block; the errno stays for all later calls.
 * Where blocks end is found by walking the file once more with a format's
 * own step function: it costs nothing until it is needed.
 */
#ifndef SIM_TAP_CAPFILE_H
#define SIM_TAP_CAPFILE_H

#include <stdint.h>
#include <stdio.h>

/*
 * Bytes of the block whose first `have` bytes (up to CAPFILE_STEP) are at p;
 * off is its place in the file. 0: no block begins here.
 */
#define CAPFILE_STEP 24
typedef uint64_t capfile_step_fn(uint64_t off, const uint8_t *p, size_t have);

struct capfile {
	FILE *cf_fp; /* NULL after an error */
	capfile_step_fn *cf_step;
	int cf_error;
	void (*cf_closefp)(void *arg); /* NULL: fclose */
	void *cf_arg;
};

int capfile_open(struct capfile *, const char *path, capfile_step_fn *);
/* No-op after an error. */
void capfile_write(struct capfile *, const void *, size_t);
/* Something failed with `error`: close, cut, remember. Returns cf_error. */
int capfile_fail(struct capfile *, int error);
int capfile_flush(struct capfile *);
int capfile_close(struct capfile *);

#endif
