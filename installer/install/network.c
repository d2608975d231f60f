/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/interrupt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SYS_NET   "/sys/class/net"
#define LINK_WAIT 15 /* seconds for a cable's link: a switch with spanning tree takes longer, then the SAN's own wait helps */

/* --- what the kernel says about interfaces ---------------------------------------------------------------------------- */

static int read_attribute(const char *interface, const char *name, char *dst, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), SYS_NET "/%s/%s", interface, name);
	return file_read_text(path, dst, size, NULL);
}

static bool has_link(const char *interface)
{
	char text[8];

	return read_attribute(interface, "carrier", text, sizeof(text)) == 0 && text[0] == '1';
}

static bool has_mac(const char *interface, const struct mac *mac)
{
	char text[64];
	struct mac got;

	return read_attribute(interface, "address", text, sizeof(text)) == 0 && mac_parse(text, &got) == 0 && mac_equal(&got, mac);
}

/* A network card, not a bridge, a tunnel or lo. */
static bool is_card(const char *interface)
{
	char path[256];

	snprintf(path, sizeof(path), SYS_NET "/%s/device", interface);
	return access(path, F_OK) == 0;
}

typedef bool wanted_fn(const char *interface, const void *arg);

/* The interfaces for which WANTED holds: their number, the first one's name in RET. */
static unsigned find_interfaces(wanted_fn *wanted, const void *arg, char ret[16])
{
	cleanup_dir DIR *d = opendir(SYS_NET);
	unsigned n = 0;

	for (struct dirent *de = d ? readdir(d) : NULL; de; de = readdir(d)) {
		if (de->d_name[0] == '.' || strlen(de->d_name) > 15 || !wanted(de->d_name, arg))
			continue;
		if (n++ == 0)
			str_copy(ret, 16, de->d_name);
	}
	return n;
}

static bool wanted_mac(const char *interface, const void *arg)
{
	return has_mac(interface, arg);
}

/* Any other card that has a link. */
static bool wanted_other(const char *interface, const void *arg)
{
	return is_card(interface) && strcmp(interface, arg) != 0 && has_link(interface);
}

/* --- what we tell the kernel -------------------------------------------------------------------------------------------- */

static void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int bring_up(const char *interface, struct error *e)
{
	return spawn_simple(e, "ip", "link", "set", "dev", interface, "up", NULL);
}

static bool bring_up_card(const char *interface, const void *arg)
{
	(void)arg;
	return is_card(interface) && bring_up(interface, NULL) == 0;
}

static int wait_link(const char *interface, struct error *e)
{
	for (int i = 0; i < LINK_WAIT * 10; i++) {
		int r = interrupt_check(e);

		if (r < 0)
			return r;
		if (has_link(interface))
			return 0;
		sleep_ms(100);
	}
	return error_set(e, ENETDOWN, "%s has no link: check its cable", interface);
}

static bool is_ours(const char *interface, const char *ip)
{
	const char *argv[] = {"ip", "-4", "-o", "address", "show", "dev", interface, "to", ip, NULL};
	struct spawn s = {.argv = argv};
	cleanup_free char *out = NULL;

	return spawn_run(&s, &out, NULL, NULL) == 0 && *out;
}

static int add_address(const char *interface, uint32_t ip, uint32_t mask, struct error *e)
{
	char text[IP4_LEN], with_bits[IP4_LEN + 4], mac_text[MAC_LEN];
	struct mac owner;
	int r;

	ip4_format(text, ip);
	if (is_ours(interface, text))
		return 0;
	r = arp_probe(interface, ip, &owner, e);
	if (r < 0)
		return r;
	if (r > 0)
		return error_set(e, EADDRINUSE, "%s is in use by the machine with MAC address %s", text, mac_format(mac_text, &owner));
	snprintf(with_bits, sizeof(with_bits), "%s/%d", text, ip4_mask_bits(mask));
	r = spawn_simple(e, "ip", "address", "replace", with_bits, "broadcast", "+", "dev", interface, NULL);
	if (r == 0)
		tell("network: %s has %s", interface, with_bits);
	return r;
}

/* --- the steps ---------------------------------------------------------------------------------------------------------- */

static int check_given(const char *key, const char *interface, struct error *e)
{
	if (if_nametoindex(interface) == 0)
		return error_set(e, ENODEV, "%s: this machine has no interface %s", key, interface);
	return bring_up(interface, e);
}

static int choose_boot(struct install *in, struct error *e)
{
	const struct settings *s = &in->settings;
	char mac[MAC_LEN];

	if (s->boot_if[0]) {
		str_copy(in->boot_if, sizeof(in->boot_if), s->boot_if);
		return check_given("boot-if", in->boot_if, e);
	}
	if (find_interfaces(wanted_mac, &s->macs[0], in->boot_if) == 0)
		return error_set(e, ENODEV, "mac.1: no interface of this machine has %s: node 1 is the machine that installs",
				 mac_format(mac, &s->macs[0]));
	return bring_up(in->boot_if, e);
}

static bool one_network(const struct settings *s)
{
	uint32_t mask = s->storage_netmask;

	return s->netmask_netboot == mask && (s->first_node_ip_netboot & mask) == (s->storage_ip & mask);
}

static int choose_storage(struct install *in, struct error *e)
{
	const struct settings *s = &in->settings;
	unsigned n = 0;

	if (s->storage_if[0]) {
		str_copy(in->storage_if, sizeof(in->storage_if), s->storage_if);
		return check_given("storage-if", in->storage_if, e);
	}
	if (one_network(s)) {
		str_copy(in->storage_if, sizeof(in->storage_if), in->boot_if);
		return 0;
	}
	for (int i = 0; i < LINK_WAIT * 10 && n == 0; i++) {
		n = find_interfaces(wanted_other, in->boot_if, in->storage_if);
		if (n == 0)
			sleep_ms(100);
	}
	if (n == 1)
		return 0;
	if (n > 1)
		return error_set(e, ENODEV, "storage-if: several interfaces have a link: name the one that leads to the SAN");
	return error_set(e, ENODEV, "storage-if: no interface but %s has a link: check the cable to the SAN", in->boot_if);
}

int step_network(struct install *in, struct error *e)
{
	const struct settings *s = &in->settings;
	char unused[16];
	int r;

	find_interfaces(bring_up_card, NULL, unused);
	r = choose_boot(in, e);
	if (r == 0)
		r = choose_storage(in, e);
	if (r == 0)
		r = wait_link(in->storage_if, e);
	if (r < 0)
		return r;
	tell("network: boot interface %s, storage interface %s", in->boot_if, in->storage_if);
	r = add_address(in->storage_if, s->meta_master_ip, s->storage_netmask, e);
	return r < 0 ? error_wrap(e, "meta-master-ip") : 0;
}

int network_become_node(const struct install *in, const struct node *n, struct error *e)
{
	const struct settings *s = &in->settings;
	int r = add_address(in->storage_if, n->storage_ip, s->storage_netmask, e);

	if (r == 0 && (n->boot_ip != n->storage_ip || strcmp(in->boot_if, in->storage_if) != 0))
		r = add_address(in->boot_if, n->boot_ip, s->netmask_netboot, e);
	return r < 0 ? error_wrap(e, "address of %s", n->name) : 0;
}
