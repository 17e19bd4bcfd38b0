/* What the files of the reports share. */
#ifndef REPORT_PRIV_H
#define REPORT_PRIV_H

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/result.h>

/* How many connections a section tells of, one by one. */
#define CONNS_SHOWN 4

static inline const char *
plural(uint64_t n)
{
	return (n == 1 ? "" : "s");
}

void heading(struct strbuf *, const char *text);

struct json_t;
/* report_json.c: the whole as a tree, the caller's reference. */
struct json_t *report_tree(const struct result *);

/* report_iperf.c */
void j_iperf(struct json_t *, const struct result *);
void text_iperf(const struct result *, struct strbuf *);
/* All of a way: 0 client to server, 1 back. */
struct iperf_way {
	simtime_t iw_time;
	uint64_t iw_sent, iw_got, iw_rexmits;
};
/* False: nobody sends there. */
bool iperf_way(const struct iperf_result *, int way, struct iperf_way *);
/* What was read, in Gbit/s. */
void iperf_rate(const struct iperf_way *, struct strbuf *);

/* report_nfs.c */
void j_nfs(struct json_t *, const struct result *);
void text_nfs(const struct result *, struct strbuf *);
/* "TLS in the kernel" */
const char *nfs_transport_words(const struct nfs_end *);

/* report_openssl.c */
void j_programs(struct json_t *, const struct result *);
void text_programs(const struct result *, struct strbuf *);
void call_text(const struct call_result *, struct strbuf *);
/* report_https.c; in thousandths where they say milli */
void j_https(struct json_t *, const struct result *);
void text_https(const struct result *, struct strbuf *);
uint64_t https_rate_milli(const struct load_result *);	/* per second */
uint64_t https_share_milli(const struct load_result *); /* of bytes, cards */
uint64_t https_errors(const struct load_result *);
uint64_t https_memory(const struct https_result *); /* bytes, all passes */
uint64_t https_passes_milli(const struct https_result *);
/* A number of thousandths with so many digits behind the point. */
void https_milli(uint64_t, unsigned digits, struct strbuf *);
/* report_own.c */
void j_own(struct json_t *, const struct result *);
void text_own(const struct result *, struct strbuf *);
/* "replies 12, late 1" */
void own_numbers_words(const struct own_end *, struct strbuf *);

/* report_compare.c */
void j_compare(struct json_t *, const struct result *);
void text_compare(const struct result *, struct strbuf *);
/* "2.000" */
void compare_quotient(const struct compare_result *, struct strbuf *);

/* report_claims.c */
void text_claims(const struct result *, const char *file, struct strbuf *);
/* report_text.c */
void text_conn(const struct conn_result *, struct strbuf *);
bool fact_is_drop(const struct fact *);

/* report_story.c: what befell the connections; nothing if nothing did. */
void text_stories(const struct result *, struct strbuf *);
/* A tag was reset, the mode changed, or packets fell with a port. */
bool story_is_eventful(const struct story *);

#endif
