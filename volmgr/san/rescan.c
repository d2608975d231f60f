/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has come to the SAN since this machine logged in: new LUNs, and partitions that another machine has made. */
#include "disk.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Channel, target and LUN: all of them. Sessions that are down are passed over by the kernel. */
static bool scan_sessions(void)
{
	glob_t g;
	bool any = false;

	if (glob("/sys/class/iscsi_host/host*", 0, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char path[128];
		cleanup_fd int fd = -1;

		snprintf(path, sizeof(path), "/sys/class/scsi_host/%.60s/scan", strrchr(g.gl_pathv[i], '/') + 1);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write_full(fd, "- - -", 5) == 0)
			any = true;
	}
	globfree(&g);
	return any;
}

static int change_partition(int fd, int op, const struct partition *p)
{
	struct blkpg_partition part = {.start = (long long)p->start, .length = (long long)p->size, .pno = (int)p->number};
	struct blkpg_ioctl_arg arg = {.op = op, .datalen = sizeof(part), .data = &part};

	return ioctl(fd, BLKPG, &arg) < 0 ? -errno : 0;
}

/* One by one, for others of the disk may be in use: then the kernel does not take a whole table. */
static void add_partitions(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct disk d CLEANUP(disk_free) = {.parts = NULL};

	if (fd < 0 || ioctl(fd, BLKFLSBUF, 0) < 0 || disk_read("", path, &d, NULL) < 0)
		return;
	for (size_t i = 0; i < d.n; i++) {
		if (d.parts[i].path[0])
			continue;
		change_partition(fd, BLKPG_DEL_PARTITION, &d.parts[i]); /* one of this number, but of other bounds */
		change_partition(fd, BLKPG_ADD_PARTITION, &d.parts[i]);
	}
}

static int look_at_paths(const struct disk *d, void *data, struct error *e)
{
	(void)data;
	(void)e;
	for (size_t i = 0; i < d->n_paths; i++)
		if (d->paths[i].up)
			add_partitions(d->paths[i].path);
	return 0;
}

void disk_learn_partitions(void)
{
	disk_forget();
	disk_each("", look_at_paths, NULL, NULL);
	disk_forget();
}

bool disk_rescan(void)
{
	bool any = scan_sessions();

	disk_learn_partitions();
	return any;
}
