/*
 * A regression suite: cases, what became of them, and the forms in which that
 * is told. A case is a scenario file, a cell of its matrix, a seed, without or
 * with planted defects; it was run in a process of its own, whose report and
 * exit status are judged here. Nothing here starts processes or prints.
 *
 * Strings belong to the structure that has them.
 */
#ifndef KTSIM_SIM_SUITE_H
#define KTSIM_SIM_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/result.h>

enum suite_verdict {
	SV_PASSED,
	SV_SKIPPED,
	SV_FAILED,  /* a claim; or a planted defect that was not caught */
	SV_BROKE,   /* an invariant, or a simulated kernel panicked */
	SV_ERROR,   /* the scenario cannot be read or built */
	SV_MISSING, /* something that the case needs is not here */
	SV_CRASHED, /* a signal ended it */
	SV_TIMEOUT,
	SV_COUNT
};
extern const char *const suite_verdict_names[SV_COUNT];

/* An expectation that failed, or an invariant that broke. */
struct suite_fault {
	int sf_number;	/* of the invariant; 0: an expectation */
	char *sf_name;	/* the scenario's word for it; NULL */
	char *sf_where; /* "a.ktls.yaml:24"; NULL */
	char *sf_what;
	char *sf_found;	 /* NULL */
	char *sf_first;	 /* the first event that made it so; NULL */
	char *sf_frames; /* of wire.pcapng that show it: "12, 15"; NULL */
};

struct suite_case {
	char *sc_name;
	char *sc_file, *sc_cell; /* "" of a file without a matrix */
	uint64_t sc_seed;
	char *sc_defects;     /* planted, "a,b"; NULL */
	char *sc_caught_by;   /* by what they have to be caught; NULL */
	uint64_t sc_position; /* in the suite, before it was cut into shards */
	enum suite_verdict sc_verdict;
	int sc_code;  /* the process's exit code; -1: it had none */
	char *sc_why; /* in words; NULL */
	struct suite_fault *sc_faults;
	unsigned sc_nfaults;
	bool sc_has_prints;
	char sc_prints[PRINTS][HASH_HEX_SIZE];
	char *sc_golden; /* how it differs from its golden; NULL */
	char *sc_again;	 /* the command that does it again; NULL */
	bool sc_flaky;	 /* merged from results that contradict each other */
	uint64_t sc_wall_ms; /* by the wall clock: never compared */
};

struct suite_shard {
	uint64_t sh_k, sh_n; /* 1 to n */
};

struct suite {
	struct suite_case *s_v;
	size_t s_n, s_size;
	struct suite_shard *s_shards; /* that it has; none: it is whole */
	unsigned s_nshards;
};

/* suite.c. The pointer is good until the next one is added. */
struct suite_case *suite_add(struct suite *);
void suite_add_shard(struct suite *, uint64_t k, uint64_t n);
struct suite_fault *suite_add_fault(struct suite_case *);
void suite_set_why(struct suite_case *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void suite_fini(struct suite *);
void suite_case_fini(struct suite_case *);
const struct suite_case *suite_find(const struct suite *, const char *name);
void suite_sort(struct suite *); /* by position, then name */
struct suite_counts {
	uint64_t n[SV_COUNT];
	uint64_t failed; /* neither passed nor skipped */
};
void suite_count(const struct suite *, struct suite_counts *);
/* The worst of the cases': 3, 2, 4, 1, 0. */
int suite_exit_code(const struct suite *);
bool suite_bad(const struct suite_case *);

/* select.c */
#define SUITE_SUFFIX ".ktls.yaml"
/* "scenarios/a[card=t6]#7+defect" */
void suite_name(const char *file, const char *cell, uint64_t seed, bool planted,
    struct strbuf *);
/* Of the name, to be a file's or folder's: no slash, at most 120 letters. */
void suite_file_name(const char *name, struct strbuf *);
/* From 1 to n, by the name alone; a planted defect is where its scenario is. */
uint64_t suite_shard_of(const char *name, uint64_t n);
/*
 * A comma list (no commas inside [ ]): texts that the name must contain, globs
 * with * and ? that it must match, `tag:WORD`; one of these is enough. `!`
 * before one: none such.
 */
bool suite_selected(const char *filter, const char *name,
    const char *const *tags);

/* judge.c */
struct suite_exit {
	int se_code;   /* exit code; -1 */
	int se_signal; /* 0: none */
	bool se_timeout;
	const char *se_stderr; /* what it said, NULL */
	const char *se_limit;  /* "60s", "4GiB": for texts */
	const char *se_memory;
};
/* The case's verdict from the report.json of its run, NULL: none was written. */
void suite_judge(struct suite_case *, const char *report, size_t len,
    const struct suite_exit *);

/* results.c: the result file, docs/testing.md */
#define SUITE_FORMAT 1
void suite_json(const struct suite *, struct strbuf *);
/* EINVAL: what is wrong is said in err, one line. */
int suite_parse(const char *text, size_t len, struct suite *,
    struct strbuf *err);

/* merge.c */
/* False, after saying why: they are shards of suites cut differently. */
bool suite_of_one(const struct suite *, const struct suite *,
    struct strbuf *said);
/* Takes the cases of `from`; what contradicts is said, a line each. */
void suite_merge(struct suite *into, struct suite *from, struct strbuf *said);
/* Shards of a suite that were not merged: said; how many. */
unsigned suite_missing_shards(const struct suite *, struct strbuf *said);

/* tap.c, junit.c */
void suite_tap(const struct suite *, struct strbuf *);
void suite_junit(const struct suite *, struct strbuf *);

/* golden.c */
/* What a golden holds: fingerprints and the report's text. */
void suite_golden(const struct suite_case *, const char *report,
    struct strbuf *);
/* Which layers moved and a diff, appended; false: they are the same. */
bool suite_golden_differs(const char *was, const char *is, struct strbuf *);

/* udiff.c: a unified diff of two texts, appended; false: they are the same. */
bool text_diff(const char *a, const char *b, const char *name_a,
    const char *name_b, unsigned context, struct strbuf *);

#endif
