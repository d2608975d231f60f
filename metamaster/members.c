/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that keeps the membership: started, told of the cluster, and listened to. */
#include "meta.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "member/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qb/qbipcs.h>
#include <qb/qbloop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET    "member"      /* in run_dir */
#define EMPTY     "empty"       /* a folder: all that the process sees */
#define PING_NS   3000000000ull /* well within CONTROL_ALIVE_MS */
#define AGAIN_NS  200000000ull
#define TOLD_MOST 8  /* nodes named at a time */
#define ASKING    16 /* metamasterctl at a time */

static struct {
	const struct options *o;
	struct qb_loop *loop;
	struct members_events events;
	struct control_setup setup;
	struct child child;
	char root[256], path[256];
	int fd;                        /* to it; -1: none */
	const struct cluster *cluster; /* the newest; NULL: none yet */
	bool knocking;                 /* a timer is set to try again */
	uint16_t *live;
	size_t n_live;
	struct qb_ipcs_connection *asking[ASKING]; /* wait for what each node is known to be */
	size_t n_asking;
	struct qb_ipcs_connection *moving; /* waits for its answer */
	unsigned gateway;                  /* what was told last */
} me = {.fd = -1, .child = {.name = "metamaster-member"}};

/* --- what it is told --------------------------------------------------------------------------------------------------------- */

static unsigned net_ips(const struct node *n, uint32_t ret[MEMBER_NETS])
{
	ret[0] = n->boot_ip;
	ret[1] = n->storage_ip != n->boot_ip ? n->storage_ip : 0;
	return ret[1] ? 2 : 1;
}

static int tell_nodes(void)
{
	struct control_node *nodes = calloc(me.cluster->n_nodes ? me.cluster->n_nodes : 1, sizeof(*nodes));
	int r;

	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < me.cluster->n_nodes; i++) {
		nodes[i].number = me.cluster->nodes[i].number;
		net_ips(&me.cluster->nodes[i], nodes[i].ip);
	}
	r = control_send(me.fd, CONTROL_NODES, 0, nodes, (uint32_t)me.cluster->n_nodes);
	free(nodes);
	return r;
}

static void answer_all(const struct control_peer *peers, size_t n)
{
	for (size_t i = 0; i < me.n_asking; i++) {
		if (peers)
			tell_peers(me.asking[i], me.cluster, peers, n);
		else
			ipc_answer(me.asking[i], EAGAIN, "the membership is starting anew: ask again");
		qb_ipcs_connection_unref(me.asking[i]);
	}
	me.n_asking = 0;
}

static void answer_move(int error)
{
	struct qb_ipcs_connection *c = me.moving;

	me.moving = NULL;
	if (!c)
		return;
	ipc_answer(c, error,
		   error == 0           ? "{}"
		   : error == ENOENT    ? "that node is no candidate: 'metamasterctl peers' lists the nodes"
		   : error == EHOSTDOWN ? "that node does not live"
		   : error == EALREADY  ? "that node has it already"
					: "the membership is starting anew: ask again");
	qb_ipcs_connection_unref(c);
}

static void hang_up(void)
{
	answer_all(NULL, 0);
	answer_move(EAGAIN);
	if (me.fd < 0)
		return;
	qb_loop_poll_del(me.loop, me.fd);
	close(me.fd);
	me.fd = -1;
}

/* The candidates: the seed's primary and backup, then everybody. */
static int tell_order(void)
{
	const struct settings *s = &me.cluster->settings;
	const uint32_t first[] = {s->primary_gateway_local_ip, s->backup_gateway_local_ip};
	uint16_t *order = calloc(me.cluster->n_nodes + 1, sizeof(*order));
	size_t n = 0;
	int r;

	if (!order)
		return -ENOMEM;
	for (size_t pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < me.cluster->n_nodes; i++) {
			const struct node *node = &me.cluster->nodes[i];
			size_t rank = node->boot_ip == first[0] || node->storage_ip == first[0]   ? 0
				      : node->boot_ip == first[1] || node->storage_ip == first[1] ? 1
												  : 2;

			if (rank == pass)
				order[n++] = (uint16_t)node->number;
		}
	r = control_send(me.fd, CONTROL_ORDER, 0, order, (uint32_t)n);
	free(order);
	return r;
}

static void tell_all(void)
{
	int r = me.fd < 0 || !me.cluster ? 0 : tell_nodes();

	if (me.fd >= 0 && me.cluster && r == 0)
		r = tell_order();
	if (me.fd >= 0 && r == 0)
		r = control_send(me.fd, CONTROL_GATEWAY, me.gateway, NULL, 0);

	if (me.fd >= 0 && me.cluster && r == 0)
		r = control_send(me.fd, CONTROL_GENERATION, me.cluster->generation, NULL, 0);
	if (r < 0)
		hang_up();
}

/* --- what it tells ----------------------------------------------------------------------------------------------------------- */

static const char *name_of(unsigned number)
{
	const struct node *n = me.cluster ? cluster_node(me.cluster, number) : NULL;

	return n ? n->name : "a removed node";
}

/* Which nodes are in one of two ascending lists and not in the other; up to TOLD_MOST of them are named. */
static void tell_difference(const uint16_t *old, size_t n_old, const uint16_t *new, size_t n_new)
{
	unsigned told = 0;
	size_t i = 0, k = 0;

	while (told < TOLD_MOST && (i < n_old || k < n_new)) {
		if (i < n_old && k < n_new && old[i] == new[k]) {
			i++, k++;
			continue;
		}
		told++;
		if (k == n_new || (i < n_old && old[i] < new[k]))
			log_notice("%s is not heard of any more", name_of(old[i++]));
		else
			log_notice("%s lives", name_of(new[k++]));
	}
	log_info("%zu of the cluster's nodes live", n_new);
}

static void take_view(const uint16_t *live, size_t n)
{
	uint16_t *copy = malloc(n ? n * sizeof(*copy) : 1);

	if (!copy)
		return;
	memcpy(copy, live, n * sizeof(*copy));
	tell_difference(me.live, me.n_live, live, n);
	free(me.live);
	me.live = copy;
	me.n_live = n;
	me.events.changed();
}

static int on_message(int32_t fd, int32_t events, void *data)
{
	cleanup_free struct control *c = NULL;
	int r = control_receive(fd, &c);

	(void)events;
	(void)data;
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	if (r <= 0) {
		hang_up();
		return -1;
	}
	if (c->kind == CONTROL_VIEW)
		take_view((const uint16_t *)(c + 1), c->n);
	else if (c->kind == CONTROL_NEWS)
		me.events.generation(c->value);
	else if (c->kind == CONTROL_PEERS)
		answer_all((const struct control_peer *)(c + 1), c->n);
	else if (c->kind == CONTROL_DUTY)
		me.events.duty((const struct control_duty *)(c + 1));
	else if (c->kind == CONTROL_ANNOUNCE)
		me.events.announce();
	else if (c->kind == CONTROL_MOVED)
		answer_move((int)c->value);
	return 0;
}

void members_ask(struct qb_ipcs_connection *c)
{
	if (me.n_asking == ASKING || me.fd < 0) {
		ipc_answer(c, EAGAIN, "the membership is not known: ask again");
		return;
	}
	qb_ipcs_connection_ref(c);
	me.asking[me.n_asking++] = c;
	if (control_send(me.fd, CONTROL_ASK, 0, NULL, 0) < 0)
		hang_up();
}

/* --- its life ------------------------------------------------------------------------------------------------------------------ */

static int address_of(const char *path, struct sockaddr_un *ret, struct error *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return error_set(e, ENAMETOOLONG, "%s", path);
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path);
	return 0;
}

/* A descriptor above those that a child is given. */
static int lift(int fd)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64), saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return high;
}

static int listen_for_us(struct error *e)
{
	struct sockaddr_un sa;
	int fd, r = address_of(me.path, &sa, e);

	if (r < 0)
		return r;
	fd = lift(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	if (fd < 0)
		return error_errno(e, errno, "socket");
	unlink(me.path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(me.path, 0600) < 0 || listen(fd, 4) < 0) {
		r = error_errno(e, errno, "%s", me.path);
		close(fd);
		return r;
	}
	return fd;
}

static void knock(void *data);

static void knock_later(void)
{
	qb_loop_timer_handle timer;

	if (!me.knocking)
		me.knocking = qb_loop_timer_add(me.loop, QB_LOOP_MED, AGAIN_NS, NULL, knock, &timer) == 0;
}

/* The process may be starting anew: its socket is there all the time, and who knocks is let in when it has started. */
static void knock(void *data)
{
	struct sockaddr_un sa;
	int fd;

	(void)data;
	me.knocking = false;
	if (me.fd >= 0 || address_of(me.path, &sa, NULL) < 0)
		return;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
		me.fd = fd;
		qb_loop_poll_add(me.loop, QB_LOOP_HIGH, fd, POLLIN, NULL, on_message);
		if (control_send(fd, CONTROL_SETUP, 0, &me.setup, 1) < 0)
			hang_up();
		tell_all();
	} else if (fd >= 0) {
		close(fd);
	}
	if (me.fd < 0)
		knock_later();
}

static void on_ping(void *data)
{
	qb_loop_timer_handle timer;

	(void)data;
	if (me.fd >= 0 && control_send(me.fd, CONTROL_PING, 0, NULL, 0) < 0)
		hang_up();
	if (me.fd < 0)
		knock_later();
	qb_loop_timer_add(me.loop, QB_LOOP_MED, PING_NS, NULL, on_ping, &timer);
}

/* A socket on each network that SELF is in. */
static int open_networks(const struct cluster *c, const struct node *self, struct error *e)
{
	const uint32_t masks[] = {c->settings.netmask_netboot, c->settings.storage_netmask};
	uint32_t ips[MEMBER_NETS];

	me.setup.nets = net_ips(self, ips);
	for (unsigned i = 0; i < me.setup.nets; i++) {
		int r = interface_datagrams(ips[i], SERVICES_MEMBER_PORT, &me.child.fds[1 + i], e);

		if (r < 0)
			return r;
		me.setup.broadcast[i] = ips[i] | ~masks[i];
	}
	me.child.n_fds = 1 + me.setup.nets;
	return 0;
}

/* What failed is tried again, from the beginning. */
static void close_networks(void)
{
	for (unsigned i = 1; i <= MEMBER_NETS; i++) {
		if (me.child.fds[i] > 0)
			close(me.child.fds[i]);
		me.child.fds[i] = 0;
	}
}

int members_start(const struct options *o, struct qb_loop *loop, const struct cluster *c, const struct node *self,
		  const struct members_events *events, struct error *e)
{
	int r;

	if (me.child.wanted)
		return 0;
	me.o = o;
	me.loop = loop;
	me.events = *events;
	me.setup = (struct control_setup){
		.version = CONTROL_VERSION, .self = self->number, .interval_ms = o->interval_ms, .port = SERVICES_MEMBER_PORT};
	seal_derive(c->key, me.setup.key);
	snprintf(me.path, sizeof(me.path), "%s/" SOCKET, o->run_dir);
	snprintf(me.root, sizeof(me.root), "%s/" EMPTY, o->run_dir);
	r = dir_make(AT_FDCWD, me.root, 0555, e);
	if (r == 0)
		r = open_networks(c, self, e);
	if (r == 0)
		r = listen_for_us(e);
	if (r < 0) {
		close_networks();
		return error_wrap(e, "heartbeats");
	}
	me.child.fds[0] = r;
	me.child.argv[0] = o->member;
	me.child.argv[1] = "--root";
	me.child.argv[2] = me.root;
	child_start(&me.child);
	on_ping(NULL);
	return 0;
}

void members_follow(const struct cluster *c)
{
	me.cluster = c;
	tell_all();
}

void members_tell_gateway(unsigned flags)
{
	me.gateway = flags;
	if (me.fd >= 0 && control_send(me.fd, CONTROL_GATEWAY, flags, NULL, 0) < 0)
		hang_up();
}

void members_move_gateway(struct qb_ipcs_connection *c, unsigned node)
{
	if (me.moving || me.fd < 0) {
		ipc_answer(c, EAGAIN, "the membership is not known, or somebody else is moving it: ask again");
		return;
	}
	qb_ipcs_connection_ref(c);
	me.moving = c;
	if (control_send(me.fd, CONTROL_MOVE, node, NULL, 0) < 0)
		hang_up();
}

void members_stop(void)
{
	child_stop(&me.child);
}

void members_reap(void)
{
	child_reap(&me.child);
}

const uint16_t *members_live(size_t *ret_n)
{
	*ret_n = me.n_live;
	return me.live;
}
