/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/model.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_init(struct cluster *c)
{
	memset(c, 0, sizeof(*c));
	settings_init(&c->settings);
}

void segments_free(struct segments *s)
{
	free(s->v);
	*s = (struct segments){NULL, 0};
}

void cluster_forget_storage(struct cluster *c)
{
	for (size_t i = 0; i < c->n_images; i++)
		segments_free(&c->images[i].segments);
	for (size_t i = 0; i < c->n_slabs; i++)
		segments_free(&c->slabs[i].segments);
	for (size_t i = 0; i < c->n_volumes; i++) {
		segments_free(&c->volumes[i].metadata);
		segments_free(&c->volumes[i].data);
	}
	free(steal_ptr(c->images));
	free(steal_ptr(c->slabs));
	free(steal_ptr(c->volumes));
	free(steal_ptr(c->pvs));
	c->n_images = c->n_slabs = c->n_volumes = c->n_pvs = 0;
}

void cluster_free(struct cluster *c)
{
	cluster_forget_storage(c);
	free(c->nodes);
	settings_free(&c->settings);
	explicit_bzero(c, sizeof(*c));
}

struct node *cluster_node(const struct cluster *c, unsigned number)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].number == number)
			return &c->nodes[i];
	return NULL;
}

struct node *cluster_node_by_mac(const struct cluster *c, const struct mac *mac)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		if (mac_equal(&c->nodes[i].mac, mac))
			return &c->nodes[i];
	return NULL;
}

struct node *cluster_node_by_name(const struct cluster *c, const char *name)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		if (strcmp(c->nodes[i].name, name) == 0)
			return &c->nodes[i];
	return NULL;
}

struct node *cluster_node_called(const struct cluster *c, const char *text)
{
	unsigned number;
	struct node *n = str_to_uint(text, 1, CLUSTER_MAX_NODES, &number) == 0 ? cluster_node(c, number) : NULL;

	return n ? n : cluster_node_by_name(c, text);
}

struct slab *cluster_slab(const struct cluster *c, const char *lv)
{
	for (size_t i = 0; i < c->n_slabs; i++)
		if (strcmp(c->slabs[i].lv, lv) == 0)
			return &c->slabs[i];
	return NULL;
}

char *image_ref(char dst[IMAGE_REF_SIZE], const struct image *i)
{
	snprintf(dst, IMAGE_REF_SIZE, "%s@%u", i->name, i->version);
	return dst;
}

struct image *cluster_image(const struct cluster *c, const char *ref)
{
	char have[IMAGE_REF_SIZE];

	for (size_t i = 0; i < c->n_images; i++)
		if (strcmp(image_ref(have, &c->images[i]), ref) == 0)
			return &c->images[i];
	return NULL;
}

struct image *cluster_default_image(const struct cluster *c)
{
	return c->default_image[0] ? cluster_image(c, c->default_image) : c->n_images ? &c->images[0] : NULL;
}

struct volume *cluster_volume(const struct cluster *c, const char *name)
{
	for (size_t i = 0; i < c->n_volumes; i++)
		if (strcmp(c->volumes[i].name, name) == 0)
			return &c->volumes[i];
	return NULL;
}

struct volume *cluster_node_volume(const struct cluster *c, unsigned number, enum volume_kind kind)
{
	for (size_t i = 0; i < c->n_volumes; i++)
		if (c->volumes[i].node == number && c->volumes[i].kind == kind)
			return &c->volumes[i];
	return NULL;
}

char *initiator_name(char dst[INITIATOR_NAME_SIZE], const struct mac *mac)
{
	char hex[13];

	str_hex(hex, mac->b, sizeof(mac->b));
	snprintf(dst, INITIATOR_NAME_SIZE, "iqn.2026-11.org.byre:%s", hex);
	return dst;
}

const char *image_use_name(enum image_use use)
{
	static const char *const names[] = {"node", "disk"};

	return names[use];
}

const char *volume_kind_name(enum volume_kind kind)
{
	static const char *const names[] = {"root", "swap", "shared", "disk"};

	return names[kind];
}

uint64_t segments_extents(const struct segments *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].count;
	return n;
}

int segments_add(struct segments *s, struct segment seg)
{
	struct segment *v = realloc(s->v, (s->n + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	s->v = v;
	v[s->n++] = seg;
	return 0;
}
