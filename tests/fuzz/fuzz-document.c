/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state document: what parses, prints; what was printed parses to the same text. */
#include "cluster/document.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf one CLEANUP(buf_free) = BUF_INIT, two CLEANUP(buf_free) = BUF_INIT;
	struct cluster c, again;

	cluster_init(&c);
	cluster_init(&again);
	if (document_parse((const char *)data, size, &c, NULL) < 0)
		return 0;
	if (document_print(&c, &one, NULL) < 0 || document_parse(one.data, one.len, &again, NULL) < 0 ||
	    document_print(&again, &two, NULL) < 0 || strcmp(one.data, two.data) != 0)
		abort();
	cluster_free(&c);
	cluster_free(&again);
	return 0;
}
