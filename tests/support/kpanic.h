/* Expect a panic: EXPECT_PANIC(expression, "part of its text"). */
#ifndef KPANIC_H
#define KPANIC_H

#include <string.h>

#include <ktsim/base/kassert.h>

struct kpanic_catch {
	jmp_buf env;
	char msg[512];
};

static inline void
kpanic_catch_fn(void *arg, const char *msg)
{
	struct kpanic_catch *c = arg;

	snprintf(c->msg, sizeof(c->msg), "%s", msg);
	longjmp(c->env, 1);
}

#define EXPECT_PANIC(expr, text)                                          \
	do {                                                              \
		struct kpanic_catch c_;                                   \
		if (setjmp(c_.env) == 0) {                                \
			kpanic_sethandler(kpanic_catch_fn, &c_);          \
			(void)(expr);                                     \
			kpanic_sethandler(NULL, NULL);                    \
			fail_msg("%s did not panic", #expr);              \
		}                                                         \
		kpanic_sethandler(NULL, NULL);                            \
		if (strstr(c_.msg, (text)) == NULL)                       \
			fail_msg("panic \"%s\", expected \"%s\"", c_.msg, \
			    text);                                        \
	} while (0)

/* The same for a statement without a value. */
#define EXPECT_PANIC_VOID(stmt, text) EXPECT_PANIC(((stmt), 0), text)

#endif
