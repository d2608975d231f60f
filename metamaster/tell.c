/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What metamasterctl is told, as JSON. */
#include "ipc.h"
#include "meta.h"

#include "base/addr.h"
#include "base/cleanup.h"
#include "member/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static void answer(struct qb_ipcs_connection *c, json_t *j)
{
	cleanup_free char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	if (text)
		ipc_answer(c, 0, text);
	else
		ipc_answer(c, ENOMEM, "out of memory");
}

void tell_status(struct qb_ipcs_connection *c, const struct options *o, const struct cluster *cluster, const char *interface)
{
	const struct node *self = cluster ? cluster_node(cluster, o->node) : NULL;
	size_t live;

	members_live(&live);
	answer(c, json_pack("{s:i, s:s?, s:s, s:I, s:i, s:i, s:i}", "node", (int)o->node, "name", self ? self->name : NULL, "interface",
			    interface, "generation", (json_int_t)(cluster ? cluster->generation : 0), "interval_ms", (int)o->interval_ms,
			    "live", (int)live, "nodes", (int)(cluster ? cluster->n_nodes : 0)));
}

static json_t *ms(uint32_t value)
{
	return value == UINT32_MAX ? json_null() : json_integer(value);
}

void tell_peers(struct qb_ipcs_connection *c, const struct cluster *cluster, const struct control_peer *peers, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct node *node = cluster ? cluster_node(cluster, peers[i].number) : NULL;
		char ip[IP4_LEN];

		json_array_append_new(list,
				      json_pack("{s:i, s:s?, s:s?, s:b, s:o, s:o, s:o}", "number", (int)peers[i].number, "name",
						node ? node->name : NULL, "address", node ? ip4_format(ip, node->boot_ip) : NULL, "alive",
						(int)peers[i].alive, "silence_ms", ms(peers[i].silence_ms), "boot_silence_ms",
						ms(peers[i].silence_on_ms[0]), "storage_silence_ms", ms(peers[i].silence_on_ms[1])));
	}
	answer(c, json_pack("{s:o}", "peers", list));
}

static json_t *address(uint32_t ip)
{
	char text[IP4_LEN];

	return ip ? json_string(ip4_format(text, ip)) : json_null();
}

void tell_gateway(struct qb_ipcs_connection *c, const struct cluster *cluster)
{
	const struct control_duty *d = gateway_known();
	const struct node *owner = cluster && d->owner ? cluster_node(cluster, d->owner) : NULL;

	answer(c, json_pack("{s:o, s:s?, s:b, s:b, s:I, s:I, s:I, s:o, s:o}", "owner", d->owner ? json_integer(d->owner) : json_null(),
			    "name", owner ? owner->name : NULL, "holds", (int)d->owner_holds, "able", (int)gateway_able(), "term",
			    (json_int_t)d->term, "takeovers", (json_int_t)d->takeovers, "disputes", (json_int_t)d->disputes,
			    "local_address", address(cluster ? cluster->settings.spare_local_ip : 0), "public_address",
			    address(cluster ? cluster->settings.public_ip : 0)));
}
