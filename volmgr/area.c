/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area.h"

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READ_TRIES  8             /* of a reader that writers keep overtaking */
#define WRITE_CHUNK (1024 * 1024) /* bytes of one write */

struct state_area {
	const struct area_io *io;
	void *ctx;
	bool writable;
	char name[128];
	struct superblock super;
};

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

static size_t whole_blocks(size_t len)
{
	return (len + LAYOUT_BLOCK - 1) / LAYOUT_BLOCK * LAYOUT_BLOCK;
}

/* LEN bytes of zeros, rounded up to blocks and aligned. */
static void *alloc_blocks(size_t len)
{
	void *p = aligned_alloc(LAYOUT_BLOCK, whole_blocks(len));

	if (p)
		memset(p, 0, whole_blocks(len));
	return p;
}

static int read_at(struct state_area *a, void *data, size_t len, uint64_t offset, struct error *e)
{
	int r = a->io->read(a->ctx, data, len, offset);

	return r < 0 ? error_errno(e, r, "%s: reading at %llu", a->name, (unsigned long long)offset) : 0;
}

static int write_at(struct state_area *a, const char *data, size_t len, uint64_t offset, struct error *e)
{
	if (!a->writable)
		return error_set(e, EROFS, "%s: opened for reading only", a->name);
	for (size_t done = 0; done < len;) {
		size_t n = len - done < WRITE_CHUNK ? len - done : WRITE_CHUNK;
		int r = a->io->write(a->ctx, data + done, n, offset + done);

		if (r < 0)
			return error_errno(e, r, "%s: writing at %llu", a->name, (unsigned long long)(offset + done));
		done += n;
	}
	return 0;
}

static int flush(struct state_area *a, struct error *e)
{
	int r = a->io->flush(a->ctx);

	return r < 0 ? error_errno(e, r, "%s: flushing", a->name) : 0;
}

/* --- open, format --------------------------------------------------------------------------------------------------------- */

static int read_super(struct state_area *a, struct error *e)
{
	static const uint64_t places[] = {0, LAYOUT_COPY};
	cleanup_free unsigned char *block = alloc_blocks(LAYOUT_BLOCK);
	int r = -EINVAL;

	if (!block)
		return error_errno(e, ENOMEM, "%s", a->name);
	for (size_t i = 0; i < ARRAY_SIZE(places) && r < 0; i++) {
		int got = read_at(a, block, LAYOUT_BLOCK, places[i], e);

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

const struct superblock *area_superblock(const struct state_area *a)
{
	return &a->super;
}

/*
 * The slots' headers are emptied first, so that a crash leaves no superblock over a former area's documents. Status slots need no emptying:
 * they name the area that they belong to.
 */
int area_format_io(const struct area_io *io, void *ctx, const struct superblock *s, struct error *e)
{
	struct state_area a = {.io = io, .ctx = ctx, .writable = true, .name = "state area"};
	static const uint64_t emptied[] = {0, LAYOUT_COPY, LAYOUT_SLOTS, LAYOUT_SLOTS + LAYOUT_SLOT_SIZE};
	cleanup_free char *block = alloc_blocks(LAYOUT_BLOCK);
	int r = 0;

	if (!block)
		return error_errno(e, ENOMEM, "state area");
	for (size_t i = 0; i < ARRAY_SIZE(emptied) && r == 0; i++)
		r = write_at(&a, block, LAYOUT_BLOCK, emptied[i], e);
	if (r == 0)
		r = flush(&a, e);
	superblock_encode((unsigned char *)block, s);
	if (r == 0)
		r = write_at(&a, block, LAYOUT_BLOCK, LAYOUT_COPY, e);
	if (r == 0)
		r = write_at(&a, block, LAYOUT_BLOCK, 0, e);
	return r == 0 ? flush(&a, e) : r;
}

/* --- documents: read -------------------------------------------------------------------------------------------------------- */

struct heads {
	enum slot_state state[2];
	struct slot_header h[2];
};

static int read_heads(struct state_area *a, struct heads *ret, struct error *e)
{
	cleanup_free unsigned char *block = alloc_blocks(LAYOUT_BLOCK);

	if (!block)
		return error_errno(e, ENOMEM, "%s", a->name);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < 2; i++) {
		int r = read_at(a, block, LAYOUT_BLOCK, slot_offset(i), e);

		if (r < 0)
			return r;
		ret->state[i] = slot_decode(block, i, &ret->h[i]);
	}
	return 0;
}

static bool same_header(const struct slot_header *a, const struct slot_header *b)
{
	return a->generation == b->generation && a->length == b->length && a->crc == b->crc;
}

static bool same_heads(const struct heads *a, const struct heads *b)
{
	for (unsigned i = 0; i < 2; i++)
		if (a->state[i] != b->state[i] || (a->state[i] == SLOT_WHOLE && !same_header(&a->h[i], &b->h[i])))
			return false;
	return true;
}

/* -EUCLEAN: the text is not the one that the header tells of. */
static int read_text(struct state_area *a, unsigned slot, const struct slot_header *h, char **ret, struct error *e)
{
	cleanup_free char *text = alloc_blocks(h->length + 1);
	int r;

	if (!text)
		return error_errno(e, ENOMEM, "%s", a->name);
	r = read_at(a, text, whole_blocks(h->length), slot_offset(slot) + LAYOUT_BLOCK, e);
	if (r < 0)
		return r;
	if (crc32c(0, text, h->length) != h->crc)
		return error_set(e, EUCLEAN, "its text does not match its checksum");
	text[h->length] = '\0';
	*ret = steal_ptr(text);
	return 0;
}

/* Judges a text that is whole: 0 to take it. */
typedef int accept_fn(const char *text, size_t len, void *data, struct error *e);

struct reading {
	struct heads heads;
	unsigned order[2], n; /* candidates */
	unsigned taken;       /* slot */
	char why[256];        /* the newest was refused */
	struct error broken;  /* code 0, or why a text could not be read: that tells nothing of what is there */
	char *text;
};

/* The newest candidate that is whole and accepted. -EUCLEAN when none is. */
static int try_slots(struct state_area *a, struct reading *rd, accept_fn *accept, void *data, struct error *e)
{
	int r = -EUCLEAN;

	rd->why[0] = '\0';
	error_clear(&rd->broken);
	for (unsigned i = 0; i < rd->n; i++) {
		unsigned slot = rd->order[i];
		const struct slot_header *h = &rd->heads.h[slot];

		r = read_text(a, slot, h, &rd->text, e);
		if (r < 0 && r != -EUCLEAN)
			rd->broken = *e;
		if (r == 0 && accept) {
			r = accept(rd->text, h->length, data, e);
			if (r == -ENOMEM)
				rd->broken = *e;
			if (r < 0) {
				free(rd->text);
				rd->text = NULL;
			}
		}
		if (r == 0) {
			rd->taken = slot;
			return 0;
		}
		if (i == 0)
			snprintf(rd->why, sizeof(rd->why), "%.250s", e->text);
	}
	return r;
}

static void report(const struct reading *rd, struct state_report *ret)
{
	unsigned slot = rd->taken, other = 1 - slot;
	unsigned long long g = rd->heads.h[slot].generation;

	ret->generation = g;
	ret->slot = slot;
	ret->warning[0] = '\0';
	if (slot != rd->order[0])
		snprintf(ret->warning, sizeof(ret->warning),
			 "generation %llu in slot %u is unusable (%.120s): the older generation %llu is used",
			 (unsigned long long)rd->heads.h[other].generation, other, rd->why, g);
	else if (rd->heads.state[other] == SLOT_DAMAGED || rd->heads.state[other] == SLOT_NEWER)
		snprintf(ret->warning, sizeof(ret->warning), "the header of slot %u is %s: generation %llu in slot %u is used", other,
			 slot_state_name(rd->heads.state[other]), g, slot);
}

static int none_whole(struct state_area *a, const struct reading *rd, struct error *e)
{
	if (rd->heads.state[0] == SLOT_EMPTY && rd->heads.state[1] == SLOT_EMPTY)
		return error_set(e, ENODATA, "%s: no document was published yet", a->name);
	if (rd->heads.state[0] == SLOT_NEWER || rd->heads.state[1] == SLOT_NEWER)
		return error_set(e, ENOTSUP, "%s: the document is of a newer layout: use a newer byre", a->name);
	return error_set(e, EUCLEAN, "%s: no slot holds a whole document (slot 0 %s, slot 1 %s%s%s)", a->name,
			 rd->heads.state[0] == SLOT_WHOLE ? "torn" : slot_state_name(rd->heads.state[0]),
			 rd->heads.state[1] == SLOT_WHOLE ? "torn" : slot_state_name(rd->heads.state[1]), rd->why[0] ? ": " : "", rd->why);
}

/*
 * A writer may overwrite the slot that is being read. Then its header has moved on: read again. Only what stands still is damaged.
 */
static int read_newest(struct state_area *a, struct reading *rd, accept_fn *accept, void *data, struct error *e)
{
	struct error local = ERROR_INIT;
	struct heads now;
	int r;

	e = e ? e : &local;
	memset(rd, 0, sizeof(*rd));
	r = read_heads(a, &now, e);
	if (r < 0)
		return r;
	for (int i = 0; i < READ_TRIES; i++) {
		free(rd->text);
		rd->text = NULL;
		rd->heads = now;
		rd->n = slots_in_order(now.state, now.h, rd->order);
		r = try_slots(a, rd, accept, data, e);
		if (r == 0 && rd->taken == rd->order[0])
			return 0;
		if (read_heads(a, &now, &rd->broken) < 0 || same_heads(&now, &rd->heads))
			break;
	}
	if (rd->text)
		return 0;
	if (rd->broken.code == 0)
		return none_whole(a, rd, e);
	*e = rd->broken;
	return -e->code;
}

int state_area_read(struct state_area *a, char **ret_text, size_t *ret_len, struct state_report *rep, struct error *e)
{
	struct reading rd;
	int r = read_newest(a, &rd, NULL, NULL, e);

	if (r < 0)
		return r;
	if (rep)
		report(&rd, rep);
	if (ret_len)
		*ret_len = rd.heads.h[rd.taken].length;
	*ret_text = rd.text;
	return 0;
}

static int parse(const char *text, size_t len, void *data, struct error *e)
{
	cluster_free(data);
	cluster_init(data);
	return document_parse(text, len, data, e);
}

int state_area_load(struct state_area *a, struct cluster *ret, struct state_report *rep, struct error *e)
{
	struct reading rd;
	int r = read_newest(a, &rd, parse, ret, e);

	if (r < 0)
		return r;
	if (rep)
		report(&rd, rep);
	free(rd.text);
	return 0;
}

int state_area_generation(struct state_area *a, uint64_t *ret, struct error *e)
{
	struct heads now;
	unsigned order[2], n;
	int r = read_heads(a, &now, e);

	if (r < 0)
		return r;
	n = slots_in_order(now.state, now.h, order);
	*ret = n ? now.h[order[0]].generation : 0;
	return 0;
}

int area_inspect(struct state_area *a, struct slot_view ret[2], struct error *e)
{
	struct heads now;
	int r = read_heads(a, &now, e);

	for (unsigned i = 0; i < 2 && r == 0; i++) {
		cleanup_free char *text = NULL;

		ret[i].state = now.state[i];
		ret[i].header = now.h[i];
		ret[i].has_header = now.state[i] == SLOT_WHOLE;
		if (!ret[i].has_header)
			continue;
		r = read_text(a, i, &now.h[i], &text, e);
		if (r == -EUCLEAN) {
			ret[i].state = SLOT_DAMAGED;
			r = 0;
		}
	}
	return r;
}

/* --- documents: write --------------------------------------------------------------------------------------------------------- */

int area_next_generation(struct state_area *a, uint64_t *ret, struct error *e)
{
	struct slot_view view[2];
	enum slot_state state[2];
	struct slot_header h[2];
	int r = area_inspect(a, view, e), keep = -1;

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 2; i++) {
		if (view[i].state == SLOT_NEWER)
			return error_set(e, ENOTSUP, "%s: slot %u is of a newer layout: use a newer byre", a->name, i);
		state[i] = view[i].has_header ? SLOT_WHOLE : view[i].state;
		h[i] = view[i].header;
		if (view[i].state == SLOT_WHOLE && (keep < 0 || h[i].generation > h[keep].generation))
			keep = (int)i;
	}
	r = slots_next(state, h, keep, ret);
	return r < 0 ? error_errno(e, r, "%s: generations", a->name) : 0;
}

static int read_back(struct state_area *a, unsigned slot, const struct slot_header *h, struct error *e)
{
	cleanup_free char *text = NULL;
	struct heads now;
	int r = read_heads(a, &now, e);

	if (r == 0 && (now.state[slot] != SLOT_WHOLE || !same_header(&now.h[slot], h)))
		r = error_set(e, EIO, "its header reads back differently");
	if (r == 0)
		r = read_text(a, slot, h, &text, e);
	if (r < 0) {
		error_wrap(e, "%s: the document was written to slot %u, but cannot be relied on", a->name, slot);
		return -EIO;
	}
	return 0;
}

int area_write_document(struct state_area *a, uint64_t generation, const char *text, size_t len, struct error *e)
{
	struct slot_header h;
	unsigned slot = slot_of(generation);
	cleanup_free char *copy = NULL;
	cleanup_free unsigned char *head = alloc_blocks(LAYOUT_BLOCK);
	int r;

	if (len == 0 || len > DOCUMENT_MAX)
		return error_set(e, EFBIG, "%s: a document of %zu bytes; at most %u fit", a->name, len, DOCUMENT_MAX);
	copy = alloc_blocks(len);
	if (!copy || !head)
		return error_errno(e, ENOMEM, "%s", a->name);
	memcpy(copy, text, len);
	h.generation = generation;
	h.length = len;
	h.crc = crc32c(0, text, len);
	slot_encode(head, &h);
	r = write_at(a, copy, whole_blocks(len), slot_offset(slot) + LAYOUT_BLOCK, e);
	if (r == 0)
		r = flush(a, e);
	if (r == 0)
		r = write_at(a, (char *)head, LAYOUT_BLOCK, slot_offset(slot), e);
	if (r == 0)
		r = flush(a, e);
	return r == 0 ? read_back(a, slot, &h, e) : r;
}

/* --- status slots ---------------------------------------------------------------------------------------------------------------- */

/* What a status slot bears to show that it was written into this area, not into one that was here before. */
static uint32_t area_tag(const struct state_area *a)
{
	return crc32c(0, a->super.id, strlen(a->super.id));
}

static int check_node(struct state_area *a, unsigned node, struct error *e)
{
	if (node < 1 || node >= LAYOUT_STATUS_SLOTS)
		return error_set(e, EINVAL, "%s: there is no status slot %u", a->name, node);
	return 0;
}

int state_status_write(struct state_area *a, unsigned node, const char *text, size_t len, struct error *e)
{
	cleanup_free char *blocks = alloc_blocks(LAYOUT_STATUS_SIZE);
	struct status_header h = {area_tag(a), node, (uint32_t)len, crc32c(0, text, len)};
	int r = check_node(a, node, e);

	if (r < 0)
		return r;
	if (len == 0 || len > LAYOUT_STATUS_MAX)
		return error_set(e, EFBIG, "%s: a status of %zu bytes; at most %llu fit", a->name, len, LAYOUT_STATUS_MAX);
	if (!blocks)
		return error_errno(e, ENOMEM, "%s", a->name);
	status_encode((unsigned char *)blocks, &h);
	memcpy(blocks + LAYOUT_BLOCK, text, len);
	return write_at(a, blocks, LAYOUT_BLOCK + whole_blocks(len), status_offset(node), e);
}

int state_status_read(struct state_area *a, unsigned node, char **ret_text, size_t *ret_len, struct error *e)
{
	cleanup_free char *blocks = alloc_blocks(LAYOUT_STATUS_SIZE + 1);
	struct status_header h;
	int r = check_node(a, node, e);

	if (r < 0)
		return r;
	if (!blocks)
		return error_errno(e, ENOMEM, "%s", a->name);
	r = read_at(a, blocks, LAYOUT_STATUS_SIZE, status_offset(node), e);
	if (r < 0)
		return r;
	if (status_decode((unsigned char *)blocks, area_tag(a), node, &h) != SLOT_WHOLE ||
	    crc32c(0, blocks + LAYOUT_BLOCK, h.length) != h.crc)
		return error_set(e, ENODATA, "%s: node %u has written no whole status", a->name, node);
	memmove(blocks, blocks + LAYOUT_BLOCK, h.length);
	blocks[h.length] = '\0';
	*ret_text = steal_ptr(blocks);
	if (ret_len)
		*ret_len = h.length;
	return 0;
}
