/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/san.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static bool file_says(const char *dir, const char *name, const char *value)
{
	char path[PATH_MAX];
	cleanup_free char *text = NULL;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_read(AT_FDCWD, path, 4096, &text, NULL, NULL) == 0 && strcmp(str_trim(text), value) == 0;
}

/* PATH is …/target2:0:0/2:0:0:1/block/sda. */
static bool fill_lun(const char *path, struct lun *ret)
{
	const char *name = strrchr(path, '/'), *block = name ? memrchr(path, '/', (size_t)(name - path)) : NULL;
	const char *address = block ? memrchr(path, '/', (size_t)(block - path)) : NULL;
	char size_path[PATH_MAX];
	cleanup_free char *text = NULL;
	uint64_t sectors;

	if (!address || sscanf(address, "/%*u:%*u:%*u:%u/", &ret->number) != 1)
		return false;
	if (snprintf(ret->device, sizeof(ret->device), "/dev/%s", name + 1) >= (int)sizeof(ret->device))
		return false;
	snprintf(size_path, sizeof(size_path), "%s/size", path);
	if (file_read(AT_FDCWD, size_path, 64, &text, NULL, NULL) < 0 || str_to_u64(str_trim(text), 0, UINT64_MAX / 512, &sectors) < 0)
		return false;
	ret->bytes = sectors * 512;
	return ret->bytes > 0;
}

static bool is_known(const struct lun *v, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].number == number)
			return true;
	return false;
}

/* The disks of one session, behind N found before. A LUN that another session shows, too, is there once. */
static size_t session_luns(const char *session, struct lun *ret, size_t n, size_t max)
{
	char pattern[PATH_MAX];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/device/target*/*:*:*:*/block/*", session);
	if (glob(pattern, 0, NULL, &g) != 0)
		return n;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct lun l;

		if (!fill_lun(g.gl_pathv[i], &l) || is_known(ret, n < max ? n : max, l.number))
			continue;
		if (n < max)
			ret[n] = l;
		n++;
	}
	globfree(&g);
	return n;
}

size_t sysfs_luns(const char *sysfs, const char *target, struct lun *ret, size_t max)
{
	char pattern[PATH_MAX];
	size_t n = 0;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/class/iscsi_session/session*", sysfs);
	if (glob(pattern, 0, NULL, &g) != 0)
		return 0;
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (file_says(g.gl_pathv[i], "targetname", target) && !file_says(g.gl_pathv[i], "ifacename", SAN_CONTROL_IFACE))
			n = session_luns(g.gl_pathv[i], ret, n, max);
	globfree(&g);
	return n;
}

bool sysfs_has_session(const char *sysfs, const char *target)
{
	char pattern[PATH_MAX];
	bool found = false;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/class/iscsi_session/session*", sysfs);
	if (glob(pattern, 0, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc && !found; i++)
		found = file_says(g.gl_pathv[i], "targetname", target) && !file_says(g.gl_pathv[i], "ifacename", SAN_CONTROL_IFACE);
	globfree(&g);
	return found;
}
