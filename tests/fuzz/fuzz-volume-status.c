/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volume slots hold what any node has written. What parses is printed and must parse to the same again; a small slot takes the first stores. */
#include "base/cleanup.h"
#include "cluster/volume_status.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT, small CLEANUP(buf_free) = BUF_INIT;
	static struct volume_status s, again;

	if (volume_status_parse((const char *)data, size, &s, NULL) < 0)
		return 0;
	if (volume_status_print(&s, 1 << 20, &b, NULL) < 0 || volume_status_parse(buf_str(&b), b.len, &again, NULL) < 0)
		abort();
	if (again.n != s.n || strcmp(again.why, s.why) != 0 || memcmp(again.stores, s.stores, sizeof(s.stores)) != 0)
		abort();
	if (volume_status_print(&s, b.len / 2 + 1, &small, NULL) == 0 &&
	    (small.len > b.len / 2 + 1 || volume_status_parse(buf_str(&small), small.len, &again, NULL) < 0 || again.n > s.n))
		abort();
	return 0;
}
