/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two documents are compared as JSON, so that a new member of the document is compared without being named here. */
#include "cluster/difference.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cluster/document.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 60 /* characters of a value */

struct comparison {
	struct buf *b;
	struct difference d;
};

/* --- lines --------------------------------------------------------------------------------------------------------------- */

static void add_line(struct comparison *x, const char *what, const char *from, const char *to)
{
	struct buf line cleanup_buf = BUF_INIT;

	buf_puts(&line, what);
	if (from)
		buf_printf(&line, ": %s -> %s", from, to);
	if (buf_ok(&line))
		str_printable(line.data);
	buf_printf(x->b, "%s\n", buf_str(&line));
	x->d.n++;
}

/* A value in few characters: texts as they are, lists as JSON. */
static void show(const json_t *j, char dst[SHOWN + 4])
{
	cleanup_free char *json = j && !json_is_string(j) ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const char *text = !j ? "none" : json_is_string(j) ? json_string_value(j) : json ? json : "?";

	snprintf(dst, SHOWN + 4, strlen(text) > SHOWN ? "%.60s..." : "%s", *text ? text : "none");
}

static bool is_secret(const char *key)
{
	return strcmp(key, "key") == 0 || strcmp(key, "root-password-hash") == 0;
}

/* WHERE: "" or "node 3: ". */
static void compare_member(struct comparison *x, const char *where, const char *key, const json_t *from, const json_t *to)
{
	char what[300], a[SHOWN + 4], b[SHOWN + 4];

	if (json_equal(from, to))
		return;
	snprintf(what, sizeof(what), "~ %s%s%s", where, key, is_secret(key) ? ": another (hidden)" : "");
	show(from, a);
	show(to, b);
	add_line(x, what, is_secret(key) ? NULL : a, b);
}

static void compare_members(struct comparison *x, const char *where, json_t *from, json_t *to)
{
	const char *key;
	json_t *j;

	json_object_foreach(from, key, j)
	{
		compare_member(x, where, key, j, json_object_get(to, key));
	}
	json_object_foreach(to, key, j)
	{
		if (!json_object_get(from, key))
			compare_member(x, where, key, NULL, j);
	}
}

/* --- lists --------------------------------------------------------------------------------------------------------------- */

struct list {
	const char *key, *noun;
	const char *id, *id2; /* the members that name one of it; NULL: it is a text */
	bool storage;
};
static const struct list lists[] = {
	{"nodes", "node", "number", NULL, false},     {"ssh_keys", "ssh key", NULL, NULL, false}, {"pvs", "PV", "partuuid", NULL, true},
	{"images", "image", "name", "version", true}, {"slabs", "slab", "lv", NULL, true},        {"volumes", "volume", "name", NULL, true},
};

static const char *const places[] = {"segments", "metadata", "data", "thin", "pe_start", "extents", "uuid", "undo"};

static void name_item(const struct list *l, const json_t *item, char *dst, size_t size)
{
	const json_t *id = l->id ? json_object_get(item, l->id) : item;
	char second[16] = "";

	if (l->id2)
		snprintf(second, sizeof(second), "@%lld", (long long)json_integer_value(json_object_get(item, l->id2)));
	if (json_is_integer(id))
		snprintf(dst, size, "%lld", (long long)json_integer_value(id));
	else
		snprintf(dst, size, "%s%s", json_string_value(id), second);
}

/* The items of a list by name. */
static json_t *index_items(const struct list *l, json_t *doc)
{
	json_t *index = json_object(), *item;
	char name[1024];
	size_t i;

	json_array_foreach(json_object_get(doc, l->key), i, item)
	{
		name_item(l, item, name, sizeof(name));
		json_object_set(index, name, item);
	}
	return index;
}

static bool lies_elsewhere(const json_t *from, const json_t *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const json_t *a = json_object_get(from, places[i]), *b = json_object_get(to, places[i]);

		if (a != b && !json_equal(a, b)) /* neither of both may be there */
			return true;
	}
	return false;
}

/* An ssh key is long; its end tells whose it is. */
static const char *short_name(const char *name)
{
	size_t len = strlen(name);

	return len > SHOWN ? name + len - SHOWN : name;
}

static void compare_lists(struct comparison *x, const struct list *l, json_t *from_doc, json_t *to_doc)
{
	json_auto_t *from = index_items(l, from_doc), *to = index_items(l, to_doc);
	char where[200];
	const char *name;
	json_t *j, *other;

	json_object_foreach(from, name, j)
	{
		other = json_object_get(to, name);
		snprintf(where, sizeof(where), "- %s %s", l->noun, short_name(name));
		if (!other)
			add_line(x, where, NULL, NULL);
		snprintf(where, sizeof(where), "%s %s: ", l->noun, short_name(name));
		if (other && l->id)
			compare_members(x, where, j, other);
		x->d.storage += l->storage && (!other || lies_elsewhere(j, other));
	}
	json_object_foreach(to, name, j)
	{
		if (json_object_get(from, name))
			continue;
		snprintf(where, sizeof(where), "+ %s %s", l->noun, short_name(name));
		add_line(x, where, NULL, NULL);
		x->d.storage += l->storage;
	}
}

/* --- documents ----------------------------------------------------------------------------------------------------------- */

static json_t *as_json(const struct cluster *c, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	json_t *doc = NULL;

	if (document_print(c, &b, e) == 0) {
		doc = json_loadb(b.data, b.len, 0, NULL);
		if (!doc)
			error_errno(e, ENOMEM, "document");
		explicit_bzero(b.data, b.len);
	}
	return doc;
}

/* What is compared otherwise, or not at all. */
static void forget_compared(json_t *doc)
{
	static const char *const keys[] = {"format", "generation", "note", "settings"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_del(doc, keys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_object_del(doc, lists[i].key);
}

int cluster_difference(const struct cluster *from, const struct cluster *to, struct buf *b, struct difference *ret, struct error *e)
{
	struct comparison x = {.b = b};
	json_auto_t *a = NULL, *z = NULL;

	a = as_json(from, e);
	if (a)
		z = as_json(to, e);
	if (!z)
		return -(e && e->code ? e->code : ENOMEM);
	compare_members(&x, "settings: ", json_object_get(a, "settings"), json_object_get(z, "settings"));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		compare_lists(&x, &lists[i], a, z);
	forget_compared(a);
	forget_compared(z);
	compare_members(&x, "", a, z);
	if (!buf_ok(b))
		return error_errno(e, ENOMEM, "difference");
	*ret = x.d;
	return 0;
}
