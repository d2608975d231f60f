/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to the SAN: is it there, which targets has it, log in. Discovery is libiscsi's, in this process; the session is the kernel's,
 * made by iscsistart as in the initrd, so that no daemon and no database is needed; byre-iscsid keeps it alive afterwards.
 */
#include "install.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/interrupt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REACH_MS          20000 /* how long a SAN that does not answer is tried */
#define DISK_MS           15000 /* how long the kernel may take to show the disks */
#define TARGETS_MAX       64
#define LUNS_MAX          64
#define QUICK             "/usr/lib/byre/quick.so"
#define LOGIN_AUTH_FAILED "(24 -" /* iscsistart's last words begin so; its exit status is always 1 */

static void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* --- is it there? ------------------------------------------------------------------------------------------------------- */

static int connect_once(uint32_t ip, unsigned port, int timeout_ms)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(ip)};
	struct pollfd p = {fd, POLLOUT, 0};
	socklen_t len = sizeof(int);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&p, 1, timeout_ms) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

static int wait_reachable(const struct install *in, const char *portal, struct error *e)
{
	uint64_t end = clock_boot_ms() + REACH_MS;
	bool told = false;
	int r;

	while ((r = connect_once(in->settings.storage_ip, in->settings.storage_port, 3000)) < 0 && clock_boot_ms() < end) {
		if (!told)
			tell("san: %s: %s: waiting for it", portal, strerror(-r));
		told = true;
		sleep_ms(500);
		if (interrupt_check(e) < 0)
			return -EINTR;
	}
	if (r < 0)
		return error_set(e, -r, "SAN %s cannot be reached through %s: %s: check storage-ip, storage-port and the cable", portal,
				 in->storage_if, strerror(-r));
	return 0;
}

/* --- which targets? ------------------------------------------------------------------------------------------------------- */

static void iscsi_freep(struct iscsi_context **c)
{
	if (*c) {
		iscsi_disconnect(*c);
		iscsi_destroy_context(*c);
	}
}

/* "10.0.0.1:3260,1": behind the comma is the portal group's tag. */
static void take_group(const struct iscsi_target_portal *p, const char *portal, struct iscsi_name *n)
{
	str_copy(n->portal_group, sizeof(n->portal_group), "1");
	for (; p; p = p->next) {
		const char *comma = strrchr(p->portal, ',');

		if (comma && str_starts(p->portal, portal) && p->portal[strlen(portal)] == ',')
			str_copy(n->portal_group, sizeof(n->portal_group), comma + 1);
	}
}

static int refused(const char *portal, const char *why, struct error *e)
{
	int len = (int)strcspn(why, "\n");

	return error_set(e, EPROTO, "SAN %s: no iSCSI discovery: %.*s", portal, len, why);
}

static int discover(const struct settings *s, const char *portal, const char *initiator, struct iscsi_name *ret, size_t *ret_n,
		    struct error *e)
{
	struct iscsi_context *c CLEANUP(iscsi_freep) = iscsi_create_context(initiator);
	struct iscsi_discovery_address *all;
	size_t n = 0;

	if (!c)
		return error_errno(e, ENOMEM, "SAN %s", portal);
	iscsi_set_timeout(c, 10);
	iscsi_set_session_type(c, ISCSI_SESSION_DISCOVERY);
	if (s->chap_user[0])
		iscsi_set_initiator_username_pwd(c, s->chap_user, s->chap_secret);
	if (iscsi_connect_sync(c, portal) != 0 || iscsi_login_sync(c) != 0)
		return refused(portal, iscsi_get_error(c), e);
	all = iscsi_discovery_sync(c);
	for (struct iscsi_discovery_address *a = all; a && n < TARGETS_MAX; a = a->next) {
		if (str_copy(ret[n].target, sizeof(ret[n].target), a->target_name) < 0)
			continue;
		take_group(a->portals, portal, &ret[n++]);
	}
	if (all)
		iscsi_free_discovery_data(c, all);
	*ret_n = n;
	return n ? 0 : error_set(e, ENOENT, "SAN %s exports no target to %s", portal, initiator);
}

/* --- log in --------------------------------------------------------------------------------------------------------------- */

/* CHAP's user and secret go through standard input to iscsistart's companion: arguments can be read by every user. */
static int start_session(const struct settings *s, const char *const *argv, struct error *e)
{
	static const char *const env[] = {"LD_PRELOAD=" QUICK, "BYRE_CHAP=stdin", NULL};
	char chap[sizeof(s->chap_user) + sizeof(s->chap_secret)];
	struct spawn sp = {.argv = argv};
	int r;

	if (s->chap_user[0]) {
		if (access(QUICK, R_OK) < 0)
			return error_errno(e, errno, "CHAP: " QUICK);
		snprintf(chap, sizeof(chap), "%s\n%s", s->chap_user, s->chap_secret);
		sp.env = env;
		sp.input = chap;
	}
	r = spawn_run(&sp, NULL, NULL, e);
	explicit_bzero(chap, sizeof(chap));
	if (r < 0 && strstr(e->text, LOGIN_AUTH_FAILED))
		return error_set(e, EACCES, "the SAN refuses this machine: %s",
				 s->chap_user[0] ? "check chap-user and chap-secret"
						 : "it wants CHAP: give chap-user and chap-secret, or check its access list");
	return r;
}

static int login(const struct install *in, const struct iscsi_name *t, const char *initiator, struct error *e)
{
	char ip[IP4_LEN], port[8];
	const char *const argv[] = {"iscsistart",
				    "-i",
				    initiator,
				    "-t",
				    t->target,
				    "-g",
				    t->portal_group,
				    "-a",
				    ip,
				    "-p",
				    port,
				    "-P",
				    "node.session.timeo.replacement_timeout=86400",
				    NULL};
	int r;

	if (sysfs_has_session("/sys", t->target)) {
		tell("san: already logged in to %s", t->target);
		return 0;
	}
	ip4_format(ip, in->settings.storage_ip);
	snprintf(port, sizeof(port), "%u", in->settings.storage_port);
	r = spawn_simple(e, "modprobe", "-a", "iscsi_tcp", "sd_mod", "crc32c_generic", NULL);
	if (r == 0)
		r = start_session(&in->settings, argv, e);
	if (r < 0)
		return error_wrap(e, "logging in to %s", t->target);
	tell("san: logged in to %s as %s", t->target, initiator);
	return 0;
}

/* iscsistart leaves a session that nobody would renew. */
static void keep_session(const struct install *in)
{
	struct error e = ERROR_INIT;

	if (access("/run/systemd/system", F_OK) == 0 &&
	    spawn_simple(&e, "systemctl", "--no-block", "start", "byre-iscsid.service", NULL) < 0)
		tell_more(in, "san: the session will not be renewed after an outage: %s", e.text);
}

/* --- the disk --------------------------------------------------------------------------------------------------------------- */

static int find_disk(struct install *in, int wanted, struct error *e)
{
	uint64_t end = clock_boot_ms() + DISK_MS;
	struct lun all[LUNS_MAX];
	size_t n, before = 0;
	int r;

	/* The list is whole when it has stopped growing. */
	while ((n = sysfs_luns("/sys", in->target, all, LUNS_MAX)) == 0 || n != before) {
		if (clock_boot_ms() > end)
			return error_set(e, ENODEV, "%s has no disk", in->target);
		before = n;
		sleep_ms(n ? 300 : 100);
	}
	r = iscsi_choose_lun(in->target, all, n < LUNS_MAX ? n : LUNS_MAX, wanted, e);
	if (r < 0)
		return r;
	str_copy(in->disk, sizeof(in->disk), all[r].device);
	tell("san: LUN %u is %s", all[r].number, in->disk);
	return 0;
}

/* By the kernel's own name, under which its partitions are found. */
static int take_attached(struct install *in, struct error *e)
{
	cleanup_free char *real = realpath(in->o->disk, NULL);
	char sysfs[PATH_MAX + 16];
	struct stat st;

	if (!real || stat(real, &st) < 0)
		return error_errno(e, errno, "--disk %s", in->o->disk);
	if (!S_ISBLK(st.st_mode))
		return error_set(e, ENOTBLK, "--disk %s: not a block device", in->o->disk);
	snprintf(sysfs, sizeof(sysfs), "/sys/block/%s", strrchr(real, '/') + 1);
	if (access(sysfs, F_OK) < 0)
		return error_set(e, ENOTBLK, "--disk %s: not a whole disk", in->o->disk);
	if (str_copy(in->disk, sizeof(in->disk), real) < 0)
		return error_errno(e, ENAMETOOLONG, "--disk %s", in->o->disk);
	tell("san: attached disk %s, no iSCSI login", in->disk);
	return 0;
}

int step_san(struct install *in, struct error *e)
{
	const struct settings *s = &in->settings;
	char portal[IP4_LEN + 8], ip[IP4_LEN], initiator[INITIATOR_NAME_SIZE];
	struct iscsi_name all[TARGETS_MAX];
	size_t n = 0;
	int r, lun, which;

	if (in->o->disk)
		return take_attached(in, e);
	snprintf(portal, sizeof(portal), "%s:%u", ip4_format(ip, s->storage_ip), s->storage_port);
	initiator_name(initiator, &s->macs[0]);
	if (s->chap_user[0] && !s->chap_secret[0])
		return error_set(e, EINVAL, "chap-secret: missing: chap-user is %s, and the secret is recorded nowhere", s->chap_user);
	r = iscsi_wanted_lun(s->iscsi_target, &lun, e);
	if (r == 0)
		r = wait_reachable(in, portal, e);
	if (r == 0)
		r = discover(s, portal, initiator, all, &n, e);
	if (r < 0)
		return r;
	which = iscsi_choose(s->iscsi_target, all, n, e);
	if (which < 0)
		return which;
	r = login(in, &all[which], initiator, e);
	if (r < 0)
		return r;
	str_copy(in->target, sizeof(in->target), all[which].target);
	keep_session(in);
	return find_disk(in, lun, e);
}
