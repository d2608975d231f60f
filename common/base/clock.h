/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time since boot, which no one sets. */
#ifndef BYRE_BASE_CLOCK_H
#define BYRE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since the kernel started, counting suspended time. */
static inline uint64_t clock_boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
