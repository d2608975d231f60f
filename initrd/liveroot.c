/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define LABEL    "BYRE"
#define MEDIUM   "/run/byre/medium"
#define LOWER    "/run/byre/live"
#define OVERLAY  "/run/byre/overlay"
#define PATIENCE 10000 /* ms in which drives come up without our saying that we wait */

/* Into RET: the disk or the partition of it with the medium's file system. */
static bool look_at(const char *disk, char ret[64])
{
	char path[300];
	cleanup_dir DIR *d = NULL;

	snprintf(ret, 64, "/dev/%.50s", disk);
	if (fs_is_iso9660(ret, LABEL))
		return true;
	snprintf(path, sizeof(path), "/sys/block/%s", disk);
	d = opendir(path);
	for (struct dirent *i; d && (i = readdir(d));) {
		if (!str_starts(i->d_name, disk))
			continue;
		snprintf(ret, 64, "/dev/%.50s", i->d_name);
		if (fs_is_iso9660(ret, LABEL))
			return true;
	}
	return false;
}

static bool find_medium(char ret[64])
{
	cleanup_dir DIR *d = opendir("/sys/block");

	for (struct dirent *i; d && (i = readdir(d));)
		if (i->d_name[0] != '.' && !str_starts(i->d_name, "loop") && look_at(i->d_name, ret))
			return true;
	return false;
}

static void wait_for_medium(const struct params *p, char ret[64])
{
	struct backoff b = backoff_begin(p);
	uint64_t start = clock_boot_ms();
	struct error e;

	while (!find_medium(ret)) {
		if (clock_boot_ms() - start < PATIENCE) {
			wait_ms(50);
			continue;
		}
		error_set(&e, ENOMEDIUM, "no disk or drive holds the medium (ISO 9660, label " LABEL "): insert it");
		backoff_wait(&b, &e);
	}
}

static int mount_live(const struct params *p, const char *device, struct error *e)
{
	char image[160], loop[32];
	int r;

	r = fs_mount(device, MEDIUM, "iso9660", MS_RDONLY, NULL, e);
	if (r < 0)
		return r;
	snprintf(image, sizeof(image), MEDIUM "/byre/images/%s.squashfs", p->live);
	r = fs_loop(image, loop, e);
	if (r >= 0)
		r = fs_mount(loop, LOWER, "squashfs", MS_RDONLY, NULL, e);
	if (r < 0) {
		umount2(MEDIUM, MNT_DETACH);
		return error_wrap(e, "the medium's image of %s", p->live);
	}
	r = fs_mount("overlay", OVERLAY, "tmpfs", 0, "mode=0755", e);
	if (r >= 0)
		r = dir_make(AT_FDCWD, OVERLAY "/upper", 0755, e);
	if (r >= 0)
		r = dir_make(AT_FDCWD, OVERLAY "/work", 0755, e);
	if (r >= 0)
		r = fs_mount("overlay", NEW_ROOT, "overlay", 0, "lowerdir=" LOWER ",upperdir=" OVERLAY "/upper,workdir=" OVERLAY "/work",
			     e);
	return r;
}

void liveroot_mount(const struct params *p)
{
	struct backoff b = backoff_begin(p);
	struct error e = ERROR_INIT;
	char device[64];

	phase_begin("medium");
	if (module_load("loop", &e) < 0)
		say("%s", e.text);
	wait_for_medium(p, device);
	phase_end("medium found", "%s", device);
	phase_begin("mount");
	while (mount_live(p, device, &e) < 0) {
		backoff_wait(&b, &e);
		wait_for_medium(p, device);
	}
	phase_end("live root mounted", "%s.squashfs", p->live);
}
