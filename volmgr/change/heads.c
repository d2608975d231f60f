/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heads.h"

#include "area.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "wipe.h"

#include <errno.h>
#include <string.h>

/* The superblock of a thin pool's metadata, as Linux has it (drivers/md/dm-thin-metadata.c). */
#define POOL_MAGIC       27022010u
#define AT_POOL_MAGIC    32
#define AT_POOL_TRANS_ID 48
#define AT_POOL_BLOCKS   64 /* the space map of the data begins with their number */

uint64_t segment_offset(const struct cluster *c, const struct segment *s)
{
	return (c->pvs[s->pv].pe_start + (uint64_t)s->start * EXTENT_SECTORS) * 512;
}

static const struct segment *first_segment(const struct volume *v)
{
	return volume_is_thin(v) ? &v->metadata.v[0] : &v->data.v[0];
}

/* Opens each PV when it is first needed. */
static int pv_open(int *fds, const char *const *pvs, size_t pv, struct error *e)
{
	if (fds[pv] < 0)
		fds[pv] = area_file_open(pvs[pv], true);
	return fds[pv] < 0 ? error_errno(e, fds[pv], "%s", pvs[pv]) : 0;
}

static int write_head(const struct cluster *c, int *fds, const char *const *pvs, const struct volume *v, unsigned char *block,
		      struct error *e)
{
	const struct segment *s = first_segment(v);
	int r = pv_open(fds, pvs, s->pv, e);

	if (r < 0)
		return r;
	memset(block, 0, WIPE_BLOCK);
	if (!volume_is_thin(v))
		wipe_encode(block, v);
	r = pwrite_full(fds[s->pv], block, WIPE_BLOCK, segment_offset(c, s));
	return r < 0 ? error_errno(e, r, "%s: the head of volume %s", pvs[s->pv], v->name) : 0;
}

int heads_write(const struct cluster *c, const char *const *pvs, const struct volume *const *v, size_t n, struct error *e)
{
	cleanup_free unsigned char *block = aligned_alloc(WIPE_BLOCK, WIPE_BLOCK);
	cleanup_free int *fds = calloc(c->n_pvs + 1, sizeof(*fds));
	int r = block && fds ? 0 : error_errno(e, ENOMEM, "heads of volumes");

	for (size_t i = 0; fds && i < c->n_pvs; i++)
		fds[i] = -1;
	for (size_t i = 0; i < n && r == 0; i++)
		if (v[i]->kind != VOLUME_SHARED)
			r = write_head(c, fds, pvs, v[i], block, e);
	for (size_t i = 0; fds && i < c->n_pvs; i++) {
		if (fds[i] < 0)
			continue;
		if (r == 0 && fdatasync(fds[i]) < 0)
			r = error_errno(e, errno, "%s: heads of volumes", pvs[i]);
		close(fds[i]);
	}
	return r;
}

static uint64_t get(const unsigned char *p, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | p[bytes];
	return n;
}

static int read_head(const struct cluster *c, const char *const *pvs, const struct volume *v, unsigned char *block, struct error *e)
{
	const struct segment *s = first_segment(v);
	cleanup_fd int fd = area_file_open(pvs[s->pv], false);
	int r = !block ? -ENOMEM : fd < 0 ? fd : pread_full(fd, block, WIPE_BLOCK, segment_offset(c, s));

	return r < 0 ? error_errno(e, r, "%s: the head of volume %s", pvs[s->pv], v->name) : 0;
}

int head_has_thin(const struct cluster *c, const char *const *pvs, const struct volume *v, bool *ret, struct error *e)
{
	cleanup_free unsigned char *block = aligned_alloc(WIPE_BLOCK, WIPE_BLOCK);
	int r = read_head(c, pvs, v, block, e);

	if (r < 0)
		return r;
	if (get(block + AT_POOL_MAGIC, 8) == POOL_MAGIC)
		*ret = get(block + AT_POOL_TRANS_ID, 8) > v->thin;
	else
		*ret = block[0] || memcmp(block, block + 1, WIPE_BLOCK - 1) != 0;
	return 0;
}

int head_pool_bytes(const struct cluster *c, const char *const *pvs, const struct volume *v, uint64_t *ret, struct error *e)
{
	cleanup_free unsigned char *block = aligned_alloc(WIPE_BLOCK, WIPE_BLOCK);
	int r = read_head(c, pvs, v, block, e);

	if (r < 0)
		return r;
	*ret = get(block + AT_POOL_MAGIC, 8) == POOL_MAGIC ? get(block + AT_POOL_BLOCKS, 8) * THIN_BLOCK_SECTORS * 512 : 0;
	return 0;
}
