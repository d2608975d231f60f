/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables that let go of what they hold when they leave scope; steal_… hands it on. */
#ifndef BYRE_BASE_CLEANUP_H
#define BYRE_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_filep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_dirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define CLEANUP(f)   __attribute__((cleanup(f)))
#define cleanup_free CLEANUP(cleanup_freep)
#define cleanup_fd   CLEANUP(cleanup_fdp)
#define cleanup_file CLEANUP(cleanup_filep)
#define cleanup_dir  CLEANUP(cleanup_dirp)

static inline int steal_fd(int *fd)
{
	int got = *fd;

	*fd = -1;
	return got;
}

static inline void *steal_pointer_(void *p)
{
	void **pp = p;
	void *got = *pp;

	*pp = NULL;
	return got;
}
#define steal_ptr(p) ((__typeof__(p))steal_pointer_(&(p)))

#endif
