/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Crashes a program at its K-th step: preloaded (LD_PRELOAD) into it and all that it starts, it counts every call that can change what lies on a disk, and every
 * program that is started, in one file that all of them share; when the count reaches K it kills them.
 *
 *	CRASH_COUNT  the file: the count so far as text, one line. Without it nothing is done.
 *	CRASH_AT     K; 0 or none: only count
 *	CRASH_WHEN   "before" (default) or "after" the call
 *	CRASH_HOW    "kill" (default): SIGKILL to every process of this session (setsid); "family": to the children of whoever makes the call, too, wherever
 *	             they have gone
 *	CRASH_LOG    a file that gets a line for each step
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define DM_MAJOR_IOCTL 0xfd /* the type of device-mapper's ioctls */
#define EXPORT         __attribute__((visibility("default")))

/* The real function NAME into F. Object and function pointers are of one size wherever dlsym is. */
#define REAL(f, name)                                                                                                                      \
	do {                                                                                                                               \
		void *found_ = dlsym(RTLD_NEXT, name);                                                                                     \
		memcpy(&(f), &found_, sizeof(f));                                                                                          \
	} while (0)

static long number(const char *text)
{
	return text ? strtol(text, NULL, 10) : 0;
}

/* One more step; returns its number, 0 when nobody counts. */
static long count_step(const char *what)
{
	const char *path = getenv("CRASH_COUNT"), *log = getenv("CRASH_LOG");
	char text[32] = "";
	int saved = errno, fd, len;
	long n;

	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	flock(fd, LOCK_EX);
	if (syscall(SYS_pread64, fd, text, sizeof(text) - 1, (off_t)0) < 0)
		text[0] = '\0';
	n = number(text) + 1;
	len = snprintf(text, sizeof(text), "%ld\n", n);
	if (syscall(SYS_pwrite64, fd, text, (size_t)len, (off_t)0) != len)
		n = 0;
	close(fd);
	fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd >= 0) {
		char line[128];

		len = snprintf(line, sizeof(line), "%ld %d %s %.80s\n", n, (int)getpid(), program_invocation_short_name, what);
		if (syscall(SYS_write, fd, line, (size_t)len) != len)
			n = 0;
		close(fd);
	}
	errno = saved;
	return n;
}

static void kill_children(void)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)syscall(SYS_gettid));
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
}

/* Every process of our session, this one last. */
static void kill_session(void)
{
	const char *how = getenv("CRASH_HOW");

	if (how && strcmp(how, "family") == 0)
		kill_children();
	kill(-getpgid(0), SIGKILL);
	for (;;)
		pause();
}

static void maybe_crash(long n, const char *when)
{
	const char *chosen = getenv("CRASH_WHEN");

	if (n && n == number(getenv("CRASH_AT")) && strcmp(chosen ? chosen : "before", when) == 0)
		kill_session();
}

/* Runs CALL as a step when IS_STEP. */
#define STEP(is_step, what, type, call)                                                                                                    \
	do {                                                                                                                               \
		long step_ = (is_step) ? count_step(what) : 0;                                                                             \
		type result_;                                                                                                              \
		int error_;                                                                                                                \
                                                                                                                                           \
		maybe_crash(step_, "before");                                                                                              \
		result_ = (call);                                                                                                          \
		error_ = errno;                                                                                                            \
		maybe_crash(step_, "after");                                                                                               \
		errno = error_;                                                                                                            \
		return result_;                                                                                                            \
	} while (0)

static int is_disk(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISBLK(st.st_mode);
}

/* --- what changes a disk ------------------------------------------------------------------------------------------------- */

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t);

	REAL(real, "write");
	STEP(is_disk(fd), "write", ssize_t, real(fd, data, len));
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	REAL(real, "pwrite");
	STEP(is_disk(fd), "pwrite", ssize_t, real(fd, data, len, at));
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t);

	REAL(real, "pwrite64");
	STEP(is_disk(fd), "pwrite", ssize_t, real(fd, data, len, at));
}

EXPORT ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t);

	REAL(real, "pwritev");
	STEP(is_disk(fd), "pwritev", ssize_t, real(fd, v, n, at));
}

EXPORT int fdatasync(int fd)
{
	int (*real)(int);

	REAL(real, "fdatasync");
	STEP(is_disk(fd), "fdatasync", int, real(fd));
}

EXPORT int fsync(int fd)
{
	int (*real)(int);

	REAL(real, "fsync");
	STEP(is_disk(fd), "fsync", int, real(fd));
}

/* libaio, with which LVM writes: the call has no wrapper in libc. */
EXPORT int io_submit(void *ctx, long n, void *list);
EXPORT int io_submit(void *ctx, long n, void *list)
{
	int (*real)(void *, long, void *);

	REAL(real, "io_submit");
	STEP(1, "io_submit", int, real(ctx, n, list));
}

static int changes_disk(unsigned long request)
{
	return request == BLKZEROOUT || request == BLKDISCARD || request == BLKSECDISCARD || _IOC_TYPE(request) == DM_MAJOR_IOCTL;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...);
	va_list ap;
	void *argument;

	va_start(ap, request);
	argument = va_arg(ap, void *);
	va_end(ap);
	REAL(real, "ioctl");
	STEP(changes_disk(request), _IOC_TYPE(request) == DM_MAJOR_IOCTL ? "dm ioctl" : "zero or discard", int,
	     real(fd, request, argument));
}

/* --- programs that are started --------------------------------------------------------------------------------------------- */

EXPORT int execvpe(const char *file, char *const argv[], char *const env[])
{
	int (*real)(const char *, char *const *, char *const *);

	REAL(real, "execvpe");
	STEP(1, file, int, real(file, argv, env));
}
