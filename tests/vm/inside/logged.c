/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks with a cache that can lose power, for power.sh: files, served to the kernel as network block devices that know flushes and forced writes (FUA). What they
 * are told goes into one log (writelog.h), so that the order is known across disks, and of each disk what it had promised to keep.
 *
 *	logged LOG FILE DEVICE [FILE DEVICE]...		DEVICE: /dev/nbdN; runs until it is killed
 *
 * Words on standard input, one a line, each answered by itself once it is done: "begin" from now on LOG is written, from its start; "mark" an entry of that kind;
 * "end" the log ends here.
 */
#include "writelog.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/nbd.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISKS_MAX 4
#define SECTOR    512
#define DATA_MAX  (32u * 1024 * 1024)

struct disk {
	int fd, socket;
};

static struct disk disks[DISKS_MAX];
static unsigned n_disks;
static int log_fd;
static bool logging;
static char *data;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "logged: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* All LEN bytes; false at the end of the stream. */
static bool get(int fd, void *to, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, (char *)to + done, len - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void put(int fd, const void *from, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)from + done, len - done);

		if (n <= 0)
			die("writing");
		done += (size_t)n;
	}
}

static void record(uint32_t flags, uint32_t disk, uint64_t at, uint64_t bytes)
{
	const struct log_entry e = {LOG_MAGIC, flags, disk, at, bytes};

	if (!logging)
		return;
	put(log_fd, &e, sizeof(e));
	if (!(flags & (LOG_FLUSH | LOG_DISCARD | LOG_MARK | LOG_END)))
		put(log_fd, data, bytes);
}

/* --- the disks ---------------------------------------------------------------------------------------------------------------- */

/* One request: 0 or an errno. What is read is in DATA. */
static int obey(unsigned disk, uint32_t type, uint64_t at, uint32_t len)
{
	const uint32_t fua = type & NBD_CMD_FLAG_FUA ? LOG_FUA : 0;
	int fd = disks[disk].fd;

	switch (type & 0xffff) {
	case NBD_CMD_READ:
		return pread(fd, data, len, (off_t)at) == (ssize_t)len ? 0 : EIO;
	case NBD_CMD_WRITE:
		record(fua, disk, at, len);
		return pwrite(fd, data, len, (off_t)at) == (ssize_t)len ? 0 : EIO;
	case NBD_CMD_TRIM:
		record(LOG_DISCARD | fua, disk, at, len);
		return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, len) == 0 ? 0 : EIO;
	case NBD_CMD_FLUSH:
		record(LOG_FLUSH, disk, 0, 0);
		return 0;
	default:
		return EINVAL;
	}
}

static void serve(unsigned disk)
{
	int s = disks[disk].socket;
	struct nbd_request q;
	struct nbd_reply a = {.magic = htonl(NBD_REPLY_MAGIC)};
	uint32_t type, len;

	if (!get(s, &q, sizeof(q)))
		exit(0); /* the kernel has let go of it */
	type = ntohl(q.type);
	len = ntohl(q.len);
	if (ntohl(q.magic) != NBD_REQUEST_MAGIC || ((type & 0xffff) != NBD_CMD_TRIM && len > DATA_MAX)) {
		errno = EPROTO;
		die("a request");
	}
	if ((type & 0xffff) == NBD_CMD_DISC)
		exit(0);
	if ((type & 0xffff) == NBD_CMD_WRITE && !get(s, data, len))
		exit(0);
	a.error = htonl((uint32_t)obey(disk, type, be64toh(q.from), len));
	memcpy(a.handle, q.handle, sizeof(a.handle));
	put(s, &a, sizeof(a));
	if ((type & 0xffff) == NBD_CMD_READ && a.error == 0)
		put(s, data, len);
}

/* A child, which ends with us, lends the kernel its time for as long as the device is there. */
static void attach(const char *device, int socket, uint64_t bytes)
{
	const unsigned long flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM;
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, NBD_SET_BLKSIZE, (unsigned long)SECTOR) < 0 ||
	    ioctl(fd, NBD_SET_SIZE_BLOCKS, (unsigned long)(bytes / SECTOR)) < 0 || ioctl(fd, NBD_SET_FLAGS, flags) < 0 ||
	    ioctl(fd, NBD_SET_SOCK, (unsigned long)socket) < 0)
		die(device);
	switch (fork()) {
	case -1:
		die("fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		ioctl(fd, NBD_DO_IT);
		_exit(0);
	default:
		close(fd);
	}
}

static void add(const char *file, const char *device)
{
	struct disk *d = &disks[n_disks++];
	struct stat st;
	int pair[2];

	d->fd = open(file, O_RDWR | O_CLOEXEC);
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		die(file);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	d->socket = pair[0];
	attach(device, pair[1], (uint64_t)st.st_size);
	close(pair[1]);
}

/* --- words --------------------------------------------------------------------------------------------------------------------- */

/* False when there will be no more: the disks stay. */
static bool hear(void)
{
	char word[32];

	if (!fgets(word, sizeof(word), stdin))
		return false;
	if (strcmp(word, "begin\n") == 0) {
		logging = lseek(log_fd, 0, SEEK_SET) == 0;
	} else if (strcmp(word, "mark\n") == 0) {
		record(LOG_MARK, 0, 0, 0);
	} else if (strcmp(word, "end\n") == 0) {
		record(LOG_END, 0, 0, 0);
		logging = false;
	}
	fputs(word, stdout);
	fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	struct pollfd p[DISKS_MAX + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};

	if (argc < 4 || argc % 2 || argc > 2 + 2 * DISKS_MAX) {
		fprintf(stderr, "usage: logged LOG FILE DEVICE [FILE DEVICE]...\n");
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	data = malloc(DATA_MAX);
	log_fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (!data || log_fd < 0)
		die(argv[1]);
	for (int i = 2; i < argc; i += 2)
		add(argv[i], argv[i + 1]);
	for (unsigned i = 0; i < n_disks; i++)
		p[i + 1] = (struct pollfd){.fd = disks[i].socket, .events = POLLIN};
	for (;;) {
		if (poll(p, n_disks + 1, -1) < 0)
			die("poll");
		for (unsigned i = 0; i < n_disks; i++)
			if (p[i + 1].revents)
				serve(i);
		if (p[0].revents && !hear())
			p[0].fd = -1;
	}
}
