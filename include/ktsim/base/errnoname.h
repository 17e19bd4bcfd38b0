/* "EAGAIN" and the like, with FreeBSD's spelling; "0" and "E?17" otherwise. */
#ifndef KTSIM_BASE_ERRNONAME_H
#define KTSIM_BASE_ERRNONAME_H

const char *errno_name(int error); /* static storage or per-thread buffer */
/* Reverse; -1 when the name is not known. */
int errno_value(const char *name);

#endif
