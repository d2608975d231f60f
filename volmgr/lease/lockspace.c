/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lockspace.h"

#include "area.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/ini.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sanlock.h>
#include <sanlock_admin.h>
#include <sanlock_rv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUN_DIR     "/run/byre"
#define ENVIRONMENT RUN_DIR "/sanlock" /* of byre-sanlock.service */
#define REACHED     RUN_DIR "/san"
#define SERVICE     "byre-sanlock.service"
#define LEAVING     RUN_DIR "/leaving" /* taken away when the daemon starts */
#define START_LIMIT 10000 /* ms */
#define SLACK       60    /* seconds */
#define STRANGERS   100   /* places at the top in which machines that are no nodes look for a free one */

void lockspace_name(char ret[LOCKSPACE_NAME_SIZE], const char *cluster_id)
{
	snprintf(ret, LOCKSPACE_NAME_SIZE, "byre-%.8s", cluster_id);
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000l}, NULL);
}

const char *lockspace_why(int r)
{
	switch (r) {
	case SANLK_AIO_TIMEOUT:
		return "the SAN does not answer";
	case SANLK_HOSTID_BUSY:
		return "the place is another machine's";
	case SANLK_ADDLS_INVALID_HOSTID:
		return "there is no such place";
	case SANLK_LEADER_MAGIC:
	case SANLK_LEADER_VERSION:
	case SANLK_LEADER_CHECKSUM:
		return "what is on the SAN is no lease, or a damaged one";
	case SANLK_LEADER_LOCKSPACE:
	case SANLK_LEADER_RESOURCE:
		return "what is on the SAN is the lease of another cluster";
	}
	return r > -200 ? strerror(-r) : sanlock_strerror(r);
}

int lockspace_record(const char *device, uint64_t offset, enum lease_record_kind kind, struct lease_record *ret, struct error *e)
{
	cleanup_free unsigned char *block = aligned_alloc(LAYOUT_BLOCK, LAYOUT_BLOCK);
	cleanup_fd int fd = area_file_open(device, false);
	uint64_t at = offset / LAYOUT_BLOCK * LAYOUT_BLOCK;
	int r;

	if (fd < 0 || !block)
		return error_errno(e, fd < 0 ? fd : -ENOMEM, "%s", device);
	r = pread_full(fd, block, LAYOUT_BLOCK, at);
	if (r < 0)
		return error_errno(e, r, "%s: the lease", device);
	r = lease_record_decode(block + (offset - at), kind, ret);
	if (r == -EINVAL)
		return error_set(e, EINVAL, "%s: there is no lease of sanlock in the state area", device);
	return r < 0 ? error_set(e, -r, "%s: a record of the lease is damaged", device) : 0;
}

/* --- the daemon ----------------------------------------------------------------------------------------------------------- */

static bool answers(void)
{
	uint32_t version, protocol;

	return sanlock_version(0, &version, &protocol) >= 0;
}

static int take_mac(const char *key, const char *value, void *data, struct error *e)
{
	struct mac *mac = data;

	(void)e;
	if (strcmp(key, "mac") == 0)
		mac_parse(value, mac);
	return 0;
}

/*
 * A name that stays the same over boots lets a machine that comes back after a crash take its place at once: the one that had it cannot be alive. Nothing
 * but the address of the interface to the SAN is as unique as that.
 */
static void machine_name(char ret[64])
{
	cleanup_free char *text = NULL;
	struct mac mac = {{0}};
	size_t len;

	ret[0] = '\0';
	if (file_read(AT_FDCWD, REACHED, 65536, &text, &len, NULL) < 0 || ini_parse(REACHED, text, len, take_mac, &mac, NULL) < 0)
		return;
	if (memcmp(&mac, &(struct mac){{0}}, sizeof(mac)) != 0)
		initiator_name(ret, &mac);
}

static bool is_leaving(void)
{
	return access(LEAVING, F_OK) == 0;
}

static int spawn_daemon(const char *name, struct error *e)
{
	return name[0] ? spawn_simple(e, "sanlock", "daemon", "-w", "0", "-g", "0", "-U", "root", "-G", "root", "-e", name, NULL)
		       : spawn_simple(e, "sanlock", "daemon", "-w", "0", "-g", "0", "-U", "root", "-G", "root", NULL);
}

static int start_daemon(struct error *e)
{
	char name[64], line[96];
	int r = dir_make(AT_FDCWD, RUN_DIR, 0755, e);

	if (r < 0)
		return r;
	machine_name(name);
	snprintf(line, sizeof(line), "NAME=%s%s\n", name[0] ? "-e " : "", name);
	r = file_write(AT_FDCWD, ENVIRONMENT, 0644, line, strlen(line), e);
	if (r < 0 || spawn_simple(NULL, "systemctl", "start", SERVICE, NULL) == 0)
		return r;
	/* A machine that shuts down starts nothing any more, and is not to join again behind its own back. */
	if (is_leaving() && access("/run/systemd/system", F_OK) == 0)
		return error_set(e, ESHUTDOWN, "this machine is leaving the cluster");
	unlink(LEAVING);
	return spawn_daemon(name, e);
}

int lockspace_daemon(struct error *e)
{
	uint64_t end = clock_boot_ms() + START_LIMIT;
	int r;

	if (answers())
		return is_leaving() ? error_set(e, ESHUTDOWN, "this machine is leaving the cluster") : 0;
	r = start_daemon(e);
	if (r < 0)
		return error_wrap(e, "the keeper of the lease (sanlock) does not start");
	/* It is forked off before its socket is there. */
	while (!answers()) {
		if (clock_boot_ms() >= end)
			return error_set(e, ETIMEDOUT,
					 "the keeper of the lease (sanlock) was started but does not answer: see 'systemctl status %s'",
					 SERVICE);
		pause_ms(20);
	}
	return 0;
}

int lockspace_shut_down(struct error *e)
{
	int r = answers() ? file_write(AT_FDCWD, LEAVING, 0600, "", 0, e) : 0;

	if (r < 0 || !answers())
		return r;
	return spawn_simple(e, "sanlock", "client", "shutdown", "-f", "1", "-w", "1", NULL);
}

/* --- the place ------------------------------------------------------------------------------------------------------------- */

/* The lockspace as the daemon knows it. -ENOENT: it does not. */
static int known(const char *name, struct sanlk_lockspace *ret)
{
	cleanup_free struct sanlk_lockspace *all = NULL;
	int n = 0, r = sanlock_get_lockspaces(&all, &n, 0);

	if (r < 0)
		return r;
	for (int i = 0; all && i < n; i++)
		if (strncmp(all[i].name, name, SANLK_NAME_LEN) == 0) {
			*ret = all[i];
			return 0;
		}
	return -ENOENT;
}

int lockspace_joined(const char *name, unsigned *ret_host, struct error *e)
{
	struct sanlk_lockspace ls;
	int r = known(name, &ls);

	if (r == -ENOENT || (r == 0 && ls.flags & (SANLK_LSF_ADD | SANLK_LSF_REM)))
		return error_set(e, ENOENT, "this machine has not joined the cluster's lockspace");
	if (r < 0)
		return error_set(e, ECONNREFUSED, "the keeper of the lease (sanlock) does not answer: %s", lockspace_why(r));
	*ret_host = (unsigned)ls.host_id;
	return 0;
}

static int fill(struct sanlk_lockspace *ls, const struct lease_place *p, unsigned host, struct error *e)
{
	char name[LOCKSPACE_NAME_SIZE];

	memset(ls, 0, sizeof(*ls));
	lockspace_name(name, p->c->id);
	snprintf(ls->name, sizeof(ls->name), "%s", name);
	ls->host_id = host;
	ls->host_id_disk.offset = LAYOUT_LOCKSPACE;
	return str_copy(ls->host_id_disk.path, sizeof(ls->host_id_disk.path), p->device) < 0 ? error_errno(e, ENAMETOOLONG, "%s", p->device)
											     : 0;
}

/* Waits for what the daemon is about already; leaves a place taken under another number. 0: joined as HOST (0: as any); -ENOENT: the name is free. */
static int settle(const char *name, unsigned host, unsigned limit, struct error *e)
{
	uint64_t end = clock_boot_ms() + limit * 1000ull;
	struct sanlk_lockspace ls;
	int r;

	while ((r = known(name, &ls)) == 0) {
		bool moving = ls.flags & (SANLK_LSF_ADD | SANLK_LSF_REM);

		if (!moving && (!host || ls.host_id == host))
			return 0;
		if (clock_boot_ms() >= end)
			return error_set(e, ETIMEDOUT,
					 "sanlock is busy with the cluster's lockspace for too long: see 'sanlock client status'");
		if (!moving)
			sanlock_rem_lockspace(&ls, SANLK_REM_ASYNC);
		pause_ms(50);
	}
	return r == -ENOENT ? r : error_set(e, ECONNREFUSED, "sanlock: %s", lockspace_why(r));
}

static int add(const struct lease_place *p, unsigned host, struct error *e)
{
	struct sanlk_lockspace ls;
	int r = fill(&ls, p, host, e);

	if (r < 0)
		return r;
	r = sanlock_add_lockspace_timeout(&ls, 0, p->c->settings.lease_timeout);
	if (r == SANLK_HOSTID_BUSY)
		return error_set(e, EBUSY, "place %u in the cluster's lockspace is held by another machine", host);
	return r < 0 ? error_set(e, EIO, "joining the cluster's lockspace on %s: %s", p->device, lockspace_why(r)) : 0;
}

static bool is_free(const struct lease_place *p, unsigned sector, unsigned host)
{
	struct lease_record r;

	return !cluster_node(p->c, host) &&
	       lockspace_record(p->device, LAYOUT_LOCKSPACE + (uint64_t)(host - 1) * sector, LEASE_RECORD_HOST, &r, NULL) == 0 &&
	       r.timestamp == 0;
}

/* For a machine that is no node: a free place from the top. Two that want the same one: sanlock lets one of them have it. */
static int join_somewhere(const struct lease_place *p, struct error *e)
{
	struct lease_record first;
	int r = lockspace_record(p->device, LAYOUT_LOCKSPACE, LEASE_RECORD_HOST, &first, e);

	for (unsigned host = LEASE_MAX_HOST; r == 0 && host > LEASE_MAX_HOST - STRANGERS; host--) {
		if (!is_free(p, first.sector, host))
			continue;
		r = add(p, host, e);
		if (r != -EBUSY)
			return r;
		r = 0;
	}
	return r < 0 ? r : error_set(e, EBUSY, "no place is free in the cluster's lockspace: do this on a node");
}

int lockspace_join(const struct lease_place *p, unsigned host, struct error *e)
{
	char name[LOCKSPACE_NAME_SIZE];
	int r;

	lockspace_name(name, p->c->id);
	r = settle(name, host, lease_dead_after(p->c->settings.lease_timeout) + SLACK, e);
	if (r != -ENOENT)
		return r;
	return host ? add(p, host, e) : join_somewhere(p, e);
}

void lockspace_forget(const char *disk)
{
	cleanup_free struct sanlk_lockspace *all = NULL;
	size_t len = strlen(disk);
	int n = 0;

	if (sanlock_get_lockspaces(&all, &n, 0) < 0)
		return;
	for (int i = 0; all && i < n; i++) {
		const char *path = all[i].host_id_disk.path;

		if (strncmp(path, disk, len) == 0 && strspn(path + len, "0123456789") == strlen(path + len))
			sanlock_rem_lockspace(&all[i], SANLK_REM_ASYNC);
	}
}
