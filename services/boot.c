/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boots a node: dnsmasq(8) for DHCP, TFTP and DNS, and what pxelinux and iPXE are told. */
#include "services/services.h"

#include <string.h>

static void add_dns(const struct cluster *c, const struct boot_service *bs, struct buf *b)
{
	const struct settings *s = &c->settings;
	char ip[IP4_LEN];

	buf_puts(b, "\n# DNS: the cluster's names, and a cache\n"
		    "no-hosts\n"
		    "no-resolv\n"
		    "domain-needed\n"
		    "bogus-priv\n"
		    "cache-size=1000\n");
	buf_printf(b, "addn-hosts=%s/%s\n", bs->run_dir, SERVICES_DNS_NAMES);
	if (s->domain[0])
		buf_printf(b, "domain=%s\nlocal=/%s/\n", s->domain, s->domain);
	if (s->public_dns)
		buf_printf(b, "server=%s\n", ip4_format(ip, s->public_dns));
}

/*
 * Static leases only, and none is remembered: an address follows from the MAC address, so any server may renew what another gave.
 * An option without a value is not sent: dnsmasq would name itself as the router.
 */
static void add_dhcp(const struct cluster *c, const struct boot_service *bs, struct buf *b)
{
	uint32_t mask = c->settings.netmask_netboot;
	char net[IP4_LEN], text[IP4_LEN];

	buf_puts(b, "\n# DHCP: the static map\n");
	buf_printf(b, "dhcp-range=%s,static,%s,12h\n", ip4_format(net, c->settings.first_node_ip_netboot & mask), ip4_format(text, mask));
	buf_printf(b, "dhcp-hostsfile=%s/%s\n", bs->run_dir, SERVICES_DHCP_HOSTS);
	buf_puts(b, "dhcp-ignore=tag:!known\n"
		    "dhcp-authoritative\n"
		    "dhcp-option=option:router\n"
		    "dhcp-option=option:ntp-server\n"
		    "leasefile-ro\n"
		    "no-ping\n");
	buf_printf(b, "dhcp-lease-max=%d\n", 2 * CLUSTER_MAX_NODES);
}

/*
 * The loader by TFTP, everything after it by HTTP: option 210 is pxelinux's path prefix (RFC 5071). Firmware that is iPXE needs no loader, and pxelinux's own
 * network stack now and then stops on top of it: it is given a script. Its option 175 tells what it can: 19 is HTTP, 24 are Linux kernels.
 * Two waits of iPXE are cut short: for proxy DHCP (175.176), and for an IPv6 router (an advertisement that makes nobody's default route).
 */
static void add_pxe(const struct node *self, const struct boot_service *bs, struct buf *b)
{
	char ip[IP4_LEN];

	buf_puts(b, "\n# PXE\n"
		    "enable-tftp\n");
	buf_printf(b, "tftp-root=%s\n", bs->tftp_root);
	buf_puts(b, "tftp-max=1000\n");
	buf_puts(b, "dhcp-match=set:http,175,19\n"
		    "dhcp-match=set:linux,175,24\n"
		    "tag-if=set:ipxe,tag:http,tag:linux\n");
	buf_printf(b, "dhcp-boot=tag:ipxe,%s/" SERVICES_IPXE_DIR "/${mac:hexhyp}\n", bs->http_url);
	buf_printf(b, "dhcp-boot=tag:!ipxe,%s,,%s\n", SERVICES_LOADER, ip4_format(ip, self->boot_ip));
	buf_printf(b, "dhcp-option-force=210,%s/\n", bs->http_url);
	buf_puts(b, "dhcp-option=encap:175,176,1b\n"
		    "enable-ra\n"
		    "dhcp-range=" SERVICES_RA_PREFIX ",ra-only,64\n");
	buf_printf(b, "ra-param=%s,60,0\n", bs->interface);
}

int services_dnsmasq(const struct cluster *c, const struct node *self, const struct boot_service *bs, struct buf *b, struct error *e)
{
	(void)e;
	buf_printf(b,
		   "# dnsmasq.conf of %s, made by metamaster: changes are lost\n"
		   "keep-in-foreground\n"
		   "log-facility=-\n"
		   "pid-file=\n"
		   "user=%s\n"
		   "interface=%s\n"
		   "no-dhcp-interface=lo\n"
		   "bind-interfaces\n",
		   self->name, bs->user, bs->interface);
	add_dns(c, bs, b);
	add_dhcp(c, bs, b);
	add_pxe(self, bs, b);
	return 0;
}

int services_dhcp_hosts(const struct cluster *c, services_answers_fn *answers, void *data, struct buf *b, struct error *e)
{
	char mac[MAC_LEN], ip[IP4_LEN];

	(void)e;
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];

		if (!answers || answers(n, data))
			buf_printf(b, "%s,%s,%s\n", mac_format(mac, &n->mac), ip4_format(ip, n->boot_ip), n->name);
	}
	return 0;
}

/* The parameters that the node's initrd reads. The list ends at "---". */
static void add_parameters(const struct cluster *c, const struct node *n, struct buf *b)
{
	const struct settings *s = &c->settings;
	int target = (int)strcspn(s->iscsi_target, ","); /* the disk's LUN may follow: a node knows its disk by what is on it */
	char ip[IP4_LEN];

	buf_printf(b, "storage_ip=%s storage_port=%u", ip4_format(ip, s->storage_ip), s->storage_port);
	if (s->storage_portals[0])
		buf_printf(b, " byre.portals=%s", s->storage_portals);
	if (s->storage_if[0])
		buf_printf(b, " sif=%s", s->storage_if);
	buf_printf(b, " sifip=%s", ip4_format(ip, n->storage_ip));
	buf_printf(b, " sifnm=%s", ip4_format(ip, s->storage_netmask));
	if (s->storage_modules[0])
		buf_printf(b, " sifm=%s", s->storage_modules);
	if (target)
		buf_printf(b, " ivid=%.*s", target, s->iscsi_target);
	buf_printf(b, " root=/dev/byre/%s", s->container_name);
	buf_printf(b, " BOOTIF=01-%02x-%02x-%02x-%02x-%02x-%02x", n->mac.b[0], n->mac.b[1], n->mac.b[2], n->mac.b[3], n->mac.b[4],
		   n->mac.b[5]);
	/* gpt: a power cut may have torn the partition table; the kernel takes its backup only when told so. */
	buf_puts(b, " net.ifnames=0 gpt console=tty0 console=ttyS0,115200 quiet ---");
}

/* Without its kernel or initrd a machine starts anew, and may find another server. */
int services_pxelinux(const struct cluster *c, const struct node *node, const struct boot_service *bs, struct buf *b, struct error *e)
{
	(void)e;
	buf_printf(b,
		   "# %s\n"
		   "DEFAULT byre\n"
		   "ONERROR reboot.c32\n"
		   "PROMPT 0\n"
		   "TIMEOUT 0\n"
		   "LABEL byre\n"
		   "  LINUX %s/images/%s/vmlinuz\n"
		   "  INITRD %s/images/%s/initrd\n"
		   "  APPEND ",
		   node->name, bs->http_url, node->image, bs->http_url, node->image);
	add_parameters(c, node, b);
	buf_puts(b, "\n");
	return 0;
}

/* The same for iPXE. One that cannot reboot goes on to what the firmware has next. */
int services_ipxe(const struct cluster *c, const struct node *node, const struct boot_service *bs, struct buf *b, struct error *e)
{
	(void)e;
	buf_printf(b,
		   "#!ipxe\n"
		   "# %s\n"
		   "kernel %s/images/%s/vmlinuz ",
		   node->name, bs->http_url, node->image);
	add_parameters(c, node, b);
	buf_printf(b,
		   " || goto anew\n"
		   "initrd %s/images/%s/initrd || goto anew\n"
		   "boot || goto anew\n"
		   ":anew\n"
		   "reboot || exit 1\n",
		   bs->http_url, node->image);
	return 0;
}
