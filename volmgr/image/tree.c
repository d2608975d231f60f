/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static int open_how(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int tree_open(int root, const char *path, int flags)
{
	return open_how(root, path, flags, RESOLVE_IN_ROOT);
}

int tree_open_plain(int root, const char *path, int flags)
{
	return open_how(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* --- walking ----------------------------------------------------------------------------------------------------------------------- */

struct walk {
	tree_fn *fn;
	void *data;
	dev_t device;
	char path[PATH_MAX];
};

static int walk_folder(struct walk *w, int fd, size_t len, struct error *e);

static int walk_entry(struct walk *w, int dir, const char *name, size_t len, struct error *e)
{
	size_t n = len + (len > 0) + strlen(name);
	struct stat st;
	int fd, r;

	if (n >= sizeof(w->path))
		return error_set(e, ENAMETOOLONG, "%s: too deep", w->path);
	snprintf(w->path + len, sizeof(w->path) - len, "%s%s", len ? "/" : "", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "%s", w->path);
	r = w->fn(w->path, &st, w->data, e);
	if (r != 0 || !S_ISDIR(st.st_mode) || st.st_dev != w->device)
		return r == TREE_PASS ? 0 : r;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "%s", w->path);
	return walk_folder(w, fd, n, e);
}

/* Closes FD. */
static int walk_folder(struct walk *w, int fd, size_t len, struct error *e)
{
	cleanup_dir DIR *d = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!d) {
		r = error_errno(e, errno, "%s", w->path);
		close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = walk_entry(w, dirfd(d), entry->d_name, len, e);
		w->path[len] = '\0';
	}
	return r == 0 && errno ? error_errno(e, errno, "%s", w->path) : r;
}

int tree_walk(int root, tree_fn *fn, void *data, struct error *e)
{
	struct walk w = {.fn = fn, .data = data};
	struct stat st;
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(e, errno, "the tree's root");
	w.device = st.st_dev;
	return walk_folder(&w, fd, 0, e);
}

/* --- removing ---------------------------------------------------------------------------------------------------------------------- */

/* PATH's folder, opened as in tree_open, and its last part; -ENOENT also for one that has none. */
static int open_parent(int root, const char *path, const char **ret_name)
{
	char folder[PATH_MAX];
	const char *slash;

	if (strlen(path) >= sizeof(folder))
		return -ENAMETOOLONG;
	slash = strrchr(path, '/');
	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name || strcmp(*ret_name, "..") == 0)
		return -ENOENT;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 0, path);
	return tree_open(root, folder[0] ? folder : ".", O_PATH | O_DIRECTORY);
}

bool tree_is_folder(int root, const char *path)
{
	const char *name;
	struct stat st;
	cleanup_fd int dir = open_parent(root, path, &name);

	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int empty_folder(int fd);

static int remove_name(int dir, const char *name)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (empty_folder(fd) < 0 || unlinkat(dir, name, AT_REMOVEDIR) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

/* Closes FD. */
static int empty_folder(int fd)
{
	cleanup_dir DIR *d = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = remove_name(dirfd(d), entry->d_name);
	return r;
}

int tree_remove(int root, const char *path, bool in_it, struct error *e)
{
	const char *name;
	cleanup_fd int dir = open_parent(root, path, &name);
	int r = dir < 0 ? dir : 0;

	if (r == 0 && in_it) {
		int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		r = fd < 0 ? -errno : empty_folder(fd);
	} else if (r == 0 && strcmp(name, ".") != 0)
		r = remove_name(dir, name);
	return r == 0 || r == -ENOENT || r == -ENOTDIR ? 0 : error_errno(e, r, "%s", path);
}
