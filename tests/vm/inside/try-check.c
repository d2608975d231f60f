/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spoils a state area for check.sh, and for what runs there. STATE is its partition. */
#include "base/cleanup.h"
#include "base/file.h"
#include "cluster/document.h"
#include "volmgr/area/area.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* get: the newest document, on standard output. */
static int get(struct state_area *a, const char *file, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = state_area_read(a, &text, &len, NULL, e);

	(void)file;
	return r == 0 && fwrite(text, 1, len, stdout) != len ? error_errno(e, EIO, "standard output") : r;
}

/* put FILE: whatever is in it becomes the newest document, unread. */
static int put(struct state_area *a, const char *file, struct error *e)
{
	cleanup_free char *text = NULL;
	uint64_t generation;
	size_t len;
	int r = file_read(AT_FDCWD, file, DOCUMENT_MAX, &text, &len, e);

	if (r == 0)
		r = area_next_generation(a, -1, 0, &generation, e);
	return r == 0 ? area_write_document(a, generation, text, len, e) : r;
}

/* intend: as a change does before its first LVM command. */
static int intend(struct state_area *a, const char *file, struct error *e)
{
	(void)file;
	return area_intent_write(a, true, e);
}

/* volumes: node 9 has written its volume slot. */
static int volumes(struct state_area *a, const char *file, struct error *e)
{
	(void)file;
	return state_volumes_write(a, 9, "{}", 2, e);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct state_area *a, const char *file, struct error *e);
	} verbs[] = {{"get", get}, {"put", put}, {"intend", intend}, {"volumes", volumes}};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct error e = ERROR_INIT;
	int r = -EINVAL;

	if (argc >= 3)
		r = state_area_open(argv[1], true, &a, &e);
	for (size_t i = 0; a && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verbs[i].name, argv[2]) == 0)
			r = verbs[i].run(a, argc > 3 ? argv[3] : "", &e);
	if (r < 0)
		fprintf(stderr, "try-check: %s\n", e.code ? e.text : "usage: try-check STATE get|put FILE|intend|volumes");
	return r < 0;
}
