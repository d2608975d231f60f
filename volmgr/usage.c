/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "compose_look.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int node_status_read(const struct view *v, unsigned number, struct node_status *ret, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = state_status_read(v->area, number, &text, &len, e);

	return r == 0 ? status_parse(text, len, ret, e) : r;
}

/* The kernel knows best, where it has the pool; otherwise what the node has last written. */
void volume_use(const struct view *v, const struct volume *vol, struct volume_use *ret)
{
	struct store_usage usage;
	struct node_status status;
	bool told = vol->node && node_status_read(v, vol->node, &status, NULL) == 0;

	memset(ret, 0, sizeof(*ret));
	ret->node = vol->node ? status_judge(told ? &status : NULL, (uint64_t)time(NULL)) : NODE_UNSEEN;
	ret->here = volume_is_composed(&v->c, vol);
	if (vol->kind != VOLUME_ROOT)
		return;
	if (ret->here && volume_usage(&v->c, vol, &usage, NULL) == 0) {
		ret->known = true;
		ret->used = usage.data_used;
		ret->metadata_used = usage.metadata_used;
	} else if (told && status.root.device[0]) {
		ret->known = true;
		ret->used = status.root.data_used;
		ret->metadata_used = status.root.metadata_used;
	}
}
