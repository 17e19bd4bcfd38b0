/*
 * Classic pcap with nanoseconds, for tools that know nothing newer. libpcap
 * writes it; what it cannot carry (comments, secrets, interfaces) is lost.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/tap.h>

#include "capfile.h"

#define SNAPLEN	   262144
#define NS_PER_SEC 1000000000u

struct pcapfile {
	struct capfile pf_file;
	pcap_t *pf_pcap;
	pcap_dumper_t *pf_dump;
	uint64_t pf_epoch_ns;
	uint8_t *pf_bytes; /* a frame in one piece */
};

/* The file head has 24 bytes, a record 16 and its captured length. */
static uint64_t
pcap_step(uint64_t off, const uint8_t *p, size_t have)
{
	uint32_t caplen;

	if (off == 0)
		return (24);
	if (have < 16)
		return (0);
	memcpy(&caplen, p + 8, sizeof(caplen));
	return (16 + (uint64_t)caplen);
}

static void
pcapfile_closefp(void *arg)
{
	struct pcapfile *pf = arg;

	pcap_dump_close(pf->pf_dump);
	pf->pf_dump = NULL;
}

static void
pcapfile_free(struct pcapfile *pf)
{
	if (pf->pf_pcap != NULL)
		pcap_close(pf->pf_pcap);
	free(pf->pf_bytes);
	free(pf);
}

int
pcapfile_open(const char *path, uint64_t epoch_ns, struct pcapfile **out)
{
	struct pcapfile *pf;
	int error;

	*out = NULL;
	pf = xcalloc(1, sizeof(*pf));
	pf->pf_epoch_ns = epoch_ns;
	pf->pf_bytes = xrealloc(NULL, SNAPLEN);
	error = capfile_open(&pf->pf_file, path, pcap_step);
	if (error == 0) {
		pf->pf_pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB,
		    SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
		pf->pf_dump = pcap_dump_fopen(pf->pf_pcap, pf->pf_file.cf_fp);
		if (pf->pf_dump == NULL)
			error = capfile_fail(&pf->pf_file, EIO);
	}
	if (error != 0) {
		pcapfile_free(pf);
		return (error);
	}
	pf->pf_file.cf_closefp = pcapfile_closefp;
	pf->pf_file.cf_arg = pf;
	*out = pf;
	return (0);
}

int
pcapfile_frame(struct pcapfile *pf, const struct frame *f, simtime_t when)
{
	uint64_t ns = pf->pf_epoch_ns + when / SIM_NS;
	struct pcap_pkthdr ph;

	if (pf->pf_file.cf_error != 0)
		return (pf->pf_file.cf_error);
	memset(&ph, 0, sizeof(ph));
	ph.ts.tv_sec = (time_t)(ns / NS_PER_SEC);
	ph.ts.tv_usec = (suseconds_t)(ns % NS_PER_SEC); /* nanoseconds */
	ph.len = ph.caplen = frame_len(f);
	if (ph.caplen > SNAPLEN)
		ph.caplen = SNAPLEN;
	memcpy(pf->pf_bytes, f->f_hdr, f->f_hdrlen);
	if (f->f_paylen > 0)
		memcpy(pf->pf_bytes + f->f_hdrlen, f->f_payload,
		    ph.caplen - f->f_hdrlen);
	errno = 0;
	pcap_dump((u_char *)pf->pf_dump, &ph, pf->pf_bytes);
	if (ferror(pf->pf_file.cf_fp))
		return (capfile_fail(&pf->pf_file, errno));
	return (0);
}

int
pcapfile_close(struct pcapfile *pf)
{
	int error;

	if (pf == NULL)
		return (0);
	error = capfile_close(&pf->pf_file);
	pcapfile_free(pf);
	return (error);
}
