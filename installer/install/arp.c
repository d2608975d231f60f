/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ARP probe as RFC 5227 describes it: a request with the sender's address 0, so that nobody's table changes. */
#include "install.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PROBES   2
#define PROBE_MS 300

static int open_probe(const char *interface, struct sockaddr_ll *ret, struct ifreq *ret_hw, struct error *e)
{
	cleanup_fd int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));

	if (fd < 0)
		return error_errno(e, errno, "ARP socket");
	memset(ret, 0, sizeof(*ret));
	memset(ret_hw, 0, sizeof(*ret_hw));
	strncpy(ret_hw->ifr_name, interface, IFNAMSIZ - 1);
	ret->sll_family = AF_PACKET;
	ret->sll_protocol = htons(ETH_P_ARP);
	ret->sll_ifindex = (int)if_nametoindex(interface);
	if (ioctl(fd, SIOCGIFHWADDR, ret_hw) < 0 || bind(fd, (struct sockaddr *)ret, sizeof(*ret)) < 0)
		return error_errno(e, errno, "ARP on %s", interface);
	ret->sll_halen = ETH_ALEN;
	memset(ret->sll_addr, 0xff, ETH_ALEN);
	return steal_fd(&fd);
}

/* Waits for a packet that says IP is somebody's. 1, 0 at the end of the time, or a negative errno. */
static int wait_answer(int fd, uint32_t ip, struct mac *ret)
{
	uint64_t end = clock_boot_ms() + PROBE_MS, now;
	uint32_t want = htonl(ip);

	while ((now = clock_boot_ms()) < end) {
		struct pollfd p = {fd, POLLIN, 0};
		struct ether_arp a;

		if (poll(&p, 1, (int)(end - now)) < 0 && errno != EINTR)
			return -errno;
		if (!(p.revents & POLLIN) || recv(fd, &a, sizeof(a), MSG_DONTWAIT) != sizeof(a))
			continue;
		if (memcmp(a.arp_spa, &want, sizeof(want)) != 0)
			continue;
		memcpy(ret->b, a.arp_sha, sizeof(ret->b));
		return 1;
	}
	return 0;
}

int arp_probe(const char *interface, uint32_t ip, struct mac *ret_owner, struct error *e)
{
	struct ether_arp a = {.ea_hdr = {htons(ARPHRD_ETHER), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST)}};
	uint32_t target = htonl(ip);
	struct sockaddr_ll to;
	struct ifreq hw;
	cleanup_fd int fd = open_probe(interface, &to, &hw, e);
	int r = fd < 0 ? fd : 0;

	if (r < 0)
		return r;
	if (hw.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return 0; /* InfiniBand: its ARP packets have another form */
	memcpy(a.arp_sha, hw.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(a.arp_tpa, &target, sizeof(target));
	for (int i = 0; i < PROBES && r == 0; i++) {
		if (sendto(fd, &a, sizeof(a), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			return error_errno(e, errno, "ARP on %s", interface);
		r = wait_answer(fd, ip, ret_owner);
	}
	return r < 0 ? error_errno(e, r, "ARP on %s", interface) : r;
}
