/*
 * Standard output, which is written late: what goes to standard error comes
 * behind what was printed before, and what could not be written is told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int first_error;
static bool told;

bool
stdout_flush(void)
{
	if (fflush(stdout) != 0 && first_error == 0)
		first_error = errno;
	return (ferror(stdout) == 0);
}

/* Who closes a pipe has read what he wanted (`ktls-sim list | head`). */
int
stdout_code(int code)
{
	if (stdout_flush())
		return (code);
	/* stdio wrote in between and threw errno away: ask once more. */
	if (first_error == 0)
		first_error = write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
	if (first_error == EPIPE)
		return (code);
	if (!told)
		fprintf(stderr, "ktls-sim: standard output: %s\n",
		    strerror(first_error));
	told = true;
	return (code == EXIT_INTERRUPTED ? code : EXIT_MISSING);
}
