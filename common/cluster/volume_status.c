/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/volume_status.h"

#include "base/str.h"
#include "cluster/members.h"

#include <errno.h>
#include <string.h>

static int read_store(const json_t *o, struct store_status *s, struct error *e)
{
	const struct {
		const char *key;
		uint64_t *to;
	} numbers[] = {
		{"data_used", &s->data_used},           {"data_total", &s->data_total},   {"metadata_used", &s->metadata_used},
		{"metadata_total", &s->metadata_total}, {"short_since", &s->short_since},
	};
	int r = member_text(o, "volume", s->volume, sizeof(s->volume), e);

	for (size_t i = 0; i < ARRAY_SIZE(numbers) && r == 0; i++)
		r = member_u64(o, numbers[i].key, INT64_MAX, numbers[i].to, e);
	s->full = json_is_true(json_object_get(o, "full"));
	return r;
}

static int read_stores(const json_t *o, struct volume_status *s, struct error *e)
{
	const json_t *list = json_object_get(o, "stores");

	if (!json_is_array(list) || json_array_size(list) > VOLUME_STATUS_MAX)
		return error_set(e, EINVAL, "stores: no list of at most %d", VOLUME_STATUS_MAX);
	for (; s->n < json_array_size(list); s->n++)
		if (read_store(json_array_get(list, s->n), &s->stores[s->n], e) < 0)
			return error_wrap(e, "stores[%zu]", s->n);
	return 0;
}

int volume_status_parse(const char *text, size_t len, struct volume_status *ret, struct error *e)
{
	json_auto_t *o = members_load(text, len, e);
	struct volume_status s = {0};
	int r;

	if (!o)
		return error_wrap(e, "volume status");
	r = member_uint(o, "node", CLUSTER_MAX_NODES, &s.node, e);
	if (r == 0)
		r = member_u64(o, "generation", INT64_MAX, &s.generation, e);
	if (r == 0)
		r = member_u64(o, "written", INT64_MAX, &s.written, e);
	if (r == 0)
		r = member_text(o, "why", s.why, sizeof(s.why), e);
	if (r == 0)
		r = read_stores(o, &s, e);
	if (r < 0)
		return error_wrap(e, "volume status");
	s.more = json_is_true(json_object_get(o, "more"));
	s.leaving = json_is_true(json_object_get(o, "leaving"));
	*ret = s;
	return 0;
}

static json_t *print_store(const struct store_status *s)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:b}", "volume", s->volume, "data_used", (json_int_t)s->data_used, "data_total",
			 (json_int_t)s->data_total, "metadata_used", (json_int_t)s->metadata_used, "metadata_total",
			 (json_int_t)s->metadata_total, "short_since", (json_int_t)s->short_since, "full", s->full);
}

int volume_status_print(const struct volume_status *s, size_t max, struct buf *b, struct error *e)
{
	json_t *list = json_array();
	json_auto_t *o = json_pack("{s:i,s:I,s:I,s:s,s:o,s:b,s:b}", "node", (int)s->node, "generation", (json_int_t)s->generation,
				   "written", (json_int_t)s->written, "why", s->why, "stores", list, "more", s->more, "leaving", s->leaving);
	size_t left;

	if (!o)
		return error_set(e, EINVAL, "volume status: cannot be printed as JSON");
	left = json_dumpb(o, NULL, 0, JSON_COMPACT);
	if (left > max)
		return error_set(e, EFBIG, "volume status: more than %zu bytes", max);
	left = max - left;
	for (size_t i = 0; i < s->n; i++) {
		json_t *one = print_store(&s->stores[i]);
		size_t bytes = one ? json_dumpb(one, NULL, 0, JSON_COMPACT) + 1 : max;

		if (bytes > left) {
			json_decref(one);
			json_object_set_new(o, "more", json_true());
			break;
		}
		left -= bytes;
		json_array_append_new(list, one);
	}
	return members_print(o, b, e) < 0 ? error_wrap(e, "volume status") : 0;
}

const struct store_status *volume_status_find(const struct volume_status *s, const char *volume)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->stores[i].volume, volume) == 0)
			return &s->stores[i];
	return NULL;
}
