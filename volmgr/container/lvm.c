/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvm.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "lvm_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SYSTEM_DIR "/run/byre/lvm" /* empty: no lvm.conf, no devices file, no backups */
#define GROUP_FILE "/run/byre/lvm.group"
#define MAX_OUTPUT (64u * 1024 * 1024)

#define METADATA_SIZE "16m"
#define LABEL_BYTES   (64 * 1024)

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
