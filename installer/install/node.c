/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaves in /run/byre what the initrd leaves on a node, so that everything after it is the same on the live system. */
#include "install.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cluster/document.h"
#include "cluster/san.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define RUN_DIR "/run/byre"

static int leave_state(const struct cluster *c, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	int r = document_print(c, &b, e);

	if (r < 0)
		return r;
	return file_write(AT_FDCWD, RUN_DIR "/state.json", 0600, buf_str(&b), b.len, e);
}

static int leave_text(const char *path, const struct buf *b, struct error *e)
{
	if (!buf_ok(b))
		return error_errno(e, ENOMEM, "%s", path);
	return file_write(AT_FDCWD, path, 0644, buf_str(b), b->len, e);
}

/* How the SAN is reached, for whoever has to log in again. */
static int leave_san(const struct install *in, struct error *e)
{
	const struct san_reached reached = {
		.portal_ip = in->target[0] ? in->settings.storage_ip : 0,
		.portal_port = in->settings.storage_port,
		.target = in->target,
		.interface = in->storage_if,
		.container = in->settings.container_name,
		.disk = in->disk,
	};
	struct buf b cleanup_buf = BUF_INIT;

	san_print(&reached, &b);
	return leave_text(RUN_DIR "/san", &b, e);
}

static int leave_node(const struct node *n, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;

	buf_printf(&b, "%u\n", n->number);
	return leave_text(RUN_DIR "/node", &b, e);
}

int step_node(struct install *in, struct error *e)
{
	const struct node *n = cluster_node(&in->cluster, 1);
	int r;

	if (!n)
		return error_set(e, ENOENT, "the cluster has no node 1");
	r = dir_make(AT_FDCWD, RUN_DIR, 0755, e);
	if (r == 0)
		r = leave_san(in, e);
	if (r == 0)
		r = leave_node(n, e);
	if (r == 0)
		r = network_become_node(in, n, e);
	if (r == 0) /* last: from here on the rest of the system makes itself match it */
		r = leave_state(&in->cluster, e);
	if (r < 0)
		return error_wrap(e, "the cluster is installed, but this machine could not become %s", n->name);
	tell("node: this machine is %s", n->name);
	return 0;
}
