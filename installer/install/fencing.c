/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a node that seems dead will be kept from writing: found out now, while nobody uses the container, and recorded with the cluster. */
#include "install.h"

#include "base/str.h"
#include "volmgr/fence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODE 1 /* this machine, as node.c makes it */

/* 1: the SAN keeps reservations as it must. 0: it does not, or that cannot be told. */
static int ask_san(struct install *in, char why[160])
{
	struct error e = ERROR_INIT;
	enum fencing way = FENCING_WAIT;
	const char *disk[] = {in->disk};
	bool reserved = false;
	int r;

	r = fence_probe(&in->cluster, disk, 1, &way, why, &e);
	/* Those who share the LUN and do not register could not write any more. */
	if (r == 0 && way == FENCING_RESERVATION && in->info.n_containers)
		r = fence_is_reserved(disk, 1, &reserved, &e);
	if (r < 0)
		snprintf(why, 160, "the SAN could not be tried: %.120s", e.text);
	else if (way == FENCING_RESERVATION && in->info.n_containers && !reserved) {
		snprintf(why, 160, "container %.24s, on the same disk, is not fenced by reservations", in->info.containers[0].name);
		return 0;
	}
	return r == 0 && way == FENCING_RESERVATION;
}

static int decide(struct install *in, struct error *e)
{
	struct settings *s = &in->cluster.settings;
	char *why = in->cluster.fencing_why;

	if (s->fencing == FENCING_WAIT || s->fencing == FENCING_COMMAND) {
		snprintf(why, sizeof(in->cluster.fencing_why), "as the answers say");
		return 0;
	}
	if (ask_san(in, why))
		s->fencing = FENCING_RESERVATION;
	else if (s->fencing == FENCING_RESERVATION)
		return error_set(e, EOPNOTSUPP, "fencing: reservation: %s", why);
	else
		s->fencing = s->fence_command[0] ? FENCING_COMMAND : FENCING_WAIT;
	return 0;
}

int fencing_admit(struct install *in, struct error *e)
{
	const char *disk[] = {in->disk};

	return fence_register_devices(&in->cluster, disk, 1, in->cluster.n_nodes ? NODE : 0, NULL, e);
}

int fencing_begin(struct install *in, struct error *e)
{
	const char *disk[] = {in->disk};

	return fence_reserve(&in->cluster, disk, 1, e);
}

int step_fencing(struct install *in, struct error *e)
{
	int r = decide(in, e);

	if (r == 0)
		r = fencing_admit(in, e);
	if (r == 0)
		tell("fencing: %s: %s", fencing_name(in->cluster.settings.fencing), in->cluster.fencing_why);
	return r;
}
