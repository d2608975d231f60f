/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses that one node has for all: the spare local one, and the public one. The membership decides who has them. The kernel is given them for a
 * few seconds only, again and again: when this program stands still, they go.
 */
#include "meta.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/spawn.h"
#include "member/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pwd.h>
#include <qb/qbloop.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIFE_S  15
#define TELL_MS 30000
#define LOOK_NS 1000000000ull /* at the interfaces, and the addresses get new life */

static void remove_leftovers(void);
static void conntrackd_log(const char *line);

static struct {
	const struct options *o;
	struct qb_loop *loop;
	struct gateway_place {
		char inside[IF_NAMESIZE], outside[IF_NAMESIZE];
		uint32_t local_ip, public_ip, router;
		int local_bits, public_bits;
	} at;                          /* where the addresses belong; local_ip 0: not known */
	const struct cluster *cluster; /* NULL: none */
	char filter_of[IF_NAMESIZE];   /* the outside interface for which the packet filter is in force */
	uint64_t filter_generation;
	bool able, holds, leaving;
	struct child conntrackd;
	char dir[256], conf[272]; /* conntrackd's */
	uint64_t told_ms;         /* the last time that all connections were asked for, or told of; 0: not since its start */
	void (*left)(void *data); /* is called when another node has the addresses */
	struct control_duty duty;
	char told[256];
} me = {.conntrackd = {.name = "conntrackd", .on_line = conntrackd_log, .prepare = remove_leftovers}};

static void complain(const struct error *e)
{
	if (strncmp(me.told, e->text, sizeof(me.told) - 1) != 0)
		log_warning("gateway: %s", e->text);
	snprintf(me.told, sizeof(me.told), "%s", e->text);
}

/* --- where they belong --------------------------------------------------------------------------------------------------------- */

static bool is_up(const struct ifaddrs *i)
{
	return (i->ifa_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

/* The interface with an address of this network, other than those that move. */
static void find_inside(const struct ifaddrs *all, const struct gateway_place *p, uint32_t mask, char ret[IF_NAMESIZE])
{
	for (const struct ifaddrs *i = all; i && !ret[0]; i = i->ifa_next) {
		const struct sockaddr_in *in = (const void *)i->ifa_addr;

		if (in && in->sin_family == AF_INET && is_up(i) && ntohl(in->sin_addr.s_addr) != p->local_ip &&
		    (ntohl(in->sin_addr.s_addr) & mask) == (p->local_ip & mask))
			snprintf(ret, IF_NAMESIZE, "%.*s", (int)strcspn(i->ifa_name, ":"), i->ifa_name);
	}
}

static bool has_other_address(const struct ifaddrs *all, const char *name, uint32_t but)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct sockaddr_in *in = (const void *)i->ifa_addr;

		if (in && in->sin_family == AF_INET && strcmp(i->ifa_name, name) == 0 && ntohl(in->sin_addr.s_addr) != but)
			return true;
	}
	return false;
}

/* The one that the settings name, or the first that is up and belongs to no other network. */
static void find_outside(const struct ifaddrs *all, const struct gateway_place *p, const char *wanted, char ret[IF_NAMESIZE])
{
	for (const struct ifaddrs *i = all; i && !ret[0]; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_PACKET || !is_up(i) || i->ifa_flags & IFF_LOOPBACK)
			continue;
		if (wanted[0] ? strcmp(i->ifa_name, wanted) == 0 : !has_other_address(all, i->ifa_name, p->public_ip))
			snprintf(ret, IF_NAMESIZE, "%s", i->ifa_name);
	}
}

/* What SELF could have, and by which interfaces. True: it has all that it takes. */
static bool find_place(const struct cluster *c, struct gateway_place *ret)
{
	const struct settings *s = &c->settings;
	uint32_t mask = s->storage_netmask;
	struct ifaddrs *all;

	*ret = (struct gateway_place){.local_ip = s->spare_local_ip, .public_ip = s->public_ip, .router = s->public_router};
	if (!ret->local_ip || getifaddrs(&all) < 0)
		return false;
	if (((s->spare_local_ip ^ s->first_node_ip_netboot) & s->netmask_netboot) == 0)
		mask = s->netmask_netboot;
	ret->local_bits = ip4_mask_bits(mask);
	ret->public_bits = ip4_mask_bits(s->public_netmask);
	find_inside(all, ret, mask, ret->inside);
	if (ret->public_ip)
		find_outside(all, ret, s->ext_if, ret->outside);
	freeifaddrs(all);
	return ret->inside[0] && (!ret->public_ip || ret->outside[0]);
}

/* --- packets ---------------------------------------------------------------------------------------------------------------------- */

static int forward(struct error *e)
{
	cleanup_fd int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "1\n", 2) < 0 ? error_errno(e, errno, "/proc/sys/net/ipv4/ip_forward") : 0;
}

/* The filter is in force before the addresses are here. */
static int filter(struct error *e)
{
	struct buf text CLEANUP(buf_free) = BUF_INIT;
	static const char *const argv[] = {"nft", "-f", "-", NULL};
	struct spawn s = {.argv = argv};
	int r;

	if (!me.at.public_ip || (strcmp(me.filter_of, me.at.outside) == 0 && me.filter_generation == me.cluster->generation))
		return 0;
	r = services_nftables(me.cluster, me.at.outside, &text, e);
	if (r == 0 && !buf_ok(&text))
		r = error_errno(e, ENOMEM, "packet filter");
	if (r < 0)
		return r;
	s.input = buf_str(&text);
	r = spawn_run(&s, NULL, NULL, e);
	if (r == 0)
		r = forward(e);
	if (r < 0)
		return error_wrap(e, "packet filter");
	snprintf(me.filter_of, sizeof(me.filter_of), "%s", me.at.outside);
	me.filter_generation = me.cluster->generation;
	return 0;
}

/* --- connections -------------------------------------------------------------------------------------------------------------- */

/* One that was killed leaves its lock, and would not start over that. */
static void remove_leftovers(void)
{
	char path[288];

	snprintf(path, sizeof(path), "%s/conntrackd.lock", me.dir);
	unlink(path);
	me.told_ms = 0;
}

static void conntrackd_log(const char *line)
{
	if (strstr(line, "[ERROR]"))
		log_warning("conntrackd: %s", line);
	else
		log_debug("conntrackd: %s", line);
}

/* As nobody, with the one capability that it takes to read and write the kernel's connections. */
static void start_conntrackd(bool is_new)
{
	static const char *const argv[] = {"setpriv",
					   "--reuid=nobody",
					   "--regid=nogroup",
					   "--clear-groups",
					   "--inh-caps=-all,+net_admin",
					   "--ambient-caps=+net_admin",
					   "--no-new-privs",
					   "conntrackd",
					   "-C"};

	memcpy(me.conntrackd.argv, argv, sizeof(argv));
	me.conntrackd.argv[sizeof(argv) / sizeof(*argv)] = me.conf;
	if (!me.conntrackd.wanted)
		child_start(&me.conntrackd);
	else if (is_new)
		child_restart(&me.conntrackd);
}

static int make_folder(struct error *e)
{
	const struct passwd *nobody = getpwnam("nobody");
	int r = dir_make(AT_FDCWD, me.dir, 0700, e);

	if (r == 0 && nobody && chown(me.dir, nobody->pw_uid, nobody->pw_gid) < 0)
		r = error_errno(e, errno, "%s", me.dir);
	return r;
}

/* Whoever may take over knows the connections. */
static int follow_connections(const struct node *self, struct error *e)
{
	struct buf text CLEANUP(buf_free) = BUF_INIT;
	int r;

	if (!me.at.public_ip)
		return 0;
	snprintf(me.dir, sizeof(me.dir), "%s/conntrackd", me.o->run_dir);
	snprintf(me.conf, sizeof(me.conf), "%s.conf", me.dir);
	r = services_conntrackd(me.cluster, self, me.at.inside, me.dir, &text, e);
	if (r == 0 && !buf_ok(&text))
		r = error_errno(e, ENOMEM, "conntrackd");
	if (r == 0)
		r = make_folder(e);
	if (r == 0)
		r = file_update(AT_FDCWD, me.conf, 0644, buf_str(&text), text.len, e);
	if (r >= 0)
		start_conntrackd(r > 0);
	return r < 0 ? r : 0;
}

/*
 * After its start, as soon as it listens, the others tell it of the connections that there are; and the owner tells of all again now and then: a message
 * may have been lost.
 */
static void tell_connections(void)
{
	const char *what = me.told_ms ? "-B" : "-n";

	if (me.conntrackd.pid <= 0 || (me.told_ms && (!me.holds || clock_boot_ms() - me.told_ms < TELL_MS)))
		return;
	if (spawn_simple(NULL, "conntrackd", "-C", me.conf, what, NULL) == 0)
		me.told_ms = clock_boot_ms();
}

/* --- having them --------------------------------------------------------------------------------------------------------------------- */

static void tell(void)
{
	members_tell_gateway((me.able ? GATEWAY_ABLE : 0u) | (me.holds ? GATEWAY_HOLDS : 0u));
}

static int keep(struct error *e)
{
	int r = netlink_keep_address(me.at.inside, me.at.local_ip, me.at.local_bits, LIFE_S, e);

	if (r == 0 && me.at.public_ip)
		r = netlink_keep_address(me.at.outside, me.at.public_ip, me.at.public_bits, LIFE_S, e);
	if (r == 0 && me.at.public_ip && me.at.router)
		r = netlink_default_route(me.at.outside, me.at.router, e);
	return r;
}

static void drop(void)
{
	struct error e = ERROR_INIT;

	if (netlink_drop_address(me.at.inside, me.at.local_ip, me.at.local_bits, &e) < 0)
		complain(&e);
	if (me.at.public_ip && netlink_drop_address(me.at.outside, me.at.public_ip, me.at.public_bits, &e) < 0)
		complain(&e);
}

static void take(void)
{
	struct error e = ERROR_INIT;

	if (keep(&e) < 0) {
		complain(&e);
		drop();
		me.able = false;
	} else {
		me.holds = true;
		me.told[0] = '\0';
		log_notice("this node is the gateway now");
	}
	tell();
}

static void let_go(void)
{
	drop();
	me.holds = false;
	log_notice("this node is the gateway no longer");
	tell();
	if (me.left)
		me.left(NULL);
}

static void obey(void)
{
	/* who leaves keeps them until the next one has them */
	bool hold = me.duty.hold && (me.leaving ? me.holds : me.able);

	if (hold && !me.holds)
		take();
	else if (!hold && me.holds)
		let_go();
}

/* --- time ------------------------------------------------------------------------------------------------------------------------------- */

static void look(void)
{
	struct gateway_place now;
	struct error e = ERROR_INIT;
	bool able = me.cluster && find_place(me.cluster, &now);

	if (me.leaving || !me.cluster)
		return;
	if (me.holds && (!able || memcmp(&now, &me.at, sizeof(now)) != 0))
		let_go();
	if (able)
		me.at = now;
	if (able && (filter(&e) < 0 || follow_connections(cluster_node(me.cluster, me.o->node), &e) < 0)) {
		complain(&e);
		able = false;
	}
	if (able != me.able) {
		me.able = able;
		tell();
	}
	obey();
	tell_connections();
	if (me.holds && keep(&e) < 0)
		complain(&e);
}

/* This node is none any more. */
static void give_up(void)
{
	me.able = false;
	if (me.holds)
		let_go();
	else
		tell();
}

static void on_time(void *data)
{
	qb_loop_timer_handle timer;

	(void)data;
	look();
	qb_loop_timer_add(me.loop, QB_LOOP_MED, LOOK_NS, NULL, on_time, &timer);
}

void gateway_start(const struct options *o, struct qb_loop *loop)
{
	me.o = o;
	me.loop = loop;
	on_time(NULL);
}

void gateway_follow(const struct cluster *c, const struct node *self)
{
	me.cluster = self ? c : NULL;
	if (me.cluster)
		look();
	else if (c)
		give_up();
}

void gateway_duty(const struct control_duty *duty)
{
	me.duty = *duty;
	obey();
}

void gateway_announce_now(void)
{
	struct error e = ERROR_INIT;

	if (!me.holds)
		return;
	if (arp_announce(me.at.inside, me.at.local_ip, &e) < 0)
		complain(&e);
	if (me.at.public_ip && arp_announce(me.at.outside, me.at.public_ip, &e) < 0)
		complain(&e);
}

bool gateway_leave(void (*left)(void *data))
{
	me.leaving = true;
	me.able = false;
	me.left = left;
	tell();
	return me.holds;
}

void gateway_stop(void)
{
	if (me.holds)
		let_go();
	child_stop(&me.conntrackd);
}

void gateway_reap(void)
{
	child_reap(&me.conntrackd);
}

const struct control_duty *gateway_known(void)
{
	return &me.duty;
}

bool gateway_able(void)
{
	return me.able;
}
