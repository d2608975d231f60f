/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/control.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cluster/san.h"
#include "disk.h"
#include "lockspace.h"
#include "login.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_FILE   "/run/byre/control.lock"
#define DISK_MS     15000 /* how long the kernel may take to show the disk of a new session */
#define PORTALS_MAX 8
#define GIVEN_UP    "transport-offline" /* a disk whose session was away for longer than its time-out */

/* Whether the target answers, and for how long I/O waits when not, together at most 20 s: less than LEASE_WRITE_LIMIT. */
static const char *const session_values[][2] = {
	{"node.session.timeo.replacement_timeout", "10"}, {"node.conn[0].timeo.noop_out_interval", "5"},
	{"node.conn[0].timeo.noop_out_timeout", "5"},     {"node.session.err_timeo.abort_timeout", "5"},
	{"node.session.err_timeo.lu_reset_timeout", "5"}, {"node.session.err_timeo.tgt_reset_timeout", "5"},
};
static const struct login_kind kind = {SAN_CONTROL_IFACE, session_values, ARRAY_SIZE(session_values)};
#define COMMAND_TIMEOUT "10" /* s, of a SCSI command on the control disk */
#define SHORT_TIMEOUT   20   /* s: a session that waits no longer needs no other beside it */

/* How the disk of a partition is reached. */
struct reached {
	const char *partition;
	bool found, waits_long;
	struct disk_path by;           /* one of its paths for volumes */
	char portals[PORTALS_MAX][48]; /* of all of them, those that work first */
	size_t n_portals;
	bool works;               /* the first of them does */
	struct disk_path control; /* "" without */
};

static int look(const struct disk *d, void *data, struct error *e)
{
	struct reached *r = data;

	(void)e;
	if (r->found || !disk_partition_number("", d, r->partition))
		return 0;
	r->found = true;
	r->waits_long = str_starts(r->partition, "/dev/mapper/"); /* a multipath device waits for ever, however short its paths do */
	for (size_t k = 0; k < d->n_paths; k++) {
		const struct disk_path *p = &d->paths[k];

		if (p->control)
			r->control = *p;
		if (p->control || !p->target[0])
			continue;
		r->works = r->works || (r->n_portals == 0 && p->up);
		r->by = *p;
		r->waits_long = r->waits_long || p->recovery > SHORT_TIMEOUT;
		if (r->n_portals < PORTALS_MAX)
			memcpy(r->portals[r->n_portals++], p->portal, sizeof(p->portal));
	}
	return 0;
}

/* --- logging in ------------------------------------------------------------------------------------------------------------ */

/* The kernel shows a session's disks some time after the login, and their partitions as they were then. */
static int wait_for_disk(const char *partition, char ret[64], struct error *e)
{
	uint64_t end = clock_boot_ms() + DISK_MS;
	int r;

	disk_forget();
	while ((r = disk_control_partition("", partition, ret, e)) == -ENOENT && clock_boot_ms() < end) {
		nanosleep(&(struct timespec){0, 50000000}, NULL);
		disk_learn_partitions();
	}
	return r;
}

/* "/dev/sdb1": sysfs has the time-out with the disk. */
static void shorten_commands(const char *partition)
{
	char path[128];
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/sys/class/block/%.40s/../device/timeout", strrchr(partition, '/') + 1);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, COMMAND_TIMEOUT, strlen(COMMAND_TIMEOUT));
}

/* By the first portal that lets us; when there is a session, the disk is new to it. */
static int new_session(const struct reached *by, char ret[64], struct error *e)
{
	bool there = login_is_there(SAN_CONTROL_IFACE, by->by.target, NULL);
	int r = 0;

	if (there)
		disk_rescan();
	for (size_t i = 0; r == 0 && !there && i < by->n_portals; i++) {
		r = login(&kind, by->by.session, by->by.target, by->portals[i], e);
		if (r == 0)
			break;
		if (i + 1 < by->n_portals)
			r = 0;
	}
	if (r == 0)
		r = wait_for_disk(by->partition, ret, e);
	if (r < 0)
		return error_wrap(e, "the control session to %s", by->by.target);
	shorten_commands(ret);
	return 0;
}

/*
 * The kernel has given the control session up, so that nothing is under way in it any more, and volumes have another way: so does control, once this session is gone.
 * It may be minutes or days until its portal is back.
 */
static bool leave_dead(const struct reached *by)
{
	char number[16];

	if (strcmp(by->control.state, GIVEN_UP) != 0 || !by->works || strcmp(by->portals[0], by->control.portal) == 0)
		return false;
	snprintf(number, sizeof(number), "%u", by->control.session);
	lockspace_forget(by->control.path);
	return spawn_simple(NULL, "iscsiadm", "-m", "session", "-r", number, "--logout", NULL) == 0;
}

/* --- finding it -------------------------------------------------------------------------------------------------------------- */

/* One process at a time: two would log in twice. */
static int lock_control(struct error *e)
{
	int r = dir_make(AT_FDCWD, "/run/byre", 0755, e), fd;

	if (r < 0)
		return r;
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		r = error_errno(e, errno, "%s", LOCK_FILE);
		if (fd >= 0)
			close(fd);
		return r;
	}
	return fd;
}

static int itself(const char *device, char ret[64], struct error *e)
{
	return str_copy(ret, 64, device) < 0 ? error_errno(e, ENAMETOOLONG, "%s", device) : 0;
}

int control_path(const char *device, char ret[64], struct error *e)
{
	struct reached by = {.partition = device};
	cleanup_fd int lock = -1;
	int r = disk_each("", look, &by, e);
	bool dead;

	if (r < 0 || !by.waits_long)
		return r < 0 ? r : itself(device, ret, e);
	lock = lock_control(e);
	if (lock < 0)
		return lock;
	dead = leave_dead(&by);
	r = dead ? -ENOENT : disk_control_partition("", device, ret, NULL);
	if (r == -ENOENT && !dead) { /* somebody may have logged in since the disks were looked at */
		disk_forget();
		r = disk_control_partition("", device, ret, NULL);
	}
	return r == -ENOENT ? new_session(&by, ret, e) : r < 0 ? error_errno(e, r, "the control path of %s", device) : 0;
}

int control_pv_paths(const struct cluster *c, const char ***ret, struct error *e)
{
	cleanup_free const char **paths = NULL;
	cleanup_free void *block = calloc(c->n_pvs + 1, sizeof(char *) + 64);
	const char **pointers = block;
	char(*texts)[64];
	int r = cluster_pv_paths(c, &paths, e);

	if (r == 0 && !block)
		r = error_errno(e, ENOMEM, "partitions of %s", c->settings.container_name);
	texts = (void *)(pointers + c->n_pvs + 1);
	for (size_t i = 0; r == 0 && i < c->n_pvs; i++) {
		pointers[i] = texts[i];
		r = control_path(paths[i], texts[i], e);
	}
	if (r == 0)
		*ret = steal_ptr(block);
	return r;
}
