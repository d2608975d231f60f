/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* By kind: the size of an element, and whether there may be any number of them. */
static const struct shape {
	size_t size;
	bool many;
} shapes[CONTROL_KINDS] = {
	[CONTROL_SETUP] = {sizeof(struct control_setup), false},
	[CONTROL_NODES] = {sizeof(struct control_node), true},
	[CONTROL_ORDER] = {sizeof(uint16_t), true},
	[CONTROL_VIEW] = {sizeof(uint16_t), true},
	[CONTROL_DUTY] = {sizeof(struct control_duty), false},
	[CONTROL_PEERS] = {sizeof(struct control_peer), true},
};

size_t control_len(uint32_t kind, uint32_t n)
{
	const struct shape *s;

	if (!kind || kind >= CONTROL_KINDS)
		return 0;
	s = &shapes[kind];
	if (s->many ? n > PACKET_NODES : n != (s->size != 0))
		return 0;
	return sizeof(struct control) + n * s->size;
}

static bool is_ascending(const struct control_node *nodes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (nodes[i].number > PACKET_NODES || nodes[i].number <= (i ? nodes[i - 1].number : 0))
			return false;
	return true;
}

static bool are_numbers(const uint16_t *numbers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!numbers[i] || numbers[i] > PACKET_NODES)
			return false;
	return true;
}

static bool is_setup(const struct control_setup *s)
{
	return s->self && s->self <= PACKET_NODES && s->interval_ms >= 10 && s->interval_ms <= 60000 && s->nets && s->nets <= MEMBER_NETS &&
	       s->port && s->port <= UINT16_MAX;
}

bool control_check(const void *data, size_t len)
{
	const struct control *c = data;

	if (len < sizeof(*c) || len != control_len(c->kind, c->n))
		return false;
	switch (c->kind) {
	case CONTROL_SETUP:
		return is_setup((const struct control_setup *)(c + 1));
	case CONTROL_NODES:
		return is_ascending((const struct control_node *)(c + 1), c->n);
	case CONTROL_ORDER:
	case CONTROL_VIEW:
		return are_numbers((const uint16_t *)(c + 1), c->n);
	default:
		return true;
	}
}

int control_send(int fd, enum control_kind kind, uint64_t value, const void *elements, uint32_t n)
{
	struct control c = {.kind = kind, .n = n, .value = value};
	struct iovec v[] = {{&c, sizeof(c)}, {(void *)(uintptr_t)elements, control_len(kind, n) - sizeof(c)}};
	const struct msghdr h = {.msg_iov = v, .msg_iovlen = 2};

	if (!control_len(kind, n))
		return -EINVAL;
	return sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int control_receive(int fd, struct control **ret)
{
	ssize_t len = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	struct control *c;

	if (len <= 0)
		return len < 0 ? -errno : 0;
	c = malloc((size_t)len);
	if (!c)
		return -ENOMEM;
	len = recv(fd, c, (size_t)len, MSG_DONTWAIT);
	if (len <= 0 || !control_check(c, (size_t)len)) {
		free(c);
		return len < 0 ? -errno : len == 0 ? 0 : -EBADMSG;
	}
	*ret = c;
	return (int)len;
}
