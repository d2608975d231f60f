/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int run_write(const char *name, mode_t mode, const char *text, struct error *e)
{
	char path[128];
	int r = dir_make(AT_FDCWD, "/run/byre", 0755, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/run/byre/%s", name);
	return file_write(AT_FDCWD, path, mode, text, strlen(text), e);
}

/* Removes what lies below FD on the file system DEV. */
static void empty_folder(int fd, dev_t dev)
{
	cleanup_dir DIR *d = fdopendir(fd);
	struct stat st;

	if (!d)
		return;
	for (struct dirent *i; (i = readdir(d));) {
		if (strcmp(i->d_name, ".") == 0 || strcmp(i->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(d), i->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
			continue;
		if (S_ISDIR(st.st_mode)) {
			int sub = openat(dirfd(d), i->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (sub >= 0)
				empty_folder(sub, dev);
		}
		unlinkat(dirfd(d), i->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
	}
}

/* An init's link may be absolute: it counts from the new root. */
static bool root_has(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	cleanup_fd int root = open(NEW_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd >= 0;
}

static int move_mounts(struct error *e)
{
	static const char *const moved[] = {"/dev", "/proc", "/sys", "/run"};
	char target[32];

	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		snprintf(target, sizeof(target), NEW_ROOT "%s", moved[i]);
		if (mount(moved[i], target, NULL, MS_MOVE, NULL) < 0)
			return error_errno(e, errno, "moving %s into the root", moved[i]);
	}
	return 0;
}

int handover(const char *init, char **argv, struct error *e)
{
	int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (!root_has(init))
		return error_set(e, ENOENT, "the root has no %s: its image is not whole, or init= is wrong", init);
	if (old < 0 || fstat(old, &st) < 0)
		return error_errno(e, errno, "/");
	r = move_mounts(e);
	if (r < 0)
		return r;
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return error_errno(e, errno, "switching to the root");
	empty_folder(old, st.st_dev);
	argv[0] = (char *)(uintptr_t)init;
	execv(init, argv);
	return error_errno(e, errno, "running %s", init);
}
