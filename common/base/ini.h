/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of "key = value" lines. '#' begins a comment at the start of a line; blank lines are skipped; white space around
 * key and value is cut. A key is [a-z0-9.-]+. There are no sections, quotes or continuations.
 */
#ifndef BYRE_BASE_INI_H
#define BYRE_BASE_INI_H

#include "base/error.h"

#include <stddef.h>

/* Called for each pair; KEY and VALUE live until it returns. A negative return ends the parse and is handed on; the caller's text is put behind "NAME:LINE: ". */
typedef int ini_pair_fn(const char *key, const char *value, void *data, struct error *e);

/* Parses LEN bytes of TEXT; NAME is used in messages only. 0, or a negative errno: EINVAL with "NAME:LINE: why". */
int ini_parse(const char *name, const char *text, size_t len, ini_pair_fn *pair, void *data, struct error *e);

#endif
