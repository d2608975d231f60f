/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/document.h"
#include "cluster/model.h"
#include "cluster/san.h"
#include "volmgr/compose.h"
#include "volmgr/paths.h"
#include "volmgr/registration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define LINK_PATIENCE  5000  /* ms in which a link comes up without our saying that we wait */
#define DISK_PATIENCE  10000 /* and the disk after the login */
#define PATHS_PATIENCE 3000  /* and those of all paths */
#define MAX_NICS       32
#define MAX_PLACES     8

/* What is found on the way; nothing of it is let go before the new root runs. */
struct boot {
	const struct params *p;
	struct netif nic;
	struct san san;
	struct container_place place;
	struct state_area *area;
	struct cluster cluster;
	const struct node *node;
	char root[256]; /* device */
};

/* --- network
 * ------------------------------------------------------------------------------------------------------- */

static void load_drivers(const struct params *p)
{
	struct error e;

	for (size_t i = 0; i < p->n_sifm; i++)
		if (module_load(p->sifm[i], &e) < 0)
			say("sifm: %s", e.text);
	wait_drain();
}

/* Loaded while the link comes up. */
static void load_storage(void)
{
	static const char *const names[] = {"crc32c", "iscsi_tcp", "sd_mod", "dm_thin_pool", "ext4", "iscsi_ibft"};
	struct error e;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (module_load(names[i], &e) < 0)
			say("%s", e.text);
}

static void wait_for_link(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	uint64_t start = clock_boot_ms();
	struct error e;

	while (!net_has_carrier(b->nic.index)) {
		if (clock_boot_ms() - start < LINK_PATIENCE) {
			wait_ms(20);
			continue;
		}
		error_set(&e, ENOLINK, "%s has no link: check its cable and the switch", b->nic.name);
		backoff_wait(&pause, &e);
	}
}

static void bring_network_up(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct error e = ERROR_INIT;
	char ip[IP4_LEN];

	phase_begin("network");
	load_drivers(b->p);
	while (net_up(b->p, &b->nic, &e) < 0)
		backoff_wait(&pause, &e);
	load_storage();
	wait_for_link(b);
	while (net_add_address(b->nic.index, b->p->sifip, b->p->sifnm, &e) < 0)
		backoff_wait(&pause, &e);
	phase_end("storage network up", "%s %s/%d", b->nic.name, ip4_format(ip, b->p->sifip), ip4_mask_bits(b->p->sifnm));
}

/* --- SAN
 * -----------------------------------------------------------------------------------------------------------
 */

static void log_in(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct error e = ERROR_INIT;
	char ip[IP4_LEN];

	phase_begin("san");
	while (iscsi_login(b->p, &b->nic.mac, &b->san, &e) < 0)
		backoff_wait(&pause, &e);
	phase_end("logged in to the SAN", "%s at %s:%u%s", b->san.target, ip4_format(ip, b->san.ip), b->san.port,
		  b->san.sessions > 1 ? " and more" : "");
}

/* 1: the one wanted is in b->place; 0: none of that name yet. */
static int look_for_container(struct boot *b, struct error *e)
{
	struct container_place v[MAX_PLACES];
	char names[256] = "";
	int n = container_find(b->p->container, v, MAX_PLACES, e);

	if (n < 0)
		return n;
	if (n == 1) {
		b->place = v[0];
		return 1;
	}
	if (n == 0 && !b->p->container[0])
		return error_set(e, ENOENT,
				 "the SAN's disk holds no container: install a cluster, or check storage_ip "
				 "and ivid"),
		       0;
	if (n > 1 && b->p->container[0])
		return error_set(e, EEXIST, "there are %d containers named %s: leave one disk connected", n, b->p->container);
	n = n ? n : container_find("", v, MAX_PLACES, NULL);
	for (int i = 0; i < n && i < MAX_PLACES; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "", v[i].name);
	if (!b->p->container[0])
		return error_set(e, EEXIST, "the SAN's disk holds several containers: name one in root=/dev/byre/NAME: %s", names);
	return error_set(e, ENOENT, "the SAN's disk holds no container %s: check root (there are: %s)", b->p->container,
			 *names ? names : "none"),
	       0;
}

/* Waits a little for the disks of all sessions; a path that is late comes in later (paths_tend). */
static int stand_on_paths(struct boot *b, struct error *e)
{
	uint64_t start = clock_boot_ms();
	unsigned least = 0;
	int r;

	if (!paths_wanted(&b->cluster))
		return 0;
	while ((r = paths_count(&b->cluster, &least, e)) < 0 || least < b->san.sessions) {
		if (clock_boot_ms() - start > PATHS_PATIENCE)
			break;
		wait_ms(50);
	}
	r = paths_compose(&b->cluster, &least, e);
	if (r == 0)
		r = container_find_one(b->place.name, &b->place, e);
	if (r < 0)
		return r;
	/* It was read by one path alone. */
	state_area_close(b->area);
	b->area = NULL;
	say("%u paths lead to %s", least, b->place.name);
	return 0;
}

static void find_container(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct error e = ERROR_INIT;
	uint64_t start = clock_boot_ms();
	int r;

	phase_begin("disk");
	while ((r = look_for_container(b, &e)) <= 0) {
		if (r == 0 && clock_boot_ms() - start < DISK_PATIENCE)
			wait_ms(50);
		else
			backoff_wait(&pause, &e);
	}
	phase_end("container found", "%s on %s", b->place.name, b->place.disk);
}

/* --- state
 * ----------------------------------------------------------------------------------------------------------
 */

static int open_area(struct boot *b, struct error *e)
{
	return b->area ? 0 : state_area_open(b->place.state, true, &b->area, e);
}

static int load_state(struct boot *b, struct state_report *report, struct error *e)
{
	int r = open_area(b, e);

	if (r < 0)
		return r;
	cluster_free(&b->cluster);
	cluster_init(&b->cluster);
	return state_area_load(b->area, &b->cluster, report, e);
}

static int find_node(struct boot *b, struct error *e)
{
	struct netif nics[MAX_NICS];
	char mac[MAC_LEN];
	int n;

	b->node = cluster_node_by_mac(&b->cluster, &b->nic.mac);
	if (!b->node && b->p->has_bootif)
		b->node = cluster_node_by_mac(&b->cluster, &b->p->bootif);
	n = b->node ? 0 : net_list(nics, MAX_NICS, e);
	for (int i = 0; i < n && !b->node; i++)
		b->node = cluster_node_by_mac(&b->cluster, &nics[i].mac);
	if (n < 0 || b->node)
		return n < 0 ? n : 0;
	return error_set(e, ENODEV, "this machine's MAC %s is no node of cluster %s: 'byre status' on a node lists those it knows",
			 mac_format(mac, &b->nic.mac), b->place.name);
}

/* B's node is of the state that was read with it. */
static int load(struct boot *b, struct state_report *report, struct error *e)
{
	int r;

	b->node = NULL;
	r = load_state(b, report, e);
	return r == 0 ? find_node(b, e) : r;
}

static void read_state(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct state_report report = {0};
	struct error e = ERROR_INIT;

	phase_begin("state");
	while (load(b, &report, &e) < 0)
		backoff_wait(&pause, &e);
	if (report.warning[0])
		say("state: %s", report.warning);
	phase_end("state read", "generation %llu, this is node %u, %s", (unsigned long long)report.generation, b->node->number,
		  b->node->name);
}

/* --- root
 * -----------------------------------------------------------------------------------------------------------
 */

static int compose_one(struct boot *b, const char *const *pvs, enum volume_kind kind, char ret_path[256], struct error *e)
{
	const struct volume *v = cluster_node_volume(&b->cluster, b->node->number, kind);

	if (!v && kind == VOLUME_ROOT)
		return error_set(e, ENOENT, "the state has no root volume for node %u: add the node again", b->node->number);
	return v ? volume_compose(&b->cluster, v, pvs, ret_path, e) : 0;
}

/* Before anything is written: a SAN that is reserved takes writes only from those who are on its list. A boot that was fenced while it waited has ended. */
static int register_here(const struct boot *b, const char *const *pvs, struct error *e)
{
	int r = fence_register(&b->cluster, pvs, b->node->number, NULL, e);

	if (r == -EKEYREJECTED)
		fence_restart(e->text);
	return r;
}

/* The disks, with this machine on the list of those who may write. */
static int find_disks(const struct boot *b, const char ***ret_pvs, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	int r = cluster_pv_paths(&b->cluster, &pvs, e);

	if (r == 0)
		r = register_here(b, pvs, e);
	if (r == 0)
		*ret_pvs = steal_ptr(pvs);
	return r;
}

static int wait_for_change(struct boot *b, struct claim *k, struct error *e)
{
	bool told = false;
	int r;

	while ((r = claim_wait(b->area, k, clock_boot_ms(), e)) > 0) {
		if (!told)
			say("waiting: machine %u holds the lease, and may not have seen that this one boots", k->holder);
		told = true;
		wait_ms(50);
	}
	return r;
}

/* From now on nobody takes the root away, and what was going on has ended: so the state is read anew. */
static int claim_root(struct boot *b, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	struct claim k;
	int r = find_disks(b, &pvs, e);

	if (r == 0)
		r = open_area(b, e);
	if (r == 0)
		r = claim_begin(b->area, &b->cluster, b->node->number, clock_boot_ms(), &k, e);
	if (r == 0)
		r = wait_for_change(b, &k, e);
	return r == 0 ? load(b, NULL, e) : r;
}

static int compose(struct boot *b, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	char swap[256];
	int r = b->node ? 0 : load(b, NULL, e);

	if (r == 0)
		r = stand_on_paths(b, e);
	if (r == 0)
		r = claim_root(b, e);
	if (r == 0)
		r = find_disks(b, &pvs, e);
	if (r < 0)
		return r;
	r = compose_one(b, pvs, VOLUME_ROOT, b->root, e);
	return r < 0 ? r : compose_one(b, pvs, VOLUME_SWAP, swap, e);
}

static void compose_root(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct error e = ERROR_INIT;

	phase_begin("volumes");
	while (compose(b, &e) < 0)
		backoff_wait(&pause, &e);
	phase_end("volumes composed", "%s, image %s", b->root, b->node->image);
}

static void mount_root(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct error e = ERROR_INIT;
	char size[32];
	uint64_t bytes = 0;
	int grown;

	phase_begin("mount");
	while (fs_mount(b->root, NEW_ROOT, "ext4", MS_NOATIME, NULL, &e) < 0)
		backoff_wait(&pause, &e);
	grown = fs_grow_ext4(b->root, NEW_ROOT, &bytes, &e);
	if (grown < 0)
		say("root: %s", e.text);
	/* After growing: else ext4 fills the new inode tables with zeros in the background, 1.6 % of the
	 * volume, all private blocks. */
	if (fs_mount(b->root, NEW_ROOT, "ext4", MS_REMOUNT | MS_NOATIME, "noinit_itable", &e) < 0)
		say("root: %s", e.text);
	str_bytes(size, sizeof(size), bytes);
	phase_end("root mounted", "%s%s", grown > 0 ? "grown to " : "", size);
}

/* --- identity
 * ---------------------------------------------------------------------------------------------------------
 */

static int write_identity(const struct boot *b, struct error *e)
{
	cleanup_fd int root = open(NEW_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[NAME_SIZE + 2];
	int r;

	if (root < 0)
		return error_errno(e, errno, NEW_ROOT);
	snprintf(text, sizeof(text), "%s\n", b->node->name);
	r = file_update(root, "etc/hostname", 0644, text, strlen(text), e);
	if (r < 0)
		return r;
	if (sethostname(b->node->name, strlen(b->node->name)) < 0)
		return error_errno(e, errno, "host name %s", b->node->name);
	snprintf(text, sizeof(text), "%s\n", b->node->machine_id);
	return file_update(root, "etc/machine-id", 0444, text, strlen(text), e);
}

static int write_run(const struct boot *b, struct error *e)
{
	struct buf document cleanup_buf = BUF_INIT, san cleanup_buf = BUF_INIT;
	const struct san_reached reached = {
		.portal_ip = b->san.ip,
		.portal_port = b->san.port,
		.target = b->san.target,
		.initiator = b->san.initiator,
		.interface = b->nic.name,
		.mac = &b->nic.mac,
		.address = b->p->sifip,
		.netmask = b->p->sifnm,
		.container = b->place.name,
		.disk = b->place.disk,
		.state = b->place.state,
	};
	char number[16];
	int r = document_print(&b->cluster, &document, e);

	if (r < 0)
		return r;
	r = run_write("state.json", 0600, buf_str(&document), e);
	if (r < 0)
		return r;
	snprintf(number, sizeof(number), "%u\n", b->node->number);
	r = run_write("node", 0644, number, e);
	if (r < 0)
		return r;
	san_print(&reached, &san);
	return run_write("san", 0644, buf_str(&san), e);
}

/* A machine started from the medium came in with an address for all: from now on it has its own as well. */
static int add_own_address(const struct boot *b, struct error *e)
{
	uint32_t own = b->node->storage_ip;

	if (!own || own == b->p->sifip)
		return 0;
	return net_add_address(b->nic.index, own, b->p->sifnm, e);
}

static void become_node(struct boot *b)
{
	struct backoff pause = backoff_begin(b->p);
	struct error e = ERROR_INIT;

	phase_begin("identity");
	while (add_own_address(b, &e) < 0 || write_identity(b, &e) < 0 || write_run(b, &e) < 0)
		backoff_wait(&pause, &e);
	phase_end("identity written", "%s", b->node->name);
}

void sanroot_mount(const struct params *p)
{
	static struct boot b; /* stays until the new root runs */

	b.p = p;
	cluster_init(&b.cluster);
	bring_network_up(&b);
	log_in(&b);
	find_container(&b);
	read_state(&b);
	compose_root(&b);
	mount_root(&b);
	become_node(&b);
}
