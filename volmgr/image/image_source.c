/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_source.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MIB 1048576ull

/* --- opening -------------------------------------------------------------------------------------------------------------------- */

/* How a part is packed, told by its content; FORMAT may be NULL. */
static int sniff(int fd, uint64_t bytes, struct sniffed *ret, struct error *e)
{
	unsigned char head[SNIFF_BYTES];
	size_t len = bytes < sizeof(head) ? (size_t)bytes : sizeof(head);
	int r = pread_full(fd, head, len, 0);

	return r < 0 ? error_errno(e, r, "reading it") : image_sniff(head, len, bytes, ret, e);
}

int source_add_part(struct image_source *s, int dir, const char *path, uint64_t bytes, const char *sha256, struct error *e)
{
	struct source_part *more = realloc(s->parts, (s->n_parts + 1) * sizeof(*more)), *p;
	struct sniffed found;
	struct stat st;
	int r;

	if (!more)
		return error_errno(e, ENOMEM, "%s", path);
	s->parts = more;
	p = &more[s->n_parts];
	*p = (struct source_part){.fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		return error_errno(e, errno, "%s", path);
	s->n_parts++;
	if (!S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "%s: no regular file", path);
	p->bytes = (uint64_t)st.st_size;
	if (bytes != UINT64_MAX && p->bytes != bytes)
		return error_set(e, EUCLEAN, "%s is damaged: it has %llu bytes, not %llu", path, (unsigned long long)p->bytes,
				 (unsigned long long)bytes);
	r = sniff(p->fd, p->bytes, &found, e);
	if (r == 0 && s->kind == SOURCE_OCI && found.format != SNIFF_TAR)
		r = error_set(e, EINVAL, "a %s, not a tar archive", sniff_format_name(found.format));
	if (r < 0)
		return error_wrap(e, "%s", path);
	p->packing = found.packing;
	if (sha256)
		memcpy(p->sha256, sha256, sizeof(p->sha256));
	if (s->kind == SOURCE_FILE)
		s->sniffed = found;
	return 0;
}

static struct image_source *source_new(enum source_kind kind, const char *path)
{
	struct image_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->kind = kind;
	s->names = -1;
	if (str_copy(s->path, sizeof(s->path), path) == 0)
		return s;
	free(s);
	return NULL;
}

void image_source_close(struct image_source *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_parts; i++)
		close(s->parts[i].fd);
	if (s->names >= 0)
		close(s->names);
	free(s->parts);
	free(s);
}

static int open_folder(struct image_source *s, int dir, struct error *e)
{
	int r;

	if (faccessat(dir, "oci-layout", F_OK, 0) < 0)
		return error_set(e, EINVAL, "%s: a folder that is no OCI image layout: it has no file oci-layout", s->path);
	s->kind = SOURCE_OCI;
	r = source_open_layout(s, dir, e);
	return r < 0 ? error_wrap(e, "%s", s->path) : 0;
}

int image_source_open(const char *path, struct image_source **ret, struct error *e)
{
	struct image_source *s CLEANUP(image_source_closep) = source_new(SOURCE_FILE, path);
	cleanup_fd int dir = -1;
	struct stat st;
	int r;

	if (!s)
		return error_errno(e, ENOMEM, "%s", path);
	if (stat(path, &st) < 0)
		return error_errno(e, errno, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = dir < 0 ? error_errno(e, errno, "%s", path) : open_folder(s, dir, e);
	} else
		r = source_add_part(s, AT_FDCWD, path, UINT64_MAX, NULL, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(s);
	return 0;
}

int image_source_open_tree(const char *root, struct image_source **ret, struct error *e)
{
	*ret = source_new(SOURCE_TREE, root);
	return *ret ? 0 : error_errno(e, ENOMEM, "%s", root);
}

const char *image_source_name(const struct image_source *s)
{
	static char name[64];

	if (s->kind == SOURCE_TREE)
		return "tree of files";
	if (s->kind == SOURCE_OCI)
		snprintf(name, sizeof(name), "OCI image of %zu layer%s", s->n_parts, s->n_parts == 1 ? "" : "s");
	else
		snprintf(name, sizeof(name), "%s%s%s", sniff_format_name(s->sniffed.format), s->sniffed.packing ? ", " : "",
			 sniff_packing_name(s->sniffed.packing));
	return name;
}

const struct image_content *image_source_content(const struct image_source *s)
{
	return &s->content;
}

static bool is_disk(const struct image_source *s)
{
	return s->kind == SOURCE_FILE && (s->sniffed.format == SNIFF_DISK || s->sniffed.format == SNIFF_QCOW2);
}

static bool is_written_as_it_is(const struct image_source *s)
{
	return is_disk(s) || (s->kind == SOURCE_FILE && s->sniffed.format == SNIFF_EXT4);
}

enum image_use image_source_use(const struct image_source *s)
{
	return is_disk(s) ? IMAGE_DISK : IMAGE_NODE;
}

/* --- measuring ------------------------------------------------------------------------------------------------------------------ */

static int check_digest(const struct source_part *p, const struct image_job *job, struct error *e)
{
	char sum[65];
	int r;

	if (!p->sha256[0])
		return 0;
	r = image_hash_fd(p->fd, p->bytes, p->sha256, job, sum, e);
	if (r == 0 && strcmp(sum, p->sha256) != 0)
		r = error_set(e, EUCLEAN, "layer %.12s... is damaged: its digest is another", p->sha256);
	return r;
}

static int measure_squashfs(struct image_source *s, const struct image_job *job, struct error *e)
{
	const char *argv[] = {"unsquashfs", "-lln", s->path, NULL};
	cleanup_fd int out = -1;
	char *text;
	off_t len;
	int r = job_run(argv, job, &out, e);

	if (r < 0)
		return r;
	len = lseek(out, 0, SEEK_END);
	if (len <= 0)
		return error_set(e, EINVAL, "the archive is empty");
	text = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, out, 0);
	if (text == MAP_FAILED)
		return error_errno(e, errno, "the archive's listing");
	r = image_content_of_listing(text, (size_t)len, &s->content, e);
	munmap(text, (size_t)len);
	return r;
}

static int measure_content(struct image_source *s, const struct image_job *job, struct error *e)
{
	int r = 0;

	s->content = (struct image_content){0, 0};
	if (s->kind == SOURCE_TREE)
		return source_list_tree(s, e);
	if (s->kind == SOURCE_FILE && s->sniffed.format == SNIFF_SQUASHFS)
		return measure_squashfs(s, job, e);
	if (s->kind == SOURCE_FILE && s->sniffed.format == SNIFF_QCOW2)
		return qcow2_check(s, e);
	if (is_written_as_it_is(s))
		return 0;
	for (size_t i = 0; i < s->n_parts && r == 0; i++)
		r = check_digest(&s->parts[i], job, e);
	for (size_t i = 0; i < s->n_parts && r == 0; i++)
		r = tar_measure(s, &s->parts[i], job, e);
	if (r == 0 && s->content.inodes == 0)
		r = error_set(e, EINVAL, "the archive is empty");
	return r;
}

/* Whole blocks: that is how images are read. */
static uint64_t block_up(uint64_t bytes)
{
	return (bytes + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK;
}

int image_source_measure(struct image_source *s, enum image_use use, uint64_t wanted, const struct image_job *job, struct image_size *ret,
			 struct error *e)
{
	struct image_size size;
	char text[32], want[32];
	int r;

	if (use == IMAGE_NODE && s->kind == SOURCE_FILE && s->sniffed.format == SNIFF_DISK)
		return error_set(e, EINVAL, "%s: a disk with partitions: a node's root is a file system (--use disk makes it a VM's disk)",
				 s->path);
	r = measure_content(s, job, e);
	if (r < 0)
		return s->kind == SOURCE_FILE ? error_wrap(e, "%s", s->path) : r;
	size = is_written_as_it_is(s) ? (struct image_size){.bytes = block_up(s->sniffed.bytes)} : image_size_for(&s->content);
	if (wanted && wanted < size.bytes)
		return error_set(e, EFBIG, "%s does not fit into %s: it takes %s", s->path, str_bytes(want, sizeof(want), wanted),
				 str_bytes(text, sizeof(text), size.bytes));
	if (wanted)
		size.bytes = block_up(wanted);
	*ret = size;
	return 0;
}
