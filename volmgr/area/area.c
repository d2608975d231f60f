/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area_blocks.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WRITE_CHUNK (1024 * 1024) /* bytes of one write */

/* --- a file or block device ------------------------------------------------------------------------------------------- */

struct file_disk {
	int fd;
};

static int file_io_read(void *ctx, void *data, size_t len, uint64_t offset)
{
	return pread_full(((struct file_disk *)ctx)->fd, data, len, offset);
}

static int file_io_write(void *ctx, const void *data, size_t len, uint64_t offset)
{
	return pwrite_full(((struct file_disk *)ctx)->fd, data, len, offset);
}

static int file_io_flush(void *ctx)
{
	return fdatasync(((struct file_disk *)ctx)->fd) < 0 ? -errno : 0;
}

static void file_io_close(void *ctx)
{
	close(((struct file_disk *)ctx)->fd);
	free(ctx);
}

const struct area_io area_file_io = {file_io_read, file_io_write, file_io_flush, file_io_close};

void *area_file_new(int fd)
{
	struct file_disk *d = malloc(sizeof(*d));

	if (d)
		d->fd = fd;
	return d;
}

int area_file_open(const char *path, bool writable)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY, fd;

	fd = open(path, flags | O_DIRECT);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* --- blocks ------------------------------------------------------------------------------------------------------------- */

void *area_blocks(size_t len)
{
	void *p = aligned_alloc(LAYOUT_BLOCK, whole_blocks(len));

	if (p)
		memset(p, 0, whole_blocks(len));
	return p;
}

int area_read_at(struct state_area *a, void *data, size_t len, uint64_t offset, struct error *e)
{
	int r = a->io->read(a->ctx, data, len, offset);

	return r < 0 ? error_errno(e, r, "%s: reading at %llu", a->name, (unsigned long long)offset) : 0;
}

int area_read_block(struct state_area *a, uint64_t offset, unsigned char **ret, struct error *e)
{
	cleanup_free unsigned char *block = area_blocks(LAYOUT_BLOCK);
	int r = block ? area_read_at(a, block, LAYOUT_BLOCK, offset, e) : error_errno(e, ENOMEM, "%s", a->name);

	if (r == 0)
		*ret = steal_ptr(block);
	return r;
}

int area_write_at(struct state_area *a, const void *data, size_t len, uint64_t offset, struct error *e)
{
	if (!a->writable)
		return error_set(e, EROFS, "%s: opened for reading only", a->name);
	for (size_t done = 0; done < len;) {
		size_t n = len - done < WRITE_CHUNK ? len - done : WRITE_CHUNK;
		int r = a->io->write(a->ctx, (const char *)data + done, n, offset + done);

		if (r < 0)
			return error_errno(e, r, "%s: writing at %llu", a->name, (unsigned long long)(offset + done));
		done += n;
	}
	return 0;
}

int area_flush(struct state_area *a, struct error *e)
{
	int r = a->io->flush(a->ctx);

	return r < 0 ? error_errno(e, r, "%s: flushing", a->name) : 0;
}

/* --- open, format --------------------------------------------------------------------------------------------------------- */

static int read_super(struct state_area *a, struct error *e)
{
	static const uint64_t places[] = {0, LAYOUT_COPY};
	cleanup_free unsigned char *block = area_blocks(LAYOUT_BLOCK);
	int r = -EINVAL;

	if (!block)
		return error_errno(e, ENOMEM, "%s", a->name);
	for (size_t i = 0; i < ARRAY_SIZE(places) && r < 0; i++) {
		int got = area_read_at(a, block, LAYOUT_BLOCK, places[i], e);

		if (got == 0)
			got = superblock_decode(block, &a->super);
		if (got == 0 || got == -ENOTSUP || r == -EINVAL)
			r = got;
		if (r == -ENOTSUP)
			return error_set(e, ENOTSUP, "%s: the state area is of a newer layout: use a newer byre", a->name);
	}
	if (r == -EINVAL || r == -ENODATA)
		return error_set(e, EINVAL, "%s: no state area of byre", a->name);
	if (r == -EUCLEAN)
		return error_set(e, EUCLEAN, "%s: both superblocks of the state area are damaged", a->name);
	return r;
}

int area_open_io(const struct area_io *io, void *ctx, const char *name, bool writable, struct state_area **ret, struct error *e)
{
	struct state_area *a = calloc(1, sizeof(*a));
	int r;

	if (!a) {
		io->close(ctx);
		return error_errno(e, ENOMEM, "%s", name);
	}
	a->io = io;
	a->ctx = ctx;
	a->writable = writable;
	snprintf(a->name, sizeof(a->name), "%s", name);
	r = read_super(a, e);
	if (r < 0) {
		state_area_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

int state_area_open(const char *device, bool writable, struct state_area **ret, struct error *e)
{
	int fd = area_file_open(device, writable);
	void *ctx;

	if (fd < 0)
		return error_errno(e, fd, "%s", device);
	ctx = area_file_new(fd);
	if (!ctx) {
		close(fd);
		return error_errno(e, ENOMEM, "%s", device);
	}
	return area_open_io(&area_file_io, ctx, device, writable, ret, e);
}

void state_area_close(struct state_area *a)
{
	if (!a)
		return;
	a->io->close(a->ctx);
	free(a);
}

int area_had_document(const char *device, bool *ret, struct error *e)
{
	static const struct {
		uint64_t at, bytes;
	} places[] = {{LAYOUT_SLOTS, LAYOUT_BLOCK},
		      {LAYOUT_SLOTS + LAYOUT_SLOT_SIZE, LAYOUT_BLOCK},
		      {LAYOUT_HISTORY, LAYOUT_HISTORY_SLOTS * LAYOUT_BLOCK}};
	cleanup_free unsigned char *chunk = area_blocks(LAYOUT_MIB);
	cleanup_fd int fd = area_file_open(device, false);
	bool found = false;

	if (fd < 0 || !chunk)
		return error_errno(e, fd < 0 ? fd : -ENOMEM, "%s", device);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t n = places[i].bytes < LAYOUT_MIB ? places[i].bytes : LAYOUT_MIB;

		for (uint64_t at = 0; at < places[i].bytes; at += n) {
			int r = pread_full(fd, chunk, n, places[i].at + at);

			if (r < 0)
				return error_errno(e, r, "%s: reading at %llu", device, (unsigned long long)(places[i].at + at));
			for (size_t k = 0; k < n; k += LAYOUT_BLOCK)
				found |= layout_tells_of_document(chunk + k);
		}
	}
	*ret = found;
	return 0;
}

const struct superblock *area_superblock(const struct state_area *a)
{
	return &a->super;
}

/*
 * The slots' headers are emptied first, so that a crash leaves no superblock over a former area's documents. What bears the area's tag needs no
 * emptying; the intent is emptied, since rubbish there would read as set.
 */
int area_format_io(const struct area_io *io, void *ctx, const struct superblock *s, struct error *e)
{
	struct state_area a = {.io = io, .ctx = ctx, .writable = true, .name = "state area"};
	static const uint64_t emptied[] = {0, LAYOUT_COPY, LAYOUT_SLOTS, LAYOUT_SLOTS + LAYOUT_SLOT_SIZE, LAYOUT_INTENT};
	cleanup_free char *block = area_blocks(LAYOUT_BLOCK);
	int r = 0;

	if (!block)
		return error_errno(e, ENOMEM, "state area");
	for (size_t i = 0; i < ARRAY_SIZE(emptied) && r == 0; i++)
		r = area_write_at(&a, block, LAYOUT_BLOCK, emptied[i], e);
	if (r == 0)
		r = area_flush(&a, e);
	superblock_encode((unsigned char *)block, s);
	if (r == 0)
		r = area_write_at(&a, block, LAYOUT_BLOCK, LAYOUT_COPY, e);
	if (r == 0)
		r = area_write_at(&a, block, LAYOUT_BLOCK, 0, e);
	return r == 0 ? area_flush(&a, e) : r;
}
