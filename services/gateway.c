/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way out of the cluster. */
#include "services/services.h"

static void add_network(struct buf *b, const char *before, uint32_t ip, uint32_t mask)
{
	char text[IP4_LEN];

	buf_printf(b, "%s%s/%d", before, ip4_format(text, ip & mask), ip4_mask_bits(mask));
}

static void add_networks(const struct cluster *c, struct buf *b)
{
	const struct settings *s = &c->settings;
	uint32_t boot = s->first_node_ip_netboot & s->netmask_netboot, storage = s->first_node_ip_netstorage & s->storage_netmask;

	add_network(b, "{ ", boot, s->netmask_netboot);
	if (storage != boot)
		add_network(b, ", ", storage, s->storage_netmask);
	buf_puts(b, " }");
}

int services_nftables(const struct cluster *c, const char *outside, struct buf *b, struct error *e)
{
	char ip[IP4_LEN];

	(void)e;
	buf_puts(b, "table ip byre\ndelete table ip byre\ntable ip byre {\n"
		    "\tchain out {\n\t\ttype nat hook postrouting priority srcnat;\n\t\tip saddr ");
	add_networks(c, b);
	buf_printf(b, " oifname \"%s\" snat to %s\n\t}\n", outside, ip4_format(ip, c->settings.public_ip));
	buf_printf(b,
		   "\tchain through {\n\t\ttype filter hook forward priority filter;\n"
		   "\t\tiifname \"%s\" ct state established,related accept\n"
		   "\t\tiifname \"%s\" drop\n"
		   "\t\toifname \"%s\" ct state new tcp flags & (fin | syn | rst | ack) != syn drop\n\t}\n}\n",
		   outside, outside, outside);
	return 0;
}

static uint32_t inside_ip(const struct cluster *c, const struct node *n)
{
	const struct settings *s = &c->settings;

	return (s->spare_local_ip ^ n->boot_ip) & s->netmask_netboot ? n->storage_ip : n->boot_ip;
}

int services_conntrackd(const struct cluster *c, const struct node *self, const char *inside, const char *dir, struct buf *b,
			struct error *e)
{
	char ip[IP4_LEN];

	(void)e;
	buf_printf(b,
		   "# conntrackd.conf of %s, made by metamaster: changes are lost\n"
		   "Sync {\n"
		   "\tMode NOTRACK {\n"
		   "\t\tDisableExternalCache on\n"
		   "\t}\n"
		   "\tMulticast {\n"
		   "\t\tIPv4_address 225.0.0.50\n"
		   "\t\tGroup 3780\n"
		   "\t\tIPv4_interface %s\n"
		   "\t\tInterface %s\n"
		   "\t\tChecksum on\n"
		   "\t}\n"
		   "}\n",
		   self->name, ip4_format(ip, inside_ip(c, self)), inside);
	buf_printf(b,
		   "General {\n"
		   "\tSystemd off\n"
		   "\tHashSize 8192\n"
		   "\tHashLimit 65535\n"
		   "\tLogFile off\n"
		   "\tSyslog off\n"
		   "\tLockFile %s/conntrackd.lock\n"
		   "\tUNIX {\n"
		   "\t\tPath %s/conntrackd.ctl\n"
		   "\t}\n"
		   "\tNetlinkBufferSize 2097152\n"
		   "\tNetlinkBufferSizeMaxGrowth 8388608\n"
		   "\tFilter From Kernelspace {\n"
		   "\t\tProtocol Accept {\n"
		   "\t\t\tTCP\n"
		   "\t\t\tUDP\n"
		   "\t\t}\n"
		   "\t\tAddress Ignore {\n"
		   "\t\t\tIPv4_address 127.0.0.0/8\n"
		   "\t\t}\n"
		   "\t}\n"
		   "}\n",
		   dir, dir);
	return 0;
}
