/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected), as in RFC 3720 appendix B.4. */
#ifndef BYRE_BASE_CRC32C_H
#define BYRE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of LEN bytes; CRC is 0, or the result over the bytes before these. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
