/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state document: struct cluster as JSON text. It holds secrets (the key, the root password's hash): keep it in files of mode 0600.
 */
#ifndef BYRE_CLUSTER_DOCUMENT_H
#define BYRE_CLUSTER_DOCUMENT_H

#include "base/buf.h"
#include "cluster/model.h"

#define DOCUMENT_FORMAT 1
#define DOCUMENT_MAX    (31u * 1024 * 1024) /* bytes */

/*
 * Parses and checks (cluster_check). RET must be initialised; on success it is whole and the caller's to free, on failure
 * it is empty. -EINVAL: E names the member and what is wrong with it; -ENOTSUP: written in a newer format.
 */
int document_parse(const char *text, size_t len, struct cluster *ret, struct error *e);

/* Prints C so that document_parse gives it back. */
int document_print(const struct cluster *c, struct buf *b, struct error *e);

#endif
