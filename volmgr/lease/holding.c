/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/holding.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "compose_look.h"
#include "layout.h"
#include "lockspace.h"
#include "store.h"
#include "volmgr/control.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SETTLED "/run/byre/settled-%s" /* the generation of our place in the lockspace in which we have had the lease */
#define TRIES   3

struct holding {
	struct container_place place;
	char device[64]; /* of the state area, by the control path */
	struct state_area *area;
	struct cluster c;
	unsigned node;
	int in_place, hold; /* locks */
};

static void holding_close(struct holding *h)
{
	state_area_close(h->area);
	cluster_free(&h->c);
	if (h->in_place >= 0)
		close(h->in_place);
	if (h->hold >= 0)
		close(h->hold);
}
#define cleanup_holding CLEANUP(holding_close)

static int holding_open(struct holding *h, const struct change_options *o, struct error *e)
{
	char booted[NAME_SIZE];
	int r;

	memset(h, 0, sizeof(*h));
	h->in_place = h->hold = -1;
	cluster_init(&h->c);
	h->node = this_node();
	if (!h->node)
		return error_set(e, EPERM, "this machine is no node: it can hold no disk");
	booted_container(booted);
	r = container_find_one(o->container ? o->container : booted, &h->place, e);
	if (r == 0)
		r = control_path(h->place.state, h->device, e);
	if (r == 0)
		r = state_area_open(h->device, false, &h->area, e);
	return r == 0 ? state_area_load(h->area, &h->c, NULL, e) : r;
}

/* --- the place in the lockspace ------------------------------------------------------------------------------------------------- */

static int read_place(const struct holding *h, uint64_t *ret, struct error *e)
{
	struct lease_record record;
	int r = lockspace_record(h->device, LAYOUT_LOCKSPACE, LEASE_RECORD_HOST, &record, e);

	if (r == 0)
		r = lockspace_record(h->device, LAYOUT_LOCKSPACE + (uint64_t)(h->node - 1) * record.sector, LEASE_RECORD_HOST, &record, e);
	if (r == 0 && !record.timestamp)
		return error_set(e, ENOENT, "this machine has left the cluster's lockspace");
	if (r == 0)
		*ret = record.generation;
	return r;
}

static void settled_path(const struct holding *h, char ret[64])
{
	char name[LOCKSPACE_NAME_SIZE];

	lockspace_name(name, h->c.id);
	snprintf(ret, 64, SETTLED, name);
}

/* In the lockspace now, and since before we last had the lease. */
static bool is_settled(const struct holding *h)
{
	char path[64], name[LOCKSPACE_NAME_SIZE];
	cleanup_free char *text = NULL;
	uint64_t now, then;
	unsigned host;

	lockspace_name(name, h->c.id);
	settled_path(h, path);
	return lockspace_joined(name, &host, NULL) == 0 && host == h->node && read_place(h, &now, NULL) == 0 &&
	       file_read(AT_FDCWD, path, 64, &text, NULL, NULL) == 0 && str_to_u64(str_trim(text), 0, UINT64_MAX, &then) == 0 && now == then;
}

/* Who takes the lease joins first. */
static int settle(const struct holding *h, const struct change_options *o, struct error *e)
{
	struct lease_place p = {h->device, &h->c};
	struct lease *l = NULL;
	uint64_t generation;
	char path[64], text[32];
	int r = lease_acquire(&p, o, &l, e);

	if (r == 0)
		r = read_place(h, &generation, e);
	lease_release(l);
	if (r < 0)
		return r;
	settled_path(h, path);
	snprintf(text, sizeof(text), "%" PRIu64 "\n", generation);
	return file_write(AT_FDCWD, path, 0600, text, strlen(text), e);
}

/* Settled, and with the locks that keep it so; the volume's holder does not change on this machine. */
static int stand(struct holding *h, const struct change_options *o, const char *name, struct error *e)
{
	int r;

	for (int tries = 0; tries < TRIES; tries++) {
		r = is_settled(h) ? 0 : settle(h, o, e);
		if (r == 0)
			r = lock_place(false, &h->in_place, e);
		if (r == 0)
			r = lock_hold(name, &h->hold, e);
		if (r < 0 || is_settled(h))
			return r;
		close(steal_fd(&h->hold));
		close(steal_fd(&h->in_place));
	}
	return error_set(e, EBUSY, "this machine does not stay in the cluster's lockspace: see 'sanlock client status'");
}

/* --- composing -------------------------------------------------------------------------------------------------------------------- */

static int find_disk(const struct cluster *c, const char *name, const struct volume **ret, struct error *e)
{
	const struct volume *v = cluster_volume(c, name);

	if (!v)
		return error_set(e, ENOENT, "there is no volume %.130s: see volmgr list", name);
	if (v->kind != VOLUME_DISK)
		return error_set(e, EINVAL, "volume %s: only a disk is composed on demand, it is %s", name, volume_kind_name(v->kind));
	*ret = v;
	return 0;
}

static int check_holder(const struct holding *h, const struct volume *v, struct error *e)
{
	if (v->node == h->node)
		return 0;
	if (!v->node)
		return error_set(e, EPERM, "volume %s is nobody's: volmgr take %s first", v->name, v->name);
	return error_set(e, EPERM, "volume %s is held by node %u, this is node %u: volmgr give %s there, then volmgr take %s here", v->name,
			 v->node, h->node, v->name, v->name);
}

int disk_compose(const struct change_options *o, const char *name, char ret_path[256], struct error *e)
{
	struct holding h cleanup_holding;
	cleanup_free const char **pvs = NULL;
	const struct volume *v;
	int r = holding_open(&h, o, e);

	if (r == 0)
		r = find_disk(&h.c, name, &v, e);
	if (r == 0)
		r = stand(&h, o, name, e);
	if (r < 0)
		return r;
	cluster_free(&h.c);
	cluster_init(&h.c);
	r = state_area_load(h.area, &h.c, NULL, e);
	if (r == 0)
		r = find_disk(&h.c, name, &v, e);
	if (r == 0)
		r = check_holder(&h, v, e);
	if (r == 0)
		r = cluster_pv_paths(&h.c, &pvs, e);
	return r == 0 ? volume_compose(&h.c, v, pvs, ret_path, e) : r;
}

int disk_release(const struct cluster *c, const char *name, struct error *e)
{
	cleanup_fd int hold = -1;
	const struct volume *v;
	int r = find_disk(c, name, &v, e);

	if (r == 0)
		r = lock_hold(name, &hold, e);
	return r == 0 ? volume_release(c, v, e) : r;
}

int disk_lock_released(const struct cluster *c, const struct volume *v, int *ret_lock, struct error *e)
{
	cleanup_fd int lock = -1;
	int r = lock_hold(v->name, &lock, e);

	if (r < 0)
		return r;
	if (volume_may_write(c, v))
		return error_set(e, EBUSY, "volume %s is in use on this machine: volmgr detach %s first", v->name, v->name);
	*ret_lock = steal_fd(&lock);
	return 0;
}

/* --- leaving ------------------------------------------------------------------------------------------------------------------------ */

/* Whether that is the pool of a volume that is only looked at. */
static bool is_look(const struct cluster *c, const char *name)
{
	static const char end[] = "-look";
	char volume[VOLUME_NAME_SIZE];
	size_t n = strlen(name);

	if (n < sizeof(end) || strcmp(name + n - strlen(end), end) != 0)
		return false;
	snprintf(volume, sizeof(volume), "%.*s", (int)(n - strlen(end)), name);
	return cluster_volume(c, volume) != NULL;
}

/* What the state does not know any more may have been a disk, and is taken for one. */
static int release_one(const char *name, void *data, struct error *e)
{
	const struct cluster *c = *(const struct cluster **)data;
	const struct volume *v = cluster_volume(c, name);
	struct volume unknown = {.kind = VOLUME_DISK};

	if (v)
		return v->kind == VOLUME_DISK ? volume_release(c, v, e) : 0;
	snprintf(unknown.name, sizeof(unknown.name), "%s", name);
	if (is_look(c, name) || !volume_may_write(c, &unknown))
		return 0;
	return error_set(e, EBUSY, "volume %s is composed here, and not in the state any more: take its devices away (dmsetup remove)", name);
}

int disks_release_all(const struct cluster *c, int *ret_lock, struct error *e)
{
	cleanup_fd int lock = -1;
	int r = lock_place(true, &lock, e);

	if (r == 0)
		r = store_each(c->settings.container_name, release_one, &c, e);
	if (r < 0)
		return r;
	*ret_lock = steal_fd(&lock);
	return 0;
}
