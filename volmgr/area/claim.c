/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area_blocks.h"

#include "base/cleanup.h"
#include "lease_record.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* --- saying so ------------------------------------------------------------------------------------------------------------------- */

/* A clock that was set back must not make this older than what the node has told before. */
static uint64_t time_after_all(struct state_area *a, unsigned node)
{
	uint64_t now = (uint64_t)time(NULL);
	struct node_status s;

	return node_status_read(a, node, &s, NULL) == 0 && s.written >= now ? s.written + 1 : now;
}

static int tell(struct state_area *a, const struct cluster *c, unsigned node, struct error *e)
{
	const struct volume *root = cluster_node_volume(c, node, VOLUME_ROOT);
	struct volume_status s = {.node = node, .generation = c->generation, .written = time_after_all(a, node)};
	struct buf b cleanup_buf = BUF_INIT;
	int r;

	if (root)
		snprintf(s.stores[s.n++].volume, sizeof(s.stores[0].volume), "%s", root->name);
	r = volume_status_print(&s, STATUS_MAX, &b, e);
	if (r == 0)
		r = state_volumes_write(a, node, buf_str(&b), b.len, e);
	return r == 0 ? area_flush(a, e) : r;
}

/* --- waiting --------------------------------------------------------------------------------------------------------------------- */

/* What is no record, or a damaged one, is nobody's lease: RET is that of nobody then. */
static int read_record(struct state_area *a, uint64_t offset, enum lease_record_kind kind, struct lease_record *ret, struct error *e)
{
	cleanup_free unsigned char *block = NULL;
	int r = area_read_block(a, offset / LAYOUT_BLOCK * LAYOUT_BLOCK, &block, e);

	if (r == 0 && lease_record_decode(block + offset % LAYOUT_BLOCK, kind, ret) < 0)
		*ret = (struct lease_record){.sector = 512};
	return r;
}

static int read_host(struct state_area *a, unsigned host, struct lease_record *ret, struct error *e)
{
	int r = read_record(a, LAYOUT_LOCKSPACE, LEASE_RECORD_HOST, ret, e);

	return r == 0 ? read_record(a, LAYOUT_LOCKSPACE + (uint64_t)(host - 1) * ret->sector, LEASE_RECORD_HOST, ret, e) : r;
}

int claim_begin(struct state_area *a, const struct cluster *c, unsigned node, uint64_t now, struct claim *ret, struct error *e)
{
	struct lease_record held;
	int r = tell(a, c, node, e);

	if (r == 0)
		r = read_record(a, LAYOUT_RESOURCES, LEASE_RECORD_RESOURCE, &held, e);
	if (r < 0)
		return r;
	*ret = (struct claim){
		.holder = held.timestamp && held.host != node ? held.host : 0,
		.generation = held.generation,
		.version = held.version,
		.since = now,
		.dead_after = lease_dead_after(c->settings.lease_timeout) * 1000ull,
	};
	return 0;
}

/* The holder's machine writes its time into its place as long as it lives. */
int claim_wait(struct state_area *a, struct claim *k, uint64_t now, struct error *e)
{
	struct lease_record held, host;
	int r;

	if (!k->holder)
		return 0;
	r = read_record(a, LAYOUT_RESOURCES, LEASE_RECORD_RESOURCE, &held, e);
	if (r == 0)
		r = read_host(a, k->holder, &host, e);
	if (r < 0)
		return r;
	if (!held.timestamp || held.host != k->holder || held.generation != k->generation || held.version != k->version)
		return 0;
	if (!host.timestamp || host.generation != k->generation)
		return 0;
	if (host.timestamp != k->sign) {
		k->sign = host.timestamp;
		k->since = now;
	}
	return now - k->since < k->dead_after;
}
