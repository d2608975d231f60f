/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scribble OFFSET DISK...: writes growing numbers to that place of each disk, past all caches, for ever, whatever the disk says to it. For tests of who may write:
 * the place must be nobody's.
 */
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define MAX   8

int main(int argc, char **argv)
{
	static char block[BLOCK] __attribute__((aligned(BLOCK)));
	uint64_t at;
	int fds[MAX];

	if (argc < 3 || argc > MAX + 2 || str_to_u64(argv[1], 0, INT64_MAX, &at) < 0)
		return 2;
	for (int i = 2; i < argc; i++) {
		fds[i - 2] = open(argv[i], O_WRONLY | O_DIRECT | O_CLOEXEC);
		if (fds[i - 2] < 0) {
			perror(argv[i]);
			return 1;
		}
	}
	for (unsigned long n = 1;; n++) {
		snprintf(block, sizeof(block), "scribble %lu\n", n);
		for (int i = 0; i < argc - 2; i++)
			(void)!pwrite(fds[i], block, sizeof(block), (off_t)at);
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	}
}
