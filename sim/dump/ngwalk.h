/*
 * The blocks of a pcapng file, for the two things that libpcap does not tell:
 * interface names and packet comments. Goes from packet block to packet block
 * in step with libpcap. A file that is no pcapng, or is damaged, yields
 * nothing: libpcap says what is wrong with it.
 *
 * Format: draft-ietf-opsawg-pcapng. Sections of either byte order.
 */
#ifndef SIM_DUMP_NGWALK_H
#define SIM_DUMP_NGWALK_H

#include <stdbool.h>

struct ngwalk;

/* NULL: no pcapng file. */
struct ngwalk *ngwalk_open(const char *path);
/*
 * To the next packet block. *ifname and *comment are NULL where there is
 * none, valid until the next call, and free of control characters. False: no
 * further packet.
 */
bool ngwalk_next(struct ngwalk *, const char **ifname, const char **comment);
void ngwalk_close(struct ngwalk *); /* NULL: nothing */

#endif
