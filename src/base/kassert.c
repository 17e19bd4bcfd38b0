#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>

static _Thread_local kpanic_fn *panic_fn;
static _Thread_local void *panic_arg;
static _Thread_local char panic_text[512];

void
kpanic_sethandler(kpanic_fn *fn, void *arg)
{
	panic_fn = fn;
	panic_arg = arg;
}

void
kpanic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
	va_end(ap);
	if (panic_fn != NULL)
		panic_fn(panic_arg, panic_text);
	abort();
}
