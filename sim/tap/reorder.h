#ifndef SIM_TAP_REORDER_H
#define SIM_TAP_REORDER_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

/*
 * Of the pcapng file, little-endian, all blocks of type `secret` go, and those
 * in secrets come where its head of so many bytes ends. An errno: the file is
 * as it was.
 */
int reorder_secrets(const char *path, uint64_t head, uint32_t secret,
    const struct strbuf *secrets);

#endif
