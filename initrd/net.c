/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct list {
	struct netif *v;
	size_t n, max;
};

static int take_link(const struct nlmsghdr *h, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct netif found = {.index = info->ifi_index, .ethernet = info->ifi_type == ARPHRD_ETHER};
	struct list *l = data;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK || info->ifi_flags & IFF_LOOPBACK || l->n == l->max)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*info))
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			snprintf(found.name, sizeof(found.name), "%s", mnl_attr_get_str(a));
			break;
		case IFLA_MTU:
			found.mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_CARRIER:
			found.carrier = mnl_attr_get_u8(a);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(a) >= sizeof(found.mac))
				memcpy(&found.mac, mnl_attr_get_payload(a), sizeof(found.mac));
			break;
		}
	}
	l->v[l->n++] = found;
	return MNL_CB_OK;
}

/* Sends one request and takes every answer to it. */
static int talk(struct nlmsghdr *h, mnl_cb_t take, void *data)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char answer[16384];
	ssize_t n;
	int r;

	if (!s)
		return -errno;
	r = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(s, h, h->nlmsg_len) < 0 ? -errno : MNL_CB_OK;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(s, answer, sizeof(answer));
		r = n < 0 ? -errno : mnl_cb_run(answer, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(s), take, data);
		if (n >= 0 && r < 0)
			r = -errno;
	}
	mnl_socket_close(s);
	return r;
}

static struct nlmsghdr *request(char *buf, uint16_t type, uint16_t flags)
{
	static uint32_t seq;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++seq;
	return h;
}

int net_list(struct netif *ret, size_t max, struct error *e)
{
	char buf[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *h = request(buf, RTM_GETLINK, NLM_F_DUMP);
	struct list l = {ret, 0, max};
	int r;

	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	r = talk(h, take_link, &l);
	if (r < 0)
		return error_errno(e, r, "listing network interfaces");
	return (int)l.n;
}

char *net_describe(char *dst, size_t size, const struct netif *v, size_t n)
{
	char mac[MAC_LEN];
	size_t used = 0;

	snprintf(dst, size, "none");
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(dst + used, size - used, "%s%s %s", i ? ", " : "", v[i].name, mac_format(mac, &v[i].mac));
	return dst;
}

static int set_up(int index, unsigned mtu, struct error *e)
{
	char buf[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *h = request(buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	int r;

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = index;
	info->ifi_flags = info->ifi_change = IFF_UP;
	if (mtu)
		mnl_attr_put_u32(h, IFLA_MTU, mtu);
	r = talk(h, NULL, NULL);
	if (r == -EINVAL && mtu)
		return error_set(e, EINVAL, "byre.mtu=%u: more than this interface can: give a smaller one", mtu);
	return r < 0 ? error_errno(e, r, "setting the interface up") : 0;
}

static bool is_wanted(const struct params *p, const struct netif *i)
{
	if (p->has_bootif && !p->sif_given)
		return mac_equal(&p->bootif, &i->mac);
	return strcmp(p->sif, i->name) == 0;
}

int net_up(const struct params *p, struct netif *ret, struct error *e)
{
	struct netif v[32];
	char known[512], mac[MAC_LEN];
	int n = net_list(v, ARRAY_SIZE(v), e);
	int r;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		if (!is_wanted(p, &v[i]))
			continue;
		r = set_up(v[i].index, p->mtu, e);
		if (r < 0)
			return error_wrap(e, "%s", v[i].name);
		if (p->mtu)
			v[i].mtu = p->mtu;
		*ret = v[i];
		return 0;
	}
	net_describe(known, sizeof(known), v, (size_t)n);
	if (p->has_bootif && !p->sif_given)
		return error_set(e, ENODEV,
				 "no network interface has BOOTIF's address %s (there are: %s): check "
				 "BOOTIF, or name the driver in sifm",
				 mac_format(mac, &p->bootif), known);
	return error_set(e, ENODEV, "there is no network interface %s (there are: %s): check sif, or name its driver in sifm", p->sif,
			 known);
}

static int take_carrier(const struct nlmsghdr *h, void *data)
{
	struct netif found;
	struct list l = {&found, 0, 1};

	take_link(h, &l);
	*(bool *)data = l.n && found.carrier;
	return MNL_CB_OK;
}

bool net_has_carrier(int index)
{
	char buf[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *h = request(buf, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	bool carrier = false;

	info->ifi_index = index;
	return talk(h, take_carrier, &carrier) >= 0 && carrier;
}

int net_add_address(int index, uint32_t ip, uint32_t mask, struct error *e)
{
	char buf[MNL_NLMSG_HDRLEN + 256], text[IP4_LEN];
	struct nlmsghdr *h = request(buf, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
	int r;

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (unsigned char)ip4_mask_bits(mask);
	a->ifa_index = (unsigned)index;
	mnl_attr_put_u32(h, IFA_LOCAL, htonl(ip));
	mnl_attr_put_u32(h, IFA_ADDRESS, htonl(ip));
	mnl_attr_put_u32(h, IFA_BROADCAST, htonl(ip | ~mask));
	r = talk(h, NULL, NULL);
	if (r < 0 && r != -EEXIST)
		return error_errno(e, r, "adding the address %s", ip4_format(text, ip));
	return 0;
}
