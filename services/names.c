/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: hosts(5), resolv.conf(5), and the names that DNS answers. */
#include "generators.h"

#include <string.h>

static void add_name(const struct cluster *c, uint32_t ip, const char *name, const char *suffix, struct buf *b)
{
	char text[IP4_LEN];

	buf_printf(b, "%s ", ip4_format(text, ip));
	if (c->settings.domain[0])
		buf_printf(b, "%s%s.%s ", name, suffix, c->settings.domain);
	buf_printf(b, "%s%s\n", name, suffix);
}

/* The storage address has a name of its own where it is another one. */
int services_dns_names(const struct cluster *c, struct buf *b, struct error *e)
{
	(void)e;
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];

		add_name(c, n->boot_ip, n->name, "", b);
		if (n->storage_ip != n->boot_ip)
			add_name(c, n->storage_ip, n->name, "-storage", b);
	}
	return 0;
}

int generate_hosts(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)self;
	buf_puts(b, "# made by byre-services from the state of the cluster: changes are lost at the next boot\n"
		    "127.0.0.1 localhost\n"
		    "::1 localhost ip6-localhost ip6-loopback\n");
	return services_dns_names(c, b, e);
}

int generate_hostname(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)c;
	(void)e;
	buf_printf(b, "%s\n", self->name);
	return 0;
}

/* The node's own server, then those of the two nodes that follow it in the circle of numbers. resolv.conf takes three at most. */
int generate_resolv_conf(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	size_t at = (size_t)(self - c->nodes);
	char ip[IP4_LEN];

	(void)e;
	buf_puts(b, "# made by byre-services from the state of the cluster: changes are lost at the next boot\n");
	if (c->settings.domain[0])
		buf_printf(b, "search %s\n", c->settings.domain);
	buf_puts(b, "nameserver 127.0.0.1\n");
	for (size_t i = 1; i < 3 && i < c->n_nodes; i++)
		buf_printf(b, "nameserver %s\n", ip4_format(ip, c->nodes[(at + i) % c->n_nodes].boot_ip));
	buf_puts(b, "options timeout:1 attempts:3\n");
	return 0;
}
