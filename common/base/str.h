/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings and numbers that a person or a file gives us: checked as a whole, or refused. */
#ifndef BYRE_BASE_STR_H
#define BYRE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Copies S into DST of SIZE bytes. -ENAMETOOLONG when it does not fit (then DST is ""). */
int str_copy(char *dst, size_t size, const char *s);

/* The whole of S as a decimal number in [min, max]: 0; -EINVAL when it is no number, -ERANGE when out of range. */
int str_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int str_to_uint(const char *s, unsigned min, unsigned max, unsigned *ret);

/* yes|no|true|false|1|0|on|off, any case: 0 or -EINVAL. */
int str_to_bool(const char *s, bool *ret);

/* LEN bytes as 2 * LEN lower-case hex digits and a NUL. */
void str_hex(char *dst, const void *data, size_t len);
/* Exactly 2 * LEN hex digits: 0 or -EINVAL. */
int str_unhex(const char *s, void *ret, size_t len);

/* A name that may become a path component, a host label, an LV or a dm name: [a-z0-9] first, then [a-z0-9-]*, no '-' at the end, at most 63 bytes. */
bool str_is_label(const char *s);
/* Labels joined by single dots, at most 253 bytes. */
bool str_is_domain(const char *s);

/* Cuts white space off both ends, in place; returns the first byte kept. */
char *str_trim(char *s);
/* Puts '?' in the place of every control byte, so that S can be shown on a terminal; returns S. */
char *str_printable(char *s);
bool str_starts(const char *s, const char *prefix);
/* What stands behind the last '/' of PATH, a part of it: all of it when there is none. */
const char *str_base(const char *path);

/* "1.2 GiB" and the like, at most 4 significant digits, into DST; returns DST. */
char *str_bytes(char *dst, size_t size, uint64_t bytes);

#endif
