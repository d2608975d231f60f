/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node tells of itself: the JSON text in its status slot, and the phases of its boot that the initrd left. */
#ifndef BYRE_CLUSTER_STATUS_H
#define BYRE_CLUSTER_STATUS_H

#include "base/buf.h"
#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_MAX_PHASES 24
#define BOOT_ID_SIZE      37 /* a UUID as text, and its NUL */

struct status_phase {
	char name[32];
	uint64_t ms; /* it took */
};

struct node_status {
	unsigned node;
	uint64_t generation; /* of the state that the node has made itself match */
	char boot_id[BOOT_ID_SIZE];
	uint64_t uptime_ms; /* when this was written */
	uint64_t written;   /* the node's clock, seconds since 1970 */
	uint64_t counter;   /* counts what this run of metamaster has written */
	uint64_t boot_ms;   /* from the start of the kernel until the system was up; 0 = not yet */
	bool leaving;       /* the last word of a node that shuts down */
	struct status_phase phases[STATUS_MAX_PHASES];
	size_t n_phases;
	struct {
		char device[256];                                              /* "" = no root volume here: a live system */
		uint64_t data_used, data_total, metadata_used, metadata_total; /* bytes */
	} root;
};

/* Parses the text of a status slot. Members that a newer program adds are passed over. -EINVAL: E names the member. */
int status_parse(const char *text, size_t len, struct node_status *ret, struct error *e);

/* Prints S so that status_parse gives it back. */
int status_print(const struct node_status *s, struct buf *b, struct error *e);

/* Takes the phases from the initrd's boot.json: an object with the list "phases" of {"name","ms"}. */
int status_parse_phases(const char *text, size_t len, struct node_status *s, struct error *e);

/*
 * Whether the node lives, as far as its slot tells. A node writes at least every STATUS_SIGN_OF_LIFE seconds; one whose last word is older (or
 * newer: clocks differ) than STATUS_FRESH seconds is silent. S may be NULL: never heard of. NOW is in seconds since 1970.
 */
#define STATUS_SIGN_OF_LIFE 15
#define STATUS_FRESH        45
enum node_state { NODE_UP, NODE_LEFT, NODE_SILENT, NODE_UNSEEN };
enum node_state status_judge(const struct node_status *s, uint64_t now);
const char *node_state_name(enum node_state state); /* "up", "left", "silent", "unseen" */

#endif
