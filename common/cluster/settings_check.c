/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/settings.h"

#include "base/str.h"
#include "cluster/portals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STORE_MIN 64 /* MiB */

/* An inclusive range of addresses, and what it is for. */
struct range {
	const char *what;
	uint32_t first, last;
};

static int bad_address(struct error *e, const char *key, uint32_t ip, const char *why)
{
	char text[IP4_LEN];

	return error_set(e, EINVAL, "%s: %s %s", key, ip4_format(text, ip), why);
}

static int check_inside(const char *key, uint32_t ip, uint32_t network, uint32_t mask, struct error *e)
{
	char net[IP4_LEN], m[IP4_LEN], text[IP4_LEN];

	if ((ip & mask) != (network & mask))
		return error_set(e, EINVAL, "%s: %s lies outside the network %s/%s", key, ip4_format(text, ip),
				 ip4_format(net, network & mask), ip4_format(m, mask));
	if ((ip & ~mask) == 0 || (ip & ~mask) == ~mask)
		return bad_address(e, key, ip, "is its network's own or broadcast address");
	return 0;
}

static int check_networks(const struct settings *s, struct error *e)
{
	uint32_t storage = s->storage_ip, mask = s->storage_netmask, boot = s->first_node_ip_netboot;
	struct {
		const char *key;
		uint32_t ip, network, mask;
	} all[] = {
		{"storage-ip", s->storage_ip, storage, mask},
		{"meta-master-ip", s->meta_master_ip, storage, mask},
		{"first-node-ip-netstorage", settings_storage_ip(s, 1), storage, mask},
		{"number-of-nodes: last storage address", settings_storage_ip(s, s->number_of_nodes), storage, mask},
		{"first-node-ip-netboot", settings_boot_ip(s, 1), boot, s->netmask_netboot},
		{"number-of-nodes: last boot address", settings_boot_ip(s, s->number_of_nodes), boot, s->netmask_netboot},
		{"primary-gateway-local-ip", s->primary_gateway_local_ip, boot, s->netmask_netboot},
		{"spare-local-ip", s->spare_local_ip, boot, s->netmask_netboot},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = check_inside(all[i].key, all[i].ip, all[i].network, all[i].mask, e);
	if (r == 0 && s->public_ip && s->public_router)
		r = check_inside("public-router", s->public_router, s->public_ip, s->public_netmask, e);
	if (r == 0 && s->public_ip && (s->public_ip & s->public_netmask) == (boot & s->public_netmask))
		r = bad_address(e, "public-ip", s->public_ip, "lies in the cluster's own network");
	return r;
}

static int check_portals(const struct settings *s, struct error *e)
{
	struct portal v[PORTALS_MAX];
	char ip[IP4_LEN];
	size_t n;
	int r = portals_parse(s->storage_portals, s->storage_port, v, &n, e);

	if (r < 0)
		return error_wrap(e, "storage-portals");
	for (size_t i = 0; i < n && r == 0; i++) {
		if (v[i].ip == s->storage_ip && v[i].port == s->storage_port)
			return error_set(e, EINVAL, "storage-portals: %s is storage-ip: name only the further ones",
					 ip4_format(ip, v[i].ip));
		r = check_inside("storage-portals", v[i].ip, s->storage_ip, s->storage_netmask, e);
	}
	return r;
}

static int check_apart(const struct range *a, const struct range *b, struct error *e)
{
	char text[IP4_LEN];
	uint32_t first = a->first > b->first ? a->first : b->first;

	if (a->first > b->last || b->first > a->last)
		return 0;
	return error_set(e, EINVAL, "%s and %s: both would have %s", a->what, b->what, ip4_format(text, first));
}

static int check_portals_apart(const struct settings *s, const struct range *meta, const struct range *spare, const struct range *nodes,
			       struct error *e)
{
	const struct range *others[] = {meta, spare, nodes};
	struct portal v[PORTALS_MAX];
	size_t n;
	int r = portals_parse(s->storage_portals, s->storage_port, v, &n, e);

	for (size_t i = 0; r == 0 && i < n * ARRAY_SIZE(others); i++) {
		const struct portal *p = &v[i / ARRAY_SIZE(others)];
		const struct range portal = {"storage-portals", p->ip, p->ip};

		r = check_apart(&portal, others[i % ARRAY_SIZE(others)], e);
	}
	return r;
}

/* The meta-master's address may be the spare one: the first is used only while the second is not. */
static int check_collisions(const struct settings *s, struct error *e)
{
	struct range storage = {"storage-ip", s->storage_ip, s->storage_ip};
	struct range meta = {"meta-master-ip", s->meta_master_ip, s->meta_master_ip};
	struct range spare = {"spare-local-ip", s->spare_local_ip, s->spare_local_ip};
	struct range nodes = {"the nodes' storage addresses", settings_storage_ip(s, 1), settings_storage_ip(s, s->number_of_nodes)};
	struct range boot = {"the nodes' boot addresses", settings_boot_ip(s, 1), settings_boot_ip(s, s->number_of_nodes)};
	const struct range *pairs[][2] = {{&storage, &meta}, {&storage, &spare}, {&storage, &nodes}, {&storage, &boot},
					  {&meta, &nodes},   {&meta, &boot},     {&spare, &nodes},   {&spare, &boot}};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pairs) && r == 0; i++)
		r = check_apart(pairs[i][0], pairs[i][1], e);
	r = r == 0 ? check_portals_apart(s, &meta, &spare, &nodes, e) : r;
	if (r == 0 && (nodes.first != boot.first))
		r = check_apart(&nodes, &boot, e);
	return r;
}

static bool is_node(const struct settings *s, uint32_t boot_ip)
{
	return boot_ip >= settings_boot_ip(s, 1) && boot_ip <= settings_boot_ip(s, s->number_of_nodes);
}

static int check_gateways(const struct settings *s, struct error *e)
{
	if (!is_node(s, s->primary_gateway_local_ip))
		return bad_address(e, "primary-gateway-local-ip", s->primary_gateway_local_ip, "is no node's boot address");
	if (!s->backup_gateway_local_ip)
		return 0;
	if (!is_node(s, s->backup_gateway_local_ip))
		return bad_address(e, "backup-gateway-local-ip", s->backup_gateway_local_ip, "is no node's boot address");
	if (s->backup_gateway_local_ip == s->primary_gateway_local_ip)
		return bad_address(e, "backup-gateway-local-ip", s->backup_gateway_local_ip, "is the primary gateway's too");
	return 0;
}

struct numbered_mac {
	struct mac mac;
	size_t number;
};

static int compare_macs(const void *a, const void *b)
{
	const struct numbered_mac *x = a, *y = b;
	int c = memcmp(&x->mac, &y->mac, sizeof(x->mac));

	return c ? c : (x->number > y->number) - (x->number < y->number);
}

static int check_doubled(const struct numbered_mac *m, size_t n, struct error *e)
{
	char text[MAC_LEN];

	for (size_t i = 1; i < n; i++)
		if (mac_equal(&m[i - 1].mac, &m[i].mac))
			return error_set(e, EINVAL, "mac.%zu: %s is mac.%zu too", m[i].number, mac_format(text, &m[i].mac),
					 m[i - 1].number);
	return 0;
}

static int check_macs(const struct settings *s, struct error *e)
{
	static const struct mac none;
	struct numbered_mac *m;
	int r;

	if (s->n_macs == 0 && s->mac_gather_procedure != MAC_MANUAL)
		return 0;
	for (size_t i = 0; i < s->number_of_nodes; i++)
		if (i >= s->n_macs || mac_equal(&s->macs[i], &none))
			return error_set(e, EINVAL, "mac.%zu: missing: number-of-nodes is %u", i + 1, s->number_of_nodes);
	if (s->n_macs > s->number_of_nodes)
		return error_set(e, EINVAL, "mac.%zu: number-of-nodes is only %u", s->n_macs, s->number_of_nodes);
	m = calloc(s->n_macs, sizeof(*m));
	if (!m)
		return error_errno(e, ENOMEM, "mac");
	for (size_t i = 0; i < s->n_macs; i++)
		m[i] = (struct numbered_mac){s->macs[i], i + 1};
	qsort(m, s->n_macs, sizeof(*m), compare_macs);
	r = check_doubled(m, s->n_macs, e);
	free(m);
	return r;
}

static int check_values(const struct settings *s, struct error *e)
{
	if (s->root_password_hash[0] && s->root_password_hash[0] != '$')
		return error_set(e, EINVAL, "root-password-hash: not a crypt(5) hash: make one with 'mkpasswd'");
	if (strchr(s->root_password_hash, ':'))
		return error_set(e, EINVAL, "root-password-hash: ':' is not allowed");
	if (s->chap_secret[0] && !s->chap_user[0])
		return error_set(e, EINVAL, "chap-secret: whose? Give chap-user as well");
	if (strlen(s->container_name) > 24)
		return error_set(e, EINVAL, "container-name: longer than 24 characters");
	return 0;
}

/* Every % of the command begins one of the names that it may hold, or is doubled. */
static int check_fencing(const struct settings *s, struct error *e)
{
	if (s->fencing == FENCING_COMMAND && !s->fence_command[strspn(s->fence_command, " ")])
		return error_set(e, EINVAL, "fencing: command: say which one in fence-command");
	for (const char *p = s->fence_command; (p = strchr(p, '%')); p += 2)
		if (!p[1] || !strchr("nNm%", p[1]))
			return error_set(e, EINVAL, "fence-command: '%.2s' is none of %%n, %%N, %%m and %%%%", p);
	if (s->store_size && s->store_size < STORE_MIN)
		return error_set(e, EINVAL, "store-size: less than %d MiB; 0: 10 %% of the image", STORE_MIN);
	return 0;
}

int settings_check(const struct settings *s, struct error *e)
{
	int r = check_values(s, e);

	if (r == 0)
		r = check_fencing(s, e);
	if (r == 0)
		r = check_networks(s, e);
	if (r == 0)
		r = check_portals(s, e);
	if (r == 0)
		r = check_collisions(s, e);
	if (r == 0)
		r = check_gateways(s, e);
	if (r == 0)
		r = check_macs(s, e);
	return r;
}
