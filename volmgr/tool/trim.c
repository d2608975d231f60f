/* SPDX-License-Identifier: GPL-2.0-or-later */
/* volmgr trim */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "compose_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Where the file system on DEVICE is mounted: told by the device's number, since the root's is often called otherwise in the table. */
static int find_mount(const char *device, char ret[256], struct error *e)
{
	cleanup_file FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[1024], where[256];
	unsigned a, b;
	struct stat st;

	if (!f || stat(device, &st) < 0)
		return error_errno(e, errno, "%s", f ? device : "/proc/self/mountinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*u %*u %u:%u %*s %255s", &a, &b, where) == 3 && makedev(a, b) == st.st_rdev) {
			memcpy(ret, where, sizeof(where));
			return 0;
		}
	return error_set(e, ENOENT, "%s is not mounted here", device);
}

static int trim_mount(const char *where, uint64_t *ret_bytes, struct error *e)
{
	struct fstrim_range range = {.len = UINT64_MAX};
	cleanup_fd int fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* What was removed a moment ago is free once the journal has it. */
	if (fd < 0 || syncfs(fd) < 0 || ioctl(fd, FITRIM, &range) < 0)
		return error_errno(e, errno, "trimming %s", where);
	*ret_bytes = range.len;
	return 0;
}

/* By its name, or a node's root by the node's number or name. */
static int find_volume(const struct view *v, const char *name, const struct volume **ret, struct error *e)
{
	const struct node *n = cluster_node_called(&v->c, name);

	*ret = n ? cluster_node_volume(&v->c, n->number, VOLUME_ROOT) : cluster_volume(&v->c, name);
	if (!*ret || !volume_is_thin(*ret))
		return error_set(e, ENOENT, "there is no node and no thin volume '%.130s': see volmgr list", name);
	if (!volume_is_composed(&v->c, *ret))
		return error_set(e, ENODEV, "volume %s is not in use on this machine: trim it where it is", (*ret)->name);
	return 0;
}

/* A pool cannot become smaller: what was trimmed is used again by the same volume. */
static int tell(const struct volume *vol, const struct store_usage *before, const struct store_usage *now, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	char a[24], u[24], t[24];
	uint64_t back = before->data_used > now->data_used ? before->data_used - now->data_used : 0;

	buf_printf(
		&b,
		"%s: %s are free again, %s of %s in use. The store keeps its size: to give space back to the container, reset the volume\n",
		vol->name, str_bytes(a, sizeof(a), back), str_bytes(u, sizeof(u), now->data_used),
		str_bytes(t, sizeof(t), now->data_total));
	return print_all(&b, e);
}

int trim_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct store_usage before, now;
	const struct volume *vol = NULL;
	char device[256], where[256];
	uint64_t bytes;
	int r = view_open(&v, e);

	(void)argc;
	if (r == 0)
		r = find_volume(&v, argv[0], &vol, e);
	if (r < 0)
		return r;
	snprintf(device, sizeof(device), "/dev/mapper/byre-%s-%s", v.c.settings.container_name, vol->name);
	r = find_mount(device, where, e);
	if (r == 0)
		r = volume_usage(&v.c, vol, &before, e);
	if (r == 0)
		r = trim_mount(where, &bytes, e);
	if (r == 0)
		r = volume_usage(&v.c, vol, &now, e);
	return r == 0 ? tell(vol, &before, &now, e) : r;
}
