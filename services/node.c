/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node is to the SAN, and the record of the installation. */
#include "generators.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>

int generate_initiator_name(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	char name[INITIATOR_NAME_SIZE];

	(void)c;
	(void)e;
	buf_printf(b, "InitiatorName=%s\n", initiator_name(name, &self->mac));
	return 0;
}

/* The settings as they are in the state, with the MAC addresses as the nodes have them. */
int generate_install_info(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	size_t n = c->n_nodes ? c->nodes[c->n_nodes - 1].number : 0;
	cleanup_free struct mac *macs = calloc(n + 1, sizeof(*macs));
	struct settings s = c->settings;

	(void)self;
	if (!macs)
		return error_errno(e, ENOMEM, "INSTALL.info");
	for (size_t i = 0; i < c->n_nodes; i++)
		macs[c->nodes[i].number - 1] = c->nodes[i].mac;
	s.number_of_nodes = (unsigned)n;
	s.macs = macs;
	s.n_macs = n;
	settings_print(&s, b);
	return 0;
}
