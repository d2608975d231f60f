/* SPDX-License-Identifier: GPL-2.0-or-later */
/* volmgr/container/lvm.h on the command line, for volumes.sh. The group is that of a container whose state is published; nothing is published here. */
#include "base/cleanup.h"
#include "base/str.h"
#include "volmgr/compose.h"
#include "volmgr/container/lvm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void show(const char *name, const struct segments *s)
{
	printf("%s %llu:", name, (unsigned long long)segments_extents(s));
	for (size_t i = 0; i < s->n; i++)
		printf(" %u,%u,%u", s->v[i].pv, s->v[i].start, s->v[i].count);
	putchar('\n');
}

static int do_add(const struct lvm_group *g, char **argv, struct error *e)
{
	struct lvm_volume v = {.extents = (uint32_t)strtoul(argv[1], NULL, 10)};
	int r;

	snprintf(v.name, sizeof(v.name), "%s", argv[0]);
	r = lvm_add(g, &v, e);
	if (r == 0)
		show(v.name, &v.segments);
	segments_free(&v.segments);
	return r;
}

static int do_extend(const struct lvm_group *g, char **argv, struct error *e)
{
	struct segments s = {NULL, 0};
	int r = lvm_extend(g, argv[0], (uint32_t)strtoul(argv[1], NULL, 10), &s, e);

	if (r == 0)
		show(argv[0], &s);
	segments_free(&s);
	return r;
}

static int do_remove(const struct lvm_group *g, char **argv, struct error *e)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return lvm_remove(g, (const char *const *)argv, n, e);
}

static int do_list(const struct lvm_group *g, char **argv, struct error *e)
{
	struct lvm_volume *v;
	size_t n;
	int r = lvm_list(g, &v, &n, e);

	(void)argv;
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		show(v[i].name, &v[i].segments);
	lvm_list_free(v, n);
	return 0;
}

/* add-pv DEVICE LV EXTENTS: the LV is then made with both PVs known. */
static int do_add_pv(const struct lvm_group *g, char **argv, struct error *e)
{
	struct cluster c = *g->c;
	struct pv pvs[2] = {g->c->pvs[0]};
	const char *devices[2] = {g->devices[0], argv[0]};
	struct lvm_group two = {&c, devices};
	int r = lvm_add_pv(g, argv[0], &pvs[1], e);

	if (r < 0)
		return r;
	printf("pv %s %llu %u\n", pvs[1].uuid, (unsigned long long)pvs[1].pe_start, pvs[1].extents);
	c.pvs = pvs;
	c.n_pvs = 2;
	r = do_add(&two, argv + 1, e);
	return r == 0 ? do_list(&two, argv, e) : r;
}

static int load(const char *container, struct cluster *c, const char ***ret_pvs, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct container_place place;
	int n = container_find(container, &place, 1, e), r;

	if (n != 1)
		return error_set(e, ENOENT, "%d containers %s", n, container);
	r = state_area_open(place.state, false, &a, e);
	if (r == 0)
		r = state_area_load(a, c, NULL, e);
	return r == 0 ? cluster_pv_paths(c, ret_pvs, e) : r;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int operands;
		int (*run)(const struct lvm_group *g, char **argv, struct error *e);
	} verbs[] = {
		{"add", 2, do_add}, {"extend", 2, do_extend}, {"remove", 1, do_remove}, {"list", 0, do_list}, {"add-pv", 3, do_add_pv},
	};
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	cleanup_free const char **pvs = NULL;
	struct error e = ERROR_INIT;

	cluster_init(&c);
	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(verbs); i++) {
		int r;

		if (strcmp(argv[2], verbs[i].name) != 0 || argc - 3 < verbs[i].operands)
			continue;
		r = load(argv[1], &c, &pvs, &e);
		if (r == 0)
			r = verbs[i].run(&(struct lvm_group){&c, pvs}, argv + 3, &e);
		if (r < 0)
			fprintf(stderr, "try-lvm: %s (%d)\n", e.text, -r);
		return r < 0;
	}
	fprintf(stderr, "usage: try-lvm CONTAINER VERB OPERANDS\n");
	return 2;
}
