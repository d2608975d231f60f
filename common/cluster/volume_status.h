/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What volmgrd tells of the stores on its machine: the JSON text in a node's volume slot. */
#ifndef BYRE_CLUSTER_VOLUME_STATUS_H
#define BYRE_CLUSTER_VOLUME_STATUS_H

#include "base/buf.h"
#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOLUME_STATUS_MAX 64
#define VOLUME_WHY_SIZE   256

/* volmgrd writes when there is news, and at least every SIGN_OF_LIFE seconds, sometimes 30 later; what is older than FRESH was told by one that is dead. */
#define VOLUME_STATUS_SIGN_OF_LIFE 60
#define VOLUME_STATUS_FRESH        150

struct store_status {
	char volume[VOLUME_NAME_SIZE];
	uint64_t data_used, data_total, metadata_used, metadata_total; /* bytes */
	uint64_t short_since; /* seconds since 1970: from then on more was wanted and not had; 0 = all is well */
	bool full;            /* writers wait */
};

struct volume_status {
	unsigned node;
	uint64_t generation;       /* that the stores match */
	uint64_t written;          /* the node's clock, seconds since 1970 */
	char why[VOLUME_WHY_SIZE]; /* nothing more was had; "" = all is well */
	struct store_status stores[VOLUME_STATUS_MAX];
	size_t n;
	bool more;    /* volumes are composed there that are not in the list */
	bool leaving; /* the last word of a machine that is about to be off */
};

/* Members that a newer program adds are passed over. -EINVAL: E names the member. */
int volume_status_parse(const char *text, size_t len, struct volume_status *ret, struct error *e);

/* Prints S so that volume_status_parse gives it back, in at most MAX bytes: stores that do not fit are left out from the end, which "more" tells. */
int volume_status_print(const struct volume_status *s, size_t max, struct buf *b, struct error *e);

/* NULL: S tells nothing of that volume. */
const struct store_status *volume_status_find(const struct volume_status *s, const char *volume);

#endif
