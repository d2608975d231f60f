/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files and whole buffers, fd-relative. DIRFD may be AT_FDCWD. All descriptors are close-on-exec. */
#ifndef BYRE_BASE_FILE_H
#define BYRE_BASE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads a file of at most MAX bytes. *RET_DATA is NUL-terminated and the caller's to free; RET_LEN may be NULL. -EFBIG when larger. */
int file_read(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct error *e);

/*
 * A short text, as sysfs has, without the white space around it. -ENAMETOOLONG: it is longer than SIZE takes. RET is "" when this fails. It may be a secret: no copy of it
 * stays in memory.
 */
int file_read_text(const char *path, char *ret, size_t size, struct error *e);

/*
 * Replaces PATH by a new file with these bytes and MODE, or leaves it as it was: temporary file beside it, fsync,
 * rename, fsync of the folder. The folder must exist.
 */
int file_write(int dirfd, const char *path, mode_t mode, const void *data, size_t len, struct error *e);

/* As file_write, but does not touch a file that has these bytes already. Returns 1 when it wrote, 0 when nothing had to be done. */
int file_update(int dirfd, const char *path, mode_t mode, const void *data, size_t len, struct error *e);

/* Makes PATH and the folders above it, with MODE. Existing ones are left as they are. */
int dir_make(int dirfd, const char *path, mode_t mode, struct error *e);

/* All LEN bytes at OFFSET, or an error; -ENODATA at a short end of file. */
int pread_full(int fd, void *data, size_t len, uint64_t offset);
int pwrite_full(int fd, const void *data, size_t len, uint64_t offset);
int write_full(int fd, const void *data, size_t len);

#endif
