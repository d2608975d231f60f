/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file a request means. Nothing outside two folders can be named, whatever symbolic links lie in them. */
#ifndef BYRE_METAMASTER_HTTP_PATH_H
#define BYRE_METAMASTER_HTTP_PATH_H

#include <stdbool.h>
#include <stdint.h>

struct http_roots {
	int files;  /* folder: every regular file in it is served under its own path */
	int images; /* folder of mounted images: /images/NAME@VERSION/vmlinuz and …/initrd, and nothing else of them */
};

/* Opens what URL (decoded, beginning with '/') means: the descriptor of a regular file, or -ENOENT. */
int http_open(const struct http_roots *roots, const char *url, uint64_t *ret_size);

/*
 * A Range header for a file of SIZE bytes. 1: *RET_FIRST and *RET_LEN tell the part; 0: there is no range that we know, send the whole;
 * -ERANGE: none of it exists.
 */
int http_range(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);

#endif
