/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "discovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_TIME 5 /* seconds */

static int refused(int code, uint32_t ip, unsigned port, struct error *e)
{
	char text[IP4_LEN];

	ip4_format(text, ip);
	switch (code) {
	case ECONNREFUSED:
		return error_set(e, code,
				 "the SAN at %s is there but nothing listens on port %u: check storage_port, "
				 "and that its iSCSI target runs",
				 text, port);
	case EHOSTUNREACH:
		return error_set(e, code, "no SAN answers at %s: check storage_ip, the SAN and the network", text);
	case ETIMEDOUT:
		return error_set(e, code, "the SAN at %s port %u does not answer: check storage_ip, the SAN and the network", text, port);
	default:
		return error_errno(e, code, "the SAN at %s port %u", text, port);
	}
}

int portal_connect(uint32_t ip, unsigned port, struct error *e)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(ip)};
	struct timeval limit = {ANSWER_TIME, 0};
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(e, errno, "socket");
	/* It bounds connect() too. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return refused(errno == EINPROGRESS ? ETIMEDOUT : errno, ip, port, e);
	return steal_fd(&fd);
}

static int receive(int fd, void *data, size_t len, struct error *e)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return error_set(e, ECONNRESET, "the SAN closed the connection: check its access list");
		if (n < 0)
			return error_set(e, errno, "the SAN does not answer: %s", errno == EAGAIN ? "timed out" : strerror(errno));
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Sends the conversation's next PDU and takes the answer in. */
static int exchange(int fd, struct discovery *d, struct error *e)
{
	unsigned char pdu[DISCOVERY_PDU], answer[DISCOVERY_PDU];
	size_t len = discovery_next(d, pdu), data;
	int r;

	if (send(fd, pdu, len, MSG_NOSIGNAL) != (ssize_t)len)
		return error_errno(e, errno, "asking the SAN");
	r = receive(fd, answer, DISCOVERY_HEADER, e);
	if (r < 0)
		return r;
	data = discovery_data_size(answer);
	if (data > sizeof(answer) - DISCOVERY_HEADER)
		return error_set(e, EPROTO, "the SAN's answer is not iSCSI: check storage_port");
	r = receive(fd, answer + DISCOVERY_HEADER, data, e);
	return r < 0 ? r : discovery_take(d, answer, e);
}

int portal_discover(int fd, const char *initiator, char **ret_names, struct error *e)
{
	struct discovery d CLEANUP(discovery_free);
	int r;

	discovery_init(&d, initiator);
	do
		r = exchange(fd, &d, e);
	while (r > 0);
	if (r < 0)
		return error_wrap(e, "asking for targets");
	*ret_names = buf_steal(&d.names);
	return *ret_names ? 0 : error_errno(e, ENOMEM, "asking for targets");
}
