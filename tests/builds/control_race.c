/*
 * Two threads write one variable without a lock: what the thread sanitizer
 * has to report. If it does not, its silence about ktls-sim says nothing.
 */
#include <pthread.h>

static int counter;

static void *
add(void *arg)
{
	for (int i = 0; i < 1000; i++)
		counter++;
	return (arg);
}

int
main(void)
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, add, NULL) != 0)
			return (1);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return (0);
}
