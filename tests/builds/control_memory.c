/*
 * One mistake by name: what memcheck has to report. If it does not, its
 * silence about ktls-sim says nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	volatile char *volatile p = malloc(16); /* no store is optimised away */
	const char *what = argc == 2 ? argv[1] : "";

	if (p == NULL)
		return (1);
	if (strcmp(what, "uninitialised") == 0)
		fputs(p[3] != 0 ? "set\n" : "", stdout);
	else if (strcmp(what, "overrun") == 0)
		p[16] = 1;
	else if (strcmp(what, "leak") == 0)
		p = NULL;
	else if (strcmp(what, "nothing") != 0)
		return (2);
	free((char *)(size_t)p);
	return (0);
}
