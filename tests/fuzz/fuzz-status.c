/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Status slots hold what any node has written. What parses is printed and must parse to the same again. */
#include "base/cleanup.h"
#include "cluster/status.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct node_status s, again;

	status_parse_phases((const char *)data, size, &(struct node_status){0}, NULL);
	if (status_parse((const char *)data, size, &s, NULL) < 0)
		return 0;
	if (status_print(&s, &b, NULL) < 0 || status_parse(buf_str(&b), b.len, &again, NULL) < 0)
		abort();
	if (again.counter != s.counter || again.n_phases != s.n_phases || strcmp(again.root.device, s.root.device) != 0)
		abort();
	return 0;
}
