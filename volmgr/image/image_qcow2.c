/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images, read by qemu-img(1): the very file that was looked at, by our descriptor of it, and nothing behind it, whatever the file says of others by the time
 * that it is read.
 */
#include "image_source.h"

#include "base/cleanup.h"
#include "base/spawn.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define LEAKS_ONLY 3            /* exit status of qemu-img check: space that nothing uses */
#define MAP_MAX    (64u << 20) /* bytes: half a million extents */

typedef char qcow2_name[160];

/* How QEMU is told (docs/interop, blockdev-add): "backing": null takes the place of any other file that stands in the header. */
static const char *name_source(const struct image_source *s, qcow2_name ret)
{
	snprintf(ret, sizeof(qcow2_name),
		 "json:{\"driver\": \"qcow2\", \"backing\": null, \"file\": {\"driver\": \"file\", \"filename\": \"/proc/%d/fd/%d\"}}",
		 (int)getpid(), s->parts[0].fd);
	return ret;
}

/* Where in the file the last data lie, by what `qemu-img map` prints; packed clusters are not told of, but cannot be unpacked either when a part is missing. */
static int data_end(const char *text, uint64_t *ret, struct error *e)
{
	json_auto_t *found = json_loads(text, 0, NULL);
	const json_t *extent;
	size_t i;

	*ret = 0;
	if (!found)
		return error_set(e, EPROTO, "qemu-img map: what it prints is no JSON");
	json_array_foreach(found, i, extent)
	{
		uint64_t end = (uint64_t)json_integer_value(json_object_get(extent, "offset")) +
			       (uint64_t)json_integer_value(json_object_get(extent, "length"));

		if (json_is_true(json_object_get(extent, "data")) && json_object_get(extent, "offset") && end > *ret)
			*ret = end;
	}
	return 0;
}

/* What is beyond the end of the file would be read as zeros. qemu-img check minds only where whole clusters are missing. */
static int check_end(const struct image_source *s, struct error *e)
{
	cleanup_free char *text = NULL;
	qcow2_name name;
	const char *argv[] = {"qemu-img", "map", "--output=json", name_source(s, name), NULL};
	const struct spawn sp = {.argv = argv, .max_output = MAP_MAX, .with_parent = true};
	uint64_t end;
	int r = spawn_run(&sp, &text, NULL, e);

	if (r == 0)
		r = data_end(text, &end, e);
	if (r < 0)
		return r;
	if (end > s->parts[0].bytes)
		return error_set(e, EINVAL, "a qcow2 image that is cut short: its data reach to %llu and it has %llu bytes", (unsigned long long)end,
				 (unsigned long long)s->parts[0].bytes);
	return 0;
}

/* What hides in a damaged one would be read as zeros, too. Leaks of space harm nobody. */
int qcow2_check(const struct image_source *s, struct error *e)
{
	qcow2_name name;
	const char *argv[] = {"qemu-img", "check", "-q", name_source(s, name), NULL};
	const struct spawn sp = {.argv = argv, .with_parent = true};
	int status = 0, r = spawn_run(&sp, NULL, &status, e);

	if (r == -ENOENT)
		return error_set(e, ENOENT,
				 "a qcow2 image needs the program qemu-img here: install qemu-utils, or convert it to raw elsewhere");
	if (r < 0 && status != LEAKS_ONLY)
		return r;
	if (r < 0)
		error_clear(e);
	return check_end(s, e);
}

int qcow2_write(const struct image_source *s, const char *device, const struct image_job *job, struct error *e)
{
	qcow2_name name;
	const char *argv[] = {"qemu-img", "convert", "-n", "--target-is-zero", "-O", "raw", name_source(s, name), device, NULL};

	return job_run(argv, job, NULL, e);
}
