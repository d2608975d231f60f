/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgrd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "dm.h"
#include "volmgr/change.h"
#include "volmgr/control.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#define RUN_DIR       "/run/byre"
#define STATE_FILE    "state.json" /* metamaster puts the newest state there */
#define TICK_MS       30000
#define BUSY_MS       1000
#define OPEN_AGAIN_MS 2000
#define STACK_BYTES   (256 * 1024)

static const char *option_container;

static struct watch w;
static char told[512]; /* the last complaint, "" = all is well */
static char why[VOLUME_WHY_SIZE];
static unsigned failures;
static uint64_t try_at, joined_at; /* clock_boot_ms() */

/* Each new condition is said once, and its end. */
static void say(const char *text)
{
	if (strncmp(told, text, sizeof(told) - 1) == 0)
		return;
	if (*text)
		log_warning("%s", text);
	else
		log_notice("all is well again");
	snprintf(told, sizeof(told), "%s", text);
}

/* --- what is done at each turn ------------------------------------------------------------------------------------------ */

/* A change waits for nobody's joining when this machine is in the lockspace already; and its place there tells the others that it lives. */
static void keep_joined(uint64_t now)
{
	struct error e = ERROR_INIT;
	struct lease_place p = {.c = &w.c};
	char device[64];
	bool joined;

	if (!w.node || (joined_at && now - joined_at < TICK_MS))
		return;
	joined_at = now;
	if (control_path(w.place.state, device, &e) < 0) {
		log_warning("%s", e.text);
		return;
	}
	p.device = device;
	if (lease_join(&p, w.node, &joined, &e) < 0)
		log_warning("%s", e.text);
}

static bool anybody_wants(void)
{
	for (size_t i = 0; i < w.n; i++)
		if (w.v[i].wants)
			return true;
	return false;
}

/* Try again at once after a grant: a fast writer may have used it up already. */
static void give_space(void)
{
	struct error e = ERROR_INIT;
	int r = grant(&w, clock_boot_ms(), why, &e);

	if (r < 0)
		snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, e.text);
	if (r != 0)
		watch_short(&w);
	failures = r == 0 ? 0 : failures + 1;
	try_at = clock_boot_ms() + (r == 0 ? 0 : growth_pause(failures));
	say(why);
}

static void turn(bool news)
{
	struct error e = ERROR_INIT, le = ERROR_INIT;
	int r = news ? watch_refresh(&w, &e) : 0;

	if (watch_look(&w, &le) < 0 && r == 0)
		r = error_set(&e, le.code, "%s", le.text);
	if (anybody_wants() && clock_boot_ms() >= try_at) {
		give_space();
		watch_look(&w, NULL);
	} else if (!anybody_wants()) {
		why[0] = '\0';
		failures = 0;
		say(r < 0 ? e.text : "");
	}
	watch_report(&w, why, NULL);
	if (fence_watch_tend(&w, &e) < 0)
		log_warning("%s", e.text);
	keep_joined(clock_boot_ms());
}

/* Milliseconds to sleep, if nothing happens. */
static int sleep_ms(void)
{
	uint64_t now = clock_boot_ms();

	if (!anybody_wants())
		return w.busy ? BUSY_MS : TICK_MS;
	return try_at > now ? (int)(try_at - now) : 0;
}

/* --- the loop ------------------------------------------------------------------------------------------------------------- */

struct ears {
	int events, files, signals;
};

/* True when the state's file was replaced; whatever else happens in the folder is read away. */
static bool state_replaced(int fd)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(fd, buf, sizeof(buf));
	bool news = false;

	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *i = (const struct inotify_event *)(buf + at);

		news |= i->len && strcmp(i->name, STATE_FILE) == 0;
		at += (ssize_t)(sizeof(*i) + i->len);
	}
	return news;
}

/*
 * Told to stop. When it is by the last program of a shutdown, nothing else runs on this machine any more, and others need not wait until what this one has told is old. Not
 * when it is by somebody who starts it anew.
 */
static void last_word(void)
{
	cleanup_free char *comm = NULL;

	if (file_read(AT_FDCWD, "/proc/1/comm", 64, &comm, NULL, NULL) < 0 || !str_starts(comm, "systemd-shutdow"))
		return;
	w.leaving = true;
	watch_report(&w, "", NULL);
}

/* Events are armed before anybody looks, so that one which comes meanwhile ends the next wait at once. */
static int loop(const struct ears *ears, struct error *e)
{
	bool news = true;

	keep_joined(clock_boot_ms());
	for (;;) {
		struct pollfd fds[] = {{ears->events, POLLIN, 0}, {ears->files, POLLIN, 0}, {ears->signals, POLLIN, 0}};
		int r = mapper_events_arm(ears->events, e), n;

		if (r < 0)
			return r;
		turn(news);
		n = poll(fds, 3, sleep_ms());
		if (n < 0 && errno != EINTR)
			return error_errno(e, errno, "poll");
		news = n == 0 && !anybody_wants();
		if (n > 0 && fds[1].revents)
			news = state_replaced(ears->files);
		if (n > 0 && fds[2].revents) {
			last_word();
			return 0;
		}
	}
}

static int open_ears(struct ears *ears, struct error *e)
{
	sigset_t set;
	int r = mapper_need("thin-pool", e);

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (r == 0)
		r = mapper_events_open(&ears->events, e);
	if (r < 0)
		return r;
	ears->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (ears->files < 0 || (inotify_add_watch(ears->files, RUN_DIR, IN_MOVED_TO) < 0 && errno != ENOENT))
		return error_errno(e, errno, "watching " RUN_DIR);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(e, errno, "signals");
	ears->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return ears->signals < 0 ? error_errno(e, errno, "signals") : 0;
}

/* Whoever waits for its root to grow must not wait for a page of itself. */
static int stay_in_memory(struct error *e)
{
	volatile char stack[STACK_BYTES];

	for (size_t i = 0; i < sizeof(stack); i += 4096)
		stack[i] = 0;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return error_errno(e, errno, "locking the memory");
	setpriority(PRIO_PROCESS, 0, -10);
	return 0;
}

/* Until the SAN is there. 1: told to stop. */
static int open_watch(const struct ears *ears)
{
	struct pollfd fd = {ears->signals, POLLIN, 0};
	char booted[NAME_SIZE];

	booted_container(booted);
	for (;;) {
		struct error e = ERROR_INIT;

		if (watch_open(&w, option_container ? option_container : booted, &e) == 0)
			break;
		say(e.text);
		if (poll(&fd, 1, OPEN_AGAIN_MS) > 0)
			return 1;
	}
	told[0] = '\0';
	return 0;
}

static int run(int argc, char **argv, struct error *e)
{
	struct ears ears = {-1, -1, -1};
	int r = open_ears(&ears, e);

	(void)argc;
	(void)argv;
	watch_init(&w);
	if (r == 0)
		r = stay_in_memory(e);
	if (r < 0)
		return r;
	w.node = this_node();
	r = open_watch(&ears);
	if (r == 0)
		r = fence_watch_tend(&w, e);
	if (r == 0)
		r = loop(&ears, e);
	watch_close(&w);
	return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{'c', "container", CLI_TEXT, &option_container, "NAME",
		 "the container (default: the one this node booted from, or the only one)"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"", NULL, 0, 0, options, run, NULL},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"volmgrd", "gives the volumes of this machine space before they are full", NULL, commands, NULL,
	};

	log_init("volmgrd");
	return cli_main(&program, argc, argv);
}
