/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several nodes on one kernel: preloaded (LD_PRELOAD) into what runs on node AS_NODE (one digit), it gives that node's device-mapper devices names and uuids of their own, "b1re-"
 * for "byre-", so that the node sees its own and no others, as if they were on another machine. Paths lie in /run/mapper, of which each node has its own.
 *
 * It also bears witness: when a pool was made, and another node has one of that name, this is noted in the file AS_NODE_WITNESS. Of two that are made at one time at least one is seen, for
 * each looks after it has made its own.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FOLDER "/run/mapper"

#define REAL(f, name)                                                                                                                      \
	do {                                                                                                                               \
		void *found_ = dlsym(RTLD_NEXT, name);                                                                                     \
		memcpy(&(f), &found_, sizeof(f));                                                                                          \
	} while (0)

static char last_name[128];
static int last_type;

static char self(void)
{
	const char *n = getenv("AS_NODE");

	return n && *n ? *n : 'y';
}

static int (*real_name(void))(struct dm_task *, const char *)
{
	int (*real)(struct dm_task *, const char *);

	REAL(real, "dm_task_set_name");
	return real;
}

/* Where our programs look for the device. */
static void link_path(const char *ours, const char *theirs)
{
	char from[256], to[256];

	snprintf(from, sizeof(from), FOLDER "/%s", ours);
	snprintf(to, sizeof(to), "/dev/mapper/%s", theirs);
	if (symlink(to, from) < 0)
		return; /* it is there already */
}

EXPORT struct dm_task *dm_task_create(int type)
{
	struct dm_task *(*real)(int);

	REAL(real, "dm_task_create");
	last_type = type;
	last_name[0] = '\0';
	return real(type);
}

EXPORT int dm_task_set_name(struct dm_task *t, const char *name)
{
	char own[128];

	snprintf(own, sizeof(own), "%s", name);
	if (strncmp(own, "byre-", 5) == 0) {
		own[1] = self();
		link_path(name, own);
	}
	snprintf(last_name, sizeof(last_name), "%s", own);
	return real_name()(t, own);
}

EXPORT int dm_task_set_uuid(struct dm_task *t, const char *uuid)
{
	int (*real)(struct dm_task *, const char *);
	char own[160];

	REAL(real, "dm_task_set_uuid");
	snprintf(own, sizeof(own), "%s", uuid);
	if (strncmp(own, "BYRE-", 5) == 0)
		own[1] = self();
	return real(t, own);
}

/* What the library gives lies in the task's own memory. */
EXPORT const char *dm_task_get_uuid(const struct dm_task *t)
{
	const char *(*real)(const struct dm_task *);
	const char *uuid;
	char *change;

	REAL(real, "dm_task_get_uuid");
	uuid = real(t);
	memcpy(&change, &uuid, sizeof(change));
	if (change && change[0] == 'B' && change[1] == self() && strncmp(change + 2, "RE-", 3) == 0)
		change[1] = 'Y';
	return uuid;
}

EXPORT struct dm_names *dm_task_get_names(struct dm_task *t)
{
	struct dm_names *(*real)(struct dm_task *);
	struct dm_names *first, *n;

	REAL(real, "dm_task_get_names");
	first = n = real(t);
	for (unsigned next = 1; n && n->dev && next; n = (struct dm_names *)((char *)n + next)) {
		next = n->next;
		if (n->name[0] == 'b' && strncmp(n->name + 2, "re-", 3) == 0)
			n->name[1] = n->name[1] == self() ? 'y' : 'z';
	}
	return first;
}

EXPORT const char *dm_dir(void)
{
	return FOLDER;
}

/* --- the witness --------------------------------------------------------------------------------------------------------- */

static int run_really(struct dm_task *t)
{
	int (*real)(struct dm_task *);

	REAL(real, "dm_task_run");
	return real(t);
}

static int is_there(const char *name)
{
	struct dm_task *(*create)(int);
	struct dm_task *t;
	struct dm_info i;
	int there;

	REAL(create, "dm_task_create");
	t = create(DM_DEVICE_INFO);
	there = t && real_name()(t, name) && run_really(t) && dm_task_get_info(t, &i) && i.exists;
	if (t)
		dm_task_destroy(t);
	return there;
}

static void note(const char *mine, const char *other)
{
	const char *path = getenv("AS_NODE_WITNESS");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	char line[300];
	int n = snprintf(line, sizeof(line), "%s was made while %s was there\n", mine, other);

	if (fd < 0)
		return;
	if (write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static void look_around(const char *made)
{
	char other[128];
	size_t n = strlen(made);

	if (n < 5 || strcmp(made + n - 5, "-pool") != 0)
		return;
	snprintf(other, sizeof(other), "%s", made);
	for (other[1] = '1'; other[1] <= '9'; other[1]++)
		if (other[1] != self() && is_there(other))
			note(made, other);
}

EXPORT int dm_task_run(struct dm_task *t)
{
	int made = last_type == DM_DEVICE_CREATE && last_name[0] == 'b', r;
	char name[sizeof(last_name)];

	memcpy(name, last_name, sizeof(name));
	r = run_really(t);
	if (r && made)
		look_around(name);
	return r;
}
