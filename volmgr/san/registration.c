/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/registration.h"

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/str.h"
#include "disk.h"
#include "pr.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

/* A file for each LUN and boot that was registered there: whoever is known and not on the list was fenced. */
#define KNOWN_DIR "/run/byre/registered"

/* What a LUN tells, and what we are on it. */
struct seen {
	struct pr_reservation reservation;
	struct pr_keys keys;
	uint64_t anchor, other; /* our keys */
	bool persist;
};

static void seen_free(struct seen *s)
{
	pr_keys_free(&s->keys);
}

static int fenced(const struct scsi_port *p, struct error *e)
{
	return error_set(e, EKEYREJECTED, "%s: this machine was fenced (volmgr state history): it may write no more until it starts anew",
			 p->name);
}

/* --- one session ---------------------------------------------------------------------------------------------------------- */

static bool is_ours(uint64_t key, const struct registrant *who, struct pr_key *ret)
{
	return pr_key_decode(key, ret) && ret->cluster == pr_key_cluster(who->cluster);
}

/* Whether anybody of the cluster is on the list: where it is not so, the SAN has lost it. */
static bool cluster_is_there(const struct seen *s, const struct registrant *who)
{
	struct pr_key k;

	for (size_t i = 0; i < s->keys.n; i++)
		if (is_ours(s->keys.v[i], who, &k) && k.role <= PR_OTHER)
			return true;
	return false;
}

static int look(struct scsi_port *p, const struct registrant *who, struct seen *s, struct error *e)
{
	int r;

	s->anchor = pr_key_of(who->cluster, who->node, PR_ANCHOR, who->boot);
	s->other = pr_key_of(who->cluster, who->node, PR_OTHER, who->boot);
	r = pr_read_reservation(p, &s->reservation, e);
	if (r < 0)
		return r;
	pr_keys_free(&s->keys);
	return pr_read_keys(p, &s->keys, e);
}

/*
 * A further session of this boot. Whoever fences takes off what the list has until nothing is left: an anchor that is there after our registration means that the fencing,
 * if there is one, will find us, too.
 */
static int register_other(struct scsi_port *p, const struct registrant *who, struct seen *s, struct error *e)
{
	int r = pr_register_anyhow(p, s->other, s->persist, e);

	if (r == 0)
		r = look(p, who, s, e);
	if (r < 0 || pr_keys_have(&s->keys, s->anchor))
		return r;
	r = pr_register(p, s->other, 0, s->persist, e);
	return r < 0 && r != -EBADE ? r : fenced(p, e);
}

/* The anchor was not on the list S: takes the node's keys that are, of earlier boots, off; what is gone already is as good. Returns how many there were. */
static int drop_stale(struct scsi_port *p, const struct registrant *who, const struct seen *s, struct error *e)
{
	struct pr_key k;
	int n = 0;

	for (size_t i = 0; who->node && i < s->keys.n; i++) {
		int r;

		if (!is_ours(s->keys.v[i], who, &k) || k.node != who->node || k.role > PR_OTHER)
			continue;
		r = pr_preempt(p, s->anchor, s->keys.v[i], true, e);
		if (r == -EOPNOTSUPP)
			r = pr_preempt(p, s->anchor, s->keys.v[i], false, e);
		if (r < 0 && r != -EBADE)
			return r;
		n++;
	}
	return n;
}

/*
 * The first session of this boot. LIO keeps by initiator name, not by session, who may write: with a stale key it takes that from all sessions of the name, and gives
 * it back with a registration that is new.
 */
static int register_anchor(struct scsi_port *p, const struct registrant *who, const struct seen *s, struct error *e)
{
	int r = pr_register_anyhow(p, s->anchor, s->persist, e);

	if (r == 0)
		r = drop_stale(p, who, s, e);
	if (r <= 0)
		return r;
	r = pr_register(p, s->anchor, 0, s->persist, e);
	return r < 0 ? r : pr_register_anyhow(p, s->anchor, s->persist, e);
}

/* This session's key into *RET_KEY, registering it where that must be. */
static int take_place(struct scsi_port *p, const struct registrant *who, struct seen *s, bool known, uint64_t *ret_key, struct error *e)
{
	bool anchored = pr_keys_have(&s->keys, s->anchor);
	int r;

	if (!anchored && known && (cluster_is_there(s, who) || s->reservation.held))
		return fenced(p, e);
	*ret_key = s->anchor;
	if (!anchored)
		return register_anchor(p, who, s, e);
	r = pr_register(p, s->anchor, s->anchor, s->persist, e);
	if (r != -EBADE)
		return r;
	*ret_key = s->other;
	r = pr_keys_have(&s->keys, s->other) ? pr_register(p, s->other, s->other, s->persist, e) : -EBADE;
	return r == -EBADE ? register_other(p, who, s, e) : r;
}

int registration_check_type(const struct scsi_port *p, const struct pr_reservation *v, struct error *e)
{
	if (!v->held || (v->type == PR_WRITE_EXCLUSIVE_REGISTRANTS && v->scope == 0))
		return 0;
	return error_set(e, EBUSY, "%s: is reserved with type %u by somebody else (key %016" PRIx64 "): end that first", p->name, v->type,
			 v->key);
}

/* Nobody of ours reserved this LUN and nobody wants it so. */
static bool idle(const struct registrant *who, const struct pr_reservation *v)
{
	struct pr_key k;

	return !who->wanted && !(v->held && pr_key_decode(v->key, &k));
}

int registration_join(struct scsi_port *p, const struct registrant *who, bool *known, uint64_t *ret_key, struct error *e)
{
	struct seen s CLEANUP(seen_free) = {.persist = false};
	struct pr_capabilities can = {.persists = false};
	uint64_t key = 0;
	int r = look(p, who, &s, e);

	*ret_key = 0;
	if (r < 0)
		return r == -EOPNOTSUPP && !who->wanted ? 0 : r;
	if (idle(who, &s.reservation))
		return 0;
	r = registration_check_type(p, &s.reservation, e);
	if (r < 0)
		return r;
	r = pr_report_capabilities(p, &can, e);
	s.persist = can.persists;
	if (r == 0 || r == -EOPNOTSUPP)
		r = take_place(p, who, &s, *known, &key, e);
	if (r < 0)
		return r;
	*known = true;
	*ret_key = key;
	return 0;
}

int registration_check(struct scsi_port *p, const struct registrant *who, struct error *e)
{
	struct seen s CLEANUP(seen_free) = {.persist = false};
	int r = look(p, who, &s, e);

	if (r < 0 || pr_keys_have(&s.keys, s.anchor))
		return r;
	return cluster_is_there(&s, who) || s.reservation.held ? fenced(p, e) : 1;
}

/* --- this machine's sessions ---------------------------------------------------------------------------------------------- */

int fence_boot_id(char ret[BOOT_ID_SIZE], struct error *e)
{
	return file_read_text("/proc/sys/kernel/random/boot_id", ret, BOOT_ID_SIZE, e);
}

/* Where it is noted that this boot is known on the LUN of DISK. */
static void known_path(char dst[128], const struct registrant *who, const char *disk)
{
	char lun[256];

	disk_attribute("", disk, "device/wwid", lun, sizeof(lun));
	if (!lun[0])
		snprintf(lun, sizeof(lun), "%s", disk);
	snprintf(dst, 128, KNOWN_DIR "/%016" PRIx64 "-%08x", pr_key_of(who->cluster, who->node, PR_ANCHOR, who->boot),
		 crc32c(0, lun, strlen(lun)));
}

static int note_known(const char *path, struct error *e)
{
	int r = dir_make(AT_FDCWD, KNOWN_DIR, 0755, e);

	return r < 0 ? r : file_write(AT_FDCWD, path, 0644, "", 0, e);
}

/* *RET_NEW becomes true when the boot was not known on this LUN. */
static int register_disk(const struct registrant *who, const char *disk, bool *ret_new, struct error *e)
{
	struct scsi_port p CLEANUP(scsi_close) = {.fd = -1};
	char path[128];
	bool known, before;
	uint64_t key;
	int r = scsi_open(disk, &p, e);

	if (r < 0)
		return r;
	known_path(path, who, disk);
	known = before = access(path, F_OK) == 0;
	r = registration_join(&p, who, &known, &key, e);
	if (r < 0 || !known || before)
		return r;
	*ret_new = true;
	return note_known(path, e);
}

/* A disk that is no SAN's cannot be reserved: that is only wrong where it is wanted. */
static int register_device(const struct registrant *who, const char *device, bool *ret_new, struct error *e)
{
	char disks[SCSI_PATHS_MAX][64];
	int n = scsi_paths("", device, disks, e), r = n < 0 ? n : 0;

	if (n == 0 && who->wanted)
		return error_set(e, EOPNOTSUPP, "%s: is no SCSI disk, and cannot be reserved", device);
	for (int i = 0; i < n && r == 0; i++)
		r = register_disk(who, disks[i], ret_new, e);
	return r;
}

static int identify(const struct cluster *c, unsigned node, const char *boot_id, char buf[BOOT_ID_SIZE], struct registrant *ret,
		    struct error *e)
{
	int r = boot_id ? 0 : fence_boot_id(buf, e);

	*ret = (struct registrant){c->id, node, boot_id ? boot_id : buf, c->settings.fencing == FENCING_RESERVATION};
	return r;
}

static int check_disk(const struct registrant *who, const char *disk, struct error *e)
{
	struct scsi_port p CLEANUP(scsi_close) = {.fd = -1};
	char path[128];
	int r;

	known_path(path, who, disk);
	if (access(path, F_OK) < 0)
		return 0;
	r = scsi_open(disk, &p, e);
	return r < 0 ? r : registration_check(&p, who, e);
}

/* One list is enough of each LUN: all paths lead to it. 1: one has lost its list. */
static int check_devices(const struct registrant *who, const char *const *devices, size_t n, struct error *e)
{
	char disks[SCSI_PATHS_MAX][64];
	int r = 0, lost = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		int paths = scsi_paths("", devices[i], disks, e);

		r = paths > 0 ? check_disk(who, disks[0], e) : paths;
		lost |= r > 0;
	}
	return r < 0 ? r : lost;
}

/* Takes this boot off the list of DEVICE, on which it has only just come. */
static void leave(const struct registrant *who, const char *device)
{
	const uint64_t keys[] = {pr_key_of(who->cluster, who->node, PR_ANCHOR, who->boot),
				 pr_key_of(who->cluster, who->node, PR_OTHER, who->boot)};
	char disks[SCSI_PATHS_MAX][64];
	int n = scsi_paths("", device, disks, NULL);

	for (int i = 0; i < n; i++) {
		struct scsi_port p CLEANUP(scsi_close) = {.fd = -1};

		for (size_t k = 0; scsi_open(disks[i], &p, NULL) == 0 && k < ARRAY_SIZE(keys); k++) {
			if (pr_register(&p, keys[k], 0, true, NULL) == -EOPNOTSUPP)
				pr_register(&p, keys[k], 0, false, NULL);
			scsi_close(&p);
		}
	}
}

/*
 * Whoever fences goes from LUN to LUN in this order, and may have passed a new one before this boot came there. When those before it have us still, that is not so, and
 * we will be found.
 */
int fence_register_devices(const struct cluster *c, const char *const *devices, size_t n, unsigned node, const char *boot_id,
			   struct error *e)
{
	char buf[BOOT_ID_SIZE];
	struct registrant who;
	int r = identify(c, node, boot_id, buf, &who, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		bool is_new = false;

		r = register_device(&who, devices[i], &is_new, e);
		if (r == 0 && is_new)
			r = check_devices(&who, devices, i, e);
		if (r == -EKEYREJECTED && is_new)
			leave(&who, devices[i]);
		r = r > 0 ? 0 : r;
	}
	return r;
}

int fence_register(const struct cluster *c, const char *const *pv_paths, unsigned node, const char *boot_id, struct error *e)
{
	return fence_register_devices(c, pv_paths, c->n_pvs, node, boot_id, e);
}

int fence_check(const struct cluster *c, const char *const *pv_paths, unsigned node, struct error *e)
{
	char boot[BOOT_ID_SIZE];
	struct registrant who;
	int r = identify(c, node, NULL, boot, &who, e);

	return r == 0 ? check_devices(&who, pv_paths, c->n_pvs, e) : r;
}

bool fence_registered(void)
{
	return access(KNOWN_DIR, F_OK) == 0;
}

static void write_to(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
}

/* The usual way would first tell the disks to write what they have in their caches, and wait for that. */
void fence_restart(const char *why)
{
	char line[400];

	snprintf(line, sizeof(line), "<0>byre: %.300s: restarting\n", why);
	write_to("/dev/kmsg", line);
	write_to("/proc/sysrq-trigger", "b");
	reboot(RB_AUTOBOOT);
}
