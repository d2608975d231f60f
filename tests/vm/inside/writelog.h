/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log of what some disks were told, in the order in which they were told it: logged.c writes it, replay.c reads it. One entry after another from the beginning of
 * a file, each in the machine's own byte order and followed by its data, if it is a plain write; the last one is LOG_END.
 */
#ifndef BYRE_TESTS_WRITELOG_H
#define BYRE_TESTS_WRITELOG_H

#include <stdint.h>

#define LOG_MAGIC   0x65726f6d2d736b64ull
#define LOG_FLUSH   1u /* all that this disk was told before is there for good */
#define LOG_FUA     2u /* this write is there for good as soon as it was answered */
#define LOG_DISCARD 4u /* zeros from now on; no data */
#define LOG_MARK    8u /* of whoever had the log begun; on no disk */
#define LOG_END     16u

struct log_entry {
	uint64_t magic;
	uint32_t flags, disk; /* DISK: which one, from 0 */
	uint64_t at, bytes;   /* on the disk */
};

#endif
