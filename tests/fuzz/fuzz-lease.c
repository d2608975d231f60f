/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record of sanlock's. The first byte: 1 = a resource's, 2 = with a right checksum. What was taken is within bounds, and can be shown. */
#include "base/crc32c.h"
#include "volmgr/area/lease_record.h"

#include <stdlib.h>
#include <string.h>

#define SUMMED 168

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	if (strlen(s) > 48)
		abort();
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char block[LEASE_RECORD_SIZE] = {0};
	struct lease_record r;

	if (size < 2)
		return 0;
	memcpy(block, data + 1, size - 1 < sizeof(block) ? size - 1 : sizeof(block));
	if (data[0] & 2)
		for (int i = 0; i < 4; i++)
			block[SUMMED + i] = (unsigned char)(~crc32c(1, block, SUMMED) >> (8 * i));
	if (lease_record_decode(block, data[0] & 1 ? LEASE_RECORD_RESOURCE : LEASE_RECORD_HOST, &r) < 0)
		return 0;
	if (r.host > LEASE_MAX_HOST || (r.sector != 512 && r.sector != 4096))
		abort();
	check_text(r.lockspace);
	check_text(r.name);
	return 0;
}
