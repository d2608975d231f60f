/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "params.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define WORD_MAX 1024

/* Each takes the value into P; on failure *WHY completes "NAME=VALUE: …". */
typedef int take_fn(struct params *p, const char *value, const char **why);

static int take_ip(uint32_t *ret, const char *value, const char **why)
{
	uint32_t ip;

	*why = "not an IPv4 address like 192.168.0.252";
	if (ip4_parse(value, &ip) < 0)
		return -EINVAL;
	*why = "not the address of one machine";
	if (ip >> 24 == 0 || ip >> 24 == 127 || ip >> 24 >= 224)
		return -EINVAL;
	*ret = ip;
	return 0;
}

static int take_storage_ip(struct params *p, const char *value, const char **why)
{
	return take_ip(&p->storage_ip, value, why);
}

static int take_sifip(struct params *p, const char *value, const char **why)
{
	return take_ip(&p->sifip, value, why);
}

static int take_sifnm(struct params *p, const char *value, const char **why)
{
	*why = "not a netmask like 255.255.255.0";
	if (ip4_parse(value, &p->sifnm) < 0)
		return -EINVAL;
	return ip4_mask_bits(p->sifnm) < 0 ? -EINVAL : 0;
}

static int take_storage_port(struct params *p, const char *value, const char **why)
{
	*why = "not a port number from 1 to 65535";
	return str_to_uint(value, 1, 65535, &p->storage_port) < 0 ? -EINVAL : 0;
}

static int take_sif(struct params *p, const char *value, const char **why)
{
	*why = "not the name of a network interface like eth0";
	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return -EINVAL;
	if (!value[0] || value[0] == '.' || str_copy(p->sif, sizeof(p->sif), value) < 0)
		return -EINVAL;
	p->sif_given = true;
	return 0;
}

static int add_module(struct params *p, const char *name, size_t len)
{
	if (len < 1 || len >= sizeof(p->sifm[0]) || p->n_sifm == PARAMS_MODULES)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
			return -EINVAL;
	memcpy(p->sifm[p->n_sifm], name, len);
	p->sifm[p->n_sifm++][len] = '\0';
	return 0;
}

static int take_sifm(struct params *p, const char *value, const char **why)
{
	*why = "not a list of at most 16 kernel modules like e1000,tg3";
	if (!*value)
		return 0;
	for (;;) {
		size_t len = strcspn(value, ",");

		if (add_module(p, value, len) < 0)
			return -EINVAL;
		if (!value[len])
			return 0;
		value += len + 1;
	}
}

static int take_ivid(struct params *p, const char *value, const char **why)
{
	*why = "not the name of an iSCSI target: it begins with iqn., eui. or naa.";
	if (!*value)
		return 0;
	if (!str_starts(value, "iqn.") && !str_starts(value, "eui.") && !str_starts(value, "naa."))
		return -EINVAL;
	for (const char *c = value; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(".:-_", *c))
			return -EINVAL;
	*why = "longer than 223 bytes";
	return str_copy(p->ivid, sizeof(p->ivid), value) < 0 ? -EINVAL : 0;
}

static int take_root(struct params *p, const char *value, const char **why)
{
	const char *name = value;

	*why = "not a container: write /dev/byre/NAME, NAME, or nothing for the only one on the SAN";
	if (str_starts(value, "/dev/evms/default"))
		name = value + strlen("/dev/evms/default");
	else if (str_starts(value, "/dev/byre/"))
		name = value + strlen("/dev/byre/");
	if (*value && !str_is_label(name))
		return -EINVAL;
	return str_copy(p->container, sizeof(p->container), name);
}

/* pxelinux: the hardware type (01 Ethernet, 20 InfiniBand) in front of the address. */
static int take_bootif(struct params *p, const char *value, const char **why)
{
	*why = "not a hardware address like 01-52-54-00-12-34-56";
	if (strlen(value) == MAC_LEN - 1 + 3)
		value += 3;
	if (mac_parse(value, &p->bootif) < 0)
		return -EINVAL;
	p->has_bootif = true;
	return 0;
}

static int take_live(struct params *p, const char *value, const char **why)
{
	*why = "not the name of a distribution like debian12";
	if (!str_is_label(value))
		return -EINVAL;
	return str_copy(p->live, sizeof(p->live), value);
}

static int take_portals(struct params *p, const char *value, const char **why)
{
	*why = "too long";
	return str_copy(p->portals_text, sizeof(p->portals_text), value);
}

static int take_mtu(struct params *p, const char *value, const char **why)
{
	*why = "not a number of bytes from 576 to 65520";
	return str_to_uint(value, 576, 65520, &p->mtu) < 0 ? -EINVAL : 0;
}

static int take_wait(struct params *p, const char *value, const char **why)
{
	*why = "not a number of seconds from 1 to 3600";
	return str_to_uint(value, 1, 3600, &p->wait) < 0 ? -EINVAL : 0;
}

static int take_init(struct params *p, const char *value, const char **why)
{
	*why = "not an absolute path like /sbin/init";
	return value[0] != '/' || str_copy(p->init, sizeof(p->init), value) < 0 ? -EINVAL : 0;
}

static const struct {
	const char *name;
	take_fn *take;
	const char *bare; /* what the bare word means; NULL: a value must follow */
} table[] = {
	{"storage_ip", take_storage_ip, NULL},
	{"storage_port", take_storage_port, NULL},
	{"sif", take_sif, NULL},
	{"sifip", take_sifip, NULL},
	{"sifnm", take_sifnm, NULL},
	{"sifm", take_sifm, NULL},
	{"ivid", take_ivid, NULL},
	{"root", take_root, NULL},
	{"BOOTIF", take_bootif, NULL},
	{"init", take_init, NULL},
	{"byre.live", take_live, "debian12"},
	{"byre.portals", take_portals, NULL},
	{"byre.mtu", take_mtu, NULL},
	{"byre.wait", take_wait, NULL},
};

static const struct params defaults = {
	.storage_ip = 0xc0a800fc, /* 192.168.0.252 */
	.storage_port = 3260,
	.sif = "eth0",
	.sifip = 0xc0a800fe, /* 192.168.0.254 */
	.sifnm = 0xffffff00,
	.wait = 30,
	.init = "/sbin/init",
};

/* The next word of *TEXT into WORD, its quotes taken off; a longer one than WORD_MAX is cut. False at the
 * end. */
static bool next_word(const char **text, char word[WORD_MAX])
{
	const char *c = *text;
	bool quoted = false;
	size_t n = 0;

	while (isspace((unsigned char)*c))
		c++;
	if (!*c)
		return false;
	for (; *c && (quoted || !isspace((unsigned char)*c)); c++) {
		if (*c == '"')
			quoted = !quoted;
		else if (n < WORD_MAX - 1)
			word[n++] = *c;
	}
	word[n] = '\0';
	*text = c;
	return true;
}

static int take_word(struct params *p, char *word, unsigned *seen, struct error *e)
{
	char *value = strchr(word, '=');
	const char *why = "";

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(word, table[i].name) != 0)
			continue;
		if (*seen & 1u << i)
			return 0;
		*seen |= 1u << i;
		if (!value && !table[i].bare)
			return error_set(e, EINVAL, "%s: a value must follow: %s=VALUE", word, word);
		if (table[i].take(p, value ? value : table[i].bare, &why) < 0)
			return error_set(e, EINVAL, "%s=%.64s: %s", word, value ? value : "", why);
		return 0;
	}
	return 0;
}

/* What no single parameter can tell. */
static int check(const struct params *p, struct error *e)
{
	char san[IP4_LEN], own[IP4_LEN];
	uint32_t host = p->sifip & ~p->sifnm;
	int bits = ip4_mask_bits(p->sifnm);

	ip4_format(san, p->storage_ip);
	ip4_format(own, p->sifip);
	if (p->live[0])
		return 0;
	if (host == 0 || host == ~p->sifnm)
		return error_set(e, EINVAL,
				 "sifip=%s: not the address of a machine in its network of %d bits: correct "
				 "sifip or sifnm",
				 own, bits);
	if (p->storage_ip == p->sifip)
		return error_set(e, EINVAL,
				 "storage_ip=%s: sifip is the same address: give the SAN's address, and one "
				 "of this machine's own",
				 san);
	if ((p->storage_ip ^ p->sifip) & p->sifnm)
		return error_set(e, EINVAL,
				 "storage_ip=%s: not in the network of sifip=%s/%d: correct storage_ip, "
				 "sifip or sifnm",
				 san, own, bits);
	return 0;
}

static int parse_portals(struct params *p, struct error *e)
{
	int r = portals_parse(p->portals_text, p->storage_port, p->portals, &p->n_portals, e);
	char ip[IP4_LEN];

	if (r < 0)
		return error_wrap(e, "byre.portals");
	for (size_t i = 0; i < p->n_portals && !p->live[0]; i++)
		if ((p->portals[i].ip ^ p->sifip) & p->sifnm || p->portals[i].ip == p->sifip)
			return error_set(e, EINVAL,
					 "byre.portals=%s: not another machine in the network of sifip: correct it, sifip or sifnm",
					 ip4_format(ip, p->portals[i].ip));
	return 0;
}

int params_parse(const char *cmdline, struct params *ret, struct error *e)
{
	struct params p = defaults;
	char word[WORD_MAX];
	unsigned seen = 0;
	int r;

	while (next_word(&cmdline, word) && strcmp(word, "---") != 0) {
		r = take_word(&p, word, &seen, e);
		if (r < 0)
			return r;
	}
	r = parse_portals(&p, e);
	if (r == 0)
		r = check(&p, e);
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}
