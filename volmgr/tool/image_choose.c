/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image default, rollback, remove. */
#include "tool.h"

#include "base/cleanup.h"
#include "volmgr/change.h"
#include "volmgr/images.h"

#include <errno.h>
#include <stdio.h>

bool image_remove_force;

static const struct image *find(const struct change *ch, const char *text, struct error *e)
{
	const struct image *i = images_find(&ch->c, text);

	if (!i)
		error_set(e, ENOENT, "there is no image '%.100s': 'volmgr image list' names them", text);
	return i;
}

static int say_default(const struct cluster *c, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;

	buf_printf(&b, "new and reset nodes get %s%s%s%s\n", c->default_image, c->previous_image[0] ? " (before: " : "", c->previous_image,
		   c->previous_image[0] ? ")" : "");
	return print_all(&b, e);
}

int image_default_run(int argc, char **argv, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	const struct image *i;
	char what[NOTE_SIZE];
	int r;

	(void)argc;
	snprintf(what, sizeof(what), "volmgr image default %.60s", argv[0]);
	r = tool_change(what, &ch, e);
	if (r < 0)
		return r;
	i = find(ch, argv[0], e);
	if (!i)
		return -ENOENT;
	r = images_set_default(&ch->c, i, e);
	if (r == 0)
		image_ref(ch->c.default_image, i); /* that it was already; perhaps only as the first one */
	if (r > 0)
		r = change_publish(ch, e);
	return r < 0 ? r : say_default(&ch->c, e);
}

int image_rollback_run(int argc, char **argv, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	int r = tool_change("volmgr image rollback", &ch, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = images_rollback(&ch->c, e);
	if (r == 0)
		r = change_publish(ch, e);
	return r < 0 ? r : say_default(&ch->c, e);
}

/* The version has to be said: what is removed is gone. */
int image_remove_run(int argc, char **argv, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	char what[NOTE_SIZE];
	int r;

	(void)argc;
	snprintf(what, sizeof(what), "volmgr image remove %.60s", argv[0]);
	r = tool_change(what, &ch, e);
	if (r == 0)
		r = image_remove(ch, argv[0], image_remove_force, e);
	return r == 0 ? change_publish(ch, e) : r;
}
