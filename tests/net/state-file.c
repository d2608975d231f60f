/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state-file AREA DOCUMENT: publishes a document as the next generation in a state area that is a file, made when it is not there. */
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cluster/document.h"
#include "volmgr/volmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define AREA_SIZE (256ll << 20)

static int make_area(const char *path, const struct cluster *c, struct error *e)
{
	cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 || ftruncate(fd, AREA_SIZE) < 0)
		return error_errno(e, errno, "%s", path);
	return state_area_format(path, c->settings.container_name, c->id, e);
}

/* Whatever the document says, it comes after what readers take now. */
static int newest(struct state_area *a, uint64_t *ret, struct error *e)
{
	struct cluster there CLEANUP(cluster_freep);
	struct state_report rep = {.generation = 0};
	int r;

	cluster_init(&there);
	r = state_area_load(a, &there, &rep, e);
	if (r == 0 || r == -ENODATA)
		*ret = rep.generation;
	return r == -ENODATA ? 0 : r;
}

static int run(int argc, char **argv, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct cluster c CLEANUP(cluster_freep);
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	(void)argc;
	cluster_init(&c);
	r = file_read(AT_FDCWD, argv[1], DOCUMENT_MAX, &text, &len, e);
	if (r == 0)
		r = document_parse(text, len, &c, e);
	if (r == 0)
		r = make_area(argv[0], &c, e);
	if (r == 0)
		r = state_area_open(argv[0], true, &a, e);
	if (r == 0)
		r = newest(a, &c.generation, e);
	if (r == 0)
		r = state_area_publish(a, &c, e);
	if (r == 0)
		printf("%llu\n", (unsigned long long)c.generation);
	return r;
}

int main(int argc, char **argv)
{
	static const struct cli_command commands[] = {
		{"", "AREA DOCUMENT", 2, 2, NULL, run, NULL},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {"state-file", "publishes a document in a state area that is a file", NULL, commands,
						   NULL};

	return cli_main(&program, argc, argv);
}
