/*
 * Capture files that stay valid when the disk is full: see capfile.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "capfile.h"

#define CAPFILE_BUFSIZE (256 * 1024)

int
capfile_open(struct capfile *cf, const char *path, capfile_step_fn *step)
{
	*cf = (struct capfile) { .cf_step = step };
	cf->cf_fp = fopen(path, "w+b");
	if (cf->cf_fp == NULL)
		return (cf->cf_error = errno);
	setvbuf(cf->cf_fp, NULL, _IOFBF, CAPFILE_BUFSIZE);
	return (0);
}

/* Where the last whole block of the file ends. */
static uint64_t
capfile_valid(int fd, uint64_t size, capfile_step_fn *step)
{
	uint8_t head[CAPFILE_STEP];
	uint64_t off = 0, len;
	ssize_t n;

	while (off < size) {
		n = pread(fd, head, sizeof(head), (off_t)off);
		if (n <= 0)
			break;
		len = step(off, head, (size_t)n);
		if (len == 0 || len > size - off)
			break;
		off += len;
	}
	return (off);
}

/*
 * stdio keeps what it could not write and would try again at fclose, behind
 * the cut; so the stream goes first and the file is cut by a second name.
 */
int
capfile_fail(struct capfile *cf, int error)
{
	struct stat st;
	int fd;

	if (cf->cf_error != 0)
		return (cf->cf_error);
	cf->cf_error = error != 0 ? error : EIO;
	fd = dup(fileno(cf->cf_fp));
	if (cf->cf_closefp != NULL)
		cf->cf_closefp(cf->cf_arg);
	else
		(void)fclose(cf->cf_fp);
	cf->cf_fp = NULL;
	if (fd < 0)
		return (cf->cf_error);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    ftruncate(fd,
		(off_t)capfile_valid(fd, (uint64_t)st.st_size, cf->cf_step)) !=
		0)
		cf->cf_error = errno;
	close(fd);
	return (cf->cf_error);
}

void
capfile_write(struct capfile *cf, const void *p, size_t len)
{
	if (cf->cf_error == 0 && len > 0 && fwrite(p, 1, len, cf->cf_fp) != len)
		(void)capfile_fail(cf, errno);
}

int
capfile_flush(struct capfile *cf)
{
	if (cf->cf_error == 0 && fflush(cf->cf_fp) != 0)
		return (capfile_fail(cf, errno));
	return (cf->cf_error);
}

int
capfile_close(struct capfile *cf)
{
	if (capfile_flush(cf) != 0)
		return (cf->cf_error);
	if (cf->cf_closefp != NULL)
		cf->cf_closefp(cf->cf_arg);
	else if (fclose(cf->cf_fp) != 0)
		cf->cf_error = errno;
	cf->cf_fp = NULL;
	return (cf->cf_error);
}
