/* What it runs with: asked of the libraries, not of their headers. */
#include <stdio.h>

#include <event2/event.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <pcap/pcap.h>
#include <yaml.h>

#include "cli.h"

#ifndef KTSIM_VERSION
#error KTSIM_VERSION comes from meson.build
#endif

void
print_version(void)
{
	puts("ktls-sim " KTSIM_VERSION);
	printf("  %s\n  %s\n  libevent %s\n  libyaml %s\n  jansson %s\n",
	    OpenSSL_version(OPENSSL_VERSION), pcap_lib_version(),
	    event_get_version(), yaml_get_version_string(),
	    jansson_version_str());
}
