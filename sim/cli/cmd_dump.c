#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/sim/dump.h>
#include <ktsim/sim/scenario.h>

#include "cli.h"

enum { OPT_ABSOLUTE = 256, OPT_COUNT, OPT_FLOW, OPT_RECORDS };

static const struct cli_option dump_options[] = {
	{ "flow", OPT_FLOW, "N",
	    "only this connection; numbered by first appearance, from 0, as tshark's tcp.stream" },
	{ "records", OPT_RECORDS, NULL,
	    "a line per TLS record instead of one per frame: number, type, sequence number, length, first and last frame, in how many frames, how many of them with bytes sent before" },
	{ "absolute", OPT_ABSOLUTE, NULL,
	    "sequence numbers as in the frames; else the SYN is 0 (the first byte 1 where there is no SYN)" },
	{ "count", OPT_COUNT, "N", "stop after N lines" },
	{ NULL },
};

static bool
dump_line(void *arg, const struct strbuf *line)
{
	int *write_error = arg;

	if (fwrite(line->sb_str, 1, line->sb_len, stdout) == line->sb_len)
		return (true);
	*write_error = errno;
	return (false);
}

static int
dump_option(void *ctx, int opt, const char *arg)
{
	struct dump_opts *o = ctx;

	switch (opt) {
	case OPT_ABSOLUTE:
		o->do_absolute = true;
		return (0);
	case OPT_RECORDS:
		o->do_records = true;
		return (0);
	case OPT_COUNT:
		if (parse_uint(arg, &o->do_count) == 0 && o->do_count > 0)
			return (0);
		return (usage_error(&cmd_dump,
		    "--count wants a whole number from 1, not `%s`", arg));
	default:
		o->do_flow_set = true;
		if (parse_uint(arg, &o->do_flow) == 0)
			return (0);
		return (usage_error(&cmd_dump,
		    "--flow wants the number of a connection, from 0, not `%s`",
		    arg));
	}
}

/* Somebody who closes the pipe has seen enough; a full disk is another thing. */
static int
dump_end(int error, int write_error, struct strbuf *err)
{
	if (fflush(stdout) != 0 && write_error == 0)
		write_error = errno;
	if (write_error == EPIPE || (error == 0 && write_error == 0))
		return (EXIT_OK);
	if (write_error != 0) {
		strbuf_clear(err);
		strbuf_addf(err, "standard output: %s", strerror(write_error));
	}
	color_word(stderr, STYLE_BAD, "ktls-sim dump:");
	fprintf(stderr, " %s\n", strbuf_str(err));
	return (EXIT_MISSING);
}

static int
dump_main(int argc, char **argv)
{
	int error, rc, write_error = 0;
	struct dump_opts o = { .do_line = dump_line, .do_arg = &write_error };
	struct strbuf err = { 0 };

	rc = cli_options(&cmd_dump, argc, argv, dump_option, &o);
	if (rc != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc - optind != 1)
		return (
		    usage_error(&cmd_dump, "name exactly one capture file"));
	error = dump_file(argv[optind], &o, &err);
	rc = dump_end(error, write_error, &err);
	strbuf_fini(&err);
	return (rc);
}

static const struct exit_code dump_codes[] = {
	{ EXIT_OK, "fine" },
	{ EXIT_USAGE, "usage error" },
	{ EXIT_MISSING,
	    "the file is missing, no capture, or damaged (what can be read of it is printed)" },
	{ 0, NULL },
};

const struct command cmd_dump = {
	.c_name = "dump",
	.c_run = dump_main,
	.c_text = "a capture as readable lines, with the TLS records",
	.c_usage = "[options] FILE",
	.c_examples =
	    "ktls-sim dump ktls-out/quickstart/wire.pcapng\n"
	    "ktls-sim dump --records --flow 0 ktls-out/failover/wire.pcapng\n",
	.c_intro =
	    "FILE is a pcapng or pcap file of Ethernet frames, from anywhere; - is\n"
	    "standard input. No keys are needed: the headers of TLS records are clear.\n",
	.c_options = dump_options,
	.c_notes =
	    "A line: frame number, seconds since the first frame, flow, interface,\n"
	    "source > destination, flags (S SYN, F FIN, R RST, P PSH, U URG, E ECE,\n"
	    "W CWR, . ACK), first:last+1(length) of the payload's sequence numbers, ack,\n"
	    "window in bytes (`raw`: as in the header, where the capture has no SYN that\n"
	    "tells the scale), options, ECN marks of the IP header, TLS records, and after\n"
	    "a semicolon the packet's comment.\n"
	    "\n"
	    "  tls[#3 app_data 5+16401: 0..1447 start]\n"
	    "\n"
	    "Record 3 of this direction (from 0), header and body of 5 and 16401 bytes, of\n"
	    "which the segment holds the bytes 0 to 1447; start, end, whole: the record\n"
	    "begins here, ends here, both. Retransmitted bytes get the record that they\n"
	    "had at first. header: a segment ends within the 5 bytes that tell type and\n"
	    "length. unknown: behind a header that was not (yet) captured. plain: a\n"
	    "connection that does not begin with a TLS record.\n",
	.c_codes = dump_codes,
	.c_operands = { WORDS_FILE },
};
