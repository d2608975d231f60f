/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cluster/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An outage of the SAN makes I/O wait for a day, not fail; a dead connection is noticed after ten seconds. */
#define REPLACEMENT_TIMEOUT "node.session.timeo.replacement_timeout=86400"
#define NOOP_INTERVAL       "node.conn[0].timeo.noop_out_interval=5"
#define FEW_ATTEMPTS        "node.session.initial_login_retry_max=2" /* we come again */
#define NOOP_TIMEOUT        "node.conn[0].timeo.noop_out_timeout=5"

/* The only name in NAMES, a line each, into P's SAN. */
static int choose(const char *names, struct san *san, struct error *e)
{
	size_t len = strcspn(names, "\n");
	char known[512];

	if (!*names)
		return error_set(e, ENOENT, "the SAN exports no target to this machine: check its access list for %s", san->initiator);
	if (names[len] && names[len + 1]) {
		snprintf(known, sizeof(known), "%s", names);
		for (char *c = known; (c = strchr(c, '\n'));)
			*c = c[1] ? ' ' : '\0';
		return error_set(e, EINVAL, "the SAN exports several targets: name one in ivid: %s", known);
	}
	snprintf(known, sizeof(known), "%.*s", (int)len, names);
	return str_copy(san->target, sizeof(san->target), known) < 0 ? error_set(e, EINVAL, "the SAN's target has too long a name") : 0;
}

/* Also tells plainly when there is no SAN, which iscsistart does not. */
static int find_target(const struct params *p, struct san *san, struct error *e)
{
	cleanup_fd int fd = portal_connect(p->storage_ip, p->storage_port, e);
	cleanup_free char *names = NULL;
	int r;

	if (fd < 0)
		return fd;
	if (p->ivid[0])
		return str_copy(san->target, sizeof(san->target), p->ivid);
	r = portal_discover(fd, san->initiator, &names, e);
	return r < 0 ? r : choose(names, san, e);
}

static int start_session(const struct san *san, struct error *e)
{
	char ip[IP4_LEN], port[8];
	const char *argv[] = {"iscsistart",
			      "-i",
			      san->initiator,
			      "-t",
			      san->target,
			      "-g",
			      "1",
			      "-a",
			      ip4_format(ip, san->ip),
			      "-p",
			      port,
			      "-P",
			      REPLACEMENT_TIMEOUT,
			      "-P",
			      NOOP_INTERVAL,
			      "-P",
			      NOOP_TIMEOUT,
			      "-P",
			      FEW_ATTEMPTS,
			      NULL};
	static const char *const env[] = {"LD_PRELOAD=/usr/lib/quick.so", NULL};
	struct spawn s = {.argv = argv, .env = access("/usr/lib/quick.so", R_OK) == 0 ? env : NULL};
	int status = 0, r;

	snprintf(port, sizeof(port), "%u", san->port);
	r = spawn_run(&s, NULL, &status, e);
	if (r < 0 && status == 15) /* ISCSI_ERR_SESS_EXISTS */
		return 0;
	return r < 0 ? error_wrap(e, "logging in to %s at %s as %s", san->target, ip, san->initiator) : 0;
}

/* A login failed with E; when the SAN does not know the target, E says that instead, and which it knows. */
static int explain(const struct params *p, const struct san *san, struct error *e)
{
	cleanup_fd int fd = portal_connect(p->storage_ip, p->storage_port, NULL);
	cleanup_free char *names = NULL;
	size_t len = strlen(san->target);

	if (fd < 0 || portal_discover(fd, san->initiator, &names, NULL) < 0)
		return -e->code;
	for (const char *n = names; (n = strstr(n, san->target)); n += len)
		if ((n == names || n[-1] == '\n') && n[len] == '\n')
			return -e->code;
	for (char *c = names; (c = strchr(c, '\n'));)
		*c = c[1] ? ' ' : '\0';
	return error_set(e, ENOENT, "the SAN has no target %s for %s: check ivid and its access list; it has: %.300s", san->target,
			 san->initiator, *names ? names : "none");
}

int iscsi_login(const struct params *p, const struct mac *mac, struct san *ret, struct error *e)
{
	struct san san = {.ip = p->storage_ip, .port = p->storage_port};
	int r;

	initiator_name(san.initiator, mac);
	r = find_target(p, &san, e);
	if (r < 0)
		return r;
	r = start_session(&san, e);
	if (r < 0)
		return explain(p, &san, e);
	*ret = san;
	return 0;
}
