/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "compose_look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* As its volmgrd tells, or else, of a root, its metamaster. */
static void use_told(const struct view *v, const struct volume *vol, const struct node_status *status, struct volume_use *ret)
{
	struct volume_status stores;
	const struct store_status *s = volume_status_read(v->area, vol->node, &stores, NULL) == 0 ? volume_status_find(&stores, vol->name) : NULL;

	if (s) {
		ret->known = true;
		ret->used = s->data_used;
		ret->metadata_used = s->metadata_used;
		ret->short_since = s->short_since;
		ret->full = s->full;
	}
	if (status && status->root.device[0] && vol->kind == VOLUME_ROOT) {
		ret->known = true;
		ret->used = status->root.data_used;
		ret->metadata_used = status->root.metadata_used;
	}
}

/* The kernel knows best, where it has the pool; otherwise what the node has last written. */
void volume_use(struct view *v, const struct volume *vol, struct volume_use *ret)
{
	struct store_usage usage;
	struct node_status status;
	bool told = vol->node && node_status_read(v->area, vol->node, &status, NULL) == 0;

	memset(ret, 0, sizeof(*ret));
	if (uses_find(&v->uses, vol, &ret->use, NULL) < 0)
		ret->use = (struct use){USE_NONE, 0};
	ret->here = volume_is_composed(&v->c, vol);
	if (!volume_is_thin(vol))
		return;
	if (vol->node)
		use_told(v, vol, told ? &status : NULL, ret);
	if (ret->here && volume_usage(&v->c, vol, &usage, NULL) == 0) {
		ret->known = true;
		ret->used = usage.data_used;
		ret->metadata_used = usage.metadata_used;
		ret->full = usage.out_of_data;
	}
}

const char *use_place(const struct view *v, const struct volume_use *use, char ret[USE_PLACE_SIZE])
{
	static const char *const doubts[] = {[USE_SILENT] = " (silent)", [USE_ENDING] = " (shutting down or starting)", [USE_THERE] = ""};
	const struct node *n = cluster_node(&v->c, use->use.node);

	if (n && use->use.kind > USE_HELD && use->use.kind != USE_HERE)
		snprintf(ret, USE_PLACE_SIZE, "%s%s", n->name, doubts[use->use.kind]);
	else if (use->here)
		snprintf(ret, USE_PLACE_SIZE, "here");
	else
		return NULL;
	return ret;
}
