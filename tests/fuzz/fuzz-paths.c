/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A multipath target's status: what is taken is in bounds, what is refused is refused with a reason. */
#include "volmgr/paths.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	struct path_number v[PATHS_MAX];
	struct error e = ERROR_INIT;
	char table[224];
	size_t n = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (paths_parse_status(text, v, &n, &e) < 0) {
		if (!e.text[0])
			abort();
		return 0;
	}
	if (n > PATHS_MAX)
		abort();
	paths_table(v, n, table);
	return 0;
}
