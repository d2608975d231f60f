/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents of an OCI image layout (image-spec 1.1: image-layout.md, image-index.md, manifest.md, layer.md). Pure. */
#ifndef BYRE_VOLMGR_IMAGE_OCI_H
#define BYRE_VOLMGR_IMAGE_OCI_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OCI_DOCUMENT_MAX (4u * 1024 * 1024) /* bytes of an index or a manifest */
#define OCI_LAYERS_MAX   512

/* What a document says of a blob: it is blobs/sha256/SHA256, and has BYTES. */
struct oci_descriptor {
	char sha256[65];
	uint64_t bytes;
};

/* The file oci-layout. -EINVAL: not of version 1. */
int oci_check_layout(const char *text, size_t len, struct error *e);

/* An index: the one entry for Linux on x86-64, or the only one. *RET_INDEX: it is an index again. -EINVAL; -ENOENT: none fits; -ENOTUNIQ: several do. */
int oci_choose(const char *text, size_t len, struct oci_descriptor *ret, bool *ret_index, struct error *e);

/* A manifest: its layers from below, in *RET (freed with free()). */
int oci_layers(const char *text, size_t len, struct oci_descriptor **ret, size_t *ret_n, struct error *e);

/*
 * A layer's member that takes something of the layers beneath away: ".wh.NAME" beside NAME, or ".wh..wh..opq" in a folder of which nothing stays. PATH as
 * in the archive. True: RET (as large as PATH) is what goes, *RET_OPAQUE: not itself, but all in it.
 */
bool oci_whiteout(const char *path, char *ret, bool *ret_opaque);

#endif
