/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dm.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <linux/dm-ioctl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>

#define REMOVE_TRIES 50 /* 100 ms apart */

typedef struct dm_task *task_ref;

static void freep_task(task_ref *t)
{
	if (*t)
		dm_task_destroy(*t);
}
#define cleanup_task CLEANUP(freep_task)

/* What libdevmapper last complained of: it prints otherwise. */
static char complaint[256];

__attribute__((format(printf, 5, 0))) static void keep_complaint(int level, const char *file, int line, int errno_or_class, const char *fmt,
								 ...)
{
	va_list ap;

	(void)file;
	(void)line;
	(void)errno_or_class;
	if ((level & 7) > 4) /* quieter than a warning */
		return;
	va_start(ap, fmt);
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	va_end(ap);
}

static void prepare(void)
{
	static bool done;

	complaint[0] = '\0';
	if (done)
		return;
	done = true;
	dm_log_with_errno_init(keep_complaint);
	dm_udev_set_sync_support(0);
	dm_udev_set_checking(0);
}

static struct dm_task *task_new(int type, const char *name)
{
	struct dm_task *t;

	prepare();
	t = dm_task_create(type);
	if (t && name && !dm_task_set_name(t, name)) {
		dm_task_destroy(t);
		return NULL;
	}
	return t;
}

static int failed(struct dm_task *t, struct error *e, const char *name, const char *what)
{
	int code = t ? dm_task_get_errno(t) : 0;

	if (complaint[0] && (code == 0 || code == EINVAL))
		return error_set(e, code ? code : EIO, "%s: %s: %s", name, what, complaint);
	return error_errno(e, code, "%s: %s", name, what);
}

void mapper_path(const char *name, char ret[256])
{
	snprintf(ret, 256, "%s/%s", dm_dir(), name);
}

int mapper_table_add(struct mapper_table *t, const char *type, uint64_t length, const char *params)
{
	struct mapper_line *more = realloc(t->v, (t->n + 1) * sizeof(*more)), *l;

	if (!more)
		return -ENOMEM;
	t->v = more;
	l = &more[t->n];
	l->start = t->n ? l[-1].start + l[-1].length : 0;
	l->length = length;
	if (str_copy(l->type, sizeof(l->type), type) < 0 || str_copy(l->params, sizeof(l->params), params) < 0)
		return -ENAMETOOLONG;
	t->n++;
	return 0;
}

void mapper_table_free(struct mapper_table *t)
{
	free(t->v);
	t->v = NULL;
	t->n = 0;
}

int mapper_info(const char *name, struct mapper_info *ret, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_INFO, name);
	struct mapper_info i = {.exists = false};
	struct dm_info d;
	const char *uuid;

	if (!t || !dm_task_run(t) || !dm_task_get_info(t, &d))
		return failed(t, e, name, "asking for the device");
	if (d.exists) {
		i.exists = true;
		i.live = d.live_table;
		i.still = d.suspended;
		i.open_count = (unsigned)d.open_count;
		i.major = d.major;
		i.minor = d.minor;
		uuid = dm_task_get_uuid(t);
		snprintf(i.uuid, sizeof(i.uuid), "%s", uuid ? uuid : "");
	}
	*ret = i;
	return 0;
}

static bool add_table(struct dm_task *t, const struct mapper_table *table)
{
	if (table->read_only && !dm_task_set_ro(t))
		return false;
	for (size_t i = 0; i < table->n; i++) {
		const struct mapper_line *l = &table->v[i];

		if (!dm_task_add_target(t, l->start, l->length, l->type, l->params))
			return false;
	}
	return true;
}

/* Nobody waits for udev, so there is no cookie; its upper half still tells the rules what to leave alone. */
static bool keep_udev_off(struct dm_task *t)
{
	uint32_t cookie = 0;

	return dm_task_set_cookie(t, &cookie, DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG);
}

int mapper_create(const char *name, const char *uuid, bool quiet, const struct mapper_table *table, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_CREATE, name);

	if (!t || !dm_task_set_uuid(t, uuid) || !dm_task_set_add_node(t, DM_ADD_NODE_ON_CREATE) || (quiet && !keep_udev_off(t)))
		return failed(t, e, name, "creating the device");
	if (!add_table(t, table))
		return failed(t, e, name, "creating the device");
	if (!dm_task_run(t)) {
		int code = dm_task_get_errno(t);

		dm_task_update_nodes();
		return code == EBUSY ? error_set(e, EEXIST, "%s: there is such a device already", name)
				     : failed(t, e, name, "creating the device");
	}
	dm_task_update_nodes();
	return 0;
}

int mapper_table_read(const char *name, struct mapper_table *ret, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_TABLE, name);
	struct mapper_table table CLEANUP(mapper_table_free) = {.read_only = false};
	void *next = NULL;

	if (!t || !dm_task_run(t))
		return failed(t, e, name, "reading the device's table");
	do {
		uint64_t start, length;
		char *type = NULL, *params = NULL;
		int r;

		next = dm_get_next_target(t, next, &start, &length, &type, &params);
		r = type ? mapper_table_add(&table, type, length, params ? params : "") : 0;
		if (r < 0)
			return error_errno(e, r, "%s: reading the device's table", name);
	} while (next);
	*ret = table;
	table = (struct mapper_table){.v = NULL};
	return 0;
}

static bool same_line(const struct mapper_line *a, const struct mapper_line *b)
{
	return strcmp(a->type, b->type) == 0 && (strcmp(a->type, "linear") != 0 || strcmp(a->params, b->params) == 0);
}

uint64_t mapper_table_length(const struct mapper_table *t)
{
	return t->n ? t->v[t->n - 1].start + t->v[t->n - 1].length : 0;
}

bool mapper_table_begins(const struct mapper_table *table, const struct mapper_table *head)
{
	for (size_t i = 0; i < head->n; i++)
		if (i >= table->n || !same_line(&table->v[i], &head->v[i]) ||
		    (i + 1 < head->n ? table->v[i].length != head->v[i].length : table->v[i].length < head->v[i].length))
			return false;
	return true;
}

int mapper_compare(const char *name, const struct mapper_table *table, struct error *e)
{
	struct mapper_table live CLEANUP(mapper_table_free) = {.read_only = false};
	int r = mapper_table_read(name, &live, e);

	if (r < 0)
		return r;
	if (live.n != table->n || mapper_table_length(&live) != mapper_table_length(table) || !mapper_table_begins(table, &live))
		return error_set(e, ESTALE, "%s: the device is there, but put together otherwise: release it first", name);
	return 0;
}

/* --- a device that is in use ------------------------------------------------------------------------------------------- */

/* How the kernel suspends: by itself it freezes the file system, and waits for all I/O to end. */
enum manner { FROZEN, ENDED, AT_ONCE };

static int run_plain(int type, const char *name, enum manner m, const struct mapper_table *table, const char *what, struct error *e)
{
	cleanup_task task_ref t = task_new(type, name);

	if (!t || (table && !add_table(t, table)) || (m != FROZEN && !dm_task_skip_lockfs(t)) || (m == AT_ONCE && !dm_task_no_flush(t)) || !dm_task_run(t))
		return failed(t, e, name, what);
	return 0;
}

static int reload(const char *name, enum manner m, const struct mapper_table *table, struct error *e)
{
	int r = run_plain(DM_DEVICE_RELOAD, name, FROZEN, table, "loading a new table", e);

	if (r < 0)
		return r;
	r = run_plain(DM_DEVICE_RESUME, name, m, NULL, "putting the new table in place", e);
	if (r < 0)
		run_plain(DM_DEVICE_CLEAR, name, FROZEN, NULL, "forgetting the new table", NULL);
	return r;
}

int mapper_reload(const char *name, const struct mapper_table *table, struct error *e)
{
	return reload(name, AT_ONCE, table, e);
}

static void ring(int signal)
{
	(void)signal;
}

int mapper_reload_quiet(const char *name, const struct mapper_table *table, unsigned seconds, struct error *e)
{
	const struct sigaction alarmed = {.sa_handler = ring}; /* without SA_RESTART: it is to interrupt */
	const struct itimerval limit = {.it_value.tv_sec = seconds}, none = {.it_value.tv_sec = 0};
	struct sigaction before;
	int r;

	sigaction(SIGALRM, &alarmed, &before);
	setitimer(ITIMER_REAL, &limit, NULL);
	r = reload(name, ENDED, table, e);
	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &before, NULL);
	return r;
}

int mapper_suspend(const char *name, struct error *e)
{
	return run_plain(DM_DEVICE_SUSPEND, name, FROZEN, NULL, "suspending", e);
}

int mapper_resume(const char *name, struct error *e)
{
	return run_plain(DM_DEVICE_RESUME, name, FROZEN, NULL, "resuming", e);
}

int mapper_each(const char *prefix, mapper_name_fn *fn, void *data, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_LIST, NULL);
	struct dm_names *n;
	int r = 0;

	if (!t || !dm_task_run(t))
		return failed(t, e, "device-mapper", "listing the devices");
	n = dm_task_get_names(t);
	if (!n || !n->dev)
		return 0;
	for (unsigned next = 1; next && r == 0; n = (struct dm_names *)((char *)n + next)) {
		next = n->next;
		if (str_starts(n->name, prefix))
			r = fn(n->name, data, e);
	}
	return r;
}

/* libdevmapper keeps its descriptor to itself, and what is armed is the descriptor: so this is a call of our own, as linux/dm-ioctl.h has it. */
int mapper_events_open(int *ret, struct error *e)
{
	char path[256];
	int fd;

	mapper_path("control", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	*ret = fd;
	return 0;
}

int mapper_events_arm(int fd, struct error *e)
{
	struct dm_ioctl d = {.version = {4, 37, 0}, .data_size = sizeof(d), .data_start = sizeof(d)};

	if (ioctl(fd, DM_DEV_ARM_POLL, &d) < 0)
		return error_errno(e, errno, "waiting for device-mapper's events");
	return 0;
}

/* --- taking away ------------------------------------------------------------------------------------------------------------ */

static int remove_once(const char *name)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_REMOVE, name);
	int code;

	if (!t)
		return -ENOMEM;
	if (dm_task_run(t))
		return 0;
	code = dm_task_get_errno(t);
	if (code == ENXIO || code == ENODEV)
		return 0;
	return code ? -code : -EIO;
}

int mapper_remove(const char *name, struct error *e)
{
	const struct timespec pause = {0, 100 * 1000 * 1000};
	struct mapper_info i;
	int r = mapper_info(name, &i, e);

	if (r < 0 || !i.exists)
		return r;
	r = remove_once(name);
	for (int n = 0; r == -EBUSY && n < REMOVE_TRIES; n++) {
		nanosleep(&pause, NULL);
		r = remove_once(name);
	}
	dm_task_update_nodes();
	if (r == -EBUSY)
		return error_set(e, EBUSY, "%s: the device is in use", name);
	return r < 0 ? error_errno(e, r, "%s: removing the device", name) : 0;
}

int mapper_message(const char *name, const char *message, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_TARGET_MSG, name);

	if (!t || !dm_task_set_sector(t, 0) || !dm_task_set_message(t, message) || !dm_task_run(t))
		return failed(t, e, name, message);
	return 0;
}

int mapper_status(const char *name, const char *type, char *ret, size_t size, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_STATUS, name);
	uint64_t start, length;
	char *have = NULL, *params = NULL;

	if (!t || !dm_task_no_flush(t) || !dm_task_run(t))
		return failed(t, e, name, "asking for the device's status");
	dm_get_next_target(t, NULL, &start, &length, &have, &params);
	if (!have || strcmp(have, type) != 0 || !params)
		return error_set(e, ENODEV, "%s: this device is no %s", name, type);
	return str_copy(ret, size, params) < 0 ? error_errno(e, EOVERFLOW, "%s: its status", name) : 0;
}

static int parse_pool(struct dm_pool *mem, const char *params, struct mapper_pool *ret)
{
	struct dm_status_thin_pool *s;

	if (!dm_get_status_thin_pool(mem, params, &s))
		return -EPROTO;
	*ret = (struct mapper_pool){
		.transaction = s->transaction_id,
		.data_used = s->used_data_blocks,
		.data_total = s->total_data_blocks,
		.metadata_used = s->used_metadata_blocks,
		.metadata_total = s->total_metadata_blocks,
		.failed = s->fail,
		.read_only = s->read_only,
		.out_of_data = s->out_of_data_space,
		.needs_check = s->needs_check,
	};
	return 0;
}

int mapper_pool_status(const char *name, struct mapper_pool *ret, struct error *e)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_STATUS, name);
	struct dm_pool *mem;
	uint64_t start, length;
	char *type = NULL, *params = NULL;
	int r;

	/* Without this the pool commits its metadata first: a write, which a SAN that is away would hold up. */
	if (!t || !dm_task_no_flush(t) || !dm_task_run(t))
		return failed(t, e, name, "asking for the pool's status");
	dm_get_next_target(t, NULL, &start, &length, &type, &params);
	if (!type || strcmp(type, "thin-pool") != 0 || !params)
		return error_set(e, ENODEV, "%s: this device is no thin pool", name);
	mem = dm_pool_create("status", 256);
	if (!mem)
		return error_errno(e, ENOMEM, "%s", name);
	r = parse_pool(mem, params, ret);
	dm_pool_destroy(mem);
	return r < 0 ? error_set(e, EPROTO, "%s: the kernel tells the pool's status as '%.60s'", name, params) : 0;
}

static bool have_target(const char *type)
{
	cleanup_task task_ref t = task_new(DM_DEVICE_LIST_VERSIONS, NULL);
	struct dm_versions *v;

	if (!t || !dm_task_run(t))
		return false;
	v = dm_task_get_versions(t);
	while (v && v->next) {
		if (strcmp(v->name, type) == 0)
			return true;
		v = (struct dm_versions *)((char *)v + v->next);
	}
	return v && strcmp(v->name, type) == 0;
}

int mapper_need(const char *type, struct error *e)
{
	char module[32];

	snprintf(module, sizeof(module), "dm-%s", strcmp(type, "linear") == 0 ? "mod" : type);
	if (have_target(type))
		return 0;
	spawn_simple(NULL, "modprobe", "-q", module, NULL);
	if (have_target(type))
		return 0;
	return error_set(e, ENOTSUP, "the kernel has no device-mapper target %s: load module %s", type, module);
}
