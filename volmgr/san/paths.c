/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/paths.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "disk.h"
#include "dm.h"
#include "volmgr/compose.h"
#include "volmgr/registration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROBE_BYTES 4096

/* Seconds. Not what the initrd has logged in with, so that it is written once more, through sysfs. */
#define PATHS_PATIENCE      6
#define PATHS_PATIENCE_TEXT "6"

/* --- pure --------------------------------------------------------------------------------------------------------------- */

/* Bio mode, for request mode cannot stand on partitions; one group, in which paths take turns. */
int paths_table(const struct path_number *v, size_t n, char ret[224])
{
	struct buf b cleanup_buf = BUF_INIT;

	buf_printf(&b, "3 queue_if_no_path queue_mode bio 0 1 1 round-robin 0 %zu 1", n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, " %u:%u 1", v[i].major, v[i].minor);
	if (!buf_ok(&b))
		return -ENOMEM;
	return str_copy(ret, 224, buf_str(&b)) < 0 ? -E2BIG : 0;
}

/* The words of a status, one after another. */
struct words {
	const char *at;
	char word[32];
};

static bool next_word(struct words *w)
{
	size_t len;

	w->at += strspn(w->at, " ");
	len = strcspn(w->at, " ");
	if (len == 0 || len >= sizeof(w->word))
		return false;
	memcpy(w->word, w->at, len);
	w->word[len] = '\0';
	w->at += len;
	return true;
}

static bool next_number(struct words *w, unsigned max, unsigned *ret)
{
	return next_word(w) && str_to_uint(w->word, 0, max, ret) == 0;
}

static bool skip_words(struct words *w)
{
	unsigned n;

	if (!next_number(w, 64, &n))
		return false;
	while (n > 0 && next_word(w))
		n--;
	return n == 0;
}

/* "8:16 A 0", and behind it the selector's words for this path. */
static bool take_path(struct words *w, unsigned selector_words, struct path_number ret[PATHS_MAX], size_t *n)
{
	char *colon;
	unsigned fails;

	if (*n == PATHS_MAX || !next_word(w) || !(colon = strchr(w->word, ':')))
		return false;
	*colon = '\0';
	if (str_to_uint(w->word, 0, 4095, &ret[*n].major) < 0 || str_to_uint(colon + 1, 0, 1u << 20, &ret[*n].minor) < 0)
		return false;
	if (!next_word(w) || (strcmp(w->word, "A") != 0 && strcmp(w->word, "F") != 0))
		return false;
	ret[(*n)++].failed = w->word[0] == 'F';
	if (!next_number(w, UINT32_MAX, &fails))
		return false;
	while (selector_words > 0 && next_word(w))
		selector_words--;
	return selector_words == 0;
}

/* "A 0 2 0 8:1 A 0 8:17 A 0": state, the selector's own words, paths, words per path, the paths. */
static bool take_group(struct words *w, struct path_number ret[PATHS_MAX], size_t *n)
{
	unsigned paths, selector_words;

	if (!next_word(w) || !skip_words(w) || !next_number(w, PATHS_MAX, &paths) || !next_number(w, 16, &selector_words))
		return false;
	while (paths > 0 && take_path(w, selector_words, ret, n))
		paths--;
	return paths == 0;
}

/* Words of features, words of the handler, groups, the group to try next, the groups. */
int paths_parse_status(const char *text, struct path_number ret[PATHS_MAX], size_t *ret_n, struct error *e)
{
	struct path_number v[PATHS_MAX];
	struct words w = {.at = text};
	unsigned groups, next;
	size_t n = 0;
	bool good = skip_words(&w) && skip_words(&w) && next_number(&w, PATHS_MAX, &groups) && next_number(&w, PATHS_MAX, &next);

	for (unsigned i = 0; good && i < groups; i++)
		good = take_group(&w, v, &n);
	if (!good)
		return error_set(e, EPROTO, "the kernel tells the paths' status as '%.60s'", text);
	memcpy(ret, v, n * sizeof(*v));
	*ret_n = n;
	return 0;
}

/* --- a cluster's partitions --------------------------------------------------------------------------------------------- */

/* One partition of the cluster, and the ways to it on which a volume may stand. */
struct part_paths {
	const struct disk *disk;
	const struct partition *part;
	char name[MAPPER_NAME_SIZE], uuid[MAPPER_UUID_SIZE];
	struct path_number v[PATHS_MAX];
	const struct disk_path *path[PATHS_MAX];
	size_t n;
};

typedef int part_fn(const struct part_paths *p, void *data, struct error *e);

struct walk {
	const struct cluster *c;
	part_fn *fn;
	void *data;
	size_t seen;
};

/* The kernel's number of partition NUMBER on path P. */
static bool partition_number(const struct disk_path *p, unsigned number, struct path_number *ret)
{
	char path[64], attribute[96], value[32];

	disk_partition_path("", p->path, number, path);
	if (!path[0])
		return false;
	snprintf(attribute, sizeof(attribute), "%s/dev", path + strlen("/dev/"));
	disk_attribute("", p->path, attribute, value, sizeof(value));
	ret->failed = false;
	return sscanf(value, "%u:%u", &ret->major, &ret->minor) == 2;
}

/* "state", "pv0": what partition PART is to C; "" when it is none of its. */
static void role_of(const struct cluster *c, const struct partition *part, char ret[16])
{
	char name[NAME_SIZE];

	ret[0] = '\0';
	if (disk_container_label(part->label, "-state", name) && strcmp(name, c->settings.container_name) == 0)
		snprintf(ret, 16, "state");
	for (size_t i = 0; i < c->n_pvs; i++)
		if (strcmp(c->pvs[i].partuuid, part->uuid) == 0)
			snprintf(ret, 16, "pv%zu", i);
}

static int walk_disk(const struct disk *d, void *data, struct error *e)
{
	struct walk *w = data;
	char role[16];
	int r = 0;

	for (size_t i = 0; i < d->n && r == 0; i++) {
		struct part_paths p = {.disk = d, .part = &d->parts[i]};

		role_of(w->c, p.part, role);
		if (!role[0])
			continue;
		w->seen++;
		snprintf(p.name, sizeof(p.name), "byre-%s-paths-%s", w->c->settings.container_name, role);
		snprintf(p.uuid, sizeof(p.uuid), PATHS_UUID "%s-%s", w->c->id, role);
		for (size_t k = 0; k < d->n_paths && p.n < PATHS_MAX; k++)
			if (!d->paths[k].control && partition_number(&d->paths[k], p.part->number, &p.v[p.n]))
				p.path[p.n++] = &d->paths[k];
		r = w->fn(&p, w->data, e);
	}
	return r;
}

/* -ENODEV: one of C's partitions is not here. */
static int each_part(const struct cluster *c, part_fn *fn, void *data, struct error *e)
{
	struct walk w = {c, fn, data, 0};
	int r = disk_each("", walk_disk, &w, e);

	if (r == 0 && w.seen != c->n_pvs + 1)
		return error_set(e, ENODEV, "%zu of %zu partitions of %s are here: is the whole SAN attached?", w.seen, c->n_pvs + 1,
				 c->settings.container_name);
	return r;
}

/* --- making ------------------------------------------------------------------------------------------------------------- */

static int make_table(const struct part_paths *p, struct mapper_table *ret, struct error *e)
{
	char params[224];
	int r = paths_table(p->v, p->n, params);

	if (r == 0)
		r = mapper_table_add(ret, "multipath", p->part->size / 512, params);
	return r < 0 ? error_errno(e, r, "%s", p->name) : 0;
}

/*
 * How long I/O on a path that is away waits before it goes by another. Said through sysfs, the kernel heeds nobody else after that: iscsid, which
 * takes the sessions over, would give them the patience of a root that has one path alone.
 */
static void limit_patience(const struct disk_path *p)
{
	char file[96];
	cleanup_fd int fd = -1;

	if (!p->target[0] || p->recovery == PATHS_PATIENCE)
		return;
	snprintf(file, sizeof(file), "/sys/class/iscsi_session/session%u/recovery_tmo", p->session);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, PATHS_PATIENCE_TEXT, strlen(PATHS_PATIENCE_TEXT));
}

static int count_part(const struct part_paths *p, void *data, struct error *e)
{
	unsigned *least = data;

	(void)e;
	if (p->n < *least)
		*least = (unsigned)p->n;
	return 0;
}

int paths_count(const struct cluster *c, unsigned *ret_least, struct error *e)
{
	unsigned least = PATHS_MAX;
	int r = each_part(c, count_part, &least, e);

	if (r == 0)
		*ret_least = least;
	return r;
}

/* Somebody else may be making it at this moment, and must not be waited for with a lock: paths are tended while nothing else goes on. */
static int wait_live(const struct part_paths *p, struct error *e)
{
	const struct timespec pause = {0, 10 * 1000 * 1000};
	struct mapper_info i = {.exists = false};
	int r = 0;

	for (int k = 0; k < 100 && r == 0 && !i.live; k++) {
		if (k)
			nanosleep(&pause, NULL);
		r = mapper_info(p->name, &i, e);
	}
	return r == 0 && !i.live ? error_set(e, EAGAIN, "%s: another program has begun to make this device", p->name) : r;
}

static int compose_part(const struct part_paths *p, void *data, struct error *e)
{
	struct mapper_table t CLEANUP(mapper_table_free) = {.read_only = false};
	struct mapper_info i;
	int r = mapper_info(p->name, &i, e);

	(void)data;
	for (size_t k = 0; k < p->n; k++)
		limit_patience(p->path[k]);
	if (r < 0 || i.live)
		return r;
	if (p->n == 0)
		return error_set(e, ENODEV, "%s: no path leads to it", p->part->label);
	r = i.exists ? 0 : make_table(p, &t, e);
	if (r == 0 && !i.exists)
		r = mapper_create(p->name, p->uuid, false, &t, e);
	return r == -EEXIST || i.exists ? wait_live(p, e) : r;
}

/* What is missing may be a LUN that is new to this machine: looking for PVs looks for that, too, and says which is missing. */
int paths_compose(const struct cluster *c, unsigned *ret_least, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	int r = mapper_need("multipath", e);

	if (r == 0)
		r = paths_count(c, ret_least, e);
	if (r == -ENODEV && cluster_pv_paths(c, &pvs, e) == 0)
		r = paths_count(c, ret_least, e);
	return r == 0 ? each_part(c, compose_part, NULL, e) : r;
}

bool paths_used(const struct cluster *c)
{
	char name[MAPPER_NAME_SIZE];
	struct mapper_info i;

	snprintf(name, sizeof(name), "byre-%s-paths-state", c->settings.container_name);
	return paths_wanted(c) && mapper_info(name, &i, NULL) == 0 && i.exists;
}

/* --- tending ------------------------------------------------------------------------------------------------------------ */

static bool can_read(const struct disk_path *p, unsigned number)
{
	cleanup_free void *block = aligned_alloc(PROBE_BYTES, PROBE_BYTES);
	cleanup_fd int fd = -1;
	char path[64];

	disk_partition_path("", p->path, number, path);
	fd = p->up ? open(path, O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
	return fd >= 0 && block && pread(fd, block, PROBE_BYTES, 0) == PROBE_BYTES;
}

static const struct path_number *find_number(const struct path_number *v, size_t n, const struct path_number *wanted)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].major == wanted->major && v[i].minor == wanted->minor)
			return &v[i];
	return NULL;
}

struct tending {
	const struct cluster *c;
	unsigned node;
	struct paths_report report;
	struct error first; /* that went wrong */
};

/* Takes in the paths that the device has not, and drops those that are no disks any more. */
static int renew(const struct part_paths *p, const struct path_number *have, size_t n, struct tending *tending, struct error *e)
{
	struct mapper_table t CLEANUP(mapper_table_free) = {.read_only = false};
	unsigned more = 0;
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++) {
		const char *disk = p->path[i]->path;

		if (find_number(have, n, &p->v[i]) || !can_read(p->path[i], p->part->number))
			continue;
		more++;
		r = fence_register_devices(tending->c, &disk, 1, tending->node, NULL, e);
	}
	if (!more || r < 0)
		return r;
	r = make_table(p, &t, e);
	if (r == 0)
		r = mapper_reload(p->name, &t, e);
	if (r == 0)
		tending->report.added += more;
	return r;
}

static int tend_part(const struct part_paths *p, struct tending *t, struct error *e)
{
	struct paths_report *report = &t->report;
	struct path_number have[PATHS_MAX];
	char status[512], message[48];
	size_t n;
	int r = compose_part(p, NULL, e); /* of a disk that was added, it may be missing */

	if (r == 0)
		r = mapper_status(p->name, "multipath", status, sizeof(status), e);
	if (r == 0)
		r = paths_parse_status(status, have, &n, e);
	if (r == 0)
		r = renew(p, have, n, t, e);
	if (r < 0)
		return r;
	report->devices++;
	report->paths += (unsigned)n;
	for (size_t i = 0; i < p->n; i++) {
		const struct path_number *h = find_number(have, n, &p->v[i]);

		if (!h || !h->failed)
			continue;
		snprintf(message, sizeof(message), "reinstate_path %u:%u", h->major, h->minor);
		if (can_read(p->path[i], p->part->number) && mapper_message(p->name, message, NULL) == 0)
			report->reinstated++;
		else
			report->failed++;
	}
	return 0;
}

/* One that cannot be tended keeps no other from it. */
static int tend_one(const struct part_paths *p, void *data, struct error *e)
{
	struct tending *t = data;

	if (tend_part(p, t, e) < 0 && !t->first.code)
		t->first = *e;
	return 0;
}

int paths_tend(const struct cluster *c, unsigned node, struct paths_report *ret, struct error *e)
{
	struct tending t = {.c = c, .node = node, .first = ERROR_INIT};
	int r = each_part(c, tend_one, &t, e);

	if (t.first.code) {
		*e = t.first;
		r = -t.first.code;
	}
	if (r == 0)
		*ret = t.report;
	return r;
}
