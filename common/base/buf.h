/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing, always NUL-terminated byte buffer. Adding never fails half-way: when memory runs out the buffer is
 * marked, later adds do nothing, and buf_ok() or buf_steal() tells, so that generators need no check per line.
 */
#ifndef BYRE_BASE_BUF_H
#define BYRE_BASE_BUF_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while empty */
	size_t len; /* bytes, without the final NUL */
	size_t size;
	bool failed;
};

#define BUF_INIT                                                                                                                           \
	{                                                                                                                                  \
		NULL, 0, 0, false                                                                                                          \
	}

void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_ok(const struct buf *b);
/* The text so far; "" while empty. Valid until the next add. */
const char *buf_str(const struct buf *b);
/* Hands the text (possibly "") to the caller, who frees it; NULL when memory had run out. The buffer is empty afterwards. */
char *buf_steal(struct buf *b);
void buf_free(struct buf *b);

#define cleanup_buf CLEANUP(buf_free)

#endif
