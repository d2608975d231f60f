/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading JSON that comes from outside, with jansson. A getter fails with -EINVAL and "MEMBER: why" (callers put the place in front) and writes its output on
 * success only. O may be any value; what is no object has no members.
 */
#ifndef BYRE_CLUSTER_MEMBERS_H
#define BYRE_CLUSTER_MEMBERS_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The object or list in LEN bytes of text, for the caller to let go of; no member may be there twice. NULL: "line N: why". */
json_t *members_load(const char *text, size_t len, struct error *e);

/* Adds ROOT on one line to B. -EINVAL: it is NULL, as of texts that are no UTF-8, or there is no memory for it. */
int members_print(const json_t *root, struct buf *b, struct error *e);

/* J is a number from 0 to MAX. */
bool number_of(const json_t *j, uint64_t max, uint64_t *ret);

/* DST has room for SIZE bytes with the final NUL; a text that does not fit leaves it empty. */
int member_text(const json_t *o, const char *key, char *dst, size_t size, struct error *e);
int member_u64(const json_t *o, const char *key, uint64_t max, uint64_t *ret, struct error *e);
int member_uint(const json_t *o, const char *key, unsigned max, unsigned *ret, struct error *e);

/* As these, for members that need not be there: the output then stays as it is. */
int may_text(const json_t *o, const char *key, char *dst, size_t size, struct error *e);
int may_u64(const json_t *o, const char *key, uint64_t max, uint64_t *ret, struct error *e);
int may_uint(const json_t *o, const char *key, unsigned max, unsigned *ret, struct error *e);
int may_bool(const json_t *o, const char *key, bool *ret, struct error *e);

#endif
