/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold between the parts of a cluster. Sorted copies keep it at O(n log n): a document can hold thousands of volumes. */
#include "cluster/model.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts N names and refuses two alike. */
static int check_unique(const char **names, size_t n, const char *what, struct error *e)
{
	qsort(names, n, sizeof(*names), compare_strings);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return error_set(e, EINVAL, "two %s are called '%s'", what, names[i]);
	return 0;
}

static bool is_volume_name(const char *name)
{
	return strlen(name) < VOLUME_NAME_SIZE && str_is_domain(name);
}

static int check_node(const struct cluster *c, const struct node *n, struct error *e)
{
	if (n->number < 1 || n->number > CLUSTER_MAX_NODES)
		return error_set(e, EINVAL, "node %u: number not from 1 to %d", n->number, CLUSTER_MAX_NODES);
	if (!str_is_label(n->name))
		return error_set(e, EINVAL, "node %u: '%.70s' is no host name", n->number, n->name);
	if (!n->boot_ip || !n->storage_ip)
		return error_set(e, EINVAL, "node %u: an address is missing", n->number);
	if (strlen(n->machine_id) != 32 || n->machine_id[strspn(n->machine_id, "0123456789abcdef")])
		return error_set(e, EINVAL, "node %u: machine_id is not 32 hex digits", n->number);
	if (!cluster_image(c, n->image))
		return error_set(e, EINVAL, "node %u: there is no image '%s'", n->number, n->image);
	return 0;
}

static int compare_nodes_by_mac(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;

	return memcmp(&x->mac, &y->mac, sizeof(x->mac));
}

static int compare_nodes_by_ip(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;

	return (x->boot_ip > y->boot_ip) - (x->boot_ip < y->boot_ip);
}

static int check_node_pairs(const struct cluster *c, struct error *e)
{
	cleanup_free const struct node **by = calloc(c->n_nodes + 1, sizeof(*by));
	char text[MAC_LEN], ip[IP4_LEN];

	if (!by)
		return error_errno(e, ENOMEM, "nodes");
	for (size_t i = 0; i < c->n_nodes; i++)
		by[i] = &c->nodes[i];
	qsort(by, c->n_nodes, sizeof(*by), compare_nodes_by_mac);
	for (size_t i = 1; i < c->n_nodes; i++)
		if (mac_equal(&by[i - 1]->mac, &by[i]->mac))
			return error_set(e, EINVAL, "node %u and node %u: both have MAC address %s", by[i - 1]->number, by[i]->number,
					 mac_format(text, &by[i]->mac));
	qsort(by, c->n_nodes, sizeof(*by), compare_nodes_by_ip);
	for (size_t i = 1; i < c->n_nodes; i++)
		if (by[i - 1]->boot_ip == by[i]->boot_ip)
			return error_set(e, EINVAL, "node %u and node %u: both have address %s", by[i - 1]->number, by[i]->number,
					 ip4_format(ip, by[i]->boot_ip));
	return 0;
}

static int check_nodes(const struct cluster *c, struct error *e)
{
	cleanup_free const char **names = calloc(c->n_nodes + 1, sizeof(*names));
	int r = 0;

	if (!names)
		return error_errno(e, ENOMEM, "nodes");
	if (c->n_nodes > CLUSTER_MAX_NODES)
		return error_set(e, EINVAL, "%zu nodes: more than %d", c->n_nodes, CLUSTER_MAX_NODES);
	for (size_t i = 0; i < c->n_nodes && r == 0; i++) {
		names[i] = c->nodes[i].name;
		if (i && c->nodes[i].number <= c->nodes[i - 1].number)
			return error_set(e, EINVAL, "node %u: numbers must ascend", c->nodes[i].number);
		r = check_node(c, &c->nodes[i], e);
	}
	if (r == 0)
		r = check_unique(names, c->n_nodes, "nodes", e);
	return r < 0 ? r : check_node_pairs(c, e);
}

/* --- segments ------------------------------------------------------------------------------------------------------ */

struct placed {
	struct segment seg;
	const char *owner;
};
struct placed_list {
	struct placed *v;
	size_t n, size;
};

static int place(const struct cluster *c, const struct segments *s, const char *owner, struct placed_list *l, struct error *e)
{
	for (size_t i = 0; i < s->n; i++) {
		struct segment g = s->v[i];

		if (g.pv >= c->n_pvs || g.count == 0 || (uint64_t)g.start + g.count > c->pvs[g.pv].extents)
			return error_set(e, EINVAL, "%s: segment [%u,%u,%u] lies outside its PV", owner, g.pv, g.start, g.count);
		if (l->n == l->size) {
			size_t size = l->size ? 2 * l->size : 64;
			struct placed *v = realloc(l->v, size * sizeof(*v));

			if (!v)
				return error_errno(e, ENOMEM, "segments");
			l->v = v;
			l->size = size;
		}
		l->v[l->n++] = (struct placed){g, owner};
	}
	return 0;
}

static int compare_placed(const void *a, const void *b)
{
	const struct segment *x = &((const struct placed *)a)->seg, *y = &((const struct placed *)b)->seg;

	if (x->pv != y->pv)
		return x->pv < y->pv ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static int check_disjoint(struct placed_list *l, struct error *e)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_placed);
	for (size_t i = 1; i < l->n; i++) {
		const struct placed *a = &l->v[i - 1], *b = &l->v[i];

		if (a->seg.pv == b->seg.pv && a->seg.start + a->seg.count > b->seg.start)
			return error_set(e, EINVAL, "%s and %s overlap on the SAN at extent %u", a->owner, b->owner, b->seg.start);
	}
	return 0;
}

/* Volumes (which are cut from slabs) and images are apart; so are slabs and images. */
static int check_segments(const struct cluster *c, struct error *e)
{
	struct placed_list used = {0}, lvs = {0};
	int r = 0;

	for (size_t i = 0; i < c->n_images && r == 0; i++) {
		r = place(c, &c->images[i].segments, c->images[i].name, &used, e);
		if (r == 0)
			r = place(c, &c->images[i].segments, c->images[i].name, &lvs, e);
	}
	for (size_t i = 0; i < c->n_slabs && r == 0; i++)
		r = place(c, &c->slabs[i].segments, c->slabs[i].lv, &lvs, e);
	for (size_t i = 0; i < c->n_volumes && r == 0; i++) {
		r = place(c, &c->volumes[i].metadata, c->volumes[i].name, &used, e);
		if (r == 0)
			r = place(c, &c->volumes[i].data, c->volumes[i].name, &used, e);
	}
	if (r == 0)
		r = check_disjoint(&used, e);
	if (r == 0)
		r = check_disjoint(&lvs, e);
	free(used.v);
	free(lvs.v);
	return r;
}

/* --- volumes, images ------------------------------------------------------------------------------------------------- */

static int check_volume(const struct cluster *c, const struct volume *v, struct error *e)
{
	if (!is_volume_name(v->name))
		return error_set(e, EINVAL, "volume '%.130s': no such name is allowed", v->name);
	if (v->kind == VOLUME_SHARED ? v->node != 0 : !cluster_node(c, v->node))
		return error_set(e, EINVAL, "volume %s: there is no node %u", v->name, v->node);
	if (v->bytes == 0 || v->bytes % 4096)
		return error_set(e, EINVAL, "volume %s: %llu bytes: not a whole number of 4 KiB blocks", v->name,
				 (unsigned long long)v->bytes);
	if (v->data.n == 0)
		return error_set(e, EINVAL, "volume %s: it has no space on the SAN", v->name);
	if (v->kind != VOLUME_ROOT)
		return v->bytes <= segments_extents(&v->data) * EXTENT_BYTES
			       ? 0
			       : error_set(e, EINVAL, "volume %s: larger than its segments", v->name);
	if (v->metadata.n == 0)
		return error_set(e, EINVAL, "volume %s: it has no metadata", v->name);
	if (!cluster_image(c, v->image))
		return error_set(e, EINVAL, "volume %s: there is no image '%s'", v->name, v->image);
	return 0;
}

static int check_volumes(const struct cluster *c, struct error *e)
{
	cleanup_free const char **names = calloc(c->n_volumes + 1, sizeof(*names));
	int r = 0;

	if (!names)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < c->n_volumes && r == 0; i++) {
		names[i] = c->volumes[i].name;
		r = check_volume(c, &c->volumes[i], e);
	}
	return r < 0 ? r : check_unique(names, c->n_volumes, "volumes", e);
}

static int check_images(const struct cluster *c, struct error *e)
{
	for (size_t i = 0; i < c->n_images; i++) {
		const struct image *m = &c->images[i];

		if (!str_is_label(m->name) || m->version < 1)
			return error_set(e, EINVAL, "image '%.70s@%u': no such name is allowed", m->name, m->version);
		if (m->bytes == 0 || m->bytes > segments_extents(&m->segments) * EXTENT_BYTES)
			return error_set(e, EINVAL, "image %s@%u: larger than its segments", m->name, m->version);
		for (size_t k = 0; k < i; k++)
			if (m->version == c->images[k].version && strcmp(m->name, c->images[k].name) == 0)
				return error_set(e, EINVAL, "two images are called '%s@%u'", m->name, m->version);
	}
	return 0;
}

int cluster_check(const struct cluster *c, struct error *e)
{
	int r;

	if (c->generation < 1)
		return error_set(e, EINVAL, "generation 0");
	r = check_images(c, e);
	if (r == 0)
		r = check_nodes(c, e);
	if (r == 0)
		r = check_volumes(c, e);
	return r < 0 ? r : check_segments(c, e);
}
