/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "meta.h"

#include "base/cleanup.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int interface_with(uint32_t ip, char ret[IF_NAMESIZE])
{
	struct ifaddrs *all;
	int r = -ENODEV;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i && r < 0; i = i->ifa_next) {
		const struct sockaddr_in *in = (const void *)i->ifa_addr;

		if (!in || in->sin_family != AF_INET || ntohl(in->sin_addr.s_addr) != ip)
			continue;
		/* An alias is called eth0:1. */
		snprintf(ret, IF_NAMESIZE, "%.*s", (int)__builtin_strcspn(i->ifa_name, ":"), i->ifa_name);
		r = 0;
	}
	freeifaddrs(all);
	return r;
}

int interface_add_ra_address(const char *interface, unsigned number, struct error *e)
{
	char address[64];

	snprintf(address, sizeof(address), SERVICES_RA_PREFIX "%x/64", number);
	return spawn_simple(e, "ip", "-6", "address", "replace", address, "dev", interface, "nodad", NULL);
}

int interface_listen(uint32_t ip, unsigned port, int *ret, struct error *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(ip)};
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[IP4_LEN];
	int one = 1, high;

	if (fd < 0)
		return error_errno(e, errno, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 1024) < 0)
		return error_errno(e, errno, "listening on %s:%u", ip4_format(text, ip), port);
	high = fcntl(fd, F_DUPFD_CLOEXEC, 64);
	if (high < 0)
		return error_errno(e, errno, "socket");
	*ret = high;
	return 0;
}

int interface_datagrams(uint32_t ip, unsigned port, int *ret, struct error *e)
{
	const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char name[IF_NAMESIZE], text[IP4_LEN];
	int one = 1, high, r = interface_with(ip, name);

	if (r < 0)
		return error_set(e, r, "no interface has %s", ip4_format(text, ip));
	if (fd < 0)
		return error_errno(e, errno, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, sizeof(name)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return error_errno(e, errno, "UDP port %u of %s", port, name);
	high = fcntl(fd, F_DUPFD_CLOEXEC, 64);
	if (high < 0)
		return error_errno(e, errno, "socket");
	*ret = high;
	return 0;
}
