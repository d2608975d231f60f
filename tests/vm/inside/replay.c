/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes of a log of writes (writelog.h) the disks that a power cut may leave, for power.sh.
 *
 *	points LOG SUBSETS SEED		one line for each: its name, and "done" when a mark is before it
 *	make LOG POINT BASE DISK...	makes each DISK, a file, what its BASE and the log up to POINT make; prints a checksum of what differs from BASE
 *	restore BASE DISK		makes DISK what BASE is
 *	same BASE DISK			reads lines "OFFSET LENGTH": there both must be the same
 *	show LOG			the entries
 *
 * Names of points, K being the number of an entry, from 1: "upto.K" all until then; "torn.K.S" all before K, and of K a part of its sectors (0: the first ones);
 * "lost.K.S" all until then that the disks had promised to keep, by a flush or because the write was a forced one, and of the rest a subset by seed S (0: none, 1: only
 * the last, 2: all but the first). In the environment: REPLAY_SKIP="FROM TO", bytes of the first disk that are left alone; REPLAY_QUIET="FROM TO [FROM TO]...", bytes of
 * each disk: a cut behind a write there is no point of its own.
 */
#include "writelog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR    512
#define CHUNK     (64 * 1024)
#define DISKS_MAX 4

struct entry {
	uint64_t at, bytes; /* on the disk */
	uint64_t data;      /* in the log */
	unsigned flags, disk;
};

struct log {
	int fd;
	struct entry *v; /* v[0] is none */
	size_t n, mark;  /* MARK: the first one; 0 = none */
};

struct point {
	char kind;
	size_t k;
	uint64_t seed;
};

struct range {
	uint64_t from, to;
};

static struct range skip[DISKS_MAX], quiet[DISKS_MAX];

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

/* splitmix64: one number of a sequence */
static uint64_t dice(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* --- the log ---------------------------------------------------------------------------------------------------------------- */

static bool log_next(struct log *l, uint64_t *at)
{
	struct log_entry e;

	read_at(l->fd, &e, sizeof(e), *at);
	if (e.magic != LOG_MAGIC || e.disk >= DISKS_MAX) {
		errno = EINVAL;
		die("the log");
	}
	if (e.flags & LOG_END)
		return false;
	if (l->n % 1024 == 0)
		l->v = realloc(l->v, (l->n + 1025) * sizeof(*l->v));
	if (!l->v)
		die("the log");
	*at += sizeof(e);
	l->v[++l->n] = (struct entry){e.at, e.bytes, *at, e.flags, e.disk};
	if (!(e.flags & (LOG_FLUSH | LOG_DISCARD | LOG_MARK)))
		*at += e.bytes;
	if (e.flags & LOG_MARK && !l->mark)
		l->mark = l->n;
	return true;
}

static void log_open(const char *path, struct log *ret)
{
	uint64_t at = 0;

	*ret = (struct log){.fd = open(path, O_RDONLY)};
	if (ret->fd < 0)
		die(path);
	while (log_next(ret, &at))
		;
}

static bool within(const struct entry *e, const struct range *r)
{
	return e->at >= r->from && e->at + e->bytes <= r->to;
}

/* Changes a disk outside of what is skipped. */
static bool counts(const struct entry *e)
{
	return e->bytes && !within(e, &skip[e->disk]);
}

/* The last flush of each disk up to K; 0 = none. */
static void last_flushes(const struct log *l, size_t k, size_t ret[DISKS_MAX])
{
	memset(ret, 0, DISKS_MAX * sizeof(*ret));
	for (size_t i = 1; i <= k && i <= l->n; i++)
		if (l->v[i].flags & LOG_FLUSH)
			ret[l->v[i].disk] = i;
}

/* Promised to be kept, as far as these flushes go. */
static bool is_kept(const struct log *l, size_t i, const size_t flushes[DISKS_MAX])
{
	return l->v[i].flags & LOG_FUA || i < flushes[l->v[i].disk];
}

/* --- points ----------------------------------------------------------------------------------------------------------------- */

static void put(const struct log *l, const char *kind, size_t k, long seed)
{
	printf("%s.%zu", kind, k);
	if (seed >= 0)
		printf(".%ld", seed);
	printf("%s\n", l->mark && k >= l->mark ? " done" : "");
}

/* What may be lost at K: of N writes that nobody has promised to keep there are 2^N - 1 subsets that are not all. */
static void put_lost(const struct log *l, size_t k, unsigned subsets, long seed)
{
	size_t flushes[DISKS_MAX];
	unsigned n = 0, all;

	last_flushes(l, k, flushes);
	for (size_t i = 1; i <= k; i++)
		n += counts(&l->v[i]) && !is_kept(l, i, flushes);
	all = n < 16 ? (1u << n) - 1 : subsets;
	for (unsigned i = 0; i < subsets && i < all; i++)
		put(l, "lost", k, i < 3 ? (long)i : seed + (long)i);
}

static int do_points(char **argv, int n)
{
	unsigned subsets = (unsigned)strtoul(argv[1], NULL, 10);
	long seed = strtol(argv[2], NULL, 10);
	struct log l;

	(void)n;
	log_open(argv[0], &l);
	for (size_t i = 1; i <= l.n; i++) {
		const struct entry *e = &l.v[i];

		if (e->flags & LOG_FLUSH && !(l.v[i - 1].flags & LOG_MARK))
			put_lost(&l, i - 1, subsets, seed);
		if (e->flags & LOG_MARK)
			put_lost(&l, i, subsets, seed), put(&l, "upto", i, -1);
		if (!counts(e) || within(e, &quiet[e->disk]))
			continue;
		if (e->bytes > SECTOR && !(e->flags & LOG_DISCARD))
			put(&l, "torn", i, 0), put(&l, "torn", i, seed + 1);
		put(&l, "upto", i, -1);
	}
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
static void clear(int fd, const struct range *skipped)
{
	uint64_t from, to;

	for (uint64_t at = 0; next_data(fd, at, &from, &to); at = to) {
		if (from < skipped->from)
			punch(fd, from, (to < skipped->from ? to : skipped->from) - from);
		if (to > skipped->to)
			punch(fd, from > skipped->to ? from : skipped->to, to - (from > skipped->to ? from : skipped->to));
	}
}

/* LEN bytes to AT, but for those that are skipped. */
static void put_bytes(int fd, const char *data, size_t len, uint64_t at, const struct range *skipped)
{
	if (at < skipped->from)
		write_at(fd, data, at + len < skipped->from ? len : skipped->from - at, at);
	if (at + len > skipped->to) {
		size_t off = at > skipped->to ? 0 : skipped->to - at;

		write_at(fd, data + off, len - off, at + off);
	}
}

static void restore(int base, int disk, const struct range *skipped)
{
	static char chunk[CHUNK];
	uint64_t from, to;

	clear(disk, skipped);
	for (uint64_t at = 0; next_data(base, at, &from, &to); at = to)
		for (; from < to; from += sizeof(chunk)) {
			size_t n = to - from < sizeof(chunk) ? to - from : sizeof(chunk);

			read_at(base, chunk, n, from);
			put_bytes(disk, chunk, n, from, skipped);
		}
}

static void apply(const struct log *l, const struct entry *e, int disk)
{
	static char chunk[CHUNK];

	if (e->flags & LOG_DISCARD) {
		punch(disk, e->at, e->bytes);
		return;
	}
	for (uint64_t done = 0, n; done < e->bytes; done += n) {
		n = e->bytes - done < CHUNK ? e->bytes - done : CHUNK;
		read_at(l->fd, chunk, n, e->data + done);
		put_bytes(disk, chunk, n, e->at + done, &skip[e->disk]);
	}
}

/* Sectors of the write E that SEED picks; 0: the first ones. */
static void apply_torn(const struct log *l, const struct entry *e, int disk, uint64_t seed)
{
	uint64_t sectors = e->bytes / SECTOR, state = seed ^ e->at, head = 1 + dice(&state) % (sectors > 1 ? sectors - 1 : 1);
	char sector[SECTOR];

	for (uint64_t i = 0; i < sectors; i++) {
		if (seed ? !(dice(&state) & 1) : i >= head)
			continue;
		read_at(l->fd, sector, SECTOR, e->data + i * SECTOR);
		put_bytes(disk, sector, SECTOR, e->at + i * SECTOR, &skip[e->disk]);
	}
}

/* Of the writes that nobody has promised to keep: I, of which FIRST and LAST are the first and the last one. */
static bool survives(const struct point *p, size_t i, size_t first, size_t last, uint64_t *state)
{
	if (p->kind != 'l')
		return true;
	switch (p->seed) {
	case 0:
		return false;
	case 1:
		return i == last;
	case 2:
		return i != first;
	default:
		return dice(state) & 1;
	}
}

static void check_point(const struct log *l, const struct point *p, int n_disks)
{
	bool is_good = p->k >= 1 && p->k <= l->n;

	for (size_t i = 1; i <= l->n && is_good; i++)
		is_good = l->v[i].disk < (unsigned)n_disks;
	if (!is_good) {
		errno = EINVAL;
		die("the point");
	}
}

static void replay(const struct log *l, const struct point *p, const int *disks)
{
	size_t flushes[DISKS_MAX], first = 0, last = 0;
	uint64_t state = p->seed ^ p->k << 20;

	last_flushes(l, p->k, flushes);
	for (size_t i = 1; i <= p->k; i++)
		if (counts(&l->v[i]) && !is_kept(l, i, flushes)) {
			first = first ? first : i;
			last = i;
		}
	for (size_t i = 1; i <= p->k; i++) {
		const struct entry *e = &l->v[i];

		if (!counts(e))
			continue;
		if (p->kind == 't' && i == p->k)
			apply_torn(l, e, disks[e->disk], p->seed);
		else if (is_kept(l, i, flushes) || survives(p, i, first, last, &state))
			apply(l, e, disks[e->disk]);
	}
}

/* --- comparing ---------------------------------------------------------------------------------------------------------------- */

/* FNV-1a of all places that differ, and of what is there. */
static uint64_t difference(uint64_t sum, int base, int disk, const struct range *skipped)
{
	static char a[CHUNK], b[CHUNK];
	uint64_t size = (uint64_t)lseek(disk, 0, SEEK_END), from, to, other, end;

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
		if ((from >= skipped->from && to <= skipped->to) || memcmp(a, b, to - from) == 0)
			continue;
		for (size_t i = 0; i < to - from; i++) {
			bool is_skipped = from + i >= skipped->from && from + i < skipped->to;

			if (a[i] != b[i] && !is_skipped)
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

static int do_make(char **argv, int n)
{
	struct point p = parse_point(argv[1]);
	uint64_t sum = 0xcbf29ce484222325ull;
	int bases[DISKS_MAX], disks[DISKS_MAX], count = (n - 2) / 2;
	struct log l;

	log_open(argv[0], &l);
	for (int i = 0; i < count; i++) {
		disks[i] = open_both(argv + 2 + 2 * i, &bases[i]);
		restore(bases[i], disks[i], &skip[i]);
	}
	check_point(&l, &p, count);
	replay(&l, &p, disks);
	for (int i = 0; i < count; i++)
		sum = difference(sum, bases[i], disks[i], &skip[i]);
	printf("%016" PRIx64 "\n", sum);
	return 0;
}

static int do_restore(char **argv, int n)
{
	int base, disk = open_both(argv, &base);

	(void)n;
	restore(base, disk, &skip[0]);
	return 0;
}

static int do_same(char **argv, int operands)
{
	static char a[CHUNK], b[CHUNK];
	int base, disk = open_both(argv, &base);
	uint64_t at, bytes;

	(void)operands;
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

static int do_show(char **argv, int n)
{
	struct log l;

	(void)n;
	log_open(argv[0], &l);
	for (size_t i = 1; i <= l.n; i++) {
		const struct entry *e = &l.v[i];
		const char *kind = e->flags & LOG_MARK      ? "mark"
				   : e->flags & LOG_FLUSH   ? "flush"
				   : e->flags & LOG_DISCARD ? "discard"
							    : "write";

		printf("%zu disk %u %s%s%s %" PRIu64 " + %" PRIu64 "\n", i, e->disk, kind, e->flags & LOG_FUA ? " fua" : "",
		       counts(e) ? " counts" : "", e->at, e->bytes);
	}
	return 0;
}

/* "FROM TO [FROM TO]..." of the environment: one for each disk. */
static void ranges(const char *name, struct range ret[DISKS_MAX])
{
	const char *text = getenv(name);
	int used = 0;

	for (int i = 0; text && *text && i < DISKS_MAX; i++, text += used)
		if (sscanf(text, "%" SCNu64 " %" SCNu64 " %n", &ret[i].from, &ret[i].to, &used) != 2) {
			errno = EINVAL;
			die(name);
		}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int least, most; /* operands */
		int (*run)(char **argv, int n);
	} verbs[] = {{"points", 3, 3, do_points},
		     {"make", 4, 2 + 2 * DISKS_MAX, do_make},
		     {"restore", 2, 2, do_restore},
		     {"same", 2, 2, do_same},
		     {"show", 1, 1, do_show}};
	int n = argc - 2;

	ranges("REPLAY_SKIP", skip);
	ranges("REPLAY_QUIET", quiet);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && n >= verbs[i].least && n <= verbs[i].most && n % 2 == verbs[i].least % 2)
			return verbs[i].run(argv + 2, n);
	fprintf(stderr,
		"usage: replay points LOG SUBSETS SEED | make LOG POINT BASE DISK [BASE DISK]... | restore BASE DISK | same BASE DISK | "
		"show LOG\n");
	return 2;
}
