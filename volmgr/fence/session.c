/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of this process, by libiscsi, beside the kernel's: one can be broken and made again without anybody's disk hanging. */
#include "probe.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "iscsi_session.h"

#include <errno.h>
#include <fcntl.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LOGIN_SECONDS 10

struct session {
	struct scsi_port port; /* first: it is handed out */
	struct session_place place;
	struct iscsi_context *iscsi;
	uint32_t isid;
};

/* --- where the disk is ------------------------------------------------------------------------------------------------------- */

/* The session's number and the LUN, out of …/session3/target2:0:0/2:0:0:1. */
static int parse_device(const char *path, unsigned *ret_session, unsigned *ret_lun)
{
	const char *s = strstr(path, "/session"), *colon = strrchr(path, ':');
	char number[16];

	if (!s || !colon)
		return -EOPNOTSUPP;
	s += strlen("/session");
	snprintf(number, sizeof(number), "%.*s", (int)strspn(s, "0123456789"), s);
	if (str_to_uint(number, 0, UINT_MAX, ret_session) < 0 || str_to_uint(colon + 1, 0, 16383, ret_lun) < 0)
		return -EOPNOTSUPP;
	return 0;
}

static int read_place(const char *root, unsigned session, struct session_place *p)
{
	int r = iscsi_session_portal(root, session, p->portal, sizeof(p->portal));

	if (r == 0)
		r = iscsi_session_text(root, session, "targetname", p->target, sizeof(p->target));
	if (r == 0)
		r = iscsi_session_text(root, session, "initiatorname", p->initiator, sizeof(p->initiator));
	/* For who has no CHAP they may be missing. */
	if (iscsi_session_text(root, session, "username", p->user, sizeof(p->user)) < 0 ||
	    iscsi_session_text(root, session, "password", p->password, sizeof(p->password)) < 0)
		p->user[0] = p->password[0] = '\0';
	return r;
}

int session_place(const char *root, const char *disk, struct session_place *ret, struct error *e)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct session_place p = {.lun = 0};
	unsigned session;
	int r;

	snprintf(path, sizeof(path), "%s/sys/block/%s/device", root, str_base(disk));
	if (!realpath(path, real) || parse_device(real, &session, &p.lun) < 0)
		return error_set(e, EOPNOTSUPP, "%s: is not on iSCSI", disk);
	r = read_place(root, session, &p);
	if (r < 0)
		return error_errno(e, r, "%s: its iSCSI session", disk);
	*ret = p;
	return 0;
}

/* --- the session ---------------------------------------------------------------------------------------------------------------- */

static int run_iscsi(struct scsi_port *port, struct scsi_command *c, struct error *e)
{
	struct session *s = (struct session *)port;
	struct scsi_task *task = scsi_create_task((int)c->cdb_len, c->cdb,
						  c->len == 0 ? SCSI_XFER_NONE
						  : c->out    ? SCSI_XFER_WRITE
							      : SCSI_XFER_READ,
						  (int)c->len);
	struct iscsi_data data = {.data = c->data, .size = c->len};

	if (!task)
		return error_errno(e, ENOMEM, "%s", port->name);
	if (!s->iscsi || !iscsi_scsi_command_sync(s->iscsi, (int)s->place.lun, task, c->out ? &data : NULL)) {
		scsi_free_scsi_task(task);
		return error_set(e, EIO, "%s: %s", port->name, s->iscsi ? iscsi_get_error(s->iscsi) : "not logged in");
	}
	c->status = (unsigned)task->status;
	c->key = (unsigned char)task->sense.key;
	c->asc = (unsigned char)(task->sense.ascq >> 8);
	c->ascq = (unsigned char)task->sense.ascq;
	if (!c->out && task->datain.size > 0) {
		c->got = (unsigned)task->datain.size < c->len ? (unsigned)task->datain.size : c->len;
		memcpy(c->data, task->datain.data, c->got);
	}
	scsi_free_scsi_task(task);
	return 0;
}

static int refused(struct session *s, struct error *e)
{
	const char *why = iscsi_get_error(s->iscsi);

	return error_set(e, EPROTO, "logging in to %s at %s: %.*s", s->place.target, s->place.portal, (int)strcspn(why, "\n"), why);
}

static int log_in(struct session *s, struct error *e)
{
	s->iscsi = iscsi_create_context(s->place.initiator);
	if (!s->iscsi)
		return error_errno(e, ENOMEM, "%s", s->place.portal);
	iscsi_set_timeout(s->iscsi, LOGIN_SECONDS);
	iscsi_set_noautoreconnect(s->iscsi, 1);
	iscsi_set_targetname(s->iscsi, s->place.target);
	iscsi_set_session_type(s->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(s->iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
	iscsi_set_isid_random(s->iscsi, s->isid, 0);
	if (s->place.user[0])
		iscsi_set_initiator_username_pwd(s->iscsi, s->place.user, s->place.password);
	if (iscsi_connect_sync(s->iscsi, s->place.portal) != 0 || iscsi_login_sync(s->iscsi) != 0)
		return refused(s, e);
	return 0;
}

/* Without a logout: as an outage ends it. */
static void cut(struct session *s)
{
	if (!s->iscsi)
		return;
	iscsi_disconnect(s->iscsi);
	iscsi_destroy_context(s->iscsi);
	s->iscsi = NULL;
}

int session_open(const struct session_place *place, uint32_t port, struct scsi_port **ret, struct error *e)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return error_errno(e, ENOMEM, "%s", place->portal);
	s->port.run = run_iscsi;
	s->port.fd = -1;
	snprintf(s->port.name, sizeof(s->port.name), "%.40s LUN %u", place->portal, place->lun);
	s->place = *place;
	s->isid = port;
	r = log_in(s, e);
	if (r < 0) {
		session_close(&s->port);
		return r;
	}
	*ret = &s->port;
	return 0;
}

int session_renew(struct scsi_port *p, struct error *e)
{
	struct session *s = (struct session *)p;

	cut(s);
	return log_in(s, e);
}

void session_close(struct scsi_port *p)
{
	struct session *s = (struct session *)p;

	if (!s)
		return;
	if (s->iscsi)
		iscsi_logout_sync(s->iscsi);
	cut(s);
	explicit_bzero(&s->place, sizeof(s->place));
	free(s);
}
