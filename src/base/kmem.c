#define _GNU_SOURCE /* vasprintf */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>

#if defined(__SANITIZE_ADDRESS__)
#define KMEM_NO_CACHE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KMEM_NO_CACHE 1
#endif
#endif
#ifndef KMEM_NO_CACHE
#define KMEM_NO_CACHE 0
#endif

void *
xrealloc(void *p, size_t size)
{
	p = realloc(p, size != 0 ? size : 1);
	if (p == NULL) {
		fputs("ktls-sim: out of memory\n", stderr);
		_exit(3);
	}
	return (p);
}

void *
xcalloc(size_t n, size_t size)
{
	void *p;

	p = calloc(n != 0 ? n : 1, size != 0 ? size : 1);
	if (p == NULL)
		return (xrealloc(NULL, SIZE_MAX)); /* says so and ends */
	return (p);
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return (memcpy(xrealloc(NULL, n), s, n));
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return (xrealloc(NULL, SIZE_MAX)); /* says so and ends */
	return (s);
}

void
kmem_init(struct kmem *km)
{
	*km = (struct kmem) { 0 };
	SLIST_INIT(&km->km_zones);
}

void
kmem_fini(struct kmem *km)
{
	KASSERT(SLIST_EMPTY(&km->km_zones),
	    ("kmem_fini: zone %s lives", SLIST_FIRST(&km->km_zones)->z_name));
}

uint64_t
kmem_inuse(const struct kmem *km)
{
	const struct kzone *z;
	uint64_t n = 0;

	SLIST_FOREACH(z, &km->km_zones, z_link)
		n += z->z_inuse;
	return (n);
}

void
kmem_dump(const struct kmem *km, struct strbuf *sb, int indent)
{
	const struct kzone *z;

	SLIST_FOREACH(z, &km->km_zones, z_link)
		if (z->z_allocs > 0 || z->z_fails > 0)
			strbuf_addf(sb,
			    "%*szone %s: in use %ju most %ju allocated %ju "
			    "failed %ju\n",
			    indent, "", z->z_name, (uintmax_t)z->z_inuse,
			    (uintmax_t)z->z_max, (uintmax_t)z->z_allocs,
			    (uintmax_t)z->z_fails);
}

void
kzone_init(struct kzone *z, struct kmem *km, const char *name, size_t size)
{
	*z = (struct kzone) { .z_name = name,
		.z_size = MAX(size, sizeof(void *)),
		.z_kmem = km };
	SLIST_INSERT_HEAD(&km->km_zones, z, z_link);
}

void
kzone_fini(struct kzone *z)
{
	struct kzone **pz;
	void *item;

	while ((item = z->z_free) != NULL) {
		memcpy(&z->z_free, item, sizeof(void *));
		free(item);
	}
	if (z->z_inuse != 0) {
		z->z_kmem->km_lost += z->z_inuse;
		z->z_kmem->km_lost_zone = z->z_name;
	}
	for (pz = &z->z_kmem->km_zones.slh_first; *pz != z;
	     pz = &(*pz)->z_link.sle_next)
		;
	*pz = z->z_link.sle_next;
}

/* One of those that still succeed before the scenario's failure. */
static bool
kzone_goes_by(struct kzone *z)
{
	if (z->z_fail_count > 0)
		z->z_fail_after--;
	return (false);
}

static bool
kzone_refuses(struct kzone *z)
{
	struct kmem *km = z->z_kmem;

	km->km_nowait++;
	if (km->km_nowait == km->km_fail_at)
		km->km_failed = z->z_name;
	else if (z->z_fail_count > 0 && z->z_fail_after == 0)
		z->z_fail_count--;
	else if (z->z_limit == 0 || z->z_inuse < z->z_limit)
		return (kzone_goes_by(z));
	z->z_fails++;
	return (true);
}

struct kzone *
kmem_zone(struct kmem *km, const char *name)
{
	struct kzone *z;

	SLIST_FOREACH(z, &km->km_zones, z_link)
		if (strcmp(z->z_name, name) == 0)
			return (z);
	return (NULL);
}

/* On a cache line: structures are laid out by what is used together. */
static void *
kzone_item(const struct kzone *z)
{
	void *p;

	if (posix_memalign(&p, 64, z->z_size) != 0)
		return (xrealloc(NULL, SIZE_MAX)); /* says so and ends */
	return (p);
}

void *
kzone_alloc(struct kzone *z, int flags)
{
	void *item;

	if ((flags & M_NOWAIT) != 0 && kzone_refuses(z))
		return (NULL);
	item = z->z_free;
	if (item != NULL)
		memcpy(&z->z_free, item, sizeof(void *));
	else
		item = kzone_item(z);
	if ((flags & M_ZERO) != 0)
		memset(item, 0, z->z_size);
	z->z_allocs++;
	if (++z->z_inuse > z->z_max)
		z->z_max = z->z_inuse;
	return (item);
}

void
kzone_free(struct kzone *z, void *item)
{
	KASSERT(z->z_inuse > 0, ("kzone_free: zone %s is empty", z->z_name));
	z->z_inuse--;
	if (KMEM_NO_CACHE) {
		free(item);
		return;
	}
	memcpy(item, &z->z_free, sizeof(void *));
	z->z_free = item;
}
