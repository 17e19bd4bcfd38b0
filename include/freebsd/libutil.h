/* hexdump(3), of FreeBSD's libutil. */
#ifndef KTLSSIM_FREEBSD_LIBUTIL_H
#define KTLSSIM_FREEBSD_LIBUTIL_H

#define HD_COLUMN_MASK 0xff
#define HD_DELIM_MASK  0xff00
#define HD_OMIT_COUNT  (1 << 16)
#define HD_OMIT_HEX    (1 << 17)
#define HD_OMIT_CHARS  (1 << 18)

/* Lines of 16 (or flags & HD_COLUMN_MASK) bytes on stdout, each after hdr. */
void hexdump(const void *ptr, int length, const char *hdr, int flags);

#endif
