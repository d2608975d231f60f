/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARP announcements (RFC 5227, and RFC 826's replies for those who heed only those). */
#include "meta.h"

#include "base/addr.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int hardware_address(int fd, const char *interface, uint8_t ret[ETH_ALEN])
{
	struct ifreq q = {0};

	memcpy(q.ifr_name, interface, strnlen(interface, IF_NAMESIZE - 1));
	if (ioctl(fd, SIOCGIFHWADDR, &q) < 0)
		return -errno;
	memcpy(ret, q.ifr_hwaddr.sa_data, ETH_ALEN);
	return q.ifr_hwaddr.sa_family == ARPHRD_ETHER ? 0 : -EAFNOSUPPORT;
}

int arp_announce(const char *interface, uint32_t ip, struct error *e)
{
	cleanup_fd int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_halen = ETH_ALEN};
	struct ether_arp a = {.arp_hrd = htons(ARPHRD_ETHER), .arp_pro = htons(ETH_P_IP), .arp_hln = ETH_ALEN, .arp_pln = sizeof(ip)};
	const uint16_t kinds[] = {ARPOP_REQUEST, ARPOP_REPLY};
	const uint32_t wire = htonl(ip);
	int r = fd < 0 ? -errno : hardware_address(fd, interface, a.arp_sha);

	memset(to.sll_addr, 0xff, ETH_ALEN);
	to.sll_ifindex = (int)if_nametoindex(interface);
	memcpy(a.arp_spa, &wire, sizeof(wire));
	memcpy(a.arp_tpa, &wire, sizeof(wire));
	for (unsigned i = 0; r == 0 && i < 2; i++) {
		a.arp_op = htons(kinds[i]);
		memset(a.arp_tha, kinds[i] == ARPOP_REPLY ? 0xff : 0, ETH_ALEN);
		if (sendto(fd, &a, sizeof(a), MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to)) < 0)
			r = -errno;
	}
	return r < 0 ? error_errno(e, r, "announcing an address on %s", interface) : 0;
}
