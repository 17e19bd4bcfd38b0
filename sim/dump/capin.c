#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include <ktsim/base/kmem.h>

#include "capin.h"
#include "ngwalk.h"

struct capin {
	pcap_t *ci_pcap;
	struct ngwalk *ci_walk; /* NULL: no pcapng, or it ended */
	uint64_t ci_frames;
	char *ci_path;
};

/* libpcap's text for a missing file does not carry the errno. */
static int
check_readable(const char *path, struct strbuf *err, bool *regular)
{
	struct stat st;
	FILE *f;

	*regular = false;
	if (strcmp(path, "-") == 0)
		return (0);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		strbuf_addf(err, "%s: is a folder; name a capture file in it",
		    path);
		return (EISDIR);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return (0); /* opening a pipe takes its first bytes away */
	if ((f = fopen(path, "rb")) == NULL) {
		strbuf_addf(err, "%s: %s", path, strerror(errno));
		return (errno);
	}
	fclose(f);
	*regular = true;
	return (0);
}

int
capin_open(const char *path, struct capin **out, struct strbuf *err)
{
	char buf[PCAP_ERRBUF_SIZE] = "";
	struct capin *ci;
	bool regular;
	int error;

	if ((error = check_readable(path, err, &regular)) != 0)
		return (error);
	ci = xcalloc(1, sizeof(*ci));
	ci->ci_path = xstrdup(path);
	ci->ci_pcap = pcap_open_offline_with_tstamp_precision(path,
	    PCAP_TSTAMP_PRECISION_NANO, buf);
	if (ci->ci_pcap == NULL) {
		strbuf_addf(err, "%s: not a capture: %s", path, buf);
		error = EINVAL;
	} else if (pcap_datalink(ci->ci_pcap) != DLT_EN10MB) {
		strbuf_addf(err,
		    "%s: frames of link type %s; only Ethernet is read", path,
		    pcap_datalink_val_to_description_or_dlt(
			pcap_datalink(ci->ci_pcap)));
		error = EINVAL;
	}
	if (error != 0) {
		capin_close(ci);
		return (error);
	}
	if (regular)
		ci->ci_walk = ngwalk_open(path);
	*out = ci;
	return (0);
}

static void
capin_extras(struct capin *ci, struct capin_frame *cf)
{
	cf->cf_ifname = cf->cf_comment = NULL;
	if (ci->ci_walk != NULL &&
	    !ngwalk_next(ci->ci_walk, &cf->cf_ifname, &cf->cf_comment)) {
		ngwalk_close(ci->ci_walk);
		ci->ci_walk = NULL;
		cf->cf_ifname = cf->cf_comment = NULL;
	}
}

int
capin_next(struct capin *ci, struct capin_frame *cf, struct strbuf *err)
{
	struct pcap_pkthdr *ph;
	const u_char *bytes;
	int rc;

	rc = pcap_next_ex(ci->ci_pcap, &ph, &bytes);
	if (rc == PCAP_ERROR_BREAK)
		return (0);
	if (rc != 1) {
		strbuf_addf(err, "%s: damaged behind frame %ju: %s",
		    ci->ci_path, (uintmax_t)ci->ci_frames,
		    pcap_geterr(ci->ci_pcap));
		return (-1);
	}
	cf->cf_number = ++ci->ci_frames;
	cf->cf_ns = (uint64_t)ph->ts.tv_sec * 1000000000u +
	    (uint64_t)ph->ts.tv_usec; /* nanoseconds, as asked for */
	cf->cf_bytes = bytes;
	cf->cf_caplen = ph->caplen;
	cf->cf_len = ph->len;
	capin_extras(ci, cf);
	return (1);
}

void
capin_close(struct capin *ci)
{
	if (ci == NULL)
		return;
	if (ci->ci_pcap != NULL)
		pcap_close(ci->ci_pcap);
	ngwalk_close(ci->ci_walk);
	free(ci->ci_path);
	free(ci);
}
