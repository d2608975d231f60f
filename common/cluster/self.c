/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/self.h"

#include "base/file.h"
#include "base/str.h"
#include "cluster/model.h"

#include <errno.h>

int self_read(const char *file, unsigned *ret, struct error *e)
{
	char text[16];
	int r = file_read_text(file, text, sizeof(text), e);

	if (r < 0 && r != -ENAMETOOLONG)
		return r;
	return str_to_uint(text, 1, CLUSTER_MAX_NODES, ret) < 0 ? error_set(e, EINVAL, "%s: no node number", file) : 0;
}
