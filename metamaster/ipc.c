/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's end of ipc.h. A connection that cannot be answered yet is kept until it can. */
#include "ipc.h"
#include "meta.h"

#include <errno.h>
#include <qb/qbipcs.h>
#include <qb/qbloop.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static qb_loop_t *loop;
static qb_ipcs_service_t *service;
static ipc_handler *handle;

static int32_t on_accept(qb_ipcs_connection_t *c, uid_t uid, gid_t gid)
{
	(void)c;
	(void)gid;
	return uid == 0 || uid == geteuid() ? 0 : -EACCES;
}

static int32_t on_request(qb_ipcs_connection_t *c, void *data, size_t size)
{
	struct ipc_request r;

	if (size != sizeof(r)) {
		ipc_answer(c, EPROTO, "this is not what metamasterctl of this version asks");
		return 0;
	}
	memcpy(&r, data, sizeof(r));
	handle(c, r.head.id, r.number);
	return 0;
}

static int32_t on_closed(qb_ipcs_connection_t *c)
{
	(void)c;
	return 0;
}

void ipc_answer(struct qb_ipcs_connection *c, int error, const char *text)
{
	const size_t len = strlen(text) + 1;
	struct qb_ipc_response_header h = {.id = 0, .size = (int32_t)(sizeof(h) + len), .error = error};
	const struct iovec v[] = {{&h, sizeof(h)}, {(void *)(uintptr_t)text, len}};

	if (qb_ipcs_response_sendv(c, v, 2) == -EMSGSIZE && !error)
		ipc_answer(c, EMSGSIZE, "the answer is too long");
}

/* --- the loop's functions, as libqb's IPC wants them ------------------------------------------------------------------------------ */

static int32_t add_job(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(loop, p, data, fn);
}

static int32_t add_poll(enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_add(loop, p, fd, events, data, fn);
}

static int32_t mod_poll(enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_mod(loop, p, fd, events, data, fn);
}

static int32_t del_poll(int32_t fd)
{
	return qb_loop_poll_del(loop, fd);
}

int ipc_start(struct qb_loop *l, ipc_handler *h, struct error *e)
{
	static struct qb_ipcs_service_handlers handlers = {
		.connection_accept = on_accept, .msg_process = on_request, .connection_closed = on_closed};
	static struct qb_ipcs_poll_handlers polls = {add_job, add_poll, mod_poll, del_poll};
	int r;

	loop = l;
	handle = h;
	service = qb_ipcs_create(IPC_NAME, 0, QB_IPC_SHM, &handlers);
	if (!service)
		return error_errno(e, errno, "IPC");
	qb_ipcs_enforce_buffer_size(service, IPC_MAX);
	qb_ipcs_poll_handlers_set(service, &polls);
	r = qb_ipcs_run(service);
	return r < 0 ? error_errno(e, r, "IPC: is another metamaster running?") : 0;
}

void ipc_stop(void)
{
	if (service)
		qb_ipcs_destroy(service);
	service = NULL;
}
