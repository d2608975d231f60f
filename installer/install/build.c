/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A random UUID, RFC 4122 version 4. */
static void format_uuid(char dst[CLUSTER_ID_SIZE], unsigned char b[16])
{
	char hex[33];

	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, 16);
	snprintf(dst, CLUSTER_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* As machine-id(5) wants it: 32 hex digits of a version 4 UUID. */
static void format_machine_id(char dst[33], unsigned char b[16])
{
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	str_hex(dst, b, 16);
}

static int copy_settings(const struct settings *s, struct settings *ret)
{
	struct settings copy = *s;

	copy.macs = NULL;
	copy.n_macs = 0;
	copy.n_ssh_keys = 0;
	copy.ssh_keys = calloc(s->n_ssh_keys + 1, sizeof(*copy.ssh_keys));
	for (; copy.ssh_keys && copy.n_ssh_keys < s->n_ssh_keys; copy.n_ssh_keys++) {
		copy.ssh_keys[copy.n_ssh_keys] = strdup(s->ssh_keys[copy.n_ssh_keys]);
		if (!copy.ssh_keys[copy.n_ssh_keys])
			break;
	}
	if (!copy.ssh_keys || copy.n_ssh_keys < s->n_ssh_keys) {
		settings_free(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

static int build_node(const struct settings *s, unsigned number, random_fn *random, struct node *n)
{
	unsigned char id[16];
	int r = random(id, sizeof(id));

	if (r < 0)
		return r;
	n->number = number;
	snprintf(n->name, sizeof(n->name), "%s%u", s->cluster_hostname, number);
	n->mac = s->macs[number - 1];
	n->boot_ip = settings_boot_ip(s, number);
	n->storage_ip = settings_storage_ip(s, number);
	snprintf(n->image, sizeof(n->image), "%s@1", s->base_distribution);
	format_machine_id(n->machine_id, id);
	return 0;
}

int build_cluster(const struct settings *s, random_fn *random, struct cluster *c, struct error *e)
{
	unsigned char id[16];
	int r = copy_settings(s, &c->settings);

	if (r == 0)
		r = random(id, sizeof(id));
	if (r == 0)
		r = random(c->key, sizeof(c->key));
	if (r < 0)
		return error_errno(e, r, "new cluster");
	format_uuid(c->id, id);
	c->nodes = calloc(s->number_of_nodes, sizeof(*c->nodes));
	if (!c->nodes)
		return error_errno(e, ENOMEM, "new cluster");
	for (unsigned i = 0; i < s->number_of_nodes && r == 0; i++, c->n_nodes++)
		r = build_node(s, i + 1, random, &c->nodes[i]);
	return r < 0 ? error_errno(e, r, "new cluster") : 0;
}

static int kernel_random(void *buf, size_t len)
{
	unsigned char *p = buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int step_cluster(struct install *in, struct error *e)
{
	int r = build_cluster(&in->settings, kernel_random, &in->cluster, e);

	if (r < 0)
		return r;
	tell("cluster: id %s, nodes %s to %s", in->cluster.id, in->cluster.nodes[0].name, in->cluster.nodes[in->cluster.n_nodes - 1].name);
	return 0;
}
