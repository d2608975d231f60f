/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_PAUSE 30 /* seconds */

static int uevents = -1;

int wait_init(struct error *e)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = 1}; /* the kernel's own events */
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	int size = 4 * 1024 * 1024;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return error_errno(e, errno, "listening for devices");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	uevents = steal_fd(&fd);
	return 0;
}

/* EVENT: "add@/devices/…" and then NAME=VALUE, each ended by NUL. */
static void take_event(const char *event, size_t len)
{
	if (!str_starts(event, "add@"))
		return;
	for (const char *p = event; p < event + len; p += strlen(p) + 1)
		if (str_starts(p, "MODALIAS="))
			module_load(p + strlen("MODALIAS="), NULL);
}

static bool take_events(void)
{
	char event[8192];
	bool any = false;
	ssize_t n;

	while ((n = recv(uevents, event, sizeof(event) - 1, MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS)) {
		any = true;
		if (n < 0) { /* some were lost: look at them all */
			modules_coldplug();
			continue;
		}
		event[n] = '\0';
		take_event(event, (size_t)n);
	}
	return any;
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

void wait_drain(void)
{
	if (uevents >= 0)
		take_events();
	reap();
}

void wait_ms(unsigned ms)
{
	uint64_t end = clock_boot_ms() + ms, now;

	while ((now = clock_boot_ms()) < end) {
		struct pollfd p = {uevents, POLLIN, 0};

		poll(&p, 1, (int)(end - now));
		reap();
		if (uevents >= 0 && take_events())
			return;
	}
}

struct backoff backoff_begin(const struct params *p)
{
	return (struct backoff){1, p->wait};
}

void backoff_wait(struct backoff *b, const struct error *e)
{
	uint64_t end;

	if (b->next > b->max)
		b->next = b->max;
	end = clock_boot_ms() + b->next * 1000ull;
	say("waiting: %s; next attempt in %u s", e->text, b->next);
	b->next *= 2;
	for (uint64_t now; (now = clock_boot_ms()) < end;)
		wait_ms((unsigned)(end - now));
}

void stop(const struct error *e)
{
	for (;;) {
		say("cannot boot: %s", e->text);
		for (uint64_t end = clock_boot_ms() + STOP_PAUSE * 1000, now; (now = clock_boot_ms()) < end;)
			wait_ms((unsigned)(end - now));
	}
}
