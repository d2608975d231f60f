/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody gives us as an image: its first bytes, and what tar and unsquashfs list of it. A size that is told is never larger than the file. */
#include "base/cleanup.h"
#include "volmgr/image_make.h"
#include "volmgr/image/image_sniff.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_content c;
	struct image_listed l;
	struct sniffed s;

	if (image_sniff(data, size < SNIFF_BYTES ? size : SNIFF_BYTES, size, &s, NULL) == 0 && s.format != SNIFF_QCOW2 && s.bytes > size)
		abort();
	if (image_content_of_listing((const char *)data, size, &c, NULL) == 0 && image_size_for(&c).bytes <= c.bytes)
		abort();
	if (image_list_tar_line((const char *)data, size, &l, NULL) == 1 && l.name + l.name_len > (const char *)data + size)
		abort();
	return 0;
}
