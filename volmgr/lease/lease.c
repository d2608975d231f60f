/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/lease.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "lease_here.h"
#include "lease_join.h"
#include "lease_resource.h"
#include "lockspace.h"
#include "volmgr/control.h"
#include "volmgr/fence.h"

#include <errno.h>
#include <sanlock_rv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WAIT_DEFAULT 20
#define LOOK_MS      50 /* between looks at the record of a held lease; up to twice that */
#define LATE_MAX     5
#define TRY_MS       1000 /* between tries to take one that looks held: its holder may be dead */

struct lease {
	int lock; /* both are inherited by children, on purpose */
	int sock;
	char name[LOCKSPACE_NAME_SIZE];
	char device[64];
	struct lease_record record; /* as it was when we took it */
	unsigned fenced;            /* the node that held it before us, if it was fenced */
};

/* --- taking it -------------------------------------------------------------------------------------------------------------------- */

struct taking {
	const struct lease_place *p;
	const struct change_options *o;
	struct lease *l;
	struct patience patience;
	unsigned host; /* of this machine: 0 = any */
	bool here;     /* a process of this machine is before us */
	unsigned late; /* tries one after another that the SAN did not answer in time */
};

static void holder_name(const struct taking *t, unsigned host, char *ret, size_t size)
{
	const struct node *n = cluster_node(t->p->c, host);
	unsigned own;

	if (lockspace_joined(t->l->name, &own, NULL) == 0 && own == host)
		snprintf(ret, size, "another process of this machine (%d)", (int)lease_holder_here(t->l->name));
	else if (n)
		snprintf(ret, size, "%s", n->name);
	else
		snprintf(ret, size, "a machine that is no node (place %u)", host);
}

static void tell_waiting(const struct taking *t, unsigned host)
{
	unsigned dead = lease_dead_after(t->patience.io_timeout);
	char who[128], text[320];

	if (!t->o->waiting)
		return;
	holder_name(t, host, who, sizeof(who));
	snprintf(text, sizeof(text), "waiting for %s, which holds the lease: %u s at most, %u s if that machine is dead", who,
		 t->patience.wait + 4 * t->patience.io_timeout, dead);
	t->o->waiting(text, t->o->data);
}

/* Has the holder's own machine kill it. */
static void ask(const struct taking *t, const struct lease_record *holder)
{
	union lease_resource u;
	unsigned own;

	if (lockspace_joined(t->l->name, &own, NULL) == 0 && own == holder->host)
		lease_kill_here(t->l->name);
	else if (lease_resource_fill(&u, t->p, LEASE_CHANGE, LEASE_CHANGE_AT, NULL) == 0) {
		u.r.flags |= SANLK_RES_LVER;
		u.r.lver = holder->version + 1;
		sanlock_request(0, SANLK_REQ_FORCE, &u.r);
	}
}

/* 0: taken; -EBUSY: held; -ENOTCONN: this machine has to join first. */
static int try_sanlock(struct taking *t, struct error *e)
{
	struct sanlk_resource *list[1];
	union lease_resource u;
	int r = lease_resource_fill(&u, t->p, LEASE_CHANGE, LEASE_CHANGE_AT, e);

	if (r < 0)
		return r;
	if (t->l->sock < 0) {
		t->l->sock = sanlock_register();
		if (t->l->sock < 0)
			return -ENOTCONN;
	}
	list[0] = &u.r;
	r = sanlock_acquire(t->l->sock, -1, SANLK_ACQUIRE_OWNER_NOWAIT, 1, list, NULL);
	t->late = r == SANLK_AIO_TIMEOUT ? t->late + 1 : 0;
	if (t->late && t->late < LATE_MAX)
		return -EBUSY;
	switch (r) {
	case SANLK_ACQUIRE_IDLIVE:
	case SANLK_ACQUIRE_OWNED:
	case SANLK_ACQUIRE_OTHER:
	case SANLK_ACQUIRE_OWNED_RETRY:
	case -EBUSY:
	case -EAGAIN:
	case -EEXIST:
		return -EBUSY;
	case -ENOSPC: /* the lockspace is gone, or going */
	case -1:      /* the daemon is */
		close(steal_fd(&t->l->sock));
		return -ENOTCONN;
	}
	return r < 0 ? error_set(e, EIO, "taking the lease: %s", lockspace_why(r)) : 0;
}

/* The daemon is started before the lock is taken, and never with it: it would inherit it. */
static int lock_with_daemon(struct taking *t, struct error *e)
{
	int r = lockspace_daemon(e);

	if (r < 0)
		return r;
	r = lease_lock_here(t->l->name, e);
	t->here = r == -EBUSY;
	if (r >= 0)
		t->l->lock = r;
	return r < 0 ? r : 0;
}

/* One try. -EBUSY: it is held, by a process of this machine when t->here; another error ends the taking. */
static int try_once(struct taking *t, struct error *e)
{
	int r = t->l->lock < 0 ? lock_with_daemon(t, e) : 0;

	if (r < 0)
		return r;
	r = lease_is_joined(t->l->name, t->host) ? try_sanlock(t, e) : -ENOTCONN;
	if (r != -ENOTCONN)
		return r;
	r = lease_join_as(t->p, t->l->name, t->host, e);
	if (r == 0)
		r = try_sanlock(t, e);
	if (r != -ENOTCONN && r != -ECONNREFUSED)
		return r;
	close(steal_fd(&t->l->lock));
	return -EBUSY;
}

/*
 * Whom to wait for. A process here that holds this machine's lock, but not the lease, waits for another machine as we do; when there is none, it is the one.
 * TIMESTAMP 0: nobody, try again.
 */
static int look(const struct taking *t, struct lease_record *ret, struct error *e)
{
	int r = lease_record_read(t->p, ret, e);
	unsigned own;

	if (r < 0 || !t->here || lockspace_joined(t->l->name, &own, NULL) < 0)
		return r;
	if (!ret->timestamp || ret->host == own)
		*ret = (struct lease_record){.host = own, .version = (uint64_t)lease_holder_here(t->l->name), .timestamp = 1};
	return 0;
}

/* --- waiting for its holder ------------------------------------------------------------------------------------------------------ */

/* 0: go on waiting, or try again. An error: this machine is not to write any more. */
static int fence(struct taking *t, const struct lease_record *holder, struct error *e)
{
	const struct node *n = cluster_node(t->p->c, holder->host);
	cleanup_free const char **pvs = NULL;
	struct error why = ERROR_INIT;
	char text[320 + sizeof(why.text)];
	int r;

	if (!n || holder->host == t->host)
		return 0;
	r = control_pv_paths(t->p->c, &pvs, &why);
	if (r == 0)
		r = fence_node(t->p->c, pvs, holder->host, &why);
	if (r == 0)
		r = lease_free_fenced(t->p, holder, &why);
	if (r == -EKEYREJECTED)
		return error_set(e, EKEYREJECTED, "%s", why.text);
	if (r == 0)
		t->l->fenced = holder->host;
	snprintf(text, sizeof(text),
		 r == 0 ? "%s seemed dead while it held the lease, and was fenced" : "%s seems dead while it holds the lease: %s", n->name,
		 why.text);
	if (t->o->waiting && r != -EBUSY)
		t->o->waiting(text, t->o->data);
	return 0;
}

static int give_up(const struct taking *t, unsigned host, struct error *e)
{
	char who[128];

	holder_name(t, host, who, sizeof(who));
	return error_set(e, EBUSY,
			 "the lease is held by %s, which neither finishes nor can be stopped: switch that machine off, then try again",
			 who);
}

/* Waits until another try may succeed. */
static int wait_for_holder(struct taking *t, struct error *e)
{
	uint64_t began = clock_boot_ms(), now;
	unsigned char dice = 0;

	do {
		struct lease_record holder;
		struct host h = {.state = HOST_UNKNOWN};
		int r;

		(void)!getrandom(&dice, 1, 0);
		nanosleep(&(struct timespec){0, (LOOK_MS + dice * LOOK_MS / 256) * 1000000l}, NULL);
		r = look(t, &holder, e);
		if (r < 0 || !holder.timestamp)
			return r;
		lease_host(t->p, holder.host, &h, NULL);
		now = clock_boot_ms();
		switch (patience_step(&t->patience, &holder, h.state == HOST_FAILING || h.state == HOST_DEAD, now)) {
		case PATIENCE_TELL:
			tell_waiting(t, holder.host);
			break;
		case PATIENCE_ASK:
			ask(t, &holder);
			break;
		case PATIENCE_GIVE_UP:
			return give_up(t, holder.host, e);
		case PATIENCE_FENCE:
			return fence(t, &holder, e);
		case PATIENCE_WAIT:
			break;
		}
	} while (!t->here && now - began < TRY_MS);
	return 0;
}

static int note_record(const struct lease_place *p, struct lease *l, struct error *e)
{
	int r = str_copy(l->device, sizeof(l->device), p->device) < 0 ? error_errno(e, ENAMETOOLONG, "%s", p->device) : 0;

	return r < 0 ? r : lease_record_read(p, &l->record, e);
}

int lease_acquire(const struct lease_place *p, const struct change_options *o, struct lease **ret, struct error *e)
{
	struct lease *l = calloc(1, sizeof(*l));
	struct taking t = {.p = p, .o = o, .l = l, .host = this_node()};
	int r;

	if (!l)
		return error_errno(e, ENOMEM, "the lease");
	*l = (struct lease){.lock = -1, .sock = -1};
	lockspace_name(l->name, p->c->id);
	t.patience.wait = o->wait ? o->wait : WAIT_DEFAULT;
	t.patience.io_timeout = p->c->settings.lease_timeout;
	r = lease_may_write(p, e);
	while (r == 0 && (r = try_once(&t, e)) == -EBUSY)
		r = wait_for_holder(&t, e);
	if (r == 0)
		r = note_record(p, l, e);
	if (r < 0)
		lease_release(l);
	else
		*ret = l;
	return r;
}

/* --- while it is held -------------------------------------------------------------------------------------------------------------- */

unsigned lease_fenced_node(const struct lease *l)
{
	return l->fenced;
}

static bool is_on_record(const struct lease *l)
{
	const struct lease_record *was = &l->record;
	struct lease_record now;

	return lockspace_record(l->device, LEASE_CHANGE_AT, LEASE_RECORD_RESOURCE, &now, NULL) == 0 && now.timestamp == was->timestamp &&
	       now.host == was->host && now.generation == was->generation && now.version == was->version;
}

/* A daemon that does not answer is as good as none: whoever watches from outside may believe this machine dead. */
int lease_check(const struct lease *l, struct error *e)
{
	static const struct timeval limit = {5, 0}, none = {0, 0};
	cleanup_free char *state = NULL;
	int n = 0, r;

	setsockopt(l->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	r = sanlock_inquire(l->sock, -1, 0, &n, &state);
	setsockopt(l->sock, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	return r >= 0 && n == 1 && is_on_record(l) ? 0 : error_set(e, ESTALE, "the lease was lost: nothing more is written");
}

void lease_release(struct lease *l)
{
	if (!l)
		return;
	if (l->sock >= 0) {
		sanlock_release(l->sock, -1, SANLK_REL_ALL, 0, NULL);
		close(l->sock);
	}
	if (l->lock >= 0)
		close(l->lock);
	free(l);
}
