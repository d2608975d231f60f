/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For moving.sh.
 *	freeze VOLUME			and unfreeze it, as store.h has it; the container is CONTAINER
 *	write DEVICE NODE LOG		as use does, again and again, until it is killed
 *	use DEVICE NODE LOG...		DEVICE has a record in each block, one after another, number and node; LOGs tell which were acknowledged. All of them
 *					have to be there. One more is written, and when it is on the disk, noted in the first LOG.
 */
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/str.h"
#include "volmgr/compose.h"
#include "volmgr/dm/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096

/* --- freezing ------------------------------------------------------------------------------------------------------------ */

static int freeze(const char *name, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct container_place place;
	struct store_moment m;
	const struct volume *v;
	char path[256];
	int r;

	cluster_init(&c);
	r = container_find_one(getenv("CONTAINER"), &place, e);
	if (r == 0)
		r = state_area_open(place.state, false, &a, e);
	if (r == 0)
		r = state_area_load(a, &c, NULL, e);
	v = r == 0 ? cluster_volume(&c, name) : NULL;
	if (r == 0 && !v)
		return error_set(e, ENOENT, "no volume %s", name);
	if (r == 0)
		r = store_freeze(&c, v, &m, path, e);
	return r == 0 ? store_unfreeze(&c, v, &m, e) : r;
}

/* --- records ------------------------------------------------------------------------------------------------------------- */

struct record {
	char magic[8];
	uint32_t number, node, crc;
};

static struct record record_make(uint32_t number, uint32_t node)
{
	struct record r = {.magic = "moving", .number = number, .node = node};

	r.crc = crc32c(0, &r, offsetof(struct record, crc));
	return r;
}

/* Nodes of the records that are there, in order. */
static int read_records(int fd, unsigned char *block, uint32_t **ret, uint32_t *ret_n, struct error *e)
{
	cleanup_free uint32_t *nodes = NULL;
	struct record got, want;
	uint32_t n = 0;

	for (;; n++) {
		uint32_t *more = realloc(nodes, (n + 1) * sizeof(*nodes));
		int r = more ? pread_full(fd, block, BLOCK, (uint64_t)n * BLOCK) : -ENOMEM;

		nodes = more ? more : nodes;
		if (r < 0)
			return error_errno(e, r, "record %u", n);
		memcpy(&got, block, sizeof(got));
		want = record_make(n, got.node);
		if (memcmp(&got, &want, sizeof(got)) != 0)
			break;
		nodes[n] = got.node;
	}
	*ret = steal_ptr(nodes);
	*ret_n = n;
	return 0;
}

static int check_log(const char *path, const uint32_t *nodes, uint32_t n, struct error *e)
{
	cleanup_file FILE *f = fopen(path, "re");
	unsigned number, node;

	while (f && fscanf(f, "%u %u", &number, &node) == 2) {
		if (number >= n)
			return error_set(e, EUCLEAN, "record %u of node %u was acknowledged, and is lost: there are %u", number, node, n);
		if (nodes[number] != node)
			return error_set(e, EUCLEAN, "record %u was acknowledged to node %u, and is node %u's", number, node, nodes[number]);
	}
	return 0;
}

static int acknowledge(const char *path, uint32_t number, unsigned node, struct error *e)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	char line[32];
	int n = snprintf(line, sizeof(line), "%u %u\n", number, node);

	return fd < 0 || write(fd, line, (size_t)n) != n ? error_errno(e, errno, "%s", path) : 0;
}

static int write_record(int fd, unsigned char *block, uint32_t n, unsigned node, struct error *e)
{
	struct record record = record_make(n, node);

	memset(block, 0, BLOCK);
	memcpy(block, &record, sizeof(record));
	if (pwrite_full(fd, block, BLOCK, (uint64_t)n * BLOCK) < 0 || fdatasync(fd) < 0)
		return error_errno(e, errno, "record %u", n);
	return 0;
}

static int use(const char *device, const char *who, char **logs, bool for_ever, struct error *e)
{
	cleanup_free unsigned char *block = aligned_alloc(BLOCK, BLOCK);
	cleanup_fd int fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	cleanup_free uint32_t *nodes = NULL;
	unsigned node;
	uint32_t n = 0;
	int r;

	if (fd < 0 || !block || str_to_uint(who, 1, 9, &node) < 0)
		return error_errno(e, fd < 0 ? errno : EINVAL, "%s", device);
	r = read_records(fd, block, &nodes, &n, e);
	for (size_t i = 0; logs[i] && r == 0; i++)
		r = check_log(logs[i], nodes, n, e);
	do {
		if (r == 0)
			r = write_record(fd, block, n, node, e);
		if (r == 0)
			r = acknowledge(logs[0], n++, node, e);
	} while (r == 0 && for_ever);
	return r;
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;
	int r;

	if (argc == 3 && strcmp(argv[1], "freeze") == 0)
		r = freeze(argv[2], &e);
	else if (argc >= 5 && strcmp(argv[1], "use") == 0)
		r = use(argv[2], argv[3], argv + 4, false, &e);
	else if (argc == 5 && strcmp(argv[1], "write") == 0)
		r = use(argv[2], argv[3], argv + 4, true, &e);
	else
		return 2;
	if (r < 0)
		fprintf(stderr, "try-moving: %s\n", e.text);
	return r < 0;
}
