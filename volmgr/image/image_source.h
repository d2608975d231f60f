/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What image_make.h's files share. */
#ifndef BYRE_VOLMGR_IMAGE_SOURCE_H
#define BYRE_VOLMGR_IMAGE_SOURCE_H

#include "volmgr/image_make.h"
#include "image_sniff.h"

#include <limits.h>

enum source_kind { SOURCE_FILE, SOURCE_OCI, SOURCE_TREE };

/* One tar archive: the file itself, or a layer. */
struct source_part {
	int fd;
	enum sniff_packing packing;
	uint64_t bytes;  /* of the file */
	char sha256[65]; /* that it must have; "": none is known */
};

struct image_source {
	enum source_kind kind;
	char path[PATH_MAX]; /* for messages, and for programs that want one */
	char name[64];
	struct sniffed sniffed;    /* of a FILE */
	struct source_part *parts; /* from below; a FILE has one */
	size_t n_parts;
	int names; /* of a TREE: memory file with the paths to be taken, each ended by NUL; -1 */
	struct image_content content;
	bool measured;
};

/* Opens PATH below the folder DIR (a regular file) and puts it behind the parts. -EINVAL: it has another length than BYTES (UINT64_MAX: any). */
int source_add_part(struct image_source *s, int dir, const char *path, uint64_t bytes, const char *sha256, struct error *e);

/* image_layout.c: the layers of the OCI image layout in folder DIR; its documents are checked, the layers not yet. */
int source_open_layout(struct image_source *s, int dir, struct error *e);

/* capture.c: lists a TREE's files, and what they take. */
int source_list_tree(struct image_source *s, struct error *e);

/* image_qcow2.c: whether it is whole; and the disk that is in it, onto DEVICE, which reads as zeros. */
int qcow2_check(const struct image_source *s, struct error *e);
int qcow2_write(const struct image_source *s, const char *device, const struct image_job *job, struct error *e);

/* SHA-256 of the first BYTES that FD reads; WHAT is for messages. */
int image_hash_fd(int fd, uint64_t bytes, const char *what, const struct image_job *job, char ret[65], struct error *e);

/* job->progress and job->go_on, where they are there. */
int job_at(const struct image_job *job, const char *what, uint64_t done, uint64_t total, struct error *e);
/* One program, for as long as JOB goes on; RET_OUTPUT as in pipeline_run. */
int job_run(const char *const *argv, const struct image_job *job, int *ret_output, struct error *e);

/* --- image_tar.c ------------------------------------------------------------------------------------------------------------ */

/* Adds to s->content what PART holds. */
int tar_measure(struct image_source *s, const struct source_part *part, const struct image_job *job, struct error *e);
/* Unpacks all parts into the file system mounted at ROOT, from below. For tar ROOT is the root: no link leads out of it. */
int tar_unpack(const struct image_source *s, const char *root, const struct image_job *job, struct error *e);
/* The same with the files of a TREE. */
int tar_copy_tree(const struct image_source *s, const char *root, const struct image_job *job, struct error *e);

#endif
