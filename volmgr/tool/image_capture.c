/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image capture: a node's root becomes an image's next version. File by file, so that nothing that was deleted there comes along. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool capture_default;

int image_capture_run(int argc, char **argv, struct error *e)
{
	struct image_source *s CLEANUP(image_source_closep) = NULL;
	struct node_tree t CLEANUP(node_tree_close) = {.path = NULL};
	struct new_image n = {.name = argv[1], .use = IMAGE_NODE, .make_default = capture_default};
	int r;

	(void)argc;
	if (!str_is_label(n.name) || strlen(n.name) >= NAME_SIZE)
		return error_set(e, EINVAL, "image name '%.80s': small letters, digits and '-' only", n.name);
	interrupt_watch();
	r = node_tree_open(&t, argv[0], true, e);
	if (r == 0)
		r = image_source_open_tree(t.path, &s, e);
	if (r < 0)
		return r;
	snprintf(n.what, sizeof(n.what), "volmgr image capture %.40s %.60s", t.node->name, n.name);
	return image_make(s, &n, 0, e);
}
