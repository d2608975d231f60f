/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of an OCI image layout, and the names in a layer. A digest that comes out of them is 64 hex digits: it becomes a path. */
#include "base/cleanup.h"
#include "volmgr/image/image_oci.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oci_descriptor *d)
{
	if (strlen(d->sha256) != 64 || strspn(d->sha256, "0123456789abcdef") != 64)
		abort();
}

static void check_whiteout(const uint8_t *data, size_t size)
{
	cleanup_free char *path = calloc(1, size + 1), *gone = calloc(1, size + 1);
	bool opaque;

	if (!path || !gone)
		abort();
	memcpy(path, data, size);
	if (oci_whiteout(path, gone, &opaque) && strlen(gone) >= strlen(path))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free struct oci_descriptor *layers = NULL;
	const char *text = (const char *)data;
	struct oci_descriptor d;
	size_t n = 0;
	bool index;

	oci_check_layout(text, size, NULL);
	if (oci_choose(text, size, &d, &index, NULL) == 0)
		check(&d);
	if (oci_layers(text, size, &layers, &n, NULL) == 0 && (n == 0 || n > OCI_LAYERS_MAX))
		abort();
	for (size_t i = 0; i < n; i++)
		check(&layers[i]);
	check_whiteout(data, size);
	return 0;
}
