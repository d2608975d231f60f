/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvm.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "lvm_text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SYSTEM_DIR "/run/byre/lvm" /* empty: no lvm.conf, no devices file, no backups */
#define GROUP_FILE "/run/byre/lvm.group"
#define MAX_OUTPUT (64u * 1024 * 1024)

#define METADATA_SIZE "16m"
#define LABEL_BYTES   (64 * 1024)

typedef json_t *json_ref;
static void freep_json(json_ref *j)
{
	json_decref(*j);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

struct session {
	const char *container;
	const struct pv *pvs; /* what the devices are known as */
	size_t n;
	struct buf devices; /* the only ones that LVM gets to see: a list with commas */
	char config[768];
};

static void session_end(struct session *s)
{
	buf_free(&s->devices);
}
#define cleanup_session CLEANUP(session_end)

static int session_begin(struct session *s, const char *container, const char *const *devices, const struct pv *pvs, size_t n,
			 struct error *e)
{
	*s = (struct session){.container = container, .pvs = pvs, .n = n, .devices = BUF_INIT};
	for (size_t i = 0; i < n; i++)
		buf_printf(&s->devices, "%s%s", i ? "," : "", devices[i]);
	snprintf(s->config, sizeof(s->config),
		 "global{system_id_source=\"lvmlocal\" event_activation=0 use_lvmlockd=0 use_lvmpolld=0 notify_dbus=0} "
		 "local{system_id=\"byre-%s\"} "
		 "activation{monitoring=0 auto_activation_volume_list=[] udev_sync=0 udev_rules=0} "
		 "backup{backup=0 archive=0} "
		 "devices{obtain_device_list_from_udev=0 external_device_info_source=\"none\" hints=\"none\" use_devicesfile=0} "
		 "log{silent=1}",
		 container);
	if (!buf_ok(&s->devices))
		return error_errno(e, ENOMEM, "lvm");
	return dir_make(AT_FDCWD, SYSTEM_DIR, 0755, e);
}

static int session_of(struct session *s, const struct lvm_group *g, struct error *e)
{
	return session_begin(s, g->c->settings.container_name, g->devices, g->c->pvs, g->c->n_pvs, e);
}

/* `lvm VERB --config … --devices … ARGS…` */
static int run(const struct session *s, char **ret_output, struct error *e, const char *verb, const char *const *args)
{
	/* A report alone on standard output: what LVM has to say besides would stand in the middle of it. */
	static const char *const env[] = {
		"LVM_SYSTEM_DIR=" SYSTEM_DIR, "LVM_SUPPRESS_FD_WARNINGS=1", "LC_ALL=C", "LVM_REPORT_FD=1", "LVM_OUT_FD=2", NULL};
	const char *const first[] = {"lvm", verb, "--config", s->config, "--devices", buf_str(&s->devices)};
	cleanup_free const char **argv = NULL;
	struct spawn sp = {.env = env, .max_output = MAX_OUTPUT, .with_parent = true};
	size_t n = 0;
	int r;

	while (args[n])
		n++;
	argv = calloc(ARRAY_SIZE(first) + n + 1, sizeof(*argv));
	if (!argv)
		return error_errno(e, ENOMEM, "%s", verb);
	memcpy(argv, first, sizeof(first));
	memcpy(argv + ARRAY_SIZE(first), args, n * sizeof(*argv));
	sp.argv = argv;
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
		const char *uuid = member(row, "pv_uuid");
		size_t k = 0;

		if (!group[0] && str_copy(group, sizeof(group), member(row, "vg_uuid")) < 0)
			return error_set(e, EPROTO, "lvm: its report on the group cannot be understood");
		while (k < n_pvs && strcmp(pvs[k].uuid, uuid) != 0)
			k++;
		n += *uuid && k == n_pvs;
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

static size_t row_pv(json_t *row, const struct pv *pvs, size_t n_pvs)
{
	const char *uuid = member(row, "pv_uuid");
	size_t pv = 0;

	while (pv < n_pvs && strcmp(pvs[pv].uuid, uuid) != 0)
		pv++;
	return pv;
}

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

void lvm_list_free(struct lvm_volume *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		segments_free(&v[i].segments);
	free(v);
}

const struct lvm_volume *lvm_find(const struct lvm_volume *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

#define REPORT "--reportformat", "json", "--units", "s", "--nosuffix"

static int list(const struct session *s, struct lvm_volume **ret, size_t *ret_n, struct error *e)
{
	static const char *const args[] = {REPORT, "--segments", "-o",
					   "vg_name,pv_missing,pv_uuid,lv_name,seg_start_pe,pvseg_start,pvseg_size", NULL};
	cleanup_free char *text = NULL;
	int r = run(s, &text, e, "pvs", args);

	return r == 0 ? lvm_parse_segments(text, s->pvs, s->n, ret, ret_n, e) : r;
}

int lvm_list(const struct lvm_group *g, struct lvm_volume **ret, size_t *ret_n, struct error *e)
{
	struct session s cleanup_session;
	int r = session_of(&s, g, e);

	return r == 0 ? list(&s, ret, ret_n, e) : r;
}

/* The N volumes V, by name: their extents and segments as they are. One that is not wanted (0 extents) stays without. */
static int read_volumes(const struct session *s, struct lvm_volume *v, size_t n, struct error *e)
{
	struct lvm_volume *have = NULL;
	size_t n_have = 0;
	int r = list(s, &have, &n_have, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		size_t k = 0;

		while (k < n_have && strcmp(have[k].name, v[i].name) != 0)
			k++;
		if (k == n_have && v[i].extents)
			r = error_set(e, EPROTO, "lvm: volume %s is not there", v[i].name);
		if (k == n_have)
			continue;
		v[i].extents = have[k].extents;
		v[i].segments = have[k].segments;
		have[k].segments = (struct segments){NULL, 0};
	}
	lvm_list_free(have, n_have);
	return r;
}

/* PV DEVICE, which is one of the session's. */
static int read_pv(const struct session *s, const char *device, struct pv *ret, struct error *e)
{
	const char *const args[] = {REPORT, "-o", "pv_uuid,pe_start,pv_pe_count,vg_extent_size", device, NULL};
	cleanup_free char *text = NULL;
	uint64_t extent;
	int r = run(s, &text, e, "pvs", args);

	if (r == 0)
		r = lvm_parse_pv(text, ret, &extent, e);
	if (r == 0 && extent != EXTENT_SECTORS)
		r = error_set(e, EPROTO, "lvm: extents of %llu sectors, not %d", (unsigned long long)extent, EXTENT_SECTORS);
	return r;
}

/* --- changes -------------------------------------------------------------------------------------------------------------- */

/* A command that wanted EXTENTS has failed: when the group has not so many, then for that. */
static int explain(const struct session *s, uint32_t extents, int code, struct error *e)
{
	const char *const args[] = {"--noheadings", "-o", "vg_free_count", s->container, NULL};
	cleanup_free char *text = NULL;
	uint64_t left;
	char *word;

	if (run(s, &text, NULL, "vgs", args) < 0)
		return code;
	word = text + strspn(text, " ");
	word[strcspn(word, " \n")] = '\0';
	if (str_to_u64(word, 0, UINT32_MAX, &left) < 0 || left >= extents)
		return code;
	return error_set(e, ENOSPC, "%u extents of 4 MiB are needed, volume group %s has %llu left", extents, s->container,
			 (unsigned long long)left);
}

static int make_volume(const struct session *s, const struct lvm_volume *v, struct error *e)
{
	char count[16];
	const char *const args[] = {"-an", "-Zn", "-Wn", "-y", "--ignoremonitoring", "-n", v->name, "-l", count, s->container, NULL};
	int r;

	snprintf(count, sizeof(count), "%u", v->extents);
	r = run(s, NULL, e, "lvcreate", args);
	return r < 0 ? explain(s, v->extents, r, e) : 0;
}

static int make_pv(const struct session *s, const char *device, struct error *e)
{
	const char *const args[] = {"-ff", "-y", "-Zy", "--metadatasize", METADATA_SIZE, "--dataalignment", "4m", device, NULL};

	return run(s, NULL, e, "pvcreate", args);
}

int lvm_create(const char *container, const char *device, struct lvm_volume *v, size_t n, struct pv *ret, struct error *e)
{
	const char *const args[] = {"-y", "-s", "4m", "--setautoactivation", "n", container, device, NULL};
	struct session s cleanup_session;
	int r = session_begin(&s, container, &device, ret, 1, e);

	if (r == 0)
		r = make_pv(&s, device, e);
	if (r == 0)
		r = run(&s, NULL, e, "vgcreate", args);
	for (size_t i = 0; i < n && r == 0; i++)
		r = v[i].extents ? make_volume(&s, &v[i], e) : 0;
	if (r == 0)
		r = read_pv(&s, device, ret, e);
	return r == 0 ? read_volumes(&s, v, n, e) : r;
}

int lvm_add(const struct lvm_group *g, struct lvm_volume *v, struct error *e)
{
	struct session s cleanup_session;
	int r = session_of(&s, g, e);

	if (r == 0)
		r = make_volume(&s, v, e);
	return r == 0 ? read_volumes(&s, v, 1, e) : r;
}

int lvm_extend(const struct lvm_group *g, const char *name, uint32_t extents, struct segments *ret, struct error *e)
{
	struct lvm_volume v = {.extents = 1};
	struct session s cleanup_session;
	char count[16], path[NAME_SIZE + LVM_NAME_SIZE];
	const char *const args[] = {"-y", "-l", count, path, NULL};
	int r = session_of(&s, g, e);

	snprintf(v.name, sizeof(v.name), "%s", name);
	snprintf(count, sizeof(count), "+%u", extents);
	snprintf(path, sizeof(path), "%s/%s", s.container, name);
	if (r == 0 && (r = run(&s, NULL, e, "lvextend", args)) < 0)
		r = explain(&s, extents, r, e);
	if (r == 0)
		r = read_volumes(&s, &v, 1, e);
	if (r == 0)
		*ret = v.segments;
	return r;
}

int lvm_reduce(const struct lvm_group *g, const char *name, uint32_t extents, struct error *e)
{
	struct session s cleanup_session;
	char count[16], path[NAME_SIZE + LVM_NAME_SIZE];
	const char *const args[] = {"-y", "-f", "-l", count, path, NULL};
	int r = session_of(&s, g, e);

	snprintf(count, sizeof(count), "-%u", extents);
	snprintf(path, sizeof(path), "%s/%s", s.container, name);
	return r == 0 ? run(&s, NULL, e, "lvreduce", args) : r;
}

/* Gives LV NAME exactly the extents of SEG on DEVICE, behind those it has; makes it when IS_NEW. */
static int place(const struct session *s, const char *name, const struct segment *seg, const char *device, bool is_new, struct error *e)
{
	char count[16], range[128], path[NAME_SIZE + LVM_NAME_SIZE];
	const char *const create[] = {"-an", "-Zn", "-Wn", "-y", "--ignoremonitoring", "-n", name, "-l", count, s->container, range, NULL};
	const char *const extend[] = {"-y", "-l", count, path, range, NULL};

	snprintf(count, sizeof(count), "%s%u", is_new ? "" : "+", seg->count);
	snprintf(range, sizeof(range), "%s:%u-%u", device, seg->start, seg->start + seg->count - 1);
	snprintf(path, sizeof(path), "%s/%s", s->container, name);
	return run(s, NULL, e, is_new ? "lvcreate" : "lvextend", is_new ? create : extend);
}

int lvm_restore(const struct lvm_group *g, const char *name, uint64_t have, const struct segments *segments, struct error *e)
{
	struct session s cleanup_session;
	int r = session_of(&s, g, e);
	bool is_new = have == 0;

	for (size_t i = 0; i < segments->n && r == 0; i++) {
		struct segment seg = segments->v[i];
		uint32_t skip = have < seg.count ? (uint32_t)have : seg.count;

		have -= skip;
		seg.start += skip;
		seg.count -= skip;
		if (seg.count == 0)
			continue;
		r = place(&s, name, &seg, g->devices[seg.pv], is_new, e);
		is_new = false;
	}
	return r;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* lvremove of those of V that are among NAMES. */
static int remove_volumes(const struct session *s, const struct lvm_volume *v, size_t n_v, const char *const *names, size_t n,
			  struct error *e)
{
	cleanup_free const char **args = calloc(n_v + 4, sizeof(*args));
	cleanup_free char(*paths)[NAME_SIZE + LVM_NAME_SIZE] = calloc(n_v + 1, sizeof(*paths));
	size_t k = 0;

	if (!args || !paths)
		return error_errno(e, ENOMEM, "lvremove");
	args[k++] = "-y";
	args[k++] = "-f";
	for (size_t i = 0; i < n_v; i++) {
		if (!is_one_of(v[i].name, names, n))
			continue;
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", s->container, v[i].name);
		args[k++] = paths[i];
	}
	return k > 2 ? run(s, NULL, e, "lvremove", args) : 0;
}

int lvm_remove(const struct lvm_group *g, const char *const *names, size_t n, struct error *e)
{
	struct lvm_volume *have = NULL;
	size_t n_have = 0;
	struct session s cleanup_session;
	int r = session_of(&s, g, e);

	if (r == 0)
		r = list(&s, &have, &n_have, e);
	if (r == 0)
		r = remove_volumes(&s, have, n_have, names, n, e);
	lvm_list_free(have, n_have);
	return r;
}

/* --- making all of it anew ------------------------------------------------------------------------------------------------------ */

/* The label and what stands first in the metadata area: LVM refuses to make a PV anew over metadata that it half understands. */
static int forget_pv(const char *device, struct error *e)
{
	cleanup_free char *zeros = aligned_alloc(4096, LABEL_BYTES);
	cleanup_fd int fd = open(device, O_RDWR | O_CLOEXEC | O_DIRECT);
	int r;

	if (fd < 0 || !zeros)
		return error_errno(e, fd < 0 ? errno : ENOMEM, "%s", device);
	memset(zeros, 0, LABEL_BYTES);
	r = pwrite_full(fd, zeros, LABEL_BYTES, 0);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r < 0 ? error_errno(e, r, "%s: LVM's label", device) : 0;
}

static int remake_pv(const struct session *s, const char *device, const struct pv *pv, struct error *e)
{
	const char *const args[] = {"-ff",         "-y",   "--uuid", pv->uuid, "--restorefile", GROUP_FILE, "--metadatasize",
				    METADATA_SIZE, device, NULL};
	int r = forget_pv(device, e);

	return r == 0 ? run(s, NULL, e, "pvcreate", args) : r;
}

int lvm_remake(const struct lvm_group *g, struct error *e)
{
	const char *const args[] = {"-f", GROUP_FILE, "--force", "-y", g->c->settings.container_name, NULL};
	struct buf text cleanup_buf = BUF_INIT;
	struct session s cleanup_session;
	uint64_t seed;
	int r = session_of(&s, g, e);

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return error_errno(e, EIO, "random numbers");
	lvm_text(g->c, seed, &text);
	if (r == 0)
		r = buf_ok(&text) ? file_write(AT_FDCWD, GROUP_FILE, 0600, text.data, text.len, e) : error_errno(e, ENOMEM, "lvm");
	for (size_t i = 0; i < g->c->n_pvs && r == 0; i++)
		r = remake_pv(&s, g->devices[i], &g->c->pvs[i], e);
	return r == 0 ? run(&s, NULL, e, "vgcfgrestore", args) : r;
}

int lvm_add_pv(const struct lvm_group *g, const char *device, struct pv *ret, struct error *e)
{
	const char *const args[] = {"-y", g->c->settings.container_name, device, NULL};
	cleanup_free const char **devices = calloc(g->c->n_pvs + 1, sizeof(*devices));
	struct session s cleanup_session;
	int r;

	if (!devices)
		return error_errno(e, ENOMEM, "lvm");
	memcpy(devices, g->devices, g->c->n_pvs * sizeof(*devices));
	devices[g->c->n_pvs] = device;
	r = session_begin(&s, g->c->settings.container_name, devices, g->c->pvs, g->c->n_pvs + 1, e);
	if (r == 0)
		r = make_pv(&s, device, e);
	if (r == 0)
		r = run(&s, NULL, e, "vgextend", args);
	return r == 0 ? read_pv(&s, device, ret, e) : r;
}

static int read_strangers(const struct session *s, const char *all, size_t *ret_n, char ret_group[LVM_UUID_SIZE], struct error *e)
{
	const char *const args[] = {REPORT, "-o", "pv_uuid,vg_uuid", all, NULL};
	cleanup_free char *text = NULL;
	int r = run(s, &text, e, "pvs", args);

	return r == 0 ? lvm_parse_strangers(text, s->pvs, s->n, ret_n, ret_group, e) : r;
}

int lvm_strangers(const struct lvm_group *g, size_t *ret_n, char ret_group[LVM_UUID_SIZE], struct error *e)
{
	char group[LVM_UUID_SIZE];
	struct session s cleanup_session;
	int r = session_of(&s, g, e);

	if (r == 0)
		r = read_strangers(&s, NULL, ret_n, group, e);
	if (r == 0 && ret_group)
		memcpy(ret_group, group, sizeof(group));
	return r;
}

int lvm_group_of(const char *container, const char *device, char ret[LVM_UUID_SIZE], struct error *e)
{
	struct session s cleanup_session;
	size_t n;
	int r = session_begin(&s, container, &device, NULL, 1, e);

	s.n = 0; /* none of its PVs is known by name */
	return r == 0 ? read_strangers(&s, "--all", &n, ret, e) : r;
}

/* LVM takes them for missing, for they are not among the devices that it gets to see. */
int lvm_forget_strangers(const struct lvm_group *g, struct error *e)
{
	const char *const args[] = {"-y", "--removemissing", g->c->settings.container_name, NULL};
	struct session s cleanup_session;
	int r = session_of(&s, g, e);

	return r == 0 ? run(&s, NULL, e, "vgreduce", args) : r;
}
