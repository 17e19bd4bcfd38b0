/*
 * sysctl: named integers of a host, in a flat table sorted by name.
 *
 * kinds: RD only the kernel writes; RW may be written any time; TUN may be
 * written before the run begins (boot tunable) and not later. CTR marks a
 * counter: the report lists those that moved. WR is no number: bytes can be
 * written to it, to make the kernel do something, and nothing can be read.
 * Source: kern_sysctl.c; names and defaults as in each subsystem's file.
 */
#ifndef KTSIM_KERN_SYSCTL_H
#define KTSIM_KERN_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnet;

enum sysctl_kind { CTL_RD, CTL_RW, CTL_TUN, CTL_CTR, CTL_WR };

/* Called before a new value is stored; an errno refuses it. */
typedef int sysctl_check_fn(struct vnet *, uint64_t newval);

/* Of CTL_WR: val has len bytes. Its errno is the writer's. */
typedef int sysctl_proc_fn(struct vnet *, const void *val, size_t len);

struct sysctl_oid {
	const char *oid_name; /* "kern.ipc.tls.enable" */
	uint64_t *oid_val;    /* NULL: CTL_WR */
	enum sysctl_kind oid_kind;
	sysctl_check_fn *oid_check; /* NULL: anything goes */
	sysctl_proc_fn *oid_proc;   /* CTL_WR */
	const char *oid_descr;
	const char *const
	    *oid_words;	      /* of the values 0, 1 ...; NULL: numbers */
	uint64_t oid_initial; /* value when registered */
	uint64_t oid_min, oid_max;
};

struct sysctl_tree {
	struct sysctl_oid *st_oids; /* sorted by name */
	unsigned st_count, st_size;
	bool st_booted; /* TUN is read-only from now on */
};

/* Register; the name is copied, descr must be static. Duplicates are asserted. */
void sysctl_add(struct vnet *, const char *name, uint64_t *val,
    enum sysctl_kind kind, sysctl_check_fn *check, const char *descr);
/* Values outside of this are EINVAL from now on. */
void sysctl_bound(struct vnet *, const char *name, uint64_t min, uint64_t max);
/* A CTL_RW whose values have names, as strings are in FreeBSD: 0 is the first
 * of words (NULL-terminated, static), and so on; others are EINVAL. */
void sysctl_add_words(struct vnet *, const char *name, uint64_t *val,
    const char *const *words, const char *descr);
/* A CTL_WR. */
void sysctl_add_proc(struct vnet *, const char *name, sysctl_proc_fn *proc,
    const char *descr);
/* Remove every oid whose name begins with prefix (driver detach). */
void sysctl_remove(struct vnet *, const char *prefix);
void sysctl_fini(struct vnet *);

const struct sysctl_oid *sysctl_find(const struct vnet *, const char *name);
/*
 * ENOENT unknown name; EPERM read-only, or a tunable after boot; the check's
 * errno; of a CTL_WR what it says to eight bytes.
 */
int sysctl_write(struct vnet *, const char *name, uint64_t val);
/* By the value's name. ENOENT as above; EINVAL no such word, or numbers only. */
int sysctl_write_word(struct vnet *, const char *name, const char *word);
/*
 * The same of anything: a number is 8 bytes (ENOMEM: fewer). val NULL, that
 * is nothing new: EPERM.
 */
int sysctl_write_bytes(struct vnet *, const char *name, const void *val,
    size_t len);
/* ENOENT unknown name; EPERM a CTL_WR. */
int sysctl_read(const struct vnet *, const char *name, uint64_t *val);

#endif
