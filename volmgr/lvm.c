/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvm.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_DIR "/run/byre/lvm" /* empty: no lvm.conf, no devices file, no backups */
#define MAX_ARGS   24

typedef json_t *json_ref;
static void freep_json(json_ref *j)
{
	json_decref(*j);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

struct session {
	const char *device;
	char config[768];
};

static void session_init(struct session *s, const char *container, const char *device)
{
	s->device = device;
	snprintf(s->config, sizeof(s->config),
		 "global{system_id_source=\"lvmlocal\" event_activation=0 use_lvmlockd=0 use_lvmpolld=0 notify_dbus=0} "
		 "local{system_id=\"byre-%s\"} "
		 "activation{monitoring=0 auto_activation_volume_list=[] udev_sync=0 udev_rules=0} "
		 "backup{backup=0 archive=0} "
		 "devices{obtain_device_list_from_udev=0 external_device_info_source=\"none\" hints=\"none\" use_devicesfile=0} "
		 "log{silent=1}",
		 container);
}

/* `lvm VERB --config … --devices DEVICE ARGS…` */
static int run(const struct session *s, char **ret_output, struct error *e, const char *verb, const char *const *args)
{
	static const char *const env[] = {"LVM_SYSTEM_DIR=" SYSTEM_DIR, "LVM_SUPPRESS_FD_WARNINGS=1", "LC_ALL=C", NULL};
	const char *argv[MAX_ARGS] = {"lvm", verb, "--config", s->config, "--devices", s->device};
	struct spawn sp = {.argv = argv, .env = env};
	size_t n = 6;
	int r;

	while (*args && n < MAX_ARGS - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	r = spawn_run(&sp, ret_output, NULL, e);
	if (r < 0)
		return error_wrap(e, "%s", verb);
	return 0;
}

/* --- reports ------------------------------------------------------------------------------------------------------------ */

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

/* "/dev/sda2:0-255" */
static int parse_range(const char *text, struct segment *ret)
{
	const char *colon = strrchr(text, ':'), *dash = colon ? strchr(colon, '-') : NULL;
	char first[16];
	uint64_t a, b;

	if (!dash || (size_t)(dash - colon) > sizeof(first))
		return -EINVAL;
	snprintf(first, sizeof(first), "%.*s", (int)(dash - colon - 1), colon + 1);
	if (str_to_u64(first, 0, UINT32_MAX, &a) < 0 || str_to_u64(dash + 1, a, UINT32_MAX, &b) < 0)
		return -EINVAL;
	*ret = (struct segment){0, (uint32_t)a, (uint32_t)(b - a + 1)};
	return 0;
}

static struct lvm_volume *find(struct lvm_volume *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

/* Rows come in the order of the segments within their LV. */
int lvm_parse_segments(const char *text, struct lvm_volume *v, size_t n, struct error *e)
{
	json_ref root CLEANUP(freep_json) = NULL;
	json_t *rows = report_rows(text, "seg", &root, e), *row;
	size_t i;

	if (!rows)
		return -EPROTO;
	json_array_foreach(rows, i, row)
	{
		struct lvm_volume *lv = find(v, n, member(row, "lv_name"));
		struct segment seg;

		if (!lv)
			continue;
		if (parse_range(member(row, "seg_pe_ranges"), &seg) < 0)
			return error_set(e, EPROTO, "lvm: segment '%.60s' cannot be understood", member(row, "seg_pe_ranges"));
		if (segments_add(&lv->segments, seg) < 0)
			return error_errno(e, ENOMEM, "segments");
	}
	for (i = 0; i < n; i++)
		if (segments_extents(&v[i].segments) != v[i].extents)
			return error_set(e, EPROTO, "lvm: volume %s has %llu extents, not %u", v[i].name,
					 (unsigned long long)segments_extents(&v[i].segments), v[i].extents);
	return 0;
}

static int read_layout(const struct session *s, struct lvm_volume *v, size_t n, struct pv *ret, struct error *e)
{
	static const char *const pv_args[] = {
		"--reportformat", "json", "--units", "s", "--nosuffix", "-o", "pv_uuid,pe_start,pv_pe_count,vg_extent_size", NULL};
	static const char *const lv_args[] = {
		"--reportformat", "json", "--segments", "-o", "lv_name,seg_start_pe,seg_pe_ranges", "-O", "lv_name,seg_start_pe", NULL};
	cleanup_free char *pvs = NULL, *lvs = NULL;
	uint64_t extent;
	int r = run(s, &pvs, e, "pvs", pv_args);

	if (r == 0)
		r = lvm_parse_pv(pvs, ret, &extent, e);
	if (r == 0 && extent != EXTENT_SECTORS)
		r = error_set(e, EPROTO, "lvm: extents of %llu sectors, not %d", (unsigned long long)extent, EXTENT_SECTORS);
	if (r == 0)
		r = run(s, &lvs, e, "lvs", lv_args);
	return r == 0 ? lvm_parse_segments(lvs, v, n, e) : r;
}

/* --- changes -------------------------------------------------------------------------------------------------------------- */

static int make_volume(const struct session *s, const char *container, const struct lvm_volume *v, struct error *e)
{
	char count[16];
	const char *const args[] = {"-an", "-Zn", "-Wn", "-y", "--ignoremonitoring", "-n", v->name, "-l", count, container, NULL};

	snprintf(count, sizeof(count), "%u", v->extents);
	return v->extents ? run(s, NULL, e, "lvcreate", args) : 0;
}

int lvm_create(const char *container, const char *device, struct lvm_volume *v, size_t n, struct pv *ret, struct error *e)
{
	const char *const pv_args[] = {"-ff", "-y", "-Zy", "--metadatasize", "16m", "--dataalignment", "4m", device, NULL};
	const char *const vg_args[] = {"-y", "-s", "4m", "--setautoactivation", "n", container, device, NULL};
	struct session s;
	int r;

	session_init(&s, container, device);
	r = dir_make(AT_FDCWD, SYSTEM_DIR, 0755, e);
	if (r == 0)
		r = run(&s, NULL, e, "pvcreate", pv_args);
	if (r == 0)
		r = run(&s, NULL, e, "vgcreate", vg_args);
	for (size_t i = 0; i < n && r == 0; i++)
		r = make_volume(&s, container, &v[i], e);
	return r == 0 ? read_layout(&s, v, n, ret, e) : r;
}
