/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that change volumes share: the change, the volumes that its operands name, and telling what was done. */
#ifndef BYRE_VOLMGR_EDIT_H
#define BYRE_VOLMGR_EDIT_H

#include "base/buf.h"
#include "volmgr/volumes.h"

struct edit {
	struct change *ch;
	const char **names; /* of volumes; they live as long as the state's own, so until it is edited, and after it */
	char (*copies)[VOLUME_NAME_SIZE];
	size_t n;
	struct buf told; /* what goes to standard output in the end */
};

/* Takes the lease for "volmgr VERB OPERANDS…". */
int edit_begin(struct edit *ed, const char *verb, int argc, char **argv, struct error *e);
void edit_end(struct edit *ed);
#define cleanup_edit CLEANUP(edit_end)

/* Sets names: each operand is a volume's name, or a node's name or number, which stands for its root. -ENOENT. */
int edit_names(struct edit *ed, int argc, char **argv, struct error *e);

/* The node that a root is of, by name; else the volume. */
const char *edit_title(const struct edit *ed, const struct volume *v);

/* Publishes, then prints what was told; with --json the volumes of names as they are now. */
int edit_publish(struct edit *ed, struct error *e);

/* "128" as MiB into bytes. */
int edit_mib(const char *text, const char *what, uint64_t *ret, struct error *e);

#endif
