/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "login.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "iscsi_session.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RECORDS "/run/byre/iscsi" /* /etc/iscsi/nodes and ifaces point here: nothing of a session is kept over boots */

/* What both kinds have. */
static const char *const common_values[][2] = {
	{"node.startup", "manual"},
	{"node.conn[0].timeo.login_timeout", "8"},
	{"node.session.initial_login_retry_max", "2"},
};

/* --- what the kernel tells of sessions -------------------------------------------------------------------------------------- */

static bool is_of(unsigned session, const char *iface, const char *target, const char *portal)
{
	char name[64], its[256];
	bool control = iscsi_session_text("", session, "ifacename", name, sizeof(name)) == 0 && strcmp(name, SAN_CONTROL_IFACE) == 0;

	if (control != (iface && strcmp(iface, SAN_CONTROL_IFACE) == 0))
		return false;
	if (iscsi_session_text("", session, "targetname", its, sizeof(its)) < 0 || strcmp(its, target) != 0)
		return false;
	return !portal || (iscsi_session_portal("", session, its, sizeof(its)) == 0 && strcmp(its, portal) == 0);
}

bool login_is_there(const char *iface, const char *target, const char *portal)
{
	bool found = false;
	glob_t g;

	if (glob("/sys/class/iscsi_session/session*", 0, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc && !found; i++) {
		unsigned session;

		found = sscanf(strrchr(g.gl_pathv[i], '/'), "/session%u", &session) == 1 && is_of(session, iface, target, portal);
	}
	globfree(&g);
	return found;
}

/* --- iscsiadm ------------------------------------------------------------------------------------------------------------------- */

static int set_interface(const char *iface, const char *initiator, struct error *e)
{
	int r = spawn_simple(e, "iscsiadm", "-m", "iface", "-I", iface, "-o", "new", NULL);

	if (r == 0)
		r = spawn_simple(e, "iscsiadm", "-m", "iface", "-I", iface, "-o", "update", "-n", "iface.initiatorname", "-v",
				 initiator, NULL);
	return r;
}

/* The file of a record: of a portal whose group is not known, and else of a group and an interface (open-iscsi's idbm). -ENOENT. */
static int find_record(const char *iface, const char *target, const char *portal, char ret[512])
{
	int port = (int)strcspn(portal, ":"), r = -ENOENT;
	const char *number = portal[port] ? portal + port + 1 : "3260";
	struct stat st;
	glob_t g;

	snprintf(ret, 512, RECORDS "/nodes/%s/%.*s,%s", target, port, portal, number);
	if (stat(ret, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	snprintf(ret, 512, RECORDS "/nodes/%s/%.*s,%s,*/%s", target, port, portal, number, iface);
	if (glob(ret, 0, NULL, &g) != 0)
		return -ENOENT;
	r = str_copy(ret, 512, g.gl_pathv[0]);
	globfree(&g);
	return r;
}

/*
 * The session SESSION has logged in with CHAP: so does this one. What it needs is put into its record, which root alone can read, and not into
 * arguments, which everybody can.
 */
static int add_chap(const char *iface, unsigned session, const char *target, const char *portal, struct error *e)
{
	static const char *const names[][2] = {{"username", "node.session.auth.username"},
					       {"password", "node.session.auth.password"},
					       {"username_in", "node.session.auth.username_in"},
					       {"password_in", "node.session.auth.password_in"}};
	struct buf b cleanup_buf = BUF_INIT;
	cleanup_free char *text = NULL;
	char record[512], value[256], *end;
	int r;

	if (iscsi_session_text("", session, "username", value, sizeof(value)) < 0)
		return 0;
	if (find_record(iface, target, portal, record) < 0)
		return error_set(e, ENOENT, "iscsiadm left no record %s", record);
	r = file_read(AT_FDCWD, record, 65536, &text, NULL, e);
	end = r == 0 ? strstr(text, "# END RECORD") : NULL;
	if (r == 0 && !end)
		r = error_set(e, EPROTO, "%s is no record of iscsiadm's", record);
	if (end) {
		buf_printf(&b, "%.*snode.session.auth.authmethod = CHAP\n", (int)(end - text), text);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (iscsi_session_text("", session, names[i][0], value, sizeof(value)) == 0)
				buf_printf(&b, "%s = %s\n", names[i][1], value);
		buf_puts(&b, end);
		r = buf_ok(&b) ? file_write(AT_FDCWD, record, 0600, buf_str(&b), b.len, e) : error_errno(e, ENOMEM, "CHAP");
	}
	explicit_bzero(value, sizeof(value));
	return r;
}

static int set_values(const char *const *node, const char *const (*values)[2], size_t n, struct error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = spawn_simple(e, "iscsiadm", "-m", "node", "-T", node[0], "-p", node[1], "-I", node[2], "-o", "update", "-n", values[i][0], "-v",
				 values[i][1], NULL);
	return r;
}

static int log_in(const struct login_kind *kind, unsigned like, const char *target, const char *portal, struct error *e)
{
	const char *const node[] = {target, portal, kind->iface};
	int r = spawn_simple(e, "iscsiadm", "-m", "node", "-T", target, "-p", portal, "-I", kind->iface, "-o", "new", NULL);

	if (r == 0)
		r = add_chap(kind->iface, like, target, portal, e);
	if (r == 0)
		r = set_values(node, common_values, ARRAY_SIZE(common_values), e);
	if (r == 0)
		r = set_values(node, kind->values, kind->n, e);
	if (r == 0)
		r = spawn_simple(e, "iscsiadm", "-m", "node", "-T", target, "-p", portal, "-I", kind->iface, "--login", NULL);
	return r;
}

int login(const struct login_kind *kind, unsigned like, const char *target, const char *portal, struct error *e)
{
	char initiator[256];
	int r = iscsi_session_text("", like, "initiatorname", initiator, sizeof(initiator));

	if (r < 0)
		return error_errno(e, r, "the initiator's name of iSCSI session %u", like);
	if (r == 0)
		r = dir_make(AT_FDCWD, RECORDS "/nodes", 0700, e);
	if (r == 0)
		r = dir_make(AT_FDCWD, RECORDS "/ifaces", 0700, e);
	/* iscsid takes over the sessions that it finds, and is needed for a new one. */
	if (r == 0)
		r = spawn_simple(e, "systemctl", "start", "byre-iscsid.service", NULL);
	if (r == 0)
		r = set_interface(kind->iface, initiator, e);
	return r == 0 ? log_in(kind, like, target, portal, e) : r;
}
