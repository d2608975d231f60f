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

/* One of several paths is given up soon, for I/O goes on by the others; device-mapper does the waiting when there is none. */
#define REPLACEMENT_TIMEOUT_PATH "node.session.timeo.replacement_timeout=5"
#define NOOP_INTERVAL_PATH       "node.conn[0].timeo.noop_out_interval=3"
#define NOOP_TIMEOUT_PATH        "node.conn[0].timeo.noop_out_timeout=3"

/* In what iscsistart says last; its exit status is always 1. */
#define SESSION_EXISTS "(15 -"
#define LOGIN_REFUSED  "(24 -"

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
static int find_target(const struct params *p, const struct portal *at, struct san *san, struct error *e)
{
	cleanup_fd int fd = portal_connect(at->ip, at->port, e);
	cleanup_free char *names = NULL;
	int r;

	if (fd < 0)
		return fd;
	if (p->ivid[0])
		return str_copy(san->target, sizeof(san->target), p->ivid);
	if (san->target[0])
		return 0;
	r = portal_discover(fd, san->initiator, &names, e);
	return r < 0 ? r : choose(names, san, e);
}

/* iscsistart's arguments, a pair at a time. */
struct arguments {
	const char *v[40];
	size_t n;
};

static void add(struct arguments *a, const char *option, const char *value)
{
	a->v[a->n++] = option;
	a->v[a->n++] = value;
}

/* Nobody but us lives in the initrd who could see the secret there. */
static void add_chap(struct arguments *a, const struct ibft *chap)
{
	if (chap->user[0]) {
		add(a, "-u", chap->user);
		add(a, "-w", chap->secret);
	}
	if (chap->user[0] && chap->user_in[0]) {
		add(a, "-U", chap->user_in);
		add(a, "-W", chap->secret_in);
	}
}

static int start_session(const struct params *p, const struct portal *at, const struct san *san, const struct ibft *chap, struct error *e)
{
	static const char *const env[] = {"LD_PRELOAD=/usr/lib/quick.so", NULL};
	bool several = p->n_portals > 0;
	struct arguments a = {.v = {"iscsistart"}, .n = 1};
	struct spawn s = {.argv = a.v, .env = access("/usr/lib/quick.so", R_OK) == 0 ? env : NULL};
	char ip[IP4_LEN], port[8];
	int r;

	snprintf(port, sizeof(port), "%u", at->port);
	add(&a, "-i", san->initiator);
	add(&a, "-t", san->target);
	add(&a, "-g", "1");
	add(&a, "-a", ip4_format(ip, at->ip));
	add(&a, "-p", port);
	add(&a, "-P", several ? REPLACEMENT_TIMEOUT_PATH : REPLACEMENT_TIMEOUT);
	add(&a, "-P", several ? NOOP_INTERVAL_PATH : NOOP_INTERVAL);
	add(&a, "-P", several ? NOOP_TIMEOUT_PATH : NOOP_TIMEOUT);
	add(&a, "-P", FEW_ATTEMPTS);
	add_chap(&a, chap);
	r = spawn_run(&s, NULL, NULL, e);
	if (r < 0 && strstr(e->text, SESSION_EXISTS))
		return 0;
	if (r < 0 && strstr(e->text, LOGIN_REFUSED))
		return error_set(e, EACCES, "the SAN at %s refuses this machine: %s", ip,
				 chap->user[0]
					 ? "check user and secret of CHAP in the firmware's iSCSI settings"
					 : "it wants CHAP: give user and secret in the firmware's iSCSI settings (iBFT), or check its "
					   "access list");
	return r < 0 ? error_wrap(e, "logging in to %s at %s as %s", san->target, ip, san->initiator) : 0;
}

/* A login failed with E; when the SAN does not know the target, E says that instead, and which it knows. */
static int explain(const struct portal *at, const struct san *san, struct error *e)
{
	cleanup_fd int fd = e->code == EACCES ? -1 : portal_connect(at->ip, at->port, NULL);
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

static int login_at(const struct params *p, const struct portal *at, const struct ibft *chap, struct san *san, struct error *e)
{
	int r = find_target(p, at, san, e);

	if (r == 0 && start_session(p, at, san, chap, e) < 0)
		r = explain(at, san, e);
	if (r < 0)
		return r;
	if (!san->sessions++) {
		san->ip = at->ip;
		san->port = at->port;
	}
	return 0;
}

int iscsi_login(const struct params *p, const struct mac *mac, struct san *ret, struct error *e)
{
	struct portal all[1 + PORTALS_MAX] = {{p->storage_ip, p->storage_port}};
	struct san san = {.sessions = 0};
	struct ibft chap;
	struct error why;

	ibft_read("", &chap);
	initiator_name(san.initiator, mac);
	memcpy(all + 1, p->portals, p->n_portals * sizeof(*all));
	for (size_t i = 0; i <= p->n_portals; i++) {
		if (login_at(p, &all[i], &chap, &san, &why) == 0)
			continue;
		if (p->n_portals)
			say("%s", why.text);
		*e = why;
	}
	explicit_bzero(&chap, sizeof(chap));
	if (!san.sessions)
		return -e->code;
	*ret = san;
	return 0;
}
