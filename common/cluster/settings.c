/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/settings.h"

#include "base/ini.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const connection_kinds[] = {"ethernet", "infiniband", NULL};
static const char *const mac_gathers[] = {"automatic", "manual", "from-file", NULL};
static const char *const fencings[] = {"automatic", "reservation", "command", "wait", NULL};

#define F(field)           offsetof(struct settings, field), sizeof(((struct settings *)0)->field)
#define TEXT(field)        SET_TEXT, F(field), 0, 0, NULL
#define WORDS(field)       SET_WORDS, F(field), 0, 0, NULL
#define SECRET(field)      SET_SECRET, F(field), 0, 0, NULL
#define LABEL(field)       SET_LABEL, F(field), 0, 0, NULL
#define IP(field)          SET_IP, F(field), 0, 0, NULL
#define MASK(field)        SET_MASK, F(field), 0, 0, NULL
#define UINT(field, a, b)  SET_UINT, F(field), a, b, NULL
#define SIZE(field, a, b)  SET_SIZE, F(field), a, b, NULL
#define BOOL(field)        SET_BOOL, F(field), 0, 0, NULL
#define CHOICE(field, all) SET_CHOICE, F(field), 0, 0, all

const char *fencing_name(enum fencing f)
{
	return (unsigned)f <= FENCING_WAIT ? fencings[f] : "?";
}

const struct setting settings_table[] = {
	{"base-distribution", LABEL(base_distribution), "debian12", "distribution of the node image, an archive on the medium"},
	{"storage-ip", IP(storage_ip), NULL, "address of the SAN"},
	{"storage-netmask", MASK(storage_netmask), "255.255.255.0", "netmask of the storage network"},
	{"storage-port", UINT(storage_port, 1, 65535), "3260", "TCP port of the SAN's iSCSI service"},
	{"storage-portals", TEXT(storage_portals), "",
	 "further portals of the SAN, IP[:PORT] with commas between: every node logs in through all that answer; empty: only storage-ip"},
	{"meta-master-ip", IP(meta_master_ip), ".253", "address of this machine during the installation"},
	{"connection-kind", CHOICE(connection_kind, connection_kinds), "ethernet", "network that leads to the SAN"},
	{"number-of-nodes", UINT(number_of_nodes, 1, CLUSTER_MAX_NODES), NULL, "nodes of the cluster, this machine included"},
	{"iscsi-target", TEXT(iscsi_target), "",
	 "iSCSI name of the target, with ,LUN behind it when it has several disks; empty: the only one there is"},
	{"chap-user", TEXT(chap_user), "", "name with which this machine logs in to the SAN (CHAP); empty: none"},
	{"chap-secret", SECRET(chap_secret), "",
	 "secret of chap-user; used to install, and recorded nowhere: the nodes have it from their firmware (iBFT)"},
	{"volume-size", SIZE(volume_size, 512, 1 << 20), "5120", "size of each node's root volume"},
	{"swap-size", SIZE(swap_size, 0, 1 << 20), "2048", "size of each node's swap volume; 0: none"},
	{"shared-size", SIZE(shared_size, 0, 1 << 26), "10240", "size of the volume shared among the nodes; 0: none"},
	{"store-size", SIZE(store_size, 0, 1 << 20), "0",
	 "space for the private blocks of each node's root volume to begin with; 0: 10 % of the image, at least 256"},
	{"free-space-allocation", TEXT(free_space_allocation), "largest",
	 "free segment that holds the container: largest, or START-END in MiB of the disk"},
	{"container-name", LABEL(container_name), "=base-distribution", "installations on one SAN have different container names"},
	{"shared-fs-id", LABEL(shared_fs_id), "sharedfs", "identifier of the shared file system"},
	{"primary-gateway-local-ip", IP(primary_gateway_local_ip), ".1", "local address of the primary gateway node"},
	{"backup-gateway-local-ip", IP(backup_gateway_local_ip), ".2", "local address of the backup gateway node"},
	{"spare-local-ip", IP(spare_local_ip), ".253", "spare local address, held by the gateway of the moment"},
	{"public-ip", IP(public_ip), "", "address of the gateway in the external network; empty: no external network"},
	{"public-netmask", MASK(public_netmask), "255.255.255.0", "netmask of the external network"},
	{"public-router", IP(public_router), "", "router of the external network"},
	{"public-dns", IP(public_dns), "", "DNS server of the external network"},
	{"domain", SET_DOMAIN, F(domain), 0, 0, NULL, "cluster.internal", "default domain name"},
	{"confirm-ext-if", BOOL(confirm_ext_if), "yes", "the external network interface found is accepted"},
	{"confirm-boot-if", BOOL(confirm_boot_if), "yes", "the boot network interface found is accepted"},
	{"ext-if", TEXT(ext_if), "", "external network interface; empty: found by itself"},
	{"boot-if", TEXT(boot_if), "", "boot network interface; empty: found by itself"},
	{"storage-if", TEXT(storage_if), "", "storage network interface; empty: found by itself"},
	{"storage-modules", TEXT(storage_modules), "", "kernel modules that bring up the storage interface; empty: found by itself"},
	{"first-node-ip-netboot", IP(first_node_ip_netboot), "=first-node-ip-netstorage", "boot address of node 1; the others follow"},
	{"netmask-netboot", MASK(netmask_netboot), "=storage-netmask", "netmask of the boot network"},
	{"first-node-ip-netstorage", IP(first_node_ip_netstorage), ".1", "storage address of node 1; the others follow"},
	{"cluster-hostname", SET_LABEL, F(cluster_hostname), 0, 0, NULL, "node", "host names are this and the node's number"},
	{"mac-gather-procedure", CHOICE(mac_gather_procedure, mac_gathers), "manual", "how the nodes' MAC addresses are gathered"},
	{"lease-timeout", UINT(lease_timeout, 1, 60), "5", "seconds an answer of the SAN may take before the lease counts it as missing"},
	{"root-password-hash", TEXT(root_password_hash), "", "root's password as crypt(5) hash; empty: no password login"},
	{"fencing", CHOICE(fencing, fencings), "automatic",
	 "how a node that seems dead is kept from writing; automatic: found out by a probe of the SAN"},
	{"fence-command", WORDS(fence_command), "",
	 "program and arguments that switch a node off for sure: %n its number, %N its name, %m its MAC address; empty: none"},
	{"unattended", BOOL(unattended), "no", "install from this file without a question"},
	{NULL, SET_TEXT, 0, 0, 0, 0, NULL, NULL, NULL},
};

/* In an answers file this key gives both addresses of the only network. */
#define BOTH_NETS "first-node-ip-netboot-netstorage"

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
}

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < s->n_ssh_keys; i++)
		free(s->ssh_keys[i]);
	free(s->ssh_keys);
	free(s->macs);
	settings_init(s);
}

static const struct setting *find(const char *key)
{
	for (const struct setting *d = settings_table; d->key; d++)
		if (strcmp(d->key, key) == 0)
			return d;
	return NULL;
}

static void *field(struct settings *s, const struct setting *d)
{
	return (char *)s + d->offset;
}

static const void *const_field(const struct settings *s, const struct setting *d)
{
	return (const char *)s + d->offset;
}

/* --- one value ------------------------------------------------------------------------------------------------------ */

static int set_text(char *dst, const struct setting *d, const char *value, struct error *e)
{
	if (d->type == SET_LABEL && !str_is_label(value))
		return error_set(e, EINVAL, "%s: '%.80s' is no name: use a-z, 0-9 and '-' (63 characters at most)", d->key, value);
	if (d->type == SET_DOMAIN && !str_is_domain(value))
		return error_set(e, EINVAL, "%s: '%.80s' is no domain name", d->key, value);
	for (const char *p = value; *p; p++)
		if (*p < ' ' || *p > '~' || (*p == ' ' && d->type != SET_WORDS))
			return error_set(e, EINVAL, "%s: %scontrol characters are not allowed", d->key,
					 d->type == SET_WORDS ? "" : "blanks and ");
	if (str_copy(dst, d->size, value) < 0)
		return error_set(e, EINVAL, "%s: longer than %zu characters", d->key, d->size - 1);
	return 0;
}

static int set_ip(uint32_t *dst, const struct setting *d, const char *value, struct error *e)
{
	uint32_t ip = 0;

	if (*value && ip4_parse(value, &ip) < 0)
		return error_set(e, EINVAL, "%s: '%.40s' is no IPv4 address", d->key, value);
	if (d->type == SET_MASK && ip4_mask_bits(ip) < 0)
		return error_set(e, EINVAL, "%s: '%.40s' is no netmask", d->key, value);
	if (d->type == SET_IP && *value && (ip >> 24 == 0 || ip >> 24 == 127 || ip >> 28 >= 14))
		return error_set(e, EINVAL, "%s: %.40s is no address of a host", d->key, value);
	*dst = ip;
	return 0;
}

static int set_number(void *dst, const struct setting *d, const char *value, struct error *e)
{
	uint64_t n = 0;
	int r = str_to_u64(value, d->min, d->max, &n);

	if (r < 0)
		return error_set(e, EINVAL, "%s: '%.40s' is not a number from %" PRIu64 " to %" PRIu64 "%s", d->key, value, d->min, d->max,
				 d->type == SET_SIZE ? " (MiB)" : "");
	if (d->type == SET_SIZE)
		*(uint64_t *)dst = n;
	else
		*(unsigned *)dst = (unsigned)n;
	return 0;
}

/* A choice is given by its name or by its number, counted from 1. */
static int set_choice(unsigned *dst, const struct setting *d, const char *value, struct error *e)
{
	char all[160] = "";
	unsigned n = 0, count = 0;

	for (; d->choice[count]; count++) {
		size_t used = strlen(all);

		if (strcmp(d->choice[count], value) == 0)
			n = count + 1;
		snprintf(all + used, sizeof(all) - used, "%s%s", count ? ", " : "", d->choice[count]);
	}
	if (!n && str_to_uint(value, 1, count, &n) < 0)
		return error_set(e, EINVAL, "%s: '%.40s' is none of %s", d->key, value, all);
	*dst = n - 1;
	return 0;
}

static int set_value(struct settings *s, const struct setting *d, const char *value, struct error *e)
{
	void *dst = field(s, d);

	switch (d->type) {
	case SET_TEXT:
	case SET_WORDS:
	case SET_SECRET:
	case SET_LABEL:
	case SET_DOMAIN:
		return set_text(dst, d, value, e);
	case SET_IP:
	case SET_MASK:
		return set_ip(dst, d, value, e);
	case SET_UINT:
	case SET_SIZE:
		return set_number(dst, d, value, e);
	case SET_BOOL:
		if (str_to_bool(value, dst) < 0)
			return error_set(e, EINVAL, "%s: '%.40s' is neither yes nor no", d->key, value);
		return 0;
	case SET_CHOICE:
		return set_choice(dst, d, value, e);
	}
	return error_set(e, EINVAL, "%s: unknown type", d->key);
}

int settings_set(struct settings *s, const char *key, const char *value, struct error *e)
{
	const struct setting *d = find(key);

	if (!d)
		return error_set(e, ENOENT, "%.60s: no such key", key);
	if (!value && (!d->def || *d->def == '.' || *d->def == '='))
		return error_set(e, EINVAL, "%s: missing: it has no default", d->key);
	return set_value(s, d, value ? value : d->def, e);
}

void settings_format(const struct settings *s, const struct setting *d, struct buf *b)
{
	const void *src = const_field(s, d);
	char ip[IP4_LEN];

	switch (d->type) {
	case SET_TEXT:
	case SET_WORDS:
	case SET_LABEL:
	case SET_DOMAIN:
		buf_puts(b, src);
		break;
	case SET_SECRET:
		break;
	case SET_IP:
	case SET_MASK:
		if (*(const uint32_t *)src)
			buf_puts(b, ip4_format(ip, *(const uint32_t *)src));
		break;
	case SET_UINT:
		buf_printf(b, "%u", *(const unsigned *)src);
		break;
	case SET_SIZE:
		buf_printf(b, "%" PRIu64, *(const uint64_t *)src);
		break;
	case SET_BOOL:
		buf_puts(b, *(const bool *)src ? "yes" : "no");
		break;
	case SET_CHOICE:
		buf_puts(b, d->choice[*(const unsigned *)src]);
		break;
	}
}

/* --- an answers file -------------------------------------------------------------------------------------------------- */

struct parse {
	struct settings *s;
	bool seen[sizeof(settings_table) / sizeof(settings_table[0])];
	bool mac_seen[CLUSTER_MAX_NODES + 1];
	unsigned highest_mac;
};

static bool is_printable(const char *s)
{
	while (*s >= ' ' && *s <= '~')
		s++;
	return !*s;
}

static int add_ssh_key(struct settings *s, const char *value, struct error *e)
{
	char **more;

	if (!str_starts(value, "ssh-") && !str_starts(value, "ecdsa-") && !str_starts(value, "sk-"))
		return error_set(e, EINVAL, "ssh-key: '%.30s' does not begin like a public key", value);
	if (strlen(value) > 8192 || !is_printable(value))
		return error_set(e, EINVAL, "ssh-key: not one line of printable ASCII");
	more = realloc(s->ssh_keys, (s->n_ssh_keys + 1) * sizeof(*more));
	if (!more)
		return error_errno(e, ENOMEM, "ssh-key");
	s->ssh_keys = more;
	more[s->n_ssh_keys] = strdup(value);
	if (!more[s->n_ssh_keys])
		return error_errno(e, ENOMEM, "ssh-key");
	s->n_ssh_keys++;
	return 0;
}

static int add_mac(struct parse *p, const char *key, const char *value, struct error *e)
{
	struct settings *s = p->s;
	unsigned n;

	if (str_to_uint(key + strlen("mac."), 1, CLUSTER_MAX_NODES, &n) < 0)
		return error_set(e, EINVAL, "%.60s: write mac.N with a node's number from 1 to %d", key, CLUSTER_MAX_NODES);
	if (p->mac_seen[n])
		return error_set(e, EINVAL, "%s: given twice", key);
	if (n > s->n_macs) {
		struct mac *more = realloc(s->macs, n * sizeof(*more));

		if (!more)
			return error_errno(e, ENOMEM, "%s", key);
		memset(more + s->n_macs, 0, (n - s->n_macs) * sizeof(*more));
		s->macs = more;
		s->n_macs = n;
	}
	if (mac_parse(value, &s->macs[n - 1]) < 0)
		return error_set(e, EINVAL, "%s: '%.40s' is no MAC address of one machine (aa:bb:cc:dd:ee:ff)", key, value);
	p->mac_seen[n] = true;
	return 0;
}

static int set_once(struct parse *p, const char *key, const char *value, struct error *e)
{
	const struct setting *d = find(key);

	if (!d)
		return error_set(e, EINVAL, "%.60s: unknown key", key);
	if (p->seen[d - settings_table])
		return error_set(e, EINVAL, "%s: given twice", key);
	p->seen[d - settings_table] = true;
	return set_value(p->s, d, value, e);
}

static int on_pair(const char *key, const char *value, void *data, struct error *e)
{
	struct parse *p = data;
	int r;

	if (strcmp(key, "ssh-key") == 0)
		return add_ssh_key(p->s, value, e);
	if (str_starts(key, "mac."))
		return add_mac(p, key, value, e);
	if (strcmp(key, BOTH_NETS) != 0)
		return set_once(p, key, value, e);
	r = set_once(p, "first-node-ip-netboot", value, e);
	return r < 0 ? r : set_once(p, "first-node-ip-netstorage", value, e);
}

static int set_default(struct parse *p, const struct setting *d, struct error *e)
{
	struct settings *s = p->s;
	unsigned host;

	if (!d->def)
		return error_set(e, EINVAL, "%s: missing: it has no default", d->key);
	if (d->def[0] == '.') {
		str_to_uint(d->def + 1, 0, 255, &host);
		*(uint32_t *)field(s, d) = (s->storage_ip & s->storage_netmask) | host;
		return 0;
	}
	if (d->def[0] == '=') {
		const struct setting *from = find(d->def + 1);

		if (!p->seen[from - settings_table] && from > d && set_default(p, from, e) < 0)
			return -EINVAL;
		memcpy(field(s, d), const_field(s, from), d->size);
		return 0;
	}
	return set_value(s, d, d->def, e);
}

/* The backup gateway of a cluster of one node is nobody, unless it is said. */
static void fit_single_node(struct parse *p)
{
	const struct setting *d = find("backup-gateway-local-ip");

	if (p->s->number_of_nodes == 1 && !p->seen[d - settings_table])
		p->s->backup_gateway_local_ip = 0;
}

int settings_parse(const char *name, const char *text, size_t len, struct settings *ret, struct error *e)
{
	struct parse p = {.s = ret};
	int r = ini_parse(name, text, len, on_pair, &p, e);

	if (r < 0) {
		settings_free(ret);
		return r;
	}
	for (const struct setting *d = settings_table; d->key && r == 0; d++)
		if (!p.seen[d - settings_table])
			r = set_default(&p, d, e);
	if (r == 0) {
		fit_single_node(&p);
		r = settings_check(ret, e);
	}
	if (r < 0) {
		settings_free(ret);
		return error_wrap(e, "%s", name);
	}
	return 0;
}

static void print_pair(const struct settings *s, const struct setting *d, struct buf *b)
{
	buf_printf(b, "# %s%s\n%s = ", d->meaning, d->type == SET_SIZE ? ", in MiB" : "", d->key);
	settings_format(s, d, b);
	buf_puts(b, "\n");
}

void settings_print(const struct settings *s, struct buf *b)
{
	char mac[MAC_LEN];

	buf_puts(b, "# INSTALL.info: what this cluster was installed from. byre-install --answers reads it again.\n\n");
	for (const struct setting *d = settings_table; d->key; d++)
		print_pair(s, d, b);
	if (s->n_ssh_keys)
		buf_puts(b, "# public keys that may log in as root\n");
	for (size_t i = 0; i < s->n_ssh_keys; i++)
		buf_printf(b, "ssh-key = %s\n", s->ssh_keys[i]);
	if (s->n_macs)
		buf_puts(b, "# MAC addresses of the nodes' boot interfaces\n");
	for (size_t i = 0; i < s->n_macs; i++)
		buf_printf(b, "mac.%zu = %s\n", i + 1, mac_format(mac, &s->macs[i]));
}

uint32_t settings_boot_ip(const struct settings *s, unsigned number)
{
	return s->first_node_ip_netboot + number - 1;
}

uint32_t settings_storage_ip(const struct settings *s, unsigned number)
{
	return s->first_node_ip_netstorage + number - 1;
}
