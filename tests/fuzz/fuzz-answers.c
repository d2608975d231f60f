/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers files: what parses, prints; what was printed parses to the same text; what is refused is refused with a reason. */
#include "cluster/settings.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf one CLEANUP(buf_free) = BUF_INIT, two CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;
	struct settings s, again;

	settings_init(&s);
	settings_init(&again);
	if (settings_parse("answers", (const char *)data, size, &s, &e) < 0) {
		if (!e.text[0])
			abort();
		return 0;
	}
	settings_print(&s, &one);
	if (settings_parse("printed", one.data, one.len, &again, NULL) < 0)
		abort();
	settings_print(&again, &two);
	if (strcmp(one.data, two.data) != 0)
		abort();
	settings_free(&s);
	settings_free(&again);
	return 0;
}
