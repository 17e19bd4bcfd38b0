/* Addresses as the socket layer carries them: family, address, port. */
#ifndef KTSIM_KERN_SOCKADDR_H
#define KTSIM_KERN_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum sa_family { KAF_UNSPEC = 0, KAF_INET = 2, KAF_INET6 = 28 };

/* An IPv4 address is in a[0..3]; bytes in network order; unused bytes zero. */
struct in_any {
	uint8_t a[16];
};

struct ksockaddr {
	uint8_t sa_family; /* enum sa_family */
	uint16_t sa_port;  /* host order */
	struct in_any sa_addr;
};

static inline bool
in_any_eq(const struct in_any *x, const struct in_any *y)
{
	return (memcmp(x->a, y->a, sizeof(x->a)) == 0);
}

static inline bool
in_any_zero(const struct in_any *x)
{
	static const struct in_any zero;

	return (in_any_eq(x, &zero));
}

/* "10.0.0.1:443", "[fd00:0:0:0:0:0:0:1]:443"; and without the port. */
struct strbuf;
void ksockaddr_dump(const struct ksockaddr *, struct strbuf *);
void in_any_dump(int family, const struct in_any *, struct strbuf *);

#endif
