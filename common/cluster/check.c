/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold between the parts of a cluster. Sorted copies keep it at O(n log n): a document can hold thousands of volumes. */
#include "cluster/check.h"

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

/* --- images ---------------------------------------------------------------------------------------------------------- */

struct ref {
	char text[IMAGE_REF_SIZE];
	const struct image *image;
};
/* The images by reference, sorted. */
struct refs {
	struct ref *v;
	size_t n;
};

static int compare_refs(const void *a, const void *b)
{
	return strcmp(((const struct ref *)a)->text, ((const struct ref *)b)->text);
}

static int refs_new(const struct cluster *c, struct refs *ret, struct error *e)
{
	ret->n = c->n_images;
	ret->v = calloc(ret->n + 1, sizeof(*ret->v));
	if (!ret->v)
		return error_errno(e, ENOMEM, "images");
	for (size_t i = 0; i < ret->n; i++) {
		image_ref(ret->v[i].text, &c->images[i]);
		ret->v[i].image = &c->images[i];
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), compare_refs);
	return 0;
}

static const struct image *find_image(const struct refs *refs, const char *text)
{
	struct ref key;
	const struct ref *got;

	if (str_copy(key.text, sizeof(key.text), text) < 0)
		return NULL;
	got = bsearch(&key, refs->v, refs->n, sizeof(key), compare_refs);
	return got ? got->image : NULL;
}

static int check_images(const struct cluster *c, const struct refs *refs, struct error *e)
{
	for (size_t i = 0; i < c->n_images; i++) {
		const struct image *m = &c->images[i];

		if (!str_is_label(m->name) || m->version < 1)
			return error_set(e, EINVAL, "image '%.70s@%u': no such name is allowed", m->name, m->version);
		if (m->bytes == 0 || m->bytes > segments_extents(&m->segments) * EXTENT_BYTES)
			return error_set(e, EINVAL, "image %s@%u: larger than its segments", m->name, m->version);
	}
	for (size_t i = 1; i < refs->n; i++)
		if (compare_refs(&refs->v[i - 1], &refs->v[i]) == 0)
			return error_set(e, EINVAL, "two images are called '%s'", refs->v[i].text);
	return 0;
}

/* WHO wants image TEXT to stand on: it must be there, and filled. */
static int check_wanted(const struct refs *refs, const char *who, const char *text, const struct image **ret, struct error *e)
{
	const struct image *m = find_image(refs, text);

	if (!m)
		return error_set(e, EINVAL, "%s: there is no image '%.80s'", who, text);
	if (m->filling)
		return error_set(e, EINVAL, "%s: image %s is still being filled", who, text);
	*ret = m;
	return 0;
}

/* As check_wanted, and it is one for nodes. */
static int check_wanted_by_nodes(const struct refs *refs, const char *who, const char *text, struct error *e)
{
	const struct image *m = NULL;
	int r = check_wanted(refs, who, text, &m, e);

	if (r == 0 && m->use != IMAGE_NODE)
		return error_set(e, EINVAL, "%s: image %s is the disk of a VM, not for nodes", who, text);
	return r;
}

static int check_defaults(const struct cluster *c, const struct refs *refs, struct error *e)
{
	char first[IMAGE_REF_SIZE] = "";
	int r = 0;

	if (c->n_images)
		image_ref(first, &c->images[0]);
	if (c->default_image[0])
		r = check_wanted_by_nodes(refs, "default_image", c->default_image, e);
	else if (first[0])
		r = check_wanted_by_nodes(refs, "default_image, the first one", first, e);
	if (r == 0 && c->previous_image[0])
		r = check_wanted_by_nodes(refs, "previous_image", c->previous_image, e);
	return r;
}

/* --- nodes ----------------------------------------------------------------------------------------------------------- */

static int check_node(const struct refs *refs, const struct node *n, struct error *e)
{
	char who[32];

	if (n->number < 1 || n->number > CLUSTER_MAX_NODES)
		return error_set(e, EINVAL, "node %u: number not from 1 to %d", n->number, CLUSTER_MAX_NODES);
	if (!str_is_label(n->name))
		return error_set(e, EINVAL, "node %u: '%.70s' is no host name", n->number, n->name);
	if (!n->boot_ip || !n->storage_ip)
		return error_set(e, EINVAL, "node %u: an address is missing", n->number);
	if (strlen(n->machine_id) != 32 || n->machine_id[strspn(n->machine_id, "0123456789abcdef")])
		return error_set(e, EINVAL, "node %u: machine_id is not 32 hex digits", n->number);
	snprintf(who, sizeof(who), "node %u", n->number);
	return check_wanted_by_nodes(refs, who, n->image, e);
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

static int check_nodes(const struct cluster *c, const struct refs *refs, struct error *e)
{
	cleanup_free const char **names = calloc(c->n_nodes + 1, sizeof(*names));
	int r = 0;

	if (!names)
		return error_errno(e, ENOMEM, "nodes");
	for (size_t i = 0; i < c->n_nodes && r == 0; i++) {
		names[i] = c->nodes[i].name;
		if (i && c->nodes[i].number <= c->nodes[i - 1].number)
			return error_set(e, EINVAL, "node %u: numbers must ascend", c->nodes[i].number);
		r = check_node(refs, &c->nodes[i], e);
	}
	if (r == 0)
		r = check_unique(names, c->n_nodes, "nodes", e);
	return r < 0 ? r : check_node_pairs(c, e);
}

static int compare_node_numbers(const void *key, const void *node)
{
	unsigned number = *(const unsigned *)key, have = ((const struct node *)node)->number;

	return (number > have) - (number < have);
}

/* Nodes ascend: check_nodes has seen to it. */
static bool has_node(const struct cluster *c, unsigned number)
{
	return c->n_nodes && bsearch(&number, c->nodes, c->n_nodes, sizeof(*c->nodes), compare_node_numbers);
}

/* --- PVs ------------------------------------------------------------------------------------------------------------- */

static int compare_pvs(const void *a, const void *b)
{
	return strcmp((*(const struct pv *const *)a)->partuuid, (*(const struct pv *const *)b)->partuuid);
}

static int check_pvs(const struct cluster *c, struct error *e)
{
	cleanup_free const struct pv **by = calloc(c->n_pvs + 1, sizeof(*by));

	if (!by)
		return error_errno(e, ENOMEM, "PVs");
	for (size_t i = 0; i < c->n_pvs; i++)
		by[i] = &c->pvs[i];
	qsort(by, c->n_pvs, sizeof(*by), compare_pvs);
	for (size_t i = 1; i < c->n_pvs; i++)
		if (compare_pvs(&by[i - 1], &by[i]) == 0)
			return error_set(e, EINVAL, "PV %zu and PV %zu: both have partition GUID %s", (size_t)(by[i - 1] - c->pvs),
					 (size_t)(by[i] - c->pvs), by[i]->partuuid);
	return 0;
}

/* --- volumes --------------------------------------------------------------------------------------------------------- */

static bool is_volume_name(const char *name)
{
	return strlen(name) < VOLUME_NAME_SIZE && str_is_domain(name);
}

static int check_owner(const struct cluster *c, const struct volume *v, struct error *e)
{
	if (v->kind == VOLUME_SHARED && v->node != 0)
		return error_set(e, EINVAL, "volume %s: it is shared, and yet node %u's", v->name, v->node);
	if (v->kind == VOLUME_SHARED || (v->kind == VOLUME_DISK && v->node == 0) || has_node(c, v->node))
		return 0;
	return error_set(e, EINVAL, "volume %s: there is no node %u", v->name, v->node);
}

static int check_undo(const struct refs *refs, const struct volume *v, struct error *e)
{
	char who[VOLUME_NAME_SIZE + 40];

	if (v->kind != VOLUME_ROOT)
		return error_set(e, EINVAL, "volume %s: only a root can be what it was before a reset", v->name);
	if (v->undo_thin == v->thin)
		return error_set(e, EINVAL, "volume %s: it and what it was before its reset are both thin device %u", v->name, v->thin);
	snprintf(who, sizeof(who), "volume %s before its reset", v->name);
	return check_wanted_by_nodes(refs, who, v->undo_image, e);
}

static int check_thin(const struct refs *refs, const struct volume *v, struct error *e)
{
	const struct image *m;
	char who[VOLUME_NAME_SIZE + 8];
	int r = 0;

	if (v->metadata.n == 0)
		return error_set(e, EINVAL, "volume %s: it has no metadata", v->name);
	snprintf(who, sizeof(who), "volume %s", v->name);
	if (v->kind == VOLUME_ROOT)
		r = check_wanted_by_nodes(refs, who, v->image, e);
	else if (v->image[0])
		r = check_wanted(refs, who, v->image, &m, e);
	return r == 0 && v->has_undo ? check_undo(refs, v, e) : r;
}

static int check_volume(const struct cluster *c, const struct refs *refs, const struct volume *v, struct error *e)
{
	int r;

	if (!is_volume_name(v->name))
		return error_set(e, EINVAL, "volume '%.130s': no such name is allowed", v->name);
	r = check_owner(c, v, e);
	if (r < 0)
		return r;
	if (v->bytes == 0 || v->bytes % 4096)
		return error_set(e, EINVAL, "volume %s: %llu bytes: not a whole number of 4 KiB blocks", v->name,
				 (unsigned long long)v->bytes);
	if (v->data.n == 0)
		return error_set(e, EINVAL, "volume %s: it has no space on the SAN", v->name);
	if (volume_is_thin(v))
		return check_thin(refs, v, e);
	if (v->bytes > segments_extents(&v->data) * EXTENT_BYTES)
		return error_set(e, EINVAL, "volume %s: larger than its segments", v->name);
	return 0;
}

static bool is_nodes_own(const struct volume *v)
{
	return v->kind == VOLUME_ROOT || v->kind == VOLUME_SWAP;
}

static int compare_owned(const void *a, const void *b)
{
	const struct volume *x = *(const struct volume *const *)a, *y = *(const struct volume *const *)b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* Every node has one root and at most one swap. */
static int check_owned(const struct cluster *c, struct error *e)
{
	cleanup_free const struct volume **by = calloc(c->n_volumes + 1, sizeof(*by));
	size_t n = 0, at = 0;

	if (!by)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < c->n_volumes; i++)
		if (is_nodes_own(&c->volumes[i]))
			by[n++] = &c->volumes[i];
	qsort(by, n, sizeof(*by), compare_owned);
	for (size_t i = 1; i < n; i++)
		if (compare_owned(&by[i - 1], &by[i]) == 0)
			return error_set(e, EINVAL, "node %u has two volumes for %s: %s and %s", by[i]->node, volume_kind_name(by[i]->kind),
					 by[i - 1]->name, by[i]->name);
	for (size_t i = 0; i < c->n_nodes; i++) {
		while (at < n && (by[at]->node < c->nodes[i].number || by[at]->kind != VOLUME_ROOT))
			at++;
		if (at == n || by[at]->node != c->nodes[i].number)
			return error_set(e, EINVAL, "node %u (%s) has no root volume", c->nodes[i].number, c->nodes[i].name);
	}
	return 0;
}

static int check_volumes(const struct cluster *c, const struct refs *refs, struct error *e)
{
	cleanup_free const char **names = calloc(c->n_volumes + 1, sizeof(*names));
	int r = 0;

	if (!names)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < c->n_volumes && r == 0; i++) {
		names[i] = c->volumes[i].name;
		r = check_volume(c, refs, &c->volumes[i], e);
	}
	if (r == 0)
		r = check_unique(names, c->n_volumes, "volumes", e);
	return r == 0 ? check_owned(c, e) : r;
}

int cluster_check(const struct cluster *c, struct error *e)
{
	struct refs refs;
	int r;

	if (c->generation < 1)
		return error_set(e, EINVAL, "generation 0");
	r = refs_new(c, &refs, e);
	if (r < 0)
		return r;
	r = check_images(c, &refs, e);
	if (r == 0)
		r = check_defaults(c, &refs, e);
	if (r == 0)
		r = check_nodes(c, &refs, e);
	if (r == 0)
		r = check_pvs(c, e);
	if (r == 0)
		r = check_volumes(c, &refs, e);
	free(refs.v);
	return r < 0 ? r : check_space(c, e);
}
