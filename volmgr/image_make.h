/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an image is made of, and how it gets onto its volume. Neither state nor LVM is touched here: the caller has a volume that is nobody else's.
 *
 * A node's image is an ext4 file system with /sbin/init, /boot/vmlinuz and /boot/initrd; a VM's disk may be anything. What is mounted here is mounted in
 * a mount namespace of this process, and what is started ends with it, so that nothing stays whatever happens.
 */
#ifndef BYRE_VOLMGR_IMAGE_MAKE_H
#define BYRE_VOLMGR_IMAGE_MAKE_H

#include "base/error.h"
#include "volmgr/volmgr.h"

/* How long work is told of, and how it is cut short. Either function may be NULL. */
struct image_job {
	volmgr_progress_fn *progress;
	int (*go_on)(void *data, struct error *e); /* asked four times a second: negative, with E set, ends the work */
	void *data;
};

/* --- how large (pure) ----------------------------------------------------------------------------------------------------- */

/* What a tree of files takes. */
struct image_content {
	uint64_t bytes;  /* of file blocks, each file rounded up to IMAGE_BLOCK */
	uint64_t inodes; /* files, folders, links and the rest */
};
#define IMAGE_BLOCK 4096u

/* One line of `unsquashfs -lln` or of `tar -tvR --numeric-owner --quoting-style=escape`. */
struct image_listed {
	char type;        /* as ls(1) shows it; 'h' = a hard link */
	uint64_t size;    /* of a file or a link, bytes */
	const char *name; /* as it is listed: not NUL-terminated, tar's escapes in it; with what a link points to behind it */
	size_t name_len;
};
/* Takes one line (LEN bytes, no newline) apart. -EINVAL. */
int image_list_line(const char *line, size_t len, struct image_listed *ret, struct error *e);
/* The same of tar's, which has "block N: " in front. 1: RET; 0: here the archive ends; -EINVAL also when it ends without saying so. */
int image_list_tar_line(const char *line, size_t len, struct image_listed *ret, struct error *e);
/* Adds a listed thing to RET. */
void image_content_add(struct image_content *c, const struct image_listed *l);
/* A whole listing. -EINVAL: a line is not of that form, or there is none. */
int image_content_of_listing(const char *text, size_t len, struct image_content *ret, struct error *e);

/* A file system for a tree. */
struct image_size {
	uint64_t bytes; /* whole volume, a multiple of EXTENT_BYTES */
	uint64_t inodes;
	unsigned journal_mib;
};
/* Room for the content, its metadata and a little more: the node makes the file system larger, never smaller. */
struct image_size image_size_for(const struct image_content *c);

/* --- from what ---------------------------------------------------------------------------------------------------------- */

struct image_source; /* a file or folder, opened and recognised by its content */

/* tar (as it is, or packed by gzip, xz or zstd), squashfs, an ext4 file system, a disk, qcow2, or a folder with an OCI image layout. -EINVAL: none of these, or damaged. */
int image_source_open(const char *path, struct image_source **ret, struct error *e);
/* The files below folder ROOT on its file system, but for what makes a node this node and no other. Nothing may change them meanwhile. */
int image_source_open_tree(const char *root, struct image_source **ret, struct error *e);
void image_source_close(struct image_source *s);
static inline void image_source_closep(struct image_source **s)
{
	image_source_close(*s);
}
/* "tar archive, zstd", for messages. */
const char *image_source_name(const struct image_source *s);
/* What it is for when nobody says: a disk or qcow2 is a VM's disk, the rest a node's root. */
enum image_use image_source_use(const struct image_source *s);

/*
 * Reads it through as far as needed to know that it is whole and how large its image has to be: RET. WANTED (bytes, 0 = as needed) may ask for more. -EFBIG: WANTED is too small.
 */
int image_source_measure(struct image_source *s, enum image_use use, uint64_t wanted, const struct image_job *job, struct image_size *ret,
			 struct error *e);
/* Of a tree, after image_source_measure. */
const struct image_content *image_source_content(const struct image_source *s);

/* --- mounted -------------------------------------------------------------------------------------------------------------- */

/* From now on this process has its own mount namespace. */
int image_own_mounts(struct error *e);
/* Mounts an ext4 file system on folder POINT, which is made, in a mount namespace of this process. READ_ONLY: not a bit is written, not even the journal. */
int image_mount(const char *device, const char *point, bool read_only, struct error *e);
int image_umount(const char *point, struct error *e);

/* --- onto its volume ------------------------------------------------------------------------------------------------------- */

/* Zeros on all of DEVICE: what its segments held before is gone. */
int image_wipe(const char *device, const struct image_job *job, struct error *e);
/* Puts S onto DEVICE, which reads as zeros, and checks that a node can boot it when it is a node's; then I->kernel is set, too. The caller seals it. */
int image_fill(struct image_source *s, const struct image_size *size, const char *device, struct image *i, const struct image_job *job,
	       struct error *e);

#endif
