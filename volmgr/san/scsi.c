/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scsi.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define TRIES     32 /* of a command that is told of the past; each telling is taken away by it */
#define SENSE_MAX 96

/* Of linux/sg.h, which glibc's scsi/sg.h lacks. */
#ifndef SG_SCSI_RESET_NO_ESCALATE
#define SG_SCSI_RESET_NO_ESCALATE 0x100
#endif

void scsi_sense(const unsigned char *s, size_t len, struct scsi_command *c)
{
	unsigned format = len ? s[0] & 0x7f : 0;

	c->key = c->asc = c->ascq = 0;
	if ((format == 0x70 || format == 0x71) && len >= 3) {
		c->key = s[2] & 0x0f;
		c->asc = len >= 14 ? s[12] : 0;
		c->ascq = len >= 14 ? s[13] : 0;
	}
	if ((format == 0x72 || format == 0x73) && len >= 4) {
		c->key = s[1] & 0x0f;
		c->asc = s[2];
		c->ascq = s[3];
	}
}

/* Failed, with no status of the LUN's. */
static int no_answer(const struct scsi_port *p, const sg_io_hdr_t *io, struct error *e)
{
	return error_set(e, EIO, "%s: the SAN gives no answer (host status %u)", p->name, io->host_status);
}

static int run_sg(struct scsi_port *p, struct scsi_command *c, struct error *e)
{
	unsigned char sense[SENSE_MAX] = {0};
	sg_io_hdr_t io = {
		.interface_id = 'S',
		.dxfer_direction = c->len == 0 ? SG_DXFER_NONE
				   : c->out    ? SG_DXFER_TO_DEV
					       : SG_DXFER_FROM_DEV,
		.cmd_len = (unsigned char)c->cdb_len,
		.mx_sb_len = sizeof(sense),
		.dxfer_len = c->len,
		.dxferp = c->data,
		.cmdp = c->cdb,
		.sbp = sense,
		.timeout = SCSI_TIMEOUT * 1000,
	};

	if (ioctl(p->fd, SG_IO, &io) < 0)
		return errno == ENOTTY || errno == EINVAL ? error_set(e, EOPNOTSUPP, "%s: is no SCSI disk", p->name)
							  : error_errno(e, errno, "%s", p->name);
	/* A reservation conflict comes with a host status of the kernel's own. */
	if (io.host_status && !io.status)
		return no_answer(p, &io, e);
	c->status = io.status;
	c->got = c->len - (io.resid > 0 && (unsigned)io.resid <= c->len ? (unsigned)io.resid : 0);
	scsi_sense(sense, io.sb_len_wr, c);
	return 0;
}

int scsi_open(const char *disk, struct scsi_port *ret, struct error *e)
{
	struct scsi_port p = {.run = run_sg};

	if (str_copy(p.name, sizeof(p.name), disk) < 0)
		return error_errno(e, ENAMETOOLONG, "%s", disk);
	/* For reading: closing a disk opened for writing has udev look at it again. */
	p.fd = open(disk, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (p.fd < 0)
		return error_errno(e, errno, "%s", disk);
	*ret = p;
	return 0;
}

void scsi_close(struct scsi_port *p)
{
	cleanup_fdp(&p->fd);
	p->fd = -1;
}

static bool tells_of_the_past(const struct scsi_command *c)
{
	return c->status == SCSI_TASK_ABORTED || c->status == SCSI_BUSY ||
	       (c->status == SCSI_CHECK_CONDITION && (c->key == SENSE_UNIT_ATTENTION || c->key == SENSE_ABORTED_COMMAND));
}

static int judge(const struct scsi_port *p, const struct scsi_command *c, struct error *e)
{
	switch (c->status) {
	case SCSI_GOOD:
		return 0;
	case SCSI_RESERVATION_CONFLICT:
		return error_set(e, EBADE, "%s: reservation conflict", p->name);
	case SCSI_CHECK_CONDITION:
		if (c->key == SENSE_ILLEGAL_REQUEST)
			return error_set(e, EOPNOTSUPP, "%s: the SAN does not know command %02x/%02x (%02x/%02x)", p->name, c->cdb[0],
					 c->cdb[1] & 0x1f, c->asc, c->ascq);
		return error_set(e, EIO, "%s: command %02x/%02x failed with sense %x/%02x/%02x", p->name, c->cdb[0], c->cdb[1] & 0x1f,
				 c->key, c->asc, c->ascq);
	default:
		return error_set(e, EIO, "%s: command %02x/%02x ended with SCSI status %02x", p->name, c->cdb[0], c->cdb[1] & 0x1f,
				 c->status);
	}
}

int scsi_run(struct scsi_port *p, struct scsi_command *c, struct error *e)
{
	int r;

	for (int i = 0; i < TRIES; i++) {
		c->got = c->status = c->key = c->asc = c->ascq = 0;
		r = p->run(p, c, e);
		if (r < 0 || !tells_of_the_past(c))
			break;
	}
	return r < 0 ? r : judge(p, c, e);
}

int scsi_reset_lun(struct scsi_port *p, struct error *e)
{
	int how = SG_SCSI_RESET_DEVICE | SG_SCSI_RESET_NO_ESCALATE;

	if (ioctl(p->fd, SG_SCSI_RESET, &how) < 0)
		return error_errno(e, errno, "%s: resetting the LUN", p->name);
	return 0;
}

/* --- paths ---------------------------------------------------------------------------------------------------------------- */

struct found {
	char (*paths)[64];
	int n;
};

static void below(const char *sysfs, struct found *f, int depth);

/* Each device that a device-mapper one stands on. */
static void slaves_of(const char *sysfs, struct found *f, int depth)
{
	char path[PATH_MAX + 300];
	cleanup_dir DIR *dir = NULL;
	struct dirent *d;

	snprintf(path, sizeof(path), "%s/slaves", sysfs);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		cleanup_free char *real = NULL;

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/slaves/%s", sysfs, d->d_name);
		real = realpath(path, NULL);
		if (real)
			below(real, f, depth + 1);
	}
}

static bool has(const char *sysfs, const char *name)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	return access(path, F_OK) == 0;
}

/* SYSFS is the device's own folder, as /sys/devices/…/block/sda/sda2. */
static void below(const char *sysfs, struct found *f, int depth)
{
	char path[PATH_MAX], *name;

	if (depth > 8 || str_copy(path, sizeof(path), sysfs) < 0)
		return;
	if (has(path, "dm")) {
		slaves_of(path, f, depth);
		return;
	}
	if (has(path, "partition"))
		*strrchr(path, '/') = '\0';
	name = strrchr(path, '/');
	if (!name || !has(path, "device/scsi_disk") || strlen(name) > 40 || f->n == SCSI_PATHS_MAX)
		return;
	snprintf(f->paths[f->n], sizeof(f->paths[0]), "/dev%s", name);
	for (int i = 0; i < f->n; i++)
		if (strcmp(f->paths[i], f->paths[f->n]) == 0)
			return;
	f->n++;
}

int scsi_paths(const char *root, const char *device, char ret[SCSI_PATHS_MAX][64], struct error *e)
{
	char path[PATH_MAX];
	cleanup_free char *node = NULL, *sysfs = NULL;
	struct found f = {ret, 0};
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", root, device);
	node = realpath(path, NULL); /* /dev/mapper/x is a link to ../dm-0, or the node itself where there is no udev */
	if (!node || stat(node, &st) < 0)
		return error_errno(e, errno, "%s", device);
	if (S_ISBLK(st.st_mode))
		snprintf(path, sizeof(path), "%s/sys/dev/block/%u:%u", root, major(st.st_rdev), minor(st.st_rdev));
	else /* a tree of files */
		snprintf(path, sizeof(path), "%s/sys/class/block/%s", root, strrchr(node, '/') + 1);
	sysfs = realpath(path, NULL);
	if (!sysfs)
		return error_set(e, ENODEV, "%s: the kernel has no such disk", device);
	below(sysfs, &f, 0);
	return f.n;
}
