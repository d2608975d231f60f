/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int pread_full(int fd, void *data, size_t len, uint64_t offset)
{
	char *p = data;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int pwrite_full(int fd, const void *data, size_t len, uint64_t offset)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int write_full(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Reads to the end of file or to MAX + 1 bytes, whichever comes first. */
static int read_to_end(int fd, size_t max, char **ret_data, size_t *ret_len)
{
	size_t size = 4096, len = 0;
	cleanup_free char *data = malloc(size);

	for (;;) {
		ssize_t n;

		if (!data)
			return -ENOMEM;
		n = read(fd, data + len, size - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (n == 0)
			break;
		if (size - len < 2) {
			char *more = realloc(data, size *= 2);

			if (!more)
				return -ENOMEM;
			data = more;
		}
	}
	data[len] = '\0';
	*ret_data = steal_ptr(data);
	*ret_len = len;
	return 0;
}

int file_read(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct error *e)
{
	cleanup_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	int r;

	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	r = read_to_end(fd, max, ret_data, &len);
	if (r == -EFBIG)
		return error_set(e, EFBIG, "%s: larger than %zu bytes", path, max);
	if (r < 0)
		return error_errno(e, r, "reading %s", path);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int file_read_text(const char *path, char *ret, size_t size, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = file_read(AT_FDCWD, path, 4096, &text, &len, e);

	ret[0] = '\0';
	if (r < 0)
		return r;
	r = str_copy(ret, size, str_trim(text));
	explicit_bzero(text, len);
	return r < 0 ? error_set(e, r, "%s: longer than %zu bytes", path, size - 1) : 0;
}

/* Opens the folder that holds PATH; *RET_NAME points to PATH's last component. */
static int open_parent(int dirfd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = NULL;

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!parent)
		return -1;
	return openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int write_new(int dir, const char *tmp, mode_t mode, const void *data, size_t len)
{
	cleanup_fd int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_full(fd, data, len);
	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int file_write(int dirfd, const char *path, mode_t mode, const void *data, size_t len, struct error *e)
{
	const char *name;
	cleanup_fd int dir = open_parent(dirfd, path, &name);
	char tmp[300];
	int r;

	if (dir < 0)
		return error_errno(e, errno, "folder of %s", path);
	if ((size_t)snprintf(tmp, sizeof(tmp), ".%s.%d", name, (int)getpid()) >= sizeof(tmp))
		return error_errno(e, ENAMETOOLONG, "%s", path);
	unlinkat(dir, tmp, 0);
	r = write_new(dir, tmp, mode, data, len);
	if (r == 0 && renameat(dir, tmp, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir, tmp, 0);
		return error_errno(e, r, "writing %s", path);
	}
	fsync(dir);
	return 0;
}

int file_update(int dirfd, const char *path, mode_t mode, const void *data, size_t len, struct error *e)
{
	cleanup_free char *old = NULL;
	size_t old_len = 0;
	struct stat st;
	int r;

	if (file_read(dirfd, path, len, &old, &old_len, NULL) == 0 && old_len == len && memcmp(old, data, len) == 0 &&
	    fstatat(dirfd, path, &st, 0) == 0 && (st.st_mode & 07777) == mode)
		return 0;
	r = file_write(dirfd, path, mode, data, len, e);
	return r < 0 ? r : 1;
}

int dir_make(int dirfd, const char *path, mode_t mode, struct error *e)
{
	cleanup_free char *copy = strdup(path);

	if (!copy)
		return error_errno(e, ENOMEM, "%s", path);
	for (char *p = copy + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
			return error_errno(e, errno, "making folder %s", copy);
		if (!c)
			return 0;
		*p = c;
	}
}
