/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lease_join.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "lease_here.h"
#include "lockspace.h"
#include "volmgr/control.h"
#include "volmgr/fence.h"
#include "volmgr/holding.h"

#include <errno.h>
#include <sanlock.h>
#include <sanlock_admin.h>
#include <sanlock_rv.h>
#include <stdlib.h>
#include <string.h>

bool lease_is_joined(const char *name, unsigned host)
{
	unsigned got;

	return lockspace_joined(name, &got, NULL) == 0 && (!host || got == host);
}

int lease_may_write(const struct lease_place *p, struct error *e)
{
	return p->c->settings.fencing == FENCING_RESERVATION ? fence_register_devices(p->c, &p->device, 1, this_node(), NULL, e) : 0;
}

int lease_join_as(const struct lease_place *p, const char *name, unsigned host, struct error *e)
{
	cleanup_fd int place = -1;
	unsigned other;
	int r = 0;

	if (host && lockspace_joined(name, &other, NULL) == 0 && other != host)
		r = disks_release_all(p->c, &place, e);
	return r == 0 ? lockspace_join(p, host, e) : r;
}

int lease_join(const struct lease_place *p, unsigned host, bool *ret_joined, struct error *e)
{
	char name[LOCKSPACE_NAME_SIZE];
	cleanup_fd int lock = -1;
	int r = lease_may_write(p, e);

	if (r == 0)
		r = lockspace_daemon(e);
	if (r < 0)
		return r;
	*ret_joined = false;
	lockspace_name(name, p->c->id);
	if (lease_is_joined(name, host))
		return 0;
	lock = lease_lock_here(name, e);
	if (lock < 0)
		return lock;
	r = lease_join_as(p, name, host, e);
	*ret_joined = r == 0;
	return r;
}

int lease_keep(const struct cluster *c, const char *state, unsigned host, struct error *e)
{
	char device[64];
	bool joined;
	int r = control_path(state, device, e);

	return r == 0 ? lease_join(&(struct lease_place){device, c}, host, &joined, e) : r;
}

int lease_leave_all(struct error *e)
{
	return lockspace_shut_down(e);
}

/* --- what others do -------------------------------------------------------------------------------------------------------------- */

const char *host_state_name(enum host_state s)
{
	static const char *const names[] = {"unknown", "free", "live", "failing", "dead"};

	return names[s];
}

int lease_host(const struct lease_place *p, unsigned host, struct host *ret, struct error *e)
{
	static const enum host_state states[] = {[SANLK_HOST_UNKNOWN] = HOST_UNKNOWN,
						 [SANLK_HOST_FREE] = HOST_FREE,
						 [SANLK_HOST_LIVE] = HOST_LIVE,
						 [SANLK_HOST_FAIL] = HOST_FAILING,
						 [SANLK_HOST_DEAD] = HOST_DEAD};
	cleanup_free struct sanlk_host *hosts = NULL;
	char name[LOCKSPACE_NAME_SIZE];
	int n = 0, r;

	lockspace_name(name, p->c->id);
	*ret = (struct host){HOST_UNKNOWN, 0};
	r = sanlock_get_hosts(name, host, &hosts, &n, 0);
	if (r == -EAGAIN)
		return 0;
	if (r < 0)
		return error_set(e, r == -ENOENT ? ENOENT : EIO, "what sanlock knows of machine %u: %s", host,
				 r == -ENOENT ? "this machine has not joined" : lockspace_why(r));
	if (n > 0 && hosts && (hosts->flags & SANLK_HOST_MASK) < ARRAY_SIZE(states))
		*ret = (struct host){states[hosts->flags & SANLK_HOST_MASK], hosts->generation};
	return 0;
}
