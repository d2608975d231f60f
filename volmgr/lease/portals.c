/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portals.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cluster/portals.h"
#include "disk.h"
#include "login.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 2000

/* As the initrd logs in where there are several paths. */
static const char *const session_values[][2] = {
	{"node.session.timeo.replacement_timeout", "5"},
	{"node.conn[0].timeo.noop_out_interval", "3"},
	{"node.conn[0].timeo.noop_out_timeout", "3"},
};
static const struct login_kind kind = {SAN_PATH_IFACE, session_values, ARRAY_SIZE(session_values)};

/* A session of volumes to the SAN that holds C. */
struct like {
	const struct cluster *c;
	struct disk_path path;
};

static int look(const struct disk *d, void *data, struct error *e)
{
	struct like *l = data;
	char name[NAME_SIZE];

	(void)e;
	for (size_t i = 0; i < d->n; i++)
		if (disk_container_label(d->parts[i].label, "-state", name) && strcmp(name, l->c->settings.container_name) == 0)
			for (size_t k = 0; k < d->n_paths; k++)
				if (!d->paths[k].control && d->paths[k].target[0])
					l->path = d->paths[k];
	return 0;
}

/* All portals of C, as text. */
static size_t all_portals(const struct cluster *c, struct portal ret[1 + PORTALS_MAX])
{
	size_t n = 0;

	ret[0] = (struct portal){c->settings.storage_ip, c->settings.storage_port};
	if (portals_parse(c->settings.storage_portals, c->settings.storage_port, ret + 1, &n, NULL) < 0)
		return 0;
	return n + 1;
}

static void portal_text(const struct portal *p, char ret[48])
{
	char ip[IP4_LEN];

	snprintf(ret, 48, "%s:%u", ip4_format(ip, p->ip), p->port);
}

static bool answers(const struct portal *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p->port), .sin_addr.s_addr = htonl(p->ip)};
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd poll_fd = {fd, POLLOUT, 0};
	socklen_t len = sizeof(int);
	int err = 0;

	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return true;
	if (errno != EINPROGRESS || poll(&poll_fd, 1, ANSWER_MS) <= 0)
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0;
}

/* The target: of any session of volumes. */
static int find_like(const struct cluster *c, struct like *l, struct error *e)
{
	int r;

	*l = (struct like){.c = c};
	r = disk_each("", look, l, e);
	return r == 0 && !l->path.target[0] ? error_set(e, EOPNOTSUPP, "the disks of %s are not on iSCSI", c->settings.container_name) : r;
}

bool portals_missing(const struct cluster *c)
{
	struct portal all[1 + PORTALS_MAX];
	size_t n = all_portals(c, all);
	struct like l;
	char text[48];

	if (find_like(c, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		portal_text(&all[i], text);
		if (!login_is_there(NULL, l.path.target, text))
			return true;
	}
	return false;
}

int portals_log_in(const struct cluster *c, unsigned *ret_n, struct error *e)
{
	struct portal all[1 + PORTALS_MAX];
	size_t n = all_portals(c, all);
	unsigned done = 0;
	struct like l;
	char text[48];
	int r = find_like(c, &l, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		portal_text(&all[i], text);
		if (login_is_there(NULL, l.path.target, text) || !answers(&all[i]))
			continue;
		r = login(&kind, l.path.session, l.path.target, text, e);
		done += r == 0;
	}
	if (r == 0)
		*ret_n = done;
	return r;
}
