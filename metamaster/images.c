/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images, mounted read-only: their kernels and initrds are served from where they are. */
#include "meta.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MAX_IMAGES 64

/* What is mounted, and the last complaint about what is not. An entry without a ref is free. */
static struct held {
	char ref[IMAGE_REF_SIZE];
	bool mounted;
	char complaint[256];
} held[MAX_IMAGES];
static bool full; /* and told */

static struct held *held_for(const char *ref)
{
	struct held *unused = NULL;

	for (size_t i = 0; i < MAX_IMAGES; i++) {
		if (strcmp(held[i].ref, ref) == 0)
			return &held[i];
		if (!unused && !held[i].ref[0])
			unused = &held[i];
	}
	if (unused) {
		memset(unused, 0, sizeof(*unused));
		str_copy(unused->ref, sizeof(unused->ref), ref);
	} else if (!full)
		log_error("image %s cannot be served: a node serves %d images at most", ref, MAX_IMAGES);
	full = !unused;
	return unused;
}

static bool is_mounted(const char *path)
{
	struct statx sx;

	return statx(AT_FDCWD, path, 0, STATX_TYPE, &sx) == 0 && (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int mount_image(const struct cluster *c, const struct image *i, const char *path, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	char device[256];
	int r = dir_make(AT_FDCWD, path, 0755, e);

	if (r < 0 || is_mounted(path))
		return r;
	r = cluster_pv_paths(c, &pvs, e);
	if (r == 0)
		r = image_compose(c, i, pvs, device, e);
	if (r < 0)
		return r;
	/* noload: the journal of an image is never replayed, for that would be a write. */
	if (mount(device, path, "ext4", MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC, "noload") < 0)
		return error_errno(e, errno, "mounting %s on %s", device, path);
	return 0;
}

static void hold(const struct cluster *c, const struct image *i)
{
	struct error e = ERROR_INIT;
	char ref[IMAGE_REF_SIZE], path[sizeof(IMAGES_DIR) + IMAGE_REF_SIZE];
	struct held *h = held_for(image_ref(ref, i));

	if (!h || h->mounted)
		return;
	snprintf(path, sizeof(path), IMAGES_DIR "/%s", ref);
	if (mount_image(c, i, path, &e) == 0) {
		h->mounted = true;
		h->complaint[0] = '\0';
		log_info("image %s is served", ref);
		return;
	}
	if (strncmp(h->complaint, e.text, sizeof(h->complaint) - 1) != 0)
		log_error("image %s cannot be served, so nodes with it cannot boot from here: %s", ref, e.text);
	snprintf(h->complaint, sizeof(h->complaint), "%s", e.text);
}

static bool is_needed(const struct cluster *c, const char *ref)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		if (strcmp(c->nodes[i].image, ref) == 0)
			return true;
	return false;
}

/* An image that is still being read by a client stays until the next round. */
static void let_go(const struct cluster *c, struct held *h)
{
	const struct image *i = cluster_image(c, h->ref);
	char path[sizeof(IMAGES_DIR) + IMAGE_REF_SIZE];

	snprintf(path, sizeof(path), IMAGES_DIR "/%s", h->ref);
	if (h->mounted && umount2(path, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL)
		return;
	rmdir(path);
	if (i)
		image_release(c, i, NULL);
	if (h->mounted)
		log_info("image %s is no longer served", h->ref);
	h->ref[0] = '\0';
}

void images_follow(const struct cluster *c)
{
	char ref[IMAGE_REF_SIZE];

	for (size_t i = 0; i < c->n_images; i++)
		if (!c->images[i].filling && is_needed(c, image_ref(ref, &c->images[i])))
			hold(c, &c->images[i]);
	for (size_t i = 0; i < MAX_IMAGES; i++)
		if (held[i].ref[0] && !is_needed(c, held[i].ref))
			let_go(c, &held[i]);
}
