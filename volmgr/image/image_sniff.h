/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file is, by its first bytes. Pure. */
#ifndef BYRE_VOLMGR_IMAGE_SNIFF_H
#define BYRE_VOLMGR_IMAGE_SNIFF_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define SNIFF_BYTES 4096u /* that are enough, where a file has so many */

enum sniff_format { SNIFF_TAR, SNIFF_SQUASHFS, SNIFF_EXT4, SNIFF_DISK, SNIFF_QCOW2 };
enum sniff_packing { SNIFF_PLAIN, SNIFF_GZIP, SNIFF_XZ, SNIFF_ZSTD };

struct sniffed {
	enum sniff_format format;
	enum sniff_packing packing; /* else PLAIN; what is packed is a tar archive, or is found out not to be one by reading it */
	uint64_t bytes;             /* of the file system (ext4), of the archive (squashfs), of the disk inside (qcow2); else 0 */
};

/* HEAD: the first LEN bytes of a file of FILE_BYTES. -EINVAL: none that we know, or one that cannot be used; E says which. */
int image_sniff(const unsigned char *head, size_t len, uint64_t file_bytes, struct sniffed *ret, struct error *e);

const char *sniff_packing_name(enum sniff_packing p); /* "gzip": also the program's name; PLAIN: "" */
const char *sniff_format_name(enum sniff_format f);   /* "tar archive" */

#endif
