/* sysctlbyname(3) of the simulated kernel. */
#ifndef KTLSSIM_FREEBSD_SYS_SYSCTL_H
#define KTLSSIM_FREEBSD_SYS_SYSCTL_H

#include <stddef.h>

/*
 * The value has the size that is asked for: 1, 2, 4 or 8 bytes. ENOMEM: it
 * does not fit; ENOENT; EPERM: not to be written now.
 */
int sysctlbyname(const char *, void *, size_t *, const void *, size_t);

#endif
