/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "compose_look.h"
#include "image_source.h"
#include "pipeline.h"
#include "volmgr/volmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <string.h>

#define CHUNK        (1024 * 1024)
#define SHA256_BYTES 32

int image_open_new(const struct cluster *c, const struct image *i, char ret_path[256], struct error *e)
{
	cleanup_free const char **pvs = NULL;
	int r = cluster_pv_paths(c, &pvs, e);

	if (r == 0)
		r = image_compose_writable(c, i, pvs, ret_path, e);
	if (r < 0)
		error_wrap(e, "image %s@%u", i->name, i->version);
	return r;
}

static void freep_digest(gcry_md_hd_t *h)
{
	gcry_md_close(*h);
}

static int digest_open(gcry_md_hd_t *ret, struct error *e)
{
	if (!gcry_check_version(GCRYPT_VERSION))
		return error_set(e, EIO, "libgcrypt is older than the one this was built with");
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	return gcry_md_open(ret, GCRY_MD_SHA256, 0) == 0 ? 0 : error_set(e, ENOMEM, "SHA-256 does not start");
}

static int go_on(void *data, struct error *e)
{
	const struct image_job *job = data;

	return job && job->go_on ? job->go_on(job->data, e) : 0;
}

int job_at(const struct image_job *job, const char *what, uint64_t done, uint64_t total, struct error *e)
{
	if (job && job->progress)
		job->progress(what, done, total, job->data);
	return go_on((void *)(uintptr_t)job, e);
}

int job_run(const char *const *argv, const struct image_job *job, int *ret_output, struct error *e)
{
	const struct pipeline p = {.stages = {{.argv = argv}}, .n = 1, .input = -1, .tick = go_on, .data = (void *)(uintptr_t)job};

	return pipeline_run(&p, ret_output, e);
}

int image_hash_fd(int fd, uint64_t bytes, const char *what, const struct image_job *job, char ret[65], struct error *e)
{
	cleanup_free unsigned char *chunk = aligned_alloc(4096, CHUNK);
	gcry_md_hd_t s CLEANUP(freep_digest) = NULL;
	int r = chunk ? digest_open(&s, e) : error_errno(e, ENOMEM, "%s", what);

	for (uint64_t at = 0; at < bytes && r == 0;) {
		size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;

		r = pread_full(fd, chunk, n, at);
		if (r < 0)
			return error_errno(e, r, "%s: reading at %llu", what, (unsigned long long)at);
		gcry_md_write(s, chunk, n);
		at += n;
		r = job_at(job, "checksum", at, bytes, e);
	}
	if (r < 0)
		return r;
	str_hex(ret, gcry_md_read(s, GCRY_MD_SHA256), SHA256_BYTES);
	return 0;
}

/* Composes the image read-only, reads it, and takes away again what was not there before. */
static int hash_image(const struct cluster *c, const struct image *i, volmgr_progress_fn *progress, void *data, char ret[65],
		      struct error *e)
{
	const struct image_job job = {.progress = progress, .data = data};
	cleanup_free const char **pvs = NULL;
	cleanup_fd int fd = -1;
	char path[256];
	bool was_there = image_is_composed(c, i);
	int r = cluster_pv_paths(c, &pvs, e);

	if (r == 0)
		r = image_compose(c, i, pvs, path, e);
	if (r < 0)
		return r;
	fd = area_file_open(path, false); /* past the page cache: what counts is what the SAN holds */
	r = fd < 0 ? error_errno(e, fd, "%s", path) : image_hash_fd(fd, i->bytes, path, &job, ret, e);
	cleanup_fdp(&fd);
	fd = -1;
	if (!was_there)
		image_release(c, i, NULL);
	return r;
}

static int flush_writable(const struct cluster *c, const struct image *i, struct error *e)
{
	char path[256];
	cleanup_fd int fd = -1;
	int r = image_open_new(c, i, path, e);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return error_errno(e, errno, "%s: flushing", path);
	return 0;
}

int image_seal(const struct cluster *c, struct image *i, volmgr_progress_fn *progress, void *data, struct error *e)
{
	char sum[65];
	int r = flush_writable(c, i, e);

	if (r == 0)
		r = image_release_writable(c, i, e);
	if (r == 0)
		r = hash_image(c, i, progress, data, sum, e);
	if (r < 0)
		return error_wrap(e, "sealing image %s@%u", i->name, i->version);
	memcpy(i->sha256, sum, sizeof(sum));
	return 0;
}

int image_verify(const struct cluster *c, const struct image *i, volmgr_progress_fn *progress, void *data, struct error *e)
{
	char sum[65];
	int r = hash_image(c, i, progress, data, sum, e);

	if (r < 0)
		return r;
	if (strcmp(sum, i->sha256) != 0)
		return error_set(e, EUCLEAN,
				 "image %s@%u: its bytes have sha256 %s, the state says %s: it was written to, or the SAN lost data",
				 i->name, i->version, sum, i->sha256);
	return 0;
}
