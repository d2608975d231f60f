/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's root as a tree of files to be read, wherever the node is. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "compose_look.h"
#include "image_sniff.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define NODE_POINT "/run/byre/node-tree"

/* Whether the volume is what this machine runs on. */
static bool is_our_root(const struct cluster *c, const struct volume *root, const char *const *pvs)
{
	struct stat ours, device;
	char path[256];

	if (!volume_is_composed(c, root) || volume_compose(c, root, pvs, path, NULL) < 0)
		return false;
	return stat("/", &ours) == 0 && stat(path, &device) == 0 && ours.st_dev == device.st_rdev;
}

/* The root file system without what is mounted on it. */
static int bind_root(struct error *e)
{
	int r = dir_make(AT_FDCWD, NODE_POINT, 0700, e);

	if (r == 0)
		r = image_own_mounts(e);
	if (r < 0)
		return r;
	return mount("/", NODE_POINT, NULL, MS_BIND, NULL) < 0 ? error_errno(e, errno, NODE_POINT) : 0;
}

/* What a journal still holds would be missing. */
static int check_clean(const char *device, const struct node *n, struct error *e)
{
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	unsigned char head[SNIFF_BYTES];
	struct sniffed found;
	struct error why = ERROR_INIT;

	if (fd < 0 || pread_full(fd, head, sizeof(head), 0) < 0)
		return error_errno(e, errno, "%s", device);
	if (image_sniff(head, sizeof(head), INT64_MAX, &found, &why) < 0)
		return error_set(e, EUCLEAN, "node %s: its root is %s: start it and shut it down once", n->name, why.text);
	return 0;
}

static int mount_device(struct node_tree *t, const char *device, struct error *e)
{
	int r = check_clean(device, t->node, e);

	if (r == 0)
		r = image_mount(device, NODE_POINT, true, e);
	t->mounted = r == 0;
	return r;
}

/* While the node runs: its root stands still for an instant, and what it was then is read. */
static int open_frozen(struct node_tree *t, struct error *e)
{
	char device[256];
	int r = store_freeze(&t->v.c, t->root, &t->moment, device, e);

	t->frozen = r == 0;
	return r == 0 ? mount_device(t, device, e) : r;
}

static int open_stopped(struct node_tree *t, struct error *e)
{
	char device[256];
	int r = tool_check_stopped(&t->v, t->root, false, e);

	if (r < 0)
		return error_wrap(e, "only the node itself can do this while it runs");
	r = volume_look(&t->v.c, t->root, t->v.pvs, device, e);
	t->looked = r == 0;
	return r == 0 ? mount_device(t, device, e) : r;
}

int node_tree_open(struct node_tree *t, const char *node, bool consistent, struct error *e)
{
	int r = view_open(&t->v, e);

	if (r == 0)
		r = view_need_pvs(&t->v, e);
	if (r == 0)
		r = view_node(&t->v, node, &t->node, e);
	if (r == 0)
		r = tool_find_root(&t->v, t->node, &t->root, e);
	if (r < 0)
		return r;
	if (!is_our_root(&t->v.c, t->root, t->v.pvs))
		r = open_stopped(t, e);
	else if (consistent)
		r = open_frozen(t, e);
	else {
		r = bind_root(e);
		t->mounted = r == 0;
	}
	t->path = NODE_POINT;
	return r;
}

void node_tree_close(struct node_tree *t)
{
	struct error e = ERROR_INIT;

	if (t->mounted && image_umount(NODE_POINT, &e) < 0)
		warn("%s", e.text);
	if (t->frozen && store_unfreeze(&t->v.c, t->root, &t->moment, &e) < 0)
		warn("%s", e.text);
	if (t->looked && volume_unlook(&t->v.c, t->root, &e) < 0)
		warn("%s", e.text);
	view_close(&t->v);
}
