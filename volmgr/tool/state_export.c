/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "cluster/document.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

bool state_export_force;

/* A new file; what it holds is on the disk when this returns. */
static int write_new_file(const char *path, const char *text, size_t len, struct error *e)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0 && errno == EEXIST)
		return error_set(e, EEXIST, "%s is there already: --force replaces it", path);
	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	r = write_full(fd, text, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0) {
		unlink(path);
		return error_errno(e, r, "writing %s", path);
	}
	return 0;
}

/* A device or a pipe must not be replaced by a file. */
static int replace_file(const char *path, const char *text, size_t len, struct error *e)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "%s is no ordinary file; '-' writes to standard output", path);
	return file_write(AT_FDCWD, path, 0600, text, len, e);
}

static int write_text(const char *path, const char *text, size_t len, struct error *e)
{
	int r;

	if (strcmp(path, "-") != 0)
		return state_export_force ? replace_file(path, text, len, e) : write_new_file(path, text, len, e);
	r = write_full(STDOUT_FILENO, text, len);
	return r < 0 ? error_errno(e, r, "standard output") : 0;
}

/* One that contradicts itself is exported, too: it has to be mended somewhere. */
static void judge(const char *text, size_t len)
{
	struct cluster c CLEANUP(cluster_freep);
	struct error why = ERROR_INIT;

	cluster_init(&c);
	if (document_parse(text, len, &c, &why) < 0)
		warn("what was exported cannot be used as it is: %s", why.text);
}

int state_export_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct state_report rep;
	char *text = NULL;
	size_t len;
	int r = view_open_area(&v, e);

	(void)argc;
	if (r == 0)
		r = state_area_read(v.area, &text, &len, &rep, e);
	if (r < 0)
		return r;
	if (rep.warning[0])
		warn("%s: %s", v.device, rep.warning);
	r = write_text(argv[0], text, len, e);
	if (r == 0) {
		judge(text, len);
		warn("%s holds the cluster's secret key and the hash of root's password: keep it where nobody else reads it",
		     strcmp(argv[0], "-") == 0 ? "what was written" : argv[0]);
	}
	explicit_bzero(text, len);
	free(text);
	return r;
}
