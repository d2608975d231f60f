/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvm_text.h"

#include <stdio.h>

#define UUID_CHARS 32

/* splitmix64 */
static uint64_t next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* LVM's form: groups of 6-4-4-4-4-4-6 letters and digits. */
static void put_uuid(struct buf *b, uint64_t *seed)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (unsigned i = 0; i < UUID_CHARS; i++)
		buf_printf(b, "%s%c", i >= 6 && i <= 26 && i % 4 == 2 ? "-" : "", letters[next(seed) % (sizeof(letters) - 1)]);
}

static void put_pv(struct buf *b, const struct pv *pv, size_t i)
{
	buf_printf(b,
		   "pv%zu {\nid = \"%s\"\ndevice = \"/dev/disk/by-partuuid/%s\"\nstatus = [\"ALLOCATABLE\"]\nflags = []\npe_start = "
		   "%llu\npe_count = "
		   "%u\n}\n",
		   i, pv->uuid, pv->partuuid, (unsigned long long)pv->pe_start, pv->extents);
}

static void put_lv(struct buf *b, const char *name, const struct segments *s, uint64_t *seed)
{
	uint64_t at = 0;

	buf_printf(b, "%s {\nid = \"", name);
	put_uuid(b, seed);
	buf_printf(b, "\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\nflags = []\nsegment_count = %zu\n", s->n);
	for (size_t i = 0; i < s->n; i++) {
		buf_printf(
			b,
			"segment%zu {\nstart_extent = %llu\nextent_count = %u\ntype = \"striped\"\nstripe_count = 1\nstripes = [\"pv%u\", "
			"%u]\n}\n",
			i + 1, (unsigned long long)at, s->v[i].count, s->v[i].pv, s->v[i].start);
		at += s->v[i].count;
	}
	buf_puts(b, "}\n");
}

char *image_lv_name(char dst[LVM_NAME_SIZE], const struct image *i)
{
	snprintf(dst, LVM_NAME_SIZE, "image.%.60s.%u", i->name, i->version);
	return dst;
}

void lvm_text(const struct cluster *c, uint64_t seed, struct buf *ret)
{
	const char *name = c->settings.container_name;
	char lv[LVM_NAME_SIZE];

	buf_printf(ret, "contents = \"Text Format Volume Group\"\nversion = 1\n%s {\nid = \"", name);
	put_uuid(ret, &seed);
	buf_printf(ret,
		   "\"\nseqno = 1\nformat = \"lvm2\"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = [\"NOAUTOACTIVATE\"]\n"
		   "system_id = \"byre-%s\"\nextent_size = %u\nmax_lv = 0\nmax_pv = 0\nmetadata_copies = 0\nphysical_volumes {\n",
		   name, EXTENT_SECTORS);
	for (size_t i = 0; i < c->n_pvs; i++)
		put_pv(ret, &c->pvs[i], i);
	buf_puts(ret, "}\nlogical_volumes {\n");
	for (size_t i = 0; i < c->n_slabs; i++)
		if (c->slabs[i].segments.n)
			put_lv(ret, c->slabs[i].lv, &c->slabs[i].segments, &seed);
	for (size_t i = 0; i < c->n_images; i++)
		if (c->images[i].segments.n)
			put_lv(ret, image_lv_name(lv, &c->images[i]), &c->images[i].segments, &seed);
	buf_puts(ret, "}\n}\n");
}
