/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/image_make.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB     1048576ull
#define LARGEST (1ull << 50) /* bytes of all together, so that no sum overflows */

/* --- lines ------------------------------------------------------------------------------------------------------------------- */

/* The part of a line that is looked at next. */
struct rest {
	const char *at, *end;
};

static void spaces(struct rest *r)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
}

static struct rest word(struct rest *r)
{
	struct rest w;

	spaces(r);
	w.at = r->at;
	while (r->at < r->end && *r->at != ' ')
		r->at++;
	w.end = r->at;
	return w;
}

static bool is_mode(const struct rest *w)
{
	if (w->end - w->at < 10 || !*w->at || !strchr("-dlcbpsh", *w->at))
		return false;
	for (const char *p = w->at + 1; p < w->at + 10; p++)
		if (!*p || !strchr("-rwxsStT", *p))
			return false;
	return true;
}

static bool is_owners(const struct rest *w)
{
	const char *slash = memchr(w->at, '/', (size_t)(w->end - w->at));

	for (const char *p = w->at; p < w->end; p++)
		if (p != slash && !isdigit((unsigned char)*p))
			return false;
	return slash && slash > w->at && slash + 1 < w->end;
}

static bool number(const struct rest *w, uint64_t *ret)
{
	char text[24];

	if (w->at == w->end || (size_t)(w->end - w->at) >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(w->end - w->at), w->at);
	return str_to_u64(text, 0, LARGEST, ret) == 0;
}

/* "1,3" by tar, "1,  3" by unsquashfs. */
static bool device_numbers(struct rest *r)
{
	struct rest w = word(r);
	const char *comma = memchr(w.at, ',', (size_t)(w.end - w.at));

	if (comma && comma + 1 == w.end)
		w = word(r);
	return comma && w.at < w.end;
}

/* "-rw-r--r-- 0/0    259621 2026-11-16 10:17 boot/config": mode, owners, size (of a device: two numbers), date, time, name. */
int image_list_line(const char *line, size_t len, struct image_listed *ret, struct error *e)
{
	struct rest r = {line, line + len}, mode = word(&r), owners = word(&r), w;
	struct image_listed l = {.size = 0};

	if (!is_mode(&mode) || !is_owners(&owners))
		return error_set(e, EINVAL, "unexpected line '%.*s' in the archive's listing", (int)(len < 60 ? len : 60), line);
	l.type = *mode.at;
	if (l.type == 'c' || l.type == 'b') {
		if (!device_numbers(&r))
			return error_set(e, EINVAL, "no device in line '%.*s' of the archive's listing", (int)(len < 60 ? len : 60), line);
	} else {
		w = word(&r);
		if (!number(&w, &l.size))
			return error_set(e, EINVAL, "no size in line '%.*s' of the archive's listing", (int)(len < 60 ? len : 60), line);
	}
	word(&r);
	word(&r);
	if (r.at < r.end)
		r.at++;
	l.name = r.at;
	l.name_len = (size_t)(r.end - r.at);
	*ret = l;
	return 0;
}

static bool begins(const struct rest *r, const char *text)
{
	return (size_t)(r->end - r->at) >= strlen(text) && memcmp(r->at, text, strlen(text)) == 0;
}

/* tar itself is content with an archive that stops between two members. */
int image_list_tar_line(const char *line, size_t len, struct image_listed *ret, struct error *e)
{
	struct rest r = {line, line + len};
	int found;

	if (begins(&r, "block ")) {
		r.at += strlen("block ");
		word(&r);
		spaces(&r);
	}
	if (begins(&r, "** Block of NULs **"))
		return 0;
	if (begins(&r, "** End of File **"))
		return error_set(e, EINVAL, "the archive is cut short: its end is missing");
	found = image_list_line(r.at, (size_t)(r.end - r.at), ret, e);
	return found < 0 ? found : 1;
}

/* --- sums -------------------------------------------------------------------------------------------------------------------- */

static uint64_t in_blocks(uint64_t bytes)
{
	return (bytes + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK;
}

void image_content_add(struct image_content *c, const struct image_listed *l)
{
	if (l->type == 'h')
		return;
	c->inodes++;
	if (l->type == 'd')
		c->bytes += IMAGE_BLOCK;
	if (l->type == '-' || (l->type == 'l' && l->size >= 60)) /* a shorter link lives in its inode */
		c->bytes += in_blocks(l->size);
	if (c->bytes > LARGEST)
		c->bytes = LARGEST;
}

int image_content_of_listing(const char *text, size_t len, struct image_content *ret, struct error *e)
{
	struct image_content c = {0, 0};
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;
		struct image_listed l;

		if (stop > text) {
			struct error why = ERROR_INIT;

			/* unsquashfs writes a name as it is: what is no line is the rest of a name with a newline. */
			if (image_list_line(text, (size_t)(stop - text), &l, &why) == 0)
				image_content_add(&c, &l);
			else if (c.inodes == 0)
				return error_set(e, why.code, "%s", why.text);
		}
		text = stop + 1;
	}
	if (c.inodes == 0)
		return error_set(e, EINVAL, "the archive is empty");
	*ret = c;
	return 0;
}

/*
 * Every node holds the same inode density after its file system has grown, so it is that of a large file system (one inode
 * for 16 KiB) unless the content needs more.
 */
struct image_size image_size_for(const struct image_content *c)
{
	struct image_size s = {.journal_mib = c->bytes < 256 * MIB ? 16 : 32};
	uint64_t bytes = c->bytes + c->bytes / 20 + (32 + s.journal_mib) * MIB;

	s.inodes = bytes / 16384;
	if (s.inodes < c->inodes + c->inodes / 4)
		s.inodes = c->inodes + c->inodes / 4;
	bytes += s.inodes * 256;
	s.bytes = (bytes + EXTENT_BYTES - 1) / EXTENT_BYTES * EXTENT_BYTES;
	return s;
}
