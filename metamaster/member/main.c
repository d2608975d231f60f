/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metamaster-member: sends and receives the heartbeats. metamaster starts it: descriptor 3 listens for metamaster, which tells it everything else
 * over that; those from 4 on are the networks' sockets. It gives up all else. It outlives metamaster for a while, so that a restart of that is no
 * death of the node.
 */
#include "control.h"
#include "gateway.h"
#include "seal.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/unprivileged.h"
#include "cli/cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FD_LISTEN = 3, FD_NETS };
#define BATCH 64 /* packets are taken from a socket before the time is looked at again */

static const char *opt_user = "nobody", *opt_root;

static struct {
	struct control_setup setup; /* version 0: not set up yet */
	struct control_node *nodes; /* ascending by number */
	size_t n_nodes;
	struct member *m;
	struct gateway g;
	int master;         /* the connection to metamaster; -1: none */
	uint64_t master_ms; /* its last word */
	uint64_t changes, generation, forged;
	struct control_duty duty; /* as told */
	uint8_t packet[PACKET_MAX + SEAL_LEN];
	bool stop;
} me = {.master = -1};

/* --- the networks ------------------------------------------------------------------------------------------------------------ */

static const struct control_node *find_node(unsigned number)
{
	size_t low = 0, high = me.n_nodes;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (me.nodes[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low < me.n_nodes && me.nodes[low].number == number ? &me.nodes[low] : NULL;
}

static uint32_t address_of(unsigned number, unsigned net)
{
	const struct control_node *n = find_node(number);

	if (number == MEMBER_ALL)
		return me.setup.broadcast[net];
	return n ? n->ip[net] : 0;
}

static uint64_t on_random(void *data)
{
	uint64_t r;

	(void)data;
	randombytes_buf(&r, sizeof(r));
	return r;
}

/* What cannot be sent is lost, as anything on a network may be. */
static void on_send(void *data, unsigned net, unsigned to, const uint8_t *packet, size_t len)
{
	const struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)me.setup.port), .sin_addr.s_addr = htonl(address_of(to, net))};

	(void)data;
	if (!sa.sin_addr.s_addr)
		return;
	memcpy(me.packet, packet, len);
	seal_put(me.setup.key, me.packet, len);
	(void)!sendto(FD_NETS + (int)net, me.packet, len + SEAL_LEN, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sa, sizeof(sa));
}

static void on_claim(void *data, uint64_t now, unsigned from, struct gateway_claim claim, bool holds, bool heard)
{
	(void)data;
	gateway_heard(&me.g, me.m, now, from, claim, holds, heard);
}

static bool is_from(const struct packet *p, unsigned net, const struct sockaddr_in *sa)
{
	return ntohl(sa->sin_addr.s_addr) == address_of(p->from, net) && ntohs(sa->sin_port) == me.setup.port;
}

static void take_packet(uint64_t now, unsigned net, size_t len, const struct sockaddr_in *sa)
{
	struct packet p;

	if (!seal_check(me.setup.key, me.packet, len, &len)) {
		me.forged++;
		return;
	}
	if (packet_parse(me.packet, len, &p) == 0 && !is_from(&p, net, sa)) {
		me.forged++;
		return;
	}
	member_receive(me.m, now, net, me.packet, len);
}

/* With KEEP false what has arrived is thrown away. */
static void read_network(uint64_t now, unsigned net, bool keep)
{
	for (unsigned i = 0; !keep || i < BATCH; i++) {
		struct sockaddr_in sa;
		socklen_t sa_len = sizeof(sa);
		ssize_t len = recvfrom(FD_NETS + (int)net, me.packet, sizeof(me.packet), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&sa,
				       &sa_len);

		if (len < 0 && errno != EINTR)
			return;
		if (keep && len > (ssize_t)sizeof(me.packet))
			me.forged++;
		else if (keep && len >= 0)
			take_packet(now, net, (size_t)len, &sa);
	}
}

/* --- metamaster ---------------------------------------------------------------------------------------------------------------- */

static void drop_master(void)
{
	if (me.master >= 0)
		close(me.master);
	me.master = -1;
}

static void tell(enum control_kind kind, uint64_t value, const void *elements, uint32_t n)
{
	if (me.master >= 0 && control_send(me.master, kind, value, elements, n) < 0)
		drop_master();
}

static void tell_view(void)
{
	size_t n;
	const uint16_t *live = member_live(me.m, &n);

	me.changes = member_changes(me.m);
	tell(CONTROL_VIEW, 0, live, (uint32_t)n);
}

static void tell_news(void)
{
	me.generation = member_generation(me.m);
	tell(CONTROL_NEWS, me.generation, NULL, 0);
}

static void tell_duty(bool hold)
{
	const struct control_duty d = {
		.hold = hold,
		.term = me.g.claim.term,
		.owner = me.g.claim.owner,
		.owner_holds = me.g.claim.owner == me.g.self ? me.g.holds : me.g.owner_holds,
		.takeovers = me.g.takeovers,
		.disputes = me.g.disputes,
	};

	if (memcmp(&d, &me.duty, sizeof(d)) == 0)
		return;
	me.duty = d;
	tell(CONTROL_DUTY, 0, &d, 1);
}

static void tell_peers(uint64_t now)
{
	struct control_peer *peers = calloc(me.n_nodes ? me.n_nodes : 1, sizeof(*peers));

	if (!peers)
		return;
	for (size_t i = 0; i < me.n_nodes; i++) {
		unsigned number = me.nodes[i].number;

		peers[i] = (struct control_peer){number, member_alive(me.m, number), member_silence(me.m, now, number), {0}};
		for (unsigned net = 0; net < MEMBER_NETS; net++)
			peers[i].silence_on_ms[net] = net < me.setup.nets ? member_silence_on(me.m, now, number, net) : UINT32_MAX;
	}
	tell(CONTROL_PEERS, me.forged, peers, (uint32_t)me.n_nodes);
	free(peers);
}

static int set_up(const struct control_setup *s, uint64_t now)
{
	const struct member_config c = {
		.self = s->self, .interval_ms = s->interval_ms, .nets = s->nets, .random = on_random, .send = on_send, .claim = on_claim};

	if (me.m)
		return memcmp(s, &me.setup, sizeof(*s)) == 0 ? 0 : -EEXIST;
	me.setup = *s;
	me.m = member_new(&c, now);
	gateway_init(&me.g, s->self, s->interval_ms);
	return me.m ? 0 : -ENOMEM;
}

static int set_nodes(const struct control_node *nodes, size_t n)
{
	struct control_node *copy = malloc(n ? n * sizeof(*copy) : 1);
	uint16_t *numbers = malloc(n ? n * sizeof(*numbers) : 1);
	int r = copy && numbers ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		copy[i] = nodes[i];
		numbers[i] = (uint16_t)nodes[i].number;
	}
	if (r == 0)
		r = member_set_nodes(me.m, numbers, n);
	free(numbers);
	if (r < 0) {
		free(copy);
		return r;
	}
	free(me.nodes);
	me.nodes = copy;
	me.n_nodes = n;
	return 0;
}

/* 0, or a negative errno: this process is of no use any more. */
static int obey(const struct control *c, uint64_t now)
{
	const void *elements = c + 1;

	if (c->kind == CONTROL_SETUP)
		return set_up(elements, now);
	if (!me.m)
		return -EPROTO;
	switch (c->kind) {
	case CONTROL_NODES:
		return set_nodes(elements, c->n);
	case CONTROL_ORDER:
		return gateway_set_order(&me.g, elements, c->n);
	case CONTROL_GENERATION:
		member_set_generation(me.m, c->value);
		return 0;
	case CONTROL_GATEWAY:
		me.g.able = c->value & GATEWAY_ABLE;
		gateway_set_holds(&me.g, me.m, now, c->value & GATEWAY_HOLDS);
		return 0;
	case CONTROL_MOVE:
		tell(CONTROL_MOVED, (uint64_t)-gateway_move(&me.g, me.m, now, (unsigned)c->value), NULL, 0);
		return 0;
	case CONTROL_ASK:
		tell_peers(now);
		return 0;
	default:
		return c->kind == CONTROL_PING ? 0 : -EPROTO;
	}
}

static void welcome(uint64_t now)
{
	int fd = accept4(FD_LISTEN, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	drop_master();
	me.master = fd;
	me.master_ms = now;
	me.changes = UINT64_MAX;
	me.generation = 0;
	memset(&me.duty, 0xff, sizeof(me.duty));
}

static int read_master(uint64_t now)
{
	struct control *c = NULL;
	int r = control_receive(me.master, &c);

	if (r == 0 || r == -ECONNRESET)
		drop_master();
	if (r <= 0)
		return r == 0 || r == -ECONNRESET || r == -EAGAIN || r == -EINTR ? 0 : r;
	me.master_ms = now;
	r = obey(c, now);
	explicit_bzero(c, sizeof(*c) + (c->kind == CONTROL_SETUP ? sizeof(struct control_setup) : 0));
	free(c);
	return r;
}

/* --- time ------------------------------------------------------------------------------------------------------------------------ */

/* Without metamaster nobody renews the addresses, or takes them: another node had better have them. */
static void look_at_master(uint64_t now)
{
	if (now - me.master_ms < CONTROL_ALIVE_MS || (!me.g.able && !me.g.holds))
		return;
	log_warning("metamaster has not said a word for %d s: this node gives the gateway up", CONTROL_ALIVE_MS / 1000);
	me.g.able = false;
	gateway_set_holds(&me.g, me.m, now, false);
}

static void work(uint64_t now)
{
	bool hold;

	member_tick(me.m, now);
	hold = gateway_tick(&me.g, me.m, now);
	if (me.changes != member_changes(me.m))
		tell_view();
	if (me.generation != member_generation(me.m))
		tell_news();
	tell_duty(hold);
	if (gateway_announce(&me.g, now))
		tell(CONTROL_ANNOUNCE, 0, NULL, 0);
	look_at_master(now);
}

static int wait_ms(uint64_t now)
{
	uint64_t next, gateway;

	if (!me.m)
		return -1;
	next = member_next(me.m);
	gateway = gateway_next(&me.g, me.m, now);
	if (gateway < next)
		next = gateway;
	return next > now ? (int)(next - now) : 0;
}

static int round_of_work(void)
{
	struct pollfd p[2 + MEMBER_NETS] = {{FD_LISTEN, POLLIN, 0}, {me.master, POLLIN, 0}};
	const unsigned nets = me.setup.nets;
	uint64_t now = clock_boot_ms();
	int r = 0;
	bool slept;

	for (unsigned i = 0; i < nets; i++)
		p[2 + i] = (struct pollfd){FD_NETS + (int)i, POLLIN, 0};
	if (poll(p, 2 + nets, wait_ms(now)) < 0 && errno != EINTR)
		return -errno;
	now = clock_boot_ms();
	slept = me.m && member_wake(me.m, now);
	for (unsigned i = 0; i < nets; i++)
		if (slept || p[2 + i].revents)
			read_network(now, i, !slept);
	if (p[1].fd >= 0 && p[1].revents)
		r = read_master(now);
	if (p[0].revents)
		welcome(now);
	if (r == 0 && me.m)
		work(now);
	if (me.master < 0 && now - me.master_ms > CONTROL_ALIVE_MS)
		me.stop = true;
	return r;
}

static void on_stop(int signal)
{
	(void)signal;
	me.stop = true;
}

/* Neither other programs nor a disk that is away keep it from a heartbeat. If it may not, it goes without. */
static void be_punctual(void)
{
	const struct sched_param lowest = {.sched_priority = 1};
	struct rlimit limit;

	sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest);
	/* with a limit, what is allocated later would be refused */
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
		mlockall(MCL_CURRENT | MCL_FUTURE);
}

static int run(int argc, char **argv, struct error *e)
{
	const struct sigaction stop = {.sa_handler = on_stop};
	cleanup_fd int root = opt_root ? open(opt_root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int r;

	(void)argc;
	(void)argv;
	if (sodium_init() < 0)
		return error_set(e, EIO, "libsodium does not start");
	if (opt_root && root < 0)
		return error_errno(e, errno, "%s", opt_root);
	be_punctual();
	r = unprivileged(opt_user, root, e);
	if (r < 0)
		return r;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	me.master_ms = clock_boot_ms();
	while (r == 0 && !me.stop)
		r = round_of_work();
	return r == -EEXIST ? error_set(e, EEXIST, "metamaster wants another setup: this process makes room")
	       : r < 0      ? error_errno(e, r, "metamaster")
			    : 0;
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{0, "user", CLI_TEXT, &opt_user, "NAME", "the user to become (nobody)"},
		{0, "root", CLI_TEXT, &opt_root, "DIR", "a folder that becomes its file system"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"", NULL, 0, 0, options, run, NULL},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"metamaster-member", "sends and receives the heartbeats; metamaster starts it", NULL, commands, NULL,
	};

	log_init("metamaster-member");
	return cli_main(&program, argc, argv);
}
