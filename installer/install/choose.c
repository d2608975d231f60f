/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int iscsi_wanted_lun(const char *wanted, int *ret, struct error *e)
{
	const char *comma = strchr(wanted, ',');
	unsigned n = 0;

	if (comma && str_to_uint(comma + 1, 0, 16383, &n) < 0)
		return error_set(e, EINVAL, "iscsi-target: '%.20s' is no LUN: write IQN,NUMBER", comma + 1);
	*ret = comma ? (int)n : -1;
	return 0;
}

int iscsi_choose(const char *wanted, const struct iscsi_name *all, size_t n, struct error *e)
{
	size_t len = strcspn(wanted, ",");
	char names[512] = "";

	if (len == 0 && n == 1)
		return 0;
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(names);

		if (len && strlen(all[i].target) == len && strncmp(all[i].target, wanted, len) == 0)
			return (int)i;
		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", all[i].target);
	}
	if (len == 0)
		return error_set(e, EINVAL, "iscsi-target: the SAN has several: name one of %s", names);
	return error_set(e, ENOENT, "iscsi-target: the SAN has no %.*s; it has %s", (int)len, wanted, names);
}

int iscsi_choose_lun(const char *target, const struct lun *all, size_t n, int wanted, struct error *e)
{
	char names[512] = "", size[32];

	if (n == 1 && wanted < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(names);

		if (wanted >= 0 && all[i].number == (unsigned)wanted)
			return (int)i;
		snprintf(names + used, sizeof(names) - used, "%s%u (%s)", i ? ", " : "", all[i].number,
			 str_bytes(size, sizeof(size), all[i].bytes));
	}
	if (wanted < 0)
		return error_set(e, EINVAL, "iscsi-target: %s has several disks: put the LUN behind it (%s,LUN): %s", target, target,
				 names);
	return error_set(e, ENOENT, "iscsi-target: %s has no LUN %d; it has %s", target, wanted, names);
}
