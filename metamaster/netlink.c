/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's addresses and routes (rtnetlink(7)), by libmnl. */
#include "meta.h"

#include "base/addr.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <time.h>

#define ROUTE_METRIC 10 /* the gateway's own way out comes before the one that it shares with all nodes */

static void close_socket(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

/* Sends one request and waits for the kernel's word: 0 or a negative errno. */
static int request(struct nlmsghdr *h)
{
	struct mnl_socket *s CLEANUP(close_socket) = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char answer[1024];
	ssize_t n;

	h->nlmsg_seq = (uint32_t)time(NULL);
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(s, answer, sizeof(answer));
	if (n < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(s), NULL, NULL) < 0 ? -errno : 0;
}

static struct nlmsghdr *begin(char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return h;
}

static struct nlmsghdr *address(char *buffer, uint16_t type, uint16_t flags, unsigned index, uint32_t ip, int bits)
{
	struct nlmsghdr *h = begin(buffer, type, flags);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (uint8_t)bits;
	a->ifa_index = index;
	mnl_attr_put_u32(h, IFA_LOCAL, htonl(ip));
	mnl_attr_put_u32(h, IFA_ADDRESS, htonl(ip));
	return h;
}

int netlink_keep_address(const char *interface, uint32_t ip, int bits, unsigned seconds, struct error *e)
{
	const struct ifa_cacheinfo life = {.ifa_prefered = seconds, .ifa_valid = seconds};
	const unsigned index = if_nametoindex(interface);
	char buffer[256], text[IP4_LEN];
	struct nlmsghdr *h;
	int r;

	if (!index)
		return error_errno(e, errno, "%s", interface);
	h = address(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, ip, bits);
	mnl_attr_put(h, IFA_CACHEINFO, sizeof(life), &life);
	r = request(h);
	return r < 0 ? error_errno(e, r, "address %s/%d on %s", ip4_format(text, ip), bits, interface) : 0;
}

int netlink_drop_address(const char *interface, uint32_t ip, int bits, struct error *e)
{
	const unsigned index = if_nametoindex(interface);
	char buffer[256], text[IP4_LEN];
	int r = index ? request(address(buffer, RTM_DELADDR, 0, index, ip, bits)) : 0;

	return r < 0 && r != -EADDRNOTAVAIL ? error_errno(e, r, "taking %s/%d from %s", ip4_format(text, ip), bits, interface) : 0;
}

int netlink_default_route(const char *interface, uint32_t router, struct error *e)
{
	const unsigned index = if_nametoindex(interface);
	char buffer[256], text[IP4_LEN];
	struct nlmsghdr *h = begin(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	int r;

	m->rtm_family = AF_INET;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(h, RTA_GATEWAY, htonl(router));
	mnl_attr_put_u32(h, RTA_OIF, index);
	mnl_attr_put_u32(h, RTA_PRIORITY, ROUTE_METRIC);
	r = index ? request(h) : -ENODEV;
	return r < 0 ? error_errno(e, r, "default route by %s on %s", ip4_format(text, router), interface) : 0;
}
