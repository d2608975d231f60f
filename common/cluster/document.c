/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/document.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cluster/members.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int get_ip(const json_t *o, const char *key, uint32_t *ret, struct error *e)
{
	char text[IP4_LEN];
	int r = member_text(o, key, text, sizeof(text), e);

	if (r == 0 && ip4_parse(text, ret) < 0)
		return error_set(e, EINVAL, "%s: '%s' is no IPv4 address", key, text);
	return r;
}

static int get_segment(const json_t *j, struct segment *ret)
{
	uint32_t *part[] = {&ret->pv, &ret->start, &ret->count};

	if (!json_is_array(j) || json_array_size(j) != 3)
		return -EINVAL;
	for (size_t i = 0; i < 3; i++) {
		uint64_t n;

		if (!number_of(json_array_get(j, i), UINT32_MAX, &n))
			return -EINVAL;
		*part[i] = (uint32_t)n;
	}
	return 0;
}

/* A list of [pv, start, count]. */
static int get_segments(const json_t *o, const char *key, struct segments *ret, struct error *e)
{
	const json_t *list = json_object_get(o, key);

	if (!json_is_array(list))
		return error_set(e, EINVAL, "%s: no list", key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct segment s;

		if (get_segment(json_array_get(list, i), &s) < 0)
			return error_set(e, EINVAL, "%s: segment %zu is not [pv,start,count]", key, i);
		if (segments_add(ret, s) < 0)
			return error_errno(e, ENOMEM, "%s", key);
	}
	return 0;
}

static int read_pv(const json_t *o, void *item, struct error *e)
{
	struct pv *p = item;
	int r = member_text(o, "partuuid", p->partuuid, sizeof(p->partuuid), e);

	if (r == 0)
		r = member_text(o, "uuid", p->uuid, sizeof(p->uuid), e);
	if (r == 0)
		r = member_u64(o, "pe_start", UINT32_MAX, &p->pe_start, e);
	return r < 0 ? r : member_uint(o, "extents", UINT32_MAX, &p->extents, e);
}

static int read_image_use(const json_t *o, enum image_use *ret, struct error *e)
{
	char text[NAME_SIZE] = "node";
	int r = may_text(o, "use", text, sizeof(text), e);

	if (r < 0)
		return r;
	for (unsigned k = IMAGE_NODE; k <= IMAGE_DISK; k++) {
		if (strcmp(image_use_name(k), text) == 0) {
			*ret = k;
			return 0;
		}
	}
	return error_set(e, EINVAL, "use: '%s' is no use of an image", text);
}

static int read_image(const json_t *o, void *item, struct error *e)
{
	struct image *i = item;
	int r = member_text(o, "name", i->name, sizeof(i->name), e);

	if (r == 0)
		r = member_uint(o, "version", 1000000, &i->version, e);
	if (r == 0)
		r = member_u64(o, "bytes", 1ull << 50, &i->bytes, e);
	if (r == 0)
		r = member_text(o, "sha256", i->sha256, sizeof(i->sha256), e);
	if (r == 0)
		r = member_text(o, "kernel", i->kernel, sizeof(i->kernel), e);
	if (r == 0)
		r = read_image_use(o, &i->use, e);
	if (r == 0)
		r = may_bool(o, "filling", &i->filling, e);
	if (r == 0)
		r = may_uint(o, "filled_by", CLUSTER_MAX_NODES, &i->filled_by, e);
	if (r == 0)
		r = may_u64(o, "created", INT64_MAX, &i->created, e);
	return r < 0 ? r : get_segments(o, "segments", &i->segments, e);
}

static int read_slab(const json_t *o, void *item, struct error *e)
{
	struct slab *s = item;
	int r = member_text(o, "lv", s->lv, sizeof(s->lv), e);

	return r < 0 ? r : get_segments(o, "segments", &s->segments, e);
}

static int read_kind(const json_t *o, enum volume_kind *ret, struct error *e)
{
	char text[NAME_SIZE];
	int r = member_text(o, "kind", text, sizeof(text), e);

	if (r < 0)
		return r;
	for (unsigned k = VOLUME_ROOT; k <= VOLUME_DISK; k++) {
		if (strcmp(volume_kind_name(k), text) == 0) {
			*ret = k;
			return 0;
		}
	}
	return error_set(e, EINVAL, "kind: '%s' is no kind of volume", text);
}

/* "undo": {"thin", "image"}, of a root that was reset. */
static int read_undo(const json_t *volume, struct volume *v, struct error *e)
{
	const json_t *o = json_object_get(volume, "undo");
	int r;

	if (!o)
		return 0;
	v->has_undo = true;
	r = member_uint(o, "thin", THIN_ID_VOLUME_MAX, &v->undo_thin, e);
	if (r == 0)
		r = member_text(o, "image", v->undo_image, sizeof(v->undo_image), e);
	return r < 0 ? error_wrap(e, "undo") : 0;
}

static int read_volume(const json_t *o, void *item, struct error *e)
{
	struct volume *v = item;
	int r = member_text(o, "name", v->name, sizeof(v->name), e);

	if (r == 0)
		r = read_kind(o, &v->kind, e);
	if (r == 0)
		r = member_uint(o, "node", CLUSTER_MAX_NODES, &v->node, e);
	if (r == 0)
		r = member_text(o, "image", v->image, sizeof(v->image), e);
	if (r == 0)
		r = member_u64(o, "bytes", 1ull << 50, &v->bytes, e);
	if (r == 0)
		r = may_u64(o, "incarnation", INT64_MAX, &v->incarnation, e);
	if (r == 0)
		r = may_uint(o, "thin", THIN_ID_VOLUME_MAX, &v->thin, e);
	if (r == 0)
		r = read_undo(o, v, e);
	if (r == 0)
		r = get_segments(o, "metadata", &v->metadata, e);
	return r < 0 ? r : get_segments(o, "data", &v->data, e);
}

static int read_node(const json_t *o, void *item, struct error *e)
{
	struct node *n = item;
	char mac[MAC_LEN];
	int r = member_uint(o, "number", CLUSTER_MAX_NODES, &n->number, e);

	if (r == 0)
		r = member_text(o, "name", n->name, sizeof(n->name), e);
	if (r == 0)
		r = member_text(o, "mac", mac, sizeof(mac), e);
	if (r == 0 && mac_parse(mac, &n->mac) < 0)
		r = error_set(e, EINVAL, "mac: '%s' is no MAC address", mac);
	if (r == 0)
		r = get_ip(o, "boot_ip", &n->boot_ip, e);
	if (r == 0)
		r = get_ip(o, "storage_ip", &n->storage_ip, e);
	if (r == 0)
		r = member_text(o, "machine_id", n->machine_id, sizeof(n->machine_id), e);
	return r < 0 ? r : member_text(o, "image", n->image, sizeof(n->image), e);
}

/* Reads the list KEY of DOC into a new array of items of SIZE bytes. *RET_N grows with every item, so that what was read can be freed. */
static int read_list(const json_t *doc, const char *key, size_t size, void *ret_items, size_t *ret_n,
		     int (*read_item)(const json_t *, void *, struct error *), struct error *e)
{
	const json_t *list = json_object_get(doc, key);
	size_t n = json_array_size(list);
	char *items;

	if (!json_is_array(list))
		return error_set(e, EINVAL, "%s: no list", key);
	items = calloc(n + 1, size);
	if (!items)
		return error_errno(e, ENOMEM, "%s", key);
	memcpy(ret_items, &items, sizeof(items));
	for (size_t i = 0; i < n; i++) {
		*ret_n = i + 1;
		if (read_item(json_array_get(list, i), items + i * size, e) < 0)
			return error_wrap(e, "%s[%zu]", key, i);
	}
	return 0;
}

static int read_ssh_keys(const json_t *doc, struct settings *s, struct error *e)
{
	const json_t *list = json_object_get(doc, "ssh_keys");
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return error_set(e, EINVAL, "ssh_keys: no list");
	s->ssh_keys = calloc(n + 1, sizeof(*s->ssh_keys));
	for (size_t i = 0; s->ssh_keys && i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || strchr(text, '\n'))
			return error_set(e, EINVAL, "ssh_keys[%zu]: no line of text", i);
		s->ssh_keys[i] = strdup(text);
		if (!s->ssh_keys[i])
			break;
		s->n_ssh_keys++;
	}
	return s->ssh_keys && s->n_ssh_keys == n ? 0 : error_errno(e, ENOMEM, "ssh_keys");
}

/* The settings as an object of texts, by the keys of settings_table. A key of a newer program is passed over, one that came later has its default. */
static int read_settings(const json_t *doc, struct settings *s, struct error *e)
{
	json_t *o = json_object_get(doc, "settings");

	if (!json_is_object(o))
		return error_set(e, EINVAL, "settings: no object");
	for (const struct setting *d = settings_table; d->key; d++) {
		const json_t *j = json_object_get(o, d->key);

		if (j && !json_is_string(j))
			return error_set(e, EINVAL, "settings: %s: no text", d->key);
		if (settings_set(s, d->key, j ? json_string_value(j) : NULL, e) < 0)
			return error_wrap(e, "settings");
	}
	return 0;
}

static int read_head(const json_t *doc, struct cluster *c, struct error *e)
{
	char hex[2 * CLUSTER_KEY_LEN + 1];
	unsigned format = 0;
	int r = member_uint(doc, "format", UINT32_MAX, &format, e);

	if (r == 0 && format != DOCUMENT_FORMAT)
		return error_set(e, format > DOCUMENT_FORMAT ? ENOTSUP : EINVAL, "format %u: this program reads format %d", format,
				 DOCUMENT_FORMAT);
	if (r == 0)
		r = member_u64(doc, "generation", INT64_MAX, &c->generation, e);
	if (r == 0)
		r = member_text(doc, "id", c->id, sizeof(c->id), e);
	if (r == 0)
		r = member_text(doc, "key", hex, sizeof(hex), e);
	if (r == 0 && str_unhex(hex, c->key, sizeof(c->key)) < 0)
		r = error_set(e, EINVAL, "key: not %d hex digits", 2 * CLUSTER_KEY_LEN);
	explicit_bzero(hex, sizeof(hex));
	return r;
}

static int read_note(const json_t *doc, struct change_note *n, struct error *e)
{
	const json_t *o = json_object_get(doc, "note");
	int r;

	if (!o)
		return 0;
	r = member_u64(o, "time", INT64_MAX, &n->time, e);
	if (r == 0)
		r = member_uint(o, "node", CLUSTER_MAX_NODES, &n->node, e);
	if (r == 0)
		r = member_text(o, "what", n->what, sizeof(n->what), e);
	return r < 0 ? error_wrap(e, "note") : 0;
}

static int read_document(const json_t *doc, struct cluster *c, struct error *e)
{
	int r = read_head(doc, c, e);

	if (r == 0)
		r = read_note(doc, &c->note, e);
	if (r == 0)
		r = may_text(doc, "default_image", c->default_image, sizeof(c->default_image), e);
	if (r == 0)
		r = may_text(doc, "previous_image", c->previous_image, sizeof(c->previous_image), e);
	if (r == 0)
		r = may_text(doc, "fencing_why", c->fencing_why, sizeof(c->fencing_why), e);
	if (r == 0)
		r = read_settings(doc, &c->settings, e);
	if (r == 0)
		r = read_ssh_keys(doc, &c->settings, e);
	if (r == 0)
		r = read_list(doc, "nodes", sizeof(*c->nodes), &c->nodes, &c->n_nodes, read_node, e);
	if (r == 0)
		r = read_list(doc, "pvs", sizeof(*c->pvs), &c->pvs, &c->n_pvs, read_pv, e);
	if (r == 0)
		r = read_list(doc, "images", sizeof(*c->images), &c->images, &c->n_images, read_image, e);
	if (r == 0)
		r = read_list(doc, "slabs", sizeof(*c->slabs), &c->slabs, &c->n_slabs, read_slab, e);
	if (r == 0)
		r = read_list(doc, "volumes", sizeof(*c->volumes), &c->volumes, &c->n_volumes, read_volume, e);
	return r < 0 ? r : cluster_check(c, e);
}

int document_parse(const char *text, size_t len, struct cluster *ret, struct error *e)
{
	json_auto_t *doc = NULL;
	int r;

	if (len > DOCUMENT_MAX)
		return error_set(e, EFBIG, "document: %zu bytes: larger than %u", len, DOCUMENT_MAX);
	doc = members_load(text, len, e);
	if (!doc)
		return error_wrap(e, "document");
	r = read_document(doc, ret, e);
	if (r < 0) {
		cluster_free(ret);
		return error_wrap(e, "document");
	}
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static json_t *print_segments(const struct segments *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list,
				      json_pack("[I,I,I]", (json_int_t)s->v[i].pv, (json_int_t)s->v[i].start, (json_int_t)s->v[i].count));
	return list;
}

static json_t *print_node(const struct node *n)
{
	char mac[MAC_LEN], boot[IP4_LEN], storage[IP4_LEN];

	return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s}", "number", (int)n->number, "name", n->name, "mac", mac_format(mac, &n->mac),
			 "boot_ip", ip4_format(boot, n->boot_ip), "storage_ip", ip4_format(storage, n->storage_ip), "machine_id",
			 n->machine_id, "image", n->image);
}

static json_t *print_pv(const struct pv *p)
{
	return json_pack("{s:s,s:s,s:I,s:I}", "partuuid", p->partuuid, "uuid", p->uuid, "pe_start", (json_int_t)p->pe_start, "extents",
			 (json_int_t)p->extents);
}

static json_t *print_image(const struct image *i)
{
	json_t *o = json_pack("{s:s,s:i,s:I,s:s,s:s,s:o}", "name", i->name, "version", (int)i->version, "bytes", (json_int_t)i->bytes,
			      "sha256", i->sha256, "kernel", i->kernel, "segments", print_segments(&i->segments));

	if (i->use != IMAGE_NODE)
		json_object_set_new(o, "use", json_string(image_use_name(i->use)));
	if (i->created)
		json_object_set_new(o, "created", json_integer((json_int_t)i->created));
	if (i->filling)
		json_object_set_new(o, "filling", json_true());
	if (i->filled_by)
		json_object_set_new(o, "filled_by", json_integer(i->filled_by));
	return o;
}

static json_t *print_slab(const struct slab *s)
{
	return json_pack("{s:s,s:o}", "lv", s->lv, "segments", print_segments(&s->segments));
}

static json_t *print_volume(const struct volume *v)
{
	json_t *o = json_pack("{s:s,s:s,s:i,s:s,s:I,s:o,s:o}", "name", v->name, "kind", volume_kind_name(v->kind), "node", (int)v->node,
			      "image", v->image, "bytes", (json_int_t)v->bytes, "metadata", print_segments(&v->metadata), "data",
			      print_segments(&v->data));

	if (v->incarnation)
		json_object_set_new(o, "incarnation", json_integer((json_int_t)v->incarnation));
	if (v->thin)
		json_object_set_new(o, "thin", json_integer((json_int_t)v->thin));
	if (v->has_undo)
		json_object_set_new(o, "undo", json_pack("{s:i,s:s}", "thin", (int)v->undo_thin, "image", v->undo_image));
	return o;
}

static json_t *print_settings(const struct settings *s)
{
	json_t *o = json_object();

	for (const struct setting *d = settings_table; d->key; d++) {
		struct buf b CLEANUP(buf_free) = BUF_INIT;

		if (d->type == SET_SECRET)
			continue;
		settings_format(s, d, &b);
		json_object_set_new(o, d->key, json_string(buf_str(&b)));
	}
	return o;
}

#define PRINT_LIST(doc, key, items, n, print)                                                                                              \
	do {                                                                                                                               \
		json_t *list_ = json_array();                                                                                              \
		for (size_t i_ = 0; i_ < (n); i_++)                                                                                        \
			json_array_append_new(list_, print(&(items)[i_]));                                                                 \
		json_object_set_new(doc, key, list_);                                                                                      \
	} while (0)

/* Members that came after the first documents; left out where they say nothing. */
static void print_later(json_t *doc, const struct cluster *c)
{
	const struct change_note *n = &c->note;

	if (n->time || n->what[0])
		json_object_set_new(doc, "note",
				    json_pack("{s:I,s:i,s:s}", "time", (json_int_t)n->time, "node", (int)n->node, "what", n->what));
	if (c->default_image[0])
		json_object_set_new(doc, "default_image", json_string(c->default_image));
	if (c->previous_image[0])
		json_object_set_new(doc, "previous_image", json_string(c->previous_image));
	if (c->fencing_why[0])
		json_object_set_new(doc, "fencing_why", json_string(c->fencing_why));
}

static json_t *print_document(const struct cluster *c)
{
	char hex[2 * CLUSTER_KEY_LEN + 1];
	json_t *doc, *keys = json_array();

	str_hex(hex, c->key, sizeof(c->key));
	doc = json_pack("{s:i,s:I,s:s,s:s,s:o}", "format", DOCUMENT_FORMAT, "generation", (json_int_t)c->generation, "id", c->id, "key",
			hex, "settings", print_settings(&c->settings));
	explicit_bzero(hex, sizeof(hex));
	print_later(doc, c);
	for (size_t i = 0; i < c->settings.n_ssh_keys; i++)
		json_array_append_new(keys, json_string(c->settings.ssh_keys[i]));
	json_object_set_new(doc, "ssh_keys", keys);
	PRINT_LIST(doc, "nodes", c->nodes, c->n_nodes, print_node);
	PRINT_LIST(doc, "pvs", c->pvs, c->n_pvs, print_pv);
	PRINT_LIST(doc, "images", c->images, c->n_images, print_image);
	PRINT_LIST(doc, "slabs", c->slabs, c->n_slabs, print_slab);
	PRINT_LIST(doc, "volumes", c->volumes, c->n_volumes, print_volume);
	return doc;
}

int document_print(const struct cluster *c, struct buf *b, struct error *e)
{
	json_auto_t *doc = print_document(c);

	if (members_print(doc, b, e) < 0)
		return error_wrap(e, "document");
	buf_puts(b, "\n");
	if (b->len > DOCUMENT_MAX)
		return error_set(e, EFBIG, "document: %zu bytes: larger than %u", b->len, DOCUMENT_MAX);
	return buf_ok(b) ? 0 : error_errno(e, ENOMEM, "document");
}
