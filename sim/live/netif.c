/* Settings of an interface, by the ioctls that need no netlink. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "device.h"

static int
netif_ioctl(const char *name, unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return (errno);
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	if (ioctl(fd, what, ifr) != 0)
		error = errno;
	close(fd);
	return (error);
}

int
netif_mtu(const char *name, uint32_t *mtu)
{
	struct ifreq ifr = { 0 };
	int error;

	if ((error = netif_ioctl(name, SIOCGIFMTU, &ifr)) == 0)
		*mtu = (uint32_t)ifr.ifr_mtu;
	return (error);
}

int
netif_set_mtu(const char *name, uint32_t mtu)
{
	struct ifreq ifr = { .ifr_mtu = (int)mtu };

	return (netif_ioctl(name, SIOCSIFMTU, &ifr));
}

int
netif_set_queue(const char *name, uint32_t frames)
{
	struct ifreq ifr = { .ifr_qlen = (int)frames };

	return (netif_ioctl(name, SIOCSIFTXQLEN, &ifr));
}

int
netif_set_up(const char *name)
{
	struct ifreq ifr = { 0 };
	int error;

	if ((error = netif_ioctl(name, SIOCGIFFLAGS, &ifr)) != 0)
		return (error);
	if ((ifr.ifr_flags & IFF_UP) != 0)
		return (0);
	ifr.ifr_flags |= IFF_UP;
	return (netif_ioctl(name, SIOCSIFFLAGS, &ifr));
}
