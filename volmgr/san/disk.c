/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/san.h"
#include "volmgr/paths.h"
#include "volmgr/compose.h"

#include <blkid.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STATE_SUFFIX "-state"
#define PV_SUFFIX    "-pv"
#define PREFIX       "byre-"

/* How long the disk of a new LUN may take to appear after a scan. */
#define APPEAR_MS       2000
#define APPEAR_PAUSE_MS 100

static void freep_probe(blkid_probe *p)
{
	if (*p)
		blkid_free_probe(*p);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file's text without the space around it; "" when it is not there. */
static void read_attribute(const char *file, char *ret, size_t size)
{
	cleanup_free char *text = NULL;

	ret[0] = '\0';
	if (file_read(AT_FDCWD, file, 4096, &text, NULL, NULL) == 0)
		snprintf(ret, size, "%s", str_trim(text));
}

void disk_attribute(const char *root, const char *path, const char *attribute, char *ret, size_t size)
{
	char file[320];

	snprintf(file, sizeof(file), "%s/sys/block/%s/%s", root, base_name(path), attribute);
	read_attribute(file, ret, size);
}

void disk_partition_path(const char *root, const char *disk, unsigned number, char ret[64])
{
	const char *name = base_name(disk);
	char file[320], value[16];
	cleanup_dir DIR *dir = NULL;
	struct dirent *d;

	ret[0] = '\0';
	snprintf(file, sizeof(file), "%s/sys/block/%s", root, name);
	dir = opendir(file);
	while (dir && (d = readdir(dir))) {
		unsigned got;

		if (!str_starts(d->d_name, name) || strlen(d->d_name) >= 40)
			continue;
		snprintf(file, sizeof(file), "%.40s/partition", d->d_name);
		disk_attribute(root, disk, file, value, sizeof(value));
		if (str_to_uint(value, 1, 1024, &got) == 0 && got == number) {
			snprintf(ret, 64, "/dev/%.40s", d->d_name);
			return;
		}
	}
}

/* The kernel's partition may be an older one of the same number: another machine has changed the table since. */
static bool has_bounds(const char *root, const char *disk, const struct partition *p)
{
	char name[80], value[32];
	uint64_t start, size;

	snprintf(name, sizeof(name), "%.60s/start", base_name(p->path));
	disk_attribute(root, disk, name, value, sizeof(value));
	if (str_to_u64(value, 0, UINT64_MAX / 512, &start) < 0)
		return true;
	snprintf(name, sizeof(name), "%.60s/size", base_name(p->path));
	disk_attribute(root, disk, name, value, sizeof(value));
	return str_to_u64(value, 0, UINT64_MAX / 512, &size) == 0 && start * 512 == p->start && size * 512 == p->size;
}

/* When a multipath device of ours stands on PARTITION of DISK: that one's path, into RET. */
static void find_multipath(const char *root, const char *disk, char ret[64])
{
	char file[320], value[160];
	cleanup_dir DIR *dir = NULL;
	struct dirent *d;

	snprintf(file, sizeof(file), "%s/sys/block/%s/%s/holders", root, base_name(disk), base_name(ret));
	dir = opendir(file);
	while (dir && (d = readdir(dir))) {
		if (!str_starts(d->d_name, "dm-") || strlen(d->d_name) >= 40)
			continue;
		disk_attribute(root, d->d_name, "dm/uuid", value, sizeof(value));
		if (!str_starts(value, PATHS_UUID))
			continue;
		disk_attribute(root, d->d_name, "dm/name", value, sizeof(value));
		if (value[0] && strlen(value) < 64 - sizeof("/dev/mapper/"))
			snprintf(ret, 64, "/dev/mapper/%.50s", value);
		return;
	}
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void take_partition(const char *root, struct disk *d, blkid_partition p)
{
	struct partition *part = &d->parts[d->n++];
	const char *label = blkid_partition_get_name(p), *uuid = blkid_partition_get_uuid(p);

	part->number = (unsigned)blkid_partition_get_partno(p);
	part->start = (uint64_t)blkid_partition_get_start(p) * 512;
	part->size = (uint64_t)blkid_partition_get_size(p) * 512;
	snprintf(part->label, sizeof(part->label), "%s", label ? label : "");
	snprintf(part->uuid, sizeof(part->uuid), "%s", uuid ? uuid : "");
	lower(part->uuid);
	disk_partition_path(root, d->path, part->number, part->path);
	if (part->path[0] && !has_bounds(root, d->path, part))
		part->path[0] = '\0';
	if (part->path[0])
		find_multipath(root, d->path, part->path);
}

/* The device of a partition may stand on other paths than the one by which the table was read. */
static void adopt_multipath(const char *root, struct disk *d, struct partition *part)
{
	for (size_t i = 0; i < d->n_paths && !str_starts(part->path, "/dev/mapper/"); i++) {
		char path[64];

		disk_partition_path(root, d->paths[i].path, part->number, path);
		if (!d->paths[i].control && path[0])
			find_multipath(root, d->paths[i].path, path);
		if (str_starts(path, "/dev/mapper/"))
			memcpy(part->path, path, sizeof(path));
	}
}

static int read_table(const char *root, struct disk *d, blkid_probe probe)
{
	blkid_partlist list;
	blkid_parttable table;
	int n;

	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	list = blkid_probe_get_partitions(probe);
	table = list ? blkid_partlist_get_table(list) : NULL;
	if (!table || strcmp(blkid_parttable_get_type(table), "gpt") != 0)
		return 0;
	n = blkid_partlist_numof_partitions(list);
	d->parts = calloc(n > 0 ? (size_t)n : 1, sizeof(*d->parts));
	if (!d->parts)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		take_partition(root, d, blkid_partlist_get_partition(list, i));
	return 0;
}

/* The table as PATH has it; D's paths are not touched. */
static int read_disk(const char *root, const char *path, struct disk *d, struct error *e)
{
	blkid_probe probe CLEANUP(freep_probe) = NULL;
	char file[320];
	int r;

	if (str_copy(d->path, sizeof(d->path), path) < 0)
		return error_errno(e, ENAMETOOLONG, "%s", path);
	snprintf(file, sizeof(file), "%s%s", root, path);
	errno = EIO;
	probe = blkid_new_probe_from_filename(file);
	if (!probe)
		return error_errno(e, errno, "%s", file);
	r = read_table(root, d, probe);
	return r < 0 ? error_errno(e, r, "partitions of %s", file) : 0;
}

int disk_read(const char *root, const char *path, struct disk *ret, struct error *e)
{
	struct disk d = {.parts = NULL};
	int r = read_disk(root, path, &d, e);

	if (r < 0)
		return r;
	d.paths = calloc(1, sizeof(*d.paths));
	if (!d.paths) {
		disk_free(&d);
		return error_errno(e, ENOMEM, "%s", path);
	}
	disk_path_read(root, path, d.paths);
	d.n_paths = 1;
	*ret = d;
	return 0;
}

void disk_free(struct disk *d)
{
	free(d->parts);
	free(d->paths);
	memset(d, 0, sizeof(*d));
}

/* --- paths ------------------------------------------------------------------------------------------------------------- */

/* The number behind PREFIX in a part of path TEXT: "/session" in "/devices/platform/host2/session1/target2:0:0/…". */
static bool number_in_path(const char *text, const char *prefix, unsigned *ret)
{
	const char *at = strstr(text, prefix);

	return at && sscanf(at + strlen(prefix), "%u/", ret) == 1;
}

static void session_attribute(const char *root, unsigned session, const char *name, char *ret, size_t size)
{
	char file[320];

	snprintf(file, sizeof(file), "%s/sys/class/iscsi_session/session%u/%s", root, session, name);
	read_attribute(file, ret, size);
}

static void connection_attribute(const char *root, unsigned session, const char *name, char *ret, size_t size)
{
	char file[320];

	snprintf(file, sizeof(file), "%s/sys/class/iscsi_connection/connection%u:0/%s", root, session, name);
	read_attribute(file, ret, size);
}

static void read_session(const char *root, struct disk_path *p)
{
	char value[64], port[16];

	session_attribute(root, p->session, "targetname", p->target, sizeof(p->target));
	session_attribute(root, p->session, "ifacename", value, sizeof(value));
	p->control = strcmp(value, SAN_CONTROL_IFACE) == 0;
	session_attribute(root, p->session, "state", value, sizeof(value));
	p->up = p->up && (!value[0] || strcmp(value, "LOGGED_IN") == 0);
	session_attribute(root, p->session, "recovery_tmo", value, sizeof(value));
	str_to_uint(value, 0, UINT32_MAX, &p->recovery);
	connection_attribute(root, p->session, "persistent_address", value, sizeof(value));
	connection_attribute(root, p->session, "persistent_port", port, sizeof(port));
	snprintf(p->portal, sizeof(p->portal), "%.40s:%.6s", value, port);
}

void disk_path_read(const char *root, const char *path, struct disk_path *ret)
{
	struct disk_path p = {.bytes = 0};
	cleanup_free char *real = NULL;
	char file[320], value[32];
	const char *address;
	uint64_t sectors;

	str_copy(p.path, sizeof(p.path), path);
	disk_attribute(root, path, "size", value, sizeof(value));
	if (str_to_u64(value, 0, UINT64_MAX / 512, &sectors) == 0)
		p.bytes = sectors * 512;
	disk_attribute(root, path, "device/wwid", p.wwid, sizeof(p.wwid));
	disk_attribute(root, path, "device/state", p.state, sizeof(p.state));
	p.up = !p.state[0] || strcmp(p.state, "running") == 0;
	snprintf(file, sizeof(file), "%s/sys/block/%s", root, base_name(path));
	real = realpath(file, NULL);
	/* …/host2/session1/target2:0:0/2:0:0:1/block/sda */
	address = real ? strstr(real, "/target") : NULL;
	if (address && number_in_path(real, "/session", &p.session) && sscanf(address, "/target%*[0-9:]/%*u:%*u:%*u:%u/", &p.lun) == 1)
		read_session(root, &p);
	*ret = p;
}

/* A name with a vendor's registered number in it, and not with zeros in that place. */
static bool is_registered(const char *wwid)
{
	if (str_starts(wwid, "eui."))
		return !str_starts(wwid, "eui.000000");
	return str_starts(wwid, "naa.") && wwid[4] && !str_starts(wwid + 5, "000000");
}

bool disk_path_same(const struct disk_path *a, const struct disk_path *b)
{
	if (!a->wwid[0] || strcmp(a->wwid, b->wwid) != 0 || a->bytes != b->bytes)
		return false;
	if (is_registered(a->wwid))
		return true;
	return a->target[0] && strcmp(a->target, b->target) == 0 && a->lun == b->lun;
}

/* The order in which paths are used; of equal ones the older name first: sdb before sdaa. */
static int compare_paths(const void *x, const void *y)
{
	const struct disk_path *a = x, *b = y;
	size_t la = strlen(a->path), lb = strlen(b->path);

	if (a->control != b->control)
		return a->control - b->control;
	if (a->up != b->up)
		return b->up - a->up;
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a->path, b->path);
}

/* Names of disks that are never a SAN's. */
static bool is_candidate(const char *root, const char *name)
{
	static const char *const not_ours[] = {"loop", "ram", "zram", "dm-", "md", "sr", "fd", "."};
	char path[64], size[24];
	uint64_t sectors;

	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		if (str_starts(name, not_ours[i]))
			return false;
	if (strlen(name) > 40)
		return false;
	snprintf(path, sizeof(path), "/dev/%.40s", name);
	disk_attribute(root, path, "size", size, sizeof(size));
	return str_to_u64(size, 1, UINT64_MAX, &sectors) == 0;
}

static int list_paths(const char *root, struct disk_path **ret, size_t *ret_n, struct error *e)
{
	cleanup_free struct disk_path *v = NULL;
	char path[320];
	cleanup_dir DIR *dir = NULL;
	struct dirent *ent;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/sys/block", root);
	dir = opendir(path);
	if (!dir)
		return error_errno(e, errno, "%s", path);
	while ((ent = readdir(dir))) {
		struct disk_path *more;

		if (!is_candidate(root, ent->d_name))
			continue;
		more = realloc(v, (n + 1) * sizeof(*v));
		if (!more)
			return error_errno(e, ENOMEM, "%s", path);
		v = more;
		snprintf(path, sizeof(path), "/dev/%.40s", ent->d_name);
		disk_path_read(root, path, &v[n++]);
	}
	qsort(v, n, n ? sizeof(*v) : 1, compare_paths);
	*ret = steal_ptr(v);
	*ret_n = n;
	return 0;
}

/* Moves the paths to the LUN of V[0] into D, and closes the gaps. */
static int take_lun(struct disk_path *v, size_t *n, struct disk *d)
{
	size_t left = 0;

	d->paths = calloc(*n, sizeof(*d->paths));
	if (!d->paths)
		return -ENOMEM;
	d->paths[d->n_paths++] = v[0];
	for (size_t i = 1; i < *n; i++) {
		if (disk_path_same(&d->paths[0], &v[i]))
			d->paths[d->n_paths++] = v[i];
		else
			v[left++] = v[i];
	}
	*n = left;
	return 0;
}

/* By the first path that can be read. */
static int read_by_any(const char *root, struct disk *d)
{
	int r = -EIO;

	for (size_t i = 0; i < d->n_paths && r < 0; i++)
		r = read_disk(root, d->paths[i].path, d, NULL);
	for (size_t i = 0; i < d->n && d->n_paths > 1; i++)
		adopt_multipath(root, d, &d->parts[i]);
	return r;
}

static struct {
	unsigned holders;
	char *root; /* NULL: not looked yet */
	struct disk *v;
	size_t n;
} held;

static void free_disks(struct disk *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		disk_free(&v[i]);
	free(v);
}

void disk_forget(void)
{
	free_disks(steal_ptr(held.v), held.n);
	held.n = 0;
	free(steal_ptr(held.root));
}

void disk_hold(void)
{
	held.holders++;
}

void disk_let_go(void)
{
	if (--held.holders == 0)
		disk_forget();
}

/* Those that can be read. */
static int list_disks(const char *root, struct disk **ret, size_t *ret_n, struct error *e)
{
	cleanup_free struct disk_path *paths = NULL;
	struct disk *v;
	size_t left = 0, n = 0;
	int r = list_paths(root, &paths, &left, e);

	if (r < 0)
		return r;
	v = calloc(left + 1, sizeof(*v));
	while (v && r == 0 && left > 0) {
		r = take_lun(paths, &left, &v[n]);
		if (r == 0 && read_by_any(root, &v[n]) == 0)
			n++;
		else
			disk_free(&v[n]);
	}
	if (!v || r < 0) {
		free_disks(v, n);
		return error_errno(e, ENOMEM, "disks");
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int tell_each(const struct disk *v, size_t n, disk_fn *fn, void *data, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = fn(&v[i], data, e);
	return r < 0 ? r : 0;
}

int disk_each(const char *root, disk_fn *fn, void *data, struct error *e)
{
	struct disk *v = NULL;
	size_t n = 0;
	int r;

	if (held.root && strcmp(held.root, root) == 0)
		return tell_each(held.v, held.n, fn, data, e);
	r = list_disks(root, &v, &n, e);
	if (r < 0)
		return r;
	if (held.holders && !held.root && (held.root = strdup(root))) {
		held.v = v;
		held.n = n;
		return tell_each(v, n, fn, data, e);
	}
	r = tell_each(v, n, fn, data, e);
	free_disks(v, n);
	return r;
}

struct control_search {
	const char *root, *partition;
	char *ret;
	bool seen;
};

static int find_control(const struct disk *d, void *data, struct error *e)
{
	struct control_search *s = data;
	unsigned number = 0;
	char path[64];

	(void)e;
	for (size_t i = 0; i < d->n; i++) {
		if (strcmp(d->parts[i].path, s->partition) == 0)
			number = d->parts[i].number;
		for (size_t k = 0; k < d->n_paths; k++) {
			disk_partition_path(s->root, d->paths[k].path, d->parts[i].number, path);
			if (strcmp(path, s->partition) == 0)
				number = d->parts[i].number;
		}
	}
	s->seen = s->seen || number;
	for (size_t k = 0; k < d->n_paths && number; k++)
		if (d->paths[k].control && !s->ret[0])
			disk_partition_path(s->root, d->paths[k].path, number, s->ret);
	return 0;
}

int disk_control_partition(const char *root, const char *partition, char ret[64], struct error *e)
{
	char found[64] = "";
	struct control_search s = {root, partition, found, false};
	int r = disk_each(root, find_control, &s, e);

	if (r < 0)
		return r;
	if (!found[0])
		return error_set(e, ENOENT, s.seen ? "%s: no control session leads to its disk" : "%s: no disk has this partition",
				 partition);
	memcpy(ret, found, sizeof(found));
	return 0;
}

/* When LABEL is byre-NAME-SUFFIX: NAME, into RET. */
bool disk_container_label(const char *label, const char *suffix, char ret[NAME_SIZE])
{
	size_t len = strlen(label), pre = strlen(PREFIX), post = strlen(suffix);

	if (!str_starts(label, PREFIX) || len <= pre + post || strcmp(label + len - post, suffix) != 0 || len - pre - post >= NAME_SIZE)
		return false;
	snprintf(ret, NAME_SIZE, "%.*s", (int)(len - pre - post), label + pre);
	return str_is_label(ret);
}

static const struct partition *pv_of(const struct disk *d, const char *container)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < d->n; i++)
		if (d->parts[i].path[0] && disk_container_label(d->parts[i].label, PV_SUFFIX, name) && strcmp(name, container) == 0)
			return &d->parts[i];
	return NULL;
}

size_t disk_containers(const struct disk *d, const char *name, struct container_place *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct partition *state = &d->parts[i], *pv;
		struct container_place p;

		if (!state->path[0] || !disk_container_label(state->label, STATE_SUFFIX, p.name) || (name[0] && strcmp(name, p.name) != 0))
			continue;
		pv = pv_of(d, p.name);
		if (!pv)
			continue;
		memcpy(p.disk, d->path, sizeof(p.disk));
		memcpy(p.state, state->path, sizeof(p.state));
		memcpy(p.pv, pv->path, sizeof(p.pv));
		memcpy(p.pv_partuuid, pv->uuid, sizeof(p.pv_partuuid));
		if (n < max)
			ret[n] = p;
		n++;
	}
	return n;
}

struct finding {
	const char *name;
	struct container_place *ret;
	size_t n, max;
};

static int find_on_disk(const struct disk *d, void *data, struct error *e)
{
	struct finding *f = data;
	size_t done = f->n < f->max ? f->n : f->max;

	(void)e;
	f->n += disk_containers(d, f->name, f->ret + done, f->max - done);
	return 0;
}

int disk_find(const char *root, const char *name, struct container_place *ret, size_t max, struct error *e)
{
	struct finding f = {name, ret, 0, max};
	int r = disk_each(root, find_on_disk, &f, e);

	return r < 0 ? r : (int)f.n;
}

static const char *hint_none(void)
{
	return geteuid() == 0 ? "is the SAN attached?" : "only root can look into disks";
}

int disk_find_one(const char *root, const char *name, struct container_place *ret, struct error *e)
{
	struct container_place v[2];
	int n = disk_find(root, name, v, ARRAY_SIZE(v), e);

	if (n < 0)
		return n;
	if (n == 0)
		return error_set(e, ENODEV, "no disk holds %s%s: %s", *name ? "container " : "a container", name, hint_none());
	if (n > 1)
		return error_set(e, ENOTUNIQ, "there are %d containers%s%s, %s on %s and %s on %s among them: %s", n, *name ? " " : "",
				 name, v[0].name, v[0].disk, v[1].name, v[1].disk,
				 *name ? "leave the disk of only one attached" : "say which by its name");
	*ret = v[0];
	return 0;
}

int container_find(const char *name, struct container_place *ret, size_t max, struct error *e)
{
	return disk_find("", name, ret, max, e);
}

int container_find_one(const char *name, struct container_place *ret, struct error *e)
{
	return disk_find_one("", name, ret, e);
}

/* --- the PVs of a cluster --------------------------------------------------------------------------------------------- */

struct matching {
	const struct cluster *c;
	char (*paths)[64];
};

static int match_pvs(const struct disk *d, void *data, struct error *e)
{
	struct matching *m = data;

	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < m->c->n_pvs; k++) {
			if (!d->parts[i].path[0] || strcmp(d->parts[i].uuid, m->c->pvs[k].partuuid) != 0)
				continue;
			if (m->paths[k][0])
				return error_set(e, ENOTUNIQ, "%s and %s are the same partition %s: leave the disk of only one attached",
						 m->paths[k], d->parts[i].path, m->c->pvs[k].partuuid);
			memcpy(m->paths[k], d->parts[i].path, sizeof(m->paths[k]));
		}
	return 0;
}

/* Finds what is there now: M->paths[i] is "" for a PV that is not. */
static int find_pvs(struct matching *m, struct error *e)
{
	memset(m->paths, 0, m->c->n_pvs * sizeof(*m->paths));
	return disk_each("", match_pvs, m, e);
}

/* The first PV that is missing, or n_pvs. */
static size_t missing_pv(const struct matching *m)
{
	size_t i = 0;

	while (i < m->c->n_pvs && m->paths[i][0])
		i++;
	return i;
}

/* A LUN that was added while this machine ran is not seen until the kernel is told to look. */
static int look_again(struct matching *m, struct error *e)
{
	const struct timespec pause = {0, APPEAR_PAUSE_MS * 1000 * 1000};
	bool more = disk_rescan();
	int r = find_pvs(m, e);

	for (int i = 0; r == 0 && more && missing_pv(m) < m->c->n_pvs && i < APPEAR_MS / APPEAR_PAUSE_MS; i++) {
		nanosleep(&pause, NULL);
		disk_learn_partitions();
		r = find_pvs(m, e);
	}
	return r;
}

/* Where C stands on several paths, so do its disks that came since: a volume on one path alone would fail with that. */
static int stand_on_paths(struct matching *m, struct error *e)
{
	bool all = true;
	unsigned least;
	int r;

	for (size_t i = 0; i < m->c->n_pvs; i++)
		all = all && str_starts(m->paths[i], "/dev/mapper/");
	if (all || !paths_used(m->c))
		return 0;
	r = paths_compose(m->c, &least, e);
	return r == 0 ? find_pvs(m, e) : r;
}

int cluster_pv_paths(const struct cluster *c, const char ***ret, struct error *e)
{
	cleanup_free void *block = calloc(c->n_pvs + 1, sizeof(char *) + 64);
	struct matching m = {c, NULL};
	const char **pointers = block;
	size_t missing;
	int r;

	if (!block)
		return error_errno(e, ENOMEM, "partitions of %s", c->settings.container_name);
	m.paths = (void *)(pointers + c->n_pvs + 1);
	for (size_t i = 0; i < c->n_pvs; i++)
		pointers[i] = m.paths[i];
	r = find_pvs(&m, e);
	if (r == 0 && missing_pv(&m) < c->n_pvs)
		r = look_again(&m, e);
	if (r < 0)
		return r;
	missing = missing_pv(&m);
	if (missing < c->n_pvs)
		return error_set(e, ENODEV, "no disk has partition %s, where volumes of %s lie: is the whole SAN attached?",
				 c->pvs[missing].partuuid, c->settings.container_name);
	r = stand_on_paths(&m, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(block);
	return 0;
}
