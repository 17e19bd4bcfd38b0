#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/sysctl.h>
#include <ktsim/kern/vnet.h>

/* Index of the first oid whose name is not before `name`. */
static unsigned
sysctl_index(const struct sysctl_tree *st, const char *name)
{
	unsigned lo = 0, hi = st->st_count, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (strcmp(st->st_oids[mid].oid_name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

/* Room for a new one, at its place; the name is set. */
static struct sysctl_oid *
sysctl_insert(struct vnet *vnet, const char *name)
{
	struct sysctl_tree *st = &vnet->v_sysctl;
	unsigned i = sysctl_index(st, name);

	KASSERT(i == st->st_count || strcmp(st->st_oids[i].oid_name, name) != 0,
	    ("sysctl %s registered twice", name));
	if (st->st_count == st->st_size) {
		st->st_size = st->st_size != 0 ? 2 * st->st_size : 64;
		st->st_oids =
		    xrealloc(st->st_oids, st->st_size * sizeof(*st->st_oids));
	}
	memmove(&st->st_oids[i + 1], &st->st_oids[i],
	    (st->st_count - i) * sizeof(*st->st_oids));
	st->st_oids[i] = (struct sysctl_oid) { .oid_name = xstrdup(name) };
	st->st_count++;
	return (&st->st_oids[i]);
}

void
sysctl_add(struct vnet *vnet, const char *name, uint64_t *val,
    enum sysctl_kind kind, sysctl_check_fn *check, const char *descr)
{
	struct sysctl_oid *oid = sysctl_insert(vnet, name);

	oid->oid_val = val;
	oid->oid_kind = kind;
	oid->oid_check = check;
	oid->oid_descr = descr;
	oid->oid_initial = *val;
	oid->oid_max = UINT64_MAX;
}

void
sysctl_bound(struct vnet *vnet, const char *name, uint64_t min, uint64_t max)
{
	struct sysctl_oid *oid;

	oid = &vnet->v_sysctl.st_oids[sysctl_index(&vnet->v_sysctl, name)];
	oid->oid_min = min;
	oid->oid_max = max;
}

void
sysctl_add_words(struct vnet *vnet, const char *name, uint64_t *val,
    const char *const *words, const char *descr)
{
	sysctl_add(vnet, name, val, CTL_RW, NULL, descr);
	vnet->v_sysctl.st_oids[sysctl_index(&vnet->v_sysctl, name)].oid_words =
	    words;
}

void
sysctl_add_proc(struct vnet *vnet, const char *name, sysctl_proc_fn *proc,
    const char *descr)
{
	struct sysctl_oid *oid = sysctl_insert(vnet, name);

	oid->oid_kind = CTL_WR;
	oid->oid_proc = proc;
	oid->oid_descr = descr;
}

void
sysctl_remove(struct vnet *vnet, const char *prefix)
{
	struct sysctl_tree *st = &vnet->v_sysctl;
	size_t len = strlen(prefix);
	unsigned first, last;

	first = sysctl_index(st, prefix);
	for (last = first; last < st->st_count &&
	     strncmp(st->st_oids[last].oid_name, prefix, len) == 0;
	     last++)
		free((char *)(uintptr_t)st->st_oids[last].oid_name);
	memmove(&st->st_oids[first], &st->st_oids[last],
	    (st->st_count - last) * sizeof(*st->st_oids));
	st->st_count -= last - first;
}

void
sysctl_fini(struct vnet *vnet)
{
	if (vnet->v_sysctl.st_oids != NULL)
		sysctl_remove(vnet, "");
	free(vnet->v_sysctl.st_oids);
	vnet->v_sysctl = (struct sysctl_tree) { 0 };
}

const struct sysctl_oid *
sysctl_find(const struct vnet *vnet, const char *name)
{
	const struct sysctl_tree *st = &vnet->v_sysctl;
	unsigned i = sysctl_index(st, name);

	if (i == st->st_count || strcmp(st->st_oids[i].oid_name, name) != 0)
		return (NULL);
	return (&st->st_oids[i]);
}

/* Values that have no name are none. */
static int
sysctl_check_word(const struct sysctl_oid *oid, uint64_t val)
{
	for (uint64_t i = 0; oid->oid_words[i] != NULL; i++)
		if (i == val)
			return (0);
	return (EINVAL);
}

int
sysctl_write_word(struct vnet *vnet, const char *name, const char *word)
{
	const struct sysctl_oid *oid = sysctl_find(vnet, name);

	if (oid == NULL)
		return (ENOENT);
	for (uint64_t i = 0;
	     oid->oid_words != NULL && oid->oid_words[i] != NULL; i++)
		if (strcmp(oid->oid_words[i], word) == 0)
			return (sysctl_write(vnet, name, i));
	return (EINVAL);
}

int
sysctl_write(struct vnet *vnet, const char *name, uint64_t val)
{
	const struct sysctl_oid *oid = sysctl_find(vnet, name);
	int error;

	if (oid == NULL)
		return (ENOENT);
	if (oid->oid_kind == CTL_RD || oid->oid_kind == CTL_CTR ||
	    (oid->oid_kind == CTL_TUN && vnet->v_sysctl.st_booted))
		return (EPERM);
	if (oid->oid_kind == CTL_WR)
		return (oid->oid_proc(vnet, &val, sizeof(val)));
	if (val < oid->oid_min || val > oid->oid_max)
		return (EINVAL);
	if (oid->oid_words != NULL &&
	    (error = sysctl_check_word(oid, val)) != 0)
		return (error);
	if (oid->oid_check != NULL && (error = oid->oid_check(vnet, val)) != 0)
		return (error);
	*oid->oid_val = val;
	return (0);
}

int
sysctl_write_bytes(struct vnet *vnet, const char *name, const void *val,
    size_t len)
{
	const struct sysctl_oid *oid = sysctl_find(vnet, name);
	uint64_t num;

	if (oid == NULL)
		return (ENOENT);
	if (val == NULL)
		return (EPERM);
	if (oid->oid_kind == CTL_WR)
		return (oid->oid_proc(vnet, val, len));
	if (len < sizeof(num))
		return (ENOMEM);
	memcpy(&num, val, sizeof(num));
	return (sysctl_write(vnet, name, num));
}

int
sysctl_read(const struct vnet *vnet, const char *name, uint64_t *val)
{
	const struct sysctl_oid *oid = sysctl_find(vnet, name);

	if (oid == NULL)
		return (ENOENT);
	if (oid->oid_kind == CTL_WR)
		return (EPERM);
	*val = *oid->oid_val;
	return (0);
}
