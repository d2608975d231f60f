/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvm_report.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

typedef json_t *json_ref;
static void freep_json(json_ref *j)
{
	json_decref(*j);
}

/* {"report": [ {"KIND": [ {…}, … ]} ]}: the array. */
static json_t *report_rows(const char *text, const char *kind, json_ref *ret_root, struct error *e)
{
	json_error_t why;
	json_t *rows;

	*ret_root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	rows = json_object_get(json_array_get(json_object_get(*ret_root, "report"), 0), kind);
	if (!json_is_array(rows)) {
		error_set(e, EPROTO, "lvm: its report cannot be read: %.100s", *ret_root ? kind : why.text);
		return NULL;
	}
	return rows;
}

static const char *member(json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

/* Which of PVS the row is about; N_PVS: none. */
static size_t row_pv(json_t *row, const struct pv *pvs, size_t n_pvs)
{
	const char *uuid = member(row, "pv_uuid");
	size_t pv = 0;

	while (pv < n_pvs && strcmp(pvs[pv].uuid, uuid) != 0)
		pv++;
	return pv;
}

int lvm_parse_pv(const char *text, struct pv *ret, uint64_t *ret_extent_sectors, struct error *e)
{
	json_ref root CLEANUP(freep_json) = NULL;
	json_t *rows = report_rows(text, "pv", &root, e), *row = json_array_get(rows, 0);
	uint64_t extents;

	if (!rows)
		return -EPROTO;
	if (str_copy(ret->uuid, sizeof(ret->uuid), member(row, "pv_uuid")) < 0 || !ret->uuid[0] ||
	    str_to_u64(member(row, "pe_start"), 1, UINT64_MAX / 512, &ret->pe_start) < 0 ||
	    str_to_u64(member(row, "pv_pe_count"), 1, UINT32_MAX, &extents) < 0 ||
	    str_to_u64(member(row, "vg_extent_size"), 1, UINT32_MAX, ret_extent_sectors) < 0)
		return error_set(e, EPROTO, "lvm: its report on the PV cannot be understood");
	ret->extents = (uint32_t)extents;
	return 0;
}

int lvm_parse_strangers(const char *text, const struct pv *pvs, size_t n_pvs, size_t *ret_n, char ret_group[LVM_UUID_SIZE], struct error *e)
{
	json_ref root CLEANUP(freep_json) = NULL;
	json_t *rows = report_rows(text, "pv", &root, e), *row;
	char group[LVM_UUID_SIZE] = "";
	size_t i, n = 0;

	if (!rows)
		return -EPROTO;
	json_array_foreach(rows, i, row)
	{
		if (!group[0] && str_copy(group, sizeof(group), member(row, "vg_uuid")) < 0)
			return error_set(e, EPROTO, "lvm: its report on the group cannot be understood");
		n += *member(row, "pv_uuid") && row_pv(row, pvs, n_pvs) == n_pvs;
	}
	*ret_n = n;
	memcpy(ret_group, group, sizeof(group));
	return 0;
}

/* A piece of an LV, and where it lies within that. */
struct piece {
	const char *lv;
	uint64_t at;
	struct segment seg;
};

static int parse_piece(json_t *row, const struct pv *pvs, size_t n_pvs, struct piece *ret, struct error *e)
{
	const char *uuid = member(row, "pv_uuid");
	size_t pv = row_pv(row, pvs, n_pvs);
	uint64_t start, count;

	if (!json_is_object(row))
		return error_set(e, EPROTO, "lvm: a row of its report cannot be understood");
	ret->lv = member(row, "lv_name");
	if (!*ret->lv) /* free space */
		return 0;
	if (pv == n_pvs)
		return error_set(e, EPROTO, "lvm: volume %.80s lies on PV %.48s, which the state does not know", ret->lv, uuid);
	if (strlen(ret->lv) >= LVM_NAME_SIZE || str_to_u64(member(row, "seg_start_pe"), 0, UINT32_MAX, &ret->at) < 0 ||
	    str_to_u64(member(row, "pvseg_start"), 0, UINT32_MAX, &start) < 0 ||
	    str_to_u64(member(row, "pvseg_size"), 1, UINT32_MAX - start, &count) < 0)
		return error_set(e, EPROTO, "lvm: a segment of volume %.80s cannot be understood", ret->lv);
	ret->seg = (struct segment){(uint32_t)pv, (uint32_t)start, (uint32_t)count};
	return 0;
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int r = strcmp(x->lv, y->lv);

	return r ? r : (x->at > y->at) - (x->at < y->at);
}

/* PIECES sorted; V has room for as many volumes as there are pieces. */
static int join_pieces(const struct piece *pieces, size_t n, struct lvm_volume *v, size_t *ret_n, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct piece *p = &pieces[i];

		if (!*p->lv)
			continue;
		if (!*ret_n || strcmp(v[*ret_n - 1].name, p->lv) != 0)
			str_copy(v[(*ret_n)++].name, LVM_NAME_SIZE, p->lv);
		if (p->at != v[*ret_n - 1].extents || p->seg.count > UINT32_MAX - v[*ret_n - 1].extents)
			return error_set(e, EPROTO, "lvm: volume %s is not linear", p->lv);
		if (segments_add(&v[*ret_n - 1].segments, p->seg) < 0)
			return error_errno(e, ENOMEM, "lvm");
		v[*ret_n - 1].extents += p->seg.count;
	}
	return 0;
}

/* Each PV has a row at least. One whose label or metadata is damaged is still told of, but as missing, or in no group. */
static int check_pvs(json_t *rows, const struct pv *pvs, size_t n_pvs, struct error *e)
{
	cleanup_free bool *whole = calloc(n_pvs + 1, sizeof(*whole));

	if (!whole)
		return error_errno(e, ENOMEM, "lvm");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (*member(row, "vg_name") && !*member(row, "pv_missing"))
			whole[row_pv(row, pvs, n_pvs)] = true;
	}
	for (size_t i = 0; i < n_pvs; i++)
		if (!whole[i])
			return error_set(e, EUCLEAN, "lvm: it finds no volume group on PV %s: its metadata are gone or damaged",
					 pvs[i].uuid);
	return 0;
}

int lvm_parse_segments(const char *text, const struct pv *pvs, size_t n_pvs, struct lvm_volume **ret, size_t *ret_n, struct error *e)
{
	json_ref root CLEANUP(freep_json) = NULL;
	json_t *rows = report_rows(text, "pvseg", &root, e), *row;
	cleanup_free struct piece *pieces = calloc(json_array_size(rows) + 1, sizeof(*pieces));
	struct lvm_volume *v;
	size_t i, n = 0;
	int r = 0;

	if (!rows)
		return -EPROTO;
	v = calloc(json_array_size(rows) + 1, sizeof(*v));
	if (!pieces || !v)
		r = error_errno(e, ENOMEM, "lvm");
	for (i = 0; r == 0 && i < json_array_size(rows); i++) {
		row = json_array_get(rows, i);
		r = parse_piece(row, pvs, n_pvs, &pieces[i], e);
	}
	if (r == 0) {
		qsort(pieces, i, sizeof(*pieces), compare_pieces);
		r = join_pieces(pieces, i, v, &n, e);
	}
	if (r == 0)
		r = check_pvs(rows, pvs, n_pvs, e);
	if (r < 0) {
		lvm_list_free(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}
