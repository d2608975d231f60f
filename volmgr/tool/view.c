/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container that a command is about, as it is now. */
#include "tool.h"

#include "base/cleanup.h"
#include "volmgr/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOUND 16

static int several(const struct container_place *found, size_t n, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;

	for (size_t i = 0; i < n && i < MAX_FOUND; i++)
		buf_printf(&b, "%s%s on %s", i ? ", " : "", found[i].name, found[i].disk);
	return error_set(e, ENOTUNIQ, "several containers are here (%.400s): name one with --container, or its partition with --state",
			 buf_str(&b));
}

static int find_place(struct container_place *ret, struct error *e)
{
	struct container_place found[MAX_FOUND];
	char booted[NAME_SIZE];
	const char *name = options.container;
	int n;

	if (!name) {
		booted_container(booted);
		name = booted;
	}
	n = container_find(name, found, MAX_FOUND, e);
	if (n < 0)
		return n;
	if (n == 0)
		return container_find_one(name, ret, e);
	if (n > 1)
		return several(found, (size_t)n, e);
	*ret = found[0];
	return 0;
}

int view_open_area(struct view *v, struct error *e)
{
	int r = 0;

	memset(v, 0, sizeof(*v));
	cluster_init(&v->c);
	v->device = options.state;
	if (!v->device) {
		r = find_place(&v->place, e);
		v->device = v->place.state;
	}
	return r == 0 ? state_area_open(v->device, false, &v->area, e) : r;
}

int view_load(struct view *v, struct error *e)
{
	int r = state_area_load(v->area, &v->c, &v->report, e);

	if (r == 0 && v->report.warning[0])
		warn("%s: %s", v->device, v->report.warning);
	return r;
}

int view_open(struct view *v, struct error *e)
{
	int r = view_open_area(v, e);

	if (r == 0)
		r = view_load(v, e);
	if (r == 0 && cluster_pv_paths(&v->c, &v->pvs, &v->no_pvs) < 0)
		v->pvs = NULL;
	uses_begin(&v->uses, v->area, &v->c);
	return r;
}

void view_close(struct view *v)
{
	if (v->uses.c)
		uses_end(&v->uses);
	state_area_close(v->area);
	cluster_free(&v->c);
	free(v->pvs);
	memset(v, 0, sizeof(*v));
}

int view_need_pvs(const struct view *v, struct error *e)
{
	return v->pvs ? 0 : error_set(e, v->no_pvs.code, "%s", v->no_pvs.text);
}

int view_node(const struct view *v, const char *text, const struct node **ret, struct error *e)
{
	*ret = cluster_node_called(&v->c, text);
	return *ret ? 0 : error_set(e, ENOENT, "there is no node '%.80s'", text);
}
