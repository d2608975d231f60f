/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/san.h"

static void put(struct buf *b, const char *key, const char *value)
{
	if (value && *value)
		buf_printf(b, "%s = %s\n", key, value);
}

void san_print(const struct san_reached *s, struct buf *b)
{
	char ip[IP4_LEN], mac[MAC_LEN];

	if (s->portal_ip)
		buf_printf(b, "portal = %s:%u\n", ip4_format(ip, s->portal_ip), s->portal_port);
	put(b, "target", s->target);
	put(b, "initiator", s->initiator);
	put(b, "interface", s->interface);
	put(b, "mac", s->mac ? mac_format(mac, s->mac) : NULL);
	if (s->address)
		buf_printf(b, "address = %s/%d\n", ip4_format(ip, s->address), ip4_mask_bits(s->netmask));
	put(b, "container", s->container);
	put(b, "disk", s->disk);
	put(b, "state", s->state);
}
