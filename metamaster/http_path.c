/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "http_path.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define IMAGES "/images/"

static int open_below(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -ENOENT : (int)fd;
}

/* "NAME@VERSION/vmlinuz" or "…/initrd". The image is another system's root: its links lead nowhere else. */
static int open_image(const struct http_roots *roots, const char *path)
{
	static const char *const files[] = {"vmlinuz", "initrd"};
	const char *slash = strchr(path, '/');
	char ref[128], file[32];
	cleanup_fd int image = -1;

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(ref))
		return -ENOENT;
	memcpy(ref, path, (size_t)(slash - path));
	ref[slash - path] = '\0';
	if (ref[strspn(ref, "abcdefghijklmnopqrstuvwxyz0123456789-@")])
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(slash + 1, files[i]) != 0)
			continue;
		image = open_below(roots->images, ref, O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
		if (image < 0)
			return -ENOENT;
		str_copy(file, sizeof(file), i == 0 ? "boot/vmlinuz" : "boot/initrd");
		return open_below(image, file, O_RDONLY | O_NONBLOCK, RESOLVE_IN_ROOT);
	}
	return -ENOENT;
}

int http_open(const struct http_roots *roots, const char *url, uint64_t *ret_size)
{
	struct stat st;
	int fd;

	if (str_starts(url, IMAGES))
		fd = open_image(roots, url + strlen(IMAGES));
	else if (url[0] == '/' && url[1] && url[1] != '/')
		fd = open_below(roots->files, url + 1, O_RDONLY | O_NONBLOCK, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	else
		fd = -ENOENT;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	*ret_size = (uint64_t)st.st_size;
	return fd;
}

/* Digits up to STOP, which is passed over. -EINVAL: none, or something else. */
static int take_number(const char **p, char stop, uint64_t *ret)
{
	char digits[24];
	size_t n = 0;

	while (isdigit((unsigned char)(*p)[n]) && n < sizeof(digits) - 1)
		n++;
	if (n == 0 || (*p)[n] != stop)
		return -EINVAL;
	memcpy(digits, *p, n);
	digits[n] = '\0';
	*p += n + (stop != '\0');
	return str_to_u64(digits, 0, INT64_MAX, ret);
}

/* RFC 9110, section 14.1.2: one range of bytes; several are answered with the whole. */
int http_range(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	uint64_t first = 0, last = size - 1;

	if (!header || !str_starts(header, "bytes="))
		return 0;
	header += strlen("bytes=");
	if (*header == '-') { /* the last so many */
		header++;
		if (take_number(&header, '\0', &first) < 0)
			return 0;
		if (first == 0 || size == 0)
			return -ERANGE;
		first = first < size ? size - first : 0;
	} else {
		if (take_number(&header, '-', &first) < 0 || (*header && take_number(&header, '\0', &last) < 0) ||
		    (last < first && first < size))
			return 0;
		if (first >= size)
			return -ERANGE;
		last = last < size ? last : size - 1;
	}
	*ret_first = first;
	*ret_len = last - first + 1;
	return 1;
}
