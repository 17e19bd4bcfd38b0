/*
 * Assertions and panics of the simulated kernels and cards.
 *
 * KASSERT is on in every build. A failed one is a programmer's mistake (or a
 * planted defect that did what it was planted for): kpanic() formats the text
 * and hands it to the handler of the running thread, which does not return.
 * The laboratory's handler unwinds to the run loop, closes the captures and
 * ends with exit code 4; a unit test's handler unwinds to the test. Without a
 * handler the process aborts.
 *
 * The handler is the one piece of state in the tree that belongs to a thread
 * and not to an object: an assertion has no argument to carry it.
 */
#ifndef KTSIM_BASE_KASSERT_H
#define KTSIM_BASE_KASSERT_H

/* Must not return; msg lives until the next panic of the same thread. */
typedef void kpanic_fn(void *arg, const char *msg);

/* Install fn for this thread; NULL restores abort(). */
void kpanic_sethandler(kpanic_fn *fn, void *arg);

_Noreturn void kpanic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* KASSERT(expression, ("format", arguments)), as in FreeBSD. */
#define KASSERT(exp, msg)                        \
	do {                                     \
		if (__builtin_expect(!(exp), 0)) \
			kpanic msg;              \
	} while (0)

#define CTASSERT(x) _Static_assert(x, #x)
#define nitems(a)   (sizeof(a) / sizeof((a)[0]))
#define containerof(p, type, field) \
	((type *)(void *)((char *)(p)-offsetof(type, field)))

#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef MAX
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define howmany(x, y)  (((x) + ((y)-1)) / (y))
#define roundup2(x, y) (((x) + ((y)-1)) & ~((uint64_t)(y)-1))

#endif
