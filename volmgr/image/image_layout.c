/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of an OCI image layout: every one is what its digest says, or refused. */
#include "image_source.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "image_oci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NESTED_MAX 4 /* an index in an index in … */

static void blob_path(const struct oci_descriptor *d, char ret[96])
{
	snprintf(ret, 96, "blobs/sha256/%s", d->sha256);
}

/* A document, checked against its descriptor. */
static int read_blob(int dir, const struct oci_descriptor *d, char **ret, size_t *ret_len, struct error *e)
{
	cleanup_fd int fd = -1;
	char path[96], sum[65];
	int r;

	blob_path(d, path);
	fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	if (d->bytes > OCI_DOCUMENT_MAX)
		return error_set(e, EFBIG, "%s: no document has %llu bytes", path, (unsigned long long)d->bytes);
	r = file_read(dir, path, OCI_DOCUMENT_MAX, ret, ret_len, e);
	if (r < 0)
		return r;
	if (*ret_len != d->bytes)
		return error_set(e, EUCLEAN, "%s is damaged: it has %zu bytes, not %llu", path, *ret_len, (unsigned long long)d->bytes);
	r = image_hash_fd(fd, d->bytes, path, NULL, sum, e);
	if (r == 0 && strcmp(sum, d->sha256) != 0)
		r = error_set(e, EUCLEAN, "%s is damaged: its digest is another", path);
	return r;
}

/* From index.json down to the manifest. */
static int find_manifest(int dir, struct oci_descriptor *ret, struct error *e)
{
	cleanup_free char *text = NULL;
	bool index = true;
	size_t len;
	int r = file_read(dir, "index.json", OCI_DOCUMENT_MAX, &text, &len, e);

	for (int depth = 0; r == 0; depth++) {
		r = oci_choose(text, len, ret, &index, e);
		if (r < 0)
			return error_wrap(e, "%s", depth ? ret->sha256 : "index.json");
		if (!index)
			return 0;
		if (depth == NESTED_MAX)
			return error_set(e, EINVAL, "index.json: an index in an index, %d deep", NESTED_MAX);
		free(steal_ptr(text));
		r = read_blob(dir, ret, &text, &len, e);
	}
	return r;
}

static int check_layout(int dir, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read(dir, "oci-layout", OCI_DOCUMENT_MAX, &text, &len, e);

	if (r == 0 && oci_check_layout(text, len, e) < 0)
		r = error_wrap(e, "oci-layout");
	return r;
}

int source_open_layout(struct image_source *s, int dir, struct error *e)
{
	cleanup_free struct oci_descriptor *layers = NULL;
	cleanup_free char *text = NULL;
	struct oci_descriptor manifest;
	size_t n = 0, len;
	char path[96];
	int r = check_layout(dir, e);

	if (r == 0)
		r = find_manifest(dir, &manifest, e);
	if (r == 0)
		r = read_blob(dir, &manifest, &text, &len, e);
	if (r == 0 && oci_layers(text, len, &layers, &n, e) < 0)
		r = error_wrap(e, "manifest %.12s...", manifest.sha256);
	for (size_t i = 0; i < n && r == 0; i++) {
		blob_path(&layers[i], path);
		r = source_add_part(s, dir, path, layers[i].bytes, layers[i].sha256, e);
	}
	return r;
}
