/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metamaster: every node can boot every node. Follows the state and keeps the boot service running. */
#include "ipc.h"
#include "meta.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cluster/document.h"
#include "cluster/self.h"
#include "member/share.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qb/qbloop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RETRY_NS 2000000000ull
#define LEAVE_NS 2000000000ull

static struct options opts = {
	.byre_dir = "/run/byre",
	.run_dir = "/run/byre/metamaster",
	.dnsmasq = "dnsmasq",
	.http = BYRE_LIBEXEC "/metamaster-http",
	.member = BYRE_LIBEXEC "/metamaster-member",
	.interval_ms = 200,
	.answers = SHARE_SERVERS,
	.dnsmasq_user = "dnsmasq",
};

static qb_loop_t *loop;
static struct boot boot;
static struct cluster *cluster; /* the newest state */
static uint64_t active, served; /* generations: whose configuration is in force; that was told of */
static uint64_t kept;           /* the generation in byre_dir/state.json; 0: there is no such file to keep */
static char interface[IF_NAMESIZE];
static char told[256]; /* the last complaint */
static bool ready, retrying;
static struct child dnsmasq = {.name = "dnsmasq", .on_line = dnsmasq_log}, http = {.name = "metamaster-http"};

/* --- making this machine match the state ------------------------------------------------------------------------------- */

/* Says WHY once. */
static void complain(const struct error *e)
{
	if (strncmp(told, e->text, sizeof(told) - 1) != 0)
		log_warning("%s", e->text);
	snprintf(told, sizeof(told), "%s", e->text);
}

static int find_interface(const struct node *self, struct error *e)
{
	char name[IF_NAMESIZE], ip[IP4_LEN];
	struct error ra = ERROR_INIT;

	if (interface_with(self->boot_ip, name) < 0)
		return error_set(e, ENODEV, "no interface has %s, the boot address of %s: waiting for it", ip4_format(ip, self->boot_ip),
				 self->name);
	if (strcmp(name, interface) == 0)
		return 0;
	snprintf(interface, sizeof(interface), "%s", name);
	if (interface_add_ra_address(name, self->number, &ra) < 0)
		log_warning("no IPv6 router advertisements, so iPXE clients wait 15 s: %s", ra.text);
	return 0;
}

static int start_http(const struct node *self, struct error *e)
{
	static int listening = -1;
	int images, r;

	if (http.wanted)
		return 0;
	if (listening < 0) {
		r = interface_listen(self->boot_ip, SERVICES_HTTP_PORT, &listening, e);
		if (r < 0)
			return r;
	}
	r = opts.image_dir ? 0 : dir_make(AT_FDCWD, IMAGES_DIR, 0755, e);
	if (r < 0)
		return r;
	images = open(opts.image_dir ? opts.image_dir : IMAGES_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (images < 0)
		return error_errno(e, errno, "%s", opts.image_dir ? opts.image_dir : IMAGES_DIR);
	http.fds[0] = listening;
	http.fds[1] = boot.http_dir;
	r = fcntl(images, F_DUPFD_CLOEXEC, 64);
	if (r < 0)
		r = -errno;
	close(images);
	if (r < 0)
		return error_errno(e, r, "the images' descriptor");
	http.fds[2] = r;
	http.n_fds = 3;
	http.argv[0] = opts.http;
	child_start(&http);
	return 0;
}

static void drive_dnsmasq(enum boot_change change)
{
	static char conf[256];

	snprintf(conf, sizeof(conf), "%s/dnsmasq.conf", opts.run_dir);
	dnsmasq.argv[0] = opts.dnsmasq;
	dnsmasq.argv[1] = "-C";
	dnsmasq.argv[2] = conf;
	if (!dnsmasq.wanted)
		child_start(&dnsmasq);
	else if (change == BOOT_RESTART)
		child_restart(&dnsmasq);
	else if (change == BOOT_REREAD)
		child_signal(&dnsmasq, SIGHUP);
}

static int serve(const struct node *self, struct error *e)
{
	enum boot_change change = BOOT_SAME;
	int r;

	r = boot_activate(&boot, cluster, self, interface, &change, e);
	if (r < 0 && boot_has_config(&boot))
		error_wrap(e, "generation %llu: the old configuration stays", (unsigned long long)cluster->generation);
	if (r == 0 || boot_has_config(&boot))
		drive_dnsmasq(change);
	return r;
}

static void on_live(void)
{
	const struct node *self = cluster ? cluster_node(cluster, opts.node) : NULL;
	enum boot_change change = BOOT_SAME;
	struct error e = ERROR_INIT;

	boot.live = members_live(&boot.n_live);
	if (!self || !active)
		return;
	if (boot_share(&boot, cluster, self, &change, &e) < 0)
		complain(&e);
	else
		drive_dnsmasq(change);
}

static void on_generation(uint64_t generation)
{
	if (cluster && generation > cluster->generation)
		follow_hurry();
}

static int start_members(const struct node *self, struct error *e)
{
	static const struct members_events events = {on_live, on_generation, gateway_duty, gateway_announce_now};
	int r = members_start(&opts, loop, cluster, self, &events, e);

	if (r == 0)
		members_follow(cluster);
	gateway_follow(cluster, self);
	return r;
}

/* The rest of this machine follows from the copy that the initrd left: byre-apply.path watches it. */
static int keep_state(struct error *e)
{
	struct buf text CLEANUP(buf_free) = BUF_INIT;
	char path[256];
	int r;

	if (!kept || kept == cluster->generation)
		return 0;
	snprintf(path, sizeof(path), "%s/state.json", opts.byre_dir);
	r = document_print(cluster, &text, e);
	if (r == 0)
		r = file_write(AT_FDCWD, path, 0600, text.data, text.len, e);
	if (r == 0)
		kept = cluster->generation;
	if (text.data)
		explicit_bzero(text.data, text.len);
	return r;
}

static int match(struct error *e)
{
	const struct node *self = cluster_node(cluster, opts.node);
	int r, h, m;

	if (!self) {
		gateway_follow(cluster, NULL);
		return error_set(e, ENOENT, "generation %llu has no node %u: what it was goes on", (unsigned long long)cluster->generation,
				 opts.node);
	}
	r = find_interface(self, e);
	if (r < 0)
		return r;
	r = active == cluster->generation ? 0 : serve(self, e);
	if (r == 0)
		active = cluster->generation;
	h = start_http(self, r < 0 ? NULL : e);
	m = start_members(self, r < 0 || h < 0 ? NULL : e);
	if (r == 0)
		r = keep_state(e);
	return r < 0 ? r : h < 0 ? h : m;
}

static void on_retry(void *data);

static void match_now(void)
{
	struct error e = ERROR_INIT;
	int r = match(&e);
	qb_loop_timer_handle timer;

	if (r == 0) {
		told[0] = '\0';
		if (served != cluster->generation)
			log_info("serving generation %llu on %s", (unsigned long long)cluster->generation, interface);
		served = cluster->generation;
		follow_reached(cluster->generation);
	} else {
		complain(&e);
	}
	if (!ready)
		notify("READY=1");
	ready = true;
	if (r < 0 && !retrying)
		retrying = qb_loop_timer_add(loop, QB_LOOP_MED, RETRY_NS, NULL, on_retry, &timer) == 0;
}

static void on_retry(void *data)
{
	(void)data;
	retrying = false;
	match_now();
}

static int on_news(int32_t fd, int32_t events, void *data)
{
	struct cluster *c = follow_take();

	(void)fd;
	(void)events;
	(void)data;
	if (!c)
		return 0;
	members_follow(NULL);
	gateway_follow(NULL, NULL);
	dnsmasq_log_follow(c);
	if (cluster) {
		cluster_free(cluster);
		free(cluster);
	}
	cluster = c;
	match_now();
	return 0;
}

/* --- signals ------------------------------------------------------------------------------------------------------------ */

static int on_child(int32_t signal, void *data)
{
	(void)signal;
	(void)data;
	child_reap(&dnsmasq);
	child_reap(&http);
	members_reap();
	gateway_reap();
	return 0;
}

static void on_left(void *data)
{
	(void)data;
	qb_loop_stop(loop);
}

/* Another node takes the gateway over first, if there is one. */
static int on_stop(int32_t signal, void *data)
{
	qb_loop_timer_handle timer;

	(void)signal;
	(void)data;
	if (!gateway_leave(on_left))
		qb_loop_stop(loop);
	else
		qb_loop_timer_add(loop, QB_LOOP_MED, LEAVE_NS, NULL, on_left, &timer);
	return 0;
}

/* --- start -------------------------------------------------------------------------------------------------------------- */

/* The state that the machine was booted with: it names the container, and serves until the SAN has been read. */
static int read_booted(struct cluster **ret, struct error *e)
{
	cleanup_free char *text = NULL;
	char path[256];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/state.json", opts.byre_dir);
	r = file_read(AT_FDCWD, path, DOCUMENT_MAX, &text, &len, e);
	if (r < 0)
		return r;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return error_errno(e, ENOMEM, "%s", path);
	cluster_init(*ret);
	r = document_parse(text, len, *ret, e);
	explicit_bzero(text, len);
	kept = (*ret)->generation;
	if (r < 0) {
		free(steal_ptr(*ret));
		return error_wrap(e, "%s", path);
	}
	return 0;
}

static int read_number(struct error *e)
{
	char path[256];
	int r;

	if (opts.node)
		return 0;
	snprintf(path, sizeof(path), "%s/node", opts.byre_dir);
	r = self_read(path, &opts.node, e);
	return r == 0 || r == -EINVAL ? r : error_wrap(e, "this machine is no node");
}

static void on_request(struct qb_ipcs_connection *c, int what, uint64_t number)
{
	switch (what) {
	case IPC_STATUS:
		tell_status(c, &opts, cluster, interface);
		break;
	case IPC_GATEWAY:
		tell_gateway(c, cluster);
		break;
	case IPC_MOVE:
		members_move_gateway(c, (unsigned)number);
		break;
	case IPC_PEERS:
		members_ask(c);
		break;
	default:
		ipc_answer(c, EPROTO, "metamaster does not know what is asked: is metamasterctl newer?");
	}
}

static int make_loop(struct error *e)
{
	qb_loop_signal_handle h;

	loop = qb_loop_create();
	if (!loop)
		return error_errno(e, ENOMEM, "event loop");
	if (qb_loop_signal_add(loop, QB_LOOP_HIGH, SIGCHLD, NULL, on_child, &h) != 0 ||
	    qb_loop_signal_add(loop, QB_LOOP_HIGH, SIGTERM, NULL, on_stop, &h) != 0 ||
	    qb_loop_signal_add(loop, QB_LOOP_HIGH, SIGINT, NULL, on_stop, &h) != 0)
		return error_set(e, EIO, "event loop: signals");
	child_loop(loop);
	return 0;
}

static int run(int argc, char **argv, struct error *e)
{
	struct cluster *booted = NULL;
	int fd = -1, r;

	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (opts.interval_ms < 10 || opts.interval_ms > 60000)
		return error_set(e, EINVAL, "--interval %u: it is 10 to 60000 ms", opts.interval_ms);
	r = read_number(e);
	if (r == 0 && !opts.state)
		r = read_booted(&booted, e);
	if (r == 0)
		r = boot_init(&boot, &opts, e);
	if (r == 0)
		r = make_loop(e);
	if (r == 0)
		r = ipc_start(loop, on_request, e);
	if (r == 0)
		r = follow_start(&opts, booted, &fd, e);
	if (r < 0)
		return r;
	qb_loop_poll_add(loop, QB_LOOP_MED, fd, POLLIN, NULL, on_news);
	gateway_start(&opts, loop);
	qb_loop_run(loop);
	notify("STOPPING=1");
	gateway_stop();
	child_stop(&dnsmasq);
	child_stop(&http);
	members_stop();
	ipc_stop();
	follow_stop();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{0, "node", CLI_UINT, &opts.node, "N", "number of this node (/run/byre/node)"},
		{0, "state", CLI_TEXT, &opts.state, "FILE", "a state area in a file, instead of the SAN's"},
		{0, "image-dir", CLI_TEXT, &opts.image_dir, "DIR", "serve images from DIR/NAME@VERSION instead of the SAN"},
		{0, "byre-dir", CLI_TEXT, &opts.byre_dir, "DIR", "what the initrd left (/run/byre)"},
		{0, "run-dir", CLI_TEXT, &opts.run_dir, "DIR", "where the boot service's files are kept (/run/byre/metamaster)"},
		{0, "interval", CLI_UINT, &opts.interval_ms, "MS", "between two heartbeats (200)"},
		{0, "answers", CLI_UINT, &opts.answers, "N", "so many of the live nodes answer a client that boots (3)"},
		{0, "member", CLI_TEXT, &opts.member, "PROGRAM", "what keeps the membership (" BYRE_LIBEXEC "/metamaster-member)"},
		{0, "dnsmasq", CLI_TEXT, &opts.dnsmasq, "PROGRAM", "dnsmasq"},
		{0, "http", CLI_TEXT, &opts.http, "PROGRAM", "the HTTP server (" BYRE_LIBEXEC "/metamaster-http)"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"", NULL, 0, 0, options, run, NULL},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"metamaster", "boots every node of the cluster from this one, as the state says", NULL, commands, NULL,
	};

	log_init("metamaster");
	return cli_main(&program, argc, argv);
}
