/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's reports: what is taken for volumes is whole, named once, and lies on PVs that are known. */
#include "base/str.h"
#include "volmgr/container/lvm_report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct lvm_volume *v, size_t n, size_t n_pvs)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i].name[0] || v[i].extents == 0 || segments_extents(&v[i].segments) != v[i].extents)
			abort();
		if (i && strcmp(v[i - 1].name, v[i].name) >= 0)
			abort();
		for (size_t k = 0; k < v[i].segments.n; k++)
			if (v[i].segments.v[k].pv >= n_pvs || !v[i].segments.v[k].count)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pv pvs[] = {{.uuid = "Vz-1"}, {.uuid = "Vz-2"}};
	struct error e = ERROR_INIT;
	struct lvm_volume *v;
	struct pv pv;
	uint64_t extent;
	size_t n;
	char of[LVM_UUID_SIZE];
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (lvm_parse_segments(text, pvs, ARRAY_SIZE(pvs), &v, &n, &e) == 0) {
		check(v, n, ARRAY_SIZE(pvs));
		lvm_list_free(v, n);
	} else if (!e.text[0]) {
		abort();
	}
	if (lvm_parse_pv(text, &pv, &extent, &e) == 0 && (!pv.uuid[0] || !pv.extents))
		abort();
	if (lvm_parse_strangers(text, pvs, ARRAY_SIZE(pvs), &n, of, &e) == 0 && strlen(of) >= sizeof(of))
		abort();
	free(text);
	return 0;
}
