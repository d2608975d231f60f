/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process without privileges may send to the one that has all: it is taken whole and in shape, or not at all. */
#include "metamaster/member/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct control *c, size_t len)
{
	const uint16_t *numbers = (const uint16_t *)(c + 1);
	const struct control_node *nodes = (const struct control_node *)(c + 1);

	if (len != control_len(c->kind, c->n))
		abort();
	for (uint32_t i = 0; i < c->n; i++) {
		if ((c->kind == CONTROL_VIEW || c->kind == CONTROL_ORDER) && (!numbers[i] || numbers[i] > PACKET_NODES))
			abort();
		if (c->kind == CONTROL_NODES && (!nodes[i].number || nodes[i].number > PACKET_NODES))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control *c = NULL;
	int s[2], r;

	if (size > 60000 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) < 0)
		return 0;
	if (send(s[0], data, size, MSG_DONTWAIT) >= 0) {
		r = control_receive(s[1], &c);
		if (r > 0)
			look(c, (size_t)r);
		else if (r != -EBADMSG && r != (size ? -EBADMSG : 0))
			abort();
	}
	free(c);
	close(s[0]);
	close(s[1]);
	return 0;
}
