/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One way to a disk, as sysfs tells. */
#include "disk.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/san.h"
#include "iscsi_session.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void disk_attribute(const char *root, const char *path, const char *attribute, char *ret, size_t size)
{
	cleanup_free char *text = NULL;
	char file[320];

	ret[0] = '\0';
	snprintf(file, sizeof(file), "%s/sys/block/%s/%s", root, str_base(path), attribute);
	if (file_read(AT_FDCWD, file, 4096, &text, NULL, NULL) == 0)
		snprintf(ret, size, "%s", str_trim(text));
}

void disk_partition_path(const char *root, const char *disk, unsigned number, char ret[64])
{
	const char *name = str_base(disk);
	char file[320], value[16];
	cleanup_dir DIR *dir = NULL;
	struct dirent *d;

	ret[0] = '\0';
	snprintf(file, sizeof(file), "%s/sys/block/%s", root, name);
	dir = opendir(file);
	while (dir && (d = readdir(dir))) {
		unsigned got;

		if (!str_starts(d->d_name, name) || strlen(d->d_name) >= 40)
			continue;
		snprintf(file, sizeof(file), "%.40s/partition", d->d_name);
		disk_attribute(root, disk, file, value, sizeof(value));
		if (str_to_uint(value, 1, 1024, &got) == 0 && got == number) {
			snprintf(ret, 64, "/dev/%.40s", d->d_name);
			return;
		}
	}
}

/* The number behind PREFIX in a part of path TEXT: "/session" in "/devices/platform/host2/session1/target2:0:0/…". */
static bool number_in_path(const char *text, const char *prefix, unsigned *ret)
{
	const char *at = strstr(text, prefix);

	return at && sscanf(at + strlen(prefix), "%u/", ret) == 1;
}

static void read_session(const char *root, struct disk_path *p)
{
	char value[64];

	iscsi_session_text(root, p->session, "targetname", p->target, sizeof(p->target));
	iscsi_session_text(root, p->session, "ifacename", value, sizeof(value));
	p->control = strcmp(value, SAN_CONTROL_IFACE) == 0;
	iscsi_session_text(root, p->session, "state", value, sizeof(value));
	p->up = p->up && (!value[0] || strcmp(value, "LOGGED_IN") == 0);
	iscsi_session_text(root, p->session, "recovery_tmo", value, sizeof(value));
	str_to_uint(value, 0, UINT32_MAX, &p->recovery);
	iscsi_session_portal(root, p->session, p->portal, sizeof(p->portal));
}

void disk_path_read(const char *root, const char *path, struct disk_path *ret)
{
	struct disk_path p = {.bytes = 0};
	cleanup_free char *real = NULL;
	char file[320], value[32];
	const char *address;
	uint64_t sectors;

	str_copy(p.path, sizeof(p.path), path);
	disk_attribute(root, path, "size", value, sizeof(value));
	if (str_to_u64(value, 0, UINT64_MAX / 512, &sectors) == 0)
		p.bytes = sectors * 512;
	disk_attribute(root, path, "device/wwid", p.wwid, sizeof(p.wwid));
	disk_attribute(root, path, "device/state", p.state, sizeof(p.state));
	p.up = !p.state[0] || strcmp(p.state, "running") == 0;
	snprintf(file, sizeof(file), "%s/sys/block/%s", root, str_base(path));
	real = realpath(file, NULL);
	/* …/host2/session1/target2:0:0/2:0:0:1/block/sda */
	address = real ? strstr(real, "/target") : NULL;
	if (address && number_in_path(real, "/session", &p.session) && sscanf(address, "/target%*[0-9:]/%*u:%*u:%*u:%u/", &p.lun) == 1)
		read_session(root, &p);
	*ret = p;
}

/* A name with a vendor's registered number in it, and not with zeros in that place. */
static bool is_registered(const char *wwid)
{
	if (str_starts(wwid, "eui."))
		return !str_starts(wwid, "eui.000000");
	return str_starts(wwid, "naa.") && wwid[4] && !str_starts(wwid + 5, "000000");
}

bool disk_path_same(const struct disk_path *a, const struct disk_path *b)
{
	if (!a->wwid[0] || strcmp(a->wwid, b->wwid) != 0 || a->bytes != b->bytes)
		return false;
	if (is_registered(a->wwid))
		return true;
	return a->target[0] && strcmp(a->target, b->target) == 0 && a->lun == b->lun;
}

int disk_path_compare(const void *x, const void *y)
{
	const struct disk_path *a = x, *b = y;
	size_t la = strlen(a->path), lb = strlen(b->path);

	if (a->control != b->control)
		return a->control - b->control;
	if (a->up != b->up)
		return b->up - a->up;
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a->path, b->path);
}
