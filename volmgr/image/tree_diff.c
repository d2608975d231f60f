/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree_diff.h"

#include "base/cleanup.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

struct comparing {
	int now, before;
	struct tree_differences *d;
};

static int add(struct tree_differences *d, const struct tree_difference *one, const char *path, struct error *e)
{
	struct tree_difference *more;

	if ((d->n & (d->n + 1)) == 0) { /* 0, 1, 3, 7: full */
		more = realloc(d->v, (2 * d->n + 1) * sizeof(*more));
		if (!more)
			return error_errno(e, ENOMEM, "differences");
		d->v = more;
	}
	d->v[d->n] = *one;
	d->v[d->n].path = strdup(path);
	if (!d->v[d->n].path)
		return error_errno(e, ENOMEM, "differences");
	d->n++;
	return 0;
}

void tree_differences_free(struct tree_differences *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].path);
	free(d->v);
	*d = (struct tree_differences){NULL, 0};
}

/* 0: RET is what is there; -ENOENT: nothing. */
static int look_up(int root, const char *path, struct stat *ret)
{
	cleanup_fd int fd = tree_open_plain(root, path, O_PATH | O_NOFOLLOW);

	return fd < 0 || fstat(fd, ret) < 0 ? -ENOENT : 0;
}

static bool same_bytes(const struct comparing *c, const char *path)
{
	cleanup_fd int a = tree_open_plain(c->now, path, O_RDONLY | O_NONBLOCK | O_NOATIME),
		       b = tree_open_plain(c->before, path, O_RDONLY | O_NONBLOCK);
	cleanup_free char *chunk = malloc(2 * CHUNK);
	ssize_t n, m;

	if (a < 0 || b < 0 || !chunk)
		return false;
	do {
		n = read(a, chunk, CHUNK);
		m = read(b, chunk + CHUNK, CHUNK);
	} while (n > 0 && n == m && memcmp(chunk, chunk + CHUNK, (size_t)n) == 0);
	return n == 0 && m == 0;
}

static ssize_t read_link(int root, const char *path, char ret[PATH_MAX])
{
	cleanup_fd int fd = tree_open_plain(root, path, O_PATH | O_NOFOLLOW);

	return fd < 0 ? -1 : readlinkat(fd, "", ret, PATH_MAX);
}

static bool same_target(const struct comparing *c, const char *path)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = read_link(c->now, path, a), m = read_link(c->before, path, b);

	return n >= 0 && n == m && memcmp(a, b, (size_t)n) == 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static unsigned compare(const struct comparing *c, const char *path, const struct stat *now, const struct stat *before)
{
	unsigned what = 0;

	if ((now->st_mode & S_IFMT) != (before->st_mode & S_IFMT))
		return DIFF_TYPE;
	if ((S_ISCHR(now->st_mode) || S_ISBLK(now->st_mode)) && now->st_rdev != before->st_rdev)
		return DIFF_TYPE;
	if (now->st_mode != before->st_mode)
		what |= DIFF_MODE;
	if (now->st_uid != before->st_uid || now->st_gid != before->st_gid)
		what |= DIFF_OWNER;
	if (S_ISREG(now->st_mode) &&
	    (now->st_size != before->st_size || (!same_time(&now->st_mtim, &before->st_mtim) && !same_bytes(c, path))))
		what |= DIFF_CONTENT;
	if (S_ISLNK(now->st_mode) && !same_target(c, path))
		what |= DIFF_TARGET;
	return what;
}

static uint64_t bytes_of(const struct stat *st)
{
	return S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
}

static int see_now(const char *path, const struct stat *st, void *data, struct error *e)
{
	const struct comparing *c = data;
	struct tree_difference d = {.change = TREE_ADDED, .bytes = bytes_of(st)};
	struct stat before;

	if (look_up(c->before, path, &before) == 0) {
		d.change = TREE_CHANGED;
		d.what = compare(c, path, st, &before);
		if (!d.what)
			return 0;
	}
	return add(c->d, &d, path, e);
}

static int see_before(const char *path, const struct stat *st, void *data, struct error *e)
{
	const struct comparing *c = data;
	const struct tree_difference d = {.change = TREE_REMOVED, .bytes = bytes_of(st)};
	struct stat now;

	return look_up(c->now, path, &now) == 0 ? 0 : add(c->d, &d, path, e);
}

static int by_path(const void *a, const void *b)
{
	const struct tree_difference *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int tree_diff(int now, int before, struct tree_differences *ret, struct error *e)
{
	struct tree_differences d CLEANUP(tree_differences_free) = {NULL, 0};
	struct comparing c = {now, before, &d};
	int r = tree_walk(now, see_now, &c, e);

	if (r == 0)
		r = tree_walk(before, see_before, &c, e);
	if (r < 0)
		return r;
	if (d.n)
		qsort(d.v, d.n, sizeof(*d.v), by_path);
	*ret = d;
	d = (struct tree_differences){NULL, 0};
	return 0;
}
