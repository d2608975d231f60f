/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may compose a disk: its holder, and nobody else, whatever dies. */
#include "volmgr/volumes.h"

#include "base/cleanup.h"
#include "volmgr/fence.h"
#include "layout.h"
#include "lockspace.h"
#include "use.h"
#include "volmgr/control.h"
#include "volmgr/lease.h"

#include <errno.h>

struct place {
	char device[64];
	struct lease_place lease;
};

static int find_place(const struct change *ch, struct place *ret, struct error *e)
{
	int r = control_path(ch->place.state, ret->device, e);

	ret->lease = (struct lease_place){ret->device, &ch->c};
	return r;
}

/* A node's record in the lockspace, from the SAN: what this machine's daemon knows may be older, or nothing as yet. */
static int read_host(const struct place *p, unsigned node, struct lease_record *ret, struct error *e)
{
	int r = lockspace_record(p->device, LAYOUT_LOCKSPACE, LEASE_RECORD_HOST, ret, e);

	return r == 0 ? lockspace_record(p->device, LAYOUT_LOCKSPACE + (uint64_t)(node - 1) * ret->sector, LEASE_RECORD_HOST, ret, e) : r;
}

/*
 * Whether the holder of V surely writes it no more: it left the lockspace, which a node does when it has composed no disk any more (holding.h); or it is fenced now. One
 * whose host lease has merely run out may be cut off from the SAN, with writes that wait to come through; one that joined anew may have done so after such a time, with the disk
 * composed all along.
 */
static int check_gone(struct change *ch, const struct place *p, const struct volume *v, struct error *e)
{
	struct host h = {.state = HOST_UNKNOWN};
	struct error why = ERROR_INIT;
	struct lease_record record;
	int r = read_host(p, v->node, &record, e);

	if (r < 0)
		return error_wrap(e, "volume %s is held by node %u, of which nothing can be told", v->name, v->node);
	if (record.timestamp == 0)
		return 0;
	lease_host(&p->lease, v->node, &h, NULL);
	if (h.state == HOST_LIVE)
		return error_set(e, EBUSY, "volume %s is held by node %u, which lives: volmgr give %s there first", v->name, v->node,
				 v->name);
	if (h.state != HOST_FAILING && h.state != HOST_DEAD)
		return error_set(e, EBUSY,
				 "volume %s is held by node %u, of which this machine does not know yet whether it lives: try again in a minute",
				 v->name, v->node);
	r = ch->pvs ? fence_node(&ch->c, ch->pvs, v->node, &why) : -EOPNOTSUPP;
	if (r == 0)
		ch->fenced = v->node;
	if (r == 0 || r == -EKEYREJECTED)
		return r == 0 ? 0 : error_set(e, EKEYREJECTED, "%s", why.text);
	return error_set(e, EBUSY, "volume %s is held by node %u, which did not shut down (%s)%s%s: make sure that it is off, then say --force",
			 v->name, v->node, host_state_name(h.state), r == -EOPNOTSUPP ? " and cannot be fenced here" : "; ",
			 r == -EOPNOTSUPP ? "" : why.text);
}

/* The generation of NODE's host lease. This machine holds the cluster's lease, whose record has that of its own. */
static int read_incarnation(const struct change *ch, const struct place *p, unsigned node, uint64_t *ret, struct error *e)
{
	struct lease_record own;
	struct host h;
	int r = lockspace_record(p->device, LAYOUT_RESOURCES, LEASE_RECORD_RESOURCE, &own, e);

	if (r == 0 && node == ch->node && own.host == node) {
		*ret = own.generation;
		return 0;
	}
	if (r == 0)
		r = lease_host(&p->lease, node, &h, e);
	if (r < 0)
		return r;
	if (h.state != HOST_LIVE)
		return error_set(e, EINVAL, "node %u is %s: only one that lives and has joined the lockspace can take a disk", node,
				 host_state_name(h.state));
	*ret = h.generation;
	return 0;
}

/*
 * Nobody but NODE tells that it has V composed: neither a holder that was made to leave the lockspace by hand, nor one from which V was taken by force although it lived. What was told
 * long ago does not count: of the holder the lockspace knows more.
 */
static int check_untold(const struct change *ch, const struct volume *v, unsigned node, struct error *e)
{
	struct uses u CLEANUP(uses_end);
	int r = 0;

	uses_begin(&u, ch->area, &ch->c);
	for (size_t i = 0; i < ch->c.n_nodes && r == 0; i++) {
		struct use use = {USE_NONE, ch->c.nodes[i].number};

		if (use.node == node || use.node == ch->fenced)
			continue;
		r = uses_find_by(&u, v, use.node, &use.kind, e);
		if (r == 0 && use.kind >= USE_ENDING)
			r = use_refuse(&ch->c, v, &use, e);
	}
	return r;
}

static int find_disk(const struct change *ch, const char *name, struct volume **ret, struct error *e)
{
	*ret = cluster_volume(&ch->c, name);
	if (!*ret)
		return error_set(e, ENOENT, "there is no volume %.130s: see volmgr list", name);
	if ((*ret)->kind != VOLUME_DISK)
		return error_set(e, EINVAL, "volume %s: only disks are taken and given, it is %s", name, volume_kind_name((*ret)->kind));
	return 0;
}

int volume_take(struct change *ch, const char *name, unsigned node, bool force, struct error *e)
{
	uint64_t incarnation = 0;
	struct volume *v;
	struct place p;
	int r = find_disk(ch, name, &v, e);

	if (r == 0 && !cluster_node(&ch->c, node))
		r = error_set(e, ENOENT, "there is no node %u", node);
	if (r == 0)
		r = find_place(ch, &p, e);
	if (r == 0)
		r = read_incarnation(ch, &p, node, &incarnation, e);
	if (r == 0 && v->node && v->node != node && !force)
		r = check_gone(ch, &p, v, e);
	if (r == 0 && !force)
		r = check_untold(ch, v, node, e);
	if (r < 0)
		return r;
	v->node = node;
	v->incarnation = incarnation;
	return 0;
}

int volume_give(struct change *ch, const char *name, unsigned node, struct error *e)
{
	struct volume *v;
	int r = find_disk(ch, name, &v, e);

	if (r < 0)
		return r;
	if (v->node && v->node != node)
		return error_set(e, EPERM, "volume %s is held by node %u: give it up there", name, v->node);
	v->node = 0;
	v->incarnation = 0;
	return 0;
}
