/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tar archives: listed, measured, unpacked by tar(1). It unpacks with the new file system as its root: whatever links an archive holds, and a layer beneath
 * has left, they lead to places in the image. Its own program and libraries it finds in a read-only view of our /usr.
 */
#include "image_source.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "image_oci.h"
#include "pipeline.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOOLS  ".byre-unpack"
#define LIBS   "/" TOOLS "/lib/x86_64-linux-gnu"
#define LOADER LIBS "/ld-linux-x86-64.so.2" /* of x86-64, psABI */

/* --- progress: how far the file was read ---------------------------------------------------------------------------------------- */

struct reading {
	const struct image_job *job;
	const char *what;
	int fd;
	uint64_t before, total; /* bytes */
};

static int tick(void *data, struct error *e)
{
	const struct reading *r = data;
	off_t at = r->fd >= 0 ? lseek(r->fd, 0, SEEK_CUR) : 0;

	return job_at(r->job, r->what, r->before + (uint64_t)(at > 0 ? at : 0), r->total, e);
}

static uint64_t all_bytes(const struct image_source *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_parts; i++)
		n += s->parts[i].bytes;
	return n;
}

static uint64_t bytes_before(const struct image_source *s, const struct source_part *part)
{
	uint64_t n = 0;

	for (const struct source_part *p = s->parts; p < part; p++)
		n += p->bytes;
	return n;
}

/* PART through LAST, unpacked on the way. */
static int run_part(const struct image_source *s, const struct source_part *part, const struct pipeline_stage *last, const char *what,
		    const struct image_job *job, int *ret_output, struct error *e)
{
	const char *unpack[] = {sniff_packing_name(part->packing), "-dc", NULL};
	struct reading reading = {job, what, part->fd, bytes_before(s, part), all_bytes(s)};
	struct pipeline p = {.input = part->fd, .tick = tick, .data = &reading};
	int r;

	if (part->packing != SNIFF_PLAIN)
		p.stages[p.n++] = (struct pipeline_stage){.argv = unpack};
	p.stages[p.n++] = *last;
	if (lseek(part->fd, 0, SEEK_SET) < 0)
		return error_errno(e, errno, "%s", s->path);
	r = pipeline_run(&p, ret_output, e);
	if (r == 0)
		r = job_at(job, what, reading.before + part->bytes, reading.total, e);
	return r;
}

/* --- listings ------------------------------------------------------------------------------------------------------------------- */

struct listing {
	char *text; /* mapped */
	size_t len;
};

static void listing_free(struct listing *l)
{
	if (l->text)
		munmap(l->text, l->len);
}

static int list_part(const struct image_source *s, const struct source_part *part, const struct image_job *job, struct listing *ret,
		     struct error *e)
{
	const char *argv[] = {"tar", "-tvRf", "-", "--numeric-owner", "--quoting-style=escape", "--warning=no-unknown-keyword", NULL};
	const struct pipeline_stage last = {.argv = argv};
	cleanup_fd int out = -1;
	int r = run_part(s, part, &last, "reading", job, &out, e);
	off_t len;

	if (r < 0)
		return r;
	len = lseek(out, 0, SEEK_END);
	if (len <= 0)
		return error_set(e, EPROTO, "tar lists nothing");
	ret->text = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, out, 0);
	if (ret->text == MAP_FAILED) {
		ret->text = NULL;
		return error_errno(e, errno, "the archive's listing");
	}
	ret->len = (size_t)len;
	return 0;
}

typedef int listed_fn(const struct image_listed *l, void *data, struct error *e);

static int each_listed(const struct listing *l, listed_fn *fn, void *data, struct error *e)
{
	const char *at = l->text, *end = at + l->len;
	int r = 0;

	while (at < end && r == 0) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		struct image_listed listed;

		r = image_list_tar_line(at, (size_t)(stop - at), &listed, e);
		if (r == 0)
			break;
		r = r < 0 ? r : fn(&listed, data, e);
		at = stop + 1;
	}
	return r;
}

static int add_content(const struct image_listed *l, void *data, struct error *e)
{
	(void)e;
	image_content_add(data, l);
	return 0;
}

int tar_measure(struct image_source *s, const struct source_part *part, const struct image_job *job, struct error *e)
{
	struct listing l CLEANUP(listing_free) = {NULL, 0};
	int r = list_part(s, part, job, &l, e);

	return r < 0 ? r : each_listed(&l, add_content, &s->content, e);
}

/* --- layers ------------------------------------------------------------------------------------------------------------------------ */

/* What tar has escaped, as it was: \n \t \\ and the like, and \ooo. */
static void unescape(const char *from, size_t len, char *to)
{
	static const char letters[] = "abfnrtv\\", meant[] = "\a\b\f\n\r\t\v\\";

	for (size_t i = 0; i < len; i++) {
		const char *letter;

		if (from[i] != '\\' || i + 1 == len) {
			*to++ = from[i];
			continue;
		}
		letter = strchr(letters, from[i + 1]);
		if (letter && *letter) {
			*to++ = meant[letter - letters];
			i++;
		} else if (i + 3 < len) {
			*to++ = (char)((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 | (from[i + 3] - '0'));
			i += 3;
		}
	}
	*to = '\0';
}

/*
 * Before a layer is unpacked: what it says has gone goes, and so does a folder where it has something else. A link that it puts in the place of a folder is
 * told from its target by " -> ".
 */
static int make_way(const struct image_listed *l, void *data, struct error *e)
{
	const int *root = data;
	cleanup_free char *name = malloc(l->name_len + 1), *gone = malloc(l->name_len + 1);
	const char *arrow = l->type == 'l' ? " -> " : l->type == 'h' ? " link to " : NULL;
	bool opaque;
	size_t len = l->name_len;

	if (!name || !gone)
		return error_errno(e, ENOMEM, "layer");
	if (l->type == 'd')
		return 0;
	if (arrow) {
		const char *at = memmem(l->name, l->name_len, arrow, strlen(arrow));

		len = at ? (size_t)(at - l->name) : len;
	}
	unescape(l->name, len, name);
	if (oci_whiteout(name, gone, &opaque))
		return tree_remove(*root, gone, opaque, e);
	return tree_is_folder(*root, name) ? tree_remove(*root, name, false, e) : 0;
}

static int prepare_layer(const struct image_source *s, const struct source_part *part, const char *root, const struct image_job *job,
			 struct error *e)
{
	struct listing l CLEANUP(listing_free) = {NULL, 0};
	cleanup_fd int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? error_errno(e, errno, "%s", root) : list_part(s, part, job, &l, e);

	return r < 0 ? r : each_listed(&l, make_way, &fd, e);
}

/* --- unpacking --------------------------------------------------------------------------------------------------------------------- */

/* Our /usr below ROOT, read-only, while tar runs there. */
static int lend_tools(const char *root, bool lend, struct error *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" TOOLS, root);
	if (!lend) {
		if (umount2(path, UMOUNT_NOFOLLOW) < 0 || rmdir(path) < 0)
			return error_errno(e, errno, "%s", path);
		return 0;
	}
	if (mkdir(path, 0700) < 0 || mount("/usr", path, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL) < 0)
		return error_errno(e, errno, "%s", path);
	return 0;
}

#define TAR_IN_ROOT                                                                                                                        \
	LOADER, "--argv0", "tar", "--library-path", LIBS, "/" TOOLS "/bin/tar", "-xpPf", "-", "--numeric-owner", "--same-owner",           \
		"--xattrs", "--xattrs-include=*", "--acls", "--warning=no-timestamp", "--warning=no-unknown-keyword"

static int unpack_part(const struct image_source *s, const struct source_part *part, const char *root, const struct image_job *job,
		       struct error *e)
{
	static const char *const whole[] = {TAR_IN_ROOT, NULL}, *const layer[] = {TAR_IN_ROOT, "--exclude=.wh.*", NULL};
	const struct pipeline_stage last = {.argv = s->kind == SOURCE_OCI ? layer : whole, .root = root, .name = "tar"};

	return run_part(s, part, &last, "unpacking", job, NULL, e);
}

int tar_unpack(const struct image_source *s, const char *root, const struct image_job *job, struct error *e)
{
	int r = 0, back;

	for (size_t i = 0; i < s->n_parts && r == 0; i++) {
		if (i > 0)
			r = prepare_layer(s, &s->parts[i], root, job, e);
		if (r == 0)
			r = lend_tools(root, true, e);
		if (r < 0)
			break;
		r = unpack_part(s, &s->parts[i], root, job, e);
		back = lend_tools(root, false, r == 0 ? e : NULL);
		if (r == 0)
			r = back;
	}
	return r;
}

int tar_copy_tree(const struct image_source *s, const char *root, const struct image_job *job, struct error *e)
{
	const char *pack[] = {"tar",
			      "-cf",
			      "-",
			      "--format=posix",
			      "-C",
			      s->path,
			      "--null",
			      "--no-recursion",
			      "-T",
			      "-",
			      "--numeric-owner",
			      "--xattrs",
			      "--xattrs-include=*",
			      "--acls",
			      "--sparse",
			      NULL};
	static const char *const unpack[] = {TAR_IN_ROOT, NULL};
	struct reading reading = {job, "copying", s->names, 0, (uint64_t)lseek(s->names, 0, SEEK_END)};
	const struct pipeline p = {.stages = {{.argv = pack}, {.argv = unpack, .root = root, .name = "tar"}},
				   .n = 2,
				   .input = s->names,
				   .tick = tick,
				   .data = &reading};
	int r = lend_tools(root, true, e), back;

	if (r < 0)
		return r;
	lseek(s->names, 0, SEEK_SET);
	r = pipeline_run(&p, NULL, e);
	back = lend_tools(root, false, r == 0 ? e : NULL);
	return r < 0 ? r : back;
}
