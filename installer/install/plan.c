/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/table.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576ull

/* --- the plan -------------------------------------------------------------------------------------------------------------- */

/* A node knows its container by name: it may not be on any other disk either. */
static int check_name(const struct install *in, struct error *e)
{
	struct container_place place;
	int n = container_find(in->settings.container_name, &place, 1, e);

	if (n <= 0)
		return n;
	return error_set(e, EEXIST, "container-name: a container '%s' is on %s already: choose another name", in->settings.container_name,
			 place.disk);
}

/* 1: the container of that name is on our disk, and nowhere else. */
static int find_former(const struct install *in, struct container_place *ret, struct error *e)
{
	int n = container_find(in->settings.container_name, ret, 1, e);

	return n == 1 && strcmp(ret->disk, in->disk) == 0 ? 1 : n < 0 ? n : 0;
}

/* --restart: what an installation left that was cut off goes first, for its room counts as free. */
static int remove_former(struct install *in, struct error *e)
{
	struct container_place place;
	int r = find_former(in, &place, e);

	if (r > 0)
		r = fencing_admit(in, e) < 0 ? -e->code : 1;
	if (r <= 0)
		return r;
	r = container_remove_unfinished(&place, e);
	in->former_touched = r != -EEXIST && r != -EBUSY;
	if (r < 0)
		return r;
	tell("plan: the unfinished container %s on %s was taken away", place.name, place.disk);
	return 0;
}

/* The name is taken: by a cluster, or only by what an installation left that was cut off? */
static int tell_taken(const struct install *in, struct error *e)
{
	struct container_place place;

	if (find_former(in, &place, NULL) == 1 && container_check_unfinished(&place, NULL) == 0)
		error_set(e, EEXIST, "container-name: container '%s' on %s is unfinished: 'byre-install --restart' takes it away",
			  place.name, place.disk);
	return -EEXIST;
}

int step_plan(struct install *in, struct error *e)
{
	struct container_plan *p = &in->plan;
	char a[32], b[32], c[32];
	int r = in->o->restart ? remove_former(in, e) : 0;

	if (r == 0)
		r = disk_inspect(in->disk, &in->info, e);
	if (r == 0)
		r = container_plan(&in->settings, &in->info, in->image_size.bytes, p, e);
	if (r == 0)
		r = check_name(in, e);
	if (r < 0)
		return r == -EEXIST ? tell_taken(in, e) : r;
	tell("plan: disk %s %s %s %s, free segment of %s at %s", in->disk, in->info.vendor, in->info.model,
	     str_bytes(a, sizeof(a), in->info.bytes), str_bytes(b, sizeof(b), p->segment.size), str_bytes(c, sizeof(c), p->segment.start));
	tell("plan: container %s takes %s of %s", in->settings.container_name, str_bytes(a, sizeof(a), p->needed),
	     str_bytes(b, sizeof(b), p->available));
	return 0;
}

/* --- what --dry-run prints: two lists, filled once, shown as tables or as JSON ------------------------------------------------ */

static const struct table_column volume_columns[] = {
	{"VOLUME", "name", TABLE_TEXT},
	{"KIND", "kind", TABLE_TEXT},
	{"SIZE", "size_bytes", TABLE_BYTES},
	{"ON THE SAN", "san_bytes", TABLE_BYTES},
};
static const struct table_column write_columns[] = {
	{"WRITE", "what", TABLE_TEXT},
	{"WHERE", "where", TABLE_TEXT},
	{"ABOUT", "bytes", TABLE_BYTES},
};

static void add_volume(json_t *list, const char *name, const char *kind, uint64_t bytes, uint64_t san)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "name", name, "kind", kind, "size_bytes", (json_int_t)bytes,
					      "san_bytes", (json_int_t)san));
}

static void list_volumes(const struct install *in, json_t *list)
{
	const struct settings *s = &in->settings;
	const struct container_plan *p = &in->plan;
	char name[VOLUME_NAME_SIZE];

	snprintf(name, sizeof(name), "%s@1", s->base_distribution);
	add_volume(list, name, "image", in->image_size.bytes, p->image);
	for (unsigned i = 1; i <= s->number_of_nodes; i++) {
		snprintf(name, sizeof(name), "%s%u.root", s->cluster_hostname, i);
		add_volume(list, name, volume_kind_name(VOLUME_ROOT), s->volume_size * MIB, p->stores / s->number_of_nodes);
	}
	for (unsigned i = 1; i <= s->number_of_nodes && s->swap_size; i++) {
		snprintf(name, sizeof(name), "%s%u.swap", s->cluster_hostname, i);
		add_volume(list, name, volume_kind_name(VOLUME_SWAP), s->swap_size * MIB, p->swap / s->number_of_nodes);
	}
	if (s->shared_size)
		add_volume(list, "shared", volume_kind_name(VOLUME_SHARED), s->shared_size * MIB, p->shared);
}

static void add_write(json_t *list, const char *what, const char *where, uint64_t bytes)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "what", what, "where", where, "bytes", (json_int_t)bytes));
}

static void list_writes(const struct install *in, json_t *list)
{
	const struct settings *s = &in->settings;
	char state[128], pv[128], image[224];

	snprintf(state, sizeof(state), "partition byre-%s-state", s->container_name);
	snprintf(pv, sizeof(pv), "partition byre-%s-pv", s->container_name);
	snprintf(image, sizeof(image), "%s, image %s@1", pv, s->base_distribution);
	add_write(list, in->info.has_table ? "two partitions in the GPT that is there" : "a new GPT with two partitions", in->disk,
		  2 * 34 * 512);
	add_write(list, "layout of the state area", state, 2ull * 4096);
	add_write(list, "LVM label and metadata of the volume group", pv, MIB);
	add_write(list, "a zeroed head for each node's store", pv, s->number_of_nodes * 4096ull);
	add_write(list, "an empty ext4 file system", image, in->image_size.inodes * 256 + in->image_size.journal_mib * MIB);
	add_write(list, "the content of the archive", image, in->content.bytes);
	add_write(list, "the state document", state, 4096 + s->number_of_nodes * 1024ull);
}

/* LIST's members under the columns that bear their names. */
static int print_table(const json_t *list, const struct table_column *columns, size_t n, struct error *e)
{
	struct table *t CLEANUP(table_freep) = table_new(columns, n);
	const json_t *row;
	size_t i;

	if (!t)
		return error_errno(e, ENOMEM, "plan");
	json_array_foreach(list, i, row)
	{
		table_row(t);
		for (size_t k = 0; k < n; k++) {
			const json_t *cell = json_object_get(row, columns[k].key);

			if (columns[k].type == TABLE_TEXT)
				table_text(t, json_string_value(cell));
			else
				table_number(t, (uint64_t)json_integer_value(cell));
		}
	}
	return table_print(t, false, "plan", e);
}

static int print_json(const struct install *in, json_t *volumes, json_t *writes, struct error *e)
{
	const struct container_plan *p = &in->plan;
	json_auto_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:O, s:O}", "container", in->settings.container_name, "disk", in->disk,
				   "segment_start_bytes", (json_int_t)p->segment.start, "segment_size_bytes", (json_int_t)p->segment.size,
				   "needed_bytes", (json_int_t)p->needed, "available_bytes", (json_int_t)p->available, "volumes", volumes,
				   "writes", writes);
	cleanup_free char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;

	if (!text)
		return error_errno(e, ENOMEM, "plan");
	return puts(text) < 0 ? error_errno(e, errno, "standard output") : 0;
}

int plan_print(const struct install *in, struct error *e)
{
	json_auto_t *volumes = json_array(), *writes = json_array();
	int r;

	if (!volumes || !writes)
		return error_errno(e, ENOMEM, "plan");
	list_volumes(in, volumes);
	list_writes(in, writes);
	if (in->o->json)
		return print_json(in, volumes, writes, e);
	r = print_table(volumes, volume_columns, ARRAY_SIZE(volume_columns), e);
	if (r == 0 && puts("") < 0)
		r = error_errno(e, errno, "standard output");
	return r < 0 ? r : print_table(writes, write_columns, ARRAY_SIZE(write_columns), e);
}
