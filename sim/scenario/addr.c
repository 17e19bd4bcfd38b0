#include <string.h>

#include <ktsim/sim/scenario.h>

#include "addr.h"

/* The bits behind the prefix are all 0, or all 1. */
static bool
host_bits_are(int family, const struct in_any *a, int plen, int bit)
{
	int bits = family == KAF_INET6 ? 128 : 32;

	for (int i = plen; i < bits; i++)
		if (((a->a[i / 8] >> (7 - i % 8)) & 1) != bit)
			return (false);
	return (true);
}

static const char *
unusable_v4(const struct in_any *a, int plen)
{
	if (a->a[0] == 0)
		return ("is no address of a host");
	if (a->a[0] == 127)
		return ("is a loopback address: every host has lo0 for them");
	if (a->a[0] >= 224)
		return (a->a[0] < 240 ? "is a multicast address"
				      : "is a reserved or broadcast address");
	/* RFC 3021: a link of two has neither network nor broadcast address. */
	if (plen < 31 && host_bits_are(KAF_INET, a, plen, 0))
		return ("is the address of the network itself");
	if (plen < 31 && host_bits_are(KAF_INET, a, plen, 1))
		return ("is the network's broadcast address");
	return (NULL);
}

static const char *
unusable_v6(const struct in_any *a, int plen)
{
	if (a->a[0] == 0xff)
		return ("is a multicast address");
	if (host_bits_are(KAF_INET6, a, 0, 0))
		return ("is no address of a host");
	if (in_any_eq(a, &(struct in_any) { { [15] = 1 } }))
		return ("is a loopback address: every host has lo0 for them");
	/* RFC 4291 2.6.1: the subnet-router anycast address. */
	if (plen < 127 && host_bits_are(KAF_INET6, a, plen, 0))
		return ("is the address of the network itself");
	return (NULL);
}

const char *
addr_unusable(int family, const struct in_any *a, int plen)
{
	return (
	    family == KAF_INET6 ? unusable_v6(a, plen) : unusable_v4(a, plen));
}

/* Calls fn for each address of the family until it says so. */
static bool
each_addr(const struct sc_host *h, int family,
    bool (*fn)(const struct in_any *, int plen, void *), void *arg)
{
	struct in_any a;
	int fam, plen;

	for (unsigned i = 0; i < h->naddrs; i++)
		for (unsigned j = 0; j < h->addrs[i].cidr.n; j++)
			if (parse_cidr(h->addrs[i].cidr.v[j], &fam, &a,
				&plen) == 0 &&
			    fam == family && fn(&a, plen, arg))
				return (true);
	return (false);
}

static bool
take(const struct in_any *a, int plen, void *arg)
{
	*(struct in_any *)arg = *a;
	return (true);
}

bool
addr_first(const struct sc_host *h, int family, struct in_any *out)
{
	return (each_addr(h, family, take, out));
}

static bool
in_prefix(const struct in_any *a, int plen, void *arg)
{
	const struct in_any *b = arg;
	int bytes = plen / 8, rest = plen % 8;

	return (memcmp(a->a, b->a, (size_t)bytes) == 0 &&
	    (rest == 0 || (a->a[bytes] ^ b->a[bytes]) >> (8 - rest) == 0));
}

bool
addr_on_link(const struct sc_host *h, int family, const struct in_any *a)
{
	return (each_addr(h, family, in_prefix, (void *)(uintptr_t)a));
}

const struct sc_host *
addr_owner(const struct scenario *sc, const struct sc_host *upto, int family,
    const struct in_any *want)
{
	struct in_any a;
	int fam, plen;

	for (const struct sc_host *h = sc->hosts; h < upto; h++)
		for (unsigned i = 0; i < h->naddrs; i++)
			for (unsigned j = 0; j < h->addrs[i].cidr.n; j++)
				if (parse_cidr(h->addrs[i].cidr.v[j], &fam, &a,
					&plen) == 0 &&
				    fam == family &&
				    memcmp(&a, want, sizeof(a)) == 0)
					return (h);
	return (NULL);
}
