/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image import: a file becomes an image's next version. The lease is held twice for a moment: to enter the image as being filled, and to say that it is
 * finished; never while bytes are copied. What is cut off between the two is seen by all (image list), and can be removed.
 */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/interrupt.h"
#include "cli/cli.h"
#include "volmgr/change.h"
#include "volmgr/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char *import_use;
unsigned import_size;
bool import_default;

static int parse_use(const struct image_source *s, enum image_use *ret, struct error *e)
{
	if (!import_use)
		*ret = image_source_use(s);
	else if (strcmp(import_use, image_use_name(IMAGE_NODE)) == 0)
		*ret = IMAGE_NODE;
	else if (strcmp(import_use, image_use_name(IMAGE_DISK)) == 0)
		*ret = IMAGE_DISK;
	else {
		error_set(e, EINVAL, "--use %.40s: node or disk", import_use);
		return -CLI_USAGE;
	}
	return 0;
}

/* What can be told before anything is written. */
static int check_wish(const struct new_image *n, const struct image_size *size, struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	char text[32], room[32];
	int r = view_open(&v, e);

	if (r == 0)
		r = view_need_pvs(&v, e);
	if (r < 0)
		return r;
	if (n->use == IMAGE_NODE && size->bytes > v.c.settings.volume_size << 20)
		return error_set(e, EFBIG, "too large for a node: the image takes %s, a node's volume has %s",
				 str_bytes(text, sizeof(text), size->bytes), str_bytes(room, sizeof(room), v.c.settings.volume_size << 20));
	return 0;
}

static int enter(const struct new_image *n, uint64_t bytes, char ret_ref[IMAGE_REF_SIZE], struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	int r = tool_change(n->what, &ch, e);

	if (r == 0)
		r = image_add(ch, n->name, n->use, bytes, ret_ref, e);
	return r == 0 ? change_publish(ch, e) : r;
}

static int finish(const struct new_image *n, const char *ref, const struct image *filled, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	int r = tool_change(n->what, &ch, e);

	if (r == 0)
		r = image_finish(ch, ref, filled, e);
	if (r == 0 && n->make_default)
		r = images_set_default(&ch->c, cluster_image(&ch->c, ref), e);
	return r < 0 ? r : change_publish(ch, e);
}

/* Takes back what was entered, so that nothing is left of what failed; or says what is left. */
static void give_up(const struct new_image *n, const char *ref, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	struct error why = ERROR_INIT;
	size_t used = strlen(e->text);
	int r = tool_change(n->what, &ch, &why);

	if (r == 0)
		r = image_remove(ch, ref, false, &why);
	if (r == 0)
		r = change_publish(ch, &why);
	if (r == 0)
		snprintf(e->text + used, sizeof(e->text) - used, " (nothing is left of %s)", ref);
	else
		snprintf(e->text + used, sizeof(e->text) - used,
			 " (%s is left unfinished: 'volmgr image remove %s' when this is over: %.200s)", ref, ref, why.text);
}

/* The volume is open all the while, so that nobody here takes it for one that is left over. */
static int fill(struct image_source *s, const struct image_size *size, const char *ref, struct image **ret, struct view *v,
		const struct image_job *job, struct error *e)
{
	char device[256];
	cleanup_fd int held = -1;
	int r = view_open(v, e);

	if (r < 0)
		return r;
	*ret = cluster_image(&v->c, ref);
	if (!*ret)
		return error_set(e, ENOENT, "image %s: somebody has removed it", ref);
	r = image_open_new(&v->c, *ret, device, e);
	if (r < 0)
		return r;
	held = open(device, O_RDONLY | O_CLOEXEC);
	if (held < 0)
		return error_errno(e, errno, "%s", device);
	r = image_wipe(device, job, e);
	return r == 0 ? image_fill(s, size, device, *ret, job, e) : r;
}

static int fill_and_finish(struct image_source *s, const struct image_size *size, const struct new_image *n, const char *ref,
			   struct tool_work *w, struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	struct image *i;
	int r = fill(s, size, ref, &i, &v, &w->job, e);

	if (r == 0)
		r = image_seal(&v.c, i, w->job.progress, w, e);
	tool_work_end(w);
	return r == 0 ? finish(n, ref, i, e) : r;
}

int image_make(struct image_source *s, const struct new_image *n, uint64_t wanted, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	char ref[IMAGE_REF_SIZE];
	struct image_size size;
	struct tool_work w;
	int r;

	interrupt_watch();
	tool_work_begin(&w);
	r = image_source_measure(s, n->use, wanted, &w.job, &size, e);
	tool_work_end(&w);
	if (r == 0)
		r = check_wish(n, &size, e);
	if (r == 0)
		r = enter(n, size.bytes, ref, e);
	if (r < 0)
		return r;
	r = fill_and_finish(s, &size, n, ref, &w, e);
	if (r < 0) {
		give_up(n, ref, e);
		return r;
	}
	buf_printf(&b, "%s\n", ref);
	return print_all(&b, e);
}

int image_import_run(int argc, char **argv, struct error *e)
{
	struct image_source *s CLEANUP(image_source_closep) = NULL;
	struct new_image n = {.name = argv[0], .make_default = import_default};
	int r;

	(void)argc;
	if (!str_is_label(n.name) || strlen(n.name) >= NAME_SIZE)
		return error_set(e, EINVAL, "image name '%.80s': small letters, digits and '-' only", n.name);
	r = image_source_open(argv[1], &s, e);
	if (r == 0)
		r = parse_use(s, &n.use, e);
	if (r < 0)
		return r;
	if (n.make_default && n.use != IMAGE_NODE)
		return error_set(e, EINVAL, "--default: a VM's disk cannot be what nodes boot from");
	snprintf(n.what, sizeof(n.what), "volmgr image import %.60s", n.name);
	return image_make(s, &n, (uint64_t)import_size << 20, e);
}
