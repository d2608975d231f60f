/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "use.h"

#include "base/cleanup.h"
#include "compose_look.h"
#include "volmgr/change.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* --- judging ------------------------------------------------------------------------------------------------------------------ */

static bool is_fresh(const struct volume_status *t, uint64_t now)
{
	return (now > t->written ? now - t->written : t->written - now) <= VOLUME_STATUS_FRESH;
}

/* A node that is up has its root, its swap and what is shared composed, whatever its volmgrd tells. */
static bool is_owned(const struct volume *v, unsigned node)
{
	return v->kind == VOLUME_SHARED || (v->kind != VOLUME_DISK && v->node == node);
}

/* Only what is thin is in the list; a node that has its root composed has the rest of what it owns, too. */
static bool is_listed(const struct volume *v, unsigned node, const struct volume *root, const struct volume_status *t)
{
	if (!volume_is_thin(v))
		v = is_owned(v, node) ? root : NULL;
	if (!t || t->leaving || !v)
		return false;
	return volume_status_find(t, v->name) || (t->more && v->node == node);
}

enum use_kind use_judge(const struct volume *v, unsigned node, const struct volume *root, const struct node_status *s, const struct volume_status *t, uint64_t now)
{
	enum node_state state = status_judge(s, now);
	bool listed = is_listed(v, node, root, t);

	/* Metamaster says that the node leaves some time before its last write; volmgrd lives until then. */
	if (listed && is_fresh(t, now))
		return state == NODE_LEFT ? USE_ENDING : USE_THERE;
	if (!listed && !is_owned(v, node))
		return USE_NONE;
	switch (state) {
	case NODE_UP:
		return USE_THERE;
	case NODE_SILENT:
		return USE_SILENT;
	case NODE_LEFT: /* what was told after that was never taken back */
		return listed && t->written > s->written ? USE_SILENT : USE_NONE;
	default:
		return listed ? USE_SILENT : USE_NONE;
	}
}

int use_refuse(const struct cluster *c, const struct volume *v, const struct use *use, struct error *e)
{
	const struct node *n = cluster_node(c, use->node);
	const char *name = n ? n->name : "its node";

	switch (use->kind) {
	case USE_NONE:
		return 0;
	case USE_HERE:
		return error_set(e, EBUSY, "volume %s is in use on this machine%s%s", v->name,
				 v->kind == VOLUME_DISK ? ": volmgr detach " : "", v->kind == VOLUME_DISK ? v->name : "");
	case USE_HELD:
		return error_set(e, EBUSY, "volume %s is held by node %u: volmgr give %s there first", v->name, use->node, v->name);
	case USE_SILENT:
		return error_set(e, EBUSY, "volume %s: %s is silent, but did not shut down: make sure that it is off", v->name, name);
	case USE_ENDING:
		return error_set(e, EBUSY, "volume %s: %s is shutting down or starting, and has it: wait until it is off", v->name, name);
	case USE_THERE:
		break;
	}
	if (v->kind == VOLUME_DISK)
		return error_set(e, EBUSY, "volume %s is in use on %s: volmgr detach %s there, then volmgr give %s", v->name, name, v->name,
				 v->name);
	return error_set(e, EBUSY, "volume %s: %s is up: shut it down first", v->name, name);
}

/* --- asking ------------------------------------------------------------------------------------------------------------------- */

struct told {
	struct node_status status;
	struct volume_status volumes;
};

struct heard {
	struct told *told;                   /* NULL = not asked yet */
	const struct node_status *status;    /* NULL = nothing */
	const struct volume_status *volumes; /* NULL = nothing */
};

void uses_begin(struct uses *u, struct state_area *a, const struct cluster *c)
{
	*u = (struct uses){.area = a, .c = c, .self = this_node(), .now = (uint64_t)time(NULL)};
}

void uses_end(struct uses *u)
{
	for (size_t i = 0; u->v && i < u->c->n_nodes; i++)
		free(u->v[i].told);
	free(u->v);
	u->v = NULL;
}

/* What is torn or written by nobody tells nothing. */
static int listen_to(struct uses *u, unsigned node, struct heard *ret, struct error *e)
{
	cleanup_free struct told *told = malloc(sizeof(*told));
	struct heard h = {0};
	int r;

	if (!told)
		return error_errno(e, ENOMEM, "nodes");
	r = node_status_read(u->area, node, &told->status, e);
	if (r == 0)
		h.status = &told->status;
	if (r < 0 && r != -ENODATA)
		return r;
	r = volume_status_read(u->area, node, &told->volumes, e);
	if (r == 0)
		h.volumes = &told->volumes;
	if (r < 0 && r != -ENODATA)
		return r;
	h.told = steal_ptr(told);
	*ret = h;
	return 0;
}

static int ask(struct uses *u, size_t i, const struct heard **ret, struct error *e)
{
	struct heard *h;

	if (!u->v)
		u->v = calloc(u->c->n_nodes, sizeof(*u->v));
	if (!u->v)
		return error_errno(e, ENOMEM, "nodes");
	h = &u->v[i];
	*ret = h;
	return h->told ? 0 : listen_to(u, u->c->nodes[i].number, h, e);
}

int uses_find_by(struct uses *u, const struct volume *v, unsigned node, enum use_kind *ret, struct error *e)
{
	const struct heard *h = NULL;
	int r;

	*ret = USE_NONE;
	for (size_t i = 0; i < u->c->n_nodes; i++) {
		if (u->c->nodes[i].number != node)
			continue;
		r = ask(u, i, &h, e);
		if (r < 0)
			return r;
		*ret = use_judge(v, node, cluster_node_volume(u->c, node, VOLUME_ROOT), h->status, h->volumes, u->now);
	}
	return 0;
}

int uses_find(struct uses *u, const struct volume *v, struct use *ret, struct error *e)
{
	struct use use = {USE_NONE, 0};

	if (volume_may_write(u->c, v)) {
		*ret = (struct use){USE_HERE, 0};
		return 0;
	}
	if (v->kind == VOLUME_DISK && v->node)
		use = (struct use){USE_HELD, v->node};
	for (size_t i = 0; i < u->c->n_nodes; i++) {
		unsigned node = u->c->nodes[i].number;
		enum use_kind kind;
		int r;

		if (node == u->self || (v->kind != VOLUME_SHARED && v->kind != VOLUME_DISK && node != v->node))
			continue;
		r = uses_find_by(u, v, node, &kind, e);
		if (r < 0)
			return r;
		if (kind > use.kind)
			use = (struct use){kind, node};
	}
	*ret = use;
	return 0;
}
