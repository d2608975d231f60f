/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/change.h"

#include "area.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/document.h"
#include "cluster/self.h"
#include "disk.h"
#include "volmgr/fence.h"
#include "reconcile.h"
#include "volmgr/control.h"
#include "volmgr/lease.h"
#include "volmgr/volmgr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BOOTED_STATE "/run/byre/state.json"

unsigned this_node(void)
{
	unsigned node;

	return self_read(SELF_FILE, &node, NULL) < 0 ? 0 : node;
}

void booted_container(char ret[NAME_SIZE])
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	cleanup_free char *text = NULL;
	size_t len;

	ret[0] = '\0';
	cluster_init(&c);
	if (file_read(AT_FDCWD, BOOTED_STATE, DOCUMENT_MAX, &text, &len, NULL) == 0 && document_parse(text, len, &c, NULL) == 0)
		snprintf(ret, NAME_SIZE, "%s", c.settings.container_name);
}

static int find_place(struct change *ch, const char *container, struct error *e)
{
	char booted[NAME_SIZE];

	if (!container) {
		booted_container(booted);
		container = booted;
	}
	return container_find_one(container, &ch->place, e);
}

/* The state area, by the control path. */
static int look_for_state(struct change *ch, const struct change_options *o, char ret[64], struct error *e)
{
	int r = o->state ? str_copy(ch->place.state, sizeof(ch->place.state), o->state) : find_place(ch, o->container, e);

	if (o->state && r < 0)
		return error_errno(e, r, "%s", o->state);
	return r == 0 ? control_path(ch->place.state, ret, e) : r;
}

/* Where everything is takes one walk over the disks, and another once the lease is held: for it one may have waited long. */
static int find_state(struct change *ch, const struct change_options *o, char ret[64], struct error *e)
{
	int r;

	disk_hold();
	r = look_for_state(ch, o, ret, e);
	disk_let_go();
	return r;
}

static int find_pvs(struct change *ch, struct error *e)
{
	int r;

	disk_hold();
	r = control_pv_paths(&ch->c, &ch->pvs, e);
	disk_let_go();
	return r;
}

static int read_state(struct change *ch, struct error *e)
{
	cluster_free(&ch->c);
	cluster_init(&ch->c);
	return state_area_load(ch->area, &ch->c, NULL, e);
}

/* The lease needs the cluster's id and settings, which never change or are told by any document: what is edited is read again once the lease is held. */
static int take_lease(struct change *ch, const char *device, const struct change_options *o, struct error *e)
{
	int r = state_area_open(device, true, &ch->area, e);

	if (r == 0)
		r = read_state(ch, e);
	if (r == 0)
		r = lease_acquire(&(struct lease_place){device, &ch->c}, o, &ch->lease, e);
	if (r < 0)
		return r;
	ch->fenced = lease_fenced_node(ch->lease);
	return read_state(ch, e);
}

/* What a change that was cut off has left. The intent is taken back by the next publish. */
static int finish_last(struct change *ch, struct error *e)
{
	int r = area_intent_read(ch->area, &ch->intended, e);

	return r == 0 && ch->intended && ch->pvs ? reconcile(ch, e) : r;
}

int change_begin(const struct change_options *o, struct change **ret, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = calloc(1, sizeof(*ch));
	char device[64];
	int r;

	if (!ch)
		return error_errno(e, ENOMEM, "a change");
	cluster_init(&ch->c);
	ch->node = this_node();
	r = find_state(ch, o, device, e);
	if (r == 0)
		r = take_lease(ch, device, o, e);
	if (r == 0 && !o->state)
		r = find_pvs(ch, e);
	snprintf(ch->what, sizeof(ch->what), "%s", o->what);
	if (r == 0 && ch->pvs)
		r = fence_register(&ch->c, ch->pvs, ch->node, NULL, e);
	if (r == 0)
		r = finish_last(ch, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(ch);
	return 0;
}

int change_intend(struct change *ch, struct error *e)
{
	int r = lease_check(ch->lease, e);

	if (r == 0 && !ch->intended) {
		r = area_intent_write(ch->area, true, e);
		ch->intended = r == 0;
	}
	return r;
}

/* "volmgr reset node3; node1 was fenced". */
static void take_note(const struct change *ch, struct change_note *n)
{
	const struct node *fenced = cluster_node(&ch->c, ch->fenced);
	char more[NAME_SIZE + 16] = "";

	if (fenced)
		snprintf(more, sizeof(more), "; %s was fenced", fenced->name);
	*n = (struct change_note){.time = (uint64_t)time(NULL), .node = ch->node};
	snprintf(n->what, sizeof(n->what), "%.*s%s", (int)(sizeof(n->what) - 1 - strlen(more)), ch->what, more);
}

int change_publish(struct change *ch, struct error *e)
{
	struct change_note before = ch->c.note;
	int r = lease_check(ch->lease, e);

	if (r < 0)
		return r;
	take_note(ch, &ch->c.note);
	r = state_area_publish(ch->area, &ch->c, e);
	if (r < 0) {
		ch->c.note = before;
		return r;
	}
	ch->fenced = 0;
	if (ch->intended) {
		r = area_intent_write(ch->area, false, e);
		ch->intended = r < 0;
	}
	return r;
}

int change_settle(struct change *ch, bool edited, struct error *e)
{
	int r = edited ? change_publish(ch, e) : lease_check(ch->lease, e);

	if (r == 0 && ch->intended) {
		r = area_intent_write(ch->area, false, e);
		ch->intended = r < 0;
	}
	return r;
}

void change_end(struct change *ch)
{
	if (!ch)
		return;
	lease_release(ch->lease);
	state_area_close(ch->area);
	cluster_free(&ch->c);
	free(ch->pvs);
	free(ch);
}
