/* "EAGAIN" and the like, with FreeBSD's spelling; "0" and "E?17" otherwise. */
#ifndef KTSIM_BASE_ERRNONAME_H
#define KTSIM_BASE_ERRNONAME_H

const char *errno_name(int error); /* static storage or per-thread buffer */
/* "Resource temporarily unavailable", with FreeBSD's wording. */
const char *errno_text(int error);
/* Reverse; -1 when the name is not known. */
int errno_value(const char *name);

/* What the simulated kernel and its cards answer, from errno_causes.def. */
struct errno_cause {
	int ec_error;
	const char *ec_name;  /* two names may share a number */
	const char *ec_where; /* the file that answers it */
	const char *ec_text;  /* who gets it, and why */
};
extern const struct errno_cause errno_causes[]; /* those of one name together */
extern const unsigned errno_ncauses;

#endif
