/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/lease.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "volmgr/fence.h"
#include "layout.h"
#include "lease_record.h"
#include "lockspace.h"
#include "volmgr/control.h"
#include "volmgr/holding.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sanlock.h>
#include <sanlock_admin.h>
#include <sanlock_resource.h>
#include <sanlock_rv.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LEASE_CHANGE "change"
#define LEASE_FENCE  "fence" /* guards the freeing of a fenced machine's lease */
#define CHANGE_AT    LAYOUT_RESOURCES
#define FENCE_AT     (LAYOUT_RESOURCES + 8 * LAYOUT_MIB)
#define LOCK_FILE    "/run/byre/lease-%s.lock"
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

union resource {
	struct sanlk_resource r;
	char space[sizeof(struct sanlk_resource) + sizeof(struct sanlk_disk)];
};

static int fill(union resource *u, const struct lease_place *p, const char *name, uint64_t offset, struct error *e)
{
	char space[LOCKSPACE_NAME_SIZE];
	struct sanlk_disk *d = u->r.disks;

	memset(u, 0, sizeof(*u));
	lockspace_name(space, p->c->id);
	snprintf(u->r.lockspace_name, sizeof(u->r.lockspace_name), "%s", space);
	snprintf(u->r.name, sizeof(u->r.name), "%s", name);
	u->r.num_disks = 1;
	d->offset = offset;
	return str_copy(d->path, sizeof(d->path), p->device) < 0 ? error_errno(e, ENAMETOOLONG, "%s", p->device) : 0;
}

/* --- making one -------------------------------------------------------------------------------------------------------------- */

static int init_one(const struct lease_place *p, const char *what, const char *value, bool large, struct error *e)
{
	char timeout[16];

	snprintf(timeout, sizeof(timeout), "%u", p->c->settings.lease_timeout);
	return spawn_simple(e, "sanlock", "direct", "init", what, value, "-o", timeout, "-Z", large ? "4096" : "512", "-A",
			    large ? "8M" : "1M", NULL);
}

/* A record fills a sector of the disk, so that it is written as a whole; the areas are as large as 2000 of them take. */
int lease_format(const struct lease_place *p, struct error *e)
{
	char space[LOCKSPACE_NAME_SIZE], value[256];
	cleanup_fd int fd = open(p->device, O_RDONLY | O_CLOEXEC);
	int sector = 512, r;

	if (fd < 0)
		return error_errno(e, errno, "%s", p->device);
	if (ioctl(fd, BLKSSZGET, &sector) < 0 && errno != ENOTTY)
		return error_errno(e, errno, "%s: sector size", p->device);
	lockspace_name(space, p->c->id);
	snprintf(value, sizeof(value), "%s:0:%s:%llu", space, p->device, LAYOUT_LOCKSPACE);
	r = init_one(p, "-s", value, sector > 512, e);
	snprintf(value, sizeof(value), "%s:%s:%s:%llu", space, LEASE_CHANGE, p->device, CHANGE_AT);
	if (r == 0)
		r = init_one(p, "-r", value, sector > 512, e);
	snprintf(value, sizeof(value), "%s:%s:%s:%llu", space, LEASE_FENCE, p->device, FENCE_AT);
	if (r == 0)
		r = init_one(p, "-r", value, sector > 512, e);
	return r < 0 ? error_wrap(e, "the lease on %s", p->device) : 0;
}

/* --- this machine's own lock --------------------------------------------------------------------------------------------------- */

/*
 * Two locks on one file stand before the lease: flock, which children inherit with the descriptor, so that it is free when the last of them is gone; and a
 * POSIX lock, of which the kernel says the process. Nobody joins the lockspace anew while a process here may believe to hold the lease, since a new
 * place frees for other machines what the old one held.
 */
static int lock_here(const char *name, struct error *e)
{
	cleanup_fd int fd = -1;
	char path[64];
	int r = dir_make(AT_FDCWD, "/run/byre", 0755, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), LOCK_FILE, name);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? error_set(e, EBUSY, "another process of this machine holds the lease")
					    : error_errno(e, errno, "%s", path);
	fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET});
	return steal_fd(&fd);
}

/* Which process holds it; 0: none, or only children of one that is gone. */
static pid_t holder_here(const char *name)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	cleanup_fd int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), LOCK_FILE, name);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fcntl(fd, F_GETLK, &l) < 0 || l.l_type == F_UNLCK)
		return 0;
	return l.l_pid;
}

static void kill_here(const char *name)
{
	pid_t pid = holder_here(name);
	cleanup_fd int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	/* Still the one: so the number was not given to another process in between. */
	if (fd >= 0 && holder_here(name) == pid)
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
}

/* --- joining ------------------------------------------------------------------------------------------------------------------- */

static bool is_joined(const char *name, unsigned host)
{
	unsigned got;

	return lockspace_joined(name, &got, NULL) == 0 && (!host || got == host);
}

/* Where the SAN is reserved, only who is registered writes: also for its place in the lockspace. */
static int may_write(const struct lease_place *p, struct error *e)
{
	return p->c->settings.fencing == FENCING_RESERVATION ? fence_register_devices(p->c, &p->device, 1, this_node(), NULL, e) : 0;
}

/* A place taken under another number is left: as always with no disk composed. */
static int join_as(const struct lease_place *p, const char *name, unsigned host, struct error *e)
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
	int r = may_write(p, e);

	if (r == 0)
		r = lockspace_daemon(e);
	if (r < 0)
		return r;
	*ret_joined = false;
	lockspace_name(name, p->c->id);
	if (is_joined(name, host))
		return 0;
	lock = lock_here(name, e);
	if (lock < 0)
		return lock;
	r = join_as(p, name, host, e);
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

int lease_leave(const struct lease_place *p, struct error *e)
{
	struct sanlk_lockspace *all = NULL;
	char name[LOCKSPACE_NAME_SIZE];
	int n = 0, r = sanlock_get_lockspaces(&all, &n, 0);

	lockspace_name(name, p->c->id);
	for (int i = 0; r >= 0 && all && i < n; i++)
		if (strncmp(all[i].name, name, sizeof(all[i].name)) == 0) {
			r = sanlock_rem_lockspace(&all[i], SANLK_REM_UNUSED);
			break;
		}
	free(all);
	return r < 0 && r != -ENOENT ? error_set(e, EBUSY, "leaving the cluster's lockspace: %s", lockspace_why(r)) : 0;
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

static int read_holder(const struct lease_place *p, struct lease_record *ret, struct error *e)
{
	return lockspace_record(p->device, CHANGE_AT, LEASE_RECORD_RESOURCE, ret, e);
}

int lease_holder(const struct lease_place *p, unsigned *ret, struct error *e)
{
	struct lease_record r;
	int n = read_holder(p, &r, e);

	if (n == 0)
		*ret = r.timestamp ? r.host : 0;
	return n;
}

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
		snprintf(ret, size, "another process of this machine (%d)", (int)holder_here(t->l->name));
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
	union resource u;
	unsigned own;

	if (lockspace_joined(t->l->name, &own, NULL) == 0 && own == holder->host)
		kill_here(t->l->name);
	else if (fill(&u, t->p, LEASE_CHANGE, CHANGE_AT, NULL) == 0) {
		u.r.flags |= SANLK_RES_LVER;
		u.r.lver = holder->version + 1;
		sanlock_request(0, SANLK_REQ_FORCE, &u.r);
	}
}

/* 0: taken; -EBUSY: held; -ENOTCONN: this machine has to join first. */
static int try_sanlock(struct taking *t, struct error *e)
{
	struct sanlk_resource *list[1];
	union resource u;
	int r = fill(&u, t->p, LEASE_CHANGE, CHANGE_AT, e);

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
	r = lock_here(t->l->name, e);
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
	r = is_joined(t->l->name, t->host) ? try_sanlock(t, e) : -ENOTCONN;
	if (r != -ENOTCONN)
		return r;
	r = join_as(t->p, t->l->name, t->host, e);
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
	int r = read_holder(t->p, ret, e);
	unsigned own;

	if (r < 0 || !t->here || lockspace_joined(t->l->name, &own, NULL) < 0)
		return r;
	if (!ret->timestamp || ret->host == own)
		*ret = (struct lease_record){.host = own, .version = (uint64_t)holder_here(t->l->name), .timestamp = 1};
	return 0;
}

/* --- a fenced holder --------------------------------------------------------------------------------------------------------------- */

static int clear_record(const struct lease_place *p, const struct lease_record *holder, struct error *e)
{
	struct lease_record now;
	union resource u;
	int r = read_holder(p, &now, e);

	if (r < 0 || !now.timestamp || now.host != holder->host || now.generation != holder->generation || now.version != holder->version)
		return r;
	r = fill(&u, p, LEASE_CHANGE, CHANGE_AT, e);
	if (r < 0)
		return r;
	u.r.flags = now.sector == 512 ? SANLK_RES_SECTOR512 | SANLK_RES_ALIGN1M : SANLK_RES_SECTOR4K | SANLK_RES_ALIGN8M;
	r = sanlock_write_resource(&u.r, 0, 0, 0);
	return r < 0 ? error_set(e, EIO, "freeing the lease: %s", lockspace_why(r)) : 0;
}

/*
 * Two machines may fence one holder, and the slower one must not free the lease of whoever took it meanwhile: so this is done under a lease of its own.
 * -EBUSY: another machine is about it.
 */
static int free_fenced(const struct lease_place *p, const struct lease_record *holder, struct error *e)
{
	struct sanlk_resource *list[1];
	union resource u;
	cleanup_fd int sock = sanlock_register();
	int r = fill(&u, p, LEASE_FENCE, FENCE_AT, e);

	if (r < 0)
		return r;
	list[0] = &u.r;
	r = sock < 0 ? sock : sanlock_acquire(sock, -1, SANLK_ACQUIRE_OWNER_NOWAIT, 1, list, NULL);
	if (r < 0)
		return error_set(e, EBUSY, "freeing the lease: %s", lockspace_why(r));
	r = clear_record(p, holder, e);
	sanlock_release(sock, -1, SANLK_REL_ALL, 0, NULL);
	return r;
}

int lease_fenced(const struct lease_place *p, unsigned node, struct error *e)
{
	struct lease_record holder;
	int r = read_holder(p, &holder, e);

	return r < 0 || !holder.timestamp || holder.host != node ? r : free_fenced(p, &holder, e);
}

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
		r = free_fenced(t->p, holder, &why);
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

	return r < 0 ? r : read_holder(p, &l->record, e);
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
	r = may_write(p, e);
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

unsigned lease_fenced_node(const struct lease *l)
{
	return l->fenced;
}

static bool is_on_record(const struct lease *l)
{
	const struct lease_record *was = &l->record;
	struct lease_record now;

	return lockspace_record(l->device, CHANGE_AT, LEASE_RECORD_RESOURCE, &now, NULL) == 0 && now.timestamp == was->timestamp &&
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
