/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes of a log of writes (Linux, drivers/md/dm-log-writes.c and Documentation/admin-guide/device-mapper/log-writes.rst) the disks that a power cut may
 * leave, for power.sh. That target logs a write when it has ended, but only with the flush that made it last: so between two flushes of the log stand just
 * those writes of which a disk with a cache may have lost any.
 *
 *	points LOG SUBSETS SEED	one line for each: its name, and "done" when the end mark is before it, i.e. all that went before was flushed
 *	make LOG BASE DISK POINT	makes DISK, a file, what BASE and the log up to POINT make; prints a checksum of what differs from BASE
 *	restore BASE DISK		makes DISK what BASE is
 *	same BASE DISK		reads lines "OFFSET LENGTH": there both must be the same
 *	show LOG		the entries
 *
 * Names of points, K being the number of an entry, from 1: "upto.K" all until then; "lost.K.S" of what is not flushed a subset by seed S (0: only the last, 1:
 * all but the first); "torn.K.S" all before K, and of K a part of its sectors (0: the first ones). REPLAY_SKIP="FROM TO" in the environment: bytes that are left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR    512
#define MAGIC     0x6a736677736872ull
#define F_FLUSH   1u
#define F_FUA     2u
#define F_DISCARD 4u
#define F_MARK    8u
#define CHUNK     (64 * 1024)

struct entry {
	uint64_t at, bytes; /* on the disk */
	uint64_t data;      /* in the log */
	unsigned flags;
};

struct log {
	int fd;
	struct entry *v; /* v[0] is none */
	size_t n, end;   /* END: the first mark (the target sets another when it goes); 0 = none */
};

struct point {
	char kind;
	size_t k;
	uint64_t seed;
};

static uint64_t skip_from, skip_to, quiet_from, quiet_to;

static void die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void read_at(int fd, void *data, size_t len, uint64_t at)
{
	if (pread(fd, data, len, (off_t)at) != (ssize_t)len)
		die("reading");
}

static void write_at(int fd, const void *data, size_t len, uint64_t at)
{
	if (pwrite(fd, data, len, (off_t)at) != (ssize_t)len)
		die("writing");
}

static uint64_t number(const unsigned char *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

/* splitmix64: one number of a sequence */
static uint64_t dice(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* --- the log ---------------------------------------------------------------------------------------------------------------- */

static void log_open(const char *path, struct log *ret)
{
	unsigned char head[SECTOR];
	uint64_t at = SECTOR;

	ret->fd = open(path, O_RDONLY);
	if (ret->fd < 0)
		die(path);
	read_at(ret->fd, head, sizeof(head), 0);
	if (number(head, 8) != MAGIC || number(head + 8, 8) != 1 || number(head + 24, 4) != SECTOR) {
		errno = EINVAL;
		die(path);
	}
	ret->n = number(head + 16, 8);
	ret->v = calloc(ret->n + 1, sizeof(*ret->v));
	if (!ret->v)
		die("the log");
	ret->end = 0;
	for (size_t i = 1; i <= ret->n; i++) {
		struct entry *e = &ret->v[i];

		read_at(ret->fd, head, sizeof(head), at);
		e->at = number(head, 8) * SECTOR;
		e->bytes = number(head + 8, 8) * SECTOR;
		e->flags = (unsigned)number(head + 16, 8);
		e->data = at + SECTOR;
		at += SECTOR;
		if (!(e->flags & (F_DISCARD | F_MARK)))
			at += e->bytes;
		if (e->flags & F_MARK && !ret->end)
			ret->end = i;
	}
}

/* Changes the disk outside of what is skipped. */
static bool counts(const struct entry *e)
{
	return e->bytes && !(e->flags & F_MARK) && !(e->at >= skip_from && e->at + e->bytes <= skip_to);
}

/* The last entry up to K behind which everything before it was flushed; 0 = none. */
static size_t last_flush(const struct log *l, size_t k)
{
	while (k && !(l->v[k].flags & F_FLUSH))
		k--;
	return k;
}

/* --- points ----------------------------------------------------------------------------------------------------------------- */

/* All that was written before the end mark is there at K. A flush may itself have written: that is not flushed. */
static bool is_done(const struct log *l, size_t k, bool partly)
{
	size_t last = l->end;

	if (!last)
		return false;
	if (partly)
		return last_flush(l, k) >= last || (k > last && last_flush(l, k) == last_flush(l, last));
	while (last && !counts(&l->v[last]))
		last--;
	return k >= last;
}

static void put(const struct log *l, const char *kind, size_t k, long seed)
{
	printf("%s.%zu", kind, k);
	if (seed >= 0)
		printf(".%ld", seed);
	printf("%s\n", is_done(l, k, seed >= 0) ? " done" : "");
}

/* The subsets of N writes that are no prefix of them are 2^N - N - 1. */
static void put_segment(const struct log *l, size_t last, unsigned n, unsigned subsets, long seed)
{
	unsigned all = n < 16 ? (1u << n) - n - 1 : subsets;

	for (unsigned i = 0; i < subsets && i < all; i++)
		put(l, "lost", last, i < 2 ? (long)i : seed + (long)i);
}

static int do_points(char **argv)
{
	unsigned subsets = (unsigned)strtoul(argv[1], NULL, 10), n = 0;
	long seed = strtol(argv[2], NULL, 10);
	size_t last = 0;
	struct log l;

	log_open(argv[0], &l);
	for (size_t i = 1; i <= l.n; i++) {
		const struct entry *e = &l.v[i];

		if (e->flags & F_FLUSH) {
			put_segment(&l, last, n, subsets, seed);
			n = 0;
		}
		if (!counts(e))
			continue;
		n += !(e->flags & F_FUA);
		last = i;
		if (e->at >= quiet_from && e->at + e->bytes <= quiet_to)
			continue;
		if (e->bytes > SECTOR && !(e->flags & F_DISCARD))
			put(&l, "torn", i, 0), put(&l, "torn", i, seed + 1);
		put(&l, "upto", i, -1);
	}
	put_segment(&l, last, n, subsets, seed);
	return 0;
}

static struct point parse_point(const char *text)
{
	struct point p = {.kind = text[0]};
	int n = sscanf(text + 4, ".%zu.%" SCNu64, &p.k, &p.seed);

	if (strlen(text) < 6 || !strchr("ult", p.kind) || n < 1 + (p.kind != 'u')) {
		errno = EINVAL;
		die(text);
	}
	return p;
}

/* --- disks ------------------------------------------------------------------------------------------------------------------ */

/* Zeros, as a hole. */
static void punch(int fd, uint64_t at, uint64_t bytes)
{
	if (bytes && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)bytes) < 0)
		die("punching");
}

/* The next piece of FD from AT on that may hold data: false when there is none. */
static bool next_data(int fd, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	off_t from = lseek(fd, (off_t)at, SEEK_DATA), to;

	if (from < 0 && errno == ENXIO)
		return false;
	to = from < 0 ? -1 : lseek(fd, from, SEEK_HOLE);
	if (to < 0)
		die("looking for data");
	*ret_from = (uint64_t)from;
	*ret_to = (uint64_t)to;
	return true;
}

/* Empties FD, where it is not skipped. */
static void clear(int fd)
{
	uint64_t from, to;

	for (uint64_t at = 0; next_data(fd, at, &from, &to); at = to) {
		if (from < skip_from)
			punch(fd, from, (to < skip_from ? to : skip_from) - from);
		if (to > skip_to)
			punch(fd, from > skip_to ? from : skip_to, to - (from > skip_to ? from : skip_to));
	}
}

/* LEN bytes to AT, but for those that are skipped. */
static void put_bytes(int fd, const char *data, size_t len, uint64_t at)
{
	if (at < skip_from)
		write_at(fd, data, at + len < skip_from ? len : skip_from - at, at);
	if (at + len > skip_to) {
		size_t off = at > skip_to ? 0 : skip_to - at;

		write_at(fd, data + off, len - off, at + off);
	}
}

static void restore(int base, int disk)
{
	static char chunk[CHUNK];
	uint64_t from, to;

	clear(disk);
	for (uint64_t at = 0; next_data(base, at, &from, &to); at = to)
		for (; from < to; from += sizeof(chunk)) {
			size_t n = to - from < sizeof(chunk) ? to - from : sizeof(chunk);

			read_at(base, chunk, n, from);
			put_bytes(disk, chunk, n, from);
		}
}

/* Sectors of E that MASK's sequence picks; SEED 0: the first ones; WHOLE: all. */
static void apply(const struct log *l, const struct entry *e, int disk, bool whole, uint64_t seed)
{
	uint64_t sectors = e->bytes / SECTOR, state = seed ^ e->at, head = 1 + dice(&state) % (sectors > 1 ? sectors - 1 : 1);
	char sector[SECTOR];

	if (!counts(e))
		return;
	if (e->flags & F_DISCARD) {
		punch(disk, e->at, e->bytes);
		return;
	}
	for (uint64_t i = 0; i < sectors; i++) {
		bool chosen = whole || (seed ? dice(&state) & 1 : i < head);

		if (!chosen)
			continue;
		read_at(l->fd, sector, SECTOR, e->data + i * SECTOR);
		put_bytes(disk, sector, SECTOR, e->at + i * SECTOR);
	}
}

/* Of the writes behind the last flush before P. */
static bool survives(const struct point *p, size_t i, size_t first, uint64_t *state)
{
	if (p->kind == 'u' || p->kind == 't')
		return true;
	if (p->seed < 2)
		return p->seed == 0 ? i == p->k : i != first;
	return dice(state) & 1;
}

static void replay(const struct log *l, const struct point *p, int disk)
{
	size_t flushed = last_flush(l, p->k), first = flushed;
	uint64_t state = p->seed ^ p->k << 20;

	do
		first++;
	while (first <= p->k && !counts(&l->v[first]));
	for (size_t i = 1; i <= p->k && i <= l->n; i++) {
		const struct entry *e = &l->v[i];
		bool last = i <= flushed && !(e->flags & F_FLUSH && i == flushed);

		if (p->kind == 't' && i == p->k)
			apply(l, e, disk, false, p->seed);
		else if (last || e->flags & F_FUA || !counts(e) || survives(p, i, first, &state))
			apply(l, e, disk, true, 0);
	}
}

/* --- comparing ---------------------------------------------------------------------------------------------------------------- */

/* FNV-1a of all places that differ, and of what is there. */
static uint64_t difference(int base, int disk, uint64_t size)
{
	static char a[CHUNK], b[CHUNK];
	uint64_t sum = 0xcbf29ce484222325ull, from, to, other, end;

	for (uint64_t at = 0; at < size; at = to) {
		bool in_base = next_data(base, at, &from, &to), in_disk = next_data(disk, at, &other, &end);

		if (!in_base && !in_disk)
			break;
		if (!in_base || (in_disk && other < from))
			from = other, to = end;
		from = from / CHUNK * CHUNK;
		to = from + CHUNK < size ? from + CHUNK : size;
		read_at(base, a, to - from, from);
		read_at(disk, b, to - from, from);
		if ((from >= skip_from && to <= skip_to) || memcmp(a, b, to - from) == 0)
			continue;
		for (size_t i = 0; i < to - from; i++) {
			bool skipped = from + i >= skip_from && from + i < skip_to;

			if (a[i] != b[i] && !skipped)
				sum = (sum ^ (from + i) ^ (uint64_t)(unsigned char)b[i] << 48) * 0x100000001b3ull;
		}
	}
	return sum;
}

static int open_both(char **argv, int *ret_base)
{
	int disk = open(argv[1], O_RDWR);

	*ret_base = open(argv[0], O_RDONLY);
	if (disk < 0 || *ret_base < 0)
		die(disk < 0 ? argv[1] : argv[0]);
	return disk;
}

static int do_make(char **argv)
{
	struct point p = parse_point(argv[3]);
	int base, disk = open_both(argv + 1, &base);
	struct log l;

	log_open(argv[0], &l);
	restore(base, disk);
	replay(&l, &p, disk);
	printf("%016" PRIx64 "\n", difference(base, disk, (uint64_t)lseek(disk, 0, SEEK_END)));
	return 0;
}

static int do_restore(char **argv)
{
	int base, disk = open_both(argv, &base);

	restore(base, disk);
	return 0;
}

static int do_same(char **argv)
{
	static char a[CHUNK], b[CHUNK];
	int base, disk = open_both(argv, &base);
	uint64_t at, bytes;

	while (scanf("%" SCNu64 " %" SCNu64, &at, &bytes) == 2)
		for (size_t n; bytes; at += n, bytes -= n) {
			n = bytes < CHUNK ? bytes : CHUNK;
			read_at(base, a, n, at);
			read_at(disk, b, n, at);
			if (memcmp(a, b, n) != 0) {
				printf("different at %" PRIu64 "\n", at);
				return 1;
			}
		}
	return 0;
}

static int do_show(char **argv)
{
	struct log l;

	log_open(argv[0], &l);
	for (size_t i = 1; i <= l.n; i++)
		printf("%zu %s%s%s%s%s %" PRIu64 " + %" PRIu64 "\n", i, l.v[i].flags & F_MARK ? "mark" : "",
		       l.v[i].flags & F_FLUSH ? "flush" : "", l.v[i].flags & F_DISCARD ? "discard" : "", l.v[i].flags & F_FUA ? "fua" : "",
		       counts(&l.v[i]) ? " counts" : "", l.v[i].at, l.v[i].bytes);
	return 0;
}

static void range(const char *name, uint64_t *ret_from, uint64_t *ret_to)
{
	const char *text = getenv(name);

	if (text && *text && sscanf(text, "%" SCNu64 " %" SCNu64, ret_from, ret_to) != 2) {
		errno = EINVAL;
		die(name);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int operands;
		int (*run)(char **argv);
	} verbs[] = {
		{"points", 3, do_points}, {"make", 4, do_make}, {"restore", 2, do_restore}, {"same", 2, do_same}, {"show", 1, do_show}};

	range("REPLAY_SKIP", &skip_from, &skip_to);
	range("REPLAY_QUIET", &quiet_from, &quiet_to);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].operands)
			return verbs[i].run(argv + 2);
	fprintf(stderr,
		"usage: replay points LOG SUBSETS SEED | make LOG BASE DISK POINT | restore BASE DISK | same BASE DISK | show LOG\n");
	return 2;
}
