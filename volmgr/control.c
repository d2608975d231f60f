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
#include "volmgr/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define RECORDS     "/run/byre/iscsi" /* /etc/iscsi/nodes and ifaces point here: nothing of a session is kept over boots */
#define LOCK_FILE   "/run/byre/control.lock"
#define DISK_MS     15000 /* how long the kernel may take to show the disk of a new session */
#define PORTALS_MAX 8

/* Whether the target answers, and for how long I/O waits when not, together at most 20 s: less than LEASE_WRITE_LIMIT. */
static const char *const session_values[][2] = {
	{"node.startup", "manual"},
	{"node.session.timeo.replacement_timeout", "10"},
	{"node.conn[0].timeo.noop_out_interval", "5"},
	{"node.conn[0].timeo.noop_out_timeout", "5"},
	{"node.conn[0].timeo.login_timeout", "8"},
	{"node.session.initial_login_retry_max", "2"},
	{"node.session.err_timeo.abort_timeout", "5"},
	{"node.session.err_timeo.lu_reset_timeout", "5"},
	{"node.session.err_timeo.tgt_reset_timeout", "5"},
};
#define COMMAND_TIMEOUT "10" /* s, of a SCSI command on the control disk */
#define SHORT_TIMEOUT   20   /* s: a session that waits no longer needs no other beside it */

/* How the disk of a partition is reached. */
struct reached {
	const char *partition;
	bool found, waits_long;
	struct disk_path by;           /* one of its paths for volumes */
	char portals[PORTALS_MAX][48]; /* of all of them */
	size_t n_portals;
};

static bool has_partition(const struct disk *d, const char *partition)
{
	char path[64];

	for (size_t i = 0; i < d->n; i++) {
		if (strcmp(d->parts[i].path, partition) == 0)
			return true;
		for (size_t k = 0; k < d->n_paths; k++) {
			disk_partition_path("", d->paths[k].path, d->parts[i].number, path);
			if (strcmp(path, partition) == 0)
				return true;
		}
	}
	return false;
}

static int look(const struct disk *d, void *data, struct error *e)
{
	struct reached *r = data;

	(void)e;
	if (r->found || !has_partition(d, r->partition))
		return 0;
	r->found = true;
	r->waits_long = str_starts(r->partition, "/dev/mapper/"); /* a multipath device waits for ever, however short its paths do */
	for (size_t k = 0; k < d->n_paths; k++) {
		const struct disk_path *p = &d->paths[k];

		if (p->control || !p->target[0])
			continue;
		r->by = *p;
		r->waits_long = r->waits_long || p->recovery > SHORT_TIMEOUT;
		if (r->n_portals < PORTALS_MAX)
			memcpy(r->portals[r->n_portals++], p->portal, sizeof(p->portal));
	}
	return 0;
}

/* --- logging in ------------------------------------------------------------------------------------------------------------ */

static int set_interface(const char *initiator, struct error *e)
{
	int r = spawn_simple(e, "iscsiadm", "-m", "iface", "-I", SAN_CONTROL_IFACE, "-o", "new", NULL);

	if (r == 0)
		r = spawn_simple(e, "iscsiadm", "-m", "iface", "-I", SAN_CONTROL_IFACE, "-o", "update", "-n", "iface.initiatorname", "-v",
				 initiator, NULL);
	return r;
}

static int session_text(unsigned session, const char *name, char *ret, size_t size)
{
	cleanup_free char *text = NULL;
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/sys/class/iscsi_session/session%u/%s", session, name);
	r = file_read(AT_FDCWD, path, 1024, &text, NULL, NULL);
	if (r == 0 && (strcmp(str_trim(text), "(null)") == 0 || str_copy(ret, size, str_trim(text)) < 0))
		r = -ENODATA;
	if (text)
		explicit_bzero(text, strlen(text));
	return r;
}

/*
 * The session of the volumes has logged in with CHAP: so does this one. What it needs is put into its record, which root alone can read, and not into
 * arguments, which everybody can.
 */
static int add_chap(unsigned session, const char *target, const char *portal, struct error *e)
{
	static const char *const names[][2] = {{"username", "node.session.auth.username"},
					       {"password", "node.session.auth.password"},
					       {"username_in", "node.session.auth.username_in"},
					       {"password_in", "node.session.auth.password_in"}};
	struct buf b cleanup_buf = BUF_INIT;
	cleanup_free char *text = NULL;
	char pattern[512], value[256], *end;
	int port = (int)strcspn(portal, ":"), r;
	glob_t g;

	if (session_text(session, "username", value, sizeof(value)) < 0)
		return 0;
	snprintf(pattern, sizeof(pattern), RECORDS "/nodes/%s/%.*s,%s,*/" SAN_CONTROL_IFACE, target, port, portal,
		 portal[port] ? portal + port + 1 : "3260");
	if (glob(pattern, 0, NULL, &g) != 0)
		return error_set(e, ENOENT, "iscsiadm left no record %s", pattern);
	r = file_read(AT_FDCWD, g.gl_pathv[0], 65536, &text, NULL, e);
	end = r == 0 ? strstr(text, "# END RECORD") : NULL;
	if (end) {
		buf_printf(&b, "%.*snode.session.auth.authmethod = CHAP\n", (int)(end - text), text);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (session_text(session, names[i][0], value, sizeof(value)) == 0)
				buf_printf(&b, "%s = %s\n", names[i][1], value);
		buf_puts(&b, end);
		r = buf_ok(&b) ? file_write(AT_FDCWD, g.gl_pathv[0], 0600, buf_str(&b), b.len, e) : error_errno(e, ENOMEM, "CHAP");
	}
	globfree(&g);
	explicit_bzero(value, sizeof(value));
	return r;
}

static int log_in(unsigned like, const char *target, const char *portal, struct error *e)
{
	const char *argv[] = {"iscsiadm",        "-m", "node", "-T", target, "-p", portal, "-I",
			      SAN_CONTROL_IFACE, "-o", "new",  NULL, NULL,   NULL, NULL,   NULL};
	const struct spawn sp = {.argv = argv};
	int r = spawn_run(&sp, NULL, NULL, e);

	if (r == 0)
		r = add_chap(like, target, portal, e);
	argv[10] = "update";
	argv[11] = "-n";
	argv[13] = "-v";
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(session_values); i++) {
		argv[12] = session_values[i][0];
		argv[14] = session_values[i][1];
		r = spawn_run(&sp, NULL, NULL, e);
	}
	if (r == 0)
		r = spawn_simple(e, "iscsiadm", "-m", "node", "-T", target, "-p", portal, "-I", SAN_CONTROL_IFACE, "--login", NULL);
	return r;
}

/* The kernel shows a session's disks some time after the login. */
static int wait_for_disk(const char *partition, char ret[64], struct error *e)
{
	uint64_t end = clock_boot_ms() + DISK_MS;
	int r;

	while ((r = disk_control_partition("", partition, ret, e)) == -ENOENT && clock_boot_ms() < end)
		nanosleep(&(struct timespec){0, 50000000}, NULL);
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

static int read_initiator(unsigned session, char ret[256], struct error *e)
{
	cleanup_free char *text = NULL;
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/sys/class/iscsi_session/session%u/initiatorname", session);
	r = file_read(AT_FDCWD, path, 256, &text, NULL, e);
	return r < 0 ? r : str_copy(ret, 256, str_trim(text)) < 0 ? error_errno(e, ENAMETOOLONG, "%s", path) : 0;
}

static int prepare(const struct reached *by, struct error *e)
{
	char initiator[256];
	int r = read_initiator(by->by.session, initiator, e);

	if (r == 0)
		r = dir_make(AT_FDCWD, RECORDS "/nodes", 0700, e);
	if (r == 0)
		r = dir_make(AT_FDCWD, RECORDS "/ifaces", 0700, e);
	/* iscsid takes over the sessions that it finds, and is needed for a new one. */
	if (r == 0)
		r = spawn_simple(e, "systemctl", "start", "byre-iscsid.service", NULL);
	return r == 0 ? set_interface(initiator, e) : r;
}

/* By the first portal that lets us. */
static int new_session(const struct reached *by, char ret[64], struct error *e)
{
	int r = prepare(by, e);

	for (size_t i = 0; r == 0 && i < by->n_portals; i++) {
		r = log_in(by->by.session, by->by.target, by->portals[i], e);
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

	if (r < 0 || !by.waits_long)
		return r < 0 ? r : itself(device, ret, e);
	lock = lock_control(e);
	if (lock < 0)
		return lock;
	r = disk_control_partition("", device, ret, NULL);
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
